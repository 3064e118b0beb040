"""Kills, cuts and damage: a tape opens with what is whole and names what is not."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from making import START_NS, bytes_below, candles, contents, liquidations, small_tape
from undertow.errors import DataError
from undertow.tape import Tape, TapeWriter
from undertow.tape.importers.reading import Options, Reading
from undertow.tape.importers.registry import Importer
from undertow.tape.importers.run import import_files

TESTS = Path(__file__).parent

# A writer that kills itself, as kill -9 would, at the named point of its third append.
SUICIDE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import polars as pl
from making import candles
from undertow.tape import Tape, TapeWriter, writer as module

folder, point = Path(sys.argv[2]), sys.argv[3]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
whole = pl.DataFrame.write_parquet

def half(self, file, **options):
    whole(self, file, **options)
    os.truncate(file, file.stat().st_size // 2)
    die()

def half_manifest(folder, manifest):
    (folder / "manifest.json.partial").write_bytes(b'{"kind": "reco')
    die()

made = folder.exists()
with TapeWriter.extend(folder) if made else Tape.create(folder, kind="recorded") as tape:
    for number in (2, 3, 4):
        if number == 4 and point == "in a part":
            pl.DataFrame.write_parquet = half
        if number == 4 and point == "before the manifest":
            module.write_manifest = die
        if number == 4 and point == "in the manifest":
            module.write_manifest = half_manifest
        tape.append("candles", candles(4, start=4 * number))
    if point == "before the end":
        die()
"""
POINTS = ("in a part", "before the manifest", "in the manifest", "before the end")


def run_until_killed(folder: Path, point: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SUICIDE, str(TESTS), str(folder), point],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == -signal.SIGKILL, run.stderr.decode()


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_writer_leaves_what_was_complete(tmp_path: Path, point: str) -> None:
    folder = tmp_path / "tape"
    small_tape(folder, candles=candles(8))
    run_until_killed(folder, point)
    tape = Tape.open(folder)
    closes = tape.candles.collect()["close"].to_list()
    assert closes == [100.0 + n for n in range(20 if point == "before the end" else 16)]
    assert tape.missing == ("writing was cut off: what follows may lack rows",)
    with TapeWriter.extend(folder) as writer:  # the same rows again: what was lost comes back
        writer.append("candles", candles(20))
    whole = Tape.open(folder)
    assert whole.candles.collect()["close"].to_list() == [100.0 + n for n in range(20)]
    assert whole.missing == ()
    assert whole.manifest.history == ["an earlier writer was cut off: its rows may be incomplete"]


def test_a_new_tape_whose_writer_was_killed_opens(tmp_path: Path) -> None:
    run_until_killed(tmp_path / "tape", "in a part")
    tape = Tape.open(tmp_path / "tape")
    assert tape.candles.collect().height == 8
    assert tape.missing == ("writing was cut off: what follows may lack rows",)
    saved = tape.save(tmp_path / "saved")
    assert saved.missing == ()
    assert saved.manifest.history == [f"tape: {tape.missing[0]}"]


# A writer that adds one bar after the other until it is killed from outside.
ENDLESS = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from making import candles
from undertow.tape import Tape

with Tape.create(Path(sys.argv[2]), kind="recorded") as tape:
    for number in range(100_000):
        tape.append("candles", candles(1, start=number))
        print(number, flush=True)
"""


@pytest.mark.parametrize("after", [0, 3, 11])
def test_a_kill_from_outside_loses_nothing_that_was_appended(tmp_path: Path, after: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(TESTS), str(tmp_path / "tape")],
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        told = [int(line) for line in itertools.islice(process.stdout, after + 1)]
        process.kill()
        told += [int(line) for line in process.stdout]
    closes = Tape.open(tmp_path / "tape").candles.collect()["close"].to_list()
    assert closes == [100.0 + n for n in range(len(closes))]
    assert len(closes) >= len(told) > after


def two_parts(folder: Path) -> tuple[Path, Path]:
    small_tape(folder, candles=candles(6))
    with TapeWriter.extend(folder) as writer:
        writer.append("candles", candles(6, start=6))
    first, second = sorted((folder / "candles").iterdir())
    return first, second


def test_a_truncated_part_is_left_out_and_named(tmp_path: Path) -> None:
    _, second = two_parts(tmp_path / "tape")
    size = second.stat().st_size
    second.write_bytes(second.read_bytes()[:-100])
    tape = Tape.open(tmp_path / "tape")
    assert tape.candles.collect()["close"].to_list() == [100.0 + n for n in range(6)]
    assert tape.missing == (
        f"candles/000002.parquet has {size - 100} bytes instead of {size}"
        " (6 rows, 2025-11-04T00:30:00Z to 2025-11-04T00:55:00Z)",
    )


def test_a_part_of_the_right_size_and_no_content_is_left_out(tmp_path: Path) -> None:
    first, _ = two_parts(tmp_path / "tape")
    first.write_bytes(bytes(first.stat().st_size))
    tape = Tape.open(tmp_path / "tape")
    assert tape.candles.collect()["close"].to_list() == [106.0 + n for n in range(6)]
    assert [text.split(" (")[0] for text in tape.missing] == ["candles/000001.parquet is damaged"]


def test_a_deleted_part_is_named(tmp_path: Path) -> None:
    first, second = two_parts(tmp_path / "tape")
    first.unlink()
    second.unlink()
    tape = Tape.open(tmp_path / "tape")
    assert tape.candles.collect().is_empty()
    assert [text.split(" (")[0] for text in tape.missing] == [
        "candles/000001.parquet is not there",
        "candles/000002.parquet is not there",
    ]


def test_leftovers_are_not_read(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape")
    orphan = tmp_path / "tape" / "candles" / "000002.parquet"
    candles(3, start=50).write_parquet(orphan)
    (orphan.parent / "000003.parquet.partial").write_bytes(b"PAR1 half")
    (tmp_path / "tape" / "manifest.json.partial").write_bytes(b"{")
    again = Tape.open(tmp_path / "tape")
    assert again.missing == ()
    assert contents(again) == contents(tape)
    with TapeWriter.extend(tmp_path / "tape") as writer:
        writer.append("candles", candles(3, start=12))
    assert Tape.open(tmp_path / "tape").candles.collect().height == 15


def test_an_error_while_writing_leaves_the_old_tape_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    small_tape(folder)
    pretty = (folder / "manifest.json").read_text().replace("\n", "\n\n")
    (folder / "manifest.json").write_text(pretty)  # a layout that our writer does not make
    before = bytes_below(folder)
    for error in (RuntimeError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error), TapeWriter.extend(folder) as writer:
            writer.append("candles", candles(3, start=12))
            writer.append("liquidations", liquidations(3))
            raise error
        assert bytes_below(folder) == before


def test_an_error_while_writing_a_new_tape_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("tape", "empty"):
        with (
            pytest.raises(RuntimeError),
            Tape.create(tmp_path / name, kind="recorded") as writer,
        ):
            writer.append("candles", candles(3))
            raise RuntimeError
    assert bytes_below(tmp_path) == {"empty": b""}


def test_a_full_disk_leaves_the_old_tape_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_tape(tmp_path / "tape")
    before = bytes_below(tmp_path / "tape")

    def half(self: pl.DataFrame, file: Path, **_: object) -> None:
        file.write_bytes(b"PAR1 half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", half)
    with pytest.raises(OSError, match="No space"), TapeWriter.extend(tmp_path / "tape") as writer:
        writer.append("candles", candles(3, start=12))
    assert bytes_below(tmp_path / "tape") == before


def test_an_import_writes_all_of_its_files_or_none(tmp_path: Path) -> None:
    frames = {"a": candles(3), "b": candles(3).with_columns(close=pl.lit(1.0)), "c": candles(0)}
    importer = Importer(
        name="made",
        summary="",
        tables=("candles",),
        example="",
        read=lambda path, options: Reading({"candles": frames[path.name]}),
    )
    for name in frames:
        (tmp_path / name).write_text(name)
    out = tmp_path / "tape"
    with pytest.raises(DataError, match="b: table 'candles' already holds another row"):
        import_files(importer, [tmp_path / "a", tmp_path / "b"], out, Options())
    assert not out.exists()
    with pytest.raises(DataError, match="c: nothing was read"):
        import_files(importer, [tmp_path / "a", tmp_path / "c"], out, Options())
    assert not out.exists()
    results = import_files(importer, [tmp_path / "a"], out, Options(venue="okx"))
    assert [(result.rows, result.known) for result in results] == [({"candles": 3}, 0)]
    again = import_files(importer, [tmp_path / "a"], out, Options(venue="okx"))
    assert [(result.rows, result.known) for result in again] == [({"candles": 0}, 3)]
    (source,) = Tape.open(out).manifest.sources
    assert (source.name, source.rows, source.options) == ("a", 3, {"venue": "okx"})


def test_readers_never_see_half_of_what_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "tape"
    small_tape(folder, candles=candles(1))
    done = threading.Event()
    heights: list[int] = []
    problems: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                tape = Tape.open(folder)
                closes = tape.candles.collect()["close"].to_list()
                assert closes == [100.0 + n for n in range(len(closes))]
                assert len(closes) == tape.manifest.rows("candles")
                assert all(text.startswith("writing was cut off") for text in tape.missing)
                heights.append(len(closes))
        except BaseException as problem:
            problems.append(problem)

    reader = threading.Thread(target=read)
    reader.start()
    with TapeWriter.extend(folder) as writer:
        for number in range(1, 60):
            writer.append("candles", candles(1, start=number))
    done.set()
    reader.join()
    assert problems == []
    assert heights == sorted(heights)
    assert len(set(heights)) > 3, "the reader must have looked while the writer wrote"


def spoil_row_groups(file: Path, spared: int) -> int:
    """Overwrite the data of all row groups but one with rubbish; return how many there are."""
    import duckdb

    groups = duckdb.execute(
        "SELECT row_group_id, least(dictionary_page_offset, data_page_offset),"
        " data_page_offset, total_compressed_size FROM parquet_metadata(?)",
        [str(file)],
    ).fetchall()
    content = bytearray(file.read_bytes())
    for group, first, data, size in groups:
        if group != spared:
            start = first or data
            content[start : start + size] = b"\xa5" * size
    file.write_bytes(content)
    return len({group for group, *_ in groups})


@pytest.mark.parametrize("spared", [0, 1, 3])
def test_a_slice_reads_only_the_row_groups_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spared: int
) -> None:
    monkeypatch.setattr("undertow.tape.writer.ROW_GROUP_ROWS", 1000)
    tape = small_tape(tmp_path / "tape", liquidations=liquidations(4000))
    (file,) = (tmp_path / "tape" / "liquidations").iterdir()
    assert spoil_row_groups(file, spared) == 4
    start_ns = START_NS + spared * 1000 * 60_000_000_000
    view = tape.slice(start_ns, start_ns + 1000 * 60_000_000_000)
    assert view.missing == ()
    assert view.liquidations.collect()["usd"].to_list() == [
        1000.0 + n for n in range(spared * 1000, spared * 1000 + 1000)
    ]
    with pytest.raises(pl.exceptions.ComputeError):
        tape.liquidations.collect()


def test_a_slice_opens_only_the_parts_that_it_needs(tmp_path: Path) -> None:
    first, _ = two_parts(tmp_path / "tape")
    tape = Tape.open(tmp_path / "tape")
    first.unlink()
    late = tape.slice("2025-11-04T00:30:00Z")
    assert late.candles.collect()["close"].to_list() == [106.0 + n for n in range(6)]
    with pytest.raises(FileNotFoundError):
        tape.candles.collect()
