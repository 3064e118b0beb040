"""Write the bundled Binance USD-M margin tiers from the collected table of 14 October 2025.

``python scripts/build_tiers.py DATA_FOLDER`` reads ``binance_usdm_margin_tiers_2025-10-14.parquet``
there and writes ``binance-usdm_2025-10-14.csv`` of the rules folder: the symbols below, unchanged.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import polars as pl

from undertow.venues.tiers import COLUMNS, read_file

AS_OF = "2025-10-14"
OUT = Path(__file__).parent.parent / "src/undertow/venues/rules/tiers"
HEAD = f"""\
# venue: binance-usdm
# as_of: {AS_OF}
# model: deduction
# measure: notional
# confidence: D
# source: Binance's tiers as carried by freqtrade in October 2025; deductions recomputed
"""
# Large coins by the greatest position that Binance allows, then those that crowds trade.
ASSETS = (
    "BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "SUI", "TRX", "LINK", "AVAX", "LTC", "BCH",
    "XLM", "HBAR", "DOT", "UNI", "ENA", "AAVE", "NEAR", "TAO", "HYPE", "ASTER", "WLFI", "FIL",
    "ATOM", "OP", "ARB", "CRV", "LDO", "ONDO", "SEI", "WLD", "APT", "ETC", "ICP", "INJ", "TON",
    "TIA", "XMR", "ZEC", "1000PEPE", "1000SHIB", "1000BONK", "1000FLOKI", "WIF", "FARTCOIN",
    "TRUMP", "PUMP", "PENGU", "PNUT", "POPCAT", "MOODENG", "PAXG", "IP", "XPL", "0G",
)  # fmt: skip


def plain(number: float) -> str:
    """The number as it was written, without an exponent or trailing zeros."""
    return format(Decimal(repr(number)).normalize(), "f")


def main() -> None:
    """Write the table, then read it back with its checks."""
    if len(sys.argv) != 2:
        sys.exit("usage: python scripts/build_tiers.py DATA_FOLDER")
    path = Path(sys.argv[1]) / f"binance_usdm_margin_tiers_{AS_OF}.parquet"
    if not path.is_file():
        sys.exit(f"{path}: no such file")
    tiers = pl.read_parquet(path)
    rows = [",".join(COLUMNS)]
    for asset in ASSETS:
        of_symbol = tiers.filter(pl.col("symbol") == f"{asset}/USDT:USDT").sort("tier")
        if of_symbol.is_empty():
            sys.exit(f"{path}: no tiers of {asset}/USDT:USDT")
        numbers = of_symbol.select(COLUMNS[1:]).iter_rows()
        rows += [",".join([f"{asset}USDT", *map(plain, row)]) for row in numbers]
    out = OUT / f"binance-usdm_{AS_OF}.csv"
    out.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"wrote {out.name}: {len(read_file(out))} symbols, {len(rows) - 1} tiers")


if __name__ == "__main__":
    main()
