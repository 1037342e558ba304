import ArgumentParser

@main struct Penchant: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "penchant", abstract: "Learn what people prefer from the traces they leave.")
}
