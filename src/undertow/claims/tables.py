"""Reads tables and lists: cells and lines that a head or a line above explains."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from undertow.claims.quantities import Quantity
from undertow.claims.vocabulary import currency_words, plain, scale_words, table

MOST_CELLS = 40  # a wider row is no table that somebody reads (assumed)
_MOST_HEAD = 120  # characters of a head that are looked at for a unit (assumed)
_LINE = re.compile(r"[^\n]{1,4000}")
_BULLET = re.compile(r"[-–—•*·▪►→]\s|\d{1,2}[.)]\s")
_HEAD = re.compile(
    r"\s{0,8}(?:[-–—•*·▪►→]\s|\d{1,2}[./)]\s)\s{0,3}"
    r"(?P<words>[A-Z][A-Za-z&/-]{1,20}(?: [A-Za-z&/-]{1,20}){0,4})[.:]\s"
)
_RULE = re.compile(r"[\s|:+=–—-]+")
_MONEY = r"US\$|HK\$|\$|€|£|¥|₩|₹|USD|EUR|GBP|JPY|KRW"
_SCALE = r"millions?|billions?|trillions?|thousands?|mln|mio|mn|bln|bn|tn|[kmbt]"
_OF_HEAD = re.compile(
    rf"(?<![A-Za-z])(?P<money>{_MONEY})?\s?(?:in )?(?P<scale>(?:{_SCALE})\b)?"
    rf"\s?(?P<money2>{_MONEY})?(?![A-Za-z])",
    re.IGNORECASE,
)
_COINS = re.compile(
    r"\(([A-Z]{3,5})\)|\b([A-Z]{3,5}) (?:held|bought|sold|owned)|\bin ([A-Z]{3,5})\s*$"
)
_NO_COINS = (None, "USD", "EUR", "GBP", "JPY", "KRW", "PCT", "BPS")
Span = tuple[int, int]


class Cell(msgspec.Struct, frozen=True):
    """One cell of a table's body, and the places of the words that explain it."""

    span: Span
    row: Span
    context: tuple[Span, ...]  # the line above, what the row is called, what the column is called


def cells(text: str) -> Iterator[Cell]:
    """The cells of all tables of a text, by rows; the first cell of a row is what it is called."""
    rows: list[tuple[Span, list[Span]]] = []
    caption, before = (0, 0), (0, 0)
    for line in [*_LINE.finditer(text), None]:
        parts = _parts(text, line.span()) if line is not None else []
        is_next = rows and line is not None and line.start() - rows[-1][0][1] <= 1
        if not (parts and is_next and len(parts) == len(rows[0][1])):
            yield from _of_table(text, rows, caption)
            rows, caption = [], before
        if parts and line is not None:
            rows.append((line.span(), parts))
        before = line.span() if line is not None and not parts else (0, 0)


def list_leads(text: str) -> dict[int, Span]:
    """Where the lines of a list start, and the line with a colon that leads to them."""
    leads: dict[int, Span] = {}
    lead: Span | None = None
    for line in _LINE.finditer(text):
        said = line.group().strip()
        if said.endswith(":"):
            lead = (line.start() + line.group().rfind(". ") + 1, line.end())
        elif lead is not None and _BULLET.match(said):
            leads[line.start()] = lead
        elif said:
            lead = None
    return leads


def line_heads(text: str) -> dict[int, tuple[Span, int]]:
    """The head of a line of a list, ``3. Open interest.`` or ``- Funding:``, and the line's end."""
    found: dict[int, tuple[Span, int]] = {}
    for line in _LINE.finditer(text):
        head = _HEAD.match(line.group())
        if head is not None:
            start = line.start()
            span = start + head.start("words"), start + head.end("words")
            found[start] = span, line.end()
    return found


def _parts(text: str, line: Span) -> list[Span]:
    """The cells of a line, split at bars or tabs; none where it is no row."""
    start, end = line
    bare = text[start:end].strip()
    mark = "|" if "|" in bare else "\t"
    if mark not in bare or text.count(mark, start, end) > MOST_CELLS:
        return []
    start = text.index(bare[0], start)
    end = start + len(bare)
    if mark == "|":
        start, end = start + bare.startswith("|"), end - bare.endswith("|")
    parts, at = [], start
    for piece in text[start:end].split(mark):
        parts.append((at, at + len(piece)))
        at += len(piece) + 1
    return parts if len(parts) > 1 else []


def _of_table(text: str, rows: list[tuple[Span, list[Span]]], caption: Span) -> Iterator[Cell]:
    """The body's cells; without a rule under its head a table needs a head without figures."""
    if len(rows) < 2:
        return
    head = rows[0][1]
    is_ruled = _RULE.fullmatch(text, *rows[1][0]) is not None
    if not is_ruled and (len(head) < 3 or any(_is_figure(text, cell) for cell in head)):
        return
    said = (caption,) if caption[1] - caption[0] <= _MOST_HEAD else ()
    for row, parts in rows[2 if is_ruled else 1 :]:
        for at, part in enumerate(parts):
            context = (parts[0], head[at]) if at else (head[0],)
            yield Cell(part, row, (*said, *context))


def _is_figure(text: str, cell: Span) -> bool:
    return (
        re.match(r"\s*[-–−+(]?\s?[$€£₩₹]?\d[\d,.]*\s?(?:%|[KMBT]n?)?\)?\s*$", text[slice(*cell)])
        is not None
    )


def _coin_of(head: str) -> str | None:
    """The coin that a column counts: ``Holdings (BTC)``."""
    match = _COINS.search(head)
    name = match[match.lastindex or 1] if match is not None else None
    return None if name in _NO_COINS or name in table("market")["not_coins"]["words"] else name


def lend_unit(quantity: Quantity, text: str, cell: Cell) -> None:
    """Give a bare figure the unit and scale of its column's head: ``Flow (US$ m)``, ``24h, %``.

    Where the head has none, the row's name may have one, or the line above the table.
    """
    before, after = text[cell.span[0] : quantity.start], text[quantity.end : cell.span[1]]
    if before.strip() in ("(", "($") and after.strip().startswith(")") and not quantity.sign:
        quantity.sign = -1  # as accountants write a minus
    if quantity.unit not in ("", "USD") or quantity.scale != 1.0:
        return
    for span in reversed(cell.context):
        if _lent(quantity, text[span[0] : min(span[1], span[0] + _MOST_HEAD)]):
            return


def _lent(quantity: Quantity, head: str) -> bool:
    if "%" in head and not quantity.unit:
        quantity.unit = "pct"
        return True
    coin = _coin_of(head)
    if coin is not None and not quantity.unit:
        quantity.unit = coin
        return True
    found = max(_OF_HEAD.finditer(head), key=lambda m: len(m.group().strip()), default=None)
    money = (found["money"] or found["money2"] or "") if found is not None else ""
    if found is None or not (money or (quantity.unit and found["scale"])):
        return False
    word = plain(found["scale"] or "")
    scale = scale_words().get(word, 1.0)
    quantity.unit = quantity.unit or currency_words().get(plain(money), "USD")
    if scale > 1:
        quantity.scale = scale
        quantity.low = quantity.high = float(f"{quantity.low * scale:.12g}")
    return True
