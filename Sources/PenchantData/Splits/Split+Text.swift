import PenchantKernels

extension Split {
  /// A random split of texts: no text of a test pair is in a training pair. Pairs with one text on either side are
  /// dropped, and named in `dropped`.
  ///
  /// With a share f of the texts put aside, f² of random pairs test and (1 - f)² train; f is chosen such that about
  /// `testFraction` of the pairs that are left test. Each community puts aside the same share of its texts, so that each
  /// is tested.
  ///
  /// - Throws: `KernelError.value` unless `testFraction` is in 0..<1, or when no pair is left on one of the sides.
  public static func byText(_ table: PairTable, testFraction: Double, seed: UInt64) throws(KernelError)
    -> Split
  {
    guard testFraction >= 0, testFraction < 1 else {
      throw .value("Split.byText", "a test fraction of \(testFraction); 0 to below 1 is possible")
    }
    guard testFraction > 0 else {
      return Split(name: "text", train: Array(0..<table.count), test: [])
    }
    let share = testFraction.squareRoot() / (testFraction.squareRoot() + (1 - testFraction).squareRoot())
    // A text belongs to the community of the first pair that has it.
    var home = [Int](repeating: -1, count: table.texts.count)
    for pair in 0..<table.count {
      for text in [table.chosen[pair], table.rejected[pair]] where home[text] < 0 {
        home[text] = table.community[pair]
      }
    }
    var members = [[Int]](repeating: [], count: table.communities.count)
    for text in try permutation(table.texts.count, seed: seed, stream: Stream.split).map(Int.init)
    where home[text] >= 0 {
      members[home[text]].append(text)
    }
    var isAside = [Bool](repeating: false, count: table.texts.count)
    for texts in members {
      for text in texts.prefix(Int((Double(texts.count) * share).rounded())) { isAside[text] = true }
    }
    var split = Split(name: "text", train: [], test: [])
    for pair in 0..<table.count {
      switch (isAside[table.chosen[pair]], isAside[table.rejected[pair]]) {
      case (true, true): split.test.append(pair)
      case (false, false): split.train.append(pair)
      default: split.dropped.append(pair)
      }
    }
    guard !split.train.isEmpty, !split.test.isEmpty else {
      throw .value(
        "Split.byText",
        """
        \(split.train.count) training and \(split.test.count) test pairs are left of \(table.count): \
        \(table.texts.count) texts are compared too much across to be split; use another fraction or seed
        """)
    }
    return split
  }
}
