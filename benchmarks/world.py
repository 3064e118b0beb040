"""One simulated day of a whole world: venues, a crowd of a million accounts, agents, the record.

``python -m benchmarks.world [--steps N] [--accounts N] [--peer-python PATH ...]``
"""

from __future__ import annotations

from typing import Any

from undertow.lab.scenario import Scenario, from_content

ASSETS = {
    "BTC": 106_000, "ETH": 3_700, "SOL": 175, "XRP": 2.4, "DOGE": 0.175, "BNB": 1_030,
    "ADA": 0.57, "LINK": 16.2, "AVAX": 17.3, "LTC": 95,
}  # fmt: skip
RULES = "binance-usdm@2025-11-03"
VENUES = 6
AGENTS = ("crowd", "market_maker", "arbitrageur", "basis_trader", "momentum", "dip_buyer",
          "value_buyer", "fisher", "noise", "flows")  # fmt: skip


def assumed(value: object) -> dict[str, object]:
    """A number as scenarios want it."""
    return {"value": value, "assumed": True, "note": "for timing only"}


def scenario(accounts: int, steps: int, venues: int = VENUES) -> Scenario:
    """A calm day: every venue lists every asset, and every population takes part."""
    size = {asset: 2.0**-place for place, asset in enumerate(ASSETS)}
    depth = {asset: assumed(4e7 * share) for asset, share in size.items()}
    content: dict[str, Any] = {
        "name": "benchmark", "title": "A calm day", "seed": 1,
        "span": {"start": "2025-11-03T00:00:00Z", "length": f"{steps}s", "step": "1s",
                 "record": "1m"},
        "asset": {asset: {"price_usd": assumed(price), "daily_volatility": assumed(0.02)}
                  for asset, price in ASSETS.items()},
        "spot": [{"id": "binance-spot", "quote": "USDT", "weight_in_index": assumed(1),
                  "depth_usd": depth, "volume_usd": {a: assumed(4e9 * s) for a, s in size.items()}}],
        "venue": [
            {
                "id": f"venue-{number}", "rules": RULES, "quote": "USDT",
                "symbols": {asset: f"{asset}USDT" for asset in ASSETS},
                "open_interest_usd": {a: assumed(2e9 * s) for a, s in size.items()},
                "depth_usd": depth, "insurance_fund_usd": assumed(1e8),
                "accounts": assumed(accounts // venues),
            }
            for number in range(venues)
        ],
        "agent": [{"name": kind, "kind": kind} for kind in AGENTS],
    }  # fmt: skip
    return from_content(content, "benchmark")
