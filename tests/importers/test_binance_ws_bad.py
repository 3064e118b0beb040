"""Recorded Binance messages that cannot be trusted: each is named, or dropped and counted."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recordings import (
    ASKS,
    BIDS,
    REAL,
    START,
    T0_MS,
    diff,
    forced,
    imported,
    message,
    quote,
    refused,
    rows,
    snapshot,
    states,
    tape_of,
    trade,
    wrapped,
)
from undertow.errors import DataError
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options


def without(data, key):
    return {name: value for name, value in data.items() if name != key}


BAD = {
    "no trade id": (without(trade(2), "t"), "t", "missing key"),
    "no symbol": ({**trade(2), "s": ""}, "s", "length"),
    "no event": ({"s": "BTCUSDT"}, "e", "missing key"),
    "no time": (without(without(trade(2), "T"), "E"), "T", "missing key"),
    "seconds": ({**trade(2), "T": 1_762_214_400}, "T", "milliseconds"),
    "time as text": ({**trade(2), "T": "noon"}, "T", "int"),
    "time going back": ({**trade(2), "T": T0_MS - 1}, "T", "goes back"),
    "price of 0": (trade(2, price="0"), "p", "more than 0"),
    "negative price": (trade(2, price="-1"), "p", "0 or more"),
    "endless price": (trade(2, price="inf"), "p", "finite"),
    "price as words": (trade(2, price="dear"), "p", "expected a number"),
    "negative quantity": (trade(2, quantity="-1"), "q", "0 or more"),
    "duplicate trade": (trade(1), "t", "duplicate row"),
    "trade going back": ({**trade(0), "T": T0_MS + 2}, "t", "goes back"),
    "huge id": ({**trade(2), "t": 2**63}, "t", "int"),
    "crossed quote": (quote(2, "101", "1", "101", "1"), "b", "not below"),
    "quote of 0": (quote(2, "0", "1", "101", "1"), "b", "more than 0"),
    "empty quote": (quote(2, "99", "0", "101", "1"), "B", "more than 0"),
    "mark of 0": (message("markPriceUpdate", p="0", i="1"), "p", "more than 0"),
    "side": (forced("HOLD"), "S", "HOLD"),
    "price of closing": (forced(ap="0", p="0"), "p", "more than 0"),
    "level of 0": (diff(3, [["98", "1"], ["0", "1"]]), "b", "more than 0"),
    "level below 0": (diff(3, [], [["102", "-1"]]), "a", "0 or more"),
    "level that is none": (diff(3, [["98"]]), "b", "length"),
    "level twice": (diff(3, [["98", "1"], ["98.0", "2"]]), "b", "once"),
    "duplicate update": (diff(2), "u", "duplicate row"),
    "update going back": (diff(1), "u", "goes back"),
    "ids turned round": ({**diff(3), "U": 31}, "U", "at most u"),
    "update in the past": (diff(3, moment=100), "T", "goes back"),
    "update without pu": (without(diff(3), "pu"), "pu", "missing key"),
    "crossed snapshot": (snapshot(2, [["9", "1"]], [["9", "1"]]), "bids", "not below"),
    "snapshot without time": (
        without(without(snapshot(2, BIDS, ASKS), "T"), "E"), "T", "missing key",
    ),
    "snapshot of seconds": ({**snapshot(2, BIDS, ASKS), "T": 1_762_214_400}, "T", "milliseconds"),
}  # fmt: skip


@pytest.mark.parametrize("combined", [False, True], ids=["bare", "combined"])
@pytest.mark.parametrize(("bad", "column", "word"), BAD.values(), ids=BAD)
def test_bad_messages_are_named_or_dropped_and_counted(bad, column, word, combined, tmp_path):
    good = [*START, trade(1), quote(1, "99", "4", "101", "1")]
    bad = wrapped(bad, "btcusdt@x") if combined else bad
    if combined:
        good = [good[0], *(wrapped(each, "btcusdt@x") for each in good[1:])]

    error = refused(tmp_path, [*good, bad])

    assert (error.row, error.column) == (5, column)
    assert word in error.message or word in repr(error.value)
    assert "column" in str(error)
    tape = tape_of(tmp_path, [*good, bad], skip_bad=1)
    assert tape.manifest.sources[0].dropped[0].startswith(f"row 5: {column}")
    (tmp_path / "good").mkdir()
    expected = tape_of(tmp_path / "good", good)
    for table in ("book", "trades", "quotes"):
        assert tape.table(table).collect().equals(expected.table(table).collect())


GOOD = f"{T0_MS}000000 {json.dumps(trade(1))}"
LINES = {
    "no receive time": (json.dumps(trade(2)), "receive time", "nanoseconds"),
    "receive time in ms": (f"{T0_MS} {json.dumps(trade(2))}", "receive time", "nanoseconds"),
    "receive time back": (f"{T0_MS - 1}000000 {json.dumps(trade(2))}", "receive time", "goes back"),
    "no JSON": (f"{T0_MS}000000", None, "broken JSON"),
    "cut JSON": (GOOD[:-20], None, "broken JSON"),
    "half a line": (GOOD[:60], None, "broken JSON"),
    "a number": (f"{T0_MS}000000 5", None, "object"),
    "not UTF-8": (GOOD.replace("BTC", "\udce9"), None, "utf-8"),
    "deep": (f"{T0_MS}000000 {'[' * 100_000}", None, "recursion"),
}


@pytest.mark.parametrize(("line", "column", "word"), LINES.values(), ids=LINES)
def test_bad_lines_are_named_or_dropped_and_counted(line, column, word, tmp_path):
    path = tmp_path / "binance_usdm.txt"
    path.write_text("\n".join([GOOD, "", line]), errors="surrogateescape")
    error = refused(tmp_path, path)
    assert (error.row, error.column) == (3, column)
    assert word in error.message
    tape = imported(path, tmp_path / "tape", skip_bad=1)
    assert rows(tape, "trades", "trade_id") == [(1,)]
    assert len(tape.manifest.sources[0].dropped) == 1


def test_a_dropped_update_is_a_gap_of_the_book(tmp_path):
    stream = [*START, diff(3, [["0", "1"]]), diff(4, [["97", "1"]])]
    tape = tape_of(tmp_path, stream, skip_bad=1)
    assert set(states(tape)) == {10, 20}
    ((title,),) = rows(tape, "events", "title")
    assert "update ids 21 to 30 are missing" in title


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_cut_off_archive_is_always_refused(share, tmp_path):
    path = tmp_path / "cut.gz"
    raw = REAL.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    assert "truncated gzip" in refused(tmp_path, path, skip_bad=10**6).message


def test_a_snapshot_from_after_the_update_that_follows_it_is_refused(tmp_path):
    late = {**snapshot(1, BIDS, ASKS), "T": T0_MS + 999}
    error = refused(tmp_path, [late, diff(2)])
    assert (error.row, error.column) == (1, "T")


def test_names_of_columns_cannot_be_mapped(tmp_path):
    assert "--map" in refused(tmp_path, START, mapping={"price": "p"}).message


# The real stream, broken at random: read or refused, and never anything else

WEIRD = [None, True, -1, 2**64, 1e300, "", "x", "nan", "-inf", [], {}, [[]], [["1"]], [None]]


def places(value, path=()):
    """Every key of a message, however deep."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from places(below, (*path, key))


def with_another_value(line, data):
    moment, _, text = line.partition(b" ")
    whole = json.loads(text)
    *path, last = data.draw(st.sampled_from(list(places(whole))))
    inner = whole
    for key in path:
        inner = inner[key]
    inner[last] = data.draw(st.sampled_from(WEIRD))
    return moment + b" " + json.dumps(whole).encode()


def with_another_byte(line, data):
    place = data.draw(st.integers(0, len(line) - 1))
    return line[:place] + bytes([data.draw(st.integers(0, 255))]) + line[place + 1 :]


@settings(max_examples=80)
@given(data=st.data(), allowed=st.sampled_from([0, 1, 50]))
def test_a_real_stream_broken_anywhere_is_read_or_refused(data, allowed, tmp_path_factory):
    lines = gzip.decompress(REAL.read_bytes()).splitlines()[:120]
    place = data.draw(st.integers(0, len(lines) - 1))
    change = data.draw(st.sampled_from([with_another_value, with_another_byte]))
    lines[place] = change(lines[place], data)
    path = tmp_path_factory.mktemp("broken") / "binance_usdm.txt"
    path.write_bytes(b"\n".join(lines))
    try:
        reading = importer_named("binance-ws").read(path, Options(skip_bad=allowed))
    except DataError as error:
        assert error.file == str(path)
        assert error.row is not None
    else:
        assert len(reading.dropped) <= allowed
        assert 0 < reading.rows() <= 3_000
