"""Numbers in running text: rounded, signed by their verb, with the words that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from undertow.report.figures import Figure
from undertow.report.pulse.article_text import Cited, Piece
from undertow.report.pulse.reported import Reported

NAMES = {"BTC": "Bitcoin", "ETH": "Ether", "SOL": "Solana"}
# Below that a price "was little changed"; assumed, as all choices of words here.
STILL = 0.005
_SPANS = {"24h": "24 hours", "1h": "hour", "7d": "7 days", "2d": "2 days", "1d": "day"}
_QUALIFIERS = {">": "more than ", "<": "less than ", "~": "about ", "near": "nearly ",
               "<=": "at most ", ">=": "at least ", "=": ""}  # fmt: skip


def value(figure: Figure) -> float:
    """Value of a figure that is a number."""
    assert isinstance(figure.value, int | float)
    return float(figure.value)


def percent(fraction: float) -> str:
    """Size of a fraction as percent: 4.8 %, 0.06 %, 24 %; without its sign."""
    size = abs(fraction) * 100
    if size >= 9.95:
        return f"{size:.0f} %"
    if size >= 0.995:
        return f"{size:.1f} %"
    digits = 2 if size >= 0.0095 or size == 0 else 4
    return f"{size:.{digits}f} %"


def roughly(fraction: float) -> str:
    """Size of a fraction in words that round it: nearly 5 %, just over 7 %, about 9 %, 4.5 %."""
    size = abs(fraction) * 100
    whole = round(size)
    if whole < 2:
        return percent(fraction)
    gap = size - whole
    if abs(gap) < 0.05:
        return f"{whole} %"
    if -0.3 < gap < 0:
        return f"nearly {whole} %"
    if 0 < gap < 0.3:
        return f"just over {whole} %"
    return percent(fraction)


def dollars(amount: float) -> str:
    """Size of an amount of dollars: $1.37 billion, $566 million, $98,889, $0.242."""
    size = abs(amount)
    for scale, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if size >= scale * 0.9995:
            scaled = size / scale
            digits = 2 if scaled < 100 and scale > 1e6 else (1 if scaled < 100 else 0)
            text = f"{scaled:.{digits}f}"
            return f"${text.rstrip('0').rstrip('.') if '.' in text else text} {word}"
    if size >= 1000:
        return f"${size:,.0f}"
    return f"${size:,.2f}" if size >= 1 else f"${size:.3g}"


def moved(change: float) -> str:
    """The verb of a change of price: fell, slipped, edged up, rose."""
    if abs(change) < 0.02:
        return "slipped" if change < 0 else "edged up"
    return "fell" if change < 0 else "rose"


def moves(change: float) -> str:
    """The same verb for a headline."""
    if abs(change) < 0.02:
        return "slips" if change < 0 else "edges up"
    return "falls" if change < 0 else "rises"


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 coin, 24 coins."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """Words in a row: a, b and c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def clock(moment_ns: int) -> str:
    """``21:35 UTC``."""
    return f"{_moment(moment_ns):%H:%M} UTC"


def day(moment_ns: int) -> str:
    """``4 November 2025``."""
    moment = _moment(moment_ns)
    return f"{moment.day} {moment:%B %Y}"


def when(moment_ns: int, about_ns: int) -> str:
    """A time, with its day where that is not the day of the article: 21:35 UTC on 4 November."""
    moment, about = _moment(moment_ns), _moment(about_ns)
    if moment.date() == about.date():
        return clock(moment_ns)
    return f"{clock(moment_ns)} on {moment.day} {moment:%B}"


def span(window: str) -> str:
    """A window in words: 24 hours; others as they are named."""
    if window in _SPANS:
        return _SPANS[window]
    units = {"m": "minute", "h": "hour", "d": "day", "w": "week"}
    if window[:-1].isdigit() and window[-1] in units:
        return counted(int(window[:-1]), units[window[-1]])
    return window


def part_of(share: float) -> str:
    """A share of a way in words."""
    for limit, words in (
        (0.02, "almost nothing"), (0.15, "about a tenth"), (0.22, "about a fifth"),
        (0.29, "about a quarter"), (0.38, "about a third"), (0.45, "about two fifths"),
        (0.55, "about half"), (0.63, "about three fifths"), (0.71, "about two thirds"),
        (0.78, "about three quarters"), (0.97, "most"),
    ):  # fmt: skip
        if share < limit:
            return words
    return "all"


def cite(figure: Figure, text: str) -> Cited:
    """Words with the figure that they are from."""
    return Cited(text, figure.id)


def report(item: Reported) -> list[Piece]:
    """A published figure in words: more than $1.3 billion."""
    assert item.value is not None
    if item.unit == "USD":
        text = dollars(item.value)
    elif item.unit == "pct":
        text = f"{abs(item.value):g} %"
    else:
        text = f"{item.value:,.0f}"
    return [_QUALIFIERS.get(item.figure.split(" ")[0], ""), Cited(text, item.id)]


def by(item: Reported) -> Cited:
    """Who published a figure, and when it held."""
    return Cited(f"{item.publisher}, as of {item.as_of.replace('~', 'about ')}", item.id)


def _moment(moment_ns: int) -> datetime:
    return datetime.fromtimestamp(moment_ns // 1_000_000_000, UTC)
