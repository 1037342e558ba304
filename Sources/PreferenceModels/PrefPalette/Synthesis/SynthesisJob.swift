import PenchantData
import PenchantLanguage
import PenchantTrain

/// Rewrites texts at every level of every attribute (PrefPalette, Li et al. 2025: counterfactual attribute
/// synthesis).
///
/// Every outcome is appended to the file when it is there. Running the same job again asks only what is
/// missing; a file that is finished has the same bytes however often it was interrupted and for every
/// `concurrency`.
public struct SynthesisJob: Sendable {
  public var rewriter: any Rewriter
  public var attributes: [Attribute]
  /// Rewrites under way at a time.
  public var concurrency = 4
  public var seed: UInt64 = 0
  /// Ask again what no usable rewrite was found for.
  public var retryRefused = false
  /// The most calls that one rewrite may take, for the estimate; 0 for a rewriter that calls nobody.
  public var callsPerRewrite = 0
  /// Rewrites in a row without any answer after which the endpoint is taken to be gone.
  public var patience = 8

  public init(_ rewriter: any Rewriter, attributes: [Attribute]) {
    self.rewriter = rewriter
    self.attributes = attributes
  }

  /// One rewrite to make.
  private struct Item: Sendable {
    var text: Int
    var attribute: Int
    var level: Int
  }

  private enum Outcome: Sendable {
    case rewritten(String)
    case failed(RewriteFailure)
    case unanswered(LanguageError)
    case stopped(any Error)
  }

  /// - Parameters:
  ///   - path: the file, made or added to.
  ///   - isStopped: asked before every rewrite; those under way are finished and kept.
  /// - Throws: `DataError` about the file; `LanguageError` when the endpoint refuses or is gone. What was
  ///   done is kept then, and the same call continues.
  public func run(
    _ texts: [SourceText], to path: String, progress: ProgressLine = ProgressLine(style: .silent),
    isStopped: @escaping @Sendable () -> Bool = { Interrupt.isRequested }
  ) async throws -> SynthesisSummary {
    let started = ProgressLine.clock()
    let names = attributes.map(\.name)
    var summary = SynthesisSummary(
      teacher: rewriter.teacher, out: path, texts: texts.count, attributes: names)
    // Answers that were paid for are on the device before the next question; what rules say can be said
    // again.
    let store = try SynthesisStore(path, teacher: rewriter.teacher, durable: callsPerRewrite > 0) {
      progress.warn($0)
    }
    try store.check(texts)
    let items = plan(texts, store, &summary)
    progress.note(estimate(summary, left: items.count))

    var failure: (any Error)?
    var inARow = 0
    var done = 0
    var next = items.startIndex
    await withTaskGroup(of: (Item, Outcome, Usage).self) { group in
      func start() {
        guard next < items.endIndex, failure == nil, !isStopped() else { return }
        let item = items[next]
        next += 1
        group.addTask { await rewrite(item, texts[item.text]) }
      }
      for _ in 0..<max(1, concurrency) { start() }
      while let (item, outcome, usage) = await group.next() {
        summary.usage += usage
        do {
          if try settle(outcome, item, texts[item.text], usage, store, &summary) {
            inARow = 0
          } else {
            inARow += 1
            if inARow >= patience, case .unanswered(let error) = outcome { failure = failure ?? error }
          }
        } catch { failure = failure ?? error }
        done += 1
        progress.report("rewrites", done, of: items.count, [])
        start()
      }
    }
    progress.finishLine()
    try store.consolidate(texts, names)
    if let failure { throw failure }
    summary.interrupted = next < items.endIndex
    summary.seconds = ProgressLine.clock() - started
    return summary
  }

  /// What is missing, in the order of texts, attributes, levels.
  private func plan(_ texts: [SourceText], _ store: SynthesisStore, _ summary: inout SynthesisSummary)
    -> [Item]
  {
    var items: [Item] = []
    for text in texts.indices {
      for attribute in attributes.indices {
        for level in Attribute.levelRange {
          summary.wanted += 1
          switch store.outcome(texts[text].id, attributes[attribute].name, level) {
          case .success: summary.resumed += 1
          case .failure(let failure) where !retryRefused: summary.refused[failure.reason, default: 0] += 1
          case .failure, nil: items.append(Item(text: text, attribute: attribute, level: level))
          }
        }
      }
    }
    return items
  }

  private func estimate(_ summary: SynthesisSummary, left: Int) -> String {
    var text =
      "\(summary.wanted) rewrites: \(summary.texts) texts × \(attributes.count) attributes × 5 levels"
    if summary.resumed > 0 { text += "; \(summary.resumed) are done" }
    if !summary.refused.isEmpty { text += "; \(summary.refused.values.reduce(0, +)) were refused before" }
    if left < summary.wanted { text += "; \(left) left" }
    if callsPerRewrite > 0 { text += "\n\(left) to \(left * callsPerRewrite) calls of \(rewriter.teacher)" }
    return text
  }

  private func rewrite(_ item: Item, _ text: SourceText) async -> (Item, Outcome, Usage) {
    let attribute = attributes[item.attribute]
    let meter = UsageMeter()
    // One seed for all levels: the changes that rules make at a small step are among those of a large one.
    let name = Array("\(text.id)\u{0}\(attribute.name)".utf8)
    do {
      let rewrite = try await UsageMeter.$current.withValue(meter) {
        try await rewriter.rewrite(
          text.text, context: text.context, attribute: attribute, level: item.level,
          seed: XXHash64.hash(name, seed: seed))
      }
      return (item, .rewritten(rewrite), meter.total)
    } catch let failure as RewriteFailure {
      return (item, .failed(failure), meter.total)
    } catch let error as LanguageError {
      if case .unanswered = error { return (item, .unanswered(error), meter.total) }
      return (item, .stopped(error), meter.total)
    } catch {
      return (item, .stopped(error), meter.total)
    }
  }

  /// Keeps an outcome; false when there was no answer.
  private func settle(
    _ outcome: Outcome, _ item: Item, _ text: SourceText, _ usage: Usage, _ store: SynthesisStore,
    _ summary: inout SynthesisSummary
  ) throws -> Bool {
    let name = attributes[item.attribute].name
    switch outcome {
    case .rewritten(let rewrite):
      try store.keep(.success(rewrite), of: text, name, item.level, usage: usage)
      summary.written += 1
    case .failed(let failure):
      try store.keep(.failure(failure), of: text, name, item.level, usage: usage)
      summary.refused[failure.reason, default: 0] += 1
    case .unanswered:
      summary.unanswered += 1
      return false
    case .stopped(let error): throw error
    }
    return true
  }
}
