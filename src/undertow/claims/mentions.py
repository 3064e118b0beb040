"""Finds what a text names: assets, groups of assets, companies, venues, sources."""

from __future__ import annotations

import re
from functools import cache
from typing import Literal

import msgspec

from undertow.claims.vocabulary import plain, table

What = Literal["asset", "group", "index", "company", "venue", "source"]
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9&'’.]{0,30}(?<![.'’])|₿|\d{1,6}")
_LONGEST = 4
_PAIR = re.compile(r"([A-Z]{3,6})(?:USDT|USDC|USD|BUSD|PERP)")
_QUOTED = re.compile(r"[-/](?:USDT|USDC|USD|BUSD|PERP)(?:-SWAP|-PERP)?\b")
_STABLE_HIGH = 1.5  # the bound that the word list gives to coins meant to be worth a dollar
_RANKED = re.compile(r"(?:second|third|fourth|fifth|sixth|seventh|\dth|\dnd|\drd)[ -]$")
_THINGS = ("coin", "token", "asset", "cryptocurrency")
QUOTES = ("USDT", "USDC", "BUSD")  # the second name of a trading pair is no asset of its own


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
    for word in protocol_tokens():
        loose[word] = ("venue", word.title())
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
def protocol_tokens() -> dict[str, str]:
    """Names of protocols, and the ticker of each one's token."""
    return {
        word: ticker for ticker, words in table("market")["protocols"].items() for word in words
    }


@cache
def _starts() -> frozenset[str]:
    """The first words of all names, to pass over other words quickly."""
    loose, exact = _names()
    first = (_WORD.match(name) for name in (*loose, *exact))
    return frozenset(plain(match.group()) for match in first if match is not None)


def price_range(asset: str) -> tuple[float, float] | None:
    """Dollar prices between which the asset has surely traded; None where nobody noted them."""
    entry = table("market")["assets"].get(asset)
    if entry is None or "low" not in entry:
        return None
    return float(entry["low"]), float(entry["high"])


def is_stable(asset: str) -> bool:
    """Whether a coin is meant to be worth a dollar."""
    bounds = price_range(asset)
    return bounds is not None and bounds[1] == _STABLE_HIGH


def _unglued(word: str) -> str:
    """A name without the ticker that follows it unspaced: ``SolanaSOL``, ``BTCBTC``."""
    loose, exact = _names()
    for cut in range(2, len(word) - 1):
        head, tail = word[:cut], word[cut:]
        if tail.isupper() and len(tail) <= 6 and (head in exact or plain(head) in loose):
            return head
    return word


def _of_pair(word: str) -> tuple[What, str] | None:
    """The coin of a trading pair written as one word: ``BTCUSDT``, ``XBTUSD``."""
    pair = _PAIR.fullmatch(word)
    if pair is None:
        return None
    loose, exact = _names()
    hit = exact.get(pair[1]) or loose.get(plain(pair[1]))
    return hit if hit is not None and hit[0] == "asset" else None


def listed_names(text: str) -> list[Mention]:
    """All names of the word list in a text, in order, the longest first where several fit."""
    loose, exact = _names()
    words = list(_WORD.finditer(text))
    found: list[Mention] = []
    index = 0
    starts = _starts()
    while index < len(words):
        step = 1
        pair = _of_pair(words[index].group())
        if pair is not None:
            found.append(Mention(words[index].start(), words[index].end(), *pair))
            index += 1
            continue
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
            if _RANKED.search(text, max(0, start - 10), start) and bare.lower().endswith(_THINGS):
                hit = None  # "the third largest coin"
            if hit is not None and not (
                hit[0] in ("venue", "source", "company") and bare.islower()
            ):
                quote = _QUOTED.match(text, end) if hit[0] == "asset" else None
                end = end if quote is None else quote.end()
                if hit[1] in QUOTES and found and text[found[-1].end : start] in ("-", "/", ""):
                    found[-1] = Mention(found[-1].start, end, found[-1].what, found[-1].name)
                else:
                    found.append(Mention(start, end, hit[0], hit[1]))
                step = length
                break
        index += step
    return found
