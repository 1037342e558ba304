import Foundation
import PenchantData
import PenchantKernels
import PenchantNN
import PenchantTape
import PenchantTrain
import TestSupport
import Testing

@testable import DiffusionAlignment

/// Folders as diffusers writes them, in the forms of Stable Diffusion 1.5, SDXL and DDPM but tiny, against a
/// reference in Double.
@Suite(.enabled(if: isOptimised, "runs in release")) struct DiffusersFolderTests {
  private static let schedule = """
    {"_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear",
     "beta_start": 0.00085, "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1,
     "trained_betas": null, "clip_sample": false}
    """

  /// A pipeline in a new folder; `change` alters its files by their paths.
  static func withPipeline(
    _ form: PublishedForm, kind: PublishedTensor.Kind = .float32, settings: [String: String?] = [:],
    tensors change: (inout [String: PublishedTensor]) -> Void = { _ in },
    _ body: (String) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "penchant-diffusers-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for part in ["unet", "scheduler"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
    }
    var tensors = form.numbers()
    change(&tensors)
    try write(PublishedTensor.file(tensors, kind), "\(folder)/unet/diffusion_pytorch_model.safetensors")
    try write(form.settings(settings), "\(folder)/unet/config.json")
    try write(schedule, "\(folder)/scheduler/scheduler_config.json")
    try body(folder)
  }

  static func write(_ text: String, _ path: String) throws { try write([UInt8](text.utf8), path) }
  static func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  static let classes = ["cat", "dog"]
  /// Contexts of two classes and of none, as a file and as it was written.
  static func contexts(_ form: PublishedForm, places: Int = 5) -> [String: PublishedTensor] {
    var file: [String: PublishedTensor] = [:]
    for name in classes + ["none"] {
      file[name] = PublishedTensor(
        shape: [places, form.context], values: normals(places * form.context, "context" + name))
      if let width = form.added?.pooled {
        file[name + ".pooled"] = PublishedTensor(shape: [1, width], values: normals(width, "pooled" + name))
      }
    }
    return file
  }

  private static func numbers(_ fitted: FittedDiffusion) throws -> [String: [Float]] {
    var all: [String: [Float]] = [:]
    for parameter in fitted.model.store.parameters {
      all[parameter.name] = try fitted.model.store.copy(of: parameter)
    }
    return all
  }

  private static func noise(_ fitted: FittedDiffusion, _ classes: [Int]) throws -> [Float] {
    let count = classes.count * fitted.model.shape.count
    return try Denoiser(fitted.model).noise(
      in: normals(count, "x"), times: classes.indices.map { ($0 * 331 + 7) % 1000 }, classes: classes)
  }

  @Test(arguments: PublishedForm.all)
  func theNetworkIsThatOfTheReference(_ form: PublishedForm) throws {
    try Self.withPipeline(form) { folder in
      var path: String?
      let given = Self.contexts(form)
      if form.isConditioned {
        path = folder + "/context.safetensors"
        try Self.write(PublishedTensor.file(given), folder + "/context.safetensors")
      }
      let fitted = try DiffusersFolder(folder).model(contexts: path)
      let names = form.isConditioned ? Self.classes : (0..<form.labels).map(String.init)
      #expect(fitted.model.classNames == names)
      #expect(
        fitted.model.shape == SampleShape(height: form.side, width: form.side, channels: form.channels))
      // The last row has no class. A network with a table of classes was never without one.
      let classes = names.isEmpty ? [DiffusionModel.noClass, DiffusionModel.noClass] : names.indices + [-1]
      let found = try Self.noise(fitted, classes)
      let reference = PublishedReference(form: form, tensors: form.numbers())
      let x = normals(found.count, "x")
      let area = form.side * form.side
      for (row, label) in classes.enumerated() {
        var picture = PublishedReference.Picture(form.channels, form.side, form.side)
        let first = row * form.channels * area
        for c in 0..<form.channels {
          for p in 0..<area { picture.values[c * area + p] = Double(x[first + p * form.channels + c]) }
        }
        let name = label < 0 ? "none" : names[label]
        let side = Double(8 * form.side)
        let context = (given[name]?.values ?? []).map { Double($0) }
        let expected = reference(
          picture, time: Double((row * 331 + 7) % 1000),
          context: stride(from: 0, to: context.count, by: form.context).map {
            Array(context[$0..<$0 + form.context])
          },
          added: (
            pooled: (given[name + ".pooled"]?.values ?? []).map { Double($0) },
            numbers: [side, side, 0, 0, side, side]
          ), label: form.labels == 0 || label < 0 ? nil : label)
        let largest = expected.values.map(abs).max() ?? 0
        #expect(largest > 0.1)
        var worst = 0.0
        for c in 0..<form.channels {
          for p in 0..<area {
            worst = max(
              worst, abs(Double(found[first + p * form.channels + c]) - expected.values[c * area + p]))
          }
        }
        #expect(worst < 1e-4 * max(1, largest), "\(form.name), \(name): \(worst) of \(largest)")
      }
    }
  }

  @Test(arguments: [PublishedForm.stable, .large])
  func ourOwnFileHoldsAllOfIt(_ form: PublishedForm) throws {
    try Self.withPipeline(form) { folder in
      let path = folder + "/context.safetensors"
      try Self.write(PublishedTensor.file(Self.contexts(form)), path)
      let fitted = try DiffusersFolder(folder).model(contexts: path)
      let again = try FittedDiffusion(bytes: fitted.bytes(), name: "again")
      #expect(again.model.configuration == fitted.model.configuration)
      #expect(again.model.classNames == Self.classes)
      #expect(try Self.numbers(again) == Self.numbers(fitted))
      #expect(try Self.noise(again, [0, 1, -1]) == Self.noise(fitted, [0, 1, -1]))
      #expect(try Self.noise(fitted, [0, 0]) != Self.noise(fitted, [1, 1]))
    }
  }

  /// What the sampler and stored inversions rest on.
  @Test(arguments: PublishedForm.all)
  func aRowIsTheSameWhateverIsBesideIt(_ form: PublishedForm) throws {
    try Self.withPipeline(form) { folder in
      let denoiser = Denoiser(try DiffusersFolder(folder).model().model)
      let (count, values) = (37, denoiser.shape.count)
      let x = normals(count * values, "rows")
      let times = (0..<count).map { ($0 * 37) % 1000 }
      let all = try denoiser.noise(in: x, times: times, classes: [])
      for threads in [1, 3] {
        #expect(
          try Team.with(threads: threads) { try denoiser.noise(in: x, times: times, classes: []) } == all)
      }
      for range in [0..<1, 7..<9, 3..<20, 36..<37] {
        let places = range.lowerBound * values..<range.upperBound * values
        let part = try denoiser.noise(in: Array(x[places]), times: Array(times[range]), classes: [])
        #expect(part == Array(all[places]), "rows \(range)")
      }
    }
  }

  /// Samples, and steps of two methods from pairs of latents; what is said of the classes stays as it was.
  @Test(arguments: [AlignmentMethod.inpo, .sft])
  func itSamplesAndIsAligned(_ method: AlignmentMethod) throws {
    let form = PublishedForm.stable
    try Self.withPipeline(form) { folder in
      let path = folder + "/context.safetensors"
      try Self.write(PublishedTensor.file(Self.contexts(form)), path)
      var start = try DiffusersFolder(folder).model(contexts: path)
      start.sampling.steps = 2
      start.sampling.guidance = 2
      let drawn = try start.samples(start.classes(4), seed: 3)
      #expect(drawn.count == 4 && drawn.classNames == Self.classes && drawn.values.allSatisfy(\.isFinite))

      let samples = SampleSet(
        shape: start.model.shape, values: normals(8 * start.model.shape.count, "pairs"),
        classes: [0, 0, 1, 1, 0, 0, 1, 1], classNames: Self.classes)
      let pairs = SamplePairs(
        samples: samples, winners: [0, 2, 4, 6], losers: [1, 3, 5, 7], weights: [1, 1, 1, 1])
      var configuration = AlignmentConfiguration()
      configuration.objective.method = method
      configuration.optimizer.rows = 2
      configuration.run.steps = 2
      configuration.run.validateEvery = 2
      configuration.watching.samples = 4
      configuration.watching.reward = "coordinate:1"
      configuration.sampling.steps = 2
      let aligned = try Alignment(configuration, seed: 5).fit(pairs, from: start).model
      let (before, after) = (try Self.numbers(start), try Self.numbers(aligned))
      #expect(before["context.tokens"] == after["context.tokens"])
      #expect(after.values.allSatisfy { $0.allSatisfy(\.isFinite) })
      for name in [
        "conv_in.weight", "down_blocks.0.attentions.0.transformer_blocks.0.attn2.key.weight",
        "time_embedding.0.weight", "mid_block.attentions.0.proj_in.weight",
        "up_blocks.3.attentions.2.transformer_blocks.0.ff.inner.weight",
        "down_blocks.0.downsamplers.0.conv.weight",
      ] {
        #expect(before[name] != nil && before[name] != after[name], "\(name)")
      }
    }
  }

  @Test func sixteenBitsAndSeveralFilesHoldTheSameNumbers() throws {
    let form = PublishedForm.stable
    var whole: [String: [Float]] = [:]
    try Self.withPipeline(form) { whole = try Self.numbers(DiffusersFolder($0).model()) }
    for kind in [PublishedTensor.Kind.half, .brain] {
      try Self.withPipeline(form, kind: kind) { folder in
        let found = try Self.numbers(DiffusersFolder(folder).model())
        #expect(found == whole, "\(kind)")
      }
    }
    try Self.withPipeline(form) { folder in
      try Self.split(form, folder)
      #expect(try Self.numbers(DiffusersFolder(folder).model()) == whole)
      // The folder of the network alone: its scheduler stands beside it.
      let alone = try DiffusersFolder(folder + "/unet/")
      #expect(alone.scheduler != nil)
      #expect(try Self.numbers(alone.model()) == whole)
    }
  }

  /// Cuts the weights of a pipeline into two files with an index, whose map `change` alters.
  private static func split(
    _ form: PublishedForm, _ folder: String, _ change: (inout [String: String]) -> Void = { _ in }
  ) throws {
    try FileManager.default.removeItem(atPath: folder + "/unet/diffusion_pytorch_model.safetensors")
    let all = form.numbers()
    var map: [String: String] = [:]
    for (place, name) in all.keys.sorted().enumerated() {
      map[name] = "diffusion_pytorch_model-0000\(place % 2 + 1)-of-00002.safetensors"
    }
    for file in Set(map.values) {
      try write(PublishedTensor.file(all.filter { map[$0.key] == file }), "\(folder)/unet/\(file)")
    }
    change(&map)
    let lines = map.map { "\"\($0)\": \"\($1)\"" }.joined(separator: ",\n")
    try write(
      "{\"metadata\": {\"total_size\": 1}, \"weight_map\": {\(lines)}}",
      folder + "/unet/diffusion_pytorch_model.safetensors.index.json")
  }

  /// Tensors and numbers of the published networks, from their settings alone.
  @Test(arguments: [
    (PublishedForm.stable, "[320, 640, 1280, 1280]", "768", "8", "[1, 1, 1, 1]", 686, 859_520_964),
    (.large, "[320, 640, 1280]", "2048", "[5, 10, 20]", "[1, 2, 10]", 1680, 2_567_463_684),
  ])
  func thePublishedSizesAreMet(
    _ form: PublishedForm, _ widths: String, _ context: String, _ heads: String, _ depths: String,
    _ tensors: Int, _ numbers: Int
  ) throws {
    var changes: [String: String?] = [
      "block_out_channels": widths, "cross_attention_dim": context, "attention_head_dim": heads,
      "transformer_layers_per_block": depths, "norm_num_groups": "32", "sample_size": "64",
    ]
    if form.added != nil {
      changes["addition_time_embed_dim"] = "256"
      changes["projection_class_embeddings_input_dim"] = "2816"
    }
    try Self.withPipeline(form, settings: changes) { folder in
      let network = try PublishedUNet(folder + "/unet/config.json", size: nil)
      var layout = ParameterLayout()
      _ = try ConditionedNetwork(network.configuration, in: &layout)
      #expect(layout.error == nil)
      let sources = layout.entries.compactMap {
        PublishedSource($0.parameter, hasMatrices: network.hasMatrices)
      }
      #expect(sources.reduce(0) { $0 + $1.parts.count } == tensors)
      #expect(sources.reduce(0) { $0 + $1.parts.count * $1.shape.reduce(1, *) } == numbers)
    }
  }

  @Test func theSchedulerIsTakenOver() throws {
    func read(_ text: String) throws -> ModelConfiguration {
      var configuration = ModelConfiguration()
      try Self.withPipeline(.plain) { folder in
        try Self.write(text, folder + "/scheduler/scheduler_config.json")
        configuration = try DiffusersFolder(folder).model().model.configuration
      }
      return configuration
    }
    let stable = try read(Self.schedule)
    #expect(stable.prediction == .noise && stable.schedule == ScheduleConfiguration())
    let plain = try read("{\"_class_name\": \"DDPMScheduler\", \"beta_schedule\": \"linear\"}")
    #expect(plain.schedule.kind == .linear && plain.schedule.first == 0.0001 && plain.schedule.last == 0.02)
    let second = try read(
      """
      {"beta_schedule": "scaled_linear", "beta_start": 0.001, "beta_end": 0.01, "num_train_timesteps": 500,
       "prediction_type": "v_prediction", "rescale_betas_zero_snr": true}
      """)
    #expect(second.prediction == .velocity && second.schedule.steps == 500 && second.schedule.zeroTerminal)
    #expect(
      try read("{\"beta_schedule\": \"squaredcos_cap_v2\", \"beta_start\": 3}").schedule.kind == .cosine)

    for (text, parts) in [
      ("{\"beta_schedule\": \"sigmoid\"}", ["beta_schedule", "sigmoid", "squaredcos_cap_v2"]),
      ("{\"shift\": 3.0}", ["\"beta_schedule\" is missing", "flow matching"]),
      (
        "{\"beta_schedule\": \"linear\", \"prediction_type\": \"sample\"}", ["prediction_type", "\"sample\""]
      ),
      ("{\"beta_schedule\": \"linear\", \"num_train_timesteps\": 1}", ["num_train_timesteps", "found 1"]),
      ("{\"beta_schedule\": \"linear\", \"beta_end\": 2}", ["schedule.last", "2.0"]),
      ("{\"beta_schedule\": \"linear\", \"trained_betas\": [0.1]}", ["trained_betas"]),
      ("{\"beta_schedule\"", ["not JSON"]),
    ] {
      let error = #expect(throws: DataError.self) { _ = try read(text) }
      for part in parts + ["scheduler_config.json"] {
        #expect(error?.description.contains(part) == true, "\(error?.description ?? text)")
      }
    }
  }

  @Test func withoutASchedulerStableDiffusionsIsTaken() throws {
    try Self.withPipeline(.plain) { folder in
      try FileManager.default.removeItem(atPath: folder + "/scheduler")
      let source = try DiffusersFolder(folder)
      #expect(source.scheduler == nil)
      #expect(try source.model().model.configuration.schedule == ScheduleConfiguration())
    }
  }

  @Test func anotherSizeIsPossible() throws {
    try Self.withPipeline(.stable, settings: ["sample_size": "null"]) { folder in
      expectDataError("sample_size", "--size") {
        _ = try PublishedUNet(folder + "/unet/config.json", size: nil)
      }
      let fitted = try DiffusersFolder(folder).model(size: (height: 16, width: 8))
      #expect(fitted.model.shape == SampleShape(height: 16, width: 8, channels: 4))
      #expect(try Self.noise(fitted, [-1]).allSatisfy(\.isFinite))
      expectDataError("12×8", "multiples of 8") {
        _ = try PublishedUNet(folder + "/unet/config.json", size: (12, 8))
      }
    }
  }

  @Test(arguments: [
    ("_class_name", "\"FluxTransformer2DModel\"", "UNet2DConditionModel"), ("act_fn", "\"mish\"", "\"silu\""),
    ("block_out_channels", "[16, \"x\"]", "whole numbers"), ("block_out_channels", "[]", "1 to 16"),
    ("block_out_channels", "[16, 32, 32, 30]", "8 groups"), ("out_channels", "8", "\"in_channels\""),
    ("in_channels", "9", "out_channels"), ("down_block_types", "[\"DownBlock2D\"]", "a list of 4"),
    (
      "down_block_types",
      "[\"KDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\", \"DownBlock2D\"]", "\"CrossAttnDownBlock2D\""
    ),
    ("attention_head_dim", "[8, 8]", "a list of 4"), ("attention_head_dim", "3", "3 heads"),
    ("attention_head_dim", "0", "from 1"), ("transformer_layers_per_block", "[[1], 1, 1, 1]", "a list of 4"),
    ("transformer_layers_per_block", "1000000000", "from 0 to 64"), ("layers_per_block", "1e9", "from 1"),
    ("mid_block_type", "\"UNetMidBlock2DSimpleCrossAttn\"", "UNetMidBlock2DCrossAttn"),
    ("only_cross_attention", "true", "false"), ("class_embed_type", "\"projection\"", "null"),
    ("addition_embed_type", "\"image\"", "\"text_time\""), ("encoder_hid_dim", "768", "null"),
    ("time_embedding_type", "\"fourier\"", "\"positional\""), ("conv_in_kernel", "1", "3"),
    ("norm_num_groups", "null", "norm_num_groups"), ("norm_eps", "-1", "epsilon"),
    ("freq_shift", "8", "timeShift"), ("flip_sin_to_cos", "1", "true or false"),
    ("resnet_time_scale_shift", "\"ada_group\"", "\"scale_shift\""),
    ("sample_size", "[8, 8, 8]", "sample_size"),
    ("sample_size", "1000000", "height"), ("cross_attention_dim", "[8, 8, 8, 8]", "cross_attention_dim"),
    ("num_class_embeds", "-1", "num_class_embeds"), ("a_new_way", "\"on\"", "not known"),
    ("dropout", "0.1", "0"), ("resnet_out_scale_factor", "0.7", "1"),
  ])
  func settingsThatWeDoNotHaveAreNamed(_ key: String, _ value: String, _ part: String) throws {
    try Self.withPipeline(.stable, settings: [key: value]) { folder in
      let path = folder + "/unet/config.json"
      expectDataError("config.json", part) { _ = try PublishedUNet(path, size: nil) }
      #expect(throws: DataError.self) { try DiffusersFolder(folder).model() }
    }
  }

  /// diffusers leaves a norm out of the middle's attention there.
  @Test func scaleAndShiftBesideAttentionInTheMiddleIsRefused() throws {
    let settings = ["resnet_time_scale_shift": "\"scale_shift\"", "add_attention": "true"]
    try Self.withPipeline(.plain, settings: settings) { folder in
      expectDataError("config.json", "\"add_attention\" to be false") {
        _ = try PublishedUNet(folder + "/unet/config.json", size: nil)
      }
    }
  }

  @Test func weightsThatDoNotFitAreNamed() throws {
    let form = PublishedForm.stable
    let file = "diffusion_pytorch_model.safetensors"
    func refuses(
      _ parts: [String], kind: PublishedTensor.Kind = .float32,
      _ change: (inout [String: PublishedTensor]) -> Void
    ) throws {
      try Self.withPipeline(form, kind: kind, tensors: change) { folder in
        let error = #expect(throws: DataError.self) { _ = try DiffusersFolder(folder).model() }
        for part in parts + [file] {
          #expect(error?.description.contains(part) == true, "\(error?.description ?? "no error")")
        }
      }
    }
    let key = "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight"
    try refuses(["\"\(key)\" is missing"]) { $0[key] = nil }
    try refuses(["\"\(key)\" is missing", "is it \"\(key)s\""]) {
      $0[key + "s"] = $0[key]
      $0[key] = nil
    }
    try refuses(["no place", "mid_block.extra.weight", "tensors"]) {
      $0["mid_block.extra.weight"] = PublishedTensor(shape: [1], values: [1])
    }
    try refuses(["conv_in.weight", "expected [16, 4, 3, 3]", "found [16, 4, 9]"]) {
      $0["conv_in.weight"]?.shape = [16, 4, 9]
    }
    // A matrix where the settings promise a convolution.
    try refuses(["proj_in.weight", "expected [16, 16, 1, 1]", "found [16, 16]"]) {
      $0["down_blocks.0.attentions.0.proj_in.weight"]?.shape = [16, 16]
    }
    try refuses(["conv_out.bias", "nan", "element 2"]) { $0["conv_out.bias"]?.values[2] = .nan }
    try refuses(["conv_norm_out.bias", "inf"]) { $0["conv_norm_out.bias"]?.values[0] = .infinity }
    try refuses(["does not hold floats", "U8"], kind: .byte) { _ in }
  }

  @Test func foldersThatAreNotWholeAreNamed() throws {
    let form = PublishedForm.plain
    expectDataError("/nowhere", "config.json") { _ = try DiffusersFolder("/nowhere") }
    try Self.withPipeline(form) { folder in
      let weights = folder + "/unet/diffusion_pytorch_model.safetensors"
      let source = try DiffusersFolder(folder)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
      try bytes.dropLast(5).write(to: URL(fileURLWithPath: weights))
      #expect(throws: DataError.self) { try source.model() }
      try FileManager.default.removeItem(atPath: weights)
      expectDataError("there is no diffusion_pytorch_model.safetensors") {
        _ = try PublishedWeights(folder: source.folder)
      }
      try Self.write("x", folder + "/unet/diffusion_pytorch_model.bin")
      expectDataError("a pickle", "save_pretrained") { _ = try PublishedWeights(folder: source.folder) }
      try Self.write("{}", folder + "/unet/config.json")
      expectDataError("\"_class_name\" is missing") {
        _ = try PublishedUNet(folder + "/unet/config.json", size: nil)
      }
      try Self.write("[]", folder + "/unet/config.json")
      expectDataError("a list") { _ = try PublishedUNet(folder + "/unet/config.json", size: nil) }
    }
    let cases: [(String, (inout [String: String]) -> Void)] = [
      ("conv_in.bias", { $0["conv_in.bias"] = "../conv.safetensors" }),
      ("conv_in.bias", { $0["conv_in.bias"] = "diffusion_pytorch_model-00001-of-00002.safetensors" }),
      ("missing.safetensors", { $0["conv_in.bias"] = "missing.safetensors" }),
      ("conv_in.bogus", { $0["conv_in.bogus"] = "diffusion_pytorch_model-00001-of-00002.safetensors" }),
    ]
    for (part, change) in cases {
      try Self.withPipeline(form) { folder in
        try Self.split(form, folder, change)
        expectDataError(part) { _ = try PublishedWeights(folder: folder + "/unet") }
      }
    }
  }

  @Test func contextsThatDoNotFitAreNamed() throws {
    func refuses(
      _ form: PublishedForm, _ parts: [String], _ change: (inout [String: PublishedTensor]) -> Void
    ) throws {
      try Self.withPipeline(form) { folder in
        var file = Self.contexts(form)
        change(&file)
        let path = folder + "/context.safetensors"
        try Self.write(PublishedTensor.file(file), path)
        let error = #expect(throws: DataError.self) {
          _ = try DiffusersFolder(folder).model(contexts: path)
        }
        for part in parts + ["context.safetensors"] {
          #expect(error?.description.contains(part) == true, "\(error?.description ?? "no error")")
        }
      }
    }
    let row = PublishedTensor(shape: [1, 12], values: [Float](repeating: 0, count: 12))
    try refuses(.stable, ["\"dog\"", "expected [5, 12]", "found [1, 12]"]) { $0["dog"] = row }
    try refuses(.stable, ["there is no class"]) { $0 = ["none": row] }
    try refuses(.stable, ["\"dog\"", "nan"]) { $0["dog"]?.values[3] = .nan }
    try refuses(.stable, ["cat.pooled", "no use"]) { $0["cat.pooled"] = row }
    try refuses(.stable, ["\"cat\"", "found [60]"]) { $0["cat"]?.shape = [60] }
    try refuses(.large, ["dog.pooled", "missing"]) { $0["dog.pooled"] = nil }
    try refuses(.large, ["pooled vector of 5"]) {
      $0["dog.pooled"] = PublishedTensor(shape: [5], values: [1, 2, 3, 4, 5])
    }
    try refuses(.large, ["time_ids"]) {
      $0["time_ids"] = PublishedTensor(shape: [9], values: [Float](repeating: 1, count: 9))
    }
    try refuses(.plain, ["reads no context"]) { _ in }
  }

  /// The context without a class is zeros where the file has none, and other numbers of the picture change
  /// what SDXL says.
  @Test func whatAClassIsToldCanBeLeftOutOrChanged() throws {
    let form = PublishedForm.large
    try Self.withPipeline(form) { folder in
      func model(_ change: (inout [String: PublishedTensor]) -> Void) throws -> FittedDiffusion {
        var file = Self.contexts(form)
        change(&file)
        let path = folder + "/context.safetensors"
        try Self.write(PublishedTensor.file(file), path)
        return try DiffusersFolder(folder).model(contexts: path)
      }
      let full = try model { _ in }
      let bare = try model {
        $0["none"] = nil
        $0["none.pooled"] = nil
      }
      let tokens = try #require(try Self.numbers(bare)["context.tokens"])
      #expect(tokens.suffix(5 * form.context).allSatisfy { $0 == 0 } && tokens[0] != 0)
      #expect(try Self.noise(bare, [-1]) == Self.noise(DiffusersFolder(folder).model(), [-1]))
      #expect(try Self.noise(full, [0]) == Self.noise(bare, [0]))
      let said = PublishedTensor(shape: [1, 6], values: [64, 64, 0, 0, 64, 64])
      #expect(try Self.noise(full, [0]) == Self.noise(model { $0["time_ids"] = said }, [0]))
      let cut = PublishedTensor(shape: [6], values: [64, 64, 9, 0, 64, 64])
      #expect(try Self.noise(full, [0]) != Self.noise(model { $0["time_ids"] = cut }, [0]))
    }
  }
}
