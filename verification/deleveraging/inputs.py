"""The published files of 10 October 2025, read as exact decimals; a missing file is None.

`FILES` names them. CSV numbers keep every digit they were printed with; those of a Parquet file
are the shortest decimals of its floats.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

import polars as pl

from undertow.errors import DataError, UndertowError
from undertow.venues.formulas.inputs import number

SHOCKS_FILE = "per_shock_metrics_queue.csv"
WAVES_FILE = "two_pass_equity_delta_by_wave.csv"
POLICIES_FILE = "policy_per_wave_metrics.csv"
TOTALS_FILE = "summary_totals.csv"
HEADLINES_FILE = "headlines.json"
SUMMARY_FILE = "two_pass_equity_delta_summary.json"
DEFICITS_FILE = "bad_debt_loser_waves.csv"
ACCOUNTS_FILE = "adl_by_user.parquet"
SIDES_FILE = "positions_btc_sol.parquet"
FILES = (
    SHOCKS_FILE,
    WAVES_FILE,
    DEFICITS_FILE,
    POLICIES_FILE,
    TOTALS_FILE,
    SUMMARY_FILE,
    HEADLINES_FILE,
    ACCOUNTS_FILE,
    SIDES_FILE,
)

PUBLISHED_POLICIES = ("pr", "pnl_pr", "eq_pr", "vector", "contract_pr", "fixed_point_ilp_integer")


class Shock(NamedTuple):
    """Closures of one coin without a gap of more than 5 s; USD, times in ms since 1970."""

    coin: str
    cluster: int
    start_ms: int
    end_ms: int
    deficit: Decimal
    capacity: Decimal
    queue_taken: Decimal
    queue_overshoot: Decimal
    queue_residual: Decimal


class Wave(NamedTuple):
    """Closures of all coins without a gap of more than 5 s, as published; USD."""

    wave: int
    start_ms: int
    end_ms: int
    deficit: Decimal
    largest_deficit: Decimal
    needed: Decimal
    removed: Decimal
    overshoot: Decimal


class PublishedPolicies(NamedTuple):
    """What the published alternatives raised in a wave, USD; and the largest share of an equity."""

    wave: int
    needed: Decimal
    capacity: Decimal
    raised: dict[str, Decimal]
    largest_share: Decimal


class Account(NamedTuple):
    """One account over the whole event: sums in USD, without time and without coin."""

    account: int
    notional: Decimal
    profit: Decimal
    cash: Decimal
    is_negative: bool
    events: int


class Inputs(NamedTuple):
    """All that is there; None for what is not."""

    shocks: list[Shock] | None
    waves: list[Wave] | None
    policies: list[PublishedPolicies] | None
    totals: dict[str, Decimal] | None
    summary: dict[str, Decimal] | None
    deficits: dict[int, Decimal] | None
    headlines: dict[str, Decimal] | None
    accounts: list[Account] | None
    closed_by_side: dict[str, int] | None


def read_all(folder: Path) -> Inputs:
    """Everything in the folder that is ours.

    Raises
    ------
    UndertowError
        When there is no such folder.
    DataError
        For a file that is there and lacks a column, or holds what is no number.
    """
    if not folder.is_dir():
        raise UndertowError(f"{folder}: no such folder")
    totals = _rows(folder / TOTALS_FILE, lambda row: {
        name: row.number(name) for name in ("total_residual", "total_overshoot")
    })  # fmt: skip
    deficits = _rows(
        folder / DEFICITS_FILE, lambda row: (row.count("wave"), row.amount("deficit_usd"))
    )
    return Inputs(
        shocks=_rows(folder / SHOCKS_FILE, _shock),
        waves=_rows(folder / WAVES_FILE, _wave),
        policies=_rows(folder / POLICIES_FILE, _policies),
        totals=totals[0] if totals else None,
        summary=_summary(folder / SUMMARY_FILE),
        deficits=None if deficits is None else dict(deficits),
        headlines=_headlines(folder / HEADLINES_FILE),
        accounts=_rows(folder / ACCOUNTS_FILE, _account),
        closed_by_side=_closed_by_side(folder / SIDES_FILE),
    )


def missing(folder: Path) -> list[str]:
    """Names of the files that are not there."""
    return [name for name in FILES if not (folder / name).is_file()]


class _Row:
    """A row of a file, which says where it is when it does not hold what is asked for."""

    def __init__(self, path: Path, line: int, values: Mapping[str, object]) -> None:
        self.path, self.line, self.values = path, line, values

    def text(self, column: str) -> str:
        if column not in self.values:
            raise DataError(f"no column '{column}'", file=self.path)
        if self.values[column] is None:
            raise DataError("empty", file=self.path, row=self.line, column=column)
        return str(self.values[column])

    def number(self, column: str) -> Decimal:
        text = self.text(column)
        try:
            return number(text, column)
        except UndertowError:
            raise DataError(
                "expected a number", file=self.path, row=self.line, column=column, value=text
            ) from None

    def amount(self, column: str) -> Decimal:
        value = self.number(column)
        if value < 0:
            raise DataError(
                "expected at least 0", file=self.path, row=self.line, column=column, value=value
            )
        return value

    def count(self, column: str) -> int:
        value = self.amount(column)
        if value != int(value):
            raise DataError(
                "expected a whole number", file=self.path, row=self.line, column=column, value=value
            )
        return int(value)

    def time_ms(self, column: str) -> int:
        text = self.text(column)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise DataError(
                "expected a time", file=self.path, row=self.line, column=column, value=text
            ) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1000)


_Read = TypeVar("_Read")


def _rows(path: Path, parse: Callable[[_Row], _Read]) -> list[_Read] | None:
    if not path.is_file():
        return None
    try:
        frame = (
            pl.read_parquet(path)
            if path.suffix == ".parquet"
            else pl.read_csv(path, infer_schema=False)
        )
        return [parse(_Row(path, line, row)) for line, row in enumerate(frame.to_dicts(), 2)]
    except pl.exceptions.PolarsError as error:
        raise DataError(f"cannot be read: {str(error).splitlines()[0]}", file=path) from None


def _shock(row: _Row) -> Shock:
    return Shock(
        row.text("coin"),
        row.count("cluster_id"),
        row.time_ms("t_start"),
        row.time_ms("t_end"),
        row.amount("deficit_usd"),
        row.amount("total_capacity_usd"),
        row.amount("budget_queue_usd"),
        row.amount("overshoot_queue_usd"),
        row.amount("residual_queue_usd"),
    )


def _wave(row: _Row) -> Wave:
    return Wave(
        row.count("wave"),
        row.count("t_start_ms"),
        row.count("t_end_ms"),
        row.amount("deficit_usd"),
        row.amount("max_loss_usd"),
        row.amount("budget_needed_usd"),
        row.amount("budget_prod_usd"),
        row.number("overshoot_prod_minus_needed_usd"),
    )


def _policies(row: _Row) -> PublishedPolicies:
    return PublishedPolicies(
        row.count("wave"),
        row.amount("budget_needed"),
        row.amount("total_cap"),
        {name: row.amount(f"budget_{name}") for name in PUBLISHED_POLICIES},
        row.amount("max_pct_pr"),
    )


def _account(row: _Row) -> Account:
    return Account(
        row.count("user"),
        row.amount("adl_notional"),
        row.number("closed_pnl"),
        row.number("account_value_realtime"),
        row.text("is_negative_equity") == "True",
        row.count("num_adl_events"),
    )


def _headlines(path: Path) -> dict[str, Decimal] | None:
    ratio = "winner_overcollateralization_equity_over_pnl"
    return _numbers(
        path,
        {
            "overshoot in production": ("headline", "prod_overshoot_vs_needed_usd"),
            "equity per profit, trimmed mean": ("headline", ratio, "trimmed_mean"),
            "naive expected profit closed": ("derived", "naive_expected_pnl_closed_usd"),
        },
    )


def _summary(path: Path) -> dict[str, Decimal] | None:
    return _numbers(
        path,
        {
            "deficit": ("total_deficit_usd",),
            "needed": ("total_budget_needed_usd",),
            "removed": ("total_H_prod_usd",),
            "overshoot": ("total_overshoot_prod_minus_needed_usd",),
        },
    )


def _numbers(path: Path, wanted: Mapping[str, tuple[str, ...]]) -> dict[str, Decimal] | None:
    """Numbers of a JSON file by where they stand in it; None without the file."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except ValueError as error:
        raise DataError(f"no JSON: {error}", file=path) from None
    found = {}
    for name, keys in wanted.items():
        value = content
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        try:
            found[name] = number(value, name)
        except UndertowError:
            raise DataError(
                "expected a number", file=path, column=".".join(keys), value=value
            ) from None
    return found


def _closed_by_side(path: Path) -> dict[str, int] | None:
    """Accounts that were deleveraged in BTC and SOL, by the side they held."""
    rows = _rows(path, lambda row: (row.text("side"), row.text("was_adl") == "True"))
    if rows is None:
        return None
    return {side: rows.count((side, True)) for side in ("LONG", "SHORT")}
