import PenchantData
import PenchantTrain

extension Attribute {
  /// The attributes that a list names: `norms`, `values`, `all` (or nothing) of the nineteen, some of their names with
  /// commas between them, or a YAML file (`AttributeFile`).
  ///
  /// - Throws: `DataError` for a name that is none, with the nearest one.
  public static func listed(_ list: String) throws -> [Attribute] {
    switch list {
    case "", "all": return standard
    case "norms": return standard.filter { $0.family == .norm }
    case "values": return standard.filter { $0.family == .value }
    default: break
    }
    if list.hasSuffix(".yaml") || list.hasSuffix(".yml") { return try AttributeFile.read(list) }
    var chosen: [Attribute] = []
    for name in list.listedNames {
      let attribute = try AttributeFile.attribute(named: name, among: standard)
      if !chosen.contains(attribute) { chosen.append(attribute) }
    }
    guard !chosen.isEmpty else { throw ConfigurationError("the list of attributes names none") }
    return chosen
  }
}
