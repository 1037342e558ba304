import PenchantTrain

// What goes to standard output. Whoever reads it must not take half of it for all: what cannot be written is an error.

func show(_ text: String, terminator: String = "\n") throws(FileError) {
  try StandardStream.output.write((text + terminator).utf8)
}

/// One object, in one line unless `pretty`.
func showJSON(_ value: some Encodable, pretty: Bool = true) throws {
  try StandardStream.output.write(JSON.encode(value, pretty: pretty) + [UInt8(ascii: "\n")])
}
