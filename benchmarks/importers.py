"""Every importer on its real file: seconds, rows per second, and what was dropped.

``python -m benchmarks.importers --data FOLDER``; files that the folder lacks are "not available".
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from undertow.errors import DataError
from undertow.tape.importers import importer_named
from undertow.tape.importers.reading import Options
from undertow.tape.importers.run import import_files

# Kind, file below the data folder, and how many rows of it are known to be bad.
FILES = (
    ("candles", "binance_perp_5m_24symbols_2025-09-15_2025-11-15.parquet", 0),
    ("candles", "binance_perp_1h_mark_funding_BTCUSDT_2019_2025-11-15.parquet", 0),
    ("candles", "binance_perp_1h_mark_funding_ETHUSDT_2019_2025-11-15.parquet", 0),
    ("candles", "binance_spot_daily_13coins_2018_2025-11.parquet", 0),
    ("candles", "crossvenue_candles_1h_2025-03_2025-11-15.parquet", 0),
    ("candles", "btc_daily_2015_2025-11-15.csv", 0),
    ("funding", "crossvenue_funding_2025-03_2025-11-15.parquet", 0),
    ("funding", "coinalyze_funding_daily_2025-07-28_2025-10-25.parquet", 0),
    ("funding", "btc_funding_daily_2019_2026.csv", 0),
    ("open-interest", "coinalyze_open_interest_daily_to_2025-10-26.parquet", 0),
    ("open-interest", "coinalyze_open_interest_all_perps_2025-10-21_27.parquet", 0),
    ("market-caps", "coinmarketcap_monthly_2020_2025-10.parquet", 0),
    ("market-caps", "coingecko_market_data_20251103.csv", 0),
    ("tvl", "defillama_tvl_20251103.csv", 0),
    ("fear-greed", "fear_greed_daily_2018_2026.csv", 0),
    ("etf-flows", "etf_flows_btc_usd_millions.csv", 0),
    ("etf-flows", "etf_flows_eth_usd_millions.csv", 0),
    ("etf-flows", "etf_flows_sol_usd_millions.csv", 0),
    ("stablecoin", "usde_usdt_binance_1m_2025-10-01_2025-11-15.parquet", 0),
    ("morpho", "morpho_xusd_2025-11", 0),
    ("aave-liquidations", "aave_btc_collateral_liquidations_2020-12_2025-09.parquet", 0),
    ("equities", "treasury_equities/MSTR.json", 0),
    ("equities", "treasury_equities/MARA.json", 0),
    ("equities", "treasury_equities/BMNR.json", 0),
    ("equities", "treasury_equities/3350_T.json", 0),
    ("hyperliquid-adl", "hyperliquid_2025-10-10/adl_by_user.parquet", 0),
    ("binance-ws", "recorded_feeds/binance_usdm_btcusdt_2024-08-08_l2_ws.gz", 0),
    ("forceorder-csv", "recorded_feeds/forceorder_2024-08.csv", 0),
    ("forceorder-csv", "recorded_feeds/forceorder_2024-08_big.csv", 0),
    ("forceorder-csv", "recorded_feeds/forceorder_2025-06.csv", 0),
    ("forceorder-csv", "recorded_feeds/forceorder_2025-06_big.csv", 0),
    ("forceorder-csv", "recorded_feeds/forceorder_2025-06_part.csv", 10),
    ("forceorder-csv", "recorded_feeds/forceorder_2025-12.csv", 100),
)


@dataclass(frozen=True)
class Row:
    """One file: seconds, rows, and what happened."""

    kind: str
    file: str
    result: str
    seconds: float | None = None
    rows: int = 0


def measure(data: Path | None, folder: Path) -> list[Row]:
    """Import each file into a tape of its own."""
    rows = []
    for number, (kind, name, bad) in enumerate(FILES):
        path = None if data is None else data / name
        if path is None or not path.exists():
            rows.append(Row(kind, name, "not available"))
            continue
        start = time.perf_counter()
        try:
            done = import_files(
                importer_named(kind), [path], folder / str(number), Options(skip_bad=bad)
            )
        except DataError as error:
            rows.append(Row(kind, name, f"FAILED: {error}"))
            continue
        seconds = time.perf_counter() - start
        dropped, gaps = len(done[0].reading.dropped), len(done[0].reading.gaps)
        result = f"{dropped} dropped, {gaps} series with gaps"
        rows.append(Row(kind, Path(name).name, result, seconds, done[0].reading.rows()))
    return rows


def print_rows(rows: list[Row]) -> None:
    """One table."""
    table = Table("kind", "file", "rows", "seconds", "rows/s", "result", title="Importers")
    for row in rows:
        rate = f"{row.rows / row.seconds:,.0f}" if row.seconds else ""
        seconds = f"{row.seconds:.2f}" if row.seconds else ""
        table.add_row(row.kind, row.file, f"{row.rows:,}", seconds, rate, row.result)
    Console(width=170).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        print_rows(measure(options.data, Path(folder)))


if __name__ == "__main__":
    main()
