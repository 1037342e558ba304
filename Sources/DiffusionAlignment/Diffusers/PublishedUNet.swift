import PenchantData
import PenchantNN

/// What the `config.json` of a `UNet2DConditionModel` or a `UNet2DModel` of diffusers says.
///
/// Settings that change the network in a way that we do not have are refused; those that only change how it
/// is computed or trained (`upcast_attention`) are not looked at.
struct PublishedUNet {
  let file: String
  var configuration: ConditionedUNetConfiguration
  /// Whether the linear maps around a transformer are matrices; they are stored as 1 × 1 convolutions
  /// otherwise.
  let hasMatrices: Bool
  /// Sines and cosines of a number that comes with the added vector.
  let addedWaves: Int

  private typealias Attention = ConditionedUNetConfiguration.Attention

  /// - Parameter size: of the pictures, where the one in the file is not meant.
  init(_ path: String, size: (height: Int, width: Int)?) throws(DataError) {
    file = path
    var settings = try PublishedSettings(path)
    let isConditioned = try settings.choice(
      "_class_name", ["UNet2DConditionModel": true, "UNet2DModel": false])
    try Self.refuseForeign(&settings, isConditioned)

    guard let widths = settings.value("block_out_channels")?.array?.compactMap(\.integer),
      widths.count == settings.value("block_out_channels")?.array?.count, 1...16 ~= widths.count
    else { throw settings.wrong("block_out_channels", expected: "a list of 1 to 16 whole numbers") }
    let levels = widths.count
    let channels = try settings.integer("in_channels", 1...65536, default: isConditioned ? 4 : 3)
    let outputs = try settings.integer("out_channels", 1...65536, default: isConditioned ? 4 : 3)
    guard outputs == channels else {
      throw settings.wrong(
        "out_channels",
        expected:
          "\(channels), as \"in_channels\": networks that read a mask or predict a variance are not known"
      )
    }
    let (height, width) = try Self.size(&settings, size)
    let down = try settings.choices(
      "down_block_types",
      isConditioned
        ? ["DownBlock2D": Attention.none, "CrossAttnDownBlock2D": .context]
        : ["DownBlock2D": Attention.none, "AttnDownBlock2D": .pixels], count: levels)
    let up = try settings.choices(
      "up_block_types",
      isConditioned
        ? ["UpBlock2D": Attention.none, "CrossAttnUpBlock2D": .context]
        : ["UpBlock2D": Attention.none, "AttnUpBlock2D": .pixels], count: levels)

    var c = ConditionedUNetConfiguration(
      height: height, width: width, channels: channels, widths: widths,
      blocks: try settings.integers("layers_per_block", 1...64, count: levels, default: 2), down: down,
      up: up.reversed(), heads: try Self.heads(&settings, isConditioned, widths),
      depths: isConditioned
        ? try settings.integers("transformer_layers_per_block", 0...64, count: levels, default: 1)
        : [Int](repeating: 0, count: levels),
      embedding: 4 * min(max(widths[0], 0), 65536))
    (c.middle, c.middleBlocks) = try Self.middle(&settings, isConditioned)
    if (c.down + c.up + [c.middle]).contains(.context) {
      c.context = try settings.integer("cross_attention_dim", 1...65536, default: 1280)
    } else {
      settings.ignore("cross_attention_dim")
    }
    c.groups = try settings.integer("norm_num_groups", 1...65536, default: 32)
    c.epsilon = Float(try settings.number("norm_eps", default: 1e-5))
    c.cosineFirst = try settings.flag("flip_sin_to_cos", default: true)
    c.timeShift = try settings.number("freq_shift", default: 0)
    c.padsAfter = try settings.integer("downsample_padding", 0...1, default: 1) == 0
    c.scalesAndShifts = try settings.choice(
      "resnet_time_scale_shift", ["default": false, "scale_shift": true], default: false)
    if c.scalesAndShifts, c.middle == .pixels {
      // diffusers leaves the norm out of the middle's attention then.
      throw settings.wrong(
        "resnet_time_scale_shift", expected: "\"default\", or \"add_attention\" to be false")
    }
    if settings.value("num_class_embeds") != nil {
      c.hasLabels = true
      c.classes = try settings.integer("num_class_embeds", 1...(1 << 20))
    }
    hasMatrices = try settings.flag("use_linear_projection", default: false)
    if settings.value("addition_embed_type") != nil {
      _ = try settings.choice("addition_embed_type", ["text_time": true])
      c.added = try settings.integer("projection_class_embeddings_input_dim", 1...(1 << 20))
      addedWaves = try settings.integer("addition_time_embed_dim", 2...65536)
    } else {
      settings.ignore("projection_class_embeddings_input_dim", "addition_time_embed_dim")
      addedWaves = 0
    }
    try settings.refuseUnknown()
    if let problem = c.problem { throw DataError(file: path, problem) }
    configuration = c
  }

  private static func refuseForeign(
    _ settings: inout PublishedSettings, _ isConditioned: Bool
  ) throws(DataError) {
    try settings.only([
      "act_fn": ["silu", "swish"], "center_input_sample": [false], "time_embedding_type": ["positional"],
      "class_embed_type": [], "mid_block_scale_factor": [1], "dropout": [0],
    ])
    if isConditioned {
      try settings.only([
        "only_cross_attention": [false], "dual_cross_attention": [false], "encoder_hid_dim": [],
        "encoder_hid_dim_type": [], "time_embedding_dim": [], "time_embedding_act_fn": [],
        "timestep_post_act": [], "time_cond_proj_dim": [], "conv_in_kernel": [3], "conv_out_kernel": [3],
        "resnet_skip_time_act": [false], "resnet_out_scale_factor": [1], "attention_type": ["default"],
        "class_embeddings_concat": [false], "mid_block_only_cross_attention": [false],
        "cross_attention_norm": [], "reverse_transformer_layers_per_block": [],
      ])
      settings.ignore("upcast_attention", "addition_embed_type_num_heads")
    } else {
      try settings.only([
        "downsample_type": ["conv"], "upsample_type": ["conv"], "attn_norm_num_groups": [],
      ])
      settings.ignore("num_train_timesteps")
    }
  }

  private static func size(
    _ settings: inout PublishedSettings, _ given: (height: Int, width: Int)?
  ) throws(DataError) -> (Int, Int) {
    let value = settings.value("sample_size")
    if let given { return given }
    if let side = value?.integer { return (side, side) }
    if let sides = value?.array?.compactMap(\.integer), sides.count == 2 { return (sides[0], sides[1]) }
    var error = settings.wrong("sample_size", expected: "a number, or height and width")
    error.repair = "say the size of a sample: --size 64x64"
    throw error
  }

  /// Heads of each level. What `UNet2DConditionModel` calls the width of a head is the number of heads,
  /// unless the number is given under its own name; in `UNet2DModel` it is the width, and one head where it
  /// is missing.
  private static func heads(
    _ settings: inout PublishedSettings, _ isConditioned: Bool, _ widths: [Int]
  ) throws(DataError) -> [Int] {
    if isConditioned {
      let key = settings.value("num_attention_heads") == nil ? "attention_head_dim" : "num_attention_heads"
      return try settings.integers(key, 1...65536, count: widths.count, default: 8)
    }
    guard let value = settings.value("attention_head_dim") else {
      return [Int](repeating: 1, count: widths.count)
    }
    guard let head = value.integer, head > 0 else {
      throw settings.wrong("attention_head_dim", expected: "a positive number, or null")
    }
    return widths.map { max(1, $0 / head) }
  }

  private static func middle(
    _ settings: inout PublishedSettings, _ isConditioned: Bool
  ) throws(DataError) -> (Attention, Int) {
    if isConditioned {
      // null is a network without a middle; diffusers' plain middle has one block here.
      if settings.isNull("mid_block_type") { return (.none, 0) }
      return try settings.choice(
        "mid_block_type", ["UNetMidBlock2DCrossAttn": (.context, 2), "UNetMidBlock2D": (.none, 1)],
        default: (.context, 2))
    }
    if settings.isNull("mid_block_type") { return (.none, 0) }
    _ = try settings.choice("mid_block_type", ["UNetMidBlock2D": true], default: true)
    return (try settings.flag("add_attention", default: true) ? .pixels : .none, 2)
  }
}
