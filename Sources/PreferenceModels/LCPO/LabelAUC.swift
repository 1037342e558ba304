/// How well a score tells right labels from wrong ones.
public enum LabelAUC {
  /// Area under the ROC curve, ties one half; NaN unless there are labels of both kinds.
  public static func area(_ score: [Double], _ isRight: [Bool]) -> Double {
    let order = score.indices.sorted { score[$0] < score[$1] }
    var (wins, below, right) = (0.0, 0.0, 0.0)
    var at = 0
    while at < order.count {
      var (end, positive, negative) = (at, 0.0, 0.0)
      while end < order.count, score[order[end]] == score[order[at]] {
        if isRight[order[end]] { positive += 1 } else { negative += 1 }
        end += 1
      }
      wins += positive * (below + negative / 2)
      below += negative
      right += positive
      // A NaN equals nothing, itself neither.
      at = max(end, at + 1)
    }
    return below > 0 && right > 0 ? wins / (below * right) : .nan
  }
}
