import PenchantKernels

extension BenchCase {
  /// The shapes of small and tall networks: squares, layers forward (NN, and NT with the weights of a file), and weight
  /// gradients (TN, the batch is the inner size). Names say rows × columns × inner.
  static let products: [BenchCase] = {
    func product(_ form: String, _ rows: Int, _ columns: Int, _ inner: Int) -> BenchCase {
      BenchCase(
        name: "sgemm \(form) \(rows)x\(columns)x\(inner)",
        work: Work(flops: 2 * Double(rows) * Double(columns) * Double(inner))
      ) {
        let shape = ProductShape(
          rows: rows, columns: columns, inner: inner, transposesA: form == "TN", transposesB: form == "NT")
        let a = try Floats(normal: rows * inner)
        let b = try Floats(normal: inner * columns, seed: 2)
        let c = try Floats(zeros: rows * columns)
        return {
          var out = c.storage.mutableSpan
          try multiply(shape, a.values.span, b.values.span, into: &out)
        }
      }
    }
    var list = [32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048].map {
      product("NN", $0, $0, $0)
    }
    for rows in [256, 1024, 4096, 8192] {
      for columns in [64, 128, 256, 512] {
        for inner in [64, 128, 256, 512] where !(rows == columns && columns == inner) {
          list.append(product("NN", rows, columns, inner))
        }
      }
    }
    let sides = [64, 256, 512]
    for rows in [256, 1024, 8192] {
      for columns in sides {
        for inner in sides { list.append(product("NT", rows, columns, inner)) }
      }
    }
    for inner in [256, 1024, 8192] {
      for rows in sides {
        for columns in sides { list.append(product("TN", rows, columns, inner)) }
      }
    }
    return list
  }()
}
