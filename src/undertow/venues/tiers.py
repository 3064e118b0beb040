"""Margin tiers: how much a position of a size must hold, read from dated tables.

A table is a CSV with a head of ``# key: value`` lines. Nobody publishes since when a table holds,
so each is dated by the day on which it was read (``as_of``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal, get_args

from undertow.errors import DataError, UndertowError, nearest
from undertow.model.periods import time_ns

COLUMNS = ("symbol", "floor", "cap", "max_leverage", "maintenance_rate", "deduction")
HEAD = ("venue", "as_of", "model", "measure", "confidence", "source")
CENT = Fraction(1, 100)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?|[0-9]+/[1-9][0-9]*")
Model = Literal["deduction", "whole_position"]


@dataclass(frozen=True, slots=True)
class MarginTier:
    """One bracket: sizes above ``floor`` up to and with ``cap``.

    ``cap`` is None where the last tier has no end, ``max_leverage`` where the source is silent.
    ``deduction`` is what the margin at ``maintenance_rate`` is too much, in the measure's unit.
    Rates are exact fractions: 1/30 has no finite decimal.
    """

    floor: Decimal
    cap: Decimal | None
    max_leverage: Decimal | None
    maintenance_rate: Fraction
    deduction: Fraction


@dataclass(frozen=True, slots=True)
class TierTable:
    """The tiers of one symbol as read on one day.

    ``measure`` says in what sizes are counted; ``confidence`` is V (read at the venue or quoted
    from it), D (checked on data) or S (second hand).
    """

    venue: str
    symbol: str
    as_of_ns: int
    model: Model
    measure: str
    confidence: str
    source: str
    note: str | None
    tiers: tuple[MarginTier, ...]

    def tier(self, size: Decimal) -> MarginTier:
        """The bracket that holds ``size``: floor < size <= cap; above the last cap, the last.

        A position grows past the last cap when its price moves, and must still be judged.
        """
        if size < 0:
            raise UndertowError(f"size {size}: expected the absolute size of a position")
        for tier in self.tiers:
            if tier.cap is None or size <= tier.cap:
                return tier
        return self.tiers[-1]

    def maintenance_margin(self, size: Decimal) -> Decimal:
        """What a position of ``size`` must hold, in the same unit, never negative.

        ``size * rate - deduction`` (Binance support ceccfcfb4e3a45e3b48b0b1bb1a8ae46); where the
        whole position takes the rate of its tier there is no deduction. The result is exact, or,
        where no finite decimal is, rounded up to 10^-6: against the holder.
        """
        tier = self.tier(size)
        return decimal_up(Fraction(size) * tier.maintenance_rate - tier.deduction)


@dataclass(frozen=True, slots=True)
class SlopeMargin:
    """Margin rates that rise in a line with the position (Deribit), as fractions."""

    initial_base_rate: Decimal | None
    initial_slope_rate: Decimal | None
    maintenance_base_rate: Decimal
    maintenance_slope_rate: Decimal

    def maintenance_margin(self, position_base: Decimal, index_price: Decimal) -> Decimal:
        """``(base + slope * position) * position * index`` in the quote, exact.

        Source: https://support.deribit.com/hc/en-us/articles/25944738177565-Linear-Perpetual
        """
        held = abs(Fraction(position_base))
        rate = Fraction(self.maintenance_base_rate) + Fraction(self.maintenance_slope_rate) * held
        return decimal_up(rate * held * Fraction(index_price))


def decimal_up(value: Fraction) -> Decimal:
    """The fraction as a decimal: exact where one exists, else rounded up to 10^-6."""
    odd = value.denominator
    twos = fives = 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    while odd % 5 == 0:
        odd, fives = odd // 5, fives + 1
    places = max(twos, fives) if odd == 1 else 6
    scaled = -((-value.numerator * 10**places) // value.denominator)
    with localcontext(prec=len(str(scaled)) + places + 2):
        return Decimal(scaled).scaleb(-places)


def read_tables(folder: Path, venue: str) -> tuple[TierTable, ...]:
    """Every table of a venue in ``folder``, checked; files are named ``VENUE_DATE.csv``.

    Raises
    ------
    DataError
        When a file or a number cannot be trusted: see :func:`read_file`.
    """
    tables: list[TierTable] = []
    for path in sorted(folder.glob(f"{venue}_*.csv")):
        tables += read_file(path)
    return tuple(tables)


def read_file(path: Path) -> tuple[TierTable, ...]:
    """The tables of one file: floors join, rates rise, deductions follow from the tiers.

    Raises
    ------
    DataError
        With the line, when the head lacks a key, a number cannot be read, or a law is broken.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise DataError("not text in UTF-8", file=path) from None
    head = _head(path, lines)
    rows: dict[str, list[tuple[int, MarginTier]]] = {}
    body = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith("#")]
    if len(body) < 2 or body[0][1] != ",".join(COLUMNS):
        raise DataError(f"expected the columns {','.join(COLUMNS)}, then tiers", file=path,
                        row=body[0][0] if body else len(lines))  # fmt: skip
    for number, line in body[1:]:
        symbol, tier = _tier(path, number, line.split(","))
        rows.setdefault(symbol, []).append((number, tier))
    for tiers in rows.values():
        check_tiers(path, tiers, head["model"])
    return tuple(_table(head, symbol, [tier for _, tier in rows[symbol]]) for symbol in rows)


def check_tiers(path: Path, tiers: Sequence[tuple[int, MarginTier]], model: str) -> None:
    """Hold one symbol's tiers (each with its line) against the laws of a tier table.

    ``deduction_k = deduction_(k-1) + floor_k * (rate_k - rate_(k-1))`` to the cent, which makes
    the margin continuous (Binance support ceccfcfb4e3a45e3b48b0b1bb1a8ae46).
    """
    line, first = tiers[0]
    if first.floor != 0 or first.deduction != 0:
        raise DataError("expected the first tier to start at 0 without deduction", file=path,
                        row=line)  # fmt: skip
    wrong = [fault for before, now in pairwise(tiers) for fault in _faults(before[1], now, model)]
    if wrong:
        line, column, value, message = wrong[0]
        more = f" ({len(wrong) - 1} more in this table)" if len(wrong) > 1 else ""
        raise DataError(message + more, file=path, row=line, column=column, value=value)


def _faults(
    before: MarginTier, now: tuple[int, MarginTier], model: str
) -> Iterable[tuple[int, str, str, str]]:
    line, tier = now
    if tier.floor != before.cap:
        yield line, "floor", str(tier.floor), f"expected the cap of the tier before, {before.cap}"
    if tier.cap is not None and tier.cap <= tier.floor:
        yield line, "cap", str(tier.cap), f"expected more than the floor, {tier.floor}"
    if tier.maintenance_rate <= before.maintenance_rate:
        yield line, "maintenance_rate", str(tier.maintenance_rate), "expected a rising rate"
    most, most_before = tier.max_leverage, before.max_leverage
    if most is not None and most_before is not None and most >= most_before:
        yield line, "max_leverage", str(tier.max_leverage), "expected a falling leverage"
    rise = tier.maintenance_rate - before.maintenance_rate
    due = before.deduction + Fraction(tier.floor) * rise if model == "deduction" else Fraction(0)
    if abs(tier.deduction - due) > CENT:
        yield line, "deduction", str(tier.deduction), f"expected {due} from the tiers"


def _head(path: Path, lines: Sequence[str]) -> dict[str, str]:
    head: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.startswith("#"):
            break
        key, _, value = line[1:].partition(":")
        valid = (*HEAD, "note")
        if key.strip() not in valid:
            raise DataError(f"unknown key '{key.strip()}'{nearest(key.strip(), valid)}", file=path,
                            row=number)  # fmt: skip
        head[key.strip()] = value.strip()
    missing = [key for key in HEAD if not head.get(key)]
    if missing:
        raise DataError(f"the head lacks '# {missing[0]}: …'", file=path)
    if head["confidence"] not in {"V", "D", "S"}:
        raise DataError("expected a confidence of V, D or S", file=path, value=head["confidence"])
    if head["model"] not in get_args(Model):
        raise DataError(f"unknown model{nearest(head['model'], get_args(Model))}", file=path,
                        value=head["model"])  # fmt: skip
    return head


def _tier(path: Path, line: int, cells: Sequence[str]) -> tuple[str, MarginTier]:
    if len(cells) != len(COLUMNS) or not cells[0]:
        raise DataError(f"expected {len(COLUMNS)} cells", file=path, row=line)
    may_be_empty = {"cap", "max_leverage", "deduction"}
    for column, cell in zip(COLUMNS[1:], cells[1:], strict=True):
        is_absent = cell == "" and column in may_be_empty
        is_ratio = "/" in cell and column not in {"maintenance_rate", "deduction"}
        if not is_absent and (is_ratio or not _NUMBER.fullmatch(cell)):
            raise DataError("expected a number", file=path, row=line, column=column, value=cell)
    symbol, floor, cap, leverage, rate, deduction = cells
    return symbol, MarginTier(
        floor=Decimal(floor),
        cap=Decimal(cap) if cap else None,
        max_leverage=Decimal(leverage) if leverage else None,
        maintenance_rate=Fraction(rate),
        deduction=Fraction(deduction or 0),
    )


def _table(head: dict[str, str], symbol: str, tiers: Sequence[MarginTier]) -> TierTable:
    return TierTable(
        venue=head["venue"], symbol=symbol, as_of_ns=time_ns(head["as_of"]),
        model="deduction" if head["model"] == "deduction" else "whole_position",
        measure=head["measure"], confidence=head["confidence"], source=head["source"],
        note=head.get("note"),
        tiers=tuple(tiers),
    )  # fmt: skip
