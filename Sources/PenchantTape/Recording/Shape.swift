/// The extents of a tensor, outermost first. Every extent is positive; a shape without extents is a scalar
/// of one
/// element.
public struct Shape: Sendable, Equatable, Hashable, ExpressibleByArrayLiteral {
  public let extents: [Int]

  public init(_ extents: [Int]) { self.extents = extents }
  public init(arrayLiteral extents: Int...) { self.extents = extents }

  public var rank: Int { extents.count }

  /// The product of the extents; `Int.max` when it does not fit.
  public var count: Int {
    extents.reduce(1) { product, extent in
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      return overflow ? .max : next
    }
  }

  /// Extents that make sense: all positive, a product that fits.
  var isValid: Bool { extents.allSatisfy { $0 > 0 } && count < .max / 64 }

  /// The last extent, 1 for a scalar: the width of a row.
  var width: Int { extents.last ?? 1 }
  /// Rows of `width`.
  var rows: Int { count / width }
  /// This shape with another last extent.
  func with(width: Int) -> Shape { Shape(Array(extents.dropLast()) + [width]) }
}

extension Shape: CustomStringConvertible {
  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
