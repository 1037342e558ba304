import DiffusionAlignment
import PenchantData
import PenchantTrain

/// `penchant predict` for a run of inpo: which of two the model itself prefers.
struct DiffusionPrediction {
  let model: FittedDiffusion
  let run: RunDirectory
  let data: String
  let form: SampleForm

  private struct Answer: Encodable {
    /// The pair, counted from 0.
    var pair: Int
    var margin: Double
    /// That the winner is the better one.
    var probability: Double
  }

  func answer() throws {
    guard let aligned = try AlignedModel(model, run) else {
      throw ConfigurationError(
        "\(run.path) is a model that draws and was never aligned: it prefers nothing\n"
          + "  draw: penchant diffusion sample \(run.path) --out samples.png")
    }
    for (pair, logit) in try aligned.logits(form.pairs(data), file: data).enumerated() {
      let answer = Answer(pair: pair, margin: logit, probability: sigmoid(logit))
      try showJSON(answer, pretty: false)
    }
  }
}
