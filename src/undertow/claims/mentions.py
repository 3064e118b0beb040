"""Finds what a text names: assets, groups of assets, companies, venues, sources."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import msgspec

from undertow.claims.vocabulary import plain, table
from undertow.model.assets import asset_of

What = Literal["asset", "group", "index", "company", "venue", "source"]
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9&'’.]{0,30}(?<![.'’])|₿|\d{1,6}")
_LONGEST = 4
_QUOTES = ("USDT", "USDC", "BUSD")  # the second name of a trading pair is no asset of its own


class Mention(msgspec.Struct, frozen=True):
    """A name in the text and what it stands for: BTC, meme coins, HTX, CoinGlass."""

    start: int
    end: int
    what: What
    name: str


@cache
def _names() -> tuple[dict[str, tuple[What, str]], dict[str, tuple[What, str]]]:
    """Names that match in any case, and names that match as written."""
    market = table("market")
    loose: dict[str, tuple[What, str]] = {}
    exact: dict[str, tuple[What, str]] = {}
    sections: tuple[tuple[str, What], ...] = (
        ("sources", "source"), ("companies", "company"), ("venues", "venue"), ("indices", "index"),
        ("groups", "group"),
    )  # fmt: skip
    for section, what in sections:
        for name, words in market[section].items():
            for word in words:
                (exact if word.isupper() else loose)[word] = (what, name)
    for ticker, entry in market["assets"].items():
        for word in entry["names"]:
            loose[word] = ("asset", ticker)
        for word in entry["Names"]:
            exact[word] = ("asset", ticker)
    return loose, exact


@cache
def _starts() -> frozenset[str]:
    """The first words of all names, to pass over other words quickly."""
    loose, exact = _names()
    first = (_WORD.match(name) for name in (*loose, *exact))
    return frozenset(plain(match.group()) for match in first if match is not None)


def price_range(asset: str) -> tuple[float, float] | None:
    """Dollar prices between which the asset has surely traded; None where nobody noted them."""
    entry = table("market")["assets"].get(asset)
    return None if entry is None else (float(entry["low"]), float(entry["high"]))


def _unglued(word: str) -> str:
    """A name without the ticker that follows it unspaced: ``SolanaSOL``, ``BTCBTC``."""
    loose, exact = _names()
    for cut in range(2, len(word) - 1):
        head, tail = word[:cut], word[cut:]
        if tail.isupper() and len(tail) <= 6 and (head in exact or plain(head) in loose):
            return head
    return word


def mentions(text: str) -> list[Mention]:
    """All names in a text, in order, the longest first where several fit."""
    loose, exact = _names()
    words = list(_WORD.finditer(text))
    found: list[Mention] = []
    index = 0
    starts = _starts()
    while index < len(words):
        step = 1
        if plain(words[index].group()).removesuffix("'s") not in starts and not text.startswith(
            "--", words[index].end()
        ):
            index += 1
            continue
        for length in range(min(_LONGEST, len(words) - index), 0, -1):
            start, end = words[index].start(), words[index + length - 1].end()
            if end - start > 40:
                continue
            raw = text[start:end]
            bare = raw[:-2] if raw.endswith(("'s", "’s")) else raw
            if text.startswith("--", end):  # a ticker that a web page glued to the name
                bare = _unglued(bare)
            hit = exact.get(bare) or loose.get(plain(bare))
            if hit is not None and not (
                hit[0] in ("venue", "source", "company") and bare.islower()
            ):
                if hit[1] in _QUOTES and found and text[found[-1].end : start] in ("-", "/", ""):
                    found[-1] = Mention(found[-1].start, end, found[-1].what, found[-1].name)
                else:
                    found.append(Mention(start, end, hit[0], hit[1]))
                step = length
                break
        index += step
    return _with_shares(text, _with_unknown(text, found))


_FELL = (
    r"fell|lost|dropped|slid|slumped|sank|tumbled|plunged|shed|rose|gained|climbed|jumped|surged"
)
_VERB = (
    rf"(?:{_FELL}|crashed|rallied|declined|dipped|were|was|is|are|down|up|traded|trades|hit|went)\b"
)
_PAIR = r"[A-Z][A-Z0-9]{1,9}"
_UNKNOWN = re.compile(
    rf"\b({_PAIR})(?= (?:and {_PAIR} )?{_VERB}| and {_PAIR} {_VERB}|'s price|’s price| price\b)"
    rf"|\b(?:price of|token|coin) ({_PAIR})\b"
    r"|\b((?:[Tt]op \d{1,3} )?(?:[Tt]okens|[Cc]oins))"
    rf"(?= (?:{_FELL}|crashed|were [-–−\d]|are down|were down))",
)


def _with_unknown(text: str, found: list[Mention]) -> list[Mention]:
    """Add tickers that nobody listed, where the text treats them as coins: ``PUMP fell``."""
    taken = {at for mention in found for at in range(mention.start, mention.end)}
    new = []
    for match in _UNKNOWN.finditer(text):
        name = match[match.lastindex or 1]
        coin = asset_of(name) if name.isupper() else name
        coin = {"XBT": "BTC"}.get(coin, coin)
        start = match.start(match.lastindex or 1)
        if start in taken or name in table("market")["not_coins"]["words"]:
            continue
        new.append(
            Mention(
                start,
                start + len(name),
                *(("group", name.lower()) if name[-2:].islower() else ("asset", coin)),
            )
        )
    return sorted([*found, *new], key=lambda mention: mention.start) if new else found


_SHARE = re.compile(
    r"\b(?:shares|stock|stocks)\b(?! (?:market|exchange|index|indices|futures|buyback))",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"[A-Z][A-Za-z]{2,20}(?: [A-Z][A-Za-z]{2,20})? (?:Inc\.? )?()"
    rf"(?:was down|is down|down|{_FELL})"
    r" (?:by |about |nearly |more than |over |almost |around |as much as )?"
    r"\d{1,3}(?:\.\d{1,2})?(?:%| percent)"
)
_TICKER = re.compile(r"\((?:NASDAQ: ?|NYSE: ?|Nasdaq: ?)?([A-Z]{3,5})\)")


def _with_shares(text: str, found: list[Mention]) -> list[Mention]:
    """Add the shares that a text speaks of: of the company named last, or by its ticker."""
    companies = table("market")["companies"]
    named = [(m.start, m.name) for m in found if m.what == "company"]
    for name in found:
        if name.what == "venue" and name.name == "Coinbase":
            named.append((name.start, "COIN"))
    for match in _TICKER.finditer(text):
        known = match[1] in companies
        if known or not any(m.start <= match.start(1) < m.end for m in found):
            named.append((match.start(), match[1]))
    named.sort()
    shares = []
    for match in _SHARE.finditer(text):
        before = [name for start, name in named if start < match.start()]
        after = [name for start, name in named if 0 < start - match.end() < 12]
        owner = (
            after[0]
            if text[match.end() : match.end() + 4] == " of " and after
            else (before[-1] if before else None)
        )
        if owner is not None:
            shares.append(Mention(match.start(), match.end(), "index", owner))
    for start, owner in named:
        moved = _MOVES.match(text, start)
        if moved is not None:
            shares.append(Mention(moved.start(1), moved.end(1), "index", owner))
    return sorted([*found, *shares], key=lambda mention: mention.start)
