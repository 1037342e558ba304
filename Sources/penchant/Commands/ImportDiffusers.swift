import ArgumentParser
import DiffusionAlignment
import Foundation
import PenchantData
import PenchantTrain

struct ImportDiffusers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make a run of a network that the library diffusers has saved.",
    discussion: """
      Examples:
        penchant diffusion import stable-diffusion-v1-5 --out base
            the folder holds unet/config.json, unet/diffusion_pytorch_model.safetensors (or several files and
            their index) and scheduler/scheduler_config.json; the folder of a unet alone will do
        penchant diffusion import stable-diffusion-v1-5 --context prompts.safetensors --out base
            one tensor [places, width] a class, named like it: what the text encoder makes of its prompt
        penchant diffusion import sdxl --context prompts.safetensors --size 64x64 --out base
        penchant train inpo --data pairs.jsonl --model base --out aligned

      UNet2DConditionModel (Stable Diffusion 1, 2, SDXL) and UNet2DModel (DDPM) are read. A network is told a
      class, not a text: each class has a context that was made beforehand. In Python:

        hidden = pipe.encode_prompt("a photo of a cat", "cpu", 1, False)[0]
        empty = pipe.encode_prompt("", "cpu", 1, False)[0]
        safetensors.torch.save_file({"cat": hidden[0].contiguous(), "none": empty[0].contiguous()},
                                    "prompts.safetensors")

      "none" is the context without a class; zeros where it is missing. SDXL reads NAME.pooled as well, and
      perhaps time_ids. Samples are what the network works on: for Stable Diffusion latents of 4 channels,
      channels last. Pairs to align it are arrays of such latents; drawn ones are decoded where its
      autoencoder is.
      """)

  @Argument(help: ArgumentHelp("A pipeline, or the folder of its unet.", valueName: "folder"))
  var folder: String

  @Option(help: "The folder of the run.")
  var out: String

  @Option(help: "A safetensors file with the context of each class.")
  var context: String?

  @Option(help: "Height and width of a sample, as 64x64; by default what config.json says.")
  var size: String?

  @OptionGroup var common: CommonOptions

  private struct Imported: Encodable {
    var out: String
    var shape: String
    var parameters: Int
    var classNames: [String]
    var prediction: ModelConfiguration.Prediction
    var schedule: ScheduleConfiguration
    /// The file that said the schedule.
    var scheduler: String?
    /// Of the numbers.
    var fingerprint: String
  }

  func run() throws {
    try common.apply()
    let source = try DiffusersFolder(folder)
    let sides = try size.map { try SampleShape($0) }.map { (height: $0.height, width: $0.width) }
    let fitted = try source.model(size: sides, contexts: context)
    let model = fitted.model
    let bytes = try fitted.bytes()
    let fingerprint = XXHash64.hex(bytes)
    let run = try RunDirectory.create(out)
    try run.write("model.safetensors", bytes: bytes)
    try run.write(
      "run.json",
      json: RunRecord(system: FittedDiffusion.system, data: folder, dataChecksum: fingerprint, seed: 0))
    try run.write("README.md", readme(fitted, source))
    // A folder is a run when this file is there: it comes last.
    try run.write("config.yaml", ConfigurationLayers<ModelConfiguration>.text(model.configuration))
    let imported = Imported(
      out: out, shape: "\(model.shape)", parameters: model.parameterCount, classNames: model.classNames,
      prediction: model.configuration.prediction, schedule: model.configuration.schedule,
      scheduler: source.scheduler, fingerprint: fingerprint)
    if common.json { return try showJSON(imported) }
    try show(text(imported))
  }

  private func text(_ imported: Imported) -> String {
    let names = imported.classNames
    let schedule = imported.schedule
    return aligned([
      ["samples", imported.shape], ["parameters", "\(imported.parameters)"],
      ["classes", names.isEmpty ? "none" : quotedList(names, limit: 6)],
      [
        "noise",
        "\(schedule.kind.rawValue), \(schedule.steps) steps"
          + (imported.scheduler == nil ? ": assumed, no scheduler_config.json is there" : ""),
      ],
      ["predicts", imported.prediction == .velocity ? "v" : "the noise"],
    ]) + "\n\n\(out): model.safetensors, config.yaml    fingerprint \(imported.fingerprint)"
  }

  private func readme(_ fitted: FittedDiffusion, _ source: DiffusersFolder) -> String {
    """
    ---
    library_name: penchant
    tags: [preference-learning, \(FittedDiffusion.system)]
    ---

    # \(FittedDiffusion.system)

    Draws samples of \(fitted.model.shape): a network of \(fitted.model.parameterCount) parameters, imported.

    | | |
    |---|---|
    | from | `\(source.folder)` |
    | noise | \(source.scheduler.map { "`\($0)`" } ?? "assumed: there was no scheduler_config.json") |
    | made with | penchant \(RunEnvironment.version) |

    The licence of the network is that of where it came from. `config.yaml` describes it.

    - `penchant diffusion sample \(out) --out samples.safetensors` draws.
    - `penchant train inpo --data pairs.jsonl --model \(out) --out aligned` aligns it.

    """
  }
}
