import PenchantData
import PenchantTrain

// What goes to standard output. Whoever reads it must not take half of it for all: what cannot be written is an error.

func show(_ text: String, terminator: String = "\n") throws(FileError) {
  try StandardStream.output.write(text + terminator)
}

/// One object.
func showJSON(_ value: some Encodable) throws {
  try show(String(decoding: try JSON.encode(value), as: UTF8.self))
}

/// One object in one line.
func showLine(_ value: some Encodable) throws {
  try show(String(decoding: try JSON.encode(value, pretty: false), as: UTF8.self))
}
