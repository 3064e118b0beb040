"""The page docs/rules.md: every number of every venue's rules, since when, and who says so."""

from __future__ import annotations

import re
from typing import Any

from undertow.model.periods import time_text
from undertow.venues import rulebook
from undertow.venues.instruments import Contract, read_contracts
from undertow.venues.reject_codes import REJECTS, SOURCES
from undertow.venues.rule_files import Citation, Revision, RuleFile
from undertow.venues.tiers import TierTable, read_tables

NOTE = "<!-- Written by scripts/write_docs.py: change the code, not this page. -->"
CERTAINTY = {
    "V": "read at the venue",
    "D": "checked on data",
    "S": "second hand",
    "M": "**assumed**",
}
HEAD = """\
# Rules of the venues

`undertow.venues.rulebook.load("binance-usdm", at="2025-10-10")` gives the rules that held at that
moment. They come from one file per venue, `src/undertow/venues/rules/VENUE.toml`, in which every
value names its source. This page shows all of them. A number that no source knows is not here, and
is None in the rules.

| certainty | meaning |
|---|---|
| read at the venue | from its own page or code, or from a place that quotes it word for word |
| checked on data | recomputed against what the venue published or settled |
| second hand | news, blogs, copies of help pages |
| **assumed** | from memory, or our choice where the sources are silent: not a fact |

A value holds until a later row of the same key. *since* is when its revision begins; a date that
no source gives is marked like any other assumed number. Rates are fractions: 0.0005 is 0.05 %."""
TIERS_HEAD = """\
## Margin tiers

`rules.tiers("BTCUSDT").maintenance_margin(Decimal("5_000_000"))` uses the table that was read
nearest to the rules' moment, at most 60 days after it. Since when a table held is not published.
Every table was checked: floors join, rates rise, and each deduction follows from the tiers to the
cent.

| venue | read on | symbols | tiers | kind | certainty | source |
|---|---|---|---|---|---|---|"""
INSTRUMENTS_HEAD = """\
## Instruments

`rules.instrument("BTCUSDT").tick_size` uses the table that was read nearest to the rules' moment,
at most 60 days after it. Besides the steps of prices and quantities a table has, as far as known,
the least and the greatest order, the price band, how far a market order may reach, the liquidation
fee and the greatest leverage. *Assumed* columns are our choice where the source is silent.

| venue | read on | symbols | assumed | certainty | source |
|---|---|---|---|---|---|"""
REJECTS_HEAD = """\
## Rejections

`undertow.venues.reject_codes.venue_reject("binance-usdm", "INSUFFICIENT_MARGIN")` gives a venue's
own code and words for a reason of ours."""
# Rules that know nothing: for the groups and their keys.
BLANK = rulebook.Rules(venue="", title="", at_ns=0, effective_ns=0)
KEYS_HEAD = """\
## Keys

What can be in a rules file. Names end in their unit; a key with `_by_` is a table with one number
for each symbol or source. Text in `code` is the name of a method.

| key | meaning |
|---|---|"""


def rules_page() -> str:
    """The whole page, from the bundled rules files and tier tables."""
    names = rulebook.venues()
    lines = [NOTE, *HEAD.splitlines(), ""]
    lines += [f"[{name}](#{name}) ·" for name in names] + [
        "[tiers](#margin-tiers) ·",
        "[instruments](#instruments) ·",
        "[rejections](#rejections) ·",
        "[keys](#keys)",
    ]
    for name in names:
        lines += ["", *_venue_section(rulebook.read(name))]
    lines += ["", *TIERS_HEAD.splitlines()]
    for name in names:
        lines += _tier_rows(read_tables(rulebook.BUNDLED / "tiers", name))
    lines += ["", *INSTRUMENTS_HEAD.splitlines()]
    for name in names:
        lines += _instrument_rows(read_contracts(rulebook.BUNDLED / "instruments", name))
    lines += ["", *REJECTS_HEAD.splitlines()]
    for name in sorted(REJECTS):
        lines += _reject_rows(name)
    lines += ["", *KEYS_HEAD.splitlines(), *_key_rows()]
    return "\n".join(lines) + "\n"


def _venue_section(file: RuleFile) -> list[str]:
    lines = [f"## {file.venue}", "", f"{file.title}.", ""]
    lines += ["| key | value | since | certainty | source |", "|---|---|---|---|---|"]
    for revision in file.revisions:
        since = _moment(revision.effective_ns)
        lines.append(_row("*revision*", since, since, revision.effective))
        lines += [f"| {key} | *no longer known* | {since} | | |" for key in revision.unknown]
        lines += _value_rows(revision, since)
    return lines


def _value_rows(revision: Revision, since: str) -> list[str]:
    return [
        _row(key, _value(value), since, revision.citations[key])
        for key, value in revision.values.items()
    ]


def _row(key: str, value: str, since: str, citation: Citation) -> str:
    source = citation.source
    if citation.date is not None and citation.date not in source:
        source += f" ({citation.date})"
    if citation.note is not None:
        source += f"; {citation.note}"
    cells = (key, value, since, CERTAINTY[citation.confidence], source)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"`{text}`" if re.match("[a-z]", text) else text


def _tier_rows(tables: tuple[TierTable, ...]) -> list[str]:
    """One row for each venue and day."""
    days: dict[int, list[TierTable]] = {}
    for table in tables:
        days.setdefault(table.as_of_ns, []).append(table)
    rows = []
    for day_ns, of_day in sorted(days.items()):
        first = of_day[0]
        source = first.source if first.note is None else f"{first.source}; {first.note}"
        count = sum(len(table.tiers) for table in of_day)
        rows.append(
            f"| {first.venue} | {_moment(day_ns)} | {len(of_day)} | {count} |"
            f" {first.model}, {first.measure} | {CERTAINTY[first.confidence]} | {source} |"
        )
    return rows


def _instrument_rows(contracts: tuple[Contract, ...]) -> list[str]:
    """One row for each venue and day."""
    days: dict[int, list[Contract]] = {}
    for contract in contracts:
        days.setdefault(contract.as_of_ns, []).append(contract)
    rows = []
    for day_ns, of_day in sorted(days.items()):
        first = of_day[0]
        source = first.source if first.note is None else f"{first.source}; {first.note}"
        names = [contract.symbol for contract in of_day]
        symbols = ", ".join(names) if len(names) < 5 else f"{len(names)}, from {names[0]}"
        assumed = ", ".join(sorted({name for one in of_day for name in one.assumed}))
        rows.append(
            f"| {first.venue} | {_moment(day_ns)} | {symbols} | {assumed} |"
            f" {CERTAINTY[first.confidence]} | {source} |"
        )
    return rows


def _reject_rows(venue: str) -> list[str]:
    """What a venue says for each reason that it has words for."""
    rows = [f"| `{reason}` | {code} | {text} |" for reason, (code, text) in REJECTS[venue].items()]
    head = ["| our reason | code | name or text |", "|---|---|---|"]
    return ["", f"{venue} ({SOURCES[venue]}):", "", *head, *rows]


def _key_rows() -> list[str]:
    return [
        f"| {group}.{key} | {field.description} |"
        for group in rulebook.GROUPS
        for key, field in type(getattr(BLANK, group)).model_fields.items()
    ]


def _moment(moment_ns: int) -> str:
    text = time_text(moment_ns).removesuffix("T00:00:00Z").replace(":00Z", "Z")
    return text.replace("T", " ").replace("Z", " UTC")
