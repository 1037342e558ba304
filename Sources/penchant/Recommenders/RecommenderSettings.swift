import SequentialRecommenders

/// `config.yaml` of a recommender: the section `log` beside those of the system.
struct RecommenderSettings<System: RecommenderConfiguration>: Codable, Sendable {
  var log = LogProtocol()
  var system = System()

  enum CodingKeys: CodingKey { case log }

  init() {}

  init(from decoder: any Decoder) throws {
    log = try decoder.container(keyedBy: CodingKeys.self).decode(LogProtocol.self, forKey: .log)
    system = try System(from: decoder)
  }

  func encode(to encoder: any Encoder) throws {
    try system.encode(to: encoder)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(log, forKey: .log)
  }
}
