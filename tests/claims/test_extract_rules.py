"""Rules that came with the wider set of articles, each on an invented sentence."""

from __future__ import annotations

import pytest

from undertow.claims.article import Article
from undertow.claims.extract import extract

Told = tuple[str, float | None, str | None, str | None]


def told(text: str) -> list[Told]:
    """Metric, value, unit and asset of each figure that is about something known."""
    found = extract(Article(text=text, published="2025-11-04"))
    return [(c.metric, c.value, c.unit, c.asset) for c in found if c.metric != "other"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ripple, Bitcoin Cash and EOS fell 11, 10.2 and 12 per cent respectively.",
            [
                ("price_change", -11, "pct", "XRP"), ("price_change", -10.2, "pct", "BCH"),
                ("price_change", -12, "pct", "EOS"),
            ],
        ),
        ("Solana gave up seven percent.", [("price_change", -7, "pct", "SOL")]),
        (
            "- BTC: -12.4% ($63,120)\n- XRP: −20.2% ($1.19)",
            [
                ("price_change", -12.4, "pct", "BTC"), ("price", 63_120, "USD", "BTC"),
                ("price_change", -20.2, "pct", "XRP"), ("price", 1.19, "USD", "XRP"),
            ],
        ),
        ("Uniswap lost 8%.", [("price_change", -8, "pct", "UNI")]),
        ("Uniswap was drained of $8 million.", [("loss", 8e6, "USD", None)]),
        (
            "The largest liquidation, on Binance's BTCUSDT pair, was worth $8.21 million.",
            [("largest_liquidation", 8.21e6, "USD", "BTC")],
        ),
        (
            "The market shed $830 billion, from $2.43 trillion to $1.6 trillion.",
            [
                ("market_cap_change", 830e9, "USD", "TOTAL"),
                ("market_cap", 2.43e12, "USD", "TOTAL"), ("market_cap", 1.6e12, "USD", "TOTAL"),
            ],
        ),
        (
            "IBIT let go of $375 million, ETHA took in $20 million.",
            [("etf_flow", -375e6, "USD", "BTC"), ("etf_flow", 20e6, "USD", "ETH")],
        ),
        ("Bitcoin fell to 88 million won on Upbit.", [("price", 88e6, "KRW", "BTC")]),
        (
            "It bought 5,262 bitcoin at $106,662 apiece.",
            [
                ("holdings_change", 5262, "BTC", "BTC"), ("average_cost", 106_662, "USD", "BTC"),
            ],
        ),
        ("Bitcoin futures trade at a 2.4% discount.", [("basis", -2.4, "pct", "BTC")]),
    ],
)  # fmt: skip
def test_a_sentence_is_read_as_a_reader_would(text: str, expected: list[Told]) -> None:
    assert told(text) == expected


def test_sums_of_two_sides_named_together_are_told_apart() -> None:
    found = extract(Article(text="Liquidations: $2.6B. Long / short: $2.3B / $0.3B."))
    assert [(c.value, c.side) for c in found] == [(2.6e9, None), (2.3e9, "long"), (0.3e9, "short")]


def test_parts_of_a_sum_are_of_its_window() -> None:
    text = "Over the past hour $163 million was liquidated, of which longs had $159 million."
    assert {claim.window for claim in extract(Article(text=text))} == {"1h"}
