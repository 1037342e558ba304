import Foundation

/// What models keep in the metadata of their files.
extension SafeTensors {
  /// A text of the metadata.
  package func text(_ key: String) throws(DataError) -> String {
    guard let text = metadata[key] else {
      throw DataError(
        file: file, field: key, "the metadata has no \"\(key)\"", repair: "is this a model of penchant?")
    }
    return text
  }

  /// A value that the metadata hold as JSON.
  ///
  /// - Parameter decode: for JSON that is written in a way of its own.
  package func value<Value: Decodable>(
    _ key: String, _ type: Value.Type,
    decode: (Value.Type, [UInt8]) throws -> Value = { try JSONDecoder().decode($0, from: Data($1)) }
  ) throws -> Value {
    let bytes = Array(try text(key).utf8)
    do { return try decode(type, bytes) } catch let error as DecodingError {
      throw DataError(file: file, field: key, "the metadata \"\(key)\" cannot be read: \(error)")
    }
  }

  /// - Throws: `DataError` when the file holds a model of another system.
  package func check(system expected: String) throws(DataError) {
    let system = try text("system")
    guard system == expected else {
      throw DataError(
        file: file, field: "system", "this is a model of \"\(system)\"", expected: "\"\(expected)\"")
    }
  }
}
