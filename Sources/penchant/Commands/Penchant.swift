import ArgumentParser
import Foundation
import PenchantData
import PenchantKernels
import PenchantLanguage
import PenchantTrain
import PreferenceModels

struct Penchant: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "penchant",
    abstract: "Learn what people prefer from the traces they leave.",
    discussion: """
      Examples:
        penchant demo                                           a corpus, two models, a table, a report
        penchant inspect pairs.jsonl                            what is in the file, what is wrong with it
        penchant pairs dump.zst --out pairs --year 2022         pairs of a forum's posts and comments
        penchant train bradley-terry --data pairs.jsonl --out run
        penchant train bradley-terry --data pairs.jsonl --out run --leave-out community
        penchant train prefpalette --data pairs.jsonl --out run what each community prefers, and why
        penchant train lcpo --data pairs-with-logps.jsonl --out run   which labels are wrong, and who gives them
        penchant predict par --data rewards.jsonl               rewards that are harder to hack
        penchant train sasrec --data log.inter --out run        the next item of a history
        penchant train diffusion --data pictures --out base     a model that draws pictures like these
        penchant train inpo --data pairs.jsonl --model base --out aligned   moved towards those that are preferred
        penchant recommend run u42                              for a user, or --history a,b,c
        penchant predict run --data new.jsonl                   one JSON line in, one out
        penchant synthesize --data pairs.jsonl --out levels.jsonl   texts at five levels of attributes

      Topics: penchant help data · labels · rewards · pictures · exit-codes
      """,
    version: RunEnvironment.version,
    subcommands: [
      Demo.self, Inspect.self, Pairs.self, Synthesize.self, Train.self, Evaluate.self, Predict.self,
      Recommend.self, DiffusionVerb.self,
      ReportCommand.self,
      Bench.self, Doctor.self,
    ])
}

@main enum Main {
  static func main() {
    StandardStream.prepare()
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let first = arguments.first, !first.hasPrefix("-") {
      let verbs = Penchant.configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
      if !verbs.contains(first), let verb = nearestName(to: first, among: verbs) {
        complain("\"\(first)\" is not a command\n  did you mean \"penchant \(verb)\"?")
        exit(ExitStatus.usage.rawValue)
      }
    }
    do {
      if arguments.first == "help", let name = arguments.dropFirst().first, let text = Topics.all[name] {
        return try show(text)
      }
      var command = try Penchant.parseAsRoot(arguments)
      try command.run()
    } catch {
      leave(error)
    }
  }

  /// Says what went wrong and ends with the code for its kind.
  private static func leave(_ error: any Error) -> Never {
    switch error {
    case let status as ExitStatus: exit(status.rawValue)
    case is DataError, is CheckpointError, is ShapingError:
      complain("\(error)")
      exit(ExitStatus.badData.rawValue)
    case is ConfigurationError, is RunError:
      complain("\(error)")
      exit(ExitStatus.usage.rawValue)
    case let error as LanguageError:
      complain("\(error)")
      exit(status(of: error).rawValue)
    // Whoever read has enough, as `head` has.
    case let error as FileError where error.code == EPIPE: exit(ExitStatus.failed.rawValue)
    case is FileError, is KernelError, is NonFiniteError:
      complain("\(error)")
      exit(ExitStatus.failed.rawValue)
    default: Penchant.exit(withError: error)
    }
  }

  private static func status(of error: LanguageError) -> ExitStatus {
    switch error {
    case .configuration: .usage
    case .notRecorded: .badData
    case .rejected, .unanswered, .reply, .recording, .cancelled: .failed
    }
  }

  static func complain(_ text: String) { try? StandardStream.error.write("error: \(text)\n".utf8) }
}

/// How the command ends.
enum ExitStatus: Int32, Error {
  case done = 0
  case failed = 1
  case badData = 2
  /// Stopped on request, the checkpoint is saved.
  case interrupted = 3
  case usage = 64
}

/// Texts of `penchant help TOPIC`.
enum Topics {
  static let all = [
    "data": data, "labels": labels, "rewards": rewards, "pictures": pictures, "exit-codes": exitCodes,
  ]

  static let data = """
    Preference pairs are JSON lines, plain or packed (.gz, .zst, .bz2), as TRL and OpenRLHF write them:

      {"prompt": "Is tea better than coffee?", "chosen": "Yes, because …", "rejected": "yes", "community": "tea"}

      chosen, rejected   needed: the two answers, as strings or as lists of {"role", "content"}
      prompt (context)   what they answer
      community          a group of people or a topic: results are shown by community, --leave-out uses it
      user (worker)      who compared
      weight             how much the pair counts, 1 unless given
      margin             by how much chosen is better
      post_id            what both texts answer: such pairs are not independent; intervals respect it
      chosen_time, rejected_time, chosen_votes, rejected_votes
                         when they were written (seconds since 1970) and what they got: what a test set leaks

    The columns of SHP, SHP-2 and ComPRed (human_ref_A, human_ref_B, labels, …), the rows of MultiPref (one pair a vote) and the
    files of penchant pairs are read as well.

    Judgements of attributes (prefpalette --judgements) are pairs with one more field; chosen is the text with more of it:
      {"attribute": "formality", "chosen": "…", "rejected": "…"}

    penchant inspect FILE shows what a file holds and the first lines that are wrong.

    Embeddings made elsewhere (--embeddings): a .npy or safetensors matrix with two rows a pair, the chosen answer and then the
    rejected one, in the order of the lines.

    penchant predict reads lines with "chosen" and "rejected" (answers with a probability), or with "text" (answers with a score).

    Logs of interactions (sasrec, bert4rec and other recommenders), plain or packed; the form is found by the first line:

      user_id:token<TAB>item_id:token<TAB>timestamp:float    RecBole atomic file, .inter; the header has the types
      user,item,rating,timestamp                             tabs, commas or semicolons with a line of names
      user::item::rating::timestamp                          MovieLens ratings.dat; u.data is read as well
      user item item item                                    a history a line, oldest first
      {"user": "u", "item": "i", "timestamp": 7}             or {"user": …, "history": […], "target": …}

    Events are sorted by time, equal times stay in the order of the file; without times the order of the file counts. A column "split"
    or "part" (train, validation, test) is used with --split file. Times out of order, duplicates and items that are described
    but never taken are counted by penchant inspect; log.duplicates says what happens to duplicates (keep, first, last, identical).

    Descriptions of items (--items): RecBole .item, JSON lines with "item" and "title", tables with a title column, id::title::genres.
    """

  static let labels = """
    Labels of which some are wrong (penchant train lcpo) are JSON lines, plain or packed. A record has one of

      policy_chosen_logps, policy_rejected_logps   sums of the log-probabilities of the tokens of the two responses, with
      ref_chosen_logps, ref_rejected_logps         the same under the reference (TRL precomputes them under these names), and
      chosen_len, rejected_len                     the numbers of tokens, which SimPO, per_token and a check need
      margin                                       a reward of the chosen response over that of the rejected
      prompt, chosen, rejected                     texts (or chosen_id, rejected_id) that are compared many times: a worth a text

    and perhaps

      annotator (worker, user)   who judged: each gets a reliability; those who are not named are one annotator
      weight                     how much the label counts, 1 unless given
      gold                       true or false, or the id of the better side: what the estimate is measured by, never trained on

    The first record decides what is read; --set data.kind=logps, margins or items says it.

    What comes out: pairs.jsonl, the records with "weight" (P(label is right), times the weight they had) and
    "flip_probability"; cleaned.jsonl, without the labels that are more likely wrong than right (output.cleaning=swap turns them
    round); annotators.tsv, labels, reliability, standard error and 95% interval of every annotator.

    A confidence is as good as the margins it rests on. Margins that are too small drive reliability to 1 and those that are too
    large pull it down, so their slope is fitted beside it (noise.slope); without a reference they mostly follow length and are
    refused when they are large (guards.saturation). Warnings say what was found: docs/lcpo.md.
    """

  static let pictures = """
    Pictures or points (penchant train diffusion), by what --data is:

      a folder of .png files             grey or colour, all of one size; sub-folders are classes
      an IDX file (MNIST), plain or .gz  with the labels file beside it
      .npy, .safetensors                 [n, d], [n, h, w] or [n, h, w, c]; integers "classes" if there are classes
      numbers in lines (CSV, TSV)        points, or pictures with --size 8x8; a column "class" or "label", or --labelled

    PNG, IDX and arrays of bytes are scaled from 0...255 to -1...1; --range 0,16 scales other numbers, which are otherwise taken
    as they are. Points should have a spread of about 1.

    Pairs (penchant train inpo) are JSON lines:

      {"winner": "a.png", "loser": "b.png", "cond": "cat"}     paths relative to the file
      {"blob": "pictures.npy"}                                 a first line that names an array; then rows of it:
      {"winner": 17, "loser": 4, "cond": 3, "weight": 0.5}
      {"winner": [0.1, 1.2], "loser": [0.3, -0.8]}             points

    "cond" is the class under which both were made. "weight" is how much a pair counts; smpo reads it as how sure it is.

    A published network (Stable Diffusion, SDXL, DDPM; a folder of diffusers) becomes a run to align: penchant diffusion import
    """

  static let rewards = """
    Rewards that are shaped (penchant predict par) are JSON lines, plain or packed, one answer of a policy each:

      {"prompt_id": "p17", "reward": 2.1, "references": [0.4, 1.3, -0.2], "length": 214}

      reward               needed: what the reward model says of the answer
      references           what it says of answers of the reference policy to the same prompt, one or more; also
      (sample_rewards)     in a file of their own with "prompt_id": --references FILE
      length               tokens of the answer, where length costs
      id, prompt_id        are repeated in the answer

    The answer is the line's "shaped" reward: under par the chance that the answer beats a reference, between 0 and 1. References are
    scored by the same reward model, and scored again when it changes. Running shapings (meanstd, clip, minmax) go on from line to line;
    the order of the lines matters to them.

    A bounded reward holds a policy only beside a penalty on the divergence from the reference policy, and not where rewards are
    divided by the deviation of their group (GRPO's default): docs/par.md.
    """

  static let exitCodes = """
    0    done
    1    failed
    2    bad data: the message names file, line and field; nothing was written
    3    interrupted, the checkpoint is saved; --resume continues with the same bits
    64   wrong use: an unknown command, option, setting or system
    """
}
