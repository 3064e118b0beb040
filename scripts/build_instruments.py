"""Write a bundled table of Binance USD-M instruments from a response of its exchangeInfo.

``python scripts/build_instruments.py RESPONSE.json DATE SOURCE`` writes
``binance-usdm_DATE.csv`` of the rules folder: the symbols that have margin tiers, unchanged. The
greatest leverage is taken from tiers read at most 60 days before or after, else left out.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from undertow.model.periods import time_ns
from undertow.venues.instruments import COLUMNS, read_file
from undertow.venues.rulebook import TIER_REACH_NS
from undertow.venues.tiers import TierTable, read_tables

VENUE = "binance-usdm"
RULES = Path(__file__).parent.parent / "src/undertow/venues/rules"
# Our column, the filter of the response, the number's name there.
FILTERS = (
    ("tick_size", "PRICE_FILTER", "tickSize"),
    ("lot_size", "LOT_SIZE", "stepSize"),
    ("min_quantity", "LOT_SIZE", "minQty"),
    ("min_notional", "MIN_NOTIONAL", "notional"),
    ("max_quantity", "LOT_SIZE", "maxQty"),
    ("max_market_quantity", "MARKET_LOT_SIZE", "maxQty"),
    ("price_band_up", "PERCENT_PRICE", "multiplierUp"),
    ("price_band_down", "PERCENT_PRICE", "multiplierDown"),
)
FIELDS = (
    ("market_take_bound", "marketTakeBound"),
    ("trigger_protect", "triggerProtect"),
    ("liquidation_fee_rate", "liquidationFee"),
)


def plain(number: str) -> str:
    """The number without trailing zeros or an exponent."""
    return format(Decimal(number).normalize(), "f")


def row_of(symbol: dict[str, Any], max_leverage: str) -> str:
    """One line of the table."""
    filters = {one["filterType"]: one for one in symbol["filters"]}
    cells = {
        "symbol": symbol["symbol"],
        "base": symbol["baseAsset"],
        "quote": symbol["quoteAsset"],
        "settlement": symbol["marginAsset"],
        "kind": "linear",
        "contract_size": "1",
        "max_leverage": max_leverage,
    }
    cells |= {ours: plain(filters[kind][theirs]) for ours, kind, theirs in FILTERS}
    cells |= {ours: plain(symbol[theirs]) for ours, theirs in FIELDS}
    return ",".join(cells.get(column, "") for column in COLUMNS)


def leverage(tables: list[TierTable], moment_ns: int) -> str:
    """The greatest leverage of the tiers read nearest to the moment, if near enough."""
    near = min(tables, key=lambda table: abs(table.as_of_ns - moment_ns))
    most = near.tiers[0].max_leverage
    is_near = abs(near.as_of_ns - moment_ns) <= TIER_REACH_NS
    return plain(str(most)) if most is not None and is_near else ""


def main() -> None:
    """Write the table, then read it back with its checks."""
    if len(sys.argv) != 4:
        sys.exit("usage: python scripts/build_instruments.py RESPONSE.json DATE SOURCE")
    path, date, source = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    answer = json.loads(path.read_text(encoding="utf-8"))
    symbols = {symbol["symbol"]: symbol for symbol in answer["symbols"]}
    tiers: dict[str, list[TierTable]] = {}
    for table in read_tables(RULES / "tiers", VENUE):
        tiers.setdefault(table.symbol, []).append(table)
    rows = [
        row_of(symbols[name], leverage(tables, time_ns(date)))
        for name, tables in tiers.items()
        if name in symbols
    ]
    head = [f"# venue: {VENUE}", f"# as_of: {date}", "# confidence: V", f"# source: {source}"]
    head.append("# note: max_leverage is that of the lowest margin tier, where one was read near")
    out = RULES / "instruments" / f"{VENUE}_{date}.csv"
    out.write_text("\n".join([*head, ",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    print(f"wrote {out.name}: {len(read_file(out))} instruments")


if __name__ == "__main__":
    main()
