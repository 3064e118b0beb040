"""Levels and odds, signals with their tested value, what is not known, questions, the risk note."""

from __future__ import annotations

from undertow.report.pulse import article_words as words
from undertow.report.pulse.article_facts import Facts
from undertow.report.pulse.article_text import Cited, Part, Piece, Sentence, say
from undertow.report.pulse.article_words import cite, value

ALWAYS_UNKNOWN = (
    "The mood on social media: not measured.",
    "Positions outside the recorded venues, over-the-counter trades and hedges: not visible.",
    "Which news moved the price: the order of two events is no proof.",
)
_FORESEEN = ("level", "target", "support", "resistance", "odds")
_DEEP = -0.03  # who falls less is not asked whether it is over; assumed
UNTESTED = "This program has no test of what followed such readings."


def levels(facts: Facts) -> Part:
    """Where the price stood between its extremes; levels and odds only where somebody gave them."""
    found: list[Sentence] = []
    low, high = facts.get("price.BTC.low"), facts.get("price.BTC.high")
    if low is not None and high is not None and high.as_of_ns and low.as_of_ns:
        found.append(
            say("Bitcoin's window ran from ", cite(low, words.dollars(value(low))), " to ",
                cite(high, words.dollars(value(high))), ".")
        )  # fmt: skip
    down = facts.get("price.BTC.drawdown")
    if down is not None:
        top = down.note.split(";")[0].removeprefix("high ")
        if value(down) < 0:
            found.append(
                say("It stands ", cite(down, words.percent(value(down))),
                    " below the highest price on this tape, ", cite(down, top), ".")
            )  # fmt: skip
        else:
            found.append(say("It stands at the highest price on this tape, ", cite(down, top), "."))
    gap = facts.get("liquidity.dispersion.BTC")
    if gap is not None:
        found.append(
            say("Venues never closed further apart in bitcoin than ",
                cite(gap, words.percent(value(gap))), ".")
        )  # fmt: skip
    given = [i for i in facts.pulse.reported if any(word in i.metric for word in _FORESEEN)]
    if not given:
        found.append(say("Nobody's targets, support levels or odds are recorded for this time."))
    return Part("levels", "Levels and odds", paragraphs=[found])


def signals(facts: Facts) -> Part:
    """Each sign with what its past says, or that nobody tested it here."""
    points: list[list[Sentence]] = []
    bounce = facts.get("history.bounce")
    if bounce is not None:
        points.append([say(cite(bounce, bounce.note))])
    points += _month(facts)
    points += _readings(facts)
    if not points:
        return Part("signals", "Signals", [[say("No signal is recorded on this tape.")]])
    return Part("signals", "Signals", points=points)


def _month(facts: Facts) -> list[list[Sentence]]:
    mean = next((f for k, f in facts.figures.items() if k.endswith(".mean")), None)
    median = next((f for k, f in facts.figures.items() if k.endswith(".median")), None)
    if mean is None or median is None:
        return []
    name, count = mean.label.split(",")[0], median.note.split(",")[0]
    pieces: list[Piece] = [
        f"{name} brought bitcoin ", cite(mean, mean.text()), " on average (",
        cite(mean, mean.window), ")",
    ]  # fmt: skip
    if mean.note:
        pieces += [", but ", cite(mean, mean.note)]
    second = say(
        "The median is ", cite(median, median.text()), "; ",
        cite(median, count.replace(" years", "")), " years are too few for a forecast.",
    )  # fmt: skip
    return [[say(*pieces, "."), second]]


def _readings(facts: Facts) -> list[list[Sentence]]:
    """Signs that are often quoted and that nothing here tests, in one point."""
    pieces: list[Piece] = []
    mood = facts.get("sentiment.fear_greed")
    if mood is not None:
        pieces += ["; ", cite(mood, f"Fear & Greed at {mood.text()} ({mood.note})")]
    rate = facts.get("funding.BTC.rate_8h")
    if rate is not None:
        sign = "zero" if value(rate) == 0 else ("positive" if value(rate) > 0 else "negative")
        pieces += ["; ", cite(rate, f"{sign} funding")]
    streak = facts.get("flows.etf.BTC.day")
    if streak is not None and "in a row" in streak.note:
        pieces += ["; ", cite(streak, "a streak of fund outflows")]
    return [[say("Also seen: ", *pieces[1:], "."), say(UNTESTED)]] if pieces else []


def unknown(facts: Facts) -> Part:
    """What the tape does not hold, and what no tape does."""
    points: list[list[Sentence]] = []
    if facts.unrecorded:
        # Figures of one label lack for one reason: the first stands for them.
        missing = {figure.label: figure for figure in reversed(facts.unrecorded)}
        names = [piece for label, figure in reversed(missing.items())
                 for piece in ("; ", cite(figure, label))]  # fmt: skip
        points.append([say("Not recorded on this tape: ", *names[1:], ".")])
    if facts.reports("liquidations"):
        points.append(
            [say("The true total of forced closings: exchanges publish only a part of them.")]
        )
    points += [[say(line)] for line in ALWAYS_UNKNOWN]
    return Part("unknown", "What is not known", points=points)


def questions(facts: Facts) -> Part:
    """Questions that readers ask, answered from the same figures or not at all."""
    asked = [_why(facts), _over(facts), _how_much(facts), _who(facts), _trust(facts)]
    return Part("questions", "Questions", questions=[item for item in asked if item is not None])


Question = tuple[str, list[Sentence]] | None


def _why(facts: Facts) -> Question:
    change = facts.get("price.BTC.change")
    if change is None or abs(value(change)) < words.STILL:
        return None
    if value(change) > 0:
        return "Why did bitcoin rise?", [say("Nothing recorded here can say.")]
    low = facts.get("price.BTC.low")
    before = [e for e in facts.events if low is not None and e.end_ns <= (low.as_of_ns or 0)]
    if not before:
        answer = [
            say("Nothing recorded here can say. No event with a time is dated before the low.")
        ]
    else:
        event = before[-1]
        answer = [
            say("Nothing recorded here can say."),
            say("The last dated event before the low: ",
                Cited(f"{event.when}, {event.title}", event.id), "."),
            say("That it came first does not make it the cause."),
        ]  # fmt: skip
    return "Why did bitcoin fall?", answer


def _over(facts: Facts) -> Question:
    start, low, last = (facts.get(f"price.BTC.{key}") for key in ("open", "low", "last"))
    deepest = facts.get("price.BTC.open_to_low")
    if start is None or low is None or last is None or deepest is None:
        return None
    if value(deepest) > _DEEP:
        return None
    if value(last) >= value(start):
        first = say("Bitcoin is above ", cite(start, "the first price of the window"), " again.")
    else:
        share = (value(last) - value(low)) / (value(start) - value(low))
        first = say("Bitcoin has won back ", cite(last, words.part_of(share)), " of the way from ",
                    cite(start, "its first price"), " to ", cite(low, "its low"), ".")  # fmt: skip
    return "Is it over?", [first, say("No measure here tells whether that lasts.")]


def _how_much(facts: Facts) -> Question:
    if facts.get("liquidations.total") is not None:
        return None
    totals = [i for i in facts.reports("liquidations") if i.usable and i.value is not None
              and i.window == "24h" and i.venue == "all"]  # fmt: skip
    if not totals:
        return None
    top = max(totals, key=lambda item: (item.value or 0.0, item.as_of_ns))
    answer = [
        say("At least what trackers saw: the highest total that holds is ", *words.report(top),
            "."),
        say("A tracker's figure covers the hours before it was read, so two of them can differ and"
            " both be right."),
    ]  # fmt: skip
    return "How much was liquidated?", answer


def _who(facts: Facts) -> Question:
    share = facts.get("liquidations.long_share")
    if share is not None:
        size = cite(share, words.percent(value(share)))
        if value(share) >= 0.5:
            return "Who was hit?", [say("Mostly longs: ", size, " of the value closed.")]
        first = say("Mostly shorts: longs were only ", size, " of the value closed.")
        return "Who was hit?", [first]
    report = facts.reported("liquidations", "ALL", "long")
    if report is None:
        return None
    return "Who was hit?", [
        say("Of the published totals, ", *words.report(report), " were longs (",
            words.by(report),
            ").")
    ]  # fmt: skip


def _trust(facts: Facts) -> Question:
    answer = [say("Figures without a publisher are measured on the tape, at the moment above.")]
    if facts.pulse.reported:
        answer.append(
            say("Published ones were held against one another and against the tape; what was found"
                " wrong is not used. Their verdicts use all that is known today, not only then.")
        )  # fmt: skip
    return "Where do the figures come from?", answer


def risk(facts: Facts) -> Part:
    """The note that every text of this kind needs, without a forecast."""
    return Part(
        "risk",
        "Risk note",
        [
            [
                say("Positions on borrowed money can be closed by force within minutes."),
                say("Measures look back; none of them is a forecast."),
                say("A program wrote this text from recorded data. It is not investment advice."),
            ]
        ],
    )
