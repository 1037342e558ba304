import ArgumentParser

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "bench", abstract: "Time kernels against this machine's ceilings.")
  func run() throws {}
}
