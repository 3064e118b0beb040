"""Names that only their place in a text explains: new coins, shares, tokens of protocols."""

from __future__ import annotations

import re

from undertow.claims.mentions import Mention, listed_names, protocol_tokens
from undertow.claims.vocabulary import plain, table
from undertow.model.assets import asset_of


def mentions(text: str) -> list[Mention]:
    """All names in a text, in order: assets, groups, indices, companies, venues, sources."""
    found = with_tokens(text, listed_names(text))
    return with_shares(text, with_unknown(text, found))


_FELL = (
    r"fell|lost|dropped|slid|slumped|sank|tumbled|plunged|shed|rose|gained|climbed|jumped|surged"
)
_ALSO = (
    r"opened|closed|ended|finished|traded|dipped|retreated|cratered|crashed|tanked|eased|added"
    r"|advanced|rallied|soared|slipped|dived|was off|is off|is up|was up"
)
_VERB = (
    rf"(?:{_FELL}|crashed|rallied|declined|dipped|were|was|is|are|down|up|traded|trades|hit|went)\b"
)
_PAIR = r"[A-Z][A-Z0-9]{1,9}"
_UNKNOWN = re.compile(
    rf"\b({_PAIR})(?= (?:and {_PAIR} )?{_VERB}| and {_PAIR} {_VERB}|'s price|’s price| price\b)"
    rf"|\b({_PAIR})(?= (?:native |governance )?(?:token|coin)\b)"
    rf"|(?<=and )({_PAIR})(?= \d{{1,3}}(?:\.\d{{1,2}})?%)"
    rf"|\b(?:price of|token|coin) ({_PAIR})\b"
    r"|\b[A-Z][a-z]{2,20} \(([A-Z]{3,5})\)"
    r"|\b((?:[Tt]op \d{1,3} )?(?:[Tt]okens|[Cc]oins))"
    rf"(?= (?:{_FELL}|crashed|were [-–−\d]|are down|were down))",
)


def with_unknown(text: str, found: list[Mention]) -> list[Mention]:
    """Add tickers that nobody listed, where the text treats them as coins: ``PUMP fell``."""
    taken = {at for mention in found for at in range(mention.start, mention.end)}
    companies, no_coins = table("market")["companies"], table("market")["not_coins"]["words"]
    new = []
    for match in _UNKNOWN.finditer(text):
        name = match[match.lastindex or 1]
        coin = asset_of(name) if name.isupper() else name
        coin = {"XBT": "BTC"}.get(coin, coin)
        start = match.start(match.lastindex or 1)
        if start in taken or name in companies or name in no_coins:
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
    r"\b(?:shares|(?<=\ba )share|(?<=\bper )share|stock|stocks|ADS|ADSs|ADRs?)\b"
    r"(?! (?:market|exchange|index|indices|futures|buyback))",
    re.IGNORECASE,
)
_MOVES = re.compile(
    r"[A-Z][A-Za-z]{2,20}(?: [A-Z0-9][A-Za-z]{0,20})?(?:['’]s)?(?:, [^,.;\n]{3,80},)? "
    r"(?:and [A-Z][A-Za-z]{2,20}(?: [A-Z0-9][A-Za-z]{0,20})? )?"
    rf"(?:has |have |had )?(?:(?:was down|is down|down|{_FELL}|{_ALSO}) )?"
    r"(?:(?:by|about|nearly|more than|over|almost|around|as much as|some|only|another) ){0,2}"
    r"\d{1,3}(?:\.\d{1,2})?(?:%| percent)"
)
_OF_OTHER = re.compile(r" (?:of|in) ([A-Z][A-Za-z]{2,20})\b")
_PRICED = re.compile(
    r"[A-Z][A-Za-z]{2,20}(?: [A-Z][A-Za-z]{0,20})? "
    r"(?:hit|touched|closed|ended|opened|set|trades|traded|fell|slid|dropped|rose|sits|stands"
    r"|jumped|climbed|sank|plunged|tumbled|changed hands) "
    r"[a-z ]{0,24}\$\d{1,3}(?:\.\d{1,2})?(?![\d,.]*\s?(?:[mb]illion|trillion|[MBTKmbk]|bn|mn)\b)"
    r"|[A-Z]{3,5}:? \$\d{1,3}(?:\.\d{1,2})?(?![\d,.]*\s?(?:[mb]illion|trillion|[MBTKmbk]|bn|mn)\b)"
)
_TICKER = re.compile(r"\((?:NASDAQ: ?|NYSE: ?|Nasdaq: ?)?([A-Z]{3,5})\)")


def with_shares(text: str, found: list[Mention]) -> list[Mention]:
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
        of_other = _OF_OTHER.match(text, match.end())
        if of_other is not None and not after:
            shares.append(Mention(match.start(), match.end(), "index", of_other[1]))
            continue
        owner = (
            after[0]
            if text[match.end() : match.end() + 4].startswith((" of ", " (")) and after
            else (before[-1] if before else None)
        )
        if owner is not None:
            shares.append(Mention(match.start(), match.end(), "index", owner))
    moved: dict[int, str] = {}
    ends = {m.start: m.end for m in found}
    for start, owner in named:
        is_signed = start in ends and _SIGNED.match(text, ends[start]) is not None
        if is_signed or _is_of_share(text, start):
            moved[start] = owner
    found = [
        Mention(m.start, m.end, "index", moved[m.start]) if m.start in moved else m for m in found
    ]
    return sorted([*found, *shares], key=lambda mention: mention.start)


def _is_of_share(text: str, start: int) -> bool:
    return _MOVES.match(text, start) is not None or _PRICED.match(text, start) is not None


_TOKEN = re.compile(r"(?:'s|’s)?(?: (?:native|governance|own|utility|DAO))? (?:tokens?|coin)\b")
_SIGNED = re.compile(r":? ?\(?[-−–+]\d")
_JOINERS = frozenset([",", "and", "&", "/", ", and", "or", "+", ""])


def with_tokens(text: str, found: list[Mention]) -> list[Mention]:
    """Take a protocol's name for its token where a price move or the list it is in says so."""
    tokens = protocol_tokens()
    names = [tokens.get(plain(text[m.start : m.end])) for m in found]
    if not any(names):
        return found
    is_token = [
        name is not None
        and (
            _MOVES.match(text, m.start) is not None
            or _TOKEN.match(text, m.end) is not None
            or _SIGNED.match(text, m.end) is not None
        )
        for name, m in zip(names, found, strict=True)
    ]
    for order in (range(len(found)), range(len(found) - 1, -1, -1)):
        for at in order:
            near = [n for n in (at - 1, at + 1) if 0 <= n < len(found)]
            is_token[at] |= names[at] is not None and any(
                (is_token[n] or found[n].what == "asset") and _are_joined(text, found, at, n)
                for n in near
            )
    return [
        Mention(m.start, m.end, "asset", name) if told and name is not None else m
        for m, name, told in zip(found, names, is_token, strict=True)
    ]


def _are_joined(text: str, found: list[Mention], one: int, two: int) -> bool:
    low, high = sorted((one, two))
    between = text[found[low].end : found[high].start]
    return len(between) < 8 and between.strip() in _JOINERS - {""}
