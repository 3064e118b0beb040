"""``undertow conform`` on what nobody printed: the shapes of vectors with other values.

Every expected value was worked out by hand from the rule; the comment shows how.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from undertow.venues.conformance.run import run
from undertow.venues.conformance.vectors import read_vectors

Case = tuple[str, dict[str, Any], Any, Any]


def reasons(tmp_path: Path, *cases: Case) -> list[str]:
    names = ("system", "inputs", "expected", "tolerance")
    entries = [{"id": str(place)} | dict(zip(names, case, strict=True))
               for place, case in enumerate(cases)]  # fmt: skip
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(entries))
    return [failure.reason for failure in run(read_vectors(path)).failures]


def held(symbol: str, side: str, **values: float) -> dict[str, Any]:
    return {"symbol": symbol, "side": side, "mmr": 0.01, "maint_amount": 10} | values


HEDGED = {  # BTC is another contract: MM 0.2 * 31,000 * 0.01 - 10 = 52, profit 0.2 * 1,000 = 200
    "margin_mode": "cross_hedge", "side": "long", "cross_wallet_balance_usdt": 5000,
    "position": held("ETH", "long", entry_price=2000, position_base=3, mark_price=2100),
    "other_positions": [
        held("ETH", "short", entry_price=2200, position_base=1, mark_price=2100),
        held("BTC", "long", entry_price=30000, position_base=0.2, mark_price=31000),
    ],
}  # fmt: skip
ISOLATED = {"margin_mode": "isolated", "entry_price": 10, "position_base": 2, "mmr": 0.01}
INVERSE = {"contract": "inverse", "side": "short", "quantity_usd": 10000, "entry_price": 8000,
           "account_balance_btc": 0.5, "taker_fee": 0.00075}  # fmt: skip
STEPS = [[0, 2000, 0.01], [2001, None, 0.015]]
LIGHTER = {"interest_pct_8h": 0.01, "small_clamp_pct": 0.05, "big_clamp_pct": 4, "multiplier": 1}
GAINS = {"equities": [10, 5, -30], "cash": [2, 1, 0], "pnl": [8, 4, -30], "severity": 1}

CASES: list[Case] = [
    # (5000 - 52 + 200 + 10 + 10 - 3*2000 + 1*2200) / (3*0.01 + 1*0.01 - 3 + 1) = 1368 / -1.96
    ("binance_usdm", HEDGED,
     {"liquidation_price": -697.9591837, "TMM_other": 52, "UPNL_other": 200}, {"rel": 1e-9}),
    # (1500 - 52 + 200 + 20 - 6000 + 2200) / -1.96 = -2132 / -1.96
    ("binance_usdm", HEDGED | {"cross_wallet_balance_usdt": 1500},
     {"liquidation_price": 1087.755102, "TMM_other": 52, "UPNL_other": 200}, {"rel": 1e-9}),
    # a contract that is listed without a position counts nothing, not even its deduction
    ("binance_usdm", HEDGED | {"other_positions": [*HEDGED["other_positions"], held(
        "SOL", "long", entry_price=150, position_base=0, mark_price=160)]},
     {"liquidation_price": 0, "TMM_other": 52, "UPNL_other": 200}, {"rel": 1e-9}),
    # an hour has 3600/5 samples of equal weight; four have 2880 that weigh 2880*2881/2
    ("binance_usdm", {"interval_hours": 1, "sample_seconds": 5},
     {"n_points": 720, "weight_sum": 720}, "exact"),
    ("binance_usdm", {"interval_hours": 4, "sample_seconds": 5},
     {"n_points": 2880, "weight_sum": 4148640}, "exact"),
    # a loss scores 0; a wallet below 1 counts as 1: 50 / 1 * 0.1
    ("binance_usdm", {"unrealized_profit": -5, "wallet_balance": 9, "margin_ratio": 0.5},
     {"pnl_percent": 0, "leverage_pnl": 0}, "exact"),
    ("binance_usdm", {"unrealized_profit": 50, "wallet_balance": 0.5, "margin_ratio": "0.1"},
     {"pnl_percent": 50, "leverage_pnl": 5}, "exact"),
    # the cap of a bracket belongs to it: 50,000 * 0.4 %; one cent more has 0.5 % less 50
    ("binance_usdm", {"symbol": "BTC/USDT:USDT", "as_of": "2024-10-24", "notional_usdt": 50000},
     {"maintenance_margin_usdt": 200}, "exact"),
    ("binance_usdm", {"symbol": "BTCUSDT", "as_of": "2024-10-24", "notional_usdt": 50000.01},
     {"maintenance_margin_usdt": 200.00005}, {"abs": 1e-9}),
    # 5 BTC * (0.5 % - 0.4 %) + 0
    ("binance_coinm", {"cum_nm1_btc": 0, "floor_btc": 5, "mmr_n": 0.005, "mmr_nm1": 0.004},
     {"cum_n_btc": 0.005}, "exact"),
    # 10 * (1 + 1/3 - 0.01)
    ("bybit", ISOLATED | {"margin_mode": "isolated_linear_no_extra_margin_no_deduction",
                          "side": "short", "leverage": 3},
     {"liquidation_price": 13.2333333}, {"rel": 1e-8}),
    # 10,000 * (1 - 0.00075) / (1.25 - 0.5); 0.5 - 1.25*0.5 % - 7.5/13323.33 = 0.4931871
    ("bybit", INVERSE | {"order_margin_btc": 0}, {"bankruptcy_price": 13323.3333}, {"abs": 1e-3}),
    ("bybit", INVERSE | {"mmr": 0.005, "bankruptcy_price": 13323.33},
     {"liquidation_price": 13213.3}, {"abs": 0.1}),
    # (10 + 4/2) / (1 + 0.01 + 0.0006)
    ("gate", ISOLATED | {"side": "short", "leverage": 5, "margin": 4, "taker_fee": 0.0006},
     {"liquidation_price": 11.87413418}, {"rel": 1e-9}),
    # (10 - 4/2) / (1 - 0.01), without a fee
    ("okx", ISOLATED | {"side": "long", "leverage": 5, "margin": 4, "taker_fee": 0},
     {"liquidation_price": 8.080808081}, {"rel": 1e-9}),
    # both ends of a row belong to it; nothing held is in the first; the last may be open
    ("okx", {"instrument": "ETH-USDT", "contracts": 2000, "tiers": STEPS}, {"mmr": 0.01}, "exact"),
    ("okx", {"instrument": "ETH-USDT", "contracts": 0, "tiers": STEPS}, {"mmr": 0.01}, "exact"),
    ("okx", {"instrument": "ETH-USDT", "contracts": 9e9, "tiers": STEPS}, {"mmr": 0.015}, "exact"),
    # 10,000 * 1 + 60,000 * 2 + 30,000 * 3, and the sum of the others is more
    ("okx", {"mr7_raw_usd": 100000, "mr_other_usd": 250000,
             "tiers": [[0, 10000, 1], [10000, 70000, 2], [70000, None, 3]]},
     {"mr7_adj_usd": 220000, "mmr_usd": 250000}, "exact"),
    ("htx", {"long_conts": 30000, "short_conts": 12000, "leverage": 10, "symbol": "BTC-USDT"},
     {"net_conts": 18000, "maintenance_margin_ratio": 0.0125}, "exact"),
    ("htx", {"long_conts": 30000, "short_conts": 12000, "leverage": 10, "symbol": ["BTC-USDT"]},
     "error", "exact"),
    # a loser: (0.9 - 1)/1, 0.9/(0.9 - 0.85), and their quotient
    ("bitmex", {"mark_value": 0.9, "bankrupt_value": 0.85, "avg_entry_value": 1.0},
     {"pnl_pct": -0.1, "effective_leverage": 18, "rank": -0.0055555555556}, {"rel": 1e-9}),
    # a short whose price fell: (-1.0 + 1.2)/1.2, 1.0/(-1.0 + 1.25), and their product
    ("bitmex", {"mark_value": -1.0, "bankrupt_value": -1.25, "avg_entry_value": -1.2},
     {"pnl_pct": 0.16666666667, "effective_leverage": 4, "rank": 0.66666666667}, {"rel": 1e-9}),
    # 1 % + 350 * 0.005 %, times 350 * 100,000
    ("deribit", {"instrument": "BTC_USDC", "index_price": 100000, "position_base": -350,
                 "base_rate": 0.01, "slope_per_unit": 5e-05, "kind": "MM"},
     {"rate": 0.0275, "margin_usdc": 962500}, "exact"),
    # 40,000 / (0.5 * (1 - 1/6)); the venue writes a short's size below 0: 55,000 / (0.5 * 1.0125)
    ("hyperliquid", {"coin": "X", "margin_mode": "cross", "side": "long", "size": 0.5,
                     "raw_usd": -40000, "max_leverage": 3}, {"liquidation_price": 96000}, "exact"),
    ("hyperliquid", {"coin": "BTC", "margin_mode": "isolated", "side": "short", "size": -0.5,
                     "raw_usd": 55000, "max_leverage": 40},
     {"liquidation_price": 108641.9753}, {"rel": 1e-9}),
    ("hyperliquid", {"coin": "BTC", "margin_mode": "isolated", "side": "long", "size": -0.5,
                     "raw_usd": 55000, "max_leverage": 40}, "error", "exact"),
    # exactly the threshold is not above it
    ("hyperliquid", {"position_value": 100000, "threshold": 100000, "fraction": 0.2,
                     "cooldown_s": 30}, {"first_order_value": 100000}, "exact"),
    # deductions: 1,000 * (0.05 - 0.025), and 5,000 * (0.1 - 0.05) more
    ("hyperliquid", {"table_id": 1, "coin": "X", "tiers": [["0.0", 20], [1000, 10], [5000, 5]]},
     {"mmr": [0.025, 0.05, 0.1], "maintenance_deduction": [0, 25, 275]}, "exact"),
    # a premium of 50 % reaches the cap
    ("hyperliquid", {"hourly_avg_premium": -0.5, "interest_8h": 0.0001, "clamp": 0.0005,
                     "cap_hourly": 0.04}, {"funding_rate_hourly": -0.04}, "exact"),
    # nothing held, nothing needed
    ("hyperliquid", {"position_value": 0, "max_leverage": 40},
     {"maintenance_margin": 0, "backstop_equity_threshold": 0}, "exact"),
    # -0.1 + 0.05 = -0.05, an eighth is -0.00625, cut towards 0
    ("lighter", LIGHTER | {"premium_pct": -0.1}, {"rate_pct_hourly": -0.0062}, "exact"),
    # 5 - 0.05 is above 4
    ("lighter", LIGHTER | {"premium_pct": 5}, {"rate_pct_hourly": 0.5}, "exact"),
    # half of 0.1 less half of 0.05, an eighth: 0.003125, cut
    ("lighter", LIGHTER | {"premium_pct": 0.1, "multiplier": 0.5},
     {"rate_pct_hourly": 0.0031}, "exact"),
    ("lighter", LIGHTER | {"premium_pct": 0.1, "multiplier": 100}, "error", "exact"),
    # no side: the one that loses; 0.8747 - 0.78 and 1.55 - 1.151
    ("adl_theory", {"p_bk": 0.8747, "p_exec": 0.78, "delta_q": 0.4},
     {"bad_debt": 0.03788}, "exact"),
    ("adl_theory", {"p_bk": 1.151, "p_exec": 1.55, "delta_q": 1}, {"bad_debt": 0.399}, "exact"),
    ("adl_theory", {"p_bk": 1.151, "p_exec": 1.55, "delta_q": 1, "side": "long"},
     {"bad_debt": 0}, "exact"),
    # 30 are needed of 12: all profit goes, principal stays
    ("adl_theory", GAINS, {"haircut": 1, "seized": [8, 4, 0], "post_equity": [2, 1, -30]}, "exact"),
    ("adl_theory", GAINS | {"severity": 0.2, "queue_order": [2, 1]},
     {"deficit": 30, "budget": 6, "haircut": [0.25, 1, 0], "seized": [2, 4, 0]}, "exact"),
    # nobody above 0.9: 1*0.5^2 and 3*0.5^2 are as 1 to 3
    ("adl_theory", {"equities": {"A": 1, "C": 3}, "lambda_": {"A": 0.5, "C": 0.5}},
     {"prorata": [0.25, 0.75], "linear": [0.25, 0.75], "power2": [0.25, 0.75]}, "exact"),
    # only winners: 1.4 * q / equity
    ("adl_theory", {"equity": [2.8, 0.7], "mark": 1.4, "q": [1, 2]},
     {"lambda_winners": {"A": 0.5, "B": 4}, "lambda_losers": {}, "sum_winner": 4.5,
      "sum_loser": 0}, "exact"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_other_values_of_the_known_shapes(tmp_path: Path, case: Case) -> None:
    assert reasons(tmp_path, case) == []


def test_text_that_happens_to_be_an_id_stays_text(tmp_path: Path) -> None:
    pnl = {"contracts_usd": 15000, "entry_price": 750, "exit_price": 800, "funding_paid_xbt": 0}
    entries = [
        {"id": name, "system": "bitmex", "inputs": pnl | {"side": name},
         "expected": {"pnl_xbt": value}, "tolerance": "exact"}
        for name, value in (("long", 1.25), ("short", -1.25))
    ]  # fmt: skip
    entries.append(entries[0] | {"id": "other"})
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps(entries))
    assert run(read_vectors(path)).failed == 0


def test_a_price_below_nothing_is_not_any_price(tmp_path: Path) -> None:
    wrong = ("binance_usdm", HEDGED, {"liquidation_price": 1}, {"rel": 1e-9})
    right = ("binance_usdm", HEDGED, {"liquidation_price": 0}, {"rel": 1e-9})
    real = ("binance_usdm", HEDGED | {"cross_wallet_balance_usdt": 1500}, *right[2:])
    assert [reason.split(":")[0] for reason in reasons(tmp_path, wrong, right, real)] == [
        "liquidation_price",
        "liquidation_price",
    ]
