"""All results in one object, and their findings in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from undertow.venues.formulas.inputs import ZERO
from verification.deleveraging import inputs, payers, shocks, waves
from verification.deleveraging.inputs import Inputs
from verification.deleveraging.payers import Crowd, Paid
from verification.deleveraging.shocks import Recomputed, ShockTotals
from verification.deleveraging.waves import Comparison, WaveRow
from verification.deleveraging.words import clock, whole


class Results(NamedTuple):
    """What the files allowed; None or empty for what they did not."""

    missing: list[str]
    inputs: Inputs
    shocks: list[Recomputed] | None
    totals: ShockTotals | None
    waves: list[WaveRow] | None
    outside: ShockTotals | None
    comparisons: list[Comparison]
    arithmetic: list[Comparison]
    people: Crowd | None
    paid: list[Paid] | None
    paid_at_once: list[Paid] | None


def work_out(folder: Path, tell: Callable[[str], None]) -> Results:
    """Read the folder and recompute all that it allows.

    Raises
    ------
    UndertowError
        When there is no such folder.
    DataError
        For a file that cannot be trusted.
    """
    found = inputs.read_all(folder)
    rows = None if found.shocks is None else shocks.recompute_all(found.shocks)
    sums = None if rows is None else shocks.totals(rows)
    by_wave = None if found.waves is None else waves.by_wave(found.waves, rows)
    is_both = found.waves is not None and rows is not None
    people = payers.crowd(found.accounts) if found.accounts else None
    paid, at_once = None, None
    if people and people.members and sums and found.shocks:
        paid = payers.shock_by_shock(people, found.shocks, tell)
        at_once = payers.one_pool(people, sums.taken)
    return Results(
        missing=inputs.missing(folder),
        inputs=found,
        shocks=rows,
        totals=sums,
        waves=by_wave,
        outside=waves.outside(found.waves or [], rows or []) if is_both else None,
        comparisons=[
            *waves.of_totals(found, rows),
            *waves.of_waves(by_wave or []),
            *waves.of_policies(found.policies or []),
        ],
        arithmetic=list(waves.of_shocks(rows or [])),
        people=people,
        paid=paid,
        paid_at_once=at_once,
    )


def findings(results: Results) -> list[str]:
    """What the data say about themselves; only what the files at hand can show."""
    found = results.inputs
    lines = []
    if found.waves:
        lines.append(_repeated_deficit(found.waves))
        above = sum((w.overshoot for w in found.waves if w.overshoot > 0), ZERO)
        below = sum((w.overshoot for w in found.waves if w.overshoot < 0), ZERO)
        lines.append(
            f"The published overshoot of {_usd(above + below)} nets {_usd(above)} of waves that"
            f" removed more than was needed against {_usd(-below)} of"
            f" {sum(w.overshoot < 0 for w in found.waves)} waves that removed less."
        )
    if found.shocks and results.totals:
        lines.append(_largest_shock(found.shocks, results.totals))
    if found.accounts:
        lines += _accounts(found.accounts)
    if found.closed_by_side:
        sides = found.closed_by_side
        lines.append(
            f"In BTC and SOL {sides['SHORT']:,} shorts and {sides['LONG']:,} longs were"
            " deleveraged: the model's one side is nearly everybody's."
        )
    return lines


def _repeated_deficit(published: list[inputs.Wave]) -> str:
    total = sum((wave.deficit for wave in published), ZERO)
    largest = max(wave.largest_deficit for wave in published)
    times = sum(wave.largest_deficit == largest for wave in published)
    return (
        f"The published deficits add up to {_usd(total)}, but {times} of {len(published)} waves"
        f" hold one of {_usd(largest)}, equal to the last digit; with it counted once they are"
        f" {_usd(total - (times - 1) * largest)}."
    )


def _largest_shock(rows: list[inputs.Shock], sums: ShockTotals) -> str:
    top = max(rows, key=lambda shock: shock.deficit)
    share = 100 * top.deficit / sums.deficit if sums.deficit else ZERO
    return (
        f"One shock ({top.coin}, {clock(top.start_ms)}) has {_usd(top.deficit)} of the"
        f" {_usd(sums.deficit)} of deficits ({share:.0f} %), and a capacity of"
        f" {_usd(top.capacity)}: no policy can cover it."
    )


def _accounts(accounts: list[inputs.Account]) -> list[str]:
    negative = [account for account in accounts if account.is_negative]
    beyond = sum(account.cash > 0 and account.profit > account.cash for account in accounts)
    return [
        f"{len(negative):,} of {len(accounts):,} accounts are marked as negative, with"
        f" {sum(account.events for account in negative):,} closures between them.",
        f"{beyond:,} accounts have cash, but less than their profit: before it their wallet was"
        " negative. Binance's ranking divides by at least 1 USD and so puts them first.",
    ]


def _usd(amount: Decimal) -> str:
    return f"{whole(amount)} USD"


def as_json(results: Results) -> str:
    """Everything, numbers as numbers; null where a file is missing."""
    shocks_out = None if results.shocks is None else [
        {"cause": shock_cause(row)} | _plain(row.shock._asdict()) | _plain(
            {"taken": row.taken, "uncovered": row.uncovered}
        )
        for row in results.shocks
    ]  # fmt: skip
    content = {
        "not_available": results.missing,
        "totals": _plain(results.totals._asdict()) if results.totals else None,
        "outside_the_waves": _plain(results.outside._asdict()) if results.outside else None,
        "comparisons": [
            _plain(row._asdict() | {"difference": row.difference}) for row in results.comparisons
        ],
        "shocks": shocks_out,
        "model_shock_by_shock": _paid(results.paid),
        "model_one_pool": _paid(results.paid_at_once),
        "findings": findings(results),
    }
    return json.dumps(content, indent=1) + "\n"


def shock_cause(row: Recomputed) -> str:
    """Why the published queue took something else: its rule does not stop at the deficit."""
    return "rule" if abs(row.shock.queue_taken - row.taken) >= shocks.CENT else "none"


def _paid(rows: list[Paid] | None) -> list[dict[str, Any]] | None:
    return None if rows is None else [_plain(row._asdict()) for row in rows]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _number(value) for name, value in values.items()}


def _number(value: object) -> object:
    if isinstance(value, tuple):
        return [_number(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value
