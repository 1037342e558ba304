import Foundation

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// What the tests look for in a page.
enum Markup {
  static func drawings(in html: String) -> [String] {
    html.components(separatedBy: "<svg ").dropFirst().map {
      "<svg " + ($0.components(separatedBy: "</svg>").first ?? "") + "</svg>"
    }
  }

  /// Nil when it is well-formed, else what the parser says.
  static func fault(of xml: String) -> String? {
    let parser = XMLParser(data: Data(xml.utf8))
    guard !parser.parse() else { return nil }
    return
      "line \(parser.lineNumber): \(parser.parserError.map(String.init(describing:)) ?? "not well-formed")"
  }

  /// The cells of the folded table with this title, row by row.
  static func cells(ofTable title: String, in html: String) -> [[String]] {
    guard let start = html.range(of: "The numbers: \(title) ") else { return [] }
    let rest = html[start.upperBound...]
    let body = rest[(rest.range(of: "<tbody>")?.upperBound ?? rest.endIndex)...]
    let table = body[..<(body.range(of: "</tbody>")?.lowerBound ?? body.endIndex)]
    return table.components(separatedBy: "</tr>").dropLast().map { row in
      row.components(separatedBy: "</td>").dropLast().map { $0.components(separatedBy: "<td>").last ?? "" }
    }
  }

  /// Tags that a browser would see, names only: `section`, `svg`.
  static func tags(in html: String) -> Set<String> {
    Set(
      html.components(separatedBy: "<").dropFirst().map { String($0.prefix { $0.isLetter || $0.isNumber }) }
        .filter { !$0.isEmpty })
  }
}
