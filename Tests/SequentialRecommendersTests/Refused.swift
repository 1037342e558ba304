import PenchantTrain
import Testing

/// A change to a configuration that makes it impossible, by the name of the setting that the error must say.
struct Refused<Configuration>: Sendable, CustomTestStringConvertible {
  let name: String
  let change: @Sendable (inout Configuration) -> Void
  init(_ name: String, _ change: @escaping @Sendable (inout Configuration) -> Void) {
    (self.name, self.change) = (name, change)
  }
  var testDescription: String { name }

  /// Expects that `make` throws an error which names the setting.
  func isNamed(by make: (@Sendable (inout Configuration) -> Void) throws -> Void) {
    let error = #expect(throws: ConfigurationError.self) { try make(change) }
    #expect(error?.description.contains(name) == true, "\(error?.description ?? "")")
  }
}
