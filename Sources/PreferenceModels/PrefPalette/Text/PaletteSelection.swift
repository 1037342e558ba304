import PenchantTrain

/// The penalty and the number of epochs that held-out pairs chose: `selection.json` of a run.
public struct PaletteSelection: Codable, Sendable, Equatable {
  /// `objective.ridge`.
  public var ridge: Float
  public var epochs: Int
  /// What was tried: the smallest held-out log-loss of each penalty, in nats, and after how many epochs.
  public var tried: [Trial]

  public struct Trial: Codable, Sendable, Equatable {
    public var ridge: Float
    public var epochs: Int
    public var logLoss: Double
  }

  /// Fits with each penalty, and takes the one and the epoch that are best on held-out pairs.
  ///
  /// - Parameters:
  ///   - pairs: that a fit is made of.
  ///   - fit: with these settings; its state says the best validation and its step. nil: nothing is held out.
  init(
    _ configuration: TextPaletteConfiguration, pairs: Int,
    fit: ((PrefPaletteConfiguration) throws -> TrainingState)?
  ) throws {
    let ridges = configuration.selection.ridges
    let batch = configuration.batchSize(pairs: pairs)
    let steps = max(1, (pairs + batch - 1) / batch)
    // Few pairs have few steps an epoch, and weights go but a little way in a step.
    let epochs = max(configuration.run.epochs, (Self.leastSteps + steps - 1) / steps)
    guard let fit else {
      // Without held-out pairs: the middle one, all epochs.
      self.init(ridge: ridges[ridges.count / 2], epochs: epochs, tried: [])
      return
    }
    var tried: [Trial] = []
    for ridge in ridges {
      let settings = configuration.palette(
        PaletteSelection(ridge: ridge, epochs: epochs, tried: []), pairs: pairs)
      let state = try fit(settings)
      guard let best = state.best, let step = state.bestStep else { continue }
      tried.append(Trial(ridge: ridge, epochs: max(1, (step + steps - 1) / steps), logLoss: best))
    }
    let best = tried.min { $0.logLoss < $1.logLoss }
    self.init(ridge: best?.ridge ?? ridges[ridges.count / 2], epochs: best?.epochs ?? epochs, tried: tried)
  }

  /// Steps that a training may take at least.
  private static let leastSteps = 400

  private init(ridge: Float, epochs: Int, tried: [Trial]) {
    self.ridge = ridge
    self.epochs = epochs
    self.tried = tried
  }
}
