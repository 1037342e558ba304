import PenchantData
import Yams

/// Attributes that users describe, as YAML: a list of them, one alone, or a list under `attributes:`.
///
/// ```yaml
/// - name: clarity
///   family: norm                 # norm: a way of saying it; value: something the writer cares about
///   low: muddled
///   high: clear
///   definition: Whether a reader gets the point at the first reading.
///   levels: [Confused throughout., Hard to follow., Takes some care., Easy to follow., Clear at a glance.]
///   low_words: [sort of, whatnot]     # optional, as are high_words
/// ```
public enum AttributeFile {
  private static let fields = [
    "name", "family", "low", "high", "definition", "levels", "low_words", "high_words",
  ]

  /// - Throws: `DataError` with file, line and field: what was expected, what was found, the nearest name.
  public static func read(_ path: String) throws(DataError) -> [Attribute] {
    var lines = try LineReader(path)
    var text = ""
    while let line = try lines.next() { text += line + "\n" }
    return try read(yaml: text, file: path)
  }

  public static func read(yaml text: String, file: String) throws(DataError) -> [Attribute] {
    let root: Node?
    do { root = try Yams.compose(yaml: text) } catch {
      throw DataError(file: file, "this is not YAML", found: "\(error)")
    }
    guard let root, root != Node("") else {
      throw DataError(
        file: file, "the file is empty", expected: "a list of attributes",
        repair: "an attribute needs \(fields.prefix(6).joined(separator: ", "))")
    }
    let listed = root.mapping.flatMap { $0[Node("attributes")] } ?? root
    let nodes: [Node] = listed.sequence.map { Array($0) } ?? [listed]
    var attributes: [Attribute] = []
    for node in nodes {
      let attribute = try attribute(node, file: file)
      if attributes.contains(where: { $0.name == attribute.name }) {
        throw DataError(
          file: file, line: node.mark?.line, field: "name",
          "the name \"\(attribute.name)\" stands there twice",
          repair: "give one of them another name")
      }
      attributes.append(attribute)
    }
    return attributes
  }

  /// YAML that `read` gives the same attributes from.
  public static func text(_ attributes: [Attribute]) throws -> String {
    try Yams.serialize(
      node: .sequence(
        .init(
          attributes.map { attribute in
            func scalar(_ text: String) -> Node { Node(text, .implicit, .doubleQuoted) }
            func list(_ texts: [String]) -> Node { .sequence(.init(texts.map(scalar))) }
            var pairs: [(Node, Node)] = [
              ("name", attribute.name), ("family", attribute.family.rawValue), ("low", attribute.low),
              ("high", attribute.high), ("definition", attribute.definition),
            ].map { (Node($0), scalar($1)) }
            pairs.append((Node("levels"), list(attribute.levels)))
            pairs.append((Node("low_words"), list(attribute.lowWords)))
            pairs.append((Node("high_words"), list(attribute.highWords)))
            return .mapping(.init(pairs))
          })), width: -1, allowUnicode: true)
  }

  /// The attribute of a name.
  ///
  /// - Throws: `DataError` with the nearest name.
  public static func attribute(named name: String, among attributes: [Attribute]) throws(DataError)
    -> Attribute
  {
    if let found = attributes.first(where: { $0.name == name }) { return found }
    let names = attributes.map(\.name)
    throw DataError(
      file: "attributes", field: name, "there is no attribute \"\(name)\"",
      expected: "one of \(names.joined(separator: ", "))",
      repair: nearestName(to: name, among: names).map { "did you mean \"\($0)\"?" })
  }

  private static func attribute(_ node: Node, file: String) throws(DataError) -> Attribute {
    guard let mapping = node.mapping else {
      throw DataError(
        file: file, line: node.mark?.line, "this is no attribute",
        expected: "a mapping with \(fields.joined(separator: ", "))",
        found: "found \(shown(node))")
    }
    for key in mapping.keys {
      guard let name = key.string, !fields.contains(name) else { continue }
      throw DataError(
        file: file, line: key.mark?.line, field: name, "\"\(name)\" is no field of an attribute",
        expected: "fields are \(fields.joined(separator: ", "))",
        repair: nearestName(to: name, among: fields).map { "did you mean \"\($0)\"?" })
    }
    func wrong(_ field: String, _ value: Node, _ expected: String) -> DataError {
      DataError(
        file: file, line: value.mark?.line, field: field, "\"\(field)\" is not as it must be",
        expected: "\"\(field)\" is \(expected)", found: "found \(shown(value))")
    }
    func value(_ field: String) throws(DataError) -> Node {
      guard let value = mapping[Node(field)] else {
        let keys = mapping.keys.compactMap(\.string)
        throw DataError(
          file: file, line: node.mark?.line, field: field, "\"\(field)\" is missing",
          expected: "an attribute needs \(fields.prefix(6).joined(separator: ", "))",
          found: "this one has \(keys.joined(separator: ", "))")
      }
      return value
    }
    func text(_ field: String) throws(DataError) -> String {
      let value = try value(field)
      guard let text = value.scalar?.string, !text.isEmpty else { throw wrong(field, value, "a text") }
      return text
    }
    func list(_ field: String) throws(DataError) -> [String] {
      let value = try value(field)
      guard let texts = value.sequence.map({ $0.compactMap { $0.scalar?.string } }),
        texts.count == value.sequence?.count, texts.allSatisfy({ !$0.isEmpty })
      else { throw wrong(field, value, "a list of texts") }
      return texts
    }
    let family = try text("family")
    guard let known = Attribute.Family(rawValue: family) else {
      let near = nearestName(to: family, among: Attribute.Family.allCases.map(\.rawValue))
      var error = wrong("family", try value("family"), "norm or value")
      error.repair = near.map { "did you mean \"\($0)\"?" }
      throw error
    }
    let levels = try list("levels")
    guard levels.count == Attribute.levelRange.count else {
      var error = wrong("levels", try value("levels"), "a list of 5 texts, from the low pole to the high one")
      error.found = "found \(levels.count)"
      throw error
    }
    func words(_ field: String) throws(DataError) -> [String] {
      mapping[Node(field)] == nil ? [] : try list(field).map { $0.lowercased() }
    }
    return Attribute(
      name: try text("name"), family: known, low: try text("low"), high: try text("high"),
      definition: try text("definition"), levels: levels, lowWords: try words("low_words"),
      highWords: try words("high_words"))
  }

  private static func shown(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): "\"\(scalar.string.prefix(60))\""
    case .sequence(let sequence): "a list of \(sequence.count)"
    case .mapping: "a mapping"
    default: "an alias"
    }
  }
}
