import PenchantNN
import PenchantTape

/// Layers over a point, its time and its class: the denoiser of low-dimensional data.
///
/// Parameters: `layers.*` as in ``MLP``, `classes.weight` `[classes + 1, width of a class]`.
public struct PointNetwork: NoiseNetwork {
  public let timeWidth: Int
  public let classRows: Int
  private let layers: MLP
  private let table: Parameter?

  /// - Parameters:
  ///   - values: coordinates of a point.
  ///   - classes: number of classes, 0 for none.
  public init(
    values: Int, classes: Int, configuration: NetworkConfiguration, in layout: inout ParameterLayout
  ) {
    timeWidth = configuration.timeWidth
    classRows = classes == 0 ? 0 : classes + 1
    let width = classes == 0 ? 0 : configuration.classWidth
    table =
      classes == 0
      ? nil : layout.add("classes.weight", [classes + 1, width], .normal(deviation: 1), decays: false)
    layers = MLP(
      [values + timeWidth + width] + Array(repeating: configuration.width, count: configuration.layers)
        + [values], activation: .silu, named: "layers", in: &layout)
  }

  public func callAsFunction(_ x: Tensor, times: Tensor, classes: Ids?) -> Tensor {
    var parts = [times]
    if let table, let classes { parts.append(x.tape.parameter(table).embedding(classes)) }
    return layers(x.joined(with: parts))
  }
}
