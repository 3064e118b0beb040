"""Tables, lists, and how figures are written elsewhere: each on an invented text."""

from __future__ import annotations

import pytest

from undertow.claims.article import Article
from undertow.claims.extract import extract

Told = tuple[str, float | None, str | None, str | None, str | None]


def told(text: str) -> list[Told]:
    """Metric, value, unit, asset and window of each figure that is about something known."""
    found = extract(Article(text=text, published="2025-11-04"))
    return [(c.metric, c.value, c.unit, c.asset, c.window) for c in found if c.metric != "other"]


def test_a_cell_is_about_what_its_row_and_its_column_are_called() -> None:
    table = """| Asset | Price | 7d change | 24h volume |
|---|---|---|---|
| BTC | $84,120 | -9.8% | $61.2B |
| ETH | $2,089 | -16.4% | $28.7B |"""
    assert told(table) == [
        ("price", 84_120, "USD", "BTC", None), ("price_change", -9.8, "pct", "BTC", "7d"),
        ("volume", 61.2e9, "USD", "BTC", "24h"), ("price", 2089, "USD", "ETH", None),
        ("price_change", -16.4, "pct", "ETH", "7d"), ("volume", 28.7e9, "USD", "ETH", "24h"),
    ]  # fmt: skip


def test_a_head_lends_unit_and_scale_and_brackets_are_minuses() -> None:
    table = "Daily flows of bitcoin ETFs (US$ m):\n\nDay\tIBIT\tETHA\n18 Aug\t(68.7)\t12.4"
    assert [row[:4] for row in told(table)] == [
        ("etf_flow", -68.7e6, "USD", "BTC"), ("etf_flow", 12.4e6, "USD", "ETH"),
    ]  # fmt: skip
    table = "| Venue | OI ($bn) | Funding (%) |\n|--|--|--|\n| Binance | 9.4 | 0.003 |"
    assert [row[:3] for row in told(table)] == [
        ("open_interest", 9.4e9, "USD"), ("funding_rate", 0.003, "pct"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a | b\n", "| $5 |\n", "||||\n|-|-|-|\n|1|2|3|\n", "\t\t\t1\n"])
def test_what_is_no_table_is_read_as_text(text: str) -> None:
    assert told(text * 3) == []


def test_the_line_before_a_list_tells_what_its_lines_are_about() -> None:
    text = "What was stolen, by chain:\n- Ethereum: $99.7 million\n- Base: $3.9 million"
    assert [row[:2] for row in told(text)] == [("loss", 99.7e6), ("loss", 3.9e6)]
    text = "1. Open interest. All venues together have $146B.\n2. Funding. The median is -0.04%."
    assert [row[:2] for row in told(text)] == [("open_interest", 146e9), ("funding_rate", -0.04)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Bitcoin fell 9,8 percent to 81.600 dollars, ether 11,2 percent to 2.680 dollars.",
            [-9.8, 81_600, -11.2, 2680],
        ),
        ("Bitcoin climbed to Rs 44.3 lakh, ether fell to Rs 1,84,500.", [4_430_000, 184_500]),
        ("Thieves stole Rs 1,965 crore from the exchange.", [19.65e9]),
        ("Bitcoin touched HK$386,000.", [386_000]),
        ("Positions worth $2 billion were closed; 2.8 lakh traders were hit.", [2e9, 280_000]),
        ("Dogecoin lost a fifth and fell to 14 US cents.", [-20, 0.14]),
        ("- Solana fell to $17\n- 11 May was worse: bitcoin fell to $25,400", [17, 25_400]),
    ],
)
def test_figures_as_other_countries_write_them(text: str, expected: list[float]) -> None:
    assert [row[1] for row in told(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crypto's worth sank to $885 billion.", [("market_cap", 885e9, "TOTAL")]),
        (
            "Open interest of bitcoin dropped $5.4 billion to $16.5 billion.",
            [("open_interest_change", 5.4e9, "BTC"), ("open_interest", 16.5e9, "BTC")],
        ),
        ("The pool was 46% DAI and 54% USDC.", []),
        (
            "Shares of Tesla, which once held bitcoin, fell 2.5%.",
            [("price_change", -2.5, "TSLA")],
        ),
        (
            "Max pain is $114,000 for BTC and $4,000 for ETH. BTC is at $112,600, off 1.9%.",
            [
                ("chart_level", 114_000, "BTC"), ("chart_level", 4000, "ETH"),
                ("price", 112_600, "BTC"), ("price_change", -1.9, "BTC"),
            ],
        ),
        (
            "Implied volatility rose to 32% for BTC and 62% for ETH.",
            [("volatility", 32, "BTC"), ("volatility", 62, "ETH")],
        ),
        (
            "The second largest coin lost 4%, and the largest coin 6%.",
            [("price_change", -4, "ETH"), ("price_change", -6, "BTC")],
        ),
        (
            "It bought 550 BTC at about $98,783.",
            [("holdings_change", 550, "BTC"), ("average_cost", 98_783, "BTC")],
        ),
    ],
)  # fmt: skip
def test_what_the_form_and_the_neighbours_tell(
    text: str, expected: list[tuple[str, float, str]]
) -> None:
    found = [(metric, value, asset) for metric, value, _, asset, _ in told(text)]
    assert [row for row in found if row[2] is not None] == expected
