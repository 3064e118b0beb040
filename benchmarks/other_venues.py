"""What other people's books and venues take for the same work, run by the Python that has them.

``python other_venues.py NAME FILE``; each line of its input asks for one run, whose seconds of
processor time it answers, with what else there is to compare. The file holds the work as an array.
Imports nothing of ours, as that Python need not have it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

ADD, LESSEN, LEAVE = 0, 1, 2  # an order enters; a fill leaves some of it, or none; it is cancelled
CANCELLED = 3
Run = Callable[[], str]


def hftbacktest_runs(rows: Any, *, by_hash: bool) -> Run:
    """Replay a feed of single orders with a strategy that does nothing.

    ``rows``: ``what``, ``side`` (0 buys), ``time``, ``price``, ``lots`` and ``id``.
    """
    from numba import njit

    made = import_module("hftbacktest")

    words = {
        ADD: [made.ADD_ORDER_EVENT], CANCELLED: [made.CANCEL_ORDER_EVENT],
        LESSEN: [made.FILL_EVENT, made.MODIFY_ORDER_EVENT],
        LEAVE: [made.FILL_EVENT, made.CANCEL_ORDER_EVENT],
    }  # fmt: skip
    # The format tells a fill and then what it leaves of the order.
    doubled = np.repeat(
        np.arange(len(rows)), np.where(np.isin(rows["what"], (LESSEN, LEAVE)), 2, 1)
    )
    is_second = np.r_[False, doubled[1:] == doubled[:-1]]
    rows = rows[doubled]
    feed = np.zeros(len(rows), made.event_dtype)
    feed["ev"] = made.EXCH_EVENT | made.LOCAL_EVENT
    feed["ev"] |= np.where(rows["side"] == 0, made.BUY_EVENT, made.SELL_EVENT).astype(np.uint64)
    for what, said in words.items():
        for second, event in enumerate(said):
            chosen = (rows["what"] == what) & (is_second == bool(second))
            feed["ev"][chosen] |= np.uint64(event)
    feed["exch_ts"] = feed["local_ts"] = 10**12 + 1000 * rows["time"]
    feed["px"], feed["order_id"] = rows["price"], rows["id"]
    feed["qty"] = np.where(is_second, rows["leaves"], rows["lots"])

    @njit
    def idle(market: Any) -> int:
        steps = 0
        while market.elapse(100_000_000) == 0:
            steps += 1
        return steps

    kind = made.HashMapMarketDepthBacktest if by_hash else made.ROIVectorMarketDepthBacktest

    def run() -> str:
        asset = made.BacktestAsset().data(feed).linear_asset(1.0)
        asset = asset.constant_order_latency(1000, 1000).no_partial_fill_exchange()
        asset = asset.trading_value_fee_model(0.0002, 0.0005).tick_size(1.0).lot_size(1.0)
        low, high = float(rows["price"].min()) - 10, float(rows["price"].max()) + 10
        asset = asset.roi_lb(low).roi_ub(high).last_trades_capacity(0).l3_fifo_queue_model()
        market = kind([asset])
        start_s = time.thread_time()
        steps = idle(market)
        seconds = time.thread_time() - start_s
        market.close()
        return f"{seconds} {steps}"

    return run


class Nobody:
    """Owns a book of ABIDES: what it says is not listened to."""

    mkt_open = 0
    current_time = 0
    book_logging = False

    def send_message(self, *_: object) -> None:
        """Messages to agents go nowhere."""

    logEvent = send_message  # noqa: N815 - so it is called there


def abides_runs(rows: Any) -> Run:
    """Messages through the book of ABIDES; answers seconds, fills and lots filled too."""
    books, made = (import_module(f"abides_markets.{name}") for name in ("order_book", "orders"))
    sides = (made.Side.BID, made.Side.ASK)
    columns = [rows[name].tolist() for name in ("what", "side", "price", "lots", "id", "account")]

    def orders() -> Iterator[tuple[int, Any]]:
        for what, side, price, lots, number, account in zip(*columns, strict=True):
            values = (account, 0, "X", lots, sides[side])
            if what == LEAVE:
                yield what, made.MarketOrder(*values, order_id=number)
            else:
                yield what, made.LimitOrder(*values, price, order_id=number)

    def run() -> str:
        book, given = books.OrderBook(Nobody(), "X"), list(orders())
        start_s = time.thread_time()
        for what, order in given:
            if what == ADD:
                book.handle_limit_order(order)
            elif what == CANCELLED:
                book.cancel_order(order)
            else:
                book.handle_market_order(order)
        seconds = time.thread_time() - start_s
        fills = [each["quantity"] for each in book.history if each["type"] == "EXEC"]
        return f"{seconds} {len(fills)} {sum(fills)}"

    return run


def nautilus_runs(rows: Any) -> Run:
    """The same feed into an L3 book of nautilus_trader, a thousand changes at a time.

    What is fed is made before the clock starts. Answers seconds and the orders that rest at the
    end; nothing is matched there.
    """
    model = import_module("nautilus_trader.model")
    data = import_module("nautilus_trader.model.data")
    objects = import_module("nautilus_trader.model.objects")
    enums = import_module("nautilus_trader.model.enums")
    books = import_module("nautilus_trader.model.book")
    instrument = model.InstrumentId.from_str("X.VENUE")
    action = enums.BookAction
    actions = {ADD: action.ADD, LESSEN: action.UPDATE, LEAVE: action.DELETE}
    sides = (enums.OrderSide.BUY, enums.OrderSide.SELL)
    lots = np.where(rows["what"] == LESSEN, rows["leaves"], rows["lots"])

    def change(row: Any, size: int) -> Any:
        order = data.BookOrder(
            sides[row["side"]], objects.Price(row["price"], 0), objects.Quantity(size, 0), row["id"]
        )
        what = actions.get(int(row["what"]), action.DELETE)
        return data.OrderBookDelta(instrument, what, order, 0, 0, 0, 0)

    changes = [change(row, size) for row, size in zip(rows, lots.tolist(), strict=True)]
    batches = [
        data.OrderBookDeltas(instrument, changes[start : start + 1000])
        for start in range(0, len(changes), 1000)
    ]

    def run() -> str:
        book = books.OrderBook(instrument, enums.BookType.L3_MBO)
        start_s = time.thread_time()
        for batch in batches:
            book.apply_deltas(batch)
        seconds = time.thread_time() - start_s
        resting = sum(len(level.orders()) for side in (book.bids(), book.asks()) for level in side)
        return f"{seconds} {resting}"

    return run


def lrvx_runs(rows: Any) -> Run:
    """Quiet ticks and a fall by a tenth; answers seconds of both and how many were liquidated.

    ``rows``: ``lots`` (signed), ``coins`` of a lot, ``price`` and ``margin`` of each position; the
    fund holds what ours does, and winners are deleveraged if it is not enough.
    """
    lrvx = import_module("lrvx")
    coins = (rows["lots"] * rows["coins"]).tolist()
    prices, margins = rows["price"].tolist(), rows["margin"].tolist()
    price = prices[0]

    def run() -> str:
        engine = lrvx.LiquidationEngine()
        engine.add_tier(0.0, 0.005)
        engine.set_insurance_fund_capital(1e11)
        engine.set_adl_enabled(True)
        for number, held in enumerate(zip(coins, prices, margins, strict=True)):
            engine.open_position(number, 1, *held)
        quiet = []
        for tick in range(20):
            start_s = time.thread_time()
            engine.on_mark(1, price * (1 + 1e-4 * (tick % 2)))
            quiet.append(time.thread_time() - start_s)
        assert engine.liquidations_count() == 0
        start_s = time.thread_time()
        engine.on_mark(1, price * 0.9)
        crash = time.thread_time() - start_s
        return f"{float(np.median(quiet))} {crash} {engine.liquidations_count()}"

    return run


def main() -> None:
    """Command line: a name and a file."""
    name, file = sys.argv[1:]
    rows = np.load(file)
    makers: dict[str, Callable[[Any], Run]] = {
        "hftbacktest-hash": lambda rows: hftbacktest_runs(rows, by_hash=True),
        "hftbacktest-vector": lambda rows: hftbacktest_runs(rows, by_hash=False),
        "abides": abides_runs,
        "nautilus": nautilus_runs,
        "lrvx": lrvx_runs,
    }
    run = makers[name](rows)
    for _ in sys.stdin:
        print(run(), flush=True)


if __name__ == "__main__":
    main()
