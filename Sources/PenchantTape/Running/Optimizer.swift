import PenchantKernels

/// How parameters follow their gradients.
public struct OptimizerConfiguration: Sendable, Equatable, Codable {
  public enum Method: String, Sendable, Codable, CaseIterable {
    /// Kingma & Ba 2015; decay is added to the gradient.
    case adam
    /// Loshchilov & Hutter 2019; decay is decoupled.
    case adamW
    /// With momentum, Nesterov's if asked.
    case sgd
  }

  public var method: Method
  public var schedule: Schedule
  public var beta1 = 0.9
  public var beta2 = 0.999
  public var epsilon = 1e-8
  /// Weight decay of the parameters that decay.
  public var decay = 0.0
  public var momentum = 0.0
  public var nesterov = false
  /// Largest norm of the whole gradient; `nil` for any.
  public var clip: Double?
  /// Decay of the moving average of the parameters; `nil` for none.
  public var average: Double?

  public init(_ method: Method, _ schedule: Schedule) {
    self.method = method
    self.schedule = schedule
  }

  public static func adam(_ rate: Double) -> OptimizerConfiguration {
    OptimizerConfiguration(.adam, .constant(rate))
  }

  public static func adamW(_ rate: Double, decay: Double = 0.01) -> OptimizerConfiguration {
    var configuration = OptimizerConfiguration(.adamW, .constant(rate))
    configuration.decay = decay
    return configuration
  }

  public static func sgd(_ rate: Double, momentum: Double = 0) -> OptimizerConfiguration {
    var configuration = OptimizerConfiguration(.sgd, .constant(rate))
    configuration.momentum = momentum
    return configuration
  }
}

/// The state of an optimiser between steps, enough to go on with the same bits.
public struct OptimizerState: Sendable, Equatable, Codable {
  /// Steps that were made.
  public var step: UInt64
  public var seed: UInt64
  /// Adam's first moment or momentum, Adam's second moment, the average: as long as the layout, or empty.
  public var first: [Float]
  public var second: [Float]
  public var average: [Float]
}

/// Moments and step count of a training, shared by all programs (batch shapes) that train one store.
public final class Optimizer {
  public let configuration: OptimizerConfiguration
  public let store: ParameterStore
  /// Seed of dropout.
  public private(set) var seed: UInt64
  /// Steps made so far.
  public private(set) var step: UInt64 = 0

  private let first: FloatBuffer?
  private let second: FloatBuffer?
  private let average: FloatBuffer?

  /// - Throws: `TapeError.memory`.
  public init(_ configuration: OptimizerConfiguration, for store: ParameterStore, seed: UInt64 = 0)
    throws(TapeError)
  {
    self.configuration = configuration
    self.store = store
    self.seed = seed
    let count = store.layout.count
    do throws(KernelError) {
      first = configuration.method != .sgd || configuration.momentum > 0 ? try FloatBuffer(count: count) : nil
      second = configuration.method != .sgd ? try FloatBuffer(count: count) : nil
      average = configuration.average != nil ? try FloatBuffer(count: count) : nil
    } catch { throw TapeError(error) }
    if let average { copy(store.values, to: average) }
  }

  /// The learning rate of the next step.
  public var rate: Double { configuration.schedule.rate(at: step + 1) }

  // MARK: Saving

  public var state: OptimizerState {
    OptimizerState(
      step: step, seed: seed, first: array(first), second: array(second), average: array(average))
  }

  /// Goes back to a saved state. The store is restored separately.
  ///
  /// - Throws: `TapeError.parameter` when the state is of another layout or method.
  public func restore(_ state: OptimizerState) throws(TapeError) {
    let pairs = [
      ("first", first, state.first), ("second", second, state.second), ("average", average, state.average),
    ]
    for (name, buffer, values) in pairs where values.count != buffer?.count ?? 0 {
      throw .parameter(name: "optimizer.\(name)", detail: "\(values.count) values for \(buffer?.count ?? 0)")
    }
    for (_, buffer, values) in pairs {
      buffer?.withMutableSpan { span in
        for i in values.indices { span[i] = values[i] }
      }
    }
    step = state.step
    seed = state.seed
  }

  /// Puts the moving average into the store, or does nothing without one.
  public func adoptAverage() {
    if let average { copy(average, to: store.values) }
  }

  /// Puts the moving average into another store of the same layout, or does nothing without one.
  ///
  /// - Throws: `TapeError.parameter` for a store of another size.
  public func copyAverage(to other: ParameterStore) throws(TapeError) {
    guard let average else { return }
    guard other.layout.count == store.layout.count else {
      throw .parameter(
        name: "optimizer.average", detail: "\(other.layout.count) floats for \(store.layout.count)")
    }
    copy(average, to: other.values)
  }

  private func array(_ buffer: FloatBuffer?) -> [Float] {
    buffer?.withSpan { span in span.withUnsafeBufferPointer { Array($0) } } ?? []
  }

  private func copy(_ from: FloatBuffer, to: FloatBuffer) {
    from.withSpan { from in
      to.withMutableSpan { to in
        for i in from.indices { to[i] = from[i] }
      }
    }
  }

  // MARK: Stepping

  var programState: Program.State {
    var state = Program.State(parameters: store.values)
    state.first = first
    state.second = second
    state.average = average
    return state
  }

  var next: Program.Step {
    var numbers = Program.Step()
    numbers.seed = seed
    numbers.step = step + 1
    numbers.learningRate = rate
    numbers.training = true
    return numbers
  }

  func advance() { step += 1 }

  /// The C form for the parameters that have gradients. Neighbours that are treated alike make one range.
  func program(updating parameters: Set<Parameter>) -> ProgramOptimizer {
    var optimizer = ProgramOptimizer()
    switch configuration.method {
    case .adam: optimizer.kind = .adam
    case .adamW: optimizer.kind = .adamW
    case .sgd: optimizer.kind = .sgd
    }
    optimizer.beta1 = configuration.beta1
    optimizer.beta2 = configuration.beta2
    optimizer.epsilon = configuration.epsilon
    optimizer.momentum = configuration.momentum
    optimizer.nesterov = configuration.nesterov
    optimizer.clip = configuration.clip ?? 0
    optimizer.average = configuration.average ?? 0
    for entry in store.layout.entries where parameters.contains(entry.parameter) {
      let decay = entry.decays ? Float(configuration.decay) : 0
      let (first, count) = (entry.parameter.offset, entry.parameter.count)
      if var last = optimizer.ranges.last, last.decay == decay, first - (last.first + last.count) < 16 {
        // The gap to the next slot holds zeros that stay zeros.
        last.count = first + count - last.first
        optimizer.ranges[optimizer.ranges.count - 1] = last
      } else {
        optimizer.ranges.append(ProgramOptimizer.Range(first: first, count: count, decay: decay))
      }
    }
    return optimizer
  }
}
