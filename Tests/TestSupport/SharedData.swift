import Foundation

/// Public data sets in a folder `shared/data` beside the package or above it; nil where there is none.
public enum SharedData {
  private static let folder: String? = {
    var place = URL(filePath: #filePath).deletingLastPathComponent()
    while place.path != "/" {
      let folder = place.appending(path: "shared/data").path
      if FileManager.default.fileExists(atPath: folder) { return folder }
      place = place.deletingLastPathComponent()
    }
    return nil
  }()

  public static func has(_ file: String) -> Bool {
    folder.map { FileManager.default.fileExists(atPath: "\($0)/\(file)") } ?? false
  }

  public static func path(_ file: String) -> String { "\(folder ?? "")/\(file)" }
}
