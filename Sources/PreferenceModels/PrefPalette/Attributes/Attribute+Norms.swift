extension Attribute {
  /// Ways of saying a thing.
  static let norms: [Attribute] = [
    Attribute(
      name: "supportiveness", family: .norm, low: "toxic", high: "supportive",
      definition: "Whether the writer tears the other person down or builds them up.",
      levels: [
        "Openly hostile: insults, contempt, wishes the other ill.",
        "Unkind: belittles, finds fault, offers nothing that helps.",
        "Neither hurts nor helps; talks about the matter only.",
        "Well-meaning: points out something good, wishes the other success.",
        "Warm throughout: praises, cheers on, stands by the other without reserve.",
      ],
      lowWords: list(
        """
        pathetic, garbage, worthless, loser, trash, disgusting, embarrassing, clown, useless, hopeless, disgrace, \
        ridiculous mess, waste of space, sick of you
        """),
      highWords: list(
        """
        proud of you, you can do this, keep going, keep it up, well done, great job, rooting for you, good luck, \
        you got this, have faith in you, here for you, wonderful effort, cheering you on, on your side
        """)),
    Attribute(
      name: "politeness", family: .norm, low: "rude", high: "polite",
      definition: "How much courtesy the writer shows to the person addressed.",
      levels: [
        "Calls names, orders about, shows no trace of manners.",
        "Curt and brusque; skips every courtesy.",
        "Plain: neither manners nor a lack of them stand out.",
        "Civil: asks rather than demands, says please or thanks.",
        "Very courteous, also where it disagrees; begs pardon and thanks in advance.",
      ],
      lowWords: list(
        """
        shut up, get lost, nobody asked, spare me, mind your own business, idiot, moron, go away, \
        what is wrong with you, use your head, stop whining, buzz off, not my problem
        """),
      highWords: list(
        """
        please, thank you, thanks, kindly, pardon, excuse me, my apologies, much appreciated, with respect, \
        if you would not mind, many thanks, grateful, sorry to trouble you
        """)),
    Attribute(
      name: "sarcasm", family: .norm, low: "genuine", high: "sarcastic",
      definition: "Whether words mean what they say or mock by saying the opposite.",
      levels: [
        "Entirely earnest; takes care to be taken at its word.",
        "Sincere in tone, with no double meaning.",
        "Matter of fact; irony is neither there nor ruled out.",
        "A dry remark or two that is not meant literally.",
        "Biting irony from start to end, praise that is plainly scorn.",
      ],
      lowWords: list(
        """
        sincerely, in all earnest, i truly mean it, from the heart, in good faith, without any irony, \
        i mean this, in all sincerity, no joke intended, heartfelt
        """),
      highWords: list(
        """
        oh sure, yeah right, what a surprise, how shocking, brilliant plan, because that always works, \
        color me shocked, slow clap, genius move, just what we needed, who saw that coming, oh great
        """)),
    Attribute(
      name: "humor", family: .norm, low: "serious", high: "humorous",
      definition: "Whether the writer wants to amuse.",
      levels: [
        "Grave; stresses that this is no laughing matter.",
        "Sober and factual.",
        "Even in tone, neither grave nor playful.",
        "Playful: a light aside or an amusing picture.",
        "Out to make people laugh: jokes, puns, absurd exaggeration.",
      ],
      lowWords: list(
        """
        a grave matter, no laughing matter, a sober view, in all seriousness, a serious matter, solemn, \
        the gravity of this, weighty, sombre
        """),
      highWords: list(
        """
        haha, lol, lmao, hahaha, rofl, my cat, punchline, plot twist, walks into a bar, step one, my dog, \
        hilarious, comedy gold, pun intended, ba dum tss
        """)),
    Attribute(
      name: "formality", family: .norm, low: "casual", high: "formal",
      definition: "The register: chat among friends or a letter to an office.",
      levels: [
        "Slang, chat spellings, loose grammar, no capitals.",
        "Relaxed, with short forms and everyday words.",
        "Ordinary written English.",
        "Careful: full forms, tidy punctuation, few colloquial words.",
        "Official: elevated vocabulary, complete sentences, no short forms.",
      ],
      lowWords: list(
        """
        gonna, wanna, gotta, kinda, sorta, yep, nah, dunno, ain't, cuz, ur, tho, thru, stuff, guys, btw, imo, u, \
        ya, gimme, lemme, tbh, bunch of, ok so, hey
        """),
      highWords: list(
        """
        furthermore, moreover, therefore, consequently, regarding, in accordance with, pursuant, hence, \
        with regard to, henceforth, aforementioned, in addition, obtain, require, commence, numerous, \
        sufficient, subsequently, individuals, hereby
        """)),
    Attribute(
      name: "verbosity", family: .norm, low: "concise", high: "verbose",
      definition: "How many words are spent on what is said.",
      levels: [
        "Telegraphic: bare fragments.",
        "Short: the point and little beside it.",
        "As long as the matter needs.",
        "Roomy: says some things twice and adds asides.",
        "Long-winded: repeats, digresses, explains what needs no explaining.",
      ],
      lowWords: list("in short, in brief, tldr"),
      highWords: list(
        """
        in other words, that is to say, to put it another way, to go over it once more, as already mentioned, \
        what this amounts to, to spell it out, to say it again, at some length, to repeat the point
        """)),
    Attribute(
      name: "directness", family: .norm, low: "indirect", high: "direct",
      definition: "Whether the point comes first and plainly or is wrapped and hinted at.",
      levels: [
        "Only hints; the point has to be guessed.",
        "Wraps the point in euphemism and long approaches.",
        "States the point, with some approach to it.",
        "Comes to the point early and names things as they are.",
        "Blunt: the point is the first thing said, unsoftened.",
      ],
      lowWords: list(
        """
        in a manner of speaking, so to speak, one hears it said, let us just say, without naming names, \
        it has been remarked, read between the lines, in a roundabout way, some feel, there is a sense that, \
        if one looks at it sideways, not to put too fine a point on it
        """),
      highWords: list(
        """
        bluntly, to the point, plain and simple, straight up, put plainly, bottom line, cut to the chase, \
        no sugarcoating, in plain words, frankly, point blank, no beating around the bush
        """)),
    Attribute(
      name: "assertiveness", family: .norm, low: "passive", high: "assertive",
      definition: "How firmly the writer stands behind what is said.",
      levels: [
        "Timid: doubts every word and leaves the decision to others.",
        "Tentative: qualifies most statements.",
        "States views without pressing them.",
        "Confident: speaks with few reservations.",
        "Commanding: opinions as facts, tells others what has to be done.",
      ],
      lowWords: list(
        """
        maybe, perhaps, i guess, i suppose, possibly, not sure, i might be wrong, it could be that, \
        i wonder whether, sort of think, hard to tell, who am i to judge, seems, somewhat, presumably
        """),
      highWords: list(
        """
        definitely, certainly, absolutely, undoubtedly, without question, no doubt, clearly, make no mistake, \
        i insist, i am certain, it is a fact, obviously, unquestionably, end of discussion
        """)),
    Attribute(
      name: "empathy", family: .norm, low: "detached", high: "empathetic",
      definition: "Whether the writer feels with the person concerned.",
      levels: [
        "Cold logic; feelings are dismissed as beside the point.",
        "Distant: keeps to facts and procedure.",
        "Neither turns to feelings nor away from them.",
        "Notices how the other must feel and says so.",
        "Names the other's feelings, takes them as valid, shares in them.",
      ],
      lowWords: list(
        """
        feelings aside, emotions are irrelevant, from a purely logical standpoint, statistically speaking, \
        objectively, the numbers do not care, purely a technical question, sentiment has no place here, \
        a matter of logic, dispassionately
        """),
      highWords: list(
        """
        that sounds hard, that must hurt, i feel for you, i can imagine how, it makes sense that you feel, \
        your feelings, i hear you, that sounds painful, you are not alone, my heart goes out, \
        it is okay to feel, that must be exhausting, understandably upset
        """)),
  ]
}
