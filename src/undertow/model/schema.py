"""The tables of a tape: the one place that names their columns, types, units and meanings.

``docs/tables.md`` is generated from here. A row without ``interval`` is true at ``ts``; a row
with one sums up the period that starts at ``ts``, and nobody can know it before the period's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA_VERSION = 1

ColumnType = Literal["time", "category", "text", "float", "int"]


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit and what it means; ``required`` ones are never empty."""

    name: str
    type: ColumnType
    unit: str
    meaning: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One table: its columns, and the key by which two rows tell of the same thing."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in their stored order."""
        return tuple(column.name for column in self.columns)


def _time(meaning: str) -> Column:
    return Column("ts", "time", "UTC, ns", meaning, required=True)


_VENUE = Column("venue", "category", "", "where: binance-usdm, bybit, hyperliquid, …", True)
_SYMBOL = Column("symbol", "category", "", "what trades, as the source names it", True)
_ASSET = Column("asset", "category", "", "the coin: BTC, ETH, …", True)
_PERIOD = Column("interval", "category", "", "the period that the row sums up; empty: at ts")


def _number(name: str, unit: str, meaning: str, required: bool = False) -> Column:
    return Column(name, "float", unit, meaning, required)


def _word(name: str, meaning: str, required: bool = False) -> Column:
    return Column(name, "category", "", meaning, required)


def _text(name: str, meaning: str, required: bool = False) -> Column:
    return Column(name, "text", "", meaning, required)


def _whole(name: str, meaning: str) -> Column:
    return Column(name, "int", "", meaning)


_MARKET = (_VENUE, _SYMBOL)

_TABLES = (
    Table(
        "candles",
        "Traded prices by period. Prices are in the quote currency of the symbol.",
        (
            _time("start of the bar"),
            *_MARKET,
            Column("interval", "category", "", "length of the bar: 1m, 5m, 1h, 1d, …", True),
            _number("open", "quote per base", "first price; empty where only closes are known"),
            _number("high", "quote per base", "highest price"),
            _number("low", "quote per base", "lowest price"),
            _number("close", "quote per base", "last price", True),
            _number("volume", "base", "quantity traded"),
            _number("quote_volume", "quote", "value traded"),
            _whole("trades", "number of trades"),
        ),
        ("ts", "venue", "symbol", "interval"),
    ),
    Table(
        "trades",
        "Single trades.",
        (
            _time("when the venue matched it"),
            *_MARKET,
            _number("price", "quote per base", "price", True),
            _number("quantity", "base", "quantity", True),
            _word("side", "side of the taker: buy or sell", True),
            _whole("trade_id", "the venue's number of the trade"),
        ),
        ("ts", "venue", "symbol", "trade_id", "price", "quantity", "side"),
    ),
    Table(
        "quotes",
        "Best bid and ask.",
        (
            _time("when the venue changed it"),
            *_MARKET,
            _number("bid", "quote per base", "best bid", True),
            _number("bid_quantity", "base", "quantity at the best bid", True),
            _number("ask", "quote per base", "best ask", True),
            _number("ask_quantity", "base", "quantity at the best ask", True),
            _whole("update_id", "the venue's number of the book's state"),
        ),
        ("ts", "venue", "symbol", "update_id"),
    ),
    Table(
        "depth",
        "Resting orders within a band around the middle price.",
        (
            _time("when it was seen"),
            *_MARKET,
            _number("band", "fraction of mid", "width of the band on one side: 0.01 is 1 %", True),
            _number("bid_usd", "USD", "bids from mid down to mid x (1 − band)", True),
            _number("ask_usd", "USD", "asks from mid up to mid x (1 + band)", True),
            _number("spread", "fraction of mid", "best ask less best bid, over mid"),
        ),
        ("ts", "venue", "symbol", "band"),
    ),
    Table(
        "book",
        "The order book by level: whole pictures (snapshot) and the changes between them (diff).",
        (
            _time("when the venue changed it"),
            *_MARKET,
            _word("kind", "snapshot, diff", True),
            _word("side", "bid, ask", True),
            _number("price", "quote per base", "price of the level", True),
            _number("quantity", "base", "quantity now at the level; 0 removes it", True),
            _whole("update_id", "the venue's number of the book's state"),
        ),
        ("ts", "venue", "symbol", "update_id", "kind", "side", "price"),
    ),
    Table(
        "marks",
        "Mark price (used for margin), index price (outside) and last price.",
        (
            _time("when, or start of the bar"),
            *_MARKET,
            _PERIOD,
            _number("mark", "quote per base", "mark price; of a bar: its last"),
            _number("index", "quote per base", "index price"),
            _number("last", "quote per base", "last traded price"),
            _number("mark_open", "quote per base", "first mark price of the bar"),
            _number("mark_high", "quote per base", "highest mark price of the bar"),
            _number("mark_low", "quote per base", "lowest mark price of the bar"),
        ),
        ("ts", "venue", "symbol", "interval"),
    ),
    Table(
        "funding",
        "Funding rates of perpetuals; positive: longs pay shorts.",
        (
            _time("settlement, or start of the period of a mean"),
            *_MARKET,
            _PERIOD,
            _number("rate", "fraction per interval_hours", "rate of one settlement", True),
            _number("interval_hours", "h", "hours between settlements; empty: not known"),
        ),
        ("ts", "venue", "symbol", "interval"),
    ),
    Table(
        "open_interest",
        "Contracts open, one side counted.",
        (
            _time("when, or start of the bar"),
            *_MARKET,
            _PERIOD,
            _number("contracts", "base or contracts", "open interest as the venue counts it"),
            _number("usd", "USD", "open interest in dollars; of a bar: its last"),
        ),
        ("ts", "venue", "symbol", "interval"),
    ),
    Table(
        "liquidations",
        "Positions closed by force. A public feed may show fewer than there were.",
        (
            _time("when it was closed"),
            *_MARKET,
            _word("side", "side of the closed position: long or short; empty: both in one sum"),
            _number("price", "quote per base", "price of the closing"),
            _number("quantity", "base", "quantity closed"),
            _number("usd", "USD", "value closed", True),
            _word("stage", "partial, full, takeover, adl; empty: not known"),
            _whole("account", "number of the account, where known"),
            _whole("orders", "closings that the row sums up; empty: one"),
        ),
        ("ts", "venue", "symbol", "side", "price", "quantity", "usd", "account"),
    ),
    Table(
        "accounts",
        "How many accounts were liquidated.",
        (
            _time("start of the period"),
            _VENUE,
            Column("symbol", "category", "", "empty: all symbols"),
            _PERIOD,
            _whole("liquidated", "number of accounts"),
        ),
        ("ts", "venue", "symbol", "interval"),
    ),
    Table(
        "insurance",
        "Insurance funds.",
        (
            _time("when"),
            _VENUE,
            Column("symbol", "category", "", "scope of the fund; empty: the whole venue"),
            _number("balance_usd", "USD", "balance"),
            _number("change_usd", "USD", "paid in (+) or drawn (−)"),
        ),
        ("ts", "venue", "symbol"),
    ),
    Table(
        "market",
        "Market capitalisation by coin.",
        (
            _time("when it was seen"),
            _ASSET,
            _text("name", "the coin's name (tickers are not unique)"),
            _word("source", "who counted", True),
            _number("price", "USD", "price"),
            _number("market_cap", "USD", "price x circulating supply", True),
            _number("supply", "coins", "circulating supply"),
            _number("volume_24h", "USD", "traded in the 24 hours before"),
            _number("dominance", "fraction", "share of the whole market, where the source says"),
        ),
        ("ts", "source", "asset", "name"),
    ),
    Table(
        "flows",
        "Money that moves in or out; positive: into the entity.",
        (
            _time("when, or start of the period"),
            _word("entity", "fund, company or group", True),
            _word("kind", "etf, treasury, long_term_holder, exchange, miner", True),
            _ASSET,
            _PERIOD,
            _number("amount", "coins", "in coins"),
            _number("usd", "USD", "in dollars"),
        ),
        ("ts", "kind", "asset", "entity", "interval"),
    ),
    Table(
        "defi",
        "Lending, stablecoins, vaults, exploits.",
        (
            _time("when, or start of the period"),
            _word("protocol", "protocol or issuer", True),
            _word(
                "kind",
                "deposit, redeem, liquidation, bad_debt, exploit, peg, rate, tvl, borrow, supply",
                True,
            ),
            _ASSET,
            _PERIOD,
            _number("amount", "coins", "quantity; of a peg: 1; of a rate: a fraction"),
            _number("usd", "USD", "value; of a peg: the price of one coin"),
            _text("market", "market, pool or chain"),
            _whole("account", "number of the account, where known"),
        ),
        ("ts", "protocol", "kind", "asset", "market", "account", "amount", "usd"),
    ),
    Table(
        "sentiment",
        "Published mood indices.",
        (
            _time("when it was published"),
            _word("index", "fear_greed, …", True),
            _number("value", "index points", "value", True),
        ),
        ("ts", "index"),
    ),
    Table(
        "events",
        "What happened outside the tape's numbers, with sources.",
        (
            _time("when it became known"),
            _word("kind", "macro, regulation, exploit, disclosure, listing, venue, gap", True),
            _text("title", "what happened", True),
            _text("source", "who says so", True),
            _word("precision", "how exact ts is: second, minute, hour, day", True),
            _text("venue", "the venue it concerns"),
            _text("symbol", "the symbol it concerns"),
        ),
        ("ts", "kind", "title"),
    ),
    Table(
        "odds",
        "Prediction markets.",
        (
            _time("when"),
            _text("market", "the question", True),
            _word("outcome", "the answer", True),
            _number("probability", "fraction", "price of the outcome", True),
            _text("source", "who quotes it", True),
        ),
        ("ts", "market", "outcome"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
