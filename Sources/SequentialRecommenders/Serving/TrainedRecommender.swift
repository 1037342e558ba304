import PenchantData

/// A trained model with the names of its items: what the file of a model holds.
///
/// ```swift
/// let trained = try TrainedRecommender("run/model.safetensors")
/// let recommender = try trained.recommender()
/// let next = try recommender.recommend(for: ["i17", "i4"], count: 10)
/// ```
public struct TrainedRecommender: Sendable {
  public let system: String
  public let model: any FittedRecommender
  /// Names of the items; the id of an item is its place + 1.
  public let items: ItemTable
  /// What people call the items, by place; empty when nothing is known.
  public let titles: [String?]

  /// - Throws: `DataError` when names or titles are not as many as the items of the model.
  public init(_ model: any FittedRecommender, system: String, items: ItemTable, titles: [String?] = [])
    throws(DataError)
  {
    guard items.count == model.itemCount, titles.isEmpty || titles.count == items.count else {
      throw DataError(
        file: "model", field: "items",
        "\(items.count) names and \(titles.count) titles for \(model.itemCount) items")
    }
    self.model = model
    self.system = system
    self.items = items
    self.titles = titles.contains { $0 != nil } ? titles : []
  }

  public init(_ path: String) throws { try self.init(SafeTensors(path)) }

  public init(bytes: [UInt8], name: String) throws { try self.init(SafeTensors(bytes: bytes, name: name)) }

  private init(_ file: SafeTensors) throws {
    let names = try file.texts("items")
    let titles = file.entry("titles") == nil ? [] : try file.texts("titles").map { $0.isEmpty ? nil : $0 }
    let table = ItemTable(names)
    guard table.count == names.count else {
      throw DataError(file: file.file, field: "items", "an item stands twice")
    }
    try self.init(
      Recommenders.model(file), system: file.text("system"), items: table, titles: titles)
  }

  /// The model as a safetensors file.
  public func bytes() throws -> [UInt8] {
    var file = SafeTensorsWriter()
    try model.add(to: &file)
    try file.add(texts: items.names, "items")
    if !titles.isEmpty { try file.add(texts: titles.map { $0 ?? "" }, "titles") }
    return file.bytes()
  }

  /// The title of an item, or its name.
  public func title(_ id: Int32) -> String {
    let place = Int(id) - 1
    guard items.names.indices.contains(place) else { return "" }
    return (titles.isEmpty ? nil : titles[place]) ?? items.names[place]
  }

  /// Recommends for one history at a time.
  public func recommender() throws -> Recommender { try Recommender(self) }
}
