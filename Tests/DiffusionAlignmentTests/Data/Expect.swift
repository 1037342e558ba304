import PenchantData
import Testing

/// Expects a `DataError` whose text has all of `parts`.
func expectDataError(
  _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, from body: () throws -> Void
) {
  let error = #expect(throws: DataError.self, sourceLocation: sourceLocation) { try body() }
  for part in parts {
    #expect(
      error?.description.contains(part) == true, "\(error?.description ?? "no error")",
      sourceLocation: sourceLocation)
  }
}
