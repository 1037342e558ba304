import PenchantKernels

/// The numbers of a model: one contiguous buffer, laid out by name. Programs that train or infer share it.
///
/// Used by one thread at a time while a training step runs; any number of threads may infer when none trains.
public final class ParameterStore {
  public let layout: ParameterLayout
  package let values: FloatBuffer

  /// Takes memory and draws starting values.
  ///
  /// - Throws: `TapeError.parameter` for a layout with a mistake, `TapeError.memory`.
  public init(_ layout: ParameterLayout, seed: UInt64 = 0) throws(TapeError) {
    if let error = layout.error { throw error }
    self.layout = layout
    do throws(KernelError) {
      values = try FloatBuffer(count: layout.count)
      for entry in layout.entries { try draw(entry, seed: seed) }
    } catch { throw TapeError(error) }
  }

  /// All parameters, in the order of memory.
  public var parameters: [Parameter] { layout.entries.map(\.parameter) }

  /// Reads one parameter.
  public func withValues<Result>(of parameter: Parameter, _ body: (Span<Float>) -> Result) throws(TapeError)
    -> Result
  {
    let range = try range(of: parameter)
    return values.withSpan { body($0.extracting(range)) }
  }

  /// The values of one parameter, row-major.
  public func copy(of parameter: Parameter) throws(TapeError) -> [Float] {
    try withValues(of: parameter) { span in
      [Float](unsafeUninitializedCapacity: span.count) { buffer, count in
        for i in span.indices { buffer.initializeElement(at: i, to: span[i]) }
        count = span.count
      }
    }
  }

  /// Replaces the values of one parameter.
  ///
  /// - Throws: `TapeError.parameter` for a parameter of another layout or another number of values.
  public func set(_ parameter: Parameter, to new: Span<Float>) throws(TapeError) {
    let range = try range(of: parameter)
    guard new.count == range.count else {
      throw .parameter(name: parameter.name, detail: "\(new.count) values for shape \(parameter.shape)")
    }
    values.withMutableSpan { span in
      for i in new.indices { span[range.lowerBound + i] = new[i] }
    }
  }

  /// Replaces the values of one parameter.
  public func set(_ parameter: Parameter, to new: [Float]) throws(TapeError) {
    try set(parameter, to: new.span)
  }

  func range(of parameter: Parameter) throws(TapeError) -> Range<Int> {
    guard layout.entry(of: parameter) != nil else {
      throw .parameter(name: parameter.name, detail: "it is not in this store as \(parameter.shape)")
    }
    return parameter.offset..<parameter.offset + parameter.count
  }
}
