import PenchantKernels
import PenchantNN
import PenchantTape

/// A ``ConditionedUNet`` over pictures or latents.
public struct ConditionedNetwork: NoiseNetwork {
  let unet: ConditionedUNet

  public var timeWidth: Int { unet.time.width }
  public var classRows: Int { unet.configuration.rows }

  /// - Throws: `TapeError.parameter` with what the configuration should be.
  public init(
    _ configuration: ConditionedUNetConfiguration, in layout: inout ParameterLayout
  ) throws(TapeError) {
    unet = try ConditionedUNet(configuration, in: &layout)
  }

  public func waves(_ times: [Double]) throws(KernelError) -> [Float] { try unet.time.waves(times) }

  public func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor {
    unet(x, waves: times, classes: classes)
  }
}
