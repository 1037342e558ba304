import Foundation
import PenchantData
import Yams

/// What is wrong with a configuration, with its place.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  public init(_ description: String) { self.description = description }
}

/// - Throws: `ConfigurationError` that names the setting, what it must be and what was found.
package func checkSetting(
  _ holds: Bool, _ name: String, _ rule: String, _ found: Any
) throws(ConfigurationError) {
  if !holds { throw ConfigurationError("\(name) must be \(rule), found \(found)") }
}

/// A configuration in layers: defaults, then a YAML file, then single settings from the command line.
///
/// Keys are checked against the defaults, so a key that does not exist is an error that names its line and the nearest
/// key, and the resolved file has every default written out.
public struct ConfigurationLayers<Value: Codable & Sendable>: Sendable {
  private var yaml: String

  public init(defaults: Value) throws {
    yaml = try Self.text(defaults)
  }

  /// Lays a YAML file over what is set so far.
  public mutating func apply(yaml text: String, file: String) throws {
    let layer: Node?
    do {
      layer = try Yams.compose(yaml: text)
    } catch {
      throw ConfigurationError("\(file): \(error)")
    }
    guard let layer, layer != Node("") else { return }
    guard var base = try Yams.compose(yaml: yaml) else { return }
    try Self.merge(layer, into: &base, path: "", file: file)
    yaml = try Yams.serialize(node: base)
  }

  /// Sets one key, `section.key`, to a YAML value.
  public mutating func set(_ key: String, to value: String) throws {
    var node = (try? Yams.compose(yaml: value)) ?? Node(value)
    for part in key.split(separator: ".").reversed() {
      node = Node.mapping(.init([(Node(String(part)), node)]))
    }
    guard var base = try Yams.compose(yaml: yaml) else { return }
    try Self.merge(node, into: &base, path: "", file: nil)
    yaml = try Yams.serialize(node: base)
  }

  public func resolve() throws -> Value {
    do {
      guard let node = try Yams.compose(yaml: yaml) else {
        throw ConfigurationError("the configuration is empty")
      }
      return try YAMLDecoder().decode(
        Value.self, from: Yams.serialize(node: Self.renamed(node, Self.camelCase)))
    } catch let error as DecodingError {
      throw ConfigurationError(Self.sentence(error))
    }
  }

  /// YAML with every key, floats as people write them.
  public static func text(_ value: Value) throws -> String {
    let encoder = YAMLEncoder()
    guard let node = try Yams.compose(yaml: encoder.encode(value)) else { return "" }
    return try Yams.serialize(node: renamed(plain(node), snakeCase))
  }

  /// Files say `batch_size`, Swift says `batchSize`.
  private static func renamed(_ node: Node, _ rename: (String) -> String) -> Node {
    guard case .mapping(let mapping) = node else { return node }
    return .mapping(.init(mapping.map { (Node(rename($0.key.string ?? "")), renamed($0.value, rename)) }))
  }

  private static func snakeCase(_ name: String) -> String {
    name.reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }

  private static func camelCase(_ name: String) -> String {
    let parts = name.split(separator: "_")
    return (parts.first.map(String.init) ?? "")
      + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  private static func plain(_ node: Node) -> Node {
    switch node {
    case .mapping(let mapping): .mapping(.init(mapping.map { ($0.key, plain($0.value)) }))
    case .sequence(let sequence): .sequence(.init(sequence.map(plain), sequence.tag, .flow))
    case .scalar(let scalar):
      node.float.map { node.int == nil && scalar.style == .plain ? Node("\($0)") : node } ?? node
    default: node
    }
  }

  private static func merge(_ layer: Node, into base: inout Node, path: String, file: String?) throws {
    func place(_ node: Node) -> String {
      guard let file else { return "" }
      return node.mark.map { "\(file):\($0.line): " } ?? "\(file): "
    }
    guard case .mapping(let changes) = layer else {
      throw ConfigurationError(
        "\(place(layer))\(path.isEmpty ? "a configuration" : "\"\(path)\"") must be a mapping of keys to values"
      )
    }
    guard var mapping = base.mapping else { return }
    for (keyNode, value) in changes {
      let key = keyNode.string ?? ""
      let full = path.isEmpty ? key : "\(path).\(key)"
      guard var present = mapping[Node(key)] else {
        let keys = mapping.keys.compactMap(\.string)
        let hint =
          nearestName(to: key, among: keys).map { "did you mean \"\($0)\"?" }
          ?? "keys here: \(keys.joined(separator: ", "))"
        throw ConfigurationError("\(place(keyNode))\"\(full)\" is not a setting\n  \(hint)")
      }
      if present.mapping != nil {
        try merge(value, into: &present, path: full, file: file)
      } else {
        if let expected = kind(of: present), let found = kind(of: value), !fits(value, found, expected) {
          throw ConfigurationError(
            "\(place(value))\"\(full)\" must be \(expected), found \(found)\(shown(value))")
        }
        present = value
      }
      mapping[Node(key)] = present
    }
    base = .mapping(mapping)
  }

  private static func fits(_ node: Node, _ found: String, _ expected: String) -> Bool {
    found == expected || (expected == "a number" && found == "a whole number")
      || (expected == "a whole number" && found == "a whole number")
      || expected == "text" && node.scalar != nil
      || expected == "nothing" || found == "nothing"
  }

  private static func kind(of node: Node) -> String? {
    switch node {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar(let scalar):
      if scalar.style != .plain {
        "text"
      } else if node.null != nil {
        "nothing"
      } else if node.bool != nil {
        "true or false"
      } else if node.int != nil {
        "a whole number"
      } else if node.float != nil {
        "a number"
      } else {
        "text"
      }
    default: nil
    }
  }

  private static func shown(_ node: Node) -> String { node.scalar.map { " \"\($0.string)\"" } ?? "" }

  private static func sentence(_ error: DecodingError) -> String {
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "\"\(context.codingPath.map(\.stringValue).joined(separator: "."))\": \(context.debugDescription)"
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    @unknown default: "\(error)"
    }
  }
}
