import PenchantKernels
import PenchantNN
import PenchantTape

extension BenchCase {
  static let pictures =
    [
      convolution(gradient: false), convolution(gradient: true), groupNorm(gradient: false),
      groupNorm(gradient: true),
    ]
    + [unet("digits", .digits, batch: 48), unet("mnist", .mnist, batch: 32)]

  /// Sixteen pictures of 32 × 32 pixels, 64 channels to 64, 3 × 3; with gradients of input, kernel and bias.
  private static func convolution(gradient: Bool) -> BenchCase {
    let shape = ConvolutionShape(
      pictures: 16, height: 32, width: 32, inputs: 64, outputs: 64, kernel: 3, padding: 1)
    let (pixels, weights) = (16 * 32 * 32 * 64, 64 * 9 * 64)
    let flops = 2 * Double(16 * 32 * 32) * Double(weights)
    return BenchCase(
      name: gradient ? "conv2d_train 16x32x32 64-64 k=3" : "conv2d 16x32x32 64-64 k=3",
      work: Work(flops: gradient ? 3 * flops : flops, level: .l3)
    ) {
      let (x, w, b) = (
        try Floats(normal: pixels), try Floats(normal: weights, seed: 2), try Floats(normal: 64, seed: 3)
      )
      let (y, dy, dx) = (
        try Floats(zeros: pixels), try Floats(normal: pixels, seed: 4), try Floats(zeros: pixels)
      )
      let (dw, db) = (try Floats(zeros: weights), try Floats(zeros: 64))
      return {
        var result = y.storage.mutableSpan
        try PenchantKernels.convolution(
          shape, x.values.span, weight: w.values.span, bias: b.values.span, into: &result)
        guard gradient else { return }
        var inputs = dx.storage.mutableSpan
        var kernel = dw.storage.mutableSpan
        var bias = db.storage.mutableSpan
        try convolutionInputGradient(shape, upstream: dy.values.span, weight: w.values.span, into: &inputs)
        try convolutionWeightGradient(
          shape, upstream: dy.values.span, x.values.span, weight: &kernel, bias: &bias)
      }
    }
  }

  /// Sixteen pictures of 32 × 32 pixels, 64 channels in 8 groups, a scale and shift a picture, SiLU.
  private static func groupNorm(gradient: Bool) -> BenchCase {
    let shape = GroupNormShape(pictures: 16, pixels: 32 * 32, channels: 64, groups: 8)
    let count = 16 * 32 * 32 * 64
    return BenchCase(
      name: gradient ? "group_norm_silu_train 16x32x32x64 G=8" : "group_norm_silu 16x32x32x64 G=8",
      work: Work(
        bytes: Double(count) * (gradient ? 20 : 8), level: .l3,
        exponentials: Double(count) * (gradient ? 2 : 1))
    ) {
      let (x, gain, bias) = (
        try Floats(normal: count), try Floats(normal: 64, seed: 2), try Floats(normal: 64, seed: 3)
      )
      let (film, y, dy) = (
        try Floats(normal: 16 * 128, seed: 4), try Floats(zeros: count), try Floats(normal: count, seed: 5)
      )
      let (mean, rstd) = (try Floats(zeros: 16 * 8), try Floats(zeros: 16 * 8))
      let (dx, dgain, dbias, dfilm) = (
        try Floats(zeros: count), try Floats(zeros: 64), try Floats(zeros: 64), try Floats(zeros: 16 * 128)
      )
      return {
        var result = y.storage.mutableSpan
        var means = mean.storage.mutableSpan
        var inverses = rstd.storage.mutableSpan
        try PenchantKernels.groupNorm(
          shape, x.values.span, gain: gain.values.span, bias: bias.values.span, film: film.values.span,
          into: &result, mean: &means, rstd: &inverses)
        guard gradient else { return }
        var inputs = dx.storage.mutableSpan
        var gains = dgain.storage.mutableSpan
        var biases = dbias.storage.mutableSpan
        var films = dfilm.storage.mutableSpan
        try groupNormGradient(
          shape, x.values.span, gain: gain.values.span, bias: bias.values.span, film: film.values.span,
          mean: mean.values.span, rstd: rstd.values.span, upstream: dy.values.span, into: &inputs,
          gain: &gains, bias: &biases, film: &films)
      }
    }
  }

  /// A whole training step of a class-conditional UNet: squared error of the noise, Adam.
  private static func unet(_ name: String, _ configuration: UNetConfiguration, batch: Int) -> BenchCase {
    var layout = ParameterLayout()
    let network = try? UNet(configuration, in: &layout)
    let known = layout
    return BenchCase(
      name: "unet_step \(name) B=\(batch)",
      work: Work(flops: 3 * Double(batch) * flops(configuration, layout), level: .l3)
    ) {
      guard let network else { throw TapeError.parameter(name: name, detail: configuration.problem ?? "") }
      let store = try ParameterStore(known, seed: 1)
      let tape = Tape()
      let pixels = batch * configuration.size * configuration.size
      let x = tape.input("x", [pixels, configuration.channels])
      let noise = tape.input("noise", [pixels, configuration.channels])
      let waves = tape.input("waves", [batch, configuration.waves])
      let classes = tape.ids("classes", [batch])
      let loss = Loss.meanSquaredError(network(x, waves: waves, classes: classes), target: noise)
      let step = try TrainingStep(loss, optimizer: Optimizer(.adam(1e-3), for: store))
      try step.set(x, to: Floats(normal: pixels * configuration.channels).array)
      try step.set(noise, to: Floats(normal: pixels * configuration.channels, seed: 2).array)
      try step.set(waves, to: network.time.waves((0..<batch).map { Double($0 * 20) }))
      try step.set(classes, to: Buffer<UInt32>(below: configuration.classes, count: batch).array)
      return { try step.run() }
    }
  }

  /// Products of one picture: every weight of a layer meets every pixel of its level once, and those of embeddings one row.
  private static func flops(_ configuration: UNetConfiguration, _ layout: ParameterLayout) -> Double {
    layout.entries.map(\.parameter).reduce(0) { sum, parameter in
      let parts = parameter.name.split(separator: ".")
      guard parameter.shape.rank > 1, parts.count > 1, parts[1] != "class" else { return sum }
      var level = 0
      switch parts[1] {
      case "middle": level = configuration.widths.count - 1
      case "down": level = Int(parts[2]) ?? 0
      // The convolution behind a level stands at the next larger size.
      case "up": level = (Int(parts[2]) ?? 0) - (parts[3] == "conv" ? 1 : 0)
      default: level = 0
      }
      let side = configuration.size >> level
      let places = parts[1] == "time" || parameter.name.contains(".film.") ? 1 : side * side
      return sum + 2 * Double(parameter.count) * Double(places)
    }
  }
}
