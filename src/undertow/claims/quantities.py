"""Finds figures in a text: numbers with their currency, scale, unit, sign and qualifier."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from itertools import chain, islice

import msgspec

from undertow.claims.timephrases import TimePhrase
from undertow.claims.vocabulary import currency_words, plain, qualifiers, scale_words, table

MOST_DIGITS = 40
MOST_FIGURES = 600  # an article of ten pages has some 200 (assumed)
_NUMBER = (
    r"\d{1,3}(?:\.\d{3}){1,5},\d{1,2}(?!\d)"
    r"|\d{1,2}(?:,\d{2}){1,4},\d{3}(?:\.\d{1,2})?(?!\d)"  # 4,43,000: lakhs
    r"|\d{1,3}(?:[,\u00a0\u202f]\d{3}){1,5}(?:\.\d{1,8})?(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,5}(?!\d)"
    r"|(?<=[$€£]) ?\d{1,3}(?: \d{3}){1,4}(?!\d)"
    r"|(?<=USD )\d{1,3}(?: \d{3}){1,4}(?!\d)"
    r"|\d{1,3}(?: \d{3}){1,4}(?= (?:US )?(?:dollars|USD|BTC|ETH|bitcoins?|traders|users|people))"
    r"|\d{1,40}(?:[.,]\d{1,18})?|\.\d{1,8}"
)
_CURRENCY = (
    r"(?:US\s?\$|USD\s?|USDT?\s|RMB\s|Rs\.?\s|(?:HKD|KRW|INR|EUR|JPY|GBP)\s"
    r"|(?:HK|NT|AU|[SACR])\$|[$€£¥₿₩₹₽₺])\s?"
)
_SCALE = (
    r"(?:lakh crores?|lakhs?|crores?|thousand|millions?|billions?|trillions?|cardinals?"
    r"|mln|bln|trln|tln|trn|mio|bn|mn|tn|mm"
    r"|mil|[kmbtKMBT])(?![A-Za-z])"
)
_UNIT = (
    r"%|percentage points?|percent|per cent|pct|bps?\b|basis points?"
    r"|(?:U\.?S\.? )?dollars?\b|USD\b|bucks\b|euros?\b|yen\b|won\b"
    r"|yuan\b|RMB\b|KRW\b|rupees?\b|lira\b|roubles?\b|rubles?\b|(?:U\.?S\.? )?cents?\b"
    r"|(?:Hong Kong|Singapore|Australian|Canadian) dollars?\b|HKD\b|EUR\b|INR\b"
    r"|[€£₩₹]|\$(?! ?\d)|x(?![A-Za-z])|-?times\b"
)
_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_CENTS = re.compile(r"(?:U\.?S\.? )?cents?", re.IGNORECASE)
_COUNT = (
    rf"(?:{_TENS})[ -](?:{_ONES})|{_TENS}|{_ONES}|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen"
)
_AMOUNT = re.compile(
    rf"(?<![A-Za-z0-9.,])(?P<lead>[~≈]?[-−–+]?)(?P<currency>{_CURRENCY})?(?P<sign>[-−–+])?"
    rf"(?P<number>{_NUMBER})(?P<more>\+)?(?:(?P<gap>[ \u00a0-]?)(?P<scale>{_SCALE}))?(?P<more2>\+)?"
    rf"(?:[ \u00a0-]?(?P<unit>{_UNIT}))?",
    re.IGNORECASE,
)
_WORDED = re.compile(
    rf"\b(?P<half>half an? |half-|(?:a )?quarter of an? |three[- ]quarters of an? )?"
    rf"(?P<number>an?|{_COUNT})?[ -]?(?P<hundred>hundred )?(?:and a (?P<plus>half|quarter) )?"
    r"(?P<scale>thousand|million|billion|trillion)(?![A-Za-z])(?! and (?:a )?(?:half|third))"
    r"(?:[ -](?P<unit>(?:U\.?S\.? )?dollars?\b|USD\b|bucks\b|euros?\b|yen\b|percent\b))?"
    rf"|\b(?P<parts>{_COUNT})(?P<point> and a half)?[- ](?P<of>percent|per cent|pct)\b",
    re.IGNORECASE,
)
_FRACTION = re.compile(
    r"\b(?P<words>one half|half|(?:a|one)[ -](?:third|quarter|fifth|tenth)"
    r"|(?:two|three|four)[ -](?:thirds|quarters|fifths))"
    r"(?= (?:to|of|from|off|below|the|its|their|less|more|lower|smaller|fewer|thinner|higher)\b)"
    r"|\b(?:by|lost|back|shed|dropped|fallen|fell|gained|added|down|up|off) "
    r"(?P<share>half|(?:a|one)[ -](?:third|quarter|fifth|tenth)|two[ -]thirds)\b",
    re.IGNORECASE,
)


class Quantity(msgspec.Struct):
    """One figure as the text has it.

    ``unit`` is a currency, ``pct``, ``bps``, ``x``, a coin (set later) or empty. ``sign`` is 0
    where none is written. For a range ``low`` and ``high`` are its ends, else both are the value.
    """

    start: int
    end: int
    low: float
    high: float
    unit: str
    scale: float = 1.0
    sign: int = 0
    qualifier: str = "="
    flags: list[str] = []
    digits: str = ""
    note: str | None = None

    @property
    def is_range(self) -> bool:
        """Whether the text gives two ends."""
        return "range" in self.flags

    @property
    def has_scale(self) -> bool:
        """Whether a word such as million stands behind the figure."""
        return self.scale >= 1e6


def single_figures(text: str, times: list[TimePhrase]) -> list[Quantity]:
    """All figures of a text that are not part of a time, in order; ranges as two."""
    starts = [time.start for time in times]

    def in_time(at: int) -> bool:
        index = bisect_right(starts, at) - 1
        return index >= 0 and at < times[index].end

    amounts = (m for m in _AMOUNT.finditer(text) if not in_time(m.start("number")))
    is_continental = _is_continental(text)
    found = [_amount(match, is_continental) for match in islice(amounts, MOST_FIGURES)]
    taken = {q.start for q in found}
    for match in islice(chain(_WORDED.finditer(text), _FRACTION.finditer(text)), MOST_FIGURES):
        worded = _worded(match)
        if worded is not None and match.start() not in taken and not in_time(match.start()):
            found.append(worded)
    found.sort(key=lambda q: (q.start, -q.end))
    found = _without_overlap(found)
    for quantity in found:
        _qualify(quantity, text)
    return found


def _amount(match: re.Match[str], is_continental: bool) -> Quantity:
    number = match["number"].strip()
    is_indian = (match["scale"] or "").lower().startswith(("lakh", "crore"))
    value = _number_value(number, bool(match["scale"]) and not is_indian, is_continental)
    flags: list[str] = []
    unit = _unit_name(match["currency"] or "") or _unit_name(match["unit"] or "")
    scale, word = 1.0, (match["scale"] or "").lower()
    end = match.end()
    lone = len(word) == 1 and not match["currency"] and word != "k" and not match["unit"]
    if word and (not lone or (match["gap"] == "" and word != "t")):
        scale = scale_words().get(word, 1.0)
        if word in table("numbers")["unclear"]["words"]:
            flags.append("scale unclear")
    elif word:
        end = match.end("number")
    if _CENTS.fullmatch(match["unit"] or "") and not match["currency"]:
        scale /= 100
    signs = (match["lead"] or "").lstrip("~≈") + (match["sign"] or "")
    # A dash behind a letter or a bracketless word is a hyphen, which the look-behind cannot see.
    sign = 0 if not signs else (1 if "+" in signs else -1)
    value = float(f"{value * scale:.12g}")
    quantity = Quantity(
        match.start(), end, value, value, unit, scale, sign, digits=number, flags=flags
    )
    if match["more"] or match["more2"]:
        quantity.qualifier = ">"
    if (match["lead"] or "").startswith(("~", "≈")):
        quantity.qualifier = "~"
    return quantity


_COMMA_DECIMAL = re.compile(r"(?<![\d.,])\d{1,3},\d{1,2}(?![\d,])")
_DOT_DECIMAL = re.compile(r"(?<![\d.,])\d{1,3}\.\d{1,2}(?![\d.])")
_DOT_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3}){1,5}(?:,\d{1,2})?")


def _is_continental(text: str) -> bool:
    """Whether a text has decimal commas, and few decimal dots: ``9,8 percent``, ``81.600``."""
    commas = sum(1 for _ in islice(_COMMA_DECIMAL.finditer(text), MOST_FIGURES))
    return commas > 2 * sum(1 for _ in islice(_DOT_DECIMAL.finditer(text), MOST_FIGURES))


def _number_value(number: str, scaled: bool, is_continental: bool = False) -> float:
    """The value of digits with marks; a comma before other than three digits is a decimal one."""
    if (is_continental or "," in number) and _DOT_THOUSANDS.fullmatch(number):
        number = number.replace(".", "")
    bare = re.sub(r"[ \u00a0\u202f]", "", number)
    if len(re.sub(r"\D", "", bare)) > MOST_DIGITS:
        return float("inf")
    if bare.count(".") > 1:
        bare = bare.replace(".", "")
    elif "," in bare:
        head, _, tail = bare.rpartition(",")
        thousands = len(tail.partition(".")[0]) == 3 and not (
            scaled and head in ("0", "1") and "," not in head
        )
        bare = bare.replace(",", "") if thousands else bare.replace(",", ".")
    return float(bare)


def _unit_name(words: str) -> str:
    name = plain(words).strip().lstrip("-")
    if not name:
        return ""
    if name in ("%", "percent", "per cent", "pct") or name.startswith("percentage"):
        return "pct"
    if name in ("bps", "bp") or name.startswith("basis"):
        return "bps"
    if name in ("x", "times"):
        return "x"
    if name == "₿":
        return "BTC"
    is_dollar = "$" in name or name.startswith(("usd", "us", "u.s."))
    return currency_words().get(name, "USD" if is_dollar else name)


def count_of(words: str) -> float:
    """The value of a count in words, up to ninety-nine; 1 for none."""
    known: dict[str, int] = table("numbers")["words"]
    return float(sum(known.get(word, 1) for word in re.split(r"[ -]", plain(words)))) or 1.0


def _worded(match: re.Match[str]) -> Quantity | None:
    groups = match.groupdict()
    if "words" in groups:
        name = "words" if groups["words"] else "share"
        share = float(table("numbers")["fractions"][plain(groups[name])])
        return Quantity(match.start(name), match.end(), share, share, "pct", flags=["words"])
    if groups["parts"]:
        share = count_of(groups["parts"]) + (0.5 if groups["point"] else 0.0)
        return Quantity(match.start(), match.end(), share, share, "pct", digits=f"{share:g}")
    word = plain(groups["number"] or "")
    if not word and not groups["half"]:
        return None
    part = plain(groups["half"] or "").replace("-", " ")
    share = 0.75 if part.startswith("three") else (0.25 if "quarter" in part else 0.5)
    value = count_of(word) * (share if part else 1.0) * (100.0 if groups["hundred"] else 1.0)
    value += {"half": 0.5, "quarter": 0.25}.get(plain(groups["plus"] or ""), 0.0)
    scale = scale_words()[plain(groups["scale"])]
    unit = _unit_name(groups["unit"] or "")
    return Quantity(
        match.start(), match.end(), value * scale, value * scale, unit, scale, flags=["words"]
    )


def _without_overlap(found: list[Quantity]) -> list[Quantity]:
    kept: list[Quantity] = []
    for quantity in found:
        if not kept or quantity.start >= kept[-1].end:
            kept.append(quantity)
    return kept


@cache
def _qualifier_words() -> re.Pattern[str]:
    words = "|".join(re.escape(phrase) for phrase, _ in qualifiers())
    return re.compile(rf"(?:^|[^a-z])({words})(?: the| a| an| his| its)? ?$")


def _qualify(quantity: Quantity, text: str) -> None:
    before = plain(text[max(0, quantity.start - 32) : quantity.start])
    if before.endswith("minus ") and not quantity.sign:
        quantity.sign = -1
    rest = plain(text[quantity.end : quantity.end + 16])
    if (
        before.endswith(("±", "+/-", "within ", "within a "))
        or (
            quantity.unit == "pct"
            and before.endswith("at ")
            and rest.startswith((" from mid", " of mid", " from the mid", " around"))
        )
        or (
            quantity.unit == "pct"
            and rest.startswith((" depth", " market depth", " range", " band", " bid", " ask"))
        )
    ):
        quantity.flags.append("margin")
    match = _qualifier_words().search(before)
    if match:
        quantity.qualifier = dict(qualifiers())[match[1]]
    after = plain(text[quantity.end : quantity.end + 10])
    if after.startswith((" or more", " or so")):
        quantity.qualifier = ">=" if "more" in after else "~"
