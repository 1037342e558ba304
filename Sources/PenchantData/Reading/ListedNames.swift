extension String {
  /// The names of a list with commas between: blanks around a name are not of it.
  package var listedNames: [String] { split(separator: ",").map { String($0).trimmed } }
}
