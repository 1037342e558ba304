/// What moves a text towards one pole of a norm.
struct PoleRules: Sendable {
  /// Words and phrases that are replaced, each by one of several.
  var substitutions: [(from: String, to: [String])] = []
  /// Sentences that may stand before and behind a text.
  var openers: PhraseBank = []
  var closers: PhraseBank = []
}

/// Rules of a norm, or of any attribute that is no standard value.
struct AttributeRules: Sendable {
  var low = PoleRules()
  var high = PoleRules()

  func pole(_ pole: Attribute.Pole) -> PoleRules { pole == .low ? low : high }
}

extension AttributeRules {
  /// Rules of the standard norms by name; length and register have code of their own in `RuleRewriter` besides.
  static let norms: [String: AttributeRules] = [
    "supportiveness": AttributeRules(
      low: PoleRules(
        substitutions: deletions("well done", "great job", "good luck", "keep going", "keep it up"),
        openers: [
          "This is {pathetic|garbage|trash|embarrassing|disgusting}.", "What a {disgrace|waste of space}.",
        ],
        closers: [
          "{You are|You must be} {a loser|useless|hopeless|a clown}.",
          "Only {a loser|a clown} comes up with this.", "{Worthless|Hopeless}, all of it.",
        ]),
      high: PoleRules(
        substitutions: [("useless", ["unfinished"]), ("pathetic", ["rough"]), ("garbage", ["unpolished"])],
        openers: ["{Well done|Great job} {so far|on this|with this}.", "{Wonderful effort|Great job} here."],
        closers: [
          "I am {proud of you|on your side|rooting for you|cheering you on}.",
          "{You can do this|You got this}, {good luck|keep going|keep it up}.",
          "I have faith in you.",
        ])),
    "politeness": AttributeRules(
      low: PoleRules(
        substitutions: deletions(
          "please", "thank you", "thanks", "kindly", "excuse me", "with respect", "many thanks"),
        openers: ["{Shut up|Get lost|Buzz off}, {idiot|moron}.", "{Nobody asked|Spare me|Stop whining}."],
        closers: [
          "{Use your head|Mind your own business} {for once|next time|now}.", "{Go away|Get lost} with this.",
          "What is wrong with you.",
        ]),
      high: PoleRules(
        substitutions: deletions("shut up", "idiot", "moron", "buzz off"),
        openers: [
          "{Thank you|Many thanks|Thanks} for {bringing this up|taking the time|the question|reading}.",
          "{Excuse me|Pardon me} for {writing|stepping in|adding a word}.",
        ],
        closers: [
          "{Please|Kindly} {take a moment with this|read this when it suits|correct any slip here}.",
          "An answer is much appreciated.", "With respect to all who see this otherwise.",
        ])),
    "sarcasm": AttributeRules(
      low: PoleRules(
        substitutions: deletions("oh sure", "yeah right", "oh great", "slow clap"),
        openers: [
          "I {mean this|say this} {in good faith|from the heart|in all sincerity}.",
          "Sincerely, and {in all earnest|in good faith}:",
        ],
        closers: ["{I truly mean it|No joke intended|I mean this}.", "All of this without any irony."]),
      high: PoleRules(
        substitutions: [
          ("good", ["\"good\""]), ("great", ["\"great\""]), ("smart", ["\"smart\""]),
          ("important", ["\"important\""]),
        ],
        openers: [
          "{Oh sure|Yeah right|Oh great}, {genius move|brilliant plan}.",
          "{What a surprise|How shocking|Color me shocked}.",
        ],
        closers: [
          "{Slow clap|Just what we needed}, {genius move|brilliant plan}.", "Because that always works.",
          "{How shocking|Who saw that coming}.",
        ])
    ),
    "humor": AttributeRules(
      low: PoleRules(
        substitutions: deletions("haha", "hahaha", "lol", "lmao", "rofl"),
        openers: [
          "{This is|We have here} {a grave matter|no laughing matter|a serious matter}.",
          "In all seriousness:",
        ],
        closers: [
          "A {sober|solemn} view is called for, given the gravity of this.",
          "It is {a weighty|a sombre} subject and {no laughing matter|a grave matter}.",
        ]),
      high: PoleRules(
        openers: [
          "{Step one|Punchline}: {buy a hat|blame the goat|hide the cheese}, {haha|lol|lmao}!",
          "Plot twist ahead, {haha|lol}!",
        ],
        closers: [
          "{My cat|My dog} {walks into a bar|read this and left the room|has filed a complaint}, {haha|lol|lmao}!",
          "Comedy gold, {haha|hahaha|rofl}!",
        ])),
    "formality": AttributeRules(
      low: PoleRules(
        substitutions: contractions.map { ($0.long, [$0.short]) }
          + colloquial.map { ($0.formal, [$0.casual]) },
        openers: ["{tbh|btw|ok so|hey guys|hey},", "{imo|tbh},"],
        closers: [
          "{gotta|gonna} {leave it there|run} {tho|btw|guys}", "{dunno|nah}, {imo|tbh|btw}",
          "{kinda|sorta} it {tho|imo|guys}",
        ]),
      high: PoleRules(
        substitutions: contractions.map { ($0.short, [$0.long]) }
          + colloquial.map { ($0.casual, [$0.formal]) },
        openers: [
          "{With regard to|Regarding} the matter at hand, the following is {hereby|henceforth} submitted.",
          "In accordance with {custom at such occasions|the order of the day}:",
        ],
        closers: [
          "{Furthermore|Moreover|In addition}, {numerous individuals|sufficient grounds} speak for this.",
          "{Consequently|Hence|Therefore}, the aforementioned {stands|is submitted}.",
        ])),
    "verbosity": AttributeRules(
      high: PoleRules(
        closers: [
          "{In other words|That is to say|To put it another way|To say it again|To spell it out}, {and at some length|as already mentioned|to go over it once more}:",
          "{What this amounts to|To repeat the point}, {as already mentioned|in other words}:",
        ])),
    "directness": AttributeRules(
      low: PoleRules(
        substitutions: deletions("bluntly", "frankly", "straight up", "plain and simple", "put plainly"),
        openers: [
          "{In a manner of speaking|So to speak|In a roundabout way}, {one hears it said|it has been remarked}:",
          "{Without naming names|Let us just say}, {there is a sense that|some feel} things are {less than simple|a little delicate}.",
        ],
        closers: [
          "{Read between the lines|One hears it said}, {so to speak|without naming names}.",
          "Not to put too fine a point on it.",
        ]),
      high: PoleRules(
        substitutions: deletions("so to speak", "in a manner of speaking", "let us just say"),
        openers: [
          "{Bluntly|Frankly|Put plainly|Straight up|To the point|Point blank}:",
          "{Cut to the chase|Bottom line}:",
        ],
        closers: [
          "{Plain and simple|No sugarcoating|Bottom line}, {that is it|there it is}.",
          "{In plain words|Point blank}, {that is all|that is it}.",
        ])),
    "assertiveness": AttributeRules(
      low: PoleRules(
        substitutions: [
          ("definitely", ["perhaps", "maybe", "possibly"]), ("certainly", ["perhaps", "possibly"]),
          ("absolutely", ["somewhat"]), ("clearly", ["possibly", "presumably"]),
          ("must", ["could", "might"]),
          ("is", ["is perhaps", "is maybe", "is possibly", "seems to be"]),
          ("are", ["are perhaps", "are possibly", "are presumably"]),
          ("will", ["might", "may"]), ("always", ["perhaps often"]), ("never", ["perhaps rarely"]),
        ],
        openers: [
          "{I might be wrong|I am not sure|Who am I to judge}, {perhaps|maybe|presumably}:",
          "{It is hard to tell|I wonder whether this helps}, {I guess|I suppose}.",
        ],
        closers: [
          "{Maybe|Perhaps|Possibly} {others know better|that is wrong}, {I guess|I suppose}.",
          "{I might be wrong|I am not sure}, {though|of course}.",
        ]),
      high: PoleRules(
        substitutions: [
          ("maybe", ["certainly"]), ("perhaps", ["certainly", "definitely"]), ("possibly", ["certainly"]),
          ("i think", ["i am certain"]),
          ("i guess", ["i insist"]), ("i suppose", ["i insist"]), ("might", ["will"]), ("may", ["will"]),
          ("could", ["will"]),
          ("seems", ["is"]), ("probably", ["definitely"]), ("i believe", ["i am certain"]),
          ("should", ["must"]), ("somewhat", ["absolutely"]),
        ],
        openers: [
          "{Make no mistake|Without question|No doubt|Unquestionably}:",
          "{I insist|I am certain}, {absolutely|without question}.",
        ],
        closers: [
          "{It is a fact|I insist on it|I am certain of it}, {no doubt|end of discussion}.",
          "{Undoubtedly|Definitely|Absolutely}, end of discussion.",
        ])),
    "empathy": AttributeRules(
      low: PoleRules(
        substitutions: deletions("i hear you", "i feel for you"),
        openers: [
          "{Objectively|Dispassionately|Statistically speaking}, {and feelings aside|from a purely logical standpoint}:",
          "{Feelings aside|As a matter of logic}:",
        ],
        closers: [
          "{Emotions are irrelevant|Sentiment has no place here}, this is {a matter of logic|purely a technical question}.",
          "The numbers do not care.",
        ]),
      high: PoleRules(
        openers: [
          "{That sounds hard|That must hurt|That sounds painful|That must be exhausting}, {I hear you|I feel for you|my heart goes out to you}."
        ],
        closers: [
          "{It is okay to feel|It makes sense that you feel} {this way|so}, {I hear you|you are not alone}.",
          "{You are not alone|I feel for you} {in this|here}.",
        ])),
  ]

  private static func deletions(_ phrases: String...) -> [(from: String, to: [String])] {
    phrases.map { ($0, [""]) }
  }

  private static let contractions: [(short: String, long: String)] = [
    ("don't", "do not"), ("doesn't", "does not"), ("didn't", "did not"), ("can't", "cannot"),
    ("won't", "will not"),
    ("isn't", "is not"), ("aren't", "are not"), ("wasn't", "was not"), ("weren't", "were not"),
    ("wouldn't", "would not"),
    ("shouldn't", "should not"), ("couldn't", "could not"), ("haven't", "have not"), ("hasn't", "has not"),
    ("hadn't", "had not"),
    ("it's", "it is"), ("that's", "that is"), ("there's", "there is"), ("i'm", "i am"), ("i've", "i have"),
    ("i'll", "i will"),
    ("you're", "you are"), ("you'll", "you will"), ("they're", "they are"), ("we're", "we are"),
    ("we'll", "we will"),
    ("they'll", "they will"), ("you've", "you have"), ("we've", "we have"), ("they've", "they have"),
    ("let's", "let us"),
  ]

  private static let colloquial: [(casual: String, formal: String)] = [
    ("gonna", "going to"), ("wanna", "want to"), ("gotta", "have to"), ("stuff", "material"),
    ("guys", "individuals"),
    ("kids", "children"), ("cuz", "because"), ("u", "you"), ("ur", "your"), ("thru", "through"),
    ("tho", "though"),
    ("lots of", "numerous"), ("need", "require"), ("start", "commence"), ("enough", "sufficient"),
    ("about", "regarding"), ("gimme", "give me"),
  ]
}
