"""The schema says everything once, and the pages that are made from it are up to date."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from undertow.model.schema import TABLES, Table
from undertow.tape import frames

ROOT = Path(__file__).parent.parent
DESIGNED = {
    "candles", "trades", "quotes", "depth", "book", "marks", "funding", "open_interest",
    "liquidations", "accounts", "insurance", "market", "flows", "defi", "sentiment", "events",
    "odds",
}  # fmt: skip


def test_the_tables_are_those_of_the_design() -> None:
    assert set(TABLES) == DESIGNED


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_is_well_formed(table: Table) -> None:
    names = table.column_names
    assert names[0] == "ts"
    assert table.columns[0].type == "time"
    assert len(set(names)) == len(names)
    assert table.key[0] == "ts"
    assert set(table.key) <= set(names)
    series = {c.name for c in table.columns if c.name in ("venue", "symbol") and c.required}
    assert series <= set(table.key)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.meaning
        assert column.unit or column.type in ("category", "text", "int"), column.name


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_an_empty_frame_fits_its_table(table: Table) -> None:
    frame = frames.conform(table, frames.empty(table))
    assert frame.is_empty()
    assert frame.schema == frames.schema_of(table)
    assert frame.schema["ts"] == pl.Datetime("ns", "UTC")


def test_the_reference_pages_are_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "write_docs.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_reference_pages_name_everything() -> None:
    tables = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    for table in TABLES.values():
        assert f"## {table.name}\n\n{table.meaning}\n" in tables
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in tables
