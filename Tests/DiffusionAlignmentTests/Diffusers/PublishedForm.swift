import Foundation
import TestSupport
import Testing

/// A tiny network in one of the forms that are published: its settings, and the names and shapes of its
/// tensors as diffusers writes them.
struct PublishedForm: CustomTestStringConvertible, Sendable {
  var name: String
  var isConditioned = true
  var side = 8
  var channels = 4
  var widths: [Int]
  var blocks = 2
  var groups = 8
  /// Blocks of a transformer, or 0 for attention between pixels, of each level; nil where nothing attends.
  var depths: [Int?]
  var heads: [Int]
  /// As the settings say it.
  var headSetting: String
  var isLinear = false
  var context = 12
  /// Of the pooled vector and of each number's waves.
  var added: (pooled: Int, waves: Int)?
  var labels = 0
  var scalesAndShifts = false
  var cosineFirst = true
  var shift = 0.0
  var padsAfter = false
  /// Names of attention between pixels as old files have them.
  var isOld = false

  var testDescription: String { name }

  /// Stable Diffusion 1.5: eight heads everywhere, projections stored as convolutions, no transformer at the
  /// coarsest level.
  static let stable = PublishedForm(
    name: "Stable Diffusion 1.5", widths: [16, 32, 32, 32], depths: [1, 1, 1, nil], heads: [8, 8, 8, 8],
    headSetting: "8")
  /// SDXL: projections stored as matrices, deep transformers but none at full size, and an added vector.
  static let large = PublishedForm(
    name: "SDXL", widths: [16, 32, 48], depths: [nil, 2, 3], heads: [2, 4, 6], headSetting: "[2, 4, 6]",
    isLinear: true, context: 20, added: (pooled: 6, waves: 4))
  /// DDPM: attention between pixels, and here classes.
  static let plain = PublishedForm(
    name: "DDPM", isConditioned: false, channels: 3, widths: [8, 16], blocks: 1, groups: 4, depths: [nil, 0],
    heads: [1, 1], headSetting: "null", labels: 3, cosineFirst: false, shift: 1, padsAfter: true, isOld: true)
  static let shifting = PublishedForm(
    name: "DDPM that scales and shifts", isConditioned: false, side: 6, channels: 1, widths: [8, 16],
    blocks: 2,
    groups: 4, depths: [0, 0], heads: [2, 4], headSetting: "4", scalesAndShifts: true)

  static let all = [stable, large, plain, shifting]

  var embedding: Int { 4 * widths[0] }
  var addedWidth: Int { added.map { $0.pooled + 6 * $0.waves } ?? 0 }

  /// The text of `config.json`, with some settings changed.
  func settings(_ changes: [String: String?] = [:]) -> String {
    func block(_ level: Int, _ end: String) -> String {
      let opening = depths[level] == nil ? "" : isConditioned ? "CrossAttn" : "Attn"
      return "\"\(opening)\(end)\""
    }
    var settings: [String: String?] = [
      "_class_name": isConditioned ? "\"UNet2DConditionModel\"" : "\"UNet2DModel\"",
      "_diffusers_version": "\"0.30.0\"", "act_fn": "\"silu\"", "attention_head_dim": headSetting,
      "block_out_channels": "\(widths)", "center_input_sample": "false",
      "down_block_types": "[" + widths.indices.map { block($0, "DownBlock2D") }.joined(separator: ", ") + "]",
      "up_block_types": "["
        + widths.indices.reversed().map { block($0, "UpBlock2D") }.joined(separator: ", ") + "]",
      "downsample_padding": padsAfter ? "0" : "1", "flip_sin_to_cos": "\(cosineFirst)",
      "freq_shift": "\(Int(shift))", "in_channels": "\(channels)", "out_channels": "\(channels)",
      "layers_per_block": "\(blocks)", "mid_block_scale_factor": "1", "norm_eps": "1e-05",
      "norm_num_groups": "\(groups)", "sample_size": "\(side)",
      "num_class_embeds": labels > 0 ? "\(labels)" : "null",
      "resnet_time_scale_shift": scalesAndShifts ? "\"scale_shift\"" : "\"default\"",
    ]
    if !hasMiddle { settings["add_attention"] = "false" }
    if isConditioned {
      settings["cross_attention_dim"] = "\(context)"
      settings["use_linear_projection"] = "\(isLinear)"
      settings["transformer_layers_per_block"] = "\(depths.map { $0 ?? 1 })"
      settings["upcast_attention"] = "null"
      if let added {
        settings["addition_embed_type"] = "\"text_time\""
        settings["addition_time_embed_dim"] = "\(added.waves)"
        settings["projection_class_embeddings_input_dim"] = "\(addedWidth)"
      }
    }
    for (key, value) in changes { settings[key] = value }
    let lines = settings.sorted { $0.key < $1.key }.compactMap { key, value in
      value.map { "  \"\(key)\": \($0)" }
    }
    return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
  }

  /// Names and shapes, convolutions as outputs, inputs, height, width.
  var tensors: [(name: String, shape: [Int])] {
    var list: [(name: String, shape: [Int])] = []
    func both(_ name: String, _ shape: [Int]) {
      list += [("\(name).weight", shape), ("\(name).bias", [shape[0]])]
    }
    func residual(_ name: String, _ inputs: Int, _ outputs: Int) {
      both("\(name).norm1", [inputs])
      both("\(name).conv1", [outputs, inputs, 3, 3])
      both("\(name).time_emb_proj", [scalesAndShifts ? 2 * outputs : outputs, embedding])
      both("\(name).norm2", [outputs])
      both("\(name).conv2", [outputs, outputs, 3, 3])
      if inputs != outputs { both("\(name).conv_shortcut", [outputs, inputs, 1, 1]) }
    }
    func attention(_ name: String, _ width: Int, _ depth: Int) {
      if !isConditioned {
        both("\(name).group_norm", [width])
        for part in isOld ? ["query", "key", "value", "proj_attn"] : ["to_q", "to_k", "to_v", "to_out.0"] {
          both("\(name).\(part)", [width, width])
        }
        return
      }
      both("\(name).norm", [width])
      both("\(name).proj_in", isLinear ? [width, width] : [width, width, 1, 1])
      for b in 0..<depth {
        let block = "\(name).transformer_blocks.\(b)"
        for (part, wide) in [("attn1", width), ("attn2", context)] {
          list += [
            ("\(block).\(part).to_q.weight", [width, width]),
            ("\(block).\(part).to_k.weight", [width, wide]),
            ("\(block).\(part).to_v.weight", [width, wide]),
          ]
          both("\(block).\(part).to_out.0", [width, width])
        }
        for norm in ["norm1", "norm2", "norm3"] { both("\(block).\(norm)", [width]) }
        both("\(block).ff.net.0.proj", [8 * width, width])
        both("\(block).ff.net.2", [width, 4 * width])
      }
      both("\(name).proj_out", isLinear ? [width, width] : [width, width, 1, 1])
    }
    both("conv_in", [widths[0], channels, 3, 3])
    both("time_embedding.linear_1", [embedding, widths[0]])
    both("time_embedding.linear_2", [embedding, embedding])
    if labels > 0 { list.append(("class_embedding.weight", [labels, embedding])) }
    if added != nil {
      both("add_embedding.linear_1", [embedding, addedWidth])
      both("add_embedding.linear_2", [embedding, embedding])
    }
    let last = widths.count - 1
    for level in 0...last {
      let place = "down_blocks.\(level)"
      for b in 0..<blocks {
        residual(
          "\(place).resnets.\(b)", b > 0 ? widths[level] : widths[max(level - 1, 0)], widths[level])
        if let depth = depths[level] { attention("\(place).attentions.\(b)", widths[level], depth) }
      }
      if level < last { both("\(place).downsamplers.0.conv", [widths[level], widths[level], 3, 3]) }
    }
    for b in 0..<2 { residual("mid_block.resnets.\(b)", widths[last], widths[last]) }
    if hasMiddle { attention("mid_block.attentions.0", widths[last], middleDepth) }
    for level in (0...last).reversed() {
      let place = "up_blocks.\(last - level)"
      for b in 0...blocks {
        let before = b > 0 ? widths[level] : widths[min(level + 1, last)]
        let skip = b < blocks ? widths[level] : widths[max(level - 1, 0)]
        residual("\(place).resnets.\(b)", before + skip, widths[level])
        if let depth = depths[level] { attention("\(place).attentions.\(b)", widths[level], depth) }
      }
      if level > 0 { both("\(place).upsamplers.0.conv", [widths[level], widths[level], 3, 3]) }
    }
    both("conv_norm_out", [widths[0]])
    both("conv_out", [channels, widths[0], 3, 3])
    return list
  }

  /// Whether the middle attends: where a norm is scaled and shifted, diffusers has another attention there.
  var hasMiddle: Bool { !scalesAndShifts }

  /// Blocks of the transformer in the middle; where the coarsest level has none the setting still says one.
  var middleDepth: Int { (depths[depths.count - 1] ?? 1) }

  /// Numbers of every tensor, each with few enough digits for 16 bits of either kind.
  func numbers() -> [String: PublishedTensor] {
    var all: [String: PublishedTensor] = [:]
    for (name, shape) in tensors {
      let count = shape.reduce(1, *)
      let isScale = name.contains("norm") && name.hasSuffix(".weight")
      let reach = isScale || shape.count == 1 ? 0.2 : 1.4 / Float(count / shape[0]).squareRoot()
      let values = normals(count, self.name + name).map { draw -> Float in
        let value = reach * draw + (isScale ? 1 : 0)
        return abs(value) < 0x1p-12 ? 0 : Float(bitPattern: value.bitPattern & 0xffff_0000)
      }
      all[name] = PublishedTensor(shape: shape, values: values)
    }
    return all
  }
}

struct PublishedTensor: Sendable {
  enum Kind: String { case float32 = "F32", half = "F16", brain = "BF16", byte = "U8" }

  var shape: [Int]
  var values: [Float]

  /// A safetensors file of some tensors, written here from its specification.
  static func file(_ tensors: [String: PublishedTensor], _ kind: Kind = .float32) -> [UInt8] {
    var header: [String] = []
    var data: [UInt8] = []
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let start = data.count
      for value in tensor.values {
        switch kind {
        case .float32: withUnsafeBytes(of: value.bitPattern.littleEndian) { data += $0 }
        case .half: withUnsafeBytes(of: Self.half(value).littleEndian) { data += $0 }
        case .brain: withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { data += $0 }
        case .byte: data.append(0)
        }
      }
      header.append(
        "\"\(name)\":{\"dtype\":\"\(kind.rawValue)\",\"shape\":\(tensor.shape),"
          + "\"data_offsets\":[\(start),\(data.count)]}"
      )
    }
    let text = Array(("{" + header.joined(separator: ",") + "}").utf8)
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text + data
  }

  /// A number that binary16 has as a normal one, or zero.
  private static func half(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    guard value != 0 else { return 0 }
    let exponent = UInt16((bits >> 23 & 0xff) - 112)
    return UInt16(bits >> 31) << 15 | exponent << 10 | UInt16(bits >> 13 & 0x3ff)
  }
}
