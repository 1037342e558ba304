import PenchantData

/// Samples as lines of numbers: separated by tabs, commas, semicolons or blanks, with or without a line of
/// names. Blank lines and lines that start with `#` are passed over.
enum SampleTable {
  static func read(_ bytes: [UInt8], _ name: String, _ layout: SampleLayout) throws(DataError) -> SampleSet {
    var lines = LineReader(plain: bytes, name: name)
    var columns: SampleColumns?
    var values: [Float] = []
    var labels: [String] = []
    while let text = try lines.next() {
      guard let start = text.utf8.first(where: { $0 != 0x20 && $0 != 0x09 }), start != UInt8(ascii: "#")
      else {
        continue
      }
      guard let known = columns else {
        let first = try SampleColumns(first: text, layout, file: name, line: lines.number)
        columns = first
        if first.names == nil { try first.read(text, line: lines.number, into: &values, &labels) }
        continue
      }
      try known.read(text, line: lines.number, into: &values, &labels)
    }
    guard let columns, !values.isEmpty else {
      throw noRecords(name, bytes: lines.bytesRead, needs: "one sample a line, numbers separated by commas")
    }
    layout.scale(&values)
    guard !labels.isEmpty else { return SampleSet(shape: columns.shape, values: values) }
    return SampleSet(shape: columns.shape, values: values, labels: labels)
  }
}

/// What the columns of lines of numbers mean, decided by the first line.
struct SampleColumns {
  let file: String
  let shape: SampleShape
  /// Nil when the first line is a sample.
  let names: [String]?
  /// The column of the class.
  let label: Int?
  private let separator: UInt8
  private let count: Int

  private static let classNames = ["class", "label"]

  init(first text: String, _ layout: SampleLayout, file: String, line: Int) throws(DataError) {
    self.file = file
    separator = [0x09, 0x2C, 0x3B].first { text.utf8.contains($0) } ?? 0x20
    let fields = try Self.fields(text, separator, file, line)
    count = fields.count
    let isNames = !fields.contains { Float($0) != nil }
    names = isNames ? fields : nil
    let named = fields.indices.filter { isNames && Self.classNames.contains(fields[$0].lowercased()) }
    guard named.count < 2 else {
      throw DataError(
        file: file, line: line, field: fields[named[1]], "two columns are the class",
        expected: "one column \"class\" or \"label\"", found: "found \(quotedList(named.map { fields[$0] }))")
    }
    let isLast = layout.labelled || !isNames && layout.size.map { fields.count == $0.count + 1 } == true
    label = named.first ?? (isLast ? fields.count - 1 : nil)
    let width = fields.count - (label == nil ? 0 : 1)
    guard width > 0 else {
      throw DataError(
        file: file, line: line, "there is no column of numbers", found: "found \(quotedList(fields))")
    }
    shape = layout.size ?? .point(width)
    guard shape.count == width else {
      let rest = label == nil ? ", or one more for the class" : " and the class"
      throw DataError(
        file: file, line: line, "the line has \(width) numbers",
        expected: "\(shape) are \(shape.count) numbers\(rest)", found: "found \(fields.count) columns")
    }
  }

  private static func fields(
    _ text: String, _ separator: UInt8, _ file: String, _ line: Int
  ) throws(DataError) -> [String] {
    if separator == 0x20 {
      return text.utf8.split(separator: separator).map { String(Substring($0)).trimmed }
    }
    guard let fields = delimitedFields(text, separator: separator) else {
      throw DataError(
        file: file, line: line, "a quoted field is not closed", repair: "close it with \" in the same line")
    }
    return fields
  }

  /// Appends the numbers of a line, and its class.
  func read(_ text: String, line: Int, into values: inout [Float], _ labels: inout [String]) throws(DataError)
  {
    let fields = try Self.fields(text, separator, file, line)
    guard fields.count == count else {
      throw DataError(
        file: file, line: line, "the line has \(fields.count) columns",
        expected: "\(count) as in the first line",
        found: "found \(clipped(text, 40))")
    }
    for (column, field) in fields.enumerated() {
      if column == label {
        guard !field.isEmpty else {
          throw DataError(
            file: file, line: line, field: name(column), "the class in \(name(column)) is missing")
        }
        labels.append(field)
        continue
      }
      guard let value = Float(field), value.isFinite else {
        throw DataError(
          file: file, line: line, field: name(column), "\(name(column)) is not a finite number",
          found: "found \"\(clipped(field, 40))\"",
          repair: column == count - 1 && label == nil
            ? "if this is the class, name the column \"class\" or say that the file is labelled"
            : nil)
      }
      values.append(value)
    }
  }

  private func name(_ column: Int) -> String {
    names.map { "\"\(clipped($0[column], 40))\"" } ?? "column \(column + 1)"
  }
}
