"""Recorded Binance messages: the book is rebuilt as far as it is verified, and no further."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise

import polars as pl
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
    notes,
    quote,
    recorded,
    refused,
    rows,
    snapshot,
    states,
    tape_of,
    trade,
    wrapped,
)
from undertow.tape import Tape
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options

# The real stream


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    return imported(REAL, tmp_path_factory.mktemp("real") / "tape")


@pytest.fixture(scope="module")
def real_states(real):
    return states(real)


def real_lines():
    return gzip.decompress(REAL.read_bytes()).decode().splitlines()


def real_messages():
    for line in real_lines():
        data = json.loads(line.split(" ", 1)[1])
        yield data.get("data", data)


def test_the_real_stream_is_on_the_tape(real):
    kinds = [data.get("e", "snapshot") for data in real_messages()]
    assert len(rows(real, "quotes", "ts")) == kinds.count("bookTicker") == 1483
    assert len(rows(real, "trades", "ts")) == kinds.count("trade") == 347
    assert not real.has("events")
    assert not real.has("funding")
    first = next(data for data in real_messages() if data.get("e") == "trade")
    ts = pl.col("ts").cast(pl.Int64)
    stored = real.trades.select(ts, "price", "quantity", "side", "trade_id").first().collect()
    side = "sell" if first["m"] else "buy"
    expected = (first["T"] * 10**6, float(first["p"]), float(first["q"]), side, first["t"])
    assert stored.row(0) == expected


def test_the_rebuilt_book_agrees_with_the_quotes_of_the_same_stream(real, real_states):
    quotes = rows(real, "quotes", "update_id", "bid", "bid_quantity", "ask", "ask_quantity")
    compared = 0
    for update_id, (bids, asks) in real_states.items():
        last = [values for known_id, *values in quotes if known_id <= update_id][-1]
        assert [max(bids), bids[max(bids)], min(asks), asks[min(asks)]] == last
        compared += 1
    assert compared == 166  # 165 updates after the snapshot, and the snapshot
    assert "165 updates verified, best bid below best ask after each" in notes(real)
    assert "compared with bookTicker after 165 updates, 0 disagree" in notes(real)
    assert "4 updates unused" in notes(real)


def test_packed_or_not_the_rows_are_the_same(real, tmp_path):
    path = tmp_path / "binance_usdm.txt"
    path.write_text("\r\n".join(real_lines()))
    plain = imported(path, tmp_path / "tape")
    for table in ("book", "quotes", "trades", "depth"):
        assert plain.table(table).collect().equals(real.table(table).collect())


def test_a_lost_update_of_the_real_stream_is_a_gap_and_nothing_is_guessed_after_it(
    real_states, tmp_path
):
    lines = real_lines()
    places = [place for place, line in enumerate(lines) if '"depthUpdate"' in line[:90]]
    lost = json.loads(lines.pop(places[100]).split(" ", 1)[1])["data"]
    before = json.loads(lines[places[99]].split(" ", 1)[1])["data"]
    path = tmp_path / "binance_usdm.txt"
    path.write_text("\n".join(lines))

    tape = imported(path, tmp_path / "tape")

    known = states(tape)
    assert max(known) == before["u"]
    assert known == {key: state for key, state in real_states.items() if key <= before["u"]}
    ((kind, title, source, venue, symbol),) = rows(
        tape, "events", "kind", "title", "source", "venue", "symbol"
    )
    assert (kind, venue, symbol) == ("gap", "binance-usdm", "BTCUSDT")
    assert f"update ids {before['u'] + 1} to {lost['u']} are missing" in title
    assert source == "binance-ws importer: binance_usdm.txt"
    (gap,) = tape.manifest.sources[0].gaps
    assert "1 gaps" in gap
    assert f"{before['u'] + 1} to {lost['u']}" in gap


# Where a book begins, breaks and goes on


def test_updates_before_the_snapshot_wait_and_those_it_holds_are_not_used(tmp_path):
    stream = [diff(1), diff(2, [["97.0", "8"]]), diff(3, [["99.0", "0"]]), snapshot(2, BIDS, ASKS)]
    tape = tape_of(tmp_path, [*stream, diff(4, [["98.5", "6"]])])
    assert states(tape)[40] == (
        {98.5: 6.0, 98.0: 2.0, 90.0: 5.0},
        {101.0: 1.0, 102.0: 2.0, 110.0: 5.0},
    )
    assert set(states(tape)) == {20, 30, 40}
    assert "2 updates verified" in notes(tape)
    assert "2 updates unused" in notes(tape)


def test_the_first_update_may_reach_across_the_snapshot(tmp_path):
    tape = tape_of(tmp_path, [{**snapshot(1, BIDS, ASKS), "lastUpdateId": 17}, diff(2)])
    assert "1 updates verified" in notes(tape)


def test_a_snapshot_that_no_update_follows_starts_nothing(tmp_path):
    tape = tape_of(tmp_path, [snapshot(1, BIDS, ASKS), diff(3), trade(1)])
    assert not tape.has("book")
    assert "nothing verified" in notes(tape)
    assert "1 snapshots that no update follows" in notes(tape)


def test_after_a_gap_the_book_waits_for_the_next_snapshot(tmp_path):
    fresh = snapshot(6, [["95.0", "9"]], [["96.0", "9"]])
    stream = [*START, diff(4), diff(5), diff(6), fresh, diff(7, [["95.0", "8"]]), diff(8)]
    tape = tape_of(tmp_path, stream)
    assert set(states(tape)) == {10, 20, 60, 70}
    assert states(tape)[70] == ({95.0: 8.0}, {96.0: 9.0})
    ((ts, title),) = rows(tape, "events", pl.col("ts").cast(pl.Int64), "title")
    assert ts == (T0_MS + 400) * 10**6  # when it shows, not when it happened
    assert "update ids 21 to 30 are missing (0.2 s from 2025-11-04T00:00:00.2Z)" in title
    (gap,) = tape.manifest.sources[0].gaps
    assert "0.5 s without a verified book" in gap


def test_a_snapshot_that_came_before_the_break_showed_is_used_after_it(tmp_path):
    fresh = snapshot(3, [["95.0", "9"]], [["96.0", "9"]])
    tape = tape_of(tmp_path, [*START, fresh, diff(4, [["95.5", "1"]])])
    assert states(tape)[40] == ({95.5: 1.0, 95.0: 9.0}, {96.0: 9.0})
    assert len(rows(tape, "events", "title")) == 1


def test_a_snapshot_ahead_of_the_book_is_kept_for_the_break_before_it(tmp_path):
    fresh = snapshot(5, [["95.0", "9"]], [["96.0", "9"]])
    tape = tape_of(tmp_path, [*START, fresh, diff(3, [["97.0", "1"]]), diff(6, [["95.5", "1"]])])
    assert set(states(tape)) == {10, 20, 30, 50, 60}
    assert states(tape)[60] == ({95.5: 1.0, 95.0: 9.0}, {96.0: 9.0})


def test_updates_that_wait_on_both_sides_of_a_gap_are_not_joined(tmp_path):
    waiting = [diff(number, [["97.0", str(number)]]) for number in (1, 2, 4)]
    tape = tape_of(tmp_path, [*waiting, snapshot(1, BIDS, ASKS), diff(5, [["97.0", "5"]])])
    assert not tape.has("book")
    assert len(rows(tape, "events", "title")) == 1
    assert "4 updates unused" in notes(tape)


def test_a_snapshot_that_is_not_needed_changes_nothing(tmp_path):
    odd = snapshot(2, [["1.0", "1"]], [["2.0", "1"]])
    tape = tape_of(tmp_path, [*START, odd, diff(3)])
    assert states(tape)[20][0][99.0] == 4.0
    assert "1 snapshots not needed" in notes(tape)


def test_a_crossed_book_is_given_up_until_the_next_snapshot(tmp_path):
    stream = [*START, diff(3, [["101.0", "1"]]), diff(4), snapshot(4, BIDS, ASKS)]
    tape = tape_of(tmp_path, [*stream, diff(5, [["97.0", "1"]])])
    assert set(states(tape)) == {10, 20, 40, 50}
    ((title,),) = rows(tape, "events", "title")
    assert "after update 30 the best bid 101.0 is not below the best ask 101.0" in title


def test_every_symbol_has_its_own_book(tmp_path):
    other = [diff(2, [["9.5", "3"]], symbol="ETHUSDT"), diff(4, symbol="ETHUSDT")]
    small = snapshot(1, [["9.0", "1"]], [["10.0", "1"]], symbol="ETHUSDT")
    big = wrapped(snapshot(1, BIDS, ASKS), "btcusdt@depth")
    tape = tape_of(tmp_path, [big, small, START[1], *other, diff(3)])
    assert set(states(tape)) == {10, 20}  # update 3 changes no level
    assert states(tape, "ETHUSDT")[20] == ({9.5: 3.0, 9.0: 1.0}, {10.0: 1.0})
    assert rows(tape, "events", "symbol") == [("ETHUSDT",)]
    assert "BTCUSDT book: 1 snapshots, 2 updates verified" in notes(tape)


def test_whose_snapshot_it_is_must_be_told_when_there_are_two_books(tmp_path):
    stream = [*START, diff(2, symbol="ETHUSDT")]
    error = refused(tmp_path, stream, skip_bad=9)
    assert (error.row, error.column) == (1, "symbol")
    assert "BTCUSDT, ETHUSDT: add --symbol" in error.message
    tape = tape_of(tmp_path, stream, symbol="BTCUSDT")
    assert "ETHUSDT book: 0 snapshots, nothing verified" in notes(tape)


def test_partial_books_and_a_second_depth_stream_are_left_out_and_counted(tmp_path):
    stream = [
        snapshot(1, BIDS, ASKS),
        wrapped(diff(2), "btcusdt@depth@100ms"),
        wrapped(diff(2, BIDS), "btcusdt@depth20@100ms"),
        wrapped(diff(9), "btcusdt@depth@500ms"),
        wrapped(diff(3, [["97.0", "1"]]), "btcusdt@depth@100ms"),
    ]
    tape = tape_of(tmp_path, stream)
    assert set(states(tape)) == {10, 30}
    assert "1 depthUpdate of a partial book (btcusdt@depth20@100ms)" in notes(tape)
    assert "1 depthUpdate of a second stream (btcusdt@depth@500ms)" in notes(tape)


def test_a_quote_that_disagrees_with_the_book_is_counted(tmp_path):
    good, bad = quote(20, "99.0", "4", "101.0", "1"), quote(30, "99.0", "5", "101.0", "1")
    tape = tape_of(tmp_path, [START[0], good, START[1], diff(3, [["97.0", "1"]]), bad])
    assert "after 2 updates, 1 disagree" in notes(tape)
    tape = imported(recorded(tmp_path, [*START, good, diff(3)]), tmp_path / "agreeing")
    assert "after 2 updates, 0 disagree" in notes(tape)


def test_outside_the_snapshot_the_top_is_compared_but_told_apart(tmp_path):
    gone = diff(3, [[price, "0"] for price, _ in BIDS] + [["80.0", "1"]])
    seen = [quote(20, "99.0", "4", "101.0", "1"), quote(30, "85.0", "1", "101.0", "1")]
    tape = tape_of(tmp_path, [*START, gone, *seen])
    assert "after 2 updates, 1 disagree" in notes(tape)
    assert "in 1 of these the market had left the prices that the snapshot told" in notes(tape)
    assert rows(tape, "depth", "ts") == rows(tape.slice("2025-11-04", "2025-11-04T00:00:00.3Z"),
                                             "depth", "ts")  # fmt: skip


# Depth by band


def test_depth_is_taken_once_a_second_within_what_is_known(tmp_path):
    bids = [["100.0", "2"], ["99.9", "3"], ["98.9", "10"]]
    asks = [["100.1", "1"], ["100.2", "5"], ["101.2", "20"]]
    first, same = diff(2, moment=1_200), diff(3, moment=1_900)
    later = diff(4, [["100.0", "1"]], moment=2_050)
    tape = tape_of(tmp_path, [snapshot(1, bids, asks), first, same, later])
    found = tape.depth.select(pl.col("ts").cast(pl.Int64), "band", "bid_usd", "ask_usd", "spread")
    samples = found.collect().rows()
    assert {row[0] for row in samples} == {(T0_MS + 1_200) * 10**6, (T0_MS + 2_050) * 10**6}
    assert [row[1] for row in samples] == [0.0005, 0.001, 0.002, 0.005, 0.01] * 2
    by_band = {row[1]: row[2:] for row in samples[:5]}
    assert by_band[0.001] == pytest.approx((200.0, 100.1, 0.1 / 100.05))
    assert by_band[0.002] == pytest.approx((200 + 299.7, 100.1 + 501, 0.1 / 100.05))
    assert samples[5][2] == pytest.approx(100.0)


def test_depth_in_dollars_is_not_made_of_prices_in_bitcoin(tmp_path):
    shot = snapshot(1, [["0.04", "5"]], [["0.05", "5"]])
    tape = tape_of(tmp_path, [shot, diff(2, [["0.041", "1"]], symbol="ETHBTC")])
    assert tape.has("book")
    assert not tape.has("depth")


# The other messages


def test_messages_are_read_bare_wrapped_and_in_lists(tmp_path):
    plain = [trade(1), trade(2), quote(3, "99", "1", "101", "1")]
    ways = {
        "bare": plain,
        "wrapped": [wrapped(each, "btcusdt@x") for each in plain],
        "listed": [wrapped(plain[:2], "!x@arr"), [plain[2]]],
        "turned": [{"data": each, "stream": "x"} for each in plain],
    }
    tapes = {}
    for name, messages in ways.items():
        (tmp_path / name).mkdir()
        tapes[name] = tape_of(tmp_path / name, messages)
    for tape in tapes.values():
        for table in ("trades", "quotes"):
            assert tape.table(table).collect().equals(tapes["bare"].table(table).collect())


def test_a_mark_price_is_true_when_told_and_its_forecast_of_funding_is_no_funding(tmp_path):
    mark = message("markPriceUpdate", p="100.2", i="100.1", P="100", r="0.0001")
    mark["T"] = T0_MS + 8 * 3_600_000  # the next funding
    tape = tape_of(tmp_path, [mark])
    assert rows(tape, "marks", pl.col("ts").cast(pl.Int64), "mark", "index") == [
        ((T0_MS + 1) * 10**6, 100.2, 100.1)
    ]
    assert not tape.has("funding")


def test_an_order_that_sells_closes_a_long_at_the_average_price(tmp_path):
    unfilled = forced("BUY", 1_005, ap="0", z="0")
    tape = tape_of(tmp_path, [forced(), wrapped(unfilled, "!forceOrder@arr")])
    columns = (pl.col("ts").cast(pl.Int64), "side", "price", "quantity", "usd")
    assert rows(tape, "liquidations", *columns) == [
        ((T0_MS + 5) * 10**6, "long", 95.0, 2.0, 190.0),
        ((T0_MS + 1_005) * 10**6, "short", 90.0, 3.0, 270.0),
    ]
    assert "at most one liquidation order per second" in notes(tape)


def test_liquidations_not_quoted_in_dollars_are_left_out_and_counted(tmp_path):
    tape = tape_of(tmp_path, [forced(), forced(moment=6, s="ETHBTC")])
    assert rows(tape, "liquidations", "symbol") == [("BTCUSDT",)]
    assert "1 forceOrder of a symbol that is not quoted in dollars" in notes(tape)


def test_only_ordinary_trades_are_trades(tmp_path):
    odd = [
        trade(2, X="INSURANCE_FUND"),
        trade(3, price="0", quantity="0", X="NA"),
        trade(4, X="NA"),
    ]
    tape = tape_of(tmp_path, [trade(1, m=False), *odd, trade(5)])
    assert rows(tape, "trades", "trade_id", "side") == [(1, "buy"), (5, "sell")]
    assert "2 trade marked NA, 1 trade marked INSURANCE_FUND" in notes(tape)
    assert tape.manifest.sources[0].gaps == []


def test_aggregated_trades_do_not_count_twice(tmp_path):
    def summed(symbol):
        return message("aggTrade", symbol, a=7, p="100", q="1", f=1, l=2, m=True)

    tape = tape_of(tmp_path, [trade(1), summed("BTCUSDT"), summed("ETHUSDT")])
    stored = rows(tape, "trades", pl.col("symbol").cast(pl.String), "trade_id")
    assert sorted(stored) == [("BTCUSDT", 1), ("ETHUSDT", 7)]
    assert "1 aggTrade of a symbol with single trades" in notes(tape)


def test_missing_numbers_of_trades_are_told(tmp_path):
    tape = tape_of(tmp_path, [trade(1), trade(4), trade(5), trade(7)])
    (gap,) = tape.manifest.sources[0].gaps
    assert gap == (
        "binance-usdm BTCUSDT trade: 3 numbers missing in 2 gaps, the first after"
        " 2025-11-04T00:00:00.001Z"
    )


def test_what_is_not_read_is_counted_by_name(tmp_path):
    stream = [{"result": None, "id": 1}, message("kline"), message("kline"), trade(1),
              {"code": -1003, "msg": "too many"}]  # fmt: skip
    told = notes(tape_of(tmp_path, stream))
    expected = "2 kline, 1 reply to the recorder, 1 error sent to the recorder"
    assert f"no rows from: {expected}" in told
    assert "messages: 1 trade" in told


def test_the_command_line_tells_what_was_checked(undertow, tmp_path):
    path = recorded(tmp_path, [*START, quote(20, "99", "4", "101", "1"), diff(4)])
    result = undertow("import", "binance-ws", path, "--out", tmp_path / "tape")
    assert result.returncode == 0, result.stderr
    assert "note: binance-usdm BTCUSDT book: 1 snapshots, 1 updates verified" in result.stdout
    assert "gap: binance-usdm BTCUSDT book: 1 gaps" in result.stdout
    result = undertow("sql", tmp_path / "tape", "select title from events", "--json")
    assert "update ids 21 to 30 are missing" in json.loads(result.stdout)[0]["title"]


# Whatever happens to the stream: the tape says what is true, and all that can be known

ticks = st.dictionaries(st.integers(1, 9), st.integers(0, 4), max_size=4)


def priced(changes, base):
    return [[f"{(base + tick) / 10:.2f}", f"{lots / 1000:.3f}"] for tick, lots in changes.items()]


def told(levels):
    return {float(price): float(quantity) for price, quantity in levels.items() if float(quantity)}


@settings(max_examples=100)
@given(
    steps=st.lists(st.tuples(ticks, ticks), min_size=1, max_size=14),
    lost=st.sets(st.integers(1, 14), max_size=4),
    shots=st.dictionaries(st.integers(0, 14), st.integers(0, 3), max_size=4),
)
def test_the_tape_holds_every_verified_state_and_no_other(steps, lost, shots, tmp_path_factory):
    bids, asks, truth, stream, shown = {"10.00": "1.000"}, {"12.00": "1.000"}, {}, [], []
    truth[0] = (dict(bids), dict(asks))
    for number, (below, above) in enumerate([({}, {}), *steps]):
        if number:
            changes = priced(below, 100), priced(above, 110)
            bids.update(changes[0])
            asks.update(changes[1])
            truth[number] = (dict(bids), dict(asks))
            # A level that never changes keeps the message from being empty.
            if number not in lost:
                stream.append(diff(number, [*changes[0], ["10.00", "1.000"]], changes[1]))
        if number in shots:
            past = max([0, number - shots[number], *(past for _, past in shown)])
            shown.append((number, past))
            levels = [list(told(side).items()) for side in truth[past]]
            stream.append(snapshot(past, *[[[str(p), str(q)] for p, q in s] for s in levels]))
    folder = tmp_path_factory.mktemp("any")

    reading = importer_named("binance-ws").read(recorded(folder, [*stream, trade(1)]), Options())
    tape = Tape.from_frames(reading.frames)

    delivered = [number for number in range(1, len(steps) + 1) if number not in lost]
    verified = {
        number
        for number in delivered
        for place, past in shown
        # Updates that waited for a snapshot are given up when a gap shows before it comes.
        if past < number
        and not lost
        & set(range(past + 1, max([number, *(n for n in delivered if n <= place)]) + 1))
    }
    held = states(tape) if tape.has("book") else {}
    for update_id, (below, above) in held.items():
        assert (below, above) == tuple(told(side) for side in truth[update_id // 10])
    used = {row[0] for row in rows(tape, "book", "update_id", "kind") if row[1] == "diff"}
    assert used == {number * 10 for number in verified}
    jumps = sum(b - a > 1 for a, b in pairwise(delivered))
    assert len(rows(tape, "events", "title")) == jumps
