import PenchantKernels
import PenchantNN
import PenchantTape
import PenchantTrain

/// What a model is made of: enough to build its network again.
public struct ModelConfiguration: Sendable, Equatable, Codable {
  public enum Prediction: String, Sendable, Codable, CaseIterable {
    /// ε, the noise itself.
    case noise
    /// v = √ᾱ ε − √(1−ᾱ) x0 (Salimans & Ho 2022).
    case velocity
  }

  public var network = NetworkConfiguration()
  /// A network that was published, in the place of `network`.
  public var published: ConditionedUNetConfiguration?
  public var schedule = ScheduleConfiguration()
  public var prediction = Prediction.noise

  public init() {}

  public func validate() throws(ConfigurationError) {
    try network.validate()
    try schedule.validate()
    if let problem = published?.problem { throw ConfigurationError("model.published: \(problem)") }
  }
}

/// A diffusion model: schedule, network, numbers.
public final class DiffusionModel {
  /// Stands for "no class" among the classes of rows.
  public static let noClass = -1

  public let configuration: ModelConfiguration
  public let shape: SampleShape
  /// Names of the classes that samples are made under; empty for a model without.
  public let classNames: [String]
  public let schedule: NoiseSchedule
  public let network: any NoiseNetwork
  public let store: ParameterStore
  private var features = TimeFeatures()

  /// A model with numbers as they are drawn from the seed.
  ///
  /// - Throws: `ConfigurationError`, `TapeError.memory`.
  public convenience init(
    _ configuration: ModelConfiguration, shape: SampleShape, classNames: [String] = [], seed: UInt64 = 0
  ) throws {
    var configuration = configuration
    if configuration.published == nil { configuration.network = configuration.network.sized(for: shape) }
    var layout = ParameterLayout()
    let network = try Self.network(configuration, shape, classNames.count, &layout)
    try self.init(
      configuration, shape: shape, classNames: classNames, network: network,
      store: ParameterStore(layout, seed: seed))
  }

  /// A model with a network and numbers made elsewhere.
  package init(
    _ configuration: ModelConfiguration, shape: SampleShape, classNames: [String] = [],
    network: any NoiseNetwork,
    store: ParameterStore
  ) throws {
    try configuration.validate()
    schedule = try NoiseSchedule(configuration.schedule)
    self.configuration = configuration
    self.shape = shape
    self.classNames = classNames
    self.network = network
    self.store = store
  }

  private static func network(
    _ model: ModelConfiguration, _ shape: SampleShape, _ classes: Int, _ layout: inout ParameterLayout
  ) throws -> any NoiseNetwork {
    try model.validate()
    if let published = model.published {
      let made = SampleShape(
        height: published.height, width: published.width, channels: published.channels)
      guard made == shape, published.classes == classes else {
        throw ConfigurationError(
          "model.published makes samples of \(made) in \(published.classes) classes, not of \(shape) in \(classes)"
        )
      }
      return try ConditionedNetwork(published, in: &layout)
    }
    let configuration = model.network
    switch try configuration.resolved(for: shape) {
    case .unet: return try PictureNetwork(configuration, shape: shape, classes: classes, in: &layout)
    default:
      return PointNetwork(values: shape.count, classes: classes, configuration: configuration, in: &layout)
    }
  }

  /// The same model with numbers of its own.
  public func copy() throws -> DiffusionModel {
    let other = try DiffusionModel(configuration, shape: shape, classNames: classNames)
    try other.store.take(store)
    return other
  }

  /// What the network reads of times, `[times, width]`.
  func waves(_ times: [Int]) throws(KernelError) -> [Float] { try features.rows(times, of: network) }

  /// The classes of `count` samples, one class after the other; `noClass` each for a model without.
  func classes(_ count: Int) -> [Int] {
    (0..<count).map { classNames.isEmpty ? Self.noClass : $0 % classNames.count }
  }

  /// Values that this model drew under `classes`, as samples.
  func samples(_ values: [Float], _ classes: [Int]) -> SampleSet {
    SampleSet(
      shape: shape, values: values, classes: classNames.isEmpty ? [] : classes, classNames: classNames)
  }

  public var parameterCount: Int { store.layout.parameterCount }
}
