import Foundation
import PenchantData
import SequentialRecommenders
import Testing

/// Events as `user item rating time part`, a dash for what is missing.
private func shown(_ log: InteractionLog) -> [String] {
  (0..<log.count).map { place in
    let event = log[place]
    return [
      log.users.names[Int(event.user)], log.items.names[Int(event.item)], event.rating.map { "\($0)" } ?? "-",
      event.time.map { "\($0)" } ?? "-", event.part.map { "\($0)" } ?? "-",
    ].joined(separator: " ")
  }
}

private func read(
  _ text: String, name: String = "memory", columns: InteractionColumns = InteractionColumns()
) throws -> InteractionLog {
  try InteractionReader(bytes: Array(text.utf8), name: name, columns: columns).log()
}

@Suite struct InteractionReaderTests {
  @Test(
    arguments: [
      (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\nu\ta\t3\t10\nv\tb\t4.5\t8.8e8\n",
        [
          "u a 3.0 10.0 -", "v b 4.5 880000000.0 -",
        ]
      ),
      ("item_id:token\tuser_id:token\na\tu\n", ["u a - - -"]),
      (
        "1::1193::5::978300760\n1::661::3::978302109\n",
        ["1 1193 5.0 978300760.0 -", "1 661 3.0 978302109.0 -"]
      ),
      ("1::1193::5\n", ["1 1193 5.0 - -"]),
      (
        "196\t242\t3\t881250949\n186\t302\t3\t891717742\n",
        ["196 242 3.0 881250949.0 -", "186 302 3.0 891717742.0 -"]
      ),
      ("userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n", ["1 31 2.5 1260759144.0 -"]),
      ("user;item\nu;a\n", ["u a - - -"]),
      ("user,item,title\n\"u,1\",\"say \"\"a\"\"\",x\nv,b,y\n", ["u,1 say \"a\" - - -", "v b - - -"]),
      (
        "user\titem\tpart\n1\t3186\t1\n1\t594\t2\n1\t1\t3\n",
        [
          "1 3186 - - train", "1 594 - - validation", "1 1 - - test",
        ]
      ),
      ("asin,parent_asin,reviewerID,overall,unixReviewTime\nx,p,u,5,7\n", ["u p 5.0 7.0 -"]),
      ("u1 a b\n\nu2 c\nu1 d\n", ["u1 a - - -", "u1 b - - -", "u2 c - - -", "u1 d - - -"]),
      ("{\"user\": 7, \"item\": \"a\", \"rating\": 4, \"timestamp\": 12}\n", ["7 a 4.0 12.0 -"]),
      (
        "{\"reviewerID\":\"A\",\"asin\":\"B0\",\"overall\":5.0,\"unixReviewTime\":1391990400}\n",
        ["A B0 5.0 1391990400.0 -"]
      ),
      (
        "{\"user\":\"A\",\"split\":\"valid\",\"history\":[2,3],\"target\":4}\n"
          + "{\"user\":\"A\",\"split\":\"test\",\"history\":[3,4],\"target\":5}\n",
        ["A 2 - - train", "A 3 - - train", "A 4 - - validation", "A 5 - - test"]
      ),
      ("\u{FEFF}user,item\nu,é\n", ["u é - - -"]),
    ] as [(String, [String])])
  func everyFormIsRead(text: String, events: [String]) throws {
    #expect(try shown(read(text)) == events)
    // The same without the last line end.
    #expect(try shown(read(String(text.dropLast()))) == events)
  }

  @Test(arguments: [
    ("gzip", "H4sIAAAAAAACAys1VEhUSFJI5io1AlMAJKxnuBAAAAA="),
    ("zstd", "KLUv/QRYgQAAdTEgYSBiIGMKdTIgYiBjCl3IDsI="),
  ])
  func packedFilesAreUnpacked(packing: String, base64: String) throws {
    let bytes = try #require(Data(base64Encoded: base64))
    let log = try InteractionReader(bytes: Array(bytes), name: packing).log()
    #expect(shown(log) == ["u1 a - - -", "u1 b - - -", "u1 c - - -", "u2 b - - -", "u2 c - - -"])
  }

  @Test func columnsMayHaveAnyName() throws {
    let text = "who,what,when\nu,a,3\n"
    let columns = InteractionColumns(user: "who", item: "what", time: "WHEN")
    #expect(try shown(read(text, columns: columns)) == ["u a - 3.0 -"])
    #expect(try shown(read("{\"who\":\"u\",\"what\":\"a\",\"when\":3}", columns: columns)) == ["u a - 3.0 -"])
  }

  @Test(
    arguments: [
      // file name, text, line, field, part of the message
      ("x.inter", "user_id\titem_id\nu\ta\n", 1, "user_id", "has no type"),
      ("x.inter.gz2", "user_id:token\titem_id\nu\ta\n", 1, "item_id", "has no type"),
      ("x", "user_id:token\titem_id:string\nu\ta\n", 1, "item_id:string", "unknown type"),
      ("x", "user_id:token\titem_id:token\ttimestamp:token\n", 1, "timestamp", "has the type token"),
      ("x", "a:token\tb:float\n1\t2\n", 1, nil, "names no user and item"),
      ("x", "a,b,c\n1,2,3\n", 1, nil, "names no user and item columns"),
      ("x", "1,2,3,4\n", 1, nil, "add that line"),
      ("x", "user,item,rating\nu,a,3\nu,b\n", 3, nil, "the line has 2 fields"),
      ("x", "user,item,rating\nu,a,good\n", 2, "rating", "is not a number"),
      ("x", "user,item,rating\nu,a,\n", 2, "rating", "is not a number"),
      ("x", "user,item,rating\nu,a,nan\n", 2, "rating", "is not a number"),
      ("x", "user,item,rating\nu,a,1e999\n", 2, "rating", "is not a number"),
      ("x", "user,item,rating\nu,a,1e99\n", 2, "rating", "is not a number"),
      ("x", "user,item,timestamp\nu,a,2018-09-04\n", 2, "timestamp", "seconds since 1970"),
      ("x", "user,item\n,a\n", 2, "user", "is empty"),
      ("x", "user,item\nu,\n", 2, "item", "is empty"),
      ("x", "user,item,user\nu,a,v\n", 1, "user", "stands twice"),
      ("x", "user,item\n\"u,a\n", 2, nil, "not closed"),
      ("x", "user,item,split\nu,a,later\n", 2, "split", "names no part"),
      ("x", "1::2::3::4\n1::2\n", 2, nil, "the line has 2 fields"),
      ("x", "1::2\n", 1, nil, "the line has 2 fields"),
      ("x", "1\t2\t3\t4\n1\t2\tx\t4\n", 2, "rating", "is not a number"),
      ("x", "u1 a b\nu2\n", 2, "item", "has no items"),
      ("x", "{\"user\":\"u\"}\n", 1, "item", "is missing"),
      ("x", "{\"item\":\"u\"}\n", 1, "user", "is missing"),
      ("x", "{\"user\":\"u\",\"item\":[]}\n", 1, "item", "is a list"),
      ("x", "{\"user\":\"u\",\"history\":[1],\"target\":null}\n", 1, "target", "is missing"),
      ("x", "{\"user\":\"u\",\"history\":[1.5],\"target\":2}\n", 1, "history", "is a list"),
      (
        "x", "{\"user\":\"u\",\"history\":[1],\"target\":2}\n{\"user\":\"u\",\"history\":[7],\"target\":2}\n",
        2, "history", "does not continue"
      ),
      ("x", "{\"user\":\"u\",\"item\":1,\"rating\":\"x\"}\n", 1, "rating", "is a string"),
      ("x", "{not json}\n", 1, nil, "not JSON"),
      ("x", "", nil, nil, "the file is empty"),
      ("x", "user,item\n", nil, nil, "there is no record"),
      ("x", "\n\n", nil, nil, "there is no record"),
    ] as [(String, String, Int?, String?, String)])
  func wrongFilesNameThePlace(name: String, text: String, line: Int?, field: String?, says: String) {
    #expect {
      try read(text, name: name)
    } throws: { error in
      guard let error = error as? DataError else { return false }
      return error.file == name && error.line == line && (field == nil || error.field == field)
        && error.description.contains(says)
    }
  }

  @Test func aMissingColumnGetsASuggestion() {
    #expect {
      try read("user,itme\nu,a\n", columns: InteractionColumns(item: "item"))
    } throws: { "\($0)".contains("did you mean \"itme\"?") }
  }

  @Test func readingGoesOnAfterAWrongLine() throws {
    var reader = InteractionReader(bytes: Array("user,item,rating\nu,a,1\nu,b,x\nv,c,2\n".utf8))
    var errors: [DataError] = []
    while true {
      do throws(DataError) {
        guard try reader.advance() else { break }
      } catch { errors.append(error) }
    }
    #expect(errors.map(\.line) == [3])
    #expect(shown(reader.read) == ["u a 1.0 - -", "v c 2.0 - -"])
    #expect(reader.line == 4)
    // Nothing of the wrong line is kept.
    #expect(reader.read.items.names == ["a", "c"])
  }

  @Test func aColumnThatALaterEventLacksIsDropped() {
    var log = InteractionLog()
    log.append(user: "u", item: "a", rating: 1, time: 2)
    log.append(user: "u", item: "b", rating: 2)
    log.append(user: "u", item: "c", rating: 3, time: 4)
    #expect(log.ratings == [1, 2, 3])
    #expect(!log.hasTimes && log.count == 3)
  }
}
