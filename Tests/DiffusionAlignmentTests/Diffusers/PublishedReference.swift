import Foundation

/// A published network in Double, channels first and tensor by tensor under its published name: written from
/// the formulas of the papers and sharing nothing with what it tests.
struct PublishedReference {
  /// A picture, channels first.
  struct Picture {
    var channels: Int
    var height: Int
    var width: Int
    var values: [Double]

    subscript(c: Int, y: Int, x: Int) -> Double {
      get { values[(c * height + y) * width + x] }
      set { values[(c * height + y) * width + x] = newValue }
    }
    init(_ channels: Int, _ height: Int, _ width: Int) {
      (self.channels, self.height, self.width) = (channels, height, width)
      values = [Double](repeating: 0, count: channels * height * width)
    }
  }
  typealias Rows = [[Double]]

  let form: PublishedForm
  let tensors: [String: PublishedTensor]

  private func numbers(_ name: String) -> [Double] { tensors[name]?.values.map(Double.init) ?? [] }

  static func waves(_ time: Double, _ width: Int, cosineFirst: Bool, shift: Double) -> [Double] {
    let angles = (0..<width / 2).map {
      time * exp(-log(10000) * Double($0) / (Double(width / 2) - shift))
    }
    return cosineFirst ? angles.map(cos) + angles.map(sin) : angles.map(sin) + angles.map(cos)
  }

  private static func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }

  private func linear(_ name: String, _ x: [Double]) -> [Double] {
    let (weight, bias) = (numbers("\(name).weight"), numbers("\(name).bias"))
    return (0..<weight.count / x.count).map { (o: Int) -> Double in
      var sum = bias.isEmpty ? 0 : bias[o]
      for (i, value) in x.enumerated() { sum += weight[o * x.count + i] * value }
      return sum
    }
  }

  private func convolution(
    _ name: String, _ x: Picture, stride: Int = 1, before: Int = 1, after: Int = 1
  ) -> Picture {
    let (weight, bias) = (numbers("\(name).weight"), numbers("\(name).bias"))
    let k = tensors["\(name).weight"]?.shape[3] ?? 1
    var y = Picture(
      bias.count, (x.height + before + after - k) / stride + 1, (x.width + before + after - k) / stride + 1)
    for o in 0..<y.channels {
      for row in 0..<y.height {
        for column in 0..<y.width {
          var sum = bias[o]
          for i in 0..<x.channels {
            for a in 0..<k {
              for b in 0..<k {
                let (r, c) = (row * stride + a - before, column * stride + b - before)
                guard 0..<x.height ~= r, 0..<x.width ~= c else { continue }
                sum += weight[((o * x.channels + i) * k + a) * k + b] * x[i, r, c]
              }
            }
          }
          y[o, row, column] = sum
        }
      }
    }
    return y
  }

  private func groupNorm(_ name: String, _ x: Picture, epsilon: Double = 1e-5) -> Picture {
    let (weight, bias) = (numbers("\(name).weight"), numbers("\(name).bias"))
    var y = x
    let size = x.values.count / form.groups
    let area = x.height * x.width
    for g in 0..<form.groups {
      let part = x.values[g * size..<(g + 1) * size]
      let mean = part.reduce(0, +) / Double(size)
      let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      for i in g * size..<(g + 1) * size {
        y.values[i] =
          (x.values[i] - mean) / (variance + epsilon).squareRoot() * weight[i / area] + bias[i / area]
      }
    }
    return y
  }

  private func layerNorm(_ name: String, _ x: Rows) -> Rows {
    let (weight, bias) = (numbers("\(name).weight"), numbers("\(name).bias"))
    return x.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.indices.map { (row[$0] - mean) / (variance + 1e-5).squareRoot() * weight[$0] + bias[$0] }
    }
  }

  private func attention(_ names: [String], _ x: Rows, _ keys: Rows, heads: Int) -> Rows {
    let q = x.map { linear(names[0], $0) }
    let k = keys.map { linear(names[1], $0) }
    let v = keys.map { linear(names[2], $0) }
    let width = q[0].count / heads
    return q.map { query in
      var mixed = [Double](repeating: 0, count: query.count)
      for head in 0..<heads {
        let range = head * width..<(head + 1) * width
        let scores = k.map { key in
          exp(range.reduce(0) { $0 + query[$1] * key[$1] } / Double(width).squareRoot())
        }
        let all = scores.reduce(0, +)
        for (score, value) in zip(scores, v) {
          for i in range { mixed[i] += score / all * value[i] }
        }
      }
      return linear(names[3], mixed)
    }
  }

  private func rows(_ x: Picture) -> Rows {
    let area = x.height * x.width
    return (0..<area).map { p in (0..<x.channels).map { x.values[$0 * area + p] } }
  }

  private func adding(_ x: Picture, _ rows: Rows) -> Picture {
    var y = x
    let area = x.height * x.width
    for (p, row) in rows.enumerated() {
      for (c, value) in row.enumerated() { y.values[c * area + p] += value }
    }
    return y
  }

  private func residual(_ name: String, _ x: Picture, _ embedding: [Double]) -> Picture {
    func active(_ x: Picture) -> Picture {
      var y = x
      y.values = x.values.map(Self.silu)
      return y
    }
    var h = convolution("\(name).conv1", active(groupNorm("\(name).norm1", x)))
    let told = linear("\(name).time_emb_proj", embedding.map(Self.silu))
    let area = h.height * h.width
    if !form.scalesAndShifts {
      for i in h.values.indices { h.values[i] += told[i / area] }
    }
    h = groupNorm("\(name).norm2", h)
    if form.scalesAndShifts {
      for i in h.values.indices {
        h.values[i] = h.values[i] * (1 + told[i / area]) + told[h.channels + i / area]
      }
    }
    h = convolution("\(name).conv2", active(h))
    let short =
      tensors["\(name).conv_shortcut.weight"] == nil
      ? x : convolution("\(name).conv_shortcut", x, before: 0, after: 0)
    h.values = zip(h.values, short.values).map(+)
    return h
  }

  private func attending(_ name: String, _ x: Picture, _ context: Rows, heads: Int, depth: Int) -> Picture {
    if !form.isConditioned {
      let names = form.isOld ? ["query", "key", "value", "proj_attn"] : ["to_q", "to_k", "to_v", "to_out.0"]
      let h = rows(groupNorm("\(name).group_norm", x))
      return adding(x, attention(names.map { "\(name).\($0)" }, h, h, heads: heads))
    }
    var h = rows(groupNorm("\(name).norm", x, epsilon: 1e-6)).map { linear("\(name).proj_in", $0) }
    func add(_ more: Rows) { h = zip(h, more).map { zip($0, $1).map(+) } }
    for b in 0..<depth {
      let block = "\(name).transformer_blocks.\(b)"
      func names(_ part: String) -> [String] {
        ["to_q", "to_k", "to_v", "to_out.0"].map { "\(block).\(part).\($0)" }
      }
      let own = layerNorm("\(block).norm1", h)
      add(attention(names("attn1"), own, own, heads: heads))
      add(attention(names("attn2"), layerNorm("\(block).norm2", h), context, heads: heads))
      add(
        layerNorm("\(block).norm3", h).map { row in
          let both = linear("\(block).ff.net.0.proj", row)
          let half = both.count / 2
          let gated = (0..<half).map { i in
            both[i] * both[half + i] * 0.5 * (1 + erf(both[half + i] / 2.squareRoot()))
          }
          return linear("\(block).ff.net.2", gated)
        })
    }
    return adding(x, h.map { linear("\(name).proj_out", $0) })
  }

  /// What the network says of a picture.
  ///
  /// - Parameters:
  ///   - added: pooled vector and the numbers behind it.
  ///   - label: nil for none.
  func callAsFunction(
    _ x: Picture, time: Double, context: Rows, added: (pooled: [Double], numbers: [Double]), label: Int?
  ) -> Picture {
    func embedded(_ name: String, _ x: [Double]) -> [Double] {
      linear("\(name).linear_2", linear("\(name).linear_1", x).map(Self.silu))
    }
    func waves(_ time: Double, _ width: Int) -> [Double] {
      Self.waves(time, width, cosineFirst: form.cosineFirst, shift: form.shift)
    }
    var embedding = embedded("time_embedding", waves(time, form.widths[0]))
    if let label {
      let table = numbers("class_embedding.weight")
      for i in embedding.indices { embedding[i] += table[label * embedding.count + i] }
    }
    if let width = form.added?.waves {
      let more = embedded("add_embedding", added.pooled + added.numbers.flatMap { waves($0, width) })
      embedding = zip(embedding, more).map(+)
    }
    let last = form.widths.count - 1
    var h = convolution("conv_in", x)
    var skips = [h]
    func stage(_ place: String, _ b: Int, _ level: Int) {
      h = residual("\(place).resnets.\(b)", h, embedding)
      if let depth = form.depths[level] {
        h = attending("\(place).attentions.\(b)", h, context, heads: form.heads[level], depth: depth)
      }
    }
    for level in 0...last {
      for b in 0..<form.blocks {
        stage("down_blocks.\(level)", b, level)
        skips.append(h)
      }
      if level < last {
        h = convolution(
          "down_blocks.\(level).downsamplers.0.conv", h, stride: 2, before: form.padsAfter ? 0 : 1, after: 1)
        skips.append(h)
      }
    }
    h = residual("mid_block.resnets.0", h, embedding)
    if form.hasMiddle {
      h = attending("mid_block.attentions.0", h, context, heads: form.heads[last], depth: form.middleDepth)
    }
    h = residual("mid_block.resnets.1", h, embedding)
    for level in (0...last).reversed() {
      let place = "up_blocks.\(last - level)"
      for b in 0...form.blocks {
        let skip = skips.removeLast()
        h.channels += skip.channels
        h.values += skip.values
        stage(place, b, level)
      }
      if level > 0 {
        var wide = Picture(h.channels, 2 * h.height, 2 * h.width)
        for c in 0..<h.channels {
          for y in 0..<wide.height { for x in 0..<wide.width { wide[c, y, x] = h[c, y / 2, x / 2] } }
        }
        h = convolution("\(place).upsamplers.0.conv", wide)
      }
    }
    h = groupNorm("conv_norm_out", h)
    h.values = h.values.map(Self.silu)
    return convolution("conv_out", h)
  }
}
