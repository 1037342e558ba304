import Foundation

extension String {
  /// The names of an option that lists them with commas between: blanks around a name are not of it.
  var listedNames: [String] {
    split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
