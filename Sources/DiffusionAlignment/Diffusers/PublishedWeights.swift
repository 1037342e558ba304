import Foundation
import PenchantData
import PenchantTape

/// The tensors of a network in one safetensors file, or in several with an index.
struct PublishedWeights {
  /// The file, or the index.
  let name: String
  private let files: [SafeTensors]
  /// The file of each tensor.
  private let places: [String: Int]

  private static let stem = "diffusion_pytorch_model"
  private static let fileLimit = 1000

  init(folder: String) throws(DataError) {
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }
    let whole = ["\(Self.stem).safetensors", "\(Self.stem).fp16.safetensors"]
    let indices = ["\(Self.stem).safetensors.index.json", "\(Self.stem).safetensors.index.fp16.json"]
    if let file = whole.first(where: exists) {
      try self.init("\(folder)/\(file)", [try SafeTensors("\(folder)/\(file)")])
    } else if let index = indices.first(where: exists) {
      try self.init(index: "\(folder)/\(index)", in: folder)
    } else {
      let isPickled = exists("\(Self.stem).bin")
      throw DataError(
        file: folder, "there is no \(whole[0])", expected: "expected it, or \(indices[0]) and its files",
        found: isPickled ? "found \(Self.stem).bin, a pickle, which runs code when it is loaded" : nil,
        repair: isPickled
          ? "convert it where it was made: UNet2DConditionModel.from_pretrained(FOLDER).save_pretrained(NEW)"
          : nil)
    }
  }

  private init(_ name: String, _ files: [SafeTensors]) throws(DataError) {
    self.name = name
    self.files = files
    var places: [String: Int] = [:]
    for (place, file) in files.enumerated() {
      for entry in file.entries {
        if let other = places.updateValue(place, forKey: entry.name) {
          throw DataError(
            file: file.file, field: entry.name,
            "the tensor \"\(clipped(entry.name))\" stands in two files", found: "also in \(files[other].file)"
          )
        }
      }
    }
    self.places = places
  }

  private init(index path: String, in folder: String) throws(DataError) {
    var settings = try PublishedSettings(path)
    guard let map = settings.value("weight_map")?.object else {
      throw settings.wrong("weight_map", expected: "an object: the file of every tensor")
    }
    var names: Set<String> = []
    for (tensor, value) in zip(map.keys, map.values) {
      // A file beside the index, not one anywhere on the disk.
      guard let name = value.string, name.hasSuffix(".safetensors"), !name.contains("/") else {
        throw DataError(
          file: path, field: tensor, "the file of \"\(clipped(tensor))\" cannot be used",
          expected: "expected the name of a .safetensors file beside the index",
          found: "found \(clipped(value.description, 60))")
      }
      names.insert(name)
    }
    guard names.count <= Self.fileLimit else {
      throw DataError(
        file: path, field: "weight_map", "there are \(names.count) files",
        expected: "at most \(Self.fileLimit)")
    }
    var files: [SafeTensors] = []
    for name in names.sorted() { files.append(try SafeTensors("\(folder)/\(name)")) }
    try self.init(path, files)
    for (tensor, value) in zip(map.keys, map.values) {
      let file = places[tensor].map { files[$0].file }
      if let wanted = value.string, file != "\(folder)/\(wanted)" {
        throw DataError(
          file: "\(folder)/\(wanted)", field: tensor, "the tensor \"\(clipped(tensor))\" is missing",
          expected: "\(path) says that it is here", found: file.map { "found in \($0)" })
      }
    }
  }

  /// Checks that the tensors are those of the parameters, each of its shape and none left over.
  ///
  /// - Throws: `DataError` naming file, tensor and what was expected.
  func check(_ parameters: [Parameter], hasMatrices: Bool) throws(DataError) {
    var used: Set<String> = []
    for parameter in parameters {
      guard let source = PublishedSource(parameter, hasMatrices: hasMatrices) else { continue }
      for names in source.parts {
        let (file, tensor) = try place(names)
        let entry = try file.require(tensor, shape: source.shape)
        guard entry.type.isFloatingPoint else {
          throw DataError(
            file: file.file, field: tensor, "the tensor \"\(clipped(tensor))\" does not hold floats",
            expected: "F32, F16 or BF16", found: "found \(entry.type.rawValue)")
        }
        used.insert(tensor)
      }
    }
    let surplus = places.keys.filter { !used.contains($0) }.sorted()
    if let tensor = surplus.first, let place = places[tensor] {
      throw DataError(
        file: files[place].file, field: tensor,
        "the tensor \"\(clipped(tensor))\" has no place in the network",
        expected: "the network of config.json has \(used.count) tensors",
        found: surplus.count > 1 ? "\(surplus.count) have no place: \(quotedList(surplus, limit: 4))" : nil,
        repair: "does config.json belong to these weights?")
    }
  }

  /// The numbers of a parameter; `nil` for one that is in no published file.
  ///
  /// - Throws: `DataError`, also for numbers that are not finite.
  func values(_ parameter: Parameter, hasMatrices: Bool) throws(DataError) -> [Float]? {
    guard let source = PublishedSource(parameter, hasMatrices: hasMatrices) else { return nil }
    var values: [Float] = []
    values.reserveCapacity(parameter.count)
    for names in source.parts {
      let (file, tensor) = try place(names)
      values += source.ordered(try file.floats(tensor, shape: source.shape, finite: true))
    }
    return values + [Float](repeating: 0, count: source.rest)
  }

  /// The file of a tensor that has had several names.
  private func place(_ names: [String]) throws(DataError) -> (SafeTensors, String) {
    for name in names {
      if let place = places[name] { return (files[place], name) }
    }
    let wanted = names.first ?? ""
    throw DataError(
      file: name, field: wanted, "the tensor \"\(clipped(wanted, 100))\" is missing",
      found: "there are \(places.count) tensors",
      repair: nearestName(to: wanted, among: places.keys.sorted()).map { "is it \"\(clipped($0, 100))\"?" })
  }
}
