extension FeatureMatrix {
  /// Precomputed embeddings, one row a record: a `.npy` array of two dimensions, or a tensor of a safetensors file.
  ///
  /// - Parameter tensor: the name of the tensor; may be left out when the file has one only.
  /// - Throws: `DataError` for a file that cannot be read or values that are not finite.
  public init(embeddings path: String, tensor: String? = nil) throws {
    if path.hasSuffix(".npy") {
      let array = try NumPyFile(path)
      guard array.shape.count == 2 else { throw FeatureMatrix.shapeError(path, array.shape) }
      try self.init(
        rows: array.shape[0], width: array.shape[1], dense: FeatureMatrix.finite(array.floats(), path))
      return
    }
    let file = try SafeTensors(path)
    guard let name = tensor ?? (file.entries.count == 1 ? file.entries[0].name : nil) else {
      throw DataError(
        file: path, "the file holds \(file.entries.count) tensors",
        expected: "one, or the name of the one to use",
        found: "it has \(quotedList(file.entries.map(\.name), limit: 6))")
    }
    let entry = try file.require(name)
    guard entry.shape.count == 2 else { throw FeatureMatrix.shapeError(path, entry.shape) }
    try self.init(rows: entry.shape[0], width: entry.shape[1], dense: file.floats(name, finite: true))
  }

  private static func shapeError(_ path: String, _ shape: [Int]) -> DataError {
    DataError(
      file: path, field: "shape", "the embeddings are not a matrix", expected: "[records, width]",
      found: "found \(shape)")
  }

  private static func finite(_ values: [Float], _ path: String) throws(DataError) -> [Float] {
    guard let place = values.firstIndex(where: { !$0.isFinite }) else { return values }
    throw DataError(
      file: path, "the array holds \(values[place])", expected: "finite values",
      found: "found at element \(place)")
  }
}
