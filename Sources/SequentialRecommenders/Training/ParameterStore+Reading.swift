import PenchantKernels
import PenchantTape

extension ParameterStore {
  /// All values by name.
  func copies() throws(TapeError) -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for parameter in parameters { values[parameter.name] = try copy(of: parameter) }
    return values
  }

  /// Hands the values of one parameter to kernels.
  func reading<Output>(
    _ parameter: Parameter, _ body: (Span<Float>) throws(KernelError) -> Output
  ) throws -> Output {
    let result: Result<Output, KernelError> = try withValues(of: parameter) { span in
      do throws(KernelError) { return .success(try body(span)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
