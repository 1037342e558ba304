/// Numbers that do not belong together, found before a page is written.
public enum PaletteReportError: Error, Equatable, CustomStringConvertible {
  case count(place: String, expected: Int, found: Int)
  case level(place: String, found: Int)
  case notFinite(place: String)
  case notAShare(place: String, found: Double)
  case sum(place: String, parts: Double, total: Double)

  public var description: String {
    switch self {
    case .count(let place, let expected, let found):
      "\(place): \(expected) values expected, \(found) found; give one for each name"
    case .level(let place, let found): "\(place): level \(found) found, levels are 1 to 5"
    case .notFinite(let place):
      "\(place): a number is not finite; leave the entry out where there is no value"
    case .notAShare(let place, let found):
      "\(place): \(found) found, a share is 0 to 1; divide per cent by 100"
    case .sum(let place, let parts, let total):
      "\(place): content and contributions add up to \(parts), the total says \(total); give all contributions"
    }
  }
}
