import PenchantData
import SequentialRecommenders
import TestSupport
import Testing

/// Damaged files are read or refused with their name; nothing traps.
@Suite struct HostileBytesTests {
  static let seeds = [
    "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ta\t3\t10\nv\tb\t4.5\t8.8e8\n",
    "1::1193::5::978300760\n1::661::3::978302109\n", "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
    "user,item,split\n\"u,1\",\"say \"\"a\"\"\",1\nv,b,test\n", "u1 a b\nu2 c\nu1 d\n",
    "{\"user\":\"A\",\"split\":\"valid\",\"history\":[2,3],\"target\":4}\n"
      + "{\"user\":\"A\",\"split\":\"test\",\"history\":[3,4],\"target\":5}\n",
    "{\"4\": [1, 2, 3], \"83\": [\"x\"]}\n", "movieId,title,genres\n1,\"T, a\",x|y\n",
    "{\"item\":0,\"title\":\"T\",\"description\":[\"one\",\"two\"]}\n",
  ]
  /// What separators, quotes and numbers are made of, and bytes that are not text.
  static let bytes = Array("\t,;:|\"{}[]0\n\r -e.".utf8) + [0, 0x80, 0xFF, 0xC3]

  @Test(arguments: seeds.indices) func damagedFilesAreReadOrRefused(seed: Int) {
    var generator = TestGenerator(stream: "hostile \(seed)")
    var read = 0
    for _ in 0..<2000 {
      var text = Array(Self.seeds[seed].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<text.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: text[place] = Self.bytes.randomElement(using: &generator) ?? 0
        case 1: text.insert(Self.bytes.randomElement(using: &generator) ?? 0, at: place)
        case 2: text.removeSubrange(place..<min(text.count, place + 3))
        default: text += text[place...]
        }
        if text.isEmpty { text = [0] }
      }
      do throws(DataError) {
        let log = try InteractionReader(bytes: text, name: "damaged").log()
        read += 1
        #expect(
          log.user.allSatisfy { log.users.names.indices.contains(Int($0)) }
            && log.times.allSatisfy(\.isFinite))
      } catch { #expect(error.file == "damaged" && !error.problem.isEmpty) }
      do throws(DataError) {
        #expect(try ItemDescriptions(bytes: text, name: "damaged").count > 0)
      } catch { #expect(error.file == "damaged" && !error.problem.isEmpty) }
    }
    // Most damage is small enough for some files to be read as something.
    #expect(read > 0 || seed >= 6)
  }
}
