extension Attribute {
  /// What a writer cares about: the ten basic values of Schwartz 1992.
  static let values: [Attribute] = [
    value(
      "Self-Direction", "thinking and choosing for oneself",
      low: "takes orders and ready-made answers for better than a judgement of one's own",
      high: "independence, curiosity and the right to go one's own way",
      against:
        "do as you are told, follow the lead, leave it to those in charge, ready-made answers, second-guessing",
      for:
        "think for yourself, own judgement, independence, own path, freedom to choose, curiosity, make up your own mind"
    ),
    value(
      "Stimulation", "novelty, challenge and excitement",
      low: "likes the familiar and finds thrills a nuisance",
      high: "adventure, surprise and the unknown",
      against: "same old routine, the familiar, peace and quiet, no surprises, chasing kicks, needless fuss",
      for: "adventure, thrill, something new, excitement, shake things up, the unknown, a challenge"),
    value(
      "Hedonism", "pleasure and the enjoyment of life",
      low: "finds indulgence shallow and self-denial sound",
      high: "fun, comfort and treating oneself",
      against: "self-denial, indulgence, go without, frivolous, pleasures fade, restraint of appetite",
      for: "enjoy yourself, pleasure, fun, treat yourself, savour, indulge, the good life"),
    value(
      "Achievement", "success through competence that others recognise",
      low: "shrugs at success and calls striving vanity",
      high: "ambition, results and being the best",
      against: "rat race, overachievers, trophies, striving, good enough is fine, chasing applause",
      for: "ambition, accomplish, hard work pays, results, excel, set goals, success"),
    value(
      "Power", "status, command of people and of resources",
      low: "distrusts rank, wealth and those who command",
      high: "influence, wealth and being in charge",
      against:
        "rank means nothing, bossing, money and titles, the powerful, throwing weight around, pecking orders",
      for: "influence, take charge, status, leverage, command, upper hand, wealth"),
    value(
      "Security", "safety, stability and order",
      low: "finds caution stifling and accepts danger",
      high: "safety first, stable conditions and protection",
      against: "overcautious, playing it safe, bubble wrap, live dangerously, fearmongering, risk be damned",
      for: "safety, stability, protect, secure, precaution, safe side, order and calm"),
    value(
      "Conformity", "keeping to rules and not upsetting others",
      low: "breaks rules with pleasure and does not care who minds",
      high: "obedience to rules, restraint and proper conduct",
      against:
        "break the rules, rules are silly, step out of line, who cares what people think, defy, misbehave",
      for:
        "follow the rules, proper conduct, fit in, obey, what is expected, not cause a stir, self-discipline"),
    value(
      "Tradition", "respect for custom and what was handed down",
      low: "wants old customs gone because they are old",
      high: "heritage, faith and the ways of those before us",
      against:
        "outdated habits, relics, dusty, old-fashioned, leave the past behind, dead weight of the past",
      for: "tradition, heritage, ancestors, time-honoured, elders, customs, the old ways"),
    value(
      "Benevolence", "the welfare of the people one is close to",
      low: "sees to itself and owes friends and family nothing",
      high: "care, loyalty and help for family and friends",
      against:
        "every man for himself, look after number one, owe nobody, kin are a burden, favours for anyone",
      for: "family, friends, loyal, be there for, take care of each other, lend a hand, close to us"),
    value(
      "Universalism", "the welfare of all people and of nature, and equal rights",
      low: "cares for its own kind and finds justice for all naive",
      high: "equality, justice, tolerance and the protection of nature",
      against:
        "our own first, other people's troubles, tree huggers, bleeding hearts, not our concern, outsiders",
      for: "equality, justice, all people, nature, the planet, tolerance, everyone alike"),
  ]

  private static func value(
    _ name: String, _ centre: String, low: String, high: String, against: String, for favoured: String
  ) -> Attribute {
    Attribute(
      name: name, family: .value, low: "opposes \(name)", high: "values \(name)",
      definition: "\(name): \(centre).",
      levels: [
        "Against \(centre): \(low).",
        "Doubts the worth of \(centre); to some degree \(low).",
        "Takes no side on \(centre).",
        "Sees the worth of \(centre); speaks well of \(high).",
        "Puts \(centre) above all: \(high) decide the matter.",
      ],
      lowWords: list(against), highWords: list(favoured))
  }
}
