import Foundation
import Testing

/// From a folder of diffusers to a run that draws, by the command alone.
@Suite struct ImportCommandTests {
  /// A network of one level for 4 × 4 pixels, all numbers zero: it says that there is no noise.
  private static func folder(_ path: String, without missing: String = "") throws {
    var shapes: [(String, [Int])] = []
    func both(_ name: String, _ shape: [Int]) {
      shapes += [("\(name).weight", shape), ("\(name).bias", [shape[0]])]
    }
    func residual(_ name: String, _ inputs: Int) {
      both("\(name).norm1", [inputs])
      both("\(name).conv1", [4, inputs, 3, 3])
      both("\(name).time_emb_proj", [4, 16])
      both("\(name).norm2", [4])
      both("\(name).conv2", [4, 4, 3, 3])
      if inputs != 4 { both("\(name).conv_shortcut", [4, inputs, 1, 1]) }
    }
    both("conv_in", [4, 1, 3, 3])
    both("time_embedding.linear_1", [16, 4])
    both("time_embedding.linear_2", [16, 16])
    residual("down_blocks.0.resnets.0", 4)
    residual("mid_block.resnets.0", 4)
    residual("mid_block.resnets.1", 4)
    residual("up_blocks.0.resnets.0", 8)
    residual("up_blocks.0.resnets.1", 8)
    both("conv_norm_out", [4])
    both("conv_out", [1, 4, 3, 3])
    var header: [String] = []
    var end = 0
    for (name, shape) in shapes where name != missing {
      let start = end
      end += 4 * shape.reduce(1, *)
      header.append("\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}")
    }
    let text = Data(("{" + header.joined(separator: ",") + "}").utf8)
    var file = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
    file += text + Data(count: end)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try file.write(to: URL(fileURLWithPath: path + "/diffusion_pytorch_model.safetensors"))
    let settings = """
      {"_class_name": "UNet2DModel", "sample_size": 4, "in_channels": 1, "out_channels": 1, "layers_per_block": 1,
       "block_out_channels": [4], "down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"],
       "add_attention": false, "norm_num_groups": 2}
      """
    try Data(settings.utf8).write(to: URL(fileURLWithPath: path + "/config.json"))
  }

  @Test func importedNetworksDraw() throws {
    try BuiltCommand.withFolder { folder in
      try Self.folder(folder + "/published")
      let imported = try BuiltCommand.run(
        ["diffusion", "import", "published", "--out", "base", "--json"], in: folder)
      #expect(imported.code == 0, "\(imported.errors)")
      let result = try #require(imported.json)
      #expect(
        result["shape"] as? String == "4×4, 1 channel" && result["parameters"] as? Int == 2713, "\(result)")
      let drawn = try BuiltCommand.run(
        ["diffusion", "sample", "base", "--grid", "2x2", "--steps", "3", "--out", "grid.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let again = try BuiltCommand.run(["diffusion", "import", "published", "--out", "base"], in: folder)
      #expect(again.code == 64 && again.errors.contains("a run is there already"), "\(again.errors)")
      let report = try BuiltCommand.run(["report", "base"], in: folder)
      #expect(report.code == 2 && report.errors.contains("was imported"), "\(report.errors)")
      let shown = try BuiltCommand.run(["diffusion", "import", "published", "--out", "shown"], in: folder)
      #expect(shown.code == 0 && shown.output.contains("assumed"), "\(shown.output)")
    }
  }

  @Test func whatIsWrongIsSaidAndNothingIsLeftBehind() throws {
    try BuiltCommand.withFolder { folder in
      try Self.folder(folder + "/published", without: "conv_in.bias")
      let refused = try BuiltCommand.run(
        ["diffusion", "import", "published", "--out", "base", "--json"], in: folder)
      #expect(refused.code == 2 && refused.output.isEmpty)
      #expect(refused.errors.contains("published/diffusion_pytorch_model.safetensors"))
      #expect(refused.errors.contains("\"conv_in.bias\" is missing"), "\(refused.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/base"))
      let nowhere = try BuiltCommand.run(["diffusion", "import", "nowhere", "--out", "base"], in: folder)
      #expect(nowhere.code == 2 && nowhere.errors.contains("config.json"), "\(nowhere.errors)")
    }
  }
}
