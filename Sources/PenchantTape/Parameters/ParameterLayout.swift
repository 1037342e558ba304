import PenchantKernels

/// Names, shapes and starting values of a model's parameters, in the order in which they lie in memory.
///
/// ```swift
/// var layout = ParameterLayout()
/// let weight = layout.add("head.weight", [1, 64], .fanIn(64))
/// let store = try ParameterStore(layout, seed: 7)
/// ```
public struct ParameterLayout: Sendable, Equatable {
  /// A parameter and how it is treated.
  public struct Entry: Sendable, Equatable {
    public let parameter: Parameter
    public let initializer: Initializer
    /// Whether weight decay applies; by convention not to biases and the scales of norms.
    public let decays: Bool
    /// Whether an optimiser changes it.
    public let isTrainable: Bool
  }

  public private(set) var entries: [Entry] = []
  /// Floats from the first slot to the end of the last one.
  public private(set) var count = 0
  /// The first mistake; `ParameterStore.init` throws it.
  public private(set) var error: TapeError?

  private var indices: [String: Int] = [:]

  public init() {}

  /// Adds a parameter. A name that is taken, or an empty shape, is thrown when a store is made.
  public mutating func add(
    _ name: String, _ shape: Shape, _ initializer: Initializer, decays: Bool = true, isTrainable: Bool = true
  ) -> Parameter {
    let parameter = Parameter(name: name, shape: shape, offset: count)
    if !shape.isValid {
      fail(name, "shape \(shape) has an empty or overflowing extent")
    } else if indices[name] != nil {
      fail(name, "the name is taken; give the layer another name")
    } else if name.isEmpty {
      fail(name, "a name is needed")
    } else {
      let (end, overflow) = count.addingReportingOverflow((shape.count + 15) / 16 * 16)
      if overflow || end > .max / 64 {
        fail(name, "the layout is larger than memory")
      } else {
        indices[name] = entries.count
        entries.append(
          Entry(parameter: parameter, initializer: initializer, decays: decays, isTrainable: isTrainable))
        count = end
      }
    }
    return parameter
  }

  /// The parameter of a name.
  public func parameter(named name: String) -> Parameter? { indices[name].map { entries[$0].parameter } }

  /// Numbers of all parameters, without the gaps between slots.
  public var parameterCount: Int { entries.reduce(0) { $0 + $1.parameter.count } }

  /// The same layout with some parameters frozen or freed.
  public func training(where isTrainable: (Parameter) -> Bool) -> ParameterLayout {
    var copy = self
    copy.entries = entries.map {
      Entry(
        parameter: $0.parameter, initializer: $0.initializer, decays: $0.decays,
        isTrainable: isTrainable($0.parameter))
    }
    return copy
  }

  func entry(of parameter: Parameter) -> Entry? {
    guard let index = indices[parameter.name], entries[index].parameter == parameter else { return nil }
    return entries[index]
  }

  private mutating func fail(_ name: String, _ detail: String) {
    if error == nil { error = .parameter(name: name, detail: detail) }
  }
}
