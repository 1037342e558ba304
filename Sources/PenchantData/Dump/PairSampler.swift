import PenchantKernels

/// Pairs of comments of one post, drawn evenly from all that qualify.
///
/// The pairs are counted, not listed: comments in the order of their votes make the losers of a winner a prefix, so a
/// post with ten thousand comments costs a sort and `cap` look-ups.
struct PairSampler {
  /// Smallest difference of the votes, and smallest votes of the winner.
  var voteDifference: Int
  var votes: Int
  /// The winner must have been written no earlier.
  var isTimeControlled: Bool
  var cap: Int

  /// Places of winner and loser in `comments`; the order is random, and a function of the comments and the generator.
  func pairs(_ comments: [ForumComment], using random: inout Philox) -> [(winner: Int, loser: Int)] {
    let order = comments.indices.sorted {
      (comments[$0].votes, comments[$0].id) < (comments[$1].votes, comments[$1].id)
    }
    // Below which place in `order` the losers of a winner stand, and how many pairs there are up to it.
    var ends: [Int] = []
    var totals: [Int] = []
    var (end, total) = (0, 0)
    for winner in order {
      let (least, overflow) = comments[winner].votes.subtractingReportingOverflow(voteDifference)
      while !overflow, end < order.count, comments[order[end]].votes <= least { end += 1 }
      let losers = comments[winner].votes >= votes && !overflow ? end : 0
      ends.append(losers)
      total += isTimeControlled ? order[..<losers].count { qualifies($0, winner, comments) } : losers
      totals.append(total)
    }
    return ranks(total, using: &random).map { rank in
      // The first winner with more than `rank` pairs up to it.
      var (low, high) = (0, order.count - 1)
      while low < high {
        let middle = (low + high) / 2
        if totals[middle] > rank { high = middle } else { low = middle + 1 }
      }
      var left = rank - (low > 0 ? totals[low - 1] : 0)
      guard isTimeControlled else { return (order[low], order[left]) }
      for loser in order[..<ends[low]] where qualifies(loser, order[low], comments) {
        if left == 0 { return (order[low], loser) }
        left -= 1
      }
      return (order[low], order[0])
    }
  }

  private func qualifies(_ loser: Int, _ winner: Int, _ comments: [ForumComment]) -> Bool {
    comments[loser].time <= comments[winner].time
  }

  /// `cap` different numbers below `total`, every choice equally likely (Floyd's algorithm), in random order.
  private func ranks(_ total: Int, using random: inout Philox) -> [Int] {
    var ranks: [Int] = []
    var taken: Set<Int> = []
    for last in max(0, total - cap)..<total {
      let drawn = random.index(below: last + 1)
      ranks.append(taken.insert(drawn).inserted ? drawn : last)
      taken.insert(ranks[ranks.count - 1])
    }
    ranks.shuffle(using: &random)
    return ranks
  }
}
