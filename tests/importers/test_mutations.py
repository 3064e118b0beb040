"""Real files, broken on purpose: each is refused by name, and nothing is left on disk.

To put another importer to this test, cut a few hundred rows from a real file of it, put them
under ``tests/data`` and add a line to ``CASES``.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from undertow.errors import DataError
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.content import read_rows
from undertow.tape.importers.reading import BadRows, Options
from undertow.tape.importers.run import import_files

DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True)
class Case:
    """One kind of file: a real excerpt, and how its rows may break.

    ``time`` and ``number`` are columns that must hold a time and a number; ``unit`` is how times
    are written (``ms``, ``s``, or a format of ``strptime``), ``step_s`` how far apart rows are.
    ``outside`` are numbers that cannot be; ``blames`` is the column that such a row is blamed on.
    """

    kind: str
    file: str
    time: str
    unit: str
    step_s: int
    number: str
    outside: tuple[str, ...]
    series: tuple[str, ...] = ()
    blames: str | None = None
    may_be_empty: bool = False

    def text_of(self, when: datetime, unit: str | None = None) -> str:
        unit = unit or self.unit
        scale = {"s": 1, "ms": 1_000}.get(unit)
        return when.strftime(unit) if scale is None else str(round(when.timestamp() * scale))

    def time_of(self, text: str) -> datetime:
        scale = {"s": 1, "ms": 1_000}.get(self.unit)
        if scale is None:
            return datetime.strptime(text, self.unit).replace(tzinfo=UTC)
        return datetime.fromtimestamp(int(text) / scale, UTC)


CASES = [
    Case("candles", "time_series/candles_5m.csv", "timestamp", "ms", 300, "close",
         ("0", "-1.5"), series=("symbol",)),
    Case("funding", "time_series/funding_crossvenue.csv", "timestamp", "%Y-%m-%dT%H:%M:%S.%fZ",
         3600, "funding_rate", ("1.5", "-1"), series=("venue", "coin")),
    Case("funding", "time_series/funding_coinalyze.csv", "timestamp", "s", 86_400,
         "funding_rate", ("100", "-250"), series=("symbol",)),
    Case("open-interest", "time_series/open_interest_coinalyze.csv", "timestamp", "s", 86_400,
         "oi_close", ("-1",), series=("symbol",)),
    Case("fear-greed", "time_series/fear_greed.csv", "date", "%Y-%m-%d", 86_400, "fng",
         ("-1", "100.5")),
    Case("etf-flows", "time_series/etf_flows_btc.csv", "Date", "%d %b %Y", 86_400, "IBIT",
         ("98765.4",), blames="Total", may_be_empty=True),
]  # fmt: skip
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: Path(case.file).stem)

Row = list[str]


class Line(NamedTuple):
    """A line of a broken file: its fields, and what is wrong with it (None: nothing)."""

    fields: Row
    column: str | None = None
    is_bad: bool = False


Mutation = Callable[[Case, Row, list[Row], int, random.Random], list[Line]]


def _with(row: Row, header: Row, column: str, value: str) -> Row:
    return [value if name == column else field for name, field in zip(header, row, strict=True)]


def _same_series(case: Case, header: Row, rows: list[Row], index: int) -> list[Row]:
    places = [header.index(name) for name in case.series]
    return [row for row in rows if all(row[place] == rows[index][place] for place in places)]


def bad_number(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    values = ["1.2.3", "n/a", "0x1F", "1e999", "nan", "inf", "12 34", *[""][case.may_be_empty :]]
    row = _with(rows[index], header, case.number, dice.choice(values))
    return [Line(row, case.number, True)]


def number_outside(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    row = _with(rows[index], header, case.number, dice.choice(case.outside))
    return [Line(row, case.blames or case.number, True)]


def bad_time(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    value = dice.choice(["yesterday", "", "2025-13-45", "12:00", "-5", "1.5e12", "20251104"])
    return [Line(_with(rows[index], header, case.time, value), case.time, True)]


def wrong_unit(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    when = case.time_of(rows[index][header.index(case.time)])
    unit = "ms" if case.unit == "s" else "s"
    row = _with(rows[index], header, case.time, case.text_of(when, unit))
    return [Line(row, case.time, True)]


def duplicate(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    return [Line(rows[index]), Line(rows[index], case.time, True)]


def time_goes_back(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    place = header.index(case.time)
    first = case.time_of(_same_series(case, header, rows, index)[0][place]).timestamp()
    when = datetime.fromtimestamp(first - case.step_s * dice.randint(1, 50), UTC)
    return [Line(_with(rows[index], header, case.time, case.text_of(when)), case.time, True)]


def too_few_fields(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    return [Line(rows[index][:-1], None, True)]


def too_many_fields(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    return [Line([*rows[index], "1"], None, True)]


def crossed_bar(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    high, low = (rows[index][header.index(name)] for name in ("high", "low"))
    assume(high != low)
    row = _with(_with(rows[index], header, "high", low), header, "low", high)
    return [Line(row, "high", True)]


def between_bars(case: Case, header: Row, rows: list[Row], index: int, dice: random.Random):
    when = int(rows[index][header.index(case.time)]) + 1_000 * dice.randint(1, case.step_s - 1)
    return [Line(_with(rows[index], header, case.time, str(when)), case.time, True)]


ANY_FILE: list[Mutation] = [
    bad_number, number_outside, bad_time, wrong_unit, duplicate, time_goes_back, too_few_fields,
    too_many_fields,
]  # fmt: skip
BARS: list[Mutation] = [crossed_bar, between_bars]


def mutations_of(case: Case) -> list[Mutation]:
    return ANY_FILE + BARS * (case.kind == "candles")


@dataclass(frozen=True)
class Style:
    """How a file is written: none of this may change what is read, nor confuse row numbers."""

    newline: str = "\n"
    has_mark: bool = False
    is_quoted: bool = False
    endings: int = 1  # line ends after the last line
    blanks: frozenset[int] = frozenset()  # before which lines an empty one stands

    def write(self, path: Path, lines: list[Row]) -> dict[int, int]:
        """Write the file; where each line ended up, counted from 1."""
        out, numbers = [], {}
        for place, fields in enumerate(lines):
            if place in self.blanks:
                out.append("")
            out.append(",".join(f'"{field}"' if self.is_quoted else field for field in fields))
            numbers[place] = len(out)
        text = self.newline.join(out) + self.newline * self.endings
        path.write_bytes(text.encode("utf-8-sig" if self.has_mark else "utf-8"))
        return numbers


styles = st.builds(
    Style,
    newline=st.sampled_from(["\n", "\r\n"]),
    has_mark=st.booleans(),
    is_quoted=st.booleans(),
    endings=st.integers(0, 3),
    blanks=st.one_of(st.just(frozenset()), st.frozensets(st.integers(0, 60), max_size=3)),
)


@cache
def excerpt(case: Case) -> tuple[Row, list[Row]]:
    with (DATA / case.file).open(encoding="utf-8", newline="") as handle:
        header, *rows = list(csv.reader(handle))
    return header, rows


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder of its own for each example of a property."""
    with TemporaryDirectory() as folder:
        yield Path(folder)


def frames_of(case: Case, path: Path, out: Path, skip_bad: int = 0) -> dict[str, pl.DataFrame]:
    importer = importer_named(case.kind)
    import_files(importer, [path], out, Options(skip_bad=skip_bad))
    tape = Tape.open(out)
    return {name: tape.table(name).collect() for name in importer.tables if tape.has(name)}


def same(left: dict[str, pl.DataFrame], right: dict[str, pl.DataFrame]) -> bool:
    assert left.keys() == right.keys()
    for name, frame in left.items():
        assert_frame_equal(frame, right[name], categorical_as_str=True)
    return True


def refused(case: Case, path: Path, out: Path, skip_bad: int = 0) -> DataError:
    """The error, having seen that nothing was left behind."""
    with pytest.raises(DataError) as caught:
        frames_of(case, path, out, skip_bad)
    assert not out.exists()
    assert caught.value.file == str(path)
    assert str(path) in str(caught.value)
    return caught.value


def broken(case: Case, chosen: dict[int, Mutation], seed: int) -> tuple[list[Line], Row]:
    """The lines of the excerpt with mutations at some rows."""
    header, rows = excerpt(case)
    lines: list[Line] = []
    for index, row in enumerate(rows):
        mutate = chosen.get(index)
        dice = random.Random(f"{seed} {index}")
        lines += [Line(row)] if mutate is None else mutate(case, header, rows, index, dice)
    return lines, header


@cache
def breakable(case: Case) -> list[int]:
    """Rows that have an earlier one of their series, so that time can go back in them."""
    header, rows = excerpt(case)
    places = [header.index(name) for name in case.series]
    seen: set[tuple[str, ...]] = set()
    later = []
    for index, row in enumerate(rows):
        name = tuple(row[place] for place in places)
        if name in seen:
            later.append(index)
        seen.add(name)
    return later


def choices(case: Case, *, at_most: int) -> st.SearchStrategy[dict[int, Mutation]]:
    return st.dictionaries(
        st.sampled_from(breakable(case)), st.sampled_from(mutations_of(case)),
        min_size=1, max_size=at_most,
    )  # fmt: skip


@each_case
@settings(max_examples=20)
@given(data=st.data(), style=styles, seed=st.integers(0, 999))
def test_the_first_bad_row_is_named(case, data, style, seed):
    lines, header = broken(case, data.draw(choices(case, at_most=1)), seed)
    with fresh_folder() as folder:
        path = folder / Path(case.file).name
        numbers = style.write(path, [header, *[line.fields for line in lines]])
        (place,) = [place for place, line in enumerate(lines, 1) if line.is_bad]

        error = refused(case, path, folder / "out")

        assert (error.row, error.column) == (numbers[place], lines[place - 1].column)
        assert "expected" in error.message


@each_case
@settings(max_examples=10)
@given(data=st.data(), style=styles, seed=st.integers(0, 999))
def test_skip_bad_keeps_exactly_the_good_rows(case, data, style, seed):
    lines, header = broken(case, data.draw(choices(case, at_most=4)), seed)
    with fresh_folder() as folder:
        path = folder / Path(case.file).name
        numbers = style.write(path, [header, *[line.fields for line in lines]])
        places = [place for place, line in enumerate(lines, 1) if line.is_bad]
        good = folder / "good" / path.name
        good.parent.mkdir()
        Style().write(good, [header, *[line.fields for line in lines if not line.is_bad]])

        refused(case, path, folder / "too_few", skip_bad=len(places) - 1)
        kept = frames_of(case, path, folder / "out", skip_bad=len(places))

        assert same(kept, frames_of(case, good, folder / "expected"))
        (source,) = Tape.open(folder / "out").manifest.sources
        rows = sorted(int(line.removeprefix("row ").split(":")[0]) for line in source.dropped)
        assert rows == sorted(numbers[place] for place in places)
        assert source.options["skip_bad"] == str(len(places))


@each_case
@settings(max_examples=6)
@given(style=styles)
def test_the_style_of_a_file_does_not_matter(case, style):
    header, rows = excerpt(case)
    with fresh_folder() as folder:
        path = folder / Path(case.file).name
        style.write(path, [header, *rows])

        styled = frames_of(case, path, folder / "out")

        assert same(styled, frames_of(case, DATA / case.file, folder / "expected"))


@each_case
def test_packed_files_and_parquet_read_the_same(case, tmp_path):
    plain = frames_of(case, DATA / case.file, tmp_path / "plain")
    for path in packed(case, tmp_path).values():
        assert same(frames_of(case, path, tmp_path / path.suffix), plain)


def packed(case: Case, folder: Path) -> dict[str, Path]:
    """The excerpt as gzip, as zip and as Parquet with typed columns."""
    name, raw = Path(case.file).name, (DATA / case.file).read_bytes()
    paths = {end: folder / f"{name}.{end}" for end in ("gz", "zip", "parquet")}
    paths["gz"].write_bytes(gzip.compress(raw, mtime=0))
    with zipfile.ZipFile(paths["zip"], "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, raw)
    pl.read_csv(raw, infer_schema_length=None).write_parquet(paths["parquet"])
    return paths


@pytest.mark.parametrize("end", ["gz", "zip", "parquet"])
@each_case
@settings(max_examples=5)
@given(share=st.floats(0.0, 1.0))
def test_a_cut_off_file_is_refused(case, end, share):
    with fresh_folder() as folder:
        path = packed(case, folder)[end]
        raw = path.read_bytes()
        path.write_bytes(raw[: max(4, min(int(share * len(raw)), len(raw) - 1))])

        error = refused(case, path, folder / "out", skip_bad=1_000)

        word = {"gz": "truncated", "zip": "archive", "parquet": "whole Parquet"}[end]
        assert word in error.message


@pytest.mark.parametrize("end", ["gz", "zip"])
@settings(max_examples=30)
@given(where=st.integers(0, 10**6), byte=st.integers(1, 255))
def test_a_damaged_archive_is_refused_or_reads_the_same(end, where, byte):
    case = next(case for case in CASES if case.kind == "fear-greed")
    with fresh_folder() as folder:
        path = packed(case, folder)[end]
        raw = bytearray(path.read_bytes())
        raw[where % len(raw)] ^= byte
        path.write_bytes(raw)
        try:
            frames = frames_of(case, path, folder / "out")
        except DataError as error:
            assert error.file == str(path)
            assert not (folder / "out").exists()
        else:
            assert same(frames, frames_of(case, DATA / case.file, folder / "expected"))


@each_case
@settings(max_examples=10)
@given(data=st.data())
def test_text_that_is_not_utf8_is_refused_with_its_row(case, data):
    with fresh_folder() as folder:
        path = folder / Path(case.file).name
        lines = (DATA / case.file).read_bytes().splitlines()
        row = data.draw(st.integers(1, len(lines)))
        lines[row - 1] += b"\xe9"
        path.write_bytes(b"\n".join(lines))

        error = refused(case, path, folder / "out", skip_bad=1_000)

        assert error.row == row
        assert "UTF-8" in error.message


@each_case
def test_a_missing_column_is_named(case, tmp_path):
    header, rows = excerpt(case)
    for column in (case.time, case.number):
        if case.kind == "etf-flows" and column == case.number:
            continue  # any fund may be absent; the sum then tells, see below
        gone = {column, "date"} if column == case.time else {column}  # a date would do as a time
        path = tmp_path / f"without_{column}.csv"
        kept = [place for place, name in enumerate(header) if name not in gone]
        Style().write(path, [[row[place] for place in kept] for row in [header, *rows]])
        error = refused(case, path, tmp_path / "out", skip_bad=1_000)
        assert "expected a column" in error.message
        assert error.row == 1
        assert error.column is not None


def test_an_etf_table_without_one_fund_does_not_add_up(tmp_path):
    case = next(case for case in CASES if case.kind == "etf-flows")
    header, rows = excerpt(case)
    path = tmp_path / "etf_flows_btc.csv"
    Style().write(path, [[row[0], *row[2:]] for row in [header, *rows]])
    error = refused(case, path, tmp_path / "out")
    assert error.column == "Total"
    assert "sum of the funds" in error.message


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \r\n", b"\xef\xbb\xbf"])
@each_case
def test_an_empty_file_is_refused(case, content, tmp_path):
    path = tmp_path / Path(case.file).name
    path.write_bytes(content)
    assert "empty" in refused(case, path, tmp_path / "out").message


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n\n"])
@each_case
def test_a_file_of_headings_alone_is_refused(case, ending, tmp_path):
    header, _ = excerpt(case)
    path = tmp_path / Path(case.file).name
    path.write_text(",".join(header) + ending, newline="")
    assert "no rows" in refused(case, path, tmp_path / "out", skip_bad=5).message


@each_case
def test_a_bad_file_among_good_ones_leaves_nothing(case, tmp_path):
    lines, header = broken(case, {breakable(case)[0]: bad_time}, 1)
    path = tmp_path / "bad.csv"
    Style().write(path, [header, *[line.fields for line in lines]])
    out = tmp_path / "out"
    with pytest.raises(DataError):
        import_files(importer_named(case.kind), [DATA / case.file, path], out, Options())
    assert not out.exists()


@each_case
def test_a_bad_file_leaves_an_existing_tape_as_it_was(case, tmp_path):
    out = tmp_path / "out"
    frames_of(case, DATA / case.file, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    lines, header = broken(case, {breakable(case)[0]: bad_number}, 1)
    path = tmp_path / "bad.csv"
    Style().write(path, [header, *[line.fields for line in lines]])
    with pytest.raises(DataError):
        frames_of(case, path, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@each_case
def test_the_command_line_says_so_in_one_line_and_exits_with_2(case, undertow, tmp_path):
    lines, header = broken(case, {breakable(case)[-1]: bad_number}, 3)
    path = tmp_path / Path(case.file).name
    numbers = Style().write(path, [header, *[line.fields for line in lines]])
    (place,) = [place for place, line in enumerate(lines, 1) if line.is_bad]

    result = undertow("import", case.kind, path, "--out", tmp_path / "out")

    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.strip().count("\n") == 0
    for word in (str(path), f"row {numbers[place]}", f"column '{case.number}'", "expected"):
        assert word in result.stderr
    assert not (tmp_path / "out").exists()

    result = undertow("import", case.kind, path, "--out", tmp_path / "out", "--skip-bad", 1)

    assert result.returncode == 0, result.stderr
    assert f"dropped: row {numbers[place]}: {case.number}" in result.stdout


# The quick way to read a CSV and the careful one: the same rows, the same numbers.

field = st.text(
    st.characters(codec="utf-8", exclude_characters='\r\n,"', exclude_categories=["Cs"]),
    max_size=6,
)


@settings(max_examples=100)
@given(
    width=st.integers(2, 5),
    data=st.data(),
    newline=st.sampled_from(["\n", "\r\n"]),
    endings=st.integers(0, 3),
)
def test_the_quick_reader_and_the_careful_one_agree(width, data, newline, endings):
    header = [f"c{number}" for number in range(width)]
    rows = data.draw(
        st.lists(st.lists(field, min_size=width, max_size=width), min_size=1, max_size=8)
    )
    with fresh_folder() as folder:
        quick, careful = folder / "quick.csv", folder / "careful.csv"
        style = Style(newline=newline, endings=endings)
        style.write(quick, [header, *rows])
        style.write(careful, [[f'"{name}"' for name in header], *rows])  # a quote: the careful way

        frame = read_rows(quick, BadRows(quick))

        assert_frame_equal(frame, read_rows(careful, BadRows(careful)))
        assert frame.rows() == [(number, *row) for number, row in enumerate(rows, 2)]


def test_a_quote_that_is_not_closed_costs_one_row_not_the_rest_of_the_file(tmp_path):
    path = tmp_path / "fear_greed.csv"
    path.write_text('date,fng\n2025-11-01,"33\n2025-11-02,37\n2025-11-03,42\n')
    case = next(case for case in CASES if case.kind == "fear-greed")
    error = refused(case, path, tmp_path / "out")
    assert (error.row, error.value) == (2, '2025-11-01,"33')
    kept = frames_of(case, path, tmp_path / "out", skip_bad=1)["sentiment"]
    assert kept["value"].to_list() == [37.0, 42.0]


def test_lines_that_end_in_carriage_returns_alone_are_lines(tmp_path):
    path = tmp_path / "old_mac.csv"
    path.write_bytes(b"date,fng\r2025-11-03,42\r2025-11-04,21\r")
    rows = read_rows(path, BadRows(path))
    assert rows.rows() == [(2, "2025-11-03", "42"), (3, "2025-11-04", "21")]


def test_an_archive_of_two_files_is_refused(tmp_path):
    path = tmp_path / "two.zip"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.csv", "date,fng\n2025-11-03,42\n")
        archive.writestr("b.csv", "date,fng\n2025-11-04,21\n")
    path.write_bytes(buffer.getvalue())
    case = next(case for case in CASES if case.kind == "fear-greed")
    assert "a zip with 2 files" in refused(case, path, tmp_path / "out").message
