import PenchantNN
import PenchantTape

/// A ``UNet`` over square pictures.
public struct PictureNetwork: NoiseNetwork {
  public let timeWidth: Int
  public let classRows: Int
  private let unet: UNet

  /// - Throws: `TapeError.parameter` with what the configuration should be.
  public init(
    _ configuration: NetworkConfiguration, shape: SampleShape, classes: Int, in layout: inout ParameterLayout
  ) throws(TapeError) {
    timeWidth = configuration.timeWidth
    classRows = classes == 0 ? 0 : classes + 1
    unet = try UNet(
      UNetConfiguration(
        size: shape.height, channels: shape.channels, widths: configuration.channels,
        blocks: configuration.blocks,
        attention: configuration.attention.map { shape.height >> $0 }, middleBlocks: 1,
        heads: configuration.heads,
        groups: configuration.groups, waves: configuration.timeWidth, embedding: configuration.embedding,
        classes: classes), in: &layout)
  }

  public func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor {
    unet(x, waves: times, classes: classes)
  }
}
