/// What the numbers say, in sentences for someone who reads no tables. Only effects that stand out from chance are told.
struct PaletteNarrative {
  let input: PaletteReportInput
  /// In the order of the profiles.
  let communities: [String]
  private let weights: [String: [PaletteReportInput.Weight]]
  private let poles: [String: PaletteReportInput.Attribute]

  init(_ input: PaletteReportInput) {
    self.input = input
    communities = input.profiles.map(\.community).withoutRepeats
    weights = Dictionary(grouping: input.profiles, by: \.community)
    poles = Dictionary(input.attributes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Two sentences: how well it guesses, and what wins and loses.
  var lead: String { [accuracySentence, tasteSentence].compactMap(\.self).joined(separator: " ") }

  private var accuracySentence: String {
    var text = "From \(Self.grouped(input.pairs)) comparisons"
    if communities.count == 1 {
      text += " in \(communities[0])"
    } else if communities.count > 1 {
      text += " in \(communities.count) communities"
    }
    text += ", this model learnt which of two \(input.texts) is preferred"
    if let accuracy = input.accuracy, let set = accuracy.honest,
      let row = accuracy.rows.first(where: \.isOurs),
      let share = row.shares[set]
    {
      text += "; it is right for \(percent(share.value)) of pairs whose texts it never saw (a coin: 50%)"
    }
    return text + "."
  }

  private var tasteSentence: String? {
    guard !input.profiles.isEmpty else { return nil }
    guard input.profiles.contains(where: \.flagged) else {
      return
        "No attribute stood out from chance after allowing for the \(input.profiles.count) effects looked at."
    }
    guard communities.count <= 3 else { return common }
    return communities.enumerated().map { index, community in
      "\(index == 0 ? "In" : "in") \(community), \(taste(of: community, most: communities.count == 1 ? 3 : 2))"
    }.joined(separator: "; ") + "."
  }

  /// "more formal and more polite answers win, more sarcastic ones lose": the strongest `most` of each side.
  func taste(of community: String, most: Int = 3) -> String {
    let strong = (weights[community] ?? []).filter(\.flagged).stableSorted { abs($0.weight) > abs($1.weight) }
    let wins = strong.filter { $0.weight > 0 }.prefix(most).map(\.attribute)
    let losses = strong.filter { $0.weight < 0 }.prefix(most).map(\.attribute)
    switch (wins.isEmpty, losses.isEmpty) {
    case (true, true): return "no attribute stands out from chance"
    case (false, true): return phrase(wins, input.texts) + " win"
    case (true, false): return phrase(losses, input.texts) + " lose"
    case (false, false): return "\(phrase(wins, input.texts)) win, \(phrase(losses, "ones")) lose"
    }
  }

  /// Of many communities: what most agree on, and the strongest taste of one.
  private var common: String? {
    let flagged = input.profiles.filter(\.flagged)
    let tallies = flagged.map(\.attribute).withoutRepeats.flatMap { attribute in
      [true, false].map { isWin in
        (
          attribute: attribute, isWin: isWin,
          count: flagged.count { $0.attribute == attribute && ($0.weight > 0) == isWin }
        )
      }
    }.filter { $0.count > 1 }.stableSorted { $0.count > $1.count }.prefix(3)
    var parts = tallies.enumerated().map { index, tally in
      "\(phrase([tally.attribute], index == 0 ? input.texts : "ones")) \(tally.isWin ? "win" : "lose") in "
        + "\(tally.count)\(index == 0 ? " of \(communities.count) communities" : "")"
    }
    if let strongest = flagged.stableSorted(by: { abs($0.weight) > abs($1.weight) }).first {
      parts.append(
        "the strongest single taste is that of \(strongest.community), where "
          + "\(phrase([strongest.attribute], parts.isEmpty ? input.texts : "ones")) "
          + (strongest.weight > 0 ? "win" : "lose"))
    }
    guard let first = parts.first else { return nil }
    return first.prefix(1).uppercased() + first.dropFirst() + parts.dropFirst().map { "; " + $0 }.joined()
      + "."
  }

  /// "more formal and more polite answers", "answers with more Tradition", or both joined.
  private func phrase(_ attributes: [String], _ noun: String) -> String {
    let isAdjective = { (name: String) in !(poles[name]?.high ?? "").isEmpty }
    let adjectives = attributes.filter(isAdjective).map { "more " + (poles[$0]?.high ?? "") }
    let nouns = attributes.filter { !isAdjective($0) }
    var parts: [String] = []
    if !adjectives.isEmpty { parts.append(sentence(adjectives) + " " + noun) }
    if !nouns.isEmpty {
      parts.append("\(parts.isEmpty && noun != "ones" ? noun : "those") with more \(sentence(nouns))")
    }
    return parts.joined(separator: " and ")
  }

  /// What keeps a reader from believing too much.
  var cautions: [(name: String, text: String)] {
    var list = [
      (
        name: "Votes are not values.",
        text:
          "A vote tells what was picked, among what was shown, by those who came. Time, visibility and habit "
          + "move votes too. The profiles describe what wins, not what people hold dear."
      )
    ]
    let teachers = input.heads.map(\.teacher).withoutRepeats
    if teachers.contains("rules") {
      list.append(
        (
          name: "The detectors learnt from rules (teacher = rules).",
          text:
            "Texts were made more or less formal, polite and so on by fixed rules. Detectors trained on them "
            + "know mostly words and length, little of meaning."
        ))
    }
    let unchecked = input.heads.filter { $0.people == nil }.map(\.attribute)
    if !unchecked.isEmpty {
      let all = unchecked.count == input.heads.count
      list.append(
        (
          name: all
            ? "No detector was validated on people."
            : "\(unchecked.count) of \(input.heads.count) detectors were not validated on people.",
          text:
            "Being right about rewritten texts says little about being right about what people would call, say, "
            + "\(unchecked.prefix(1).joined()). Read these attributes as \"what the detector calls so\"."
        ))
    }
    if let tangled = input.correlation?.tangled, !tangled.isEmpty {
      list.append(
        (
          name: "Some attributes come together.",
          text:
            "The scores of \(sentence(tangled)) follow from the other attributes so closely (VIF above 5) that a "
            + "single weight may belong to a neighbour. Read them as a group."
        ))
    }
    if input.profiles.contains(where: { $0.attentionShare != nil }) {
      list.append(
        (
          name: "Attention is not importance.",
          text:
            "The share of attention has no direction and often disagrees with the weight. Go by the weight."
        ))
    }
    if let leaky = input.accuracy?.testSets.filter(\.sharesTexts).map(\.name), !leaky.isEmpty {
      list.append(
        (
          name: "Accuracy on \(sentence(leaky)) flatters.",
          text: "The model learnt from texts that are in it. Compare models on the other test sets."
        ))
    }
    return list
  }

  /// 12,345
  static func grouped(_ number: Int) -> String {
    let digits = Array(String(abs(number)))
    let text = digits.enumerated().map { place, digit in
      place > 0 && (digits.count - place) % 3 == 0 ? ",\(digit)" : "\(digit)"
    }.joined()
    return (number < 0 ? "−" : "") + text
  }
}
