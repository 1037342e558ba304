/// Small English word lists that style features count. They are closed classes of words and common informal spellings,
/// chosen beforehand and not fitted to any data set.
package enum Lexicon {
  package struct Kinds: OptionSet, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }
    package static let connective = Kinds(rawValue: 1)
    package static let hedge = Kinds(rawValue: 2)
    package static let secondPerson = Kinds(rawValue: 4)
    package static let firstPerson = Kinds(rawValue: 8)
    package static let negation = Kinds(rawValue: 16)
    package static let modal = Kinds(rawValue: 32)
    package static let function = Kinds(rawValue: 64)
    package static let informal = Kinds(rawValue: 128)
  }

  private static let lists: [(Kinds, String)] = [
    (
      .connective,
      """
      because therefore thus hence however although though since so consequently moreover furthermore besides also while \
      whereas unless despite nevertheless nonetheless instead if then first second third firstly secondly finally example \
      instance accordingly otherwise likewise similarly meanwhile
      """
    ),
    (
      .hedge,
      """
      maybe perhaps might may could possibly probably seem seems seemed think believe guess suppose somewhat often \
      sometimes usually likely unlikely apparently
      """
    ),
    (.secondPerson, "you your yours yourself yourselves you're you'll you've you'd"),
    (.firstPerson, "i me my mine myself we us our ours ourselves i'm i've i'd i'll we're we've we'll"),
    (
      .negation,
      """
      no not never none nothing nobody nowhere neither nor cannot can't don't doesn't didn't isn't aren't wasn't weren't \
      won't wouldn't shouldn't couldn't hasn't haven't
      """
    ),
    (.modal, "should must ought need can could will would shall may might"),
    (
      .function,
      """
      the a an of to in is are was were be been being and or but that this these those it its for on with as by at from \
      they them their he she his her him who which what not have has had do does did there
      """
    ),
    (
      .informal,
      """
      dont cant wont isnt arent doesnt didnt wasnt wouldnt shouldnt couldnt im ive thats whats theres youre theyre u ur r \
      alot coz cuz cause gonna wanna gotta kinda lol omg wtf ya yeah yea nope ok okay plz thx stuff dude guys idk btw
      """
    ),
  ]

  /// Kinds of a word by the hash of its folded scalars.
  package static let kinds: [UInt64: Kinds] = {
    var kinds: [UInt64: Kinds] = [:]
    for (kind, words) in lists {
      for word in words.split(separator: " ") {
        var hash = ScalarHash()
        for scalar in word.unicodeScalars { hash.add(scalar.value) }
        kinds[hash.value, default: []].insert(kind)
      }
    }
    return kinds
  }()
}
