extension Array {
  /// Sorted; equal elements keep their order.
  func stableSorted(by isBefore: (Element, Element) -> Bool) -> [Element] {
    enumerated().sorted {
      if isBefore($0.element, $1.element) { return true }
      return !isBefore($1.element, $0.element) && $0.offset < $1.offset
    }.map(\.element)
  }
}

extension Array where Element: Hashable {
  /// Each element once, where it stood first.
  var withoutRepeats: [Element] {
    var seen = Set<Element>()
    return filter { seen.insert($0).inserted }
  }
}
