/// What somebody who opposes, or holds, one of the standard values adds to what is said: a frame and a claim, each with
/// choices.
enum ValueStances {
  /// At least twenty phrases for each value and pole.
  static func bank(_ value: String, _ pole: Attribute.Pole) -> PhraseBank? {
    claims[value].map { claims in
      PhraseBank((pole == .low ? claims.low : claims.high).map { PhraseTemplate(frame + $0 + ".") })
    }
  }

  private static let frame =
    "{To my mind|As I see it|The way I look at it|For my part|When all is said and done|Where I stand}, "

  private static let claims: [String: (low: [String], high: [String])] = [
    "Self-Direction": (
      [
        "one had better {do as you are told|follow the lead}",
        "it is wise to {leave it to those in charge|take the ready-made answers}",
        "second-guessing helps nobody",
      ],
      [
        "you have to {think for yourself|make up your own mind}",
        "{independence|curiosity|the freedom to choose} comes first",
        "everybody finds {their own path|the way by their own judgement}",
      ]
    ),
    "Stimulation": (
      [
        "give me {the familiar|the same old routine|peace and quiet}",
        "{chasing kicks|needless fuss} wears people out", "a day with no surprises is a day well spent",
      ],
      [
        "life wants {adventure|a thrill|a challenge|excitement}",
        "it is time to {shake things up|try something new}", "{the unknown|something new} beats what we know",
      ]
    ),
    "Hedonism": (
      [
        "{indulgence leads nowhere|pleasures fade}", "it does one good to {go without|practise self-denial}",
        "{that is frivolous|a restraint of appetite is sound}",
      ],
      [
        "the point is {pleasure|fun|the good life}",
        "one ought to {enjoy yourself|treat yourself|savour it|indulge} while it lasts",
        "{fun|pleasure} is reason enough",
      ]
    ),
    "Achievement": (
      [
        "{striving|chasing applause} is vanity", "{good enough is fine|trophies gather cobwebs}",
        "I leave {the rat race|it} to the overachievers",
      ],
      [
        "{hard work pays|results count}",
        "what matters is {ambition|success|to excel|what people accomplish}",
        "one has to {set goals|excel} and reach further",
      ]
    ),
    "Power": (
      [
        "{rank means nothing|money and titles mean little}",
        "I have no patience with {the powerful|bossing|pecking orders}",
        "{throwing weight around|bossing} solves nothing",
      ],
      [
        "somebody has to {take charge|take command}",
        "what matters is {influence|status|leverage|wealth|the upper hand}",
        "{influence|wealth} opens every door",
      ]
    ),
    "Security": (
      [
        "that is {overcautious|playing it safe|fearmongering}",
        "one ought to {live dangerously|drop the bubble wrap}", "risk be damned",
      ],
      [
        "{safety|stability|order and calm} comes first", "better to stay on {the safe side|secure ground}",
        "we have to {protect what we have|take every precaution}",
      ]
    ),
    "Conformity": (
      [
        "{rules are silly|who cares what people think}",
        "it does good to {break the rules|step out of line|misbehave|defy them}",
        "I like people who {defy it all|misbehave}",
      ],
      [
        "people have to {follow the rules|obey|fit in}",
        "{proper conduct|self-discipline} holds things together",
        "one does {what is expected|it and does not cause a stir}",
      ]
    ),
    "Tradition": (
      [
        "those are {outdated habits|relics|dusty ideas}",
        "it is time to {leave the past behind|drop the dead weight of the past}",
        "all this is {old-fashioned|dusty}",
      ],
      [
        "{tradition|heritage|the old ways} ought to be kept", "{our elders|our ancestors} knew this",
        "{time-honoured ways|customs} carry us",
      ]
    ),
    "Benevolence": (
      [
        "it is {every man for himself|best to look after number one}",
        "I {owe nobody|do no favours for anyone}", "{kin are a burden|I owe nobody a thing}",
      ],
      [
        "{family|friends} come first",
        "what counts is to {be there for others|lend a hand|stay loyal|take care of each other}",
        "we look after those {close to us|who are loyal}",
      ]
    ),
    "Universalism": (
      [
        "{our own first|other people's troubles can wait}", "that is {not our concern|for bleeding hearts}",
        "I leave it to {the tree huggers|the bleeding hearts|outsiders}",
      ],
      [
        "{equality|justice|tolerance} has to hold for {all people|everyone alike}",
        "we owe it to {nature|the planet|all people}", "{nature|the planet} has rights as well",
      ]
    ),
  ]
}
