import PenchantData
import PenchantKernels
import PenchantTrain

extension TextPalette {
  /// A trained model and everything that was found on the way.
  public struct Study: Sendable {
    /// nil when it was interrupted.
    public var model: FittedTextPalette?
    public var result: PaletteResult
  }
  /// Pairs of a file of their own, to be tested on.
  public struct TestFile: Sendable {
    public var name: String
    public var pairs: [PreferencePair]
    public init(name: String, pairs: [PreferencePair]) {
      self.name = name
      self.pairs = pairs
    }
  }

  /// Trains, tests beside all baselines, and reads the model.
  ///
  /// - Parameters:
  ///   - tests: more pairs to test on, such as those of the next year.
  ///   - leavingOut: also tests every community by a model that was trained on the others.
  ///   - run: where checkpoints go; `resume` continues from there with the same bits.
  public func study(
    _ pairs: [PreferencePair], tests: [TestFile] = [], leavingOut: Bool = false, data: String = "",
    run: RunDirectory? = nil, resume: Bool = false, progress: ProgressLine = ProgressLine(style: .silent)
  ) async throws -> Study {
    let started = ProgressLine.clock()
    var settings = configuration.data
    if !tests.isEmpty || leavingOut { settings.test = 0 }
    let split = try PaletteSplit(pairs, settings, seed: seed)
    let table = PaletteTable(pairs + tests.flatMap(\.pairs), configuration.features)
    let sets = Self.sets(split, pairs.count, tests, table)
    progress.note(
      "\(pairs.count) pairs of \(table.table.texts.count) texts in \(table.communities(Array(pairs.indices)).count) communities: "
        + "\(split.train.count) train, \(split.test.count) test")
    let reserved = Set(sets.flatMap(\.pairs).flatMap { [table.pairs[$0].chosen, table.pairs[$0].rejected] })
    let attributes = try await PaletteAttributes.fit(
      pairs, reserved: reserved, configuration, encoder: encoder, seed: seed, progress: progress)
    progress.note("content model and features of \(table.table.texts.count) texts")
    let prepared = try Prepared(table, attributes, self)
    let stage = try stage(prepared, train: split.train, group: table.groups(split.unit))
    let selection = try selection(prepared, stage, split, run, resume, progress)
    let fitted = try fit(
      prepared, stage, selection, inner: split.inner, validation: split.validation, run: run, resume: resume,
      progress: progress)
    let clusters = PaletteClusters(table)
    var result = PaletteResult(
      data: data, seed: seed, threads: Team.size, seconds: 0, pairs: pairs.count,
      texts: table.table.texts.count,
      communities: table.communities(Array(pairs.indices)), attributes: attributes.attributes,
      evaluation: leavingOut ? "each community by a model of the others" : Self.name(split, tests),
      clusters: clusters.kind, testSets: [], rows: [], gains: [], chances: [], heads: attributes.evaluation,
      periods: [],
      explanations: [], peakMemoryBytes: 0, fingerprint: "")
    guard fitted.isFinished else { return Study(model: nil, result: result) }

    if leavingOut {
      let left = try leaveOneCommunityOut(prepared, pairs: Array(pairs.indices), progress: progress)
      guard !Interrupt.isRequested else { return Study(model: nil, result: result) }
      let set = PaletteTables.Test(
        name: "left out", meaning: "every community, by a model trained on the others alone",
        pairs: left.order)
      // Nothing of a left-out community is trained on, though its texts are in the table.
      result.add(try PaletteTables([set], left.rivals, order: left.order, table, train: [], clusters))
      let rivals = try PaletteRivals(prepared, fitted, test: [], seed: seed)
      (result.scoresOnly, result.hierarchical) = (rivals.scoresOnly, rivals.hierarchical)
    } else {
      let order = Set(sets.flatMap(\.pairs)).sorted()
      progress.note("baselines on \(order.count) test pairs")
      let rivals = try PaletteRivals(prepared, fitted, test: order, seed: seed)
      result.add(try PaletteTables(sets, rivals.all, order: order, table, train: split.train, clusters))
      (result.scoresOnly, result.hierarchical) = (rivals.scoresOnly, rivals.hierarchical)
      if let first = sets.first {
        result.leaks = LeakReport(
          train: split.train.map { table.pairs[$0] }, test: first.pairs.map { table.pairs[$0] })
      }
    }
    try read(fitted, prepared, split, selection, sets, into: &result, progress: progress)
    guard !Interrupt.isRequested else { return Study(model: nil, result: result) }
    result.seconds = ProgressLine.clock() - started
    result.peakMemoryBytes = peakMemory()
    return Study(model: fitted.model, result: result)
  }

  /// The test sets: pairs put aside, those of them that the clock cannot explain, and files.
  private static func sets(
    _ split: PaletteSplit, _ count: Int, _ files: [TestFile], _ table: PaletteTable
  ) -> [PaletteTables.Test] {
    var sets: [PaletteTables.Test] = []
    if !split.test.isEmpty {
      sets.append(PaletteTables.Test(name: "test", meaning: meaning(split.unit), pairs: split.test))
    }
    var first = count
    for file in files {
      sets.append(
        PaletteTables.Test(
          name: file.name, meaning: "all pairs of the file", pairs: Array(first..<first + file.pairs.count)))
      first += file.pairs.count
    }
    if let whole = sets.first {
      let controlled = whole.pairs.filter {
        PairRule.earlierWins.margin(table.pairs[$0]).map { $0 <= 0 } ?? false
      }
      if controlled.count >= 50, controlled.count < whole.pairs.count {
        sets.append(
          PaletteTables.Test(
            name: "time-controlled", meaning: "those in which the chosen text was not written first",
            pairs: controlled))
      }
    }
    return sets
  }

  private static func meaning(_ unit: PaletteSplit.Unit) -> String {
    switch unit {
    case .auto, .text: "pairs put aside; no text of them was trained on"
    case .post: "posts put aside; nothing under them was trained on"
    case .pair: "pairs put aside; their texts may stand in training pairs"
    }
  }

  private static func name(_ split: PaletteSplit, _ tests: [TestFile]) -> String {
    tests.isEmpty
      ? split.test.isEmpty ? "none" : "\(split.unit.rawValue)s put aside"
      : tests.map(\.name).joined(separator: ", ")
  }

  private struct LeftOut {
    var order: [Int]
    var rivals: [PaletteRival]
  }

  private static let selectionFile = "selection.json"

  /// What held-out pairs choose; a resumed run has chosen already.
  private func selection(
    _ prepared: Prepared, _ stage: PaletteStage, _ split: PaletteSplit, _ run: RunDirectory?, _ resume: Bool,
    _ progress: ProgressLine
  ) throws -> PaletteSelection {
    if resume, let run, run.contains(Self.selectionFile) {
      return try JSON.decode(PaletteSelection.self, from: run.read(Self.selectionFile))
    }
    progress.note(
      "\(configuration.selection.ridges.count) penalties on \(split.validation.count) of the training pairs")
    let selection = try select(
      prepared, stage, inner: split.inner, validation: split.validation, progress: progress)
    // An interrupted choice is made anew.
    if !Interrupt.isRequested { try run?.write(Self.selectionFile, json: selection) }
    return selection
  }

  /// Margins of all rivals on every community, from fits to the others. Attribute heads have seen no preference, so
  /// those of all texts serve every fold.
  private func leaveOneCommunityOut(_ prepared: Prepared, pairs: [Int], progress: ProgressLine) throws
    -> LeftOut
  {
    let table = prepared.table
    let groups = pairs.map { table.table.communities[table.table.community[$0]] }
    let splits = try Split.leaveOneGroupOut(groups)
    let communities = table.textCommunities
    // Communities of a part are left out together when settings are chosen, so that none chooses its own; the next part
    // judges.
    let parts = min(4, splits.count)
    func part(_ pair: Int) -> Int { table.table.community[pair] % parts }
    var chosen: [PaletteSelection?] = Array(repeating: nil, count: parts)
    var left = LeftOut(order: [], rivals: [])
    for (number, split) in splits.enumerated() {
      progress.report("community", number + 1, of: splits.count, [])
      let own = part(split.test[0])
      let judge = (own + 1) % parts
      func isHeld(_ pair: Int) -> Bool { part(pair) == judge }
      if chosen[own] == nil, parts > 2 {
        let rest = split.train.filter { part($0) != own }
        chosen[own] = try select(
          prepared, stage(prepared, train: rest, group: communities), inner: rest.filter { !isHeld($0) },
          validation: rest.filter(isHeld))
      }
      let selection = try chosen[own] ?? PaletteSelection(configuration, pairs: split.train.count, fit: nil)
      let fitted = try fit(
        prepared, stage(prepared, train: split.train, group: communities), selection,
        inner: split.train.filter { !isHeld($0) }, validation: parts > 2 ? split.train.filter(isHeld) : [])
      if Interrupt.isRequested { break }
      let rivals = try PaletteRivals(prepared, fitted, test: split.test, seed: seed).all
      if left.rivals.isEmpty {
        left.rivals = rivals
      } else {
        for (place, rival) in left.rivals.enumerated() {
          let own = rivals.first { $0.model == rival.model }
          left.rivals[place].margins += own?.margins ?? [Double](repeating: .nan, count: split.test.count)
        }
      }
      left.order += split.test
    }
    progress.finishLine()
    return left
  }

  /// W of refits to other draws of the training pairs, from the content-only model on; heads and settings stay.
  private func refits(
    _ fitted: Fitted, _ prepared: Prepared, _ selection: PaletteSelection, on data: PaletteData,
    progress: ProgressLine
  ) throws -> PaletteRefits {
    let (stage, table) = (fitted.stage, prepared.table)
    let train = try table.data(
      stage.train, stage.texts, attributes: data.attributes, communities: data.communities)
    let palette = try PrefPalette(configuration.palette(selection, pairs: train.count), seed: seed)
    let draws = PairDraws(train, seed: seed)
    let counts = try PaletteRefits.counts(draws, refits: configuration.profile.refits)
    let scores = try stage.content.cross.scores(
      counting: counts.map { row in
        var counted = [Float](repeating: 1, count: table.pairs.count)
        for (pair, count) in zip(stage.train, row) { counted[pair] = Float(count) }
        return counted
      })
    return try PaletteRefits(draws, fits: counts.count, progress: progress) { row in
      let other = try stage.rescored(scores[row])
      var (pairs, reading) = (train.drawn(counts[row]), data)
      (pairs.texts, reading.texts) = (other.texts, other.texts)
      return try palette.fit(to: pairs, start: other.start).profile(on: reading).weights
    }
  }

  /// Profile, curves, explanations: what the model says of the communities.
  private func read(
    _ fitted: Fitted, _ prepared: Prepared, _ split: PaletteSplit, _ selection: PaletteSelection,
    _ sets: [PaletteTables.Test],
    into result: inout PaletteResult, progress: ProgressLine
  ) throws {
    progress.note("profile, response curves, stability")
    let table = prepared.table
    let names = fitted.model.heads.attributes
    let communities = fitted.model.communities.isEmpty ? result.communities : fitted.model.communities
    let known = Set(communities)
    let own = (split.train + split.test + split.dropped).sorted().filter {
      known.contains(table.table.communities[table.table.community[$0]])
    }
    let data = try table.data(own, fitted.stage.texts, attributes: names, communities: communities)
    result.communities = communities
    result.profile = try fitted.model.model.profile(on: data)
    if configuration.profile.refits > 0 {
      let refits = try refits(fitted, prepared, selection, on: data, progress: progress)
      guard !Interrupt.isRequested else { return }
      result.profile = try result.profile?.certain(
        by: refits, discoveryRate: configuration.profile.discoveryRate)
      result.stability = PaletteStability(refits)
    }
    result.periods = try PalettePeriods(table, own).map { name, rows in
      PaletteResult.Period(
        name: name,
        profile: try fitted.model.model.profile(
          on: table.data(rows, fitted.stage.texts, attributes: names, communities: communities)))
    }
    let K = names.count
    let used = table.table.texts(ofPairs: own)
    if used.count > 2 * K {
      result.diagnostics = try ColumnDiagnostics(
        used.flatMap { fitted.stage.texts.scores[$0 * K..<($0 + 1) * K].map(Double.init) }, columns: names)
    }
    result.curves = try PaletteRewrites(prepared.attributes.held, fitted.model.attributes).map {
      try fitted.model.model.responseCurves(
        fitted.model.tensors($0.texts, contexts: $0.contexts), attribute: $0.attribute, level: $0.level,
        source: $0.source)
    }
    let shown = sets.first?.pairs ?? own
    result.explanations = try PaletteExamples(fitted, table, shown, communities: communities).explained
  }
}

extension PaletteResult {
  fileprivate mutating func add(_ tables: PaletteTables) {
    (testSets, rows, gains, chances) = (tables.testSets, tables.rows, tables.gains, tables.chances)
    fingerprint = tables.fingerprint
  }
}
