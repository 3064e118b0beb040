"""Derivatives, DeFi and flows."""

from __future__ import annotations

import re

from undertow.report.figures import Figure
from undertow.report.pulse import article_words as words
from undertow.report.pulse.article_facts import Facts
from undertow.report.pulse.article_text import Cited, Part, Piece, Sentence, say
from undertow.report.pulse.article_words import cite, value
from undertow.report.pulse.reported import ALL_VENUES, Reported

_RANGE = re.compile(r"(\S+ %) (\S+) to (\S+ %) (\S+)")
_STREAK = re.compile(r"outflow day (\d+) in a row")
_PEGGED = ("USDe", "xUSD", "deUSD")
_MOST_LOSSES = 4


def derivatives(facts: Facts) -> Part:
    """Forced closings, open interest, funding."""
    groups = (_closings(facts), _open_interest(facts), _funding(facts))
    return Part("derivatives", "Derivatives", paragraphs=[group for group in groups if group])


def _closings(facts: Facts) -> list[Sentence]:
    total = facts.get("liquidations.total")
    return _measured(facts, total) if total is not None else _published(facts)


def _measured(facts: Facts, total: Figure) -> list[Sentence]:
    if value(total) == 0:
        return [say("No forced closing was recorded in the window.")]
    found = [
        say("In the ", cite(total, words.span(total.window)), " positions worth ",
            cite(total, words.dollars(value(total))), " were closed by force (",
            cite(total, total.note), ").")
    ]  # fmt: skip
    share, largest = facts.get("liquidations.long_share"), facts.get("liquidations.largest")
    if share is not None:
        found.append(say("Longs were ", cite(share, words.percent(value(share))), " of that."))
    if largest is not None:
        found.append(
            say("The largest single order was worth ", cite(largest, words.dollars(value(largest))),
                " (", cite(largest, largest.note), ").")
        )  # fmt: skip
    return found


def _published(facts: Facts) -> list[Sentence]:
    found = [say("This tape holds no liquidations, so only published totals can be given.")]
    totals = [i for i in facts.reports("liquidations") if i.window == "24h" and i.venue == "all"]
    usable = [item for item in totals if item.usable and item.value is not None]
    if not usable:
        return [say("Neither this tape nor the published figures hold liquidations for this time.")]
    first, last = usable[0], max(usable, key=lambda item: (item.value or 0.0, item.as_of_ns))
    if first.value == last.value:
        found.append(say("The total was ", *words.report(last), " (", words.by(last), ")."))
    else:
        found.append(
            say("Totals of ", Cited("24 hours", last.id), " went from ", *words.report(first), " (",
                words.by(first), ") to as much as ", *words.report(last), " (", words.by(last),
                "): one rolling figure, seen at several times.")
        )  # fmt: skip
    traders = facts.reported("liq_traders", "ALL")
    if traders is not None:
        hit = [*words.report(traders), " (", words.by(traders), ")"]
        found.append(say("The last count of traders hit was ", *hit, "."))
    wrong = [item for item in totals if not item.usable and item.value is not None]
    if wrong:
        named = [piece for item in wrong for piece in (", ", *words.report(item), " by ",
                 Cited(item.publisher, item.id))][1:]  # fmt: skip
        found.append(say("Left out, because reconciliation found it wrong: ", *named, "."))
    return found


def _open_interest(facts: Facts) -> list[Sentence]:
    usd, change = facts.get("open_interest.usd"), facts.get("open_interest.change")
    if usd is None or change is None:
        report = facts.reported("oi_change_pct", "BTC")
        if report is None:
            return [say("Open interest is not recorded on this tape.")]
        verb = "fallen" if (report.value or 0) < 0 else "risen"
        return [
            say("Open interest is not recorded on this tape; that of bitcoin was reported to have ",
                f"{verb} ", *words.report(report), " (", words.by(report), ").")
        ]  # fmt: skip
    moved, level = value(change), cite(usd, words.dollars(value(usd)))
    about = cite(usd, usd.note)
    if abs(moved) < words.STILL:
        return [say("Open interest was little changed at ", level, " (", about, ").")]
    size = cite(change, words.percent(moved))
    return [say(f"Open interest {words.moved(moved)} ", size, " to ", level, " (", about, ").")]


def _funding(facts: Facts) -> list[Sentence]:
    found = []
    for asset, name in (("BTC", "bitcoin"), ("ETH", "ether")):
        figure = facts.get(f"funding.{asset}.rate_8h")
        if figure is None:
            continue
        rate = value(figure)
        who = "neither side paid" if rate == 0 else (
            "longs paid shorts" if rate > 0 else "shorts paid longs")  # fmt: skip
        kind = figure.note.split(";")[0]
        size = f"{_exact(rate)} per 8 hours" if rate else "anything"
        pieces: list[Piece] = [f"On {name} {who} ", cite(figure, f"{size} ({kind})")]
        spread = _RANGE.search(figure.note)
        if spread is not None and spread[1] != spread[3]:
            text = f"{spread[1]} on {spread[2]} to {spread[3]} on {spread[4]}"
            pieces += [", with venues from ", cite(figure, text)]
            if spread[1].startswith("−") and spread[3].startswith("+"):
                pieces.append(", so that they disagreed who pays")
        found.append(say(*pieces, "."))
    flips = facts.get("funding.BTC.flips")
    if flips is not None and value(flips) > 0:
        times = cite(flips, "once" if value(flips) == 1 else f"{value(flips):.0f} times")
        found.append(say("Somewhere the sign of bitcoin's rate changed ", times, "."))
    return found or [say("Funding is not recorded on this tape.")]


def _exact(rate: float) -> str:
    """A funding rate with four digits after the point: such rates are small."""
    return f"{abs(rate) * 100:.4f}".rstrip("0").rstrip(".") + " %"


def defi(facts: Facts) -> Part:
    """Pegs, and what protocols were said to lose."""
    found = Part("defi", "DeFi")
    pegs = [s for coin in _PEGGED if (s := _peg(facts, coin))]
    missing = [f for f in facts.unrecorded if f.id.startswith("peg.")]
    if missing:
        names = [figure.id.split(".")[1] for figure in missing]
        verb = "is" if len(names) == 1 else "are"
        pegs.append(say(cite(missing[0], words.listed(names)), f" {verb} not recorded here."))
    found.paragraphs.append(pegs)
    losses = _losses(facts)
    if losses:
        pieces = [piece for item in losses for piece in ("; ", Cited(_root(item), item.id), " ",
                  *words.report(item), " (", Cited(item.publisher, item.id), ")")][1:]  # fmt: skip
        found.paragraphs.append([say("Reported losses of protocols: ", *pieces, ".")])
    else:
        found.paragraphs.append([say("No losses of protocols are in the library for that time.")])
    return found


def _peg(facts: Facts, coin: str) -> Sentence:
    figure = facts.get(f"peg.{coin}.low")
    if figure is None:
        return ()
    inside = re.search(r"\(([^)]*)\)", figure.note)
    aside = inside[1] if inside else figure.note.split(";")[0]
    price = cite(figure, figure.text())
    return say(f"{coin} traded as low as ", price, " (", cite(figure, aside), ").")


def _losses(facts: Facts) -> list[Reported]:
    """The largest report that holds of each protocol, the largest losses first."""
    best: dict[str, Reported] = {}
    for item in facts.pulse.reported:
        if item.metric == "defi_loss" and item.usable and item.value is not None:
            other = best.get(_root(item))
            if other is None or (other.value or 0.0) < item.value:
                best[_root(item)] = item
    return sorted(best.values(), key=lambda item: -(item.value or 0.0))[:_MOST_LOSSES]


def _root(item: Reported) -> str:
    return item.venue.split(" ")[0].split("+")[0] if item.venue not in ALL_VENUES else "protocols"


def flows(facts: Facts) -> Part:
    """Funds and companies that hold coins."""
    found = Part("flows", "Flows")
    funds = [s for asset, name in (("BTC", "bitcoin"), ("ETH", "ether"))
             for s in _funds(facts, asset, name)]  # fmt: skip
    found.paragraphs.append(funds or [say("Flows of funds are not recorded on this tape.")])
    companies = [figure for key, figure in facts.figures.items() if key.startswith("treasury.")]
    if companies:
        pieces = [
            piece
            for figure in companies
            for piece in (", ", cite(figure, f"{figure.label.split(' ')[0]} {_signed(figure)}"))
        ]
        window = cite(companies[0], words.span(companies[0].window))
        found.paragraphs.append(
            [say("Companies that hold coins, over ", window, ": ", *pieces[1:], ".")]
        )
    return found


def _signed(figure: Figure) -> str:
    change = value(figure)
    return f"{'down' if change < 0 else 'up'} {words.percent(change)}"


def _funds(facts: Facts, asset: str, name: str) -> list[Sentence]:
    day, week = facts.get(f"flows.etf.{asset}.day"), facts.get(f"flows.etf.{asset}.5_days")
    if day is None:
        return []
    flow = value(day)
    verb = "lost" if flow < 0 else "took in"
    pieces: list[Piece] = [
        f"US spot funds that hold {name} {verb} ", cite(day, words.dollars(flow)), " on ",
        cite(day, day.note.split(",")[0]),
    ]  # fmt: skip
    if flow == 0:
        pieces = [f"US spot funds that hold {name} had no net flow on ", pieces[-1]]
    streak = _STREAK.search(day.note)
    if streak is not None:
        pieces += [", ", cite(day, f"day {streak[1]} of outflows in a row")]
    if week is None:
        return [say(*pieces, ".")]
    if streak is not None and streak[1] == "5":
        return [say(*pieces, "; together they took out ", _amount(week), ".")]
    direction = "out" if value(week) < 0 else "in"
    days = cite(week, words.span(week.window))
    return [say(*pieces, "."), say("Over ", days, " a net ", _amount(week), f" went {direction}.")]


def _amount(figure: Figure) -> Cited:
    return cite(figure, words.dollars(value(figure)))
