"""Laws of the tape, over many small random tapes."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from making import START_NS, contents
from undertow.model.periods import duration_ns
from undertow.tape import Tape, TapeWriter

SYMBOLS = ("BTCUSDT", "ETHUSDT", "1000PEPEUSDT")
INTERVALS = (None, "1m", "5m", "3m", "1h", "1d")
TIME = pl.Datetime("ns", "UTC")

# Times on a coarse grid, so that equal ones are frequent, and up to a nanosecond beside it.
times_ns = st.builds(
    lambda step, beside: START_NS + step * 60_000_000_000 + beside,
    st.integers(0, 30),
    st.integers(-1, 1),
)


def frame_of(rows: list[tuple[int, str, str | None]]) -> pl.DataFrame:
    """Open interest whose value depends on the key, so that no two rows contradict."""
    return pl.DataFrame(
        {
            "ts": pl.Series([row[0] for row in rows], dtype=pl.Int64).cast(TIME),
            "venue": pl.Series(["bybit"] * len(rows), dtype=pl.String),
            "symbol": pl.Series([row[1] for row in rows], dtype=pl.String),
            "interval": pl.Series([row[2] for row in rows], dtype=pl.String),
            "usd": pl.Series([float(hash_of(row)) for row in rows], dtype=pl.Float64),
        }
    )


def hash_of(row: tuple[int, str, str | None]) -> int:
    return row[0] % 1009 + 7 * SYMBOLS.index(row[1]) + 31 * INTERVALS.index(row[2])


rows = st.lists(
    st.tuples(times_ns, st.sampled_from(SYMBOLS), st.sampled_from(INTERVALS)), max_size=25
)


@settings(max_examples=40)
@given(rows=rows, cuts=st.lists(st.integers(0, 25), max_size=3), data=st.data())
def test_the_order_and_size_of_the_parts_do_not_matter(
    rows: list[tuple[int, str, str | None]], cuts: list[int], data: st.DataObject
) -> None:
    frame = frame_of(rows)
    ends = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    parts = [frame[start:end] for start, end in itertools.pairwise(ends)]
    shuffled = data.draw(st.permutations(parts)) if parts else []
    with tempfile.TemporaryDirectory() as folder:
        at_once = written(Path(folder) / "one", [frame])
        in_parts = written(Path(folder) / "many", shuffled)
        assert contents(in_parts) == contents(at_once)
        assert at_once.manifest.rows("open_interest") == len(set(rows))


def written(folder: Path, parts: list[pl.DataFrame]) -> Tape:
    with Tape.create(folder, kind="recorded"):
        pass
    with TapeWriter.extend(folder) as writer:
        for part in parts:
            writer.append("open_interest", part)
    return Tape.open(folder)


@settings(max_examples=40)
@given(rows=rows, moments=st.lists(times_ns, max_size=3))
def test_slices_join_to_the_whole(
    rows: list[tuple[int, str, str | None]], moments: list[int]
) -> None:
    tape = Tape.from_frames({"open_interest": frame_of(sorted(set(rows), key=repr))})
    bounds = [None, *sorted(moments), None]
    views = [tape.slice(start, end) for start, end in itertools.pairwise(bounds)]
    with tempfile.TemporaryDirectory() as folder:
        assert contents(Tape.concat(views, Path(folder) / "joined")) == contents(tape)


@settings(max_examples=40)
@given(rows=rows, at_ns=times_ns, start_ns=st.none() | times_ns, end_ns=st.none() | times_ns)
def test_a_view_shows_what_was_known_and_all_of_it(
    rows: list[tuple[int, str, str | None]],
    at_ns: int,
    start_ns: int | None,
    end_ns: int | None,
) -> None:
    distinct = sorted(set(rows), key=repr)
    expected = sorted(
        ts
        for ts, _, interval in distinct
        if ts + (duration_ns(interval) if interval else 0) <= at_ns
        and (start_ns is None or ts >= start_ns)
        and (end_ns is None or ts < end_ns)
    )
    with tempfile.TemporaryDirectory() as folder:
        on_disk = written(Path(folder) / "tape", [frame_of(distinct)])
        for tape in (on_disk, Tape.from_frames({"open_interest": frame_of(distinct)})):
            for view in (
                tape.slice(start_ns, end_ns).until(at_ns),
                tape.until(at_ns).slice(start_ns, end_ns),
            ):
                frame = view.open_interest.collect()
                assert frame["ts"].cast(pl.Int64).to_list() == expected
