"""The lead, the key figures, and what moved."""

from __future__ import annotations

from undertow.report.figures import Figure
from undertow.report.pulse import article_words as words
from undertow.report.pulse.article_facts import Facts
from undertow.report.pulse.article_text import Cited, Part, Piece, Sentence, say
from undertow.report.pulse.article_words import cite, value

_MOST_EVENTS = 8


def title(facts: Facts) -> Sentence:
    """What the main coin did, in a few words."""
    for asset in ("BTC", "ETH"):
        change = facts.get(f"price.{asset}.change")
        if change is None:
            continue
        name, moved = words.NAMES[asset], value(change)
        if abs(moved) < words.STILL:
            return say(f"{name} little changed in ", cite(change, words.span(change.window)))
        size = cite(change, words.roughly(moved))
        return say(
            name, f" {words.moves(moved)} ", size, " in ", cite(change, words.span(change.window))
        )
    return say("A market without recorded prices of bitcoin")


def lead(facts: Facts) -> list[Sentence]:
    """The first sentences: both coins, forced closings, mood."""
    found = [*_main_coin(facts), *_second_coin(facts)]
    if not found:
        found.append(say("This tape holds no prices of bitcoin or ether in the window."))
    total = facts.get("liquidations.total")
    report = facts.reported("liquidations", "ALL")
    if total is not None and value(total) > 0:
        found.append(
            say("Positions worth ", cite(total, words.dollars(value(total))),
                " were closed by force on the venues recorded here.")
        )  # fmt: skip
    elif total is None and report is not None:
        found.append(
            say("Trackers put the positions closed by force at ", *words.report(report), " over ",
                Cited(words.span(report.window), report.id), " (",
                words.by(report),
                ").")
        )  # fmt: skip
    mood = facts.get("sentiment.fear_greed")
    if mood is not None:
        band = mood.note.split(",")[0].lower()
        found.append(say("The Fear & Greed index stood at ", cite(mood, mood.text()), f": {band}."))
    return found


def _main_coin(facts: Facts) -> list[Sentence]:
    change, last = facts.get("price.BTC.change"), facts.get("price.BTC.last")
    low, start = facts.get("price.BTC.low"), facts.get("price.BTC.open")
    if change is None or last is None or low is None or start is None or last.as_of_ns is None:
        return []
    moved, span = value(change), cite(change, words.span(change.window))
    end: list[Piece] = [cite(last, words.clock(last.as_of_ns)), " on ",
                        cite(last, words.day(last.as_of_ns))]  # fmt: skip
    if abs(moved) < words.STILL:
        first: list[Piece] = ["Bitcoin was little changed in the ", span, " to ", *end, ", at "]
    else:
        verb = words.moved(moved)
        first = [f"Bitcoin {verb} ", cite(change, words.roughly(moved)), " in the ", span, " to ",
                 *end, ", to "]  # fmt: skip
    sentence = [*first, cite(last, words.dollars(value(last)))]
    if value(low) < min(value(start), value(last)) and low.as_of_ns is not None:
        sentence += [", after a low of ", cite(low, words.dollars(value(low))), " at ",
                     cite(low, words.when(low.as_of_ns, last.as_of_ns))]  # fmt: skip
    found = [say(*sentence, ".")]
    if change.note:
        note = f"{change.note[0].upper()}{change.note[1:]}"
        found.append(say(cite(change, note), "."))
    return found


def _second_coin(facts: Facts) -> list[Sentence]:
    change, last = facts.get("price.ETH.change"), facts.get("price.ETH.last")
    deepest = facts.get("price.ETH.open_to_low")
    if change is None or last is None or deepest is None:
        return []
    moved = value(change)
    price = cite(last, words.dollars(value(last)))
    if abs(moved) < words.STILL:
        first: list[Piece] = ["Ether was little changed at ", price]
    else:
        first = [f"Ether {words.moved(moved)} ", cite(change, words.percent(moved)), " to ", price]
    if value(deepest) < min(moved, 0.0) - words.STILL:
        first += [", and was down ", cite(deepest, words.percent(value(deepest))), " at its low"]
    return [say(*first, ".")]


def key_figures(facts: Facts) -> Part:
    """The figures that most people look for, each with its sign."""
    points: list[list[Sentence]] = []
    for asset in ("BTC", "ETH"):
        points += _prices(facts, asset)
    for key, label in (
        ("market.cap", "Market value of all listed coins"), ("open_interest.usd", "Open interest"),
        ("open_interest.change", "Change of open interest"),
        ("liquidations.total", "Closed by force"), ("funding.BTC.rate_8h", "Funding of bitcoin"),
        ("flows.etf.BTC.day", "Flow of spot bitcoin funds"),
        ("sentiment.fear_greed", "Fear & Greed"),
    ):  # fmt: skip
        figure = facts.get(key)
        if figure is not None:
            points.append([say(f"{label}: ", cite(figure, figure.text()), _aside(figure))])
    missing = [f for f in facts.unrecorded if f.id in ("liquidations.total", "open_interest.usd",
               "funding.BTC.rate_8h", "flows.etf.BTC.day", "sentiment.fear_greed")]  # fmt: skip
    if missing:
        names = [piece for figure in missing for piece in ("; ", cite(figure, figure.label))]
        points.append([say("Not recorded: ", *names[1:])])
    return Part("key", "Key figures", points=points)


def _aside(figure: Figure) -> Piece:
    """What a figure must not be read without."""
    if figure.id == "open_interest.usd":
        return cite(figure, f" ({figure.note})")
    if figure.id == "funding.BTC.rate_8h":
        return cite(figure, " per 8 hours")
    return cite(figure, f" ({figure.note.split(',')[0]})") if "etf" in figure.id else ""


def _prices(facts: Facts, asset: str) -> list[list[Sentence]]:
    last, change = facts.get(f"price.{asset}.last"), facts.get(f"price.{asset}.change")
    if last is None or change is None:
        return []
    week = facts.get(f"price.{asset}.change_7d")
    pieces: list[Piece] = [
        f"{words.NAMES[asset]}: ", cite(last, last.text()), "; ",
        cite(change, f"{change.text()} in {words.span(change.window)}"),
    ]  # fmt: skip
    if week is not None and week.window != change.window:
        pieces += [", ", cite(week, f"{week.text()} in {words.span(week.window)}")]
    return [[say(*pieces)]]


def what_moved(facts: Facts) -> Part:
    """The fastest hours, the coins, the market as a whole, and what happened when."""
    found = Part("moved", "What moved")
    groups = ([*_fastest(facts)], [*_coins(facts)], [*_whole(facts)])
    found.paragraphs.extend([group for group in groups if group])
    events = facts.events[-_MOST_EVENTS:]
    if events:
        found.paragraphs.append(
            [say("Dated events of the window follow in their order, which proves no cause.")]
        )
        found.points.extend(
            [[say(Cited(f"{event.when}: {event.title}", event.id), ".")] for event in events]
        )
    else:
        found.paragraphs.append([say("No dated event of the window is on this tape.")])
    return found


def _fastest(facts: Facts) -> list[Sentence]:
    found = []
    for asset in ("BTC", "ETH"):
        fall = facts.get(f"price.{asset}.fastest_hour")
        if fall is None or fall.as_of_ns is None or value(fall) >= 0:
            continue
        found.append(
            say(
                f"{words.NAMES[asset]}'s fastest fall within an hour ended at ",
                cite(fall, words.when(fall.as_of_ns, facts.view.at_ns)),
                " and took ",
                cite(fall, words.dollars(value(fall))),
                " off its price, from ",
                cite(fall, fall.note),
                ".",
            )
        )
    return found


def _coins(facts: Facts) -> list[Sentence]:
    found = []
    worst, best = facts.get("market.worst"), facts.get("market.best")
    if worst is not None and best is not None and worst.note != best.note:
        found.append(
            say("The weakest coin was ", cite(worst, f"{worst.note}, {_signed(worst)}"),
                "; the strongest was ", cite(best, f"{best.note}, {_signed(best)}"), ".")
        )  # fmt: skip
    deepest = facts.get("market.deepest")
    if deepest is not None and value(deepest) < 0:
        found.append(
            say("From the first price to the low ", cite(deepest, deepest.note), " lost most: ",
                cite(deepest, words.percent(value(deepest))), ".")
        )  # fmt: skip
    breadth = facts.get("market.breadth_0.05")
    if breadth is not None:
        counts = breadth.note.split(" with ")[0]
        fallen, _, coins = counts.partition(" of ")
        counts = {"0": f"None of {coins}", coins.split(" ")[0]: f"All {coins}"}.get(fallen, counts)
        found.append(say(cite(breadth, f"{counts} lost 5 % or more"), "."))
    return found


def _signed(figure: Figure) -> str:
    change = value(figure)
    if change == 0:
        return "unchanged"
    return f"{'down' if change < 0 else 'up'} {words.percent(change)}"


def _whole(facts: Facts) -> list[Sentence]:
    found = []
    loss, total = facts.get("market.fastest_hour"), facts.get("market.cap")
    if loss is not None and value(loss) < 0 and loss.as_of_ns is not None:
        coins = loss.place
        found.append(
            say("In the market's fastest hour, which ended at ",
                cite(loss, words.when(loss.as_of_ns, facts.view.at_ns)), ", the ",
                cite(loss, coins), " with prices here lost ",
                cite(loss, words.dollars(value(loss))), " of their value.")
        )  # fmt: skip
    if total is not None:
        found.append(
            say("All listed coins together were worth about ",
                cite(total, words.dollars(value(total))), ", of which ",
                cite(total, total.note.split(" (")[0].replace("%", " %").replace(
                    "of it from", "comes from")), ".")
        )  # fmt: skip
    return found
