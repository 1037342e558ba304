import Foundation
import PenchantData
import PenchantTrain

/// A folder with PNG pictures, in it or in sub-folders, which are then their classes.
struct PictureFolder {
  let path: String
  /// Paths below the folder, in order of their bytes.
  let files: [String]
  /// The first folder of each path; empty when the pictures lie in the folder itself.
  let labels: [String]

  init(_ path: String) throws(DataError) {
    self.path = path
    let folder = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let below: [String]
    do {
      below = try FileManager.default.subpathsOfDirectory(atPath: folder)
    } catch {
      throw DataError(file: path, "the folder cannot be read", repair: "check its owner and mode with ls -l")
    }
    // Names that start with a point are those of the system: ._a.png holds no picture.
    let shown = below.filter { !$0.split(separator: "/").contains { $0.hasPrefix(".") } }
    files = shown.filter { $0.lowercased().hasSuffix(".png") }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    guard !files.isEmpty else {
      let others = shown.filter { name in
        [".jpg", ".jpeg", ".webp", ".bmp"].contains { name.lowercased().hasSuffix($0) }
      }
      throw DataError(
        file: path, "there is no PNG picture in the folder",
        expected: "files named *.png, in it or in a sub-folder for each class",
        found: "found \(others.count) pictures of other kinds, \(shown.count) names in all",
        repair: others.isEmpty ? nil : "convert them, for example with: mogrify -format png *.jpg")
    }
    let inside = files.filter { $0.contains("/") }
    guard inside.isEmpty || inside.count == files.count else {
      throw DataError(
        file: path, "pictures lie both in the folder and in sub-folders",
        expected: "all in the folder, or each in a sub-folder named as its class",
        found: "found \"\(clipped(files.first { !$0.contains("/") } ?? ""))\" and \"\(clipped(inside[0]))\"")
    }
    labels = inside.map { String($0.prefix { $0 != "/" }) }
  }

  func samples(_ layout: SampleLayout) throws -> SampleSet {
    let places = files.map { path.hasSuffix("/") ? path + $0 : "\(path)/\($0)" }
    let pictures = try parallelMap(places.count) { place in
      try Bitmap(png: wholeFile(places[place]), name: places[place])
    }
    let samples = try layout.pictures(pictures, names: places)
    guard !labels.isEmpty else { return samples }
    return SampleSet(shape: samples.shape, values: samples.values, labels: labels)
  }
}
