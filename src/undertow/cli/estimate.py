"""Estimate liquidations from a tape's candles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from undertow.cli.app import JsonOption, TapeArgument, app, complain, print_json

if TYPE_CHECKING:
    from undertow.measures.liquidation_estimate import Estimate

MOST_ROWS = 200


@app.command()
def estimate(
    tape: TapeArgument,
    by: Annotated[str, typer.Option(metavar="1h|1d", help="Length of a bucket.")] = "1d",
    as_json: JsonOption = False,
    accounts: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A book of real positions instead of the estimate."),
    ] = None,
) -> None:
    """Estimate liquidations by symbol and bucket from candles (a nowcast, not a forecast)."""
    from undertow.measures.liquidation_estimate import estimate as from_tape
    from undertow.measures.position_book import estimate_positions, read_positions
    from undertow.tape import Tape

    book = None if accounts is None else read_positions(accounts)
    opened = Tape.open(tape)
    for sentence in opened.missing:
        complain(f"{tape}: {sentence}")
    found = from_tape(opened, by=by) if book is None else estimate_positions(opened, book, by=by)
    for sentence in found.used:
        complain(f"used: {sentence}")
    if book is None:
        complain("a nowcast: each bucket uses its own candles and nothing later than its end")
        complain(_accuracy())
    if as_json:
        print_json(_records(found))
    else:
        _print_table(found)


def _accuracy() -> str:
    """How far off the level can be, and how far off such estimates were where that was measured."""
    from undertow.measures.leverage_parameters import MEDIAN_FACTOR_OFF, WORST_DECILE_FACTOR_OFF

    return (
        "the scale is assumed, so that the level can be off by any factor: read it as a shape over"
        " time and symbols (of 23 published sums of August to November 2025 it was a factor"
        f" {MEDIAN_FACTOR_OFF} off in the median and {WORST_DECILE_FACTOR_OFF} in the worst decile,"
        " once one factor was set for the data set; on other markets and times it was not measured)"
    )


def _records(found: Estimate) -> list[dict[str, object]]:
    import polars as pl

    from undertow.model.periods import time_text

    times = [time_text(ts_ns) for ts_ns in found.rows["ts"].cast(pl.Int64)]
    rows = found.rows.drop("ts").rows(named=True)
    return [{"ts": ts, **row} for ts, row in zip(times, rows, strict=True)]


def _print_table(found: Estimate) -> None:
    from undertow.report import terminal

    records = _records(found)
    total: dict[str, object] = {"ts": "all", "symbol": "all"}
    for name in ("long_usd", "short_usd", "total_usd"):
        total[name] = float(found.rows[name].sum())
    shown = [
        [str(value) if isinstance(value, str) else f"{value:,.0f}" for value in record.values()]
        for record in [*records[-MOST_ROWS:], *([total] if len(records) > 1 else [])]
    ]
    amounts = ["long USD", "short USD", "total USD"]
    terminal.console().print(terminal.table(["start", "symbol", *amounts], shown, right=amounts))
    if len(records) > MOST_ROWS:
        complain(
            f"the last {MOST_ROWS} of {len(records):,} rows, and the total of all of them;"
            " --json prints every row"
        )
