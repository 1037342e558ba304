import PenchantKernels

/// Where all targets stand, by both protocols.
public struct RankingResult: Sendable, Equatable {
  /// One protocol.
  public struct Ranked: Sendable, Equatable {
    public var places: TargetPlaces
    public var lists: ListStatistics
  }

  /// Items that targets were ranked among.
  public var itemCount: Int
  public var unmasked: Ranked
  public var masked: Ranked

  public subscript(seen: SeenItems) -> Ranked { seen == .masked ? masked : unmasked }

  /// Cases.
  public var count: Int { unmasked.places.count }

  /// Names and values of the metrics, `ndcg@10` and `masked/ndcg@10`, in the order of `metrics`.
  public func named(
    _ metrics: [RankingMetric], ties: TiePolicy = .expected
  ) -> [(name: String, value: Double)] {
    let plain = metrics.map { ($0.name, unmasked.places.mean($0, ties: ties)) }
    return plain + metrics.map { ("masked/" + $0.name, masked.places.mean($0, ties: ties)) }
  }

  /// A table with a line a metric and a column a protocol, and what was ranked in the first line.
  public func table(ties: TiePolicy = .expected) -> String {
    var lines = [
      "\(count) cases, each target among all \(itemCount) items, ties: \(ties.rawValue)",
      row("", "unmasked", "masked"),
    ]
    for metric in RankingMetric.reported {
      lines.append(
        row(
          metric.name, fixed(unmasked.places.mean(metric, ties: ties)),
          fixed(masked.places.mean(metric, ties: ties))))
    }
    let (plain, masked) = (unmasked.lists, masked.lists)
    lines += [
      row("coverage@\(plain.length)", fixed(plain.coverage), fixed(masked.coverage)),
      row("gini@\(plain.length)", fixed(plain.gini), fixed(masked.gini)),
      row("popularity lift", fixed(plain.popularityLift), fixed(masked.popularityLift)),
    ]
    return lines.joined(separator: "\n")
  }

  private func row(_ name: String, _ first: String, _ second: String) -> String {
    padded(name, 16) + padded(first, 9, left: true) + padded(second, 9, left: true)
  }
}

/// Text filled with blanks up to a width.
func padded(_ text: String, _ width: Int, left: Bool = false) -> String {
  let blanks = String(repeating: " ", count: max(0, width - text.count))
  return left ? blanks + text : text + blanks
}

/// Four digits behind the point; `-` for what is not a number.
func fixed(_ value: Double) -> String {
  guard value.isFinite else { return "-" }
  guard abs(value) < 1e12 else { return "\(value)" }
  let scaled = Int((abs(value) * 10_000).rounded())
  let digits = String(scaled % 10_000)
  return (value < 0 && scaled > 0 ? "-" : "") + "\(scaled / 10_000)."
    + String(repeating: "0", count: 4 - digits.count) + digits
}
