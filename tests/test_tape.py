"""The tape as a reader and a writer see it."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from making import (
    MINUTE_NS,
    START,
    START_NS,
    bytes_below,
    candles,
    contents,
    liquidations,
    small_tape,
)
from undertow.errors import DataError
from undertow.model.schema import TABLES
from undertow.tape import Source, Tape, TapeWriter

FILE = Source(
    name="btc.csv",
    importer="candles",
    sha256="ab" * 32,
    rows=12,
    licence="CC0",
    dropped=["row 7: high is below low"],
    gaps=["binance-usdm BTCUSDT: 2 rows missing"],
)


def test_a_tape_gives_back_what_was_written(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape", candles=candles(12), liquidations=liquidations(5))
    frame = tape.candles.collect()
    assert frame.columns == list(TABLES["candles"].column_names)
    assert frame["close"].to_list() == [100.0 + number for number in range(12)]
    assert frame["quote_volume"].null_count() == 12
    assert frame.schema["ts"] == pl.Datetime("ns", "UTC")
    assert frame.schema["venue"] == pl.Categorical()
    assert tape.liquidations.collect()["usd"].sum() == 5 * 1000 + 10
    assert (tape.manifest.kind, tape.manifest.title) == ("recorded", "small")
    assert tape.missing == ()


def test_a_table_that_was_not_recorded_has_no_rows_and_says_so(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape")
    assert tape.has("candles")
    assert not tape.has("odds")
    assert tape.odds.collect().columns == list(TABLES["odds"].column_names)
    with pytest.raises(DataError, match=r"no table 'candle' \(did you mean 'candles'\?"):
        tape.table("candle")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_an_attribute(name: str) -> None:
    frame = getattr(Tape.from_frames({}), name).collect()
    assert tuple(frame.columns) == TABLES[name].column_names


def test_rows_are_stored_in_time_order(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape", candles=candles(12).reverse())
    assert tape.candles.collect()["ts"].is_sorted()


def test_times_without_a_zone_are_utc_and_other_zones_are_converted(tmp_path: Path) -> None:
    naive = candles(2).with_columns(pl.col("ts").dt.replace_time_zone(None))
    tokyo = candles(2, start=2).with_columns(pl.col("ts").dt.convert_time_zone("Asia/Tokyo"))
    tape = small_tape(tmp_path / "tape", candles=pl.concat([naive]))
    with TapeWriter.extend(tmp_path / "tape") as writer:
        writer.append("candles", tokyo)
    tape = Tape.open(tmp_path / "tape")
    times_ns = tape.candles.collect()["ts"].cast(pl.Int64).to_list()
    assert times_ns == [START_NS + number * 5 * MINUTE_NS for number in range(4)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.rename({"close": "closing"}), "no column 'closing'.*did you mean 'close'"),
        (lambda f: f.drop("close"), "needs a column 'close'"),
        (lambda f: f.with_columns(close=pl.lit(None)), "empty values in 'close'"),
        (lambda f: f.with_columns(close=pl.lit("dear")), "column 'close': "),
        (lambda f: f.with_columns(ts=pl.lit("yesterday")), "column 'ts': "),
        (
            lambda f: f.with_columns(interval=pl.lit("5x")),
            "column 'interval', value '5x': expected one",
        ),
    ],
)
def test_a_frame_that_does_not_fit_its_table_is_refused(change, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Tape.from_frames({"candles": change(candles(3))})


def test_adding_the_same_rows_twice_adds_none(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape")
    before = contents(tape)
    with TapeWriter.extend(tmp_path / "tape") as writer:
        assert writer.append("candles", candles(12)) == 12
        assert writer.append("candles", candles(14)) == 12
    after = Tape.open(tmp_path / "tape")
    assert contents(after.slice(None, START_NS + 60 * MINUTE_NS)) == before
    assert after.manifest.rows("candles") == 14


def test_rows_with_empty_key_columns_are_known_again(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape", liquidations=liquidations(5))
    with TapeWriter.extend(tmp_path / "tape") as writer:
        assert writer.append("liquidations", liquidations(6)) == 5


def test_a_row_that_repeats_within_a_frame_is_kept_once(tmp_path: Path) -> None:
    with Tape.create(tmp_path / "tape", kind="recorded") as writer:
        assert writer.append("candles", pl.concat([candles(3), candles(2)])) == 2
    assert Tape.open(tmp_path / "tape").manifest.rows("candles") == 3


def test_a_row_that_contradicts_a_stored_one_is_refused(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape")
    before = bytes_below(tmp_path / "tape")
    other = candles(12).with_columns(close=pl.col("close") + 0.25)
    message = (
        r"table 'candles' already holds another row for 2025-11-04T00:00:00Z, venue binance-usdm,"
        r" symbol BTCUSDT, interval 5m: close 100.25 \(stored: 100.0\)"
    )
    with pytest.raises(DataError, match=message), TapeWriter.extend(tmp_path / "tape") as writer:
        writer.append("candles", candles(3, start=20))
        writer.append("candles", other)
    assert bytes_below(tmp_path / "tape") == before
    assert contents(Tape.open(tmp_path / "tape")) == contents(tape)


def test_two_rows_of_one_frame_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    both = pl.concat([candles(3), candles(3).with_columns(close=pl.lit(7.0))])
    with (
        pytest.raises(DataError, match=r"has two rows for 2025-11-04T00:00:00Z.*close 7.0"),
        Tape.create(tmp_path / "tape", kind="recorded") as writer,
    ):
        writer.append("candles", both)
    assert not (tmp_path / "tape").exists()


def test_a_slice_takes_its_start_and_leaves_its_end(tmp_path: Path) -> None:
    on_disk = small_tape(tmp_path / "tape")
    for tape in (on_disk, Tape.from_frames({"candles": candles(12)})):
        cut = tape.slice("2025-11-04T00:10:00Z", "2025-11-04T00:25")
        assert cut.candles.collect()["close"].to_list() == [102.0, 103.0, 104.0]
        assert cut.slice(None, "2025-11-04T00:15Z").candles.collect()["close"].to_list() == [102.0]
        assert cut.slice(START, None).candles.collect().height == 3
        assert cut.slice("2025-11-05").candles.collect().is_empty()
        assert tape.candles.collect().height == 12


def test_a_bar_is_known_at_its_end(tmp_path: Path) -> None:
    frame = candles(4).with_columns(interval=pl.Series(["5m", "30m", "1h", "5m"]))
    on_disk = small_tape(tmp_path / "tape", candles=frame, liquidations=liquidations(61))
    in_memory = Tape.from_frames({"candles": frame, "liquidations": liquidations(61)})
    for tape in (on_disk, in_memory):
        closes = [
            tape.until(START_NS + minute * MINUTE_NS).candles.collect()["close"].to_list()
            for minute in (4, 5, 19, 20, 34, 35, 69, 70)
        ]
        assert closes == [
            [], [100.0], [100.0], [100.0, 103.0], [100.0, 103.0], [100.0, 101.0, 103.0],
            [100.0, 101.0, 103.0], [100.0, 101.0, 102.0, 103.0],
        ]  # fmt: skip
        known = tape.until("2025-11-04T00:30Z")
        assert known.liquidations.collect().height == 31
        assert known.until("2025-11-04T23:00Z").liquidations.collect().height == 31
        assert tape.until(None) is tape


def test_the_default_moment_is_when_everything_was_known(tmp_path: Path) -> None:
    tape = small_tape(tmp_path / "tape")
    end_ns = START_NS + 60 * MINUTE_NS
    assert tape.default_at_ns() == end_ns
    assert tape.until(tape.default_at_ns()).candles.collect().height == 12
    assert tape.until("2025-11-04T00:30").default_at_ns() == START_NS + 30 * MINUTE_NS
    with pytest.raises(DataError, match="no rows"):
        tape.slice("2030-01-01").default_at_ns()
    with pytest.raises(DataError, match="no rows"):
        Tape.from_frames({}).default_at_ns()
    late = liquidations(1).with_columns(ts=pl.col("ts") + pl.duration(nanoseconds=1))
    exact = Tape.from_frames({"liquidations": late})
    assert exact.until(exact.default_at_ns()).liquidations.collect().height == 1


def test_saving_a_view_keeps_its_provenance_and_says_what_was_cut(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    with TapeWriter.extend(tmp_path / "tape") as writer:
        writer.add_source(FILE)
        writer.add_history("by hand")
        writer.set_moment(START_NS + 50 * MINUTE_NS)
    view = Tape.open(tmp_path / "tape").slice("2025-11-04T00:10Z").until("2025-11-04T00:30Z")
    saved = view.save(tmp_path / "cut")
    assert saved.candles.collect()["close"].to_list() == [102.0, 103.0, 104.0, 105.0]
    assert saved.manifest.sources == [FILE]
    assert saved.manifest.history == [
        "by hand",
        "tape: from 2025-11-04T00:10:00Z known at 2025-11-04T00:30:00Z",
    ]
    assert saved.default_at_ns() == view.default_at_ns() == START_NS + 30 * MINUTE_NS


def test_joining_keeps_rows_once_and_all_sources(tmp_path: Path) -> None:
    whole = small_tape(tmp_path / "whole", candles=candles(12), liquidations=liquidations(5))
    with Tape.create(tmp_path / "other", kind="recorded") as writer:
        writer.append("candles", candles(12, symbol="ETHUSDT"))
        writer.append("candles", candles(6))
        writer.add_source(FILE)
    joined = Tape.concat([whole, Tape.open(tmp_path / "other")], tmp_path / "joined")
    assert joined.manifest.rows("candles") == 24
    assert joined.manifest.rows("liquidations") == 5
    assert joined.manifest.sources == [FILE]
    assert joined.manifest.history == ["joined: whole", "joined: other"]


def test_slices_join_to_the_whole(tmp_path: Path) -> None:
    whole = small_tape(tmp_path / "whole", candles=candles(12), liquidations=liquidations(60))
    middle = "2025-11-04T00:22:30Z"
    parts = [whole.slice(middle, None), whole.slice(None, middle)]
    assert contents(Tape.concat(parts, tmp_path / "joined")) == contents(whole)


def test_a_tape_in_memory_can_be_saved(tmp_path: Path) -> None:
    tape = Tape.from_frames({"candles": candles(12)})
    assert contents(tape.save(tmp_path / "tape")) == contents(tape)


def test_tapes_that_do_not_belong_together_are_not_joined(tmp_path: Path) -> None:
    recorded = small_tape(tmp_path / "recorded")
    imported = Tape.from_frames({"candles": candles(3)}, kind="imported")
    with pytest.raises(DataError, match="different kinds: imported, recorded"):
        Tape.concat([recorded, imported], tmp_path / "joined")
    with pytest.raises(DataError, match="at least one tape"):
        Tape.concat([], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_new_tape_never_takes_a_used_folder(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    before = bytes_below(tmp_path)
    for used in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(DataError, match="already there"):
            Tape.create(used, kind="recorded")
    with pytest.raises(DataError, match="expected one of recorded, imported, simulated"):
        Tape.create(tmp_path / "tape", kind="dreamt")
    assert bytes_below(tmp_path) == before


def test_two_creators_of_one_tape_do_not_mix(tmp_path: Path) -> None:
    first = Tape.create(tmp_path / "tape", kind="recorded")
    second = Tape.create(tmp_path / "tape", kind="recorded")
    with first:
        first.append("candles", candles(3))
    with pytest.raises(DataError, match="already there"), second:
        pass
    assert Tape.open(tmp_path / "tape").manifest.rows("candles") == 3


def test_only_one_writes_at_a_time(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    waiting = TapeWriter.extend(tmp_path / "tape")
    with TapeWriter.extend(tmp_path / "tape") as writer:
        writer.append("candles", candles(3, start=12))
        with pytest.raises(DataError, match="somebody else is writing"), waiting:
            pass
    with waiting:
        waiting.append("candles", candles(3, start=15))
    assert Tape.open(tmp_path / "tape").manifest.rows("candles") == 18


def test_the_same_file_is_one_source(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    again = Source(name="copy.csv", importer="candles", sha256="ab" * 32, notes=["12 rows known"])
    other_way = Source(
        name="btc.csv", importer="candles", sha256="ab" * 32, options={"venue": "okx"}
    )
    with TapeWriter.extend(tmp_path / "tape") as writer:
        for source in (FILE, again, other_way, Source(name="by hand"), Source(name="by hand")):
            writer.add_source(source)
    names = [source.name for source in Tape.open(tmp_path / "tape").manifest.sources]
    assert names == ["btc.csv", "btc.csv", "by hand"]


def test_a_newer_tape_is_refused(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    path = tmp_path / "tape" / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "schema_version": 99, "tables": ["quite", "new"]}))
    message = "schema version 99, this program knows versions up to 1: update undertow"
    for reader in (Tape.open, TapeWriter.extend):
        with pytest.raises(DataError, match=message):
            reader(tmp_path / "tape")


def test_a_table_of_another_version_is_left_out_and_named(tmp_path: Path) -> None:
    small_tape(tmp_path / "tape")
    path = tmp_path / "tape" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["tables"]["dreams"] = []
    path.write_text(json.dumps(manifest))
    tape = Tape.open(tmp_path / "tape")
    assert tape.missing == ("table 'dreams' is not known to this version and is left out",)
    assert tape.candles.collect().height == 12


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"kind": 3}', b'{"title": "no kind"}',
     b'{"kind": "recorded", "tables": {"candles": [{"file": "x"}]}}',
     b'{"kind": "recorded", "schema_version": "one"}'],
)  # fmt: skip
def test_a_damaged_manifest_is_named(tmp_path: Path, content: bytes) -> None:
    small_tape(tmp_path / "tape")
    (tmp_path / "tape" / "manifest.json").write_bytes(content)
    with pytest.raises(DataError, match=r"manifest\.json: damaged manifest"):
        Tape.open(tmp_path / "tape")


def test_a_folder_without_a_manifest_is_no_tape(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not a tape: it has no manifest\.json"):
        Tape.open(tmp_path)
    with pytest.raises(DataError, match="no such folder, and no bundled tape of that name"):
        Tape.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no such tape"):
        TapeWriter.extend(tmp_path / "nowhere")
