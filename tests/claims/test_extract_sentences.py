"""What figures are about: sentences of the kinds that market articles hold, all invented."""

from __future__ import annotations

import pytest

from undertow.claims.article import Article
from undertow.claims.claim import Claim
from undertow.claims.extract import extract


def claims(text: str, **fields: str) -> list[Claim]:
    found = extract(Article(text=text, published="2025-11-04", **fields))
    return [claim for claim in found if claim.unit is not None]


def told(text: str, **fields: str) -> list[tuple[str, float | None, str | None]]:
    return [(c.metric, c.value, c.asset) for c in claims(text, **fields)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Bitcoin fell 7% to $99,000 while ether slid 9% to $2,900.",
            [
                ("price_change", -7, "BTC"), ("price", 99_000, "BTC"),
                ("price_change", -9, "ETH"), ("price", 2_900, "ETH"),
            ],
        ),
        (
            "SOL and BNB lost 8% and 7% respectively; XRP gained 2%.",
            [("price_change", -8, "SOL"), ("price_change", -7, "BNB"), ("price_change", 2, "XRP")],
        ),
        (
            "Bitcoin is down 50% from its all-time high of $69,000.",
            [("price_change", -50, "BTC"), ("price", 69_000, "BTC")],
        ),
        ("PUMP fell 13%.", [("price_change", -13, "PUMP")]),
        ("Analysts see support at $88,000.", [("chart_level", 88_000, "BTC")]),
        ("Bitcoin could fall to $80,000, he said.", [("chart_level", 80_000, "BTC")]),
        ("The 200-day moving average is at $110,000.", [("chart_level", 110_000, "BTC")]),
        (
            "US spot Bitcoin ETFs shed $566 million; Solana funds took in $15 million.",
            [("etf_flow", -566e6, "BTC"), ("etf_flow", 15e6, "SOL")],
        ),
        (
            "Bitcoin open interest on Binance fell 12% to $9.8 billion.",
            [("open_interest_change", -12, "BTC"), ("open_interest", 9.8e9, "BTC")],
        ),
        (
            "Total open interest declined from $217 billion to $142 billion.",
            [("open_interest", 217e9, "ALL"), ("open_interest", 142e9, "ALL")],
        ),
        ("The funding rate on Bybit is now -0.013%.", [("funding_rate", -0.013, "BTC")]),
        ("The Crypto Fear & Greed Index dropped to 24.", [("fear_greed", 24, "ALL")]),
        ("Bitcoin dominance rose to 60.3%.", [("dominance", 60.3, "BTC")]),
        (
            "The market cap fell from $1.6 trillion to $1.23T, a loss of over $370 billion.",
            [
                ("market_cap", 1.6e12, "TOTAL"), ("market_cap", 1.23e12, "TOTAL"),
                ("market_cap_change", 370e9, "TOTAL"),
            ],
        ),
        (
            "The 1% market depth fell from $20 million to $14 million, nearly a third less.",
            [
                ("other", 1, None), ("depth", 20e6, "BTC"), ("depth", 14e6, "BTC"),
                ("depth_change", -33, "BTC"),
            ],
        ),
        ("The bid-ask spread widened to 25 bps.", [("spread", 25, "BTC")]),
        ("Bitcoin's trading volume was $96 billion.", [("volume", 96e9, "BTC")]),
        (
            "Bybit lost about 401,000 ETH worth $1.4 billion in the hack.",
            [("loss", 401_000, "ETH"), ("loss", 1.4e9, None)],
        ),
        (
            "The firm bought 397 BTC at an average price of $114,771 and holds 641,205 BTC.",
            [
                ("holdings_change", 397, "BTC"), ("average_cost", 114_771, "BTC"),
                ("holdings", 641_205, "BTC"),
            ],
        ),
        (
            "It repaid half of its $200 million convertible debt.",
            [("other", 50, None), ("debt", 100e6, None), ("debt", 200e6, None)],
        ),
        ("Value locked in the protocol was $8.5 billion.", [("tvl", 8.5e9, "ALL")]),
        ("Myriad shows a 71% probability of that.", [("odds", 71, "BTC")]),
        ("Implied volatility jumped to 88%.", [("volatility", 88, "BTC")]),
        (
            "November was historically the strongest month, with an average return of 42%.",
            [("seasonal_return", 42, "BTC")],
        ),
    ],
)  # fmt: skip
def test_what_a_figure_is_about(text: str, expected: list[tuple[str, float, str | None]]) -> None:
    assert told(text) == expected


def test_liquidations_with_their_parts() -> None:
    text = (
        "CoinGlass: $1.7 billion was liquidated in 24 hours, 80% of it longs; 327,000 traders "
        "were hit. "
        "Longs lost $1.4B and shorts $300M. Ethereum is first with $569 million. "
        "The largest single order was a $47.8 million BTC-USDT long on HTX. "
        "Bitcoin and Solana had $539 million and $124 million, respectively."
    )
    found = [(c.metric, c.value, c.asset, c.side, c.window) for c in claims(text)]
    assert found == [
        ("liquidations", 1.7e9, "ALL", None, "24h"),
        ("liquidation_share", 80, "ALL", "long", "24h"),
        ("traders_liquidated", 327_000, "ALL", None, "24h"),
        ("liquidations", 1.4e9, "ALL", "long", "24h"),
        ("liquidations", 300e6, "ALL", "short", "24h"),
        ("liquidations", 569e6, "ETH", None, "24h"),
        ("largest_liquidation", 47.8e6, "BTC", "long", "24h"),
        ("liquidations", 539e6, "BTC", None, "24h"),
        ("liquidations", 124e6, "SOL", None, "24h"),
    ]
    assert claims(text)[6].venue == "HTX"
    assert {c.source for c in claims(text)} == {"CoinGlass"}
    assert "respectively" in claims(text)[-1].flags


def test_mainly_longs_is_no_figure_of_longs() -> None:
    assert [c.side for c in claims("Over $1 billion was liquidated, mainly longs.")] == [None]


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Bitcoin lost 5% in a week.", "7d"),
        ("Bitcoin lost 5% in an hour.", "1h"),
        ("Bitcoin lost 5% over the past 30 days.", "30d"),
        ("Bitcoin lost 5% year-to-date.", "YTD"),
        ("Bitcoin lost 5% on Monday.", "day"),
        ("Bitcoin lost 5%.", "24h"),
    ],
)
def test_windows(text: str, window: str) -> None:
    (claim,) = claims(text)
    assert claim.window == window
    assert ("window missing" in claim.flags) == (text == "Bitcoin lost 5%.")


@pytest.mark.parametrize(
    ("text", "as_of"),
    [
        ("Bitcoin fell to $99,000 on Tuesday.", "2025-11-04"),
        ("Bitcoin fell to $99,000 on Monday.", "2025-11-03"),
        ("Bitcoin fell to $99,000 on Oct. 10.", "2025-10-10"),
        ("Bitcoin fell to $29,000 on May 19, 2021.", "2021-05-19"),
        ("Bitcoin was $99,000 yesterday.", "2025-11-03"),
        ("Bitcoin fell to $99,000 at 02:35 a.m. Moscow time.", "2025-11-03T23:35Z"),
        ("Bitcoin fell to $99,000 at 9:30 p.m. ET on Nov. 3.", "2025-11-04T02:30Z"),
        ("Bitcoin fell to $39,000 on 30 December.", "2024-12-30"),
    ],
)
def test_times_are_resolved_against_the_day_of_the_article(text: str, as_of: str) -> None:
    assert [claim.as_of for claim in claims(text)] == [as_of]


def test_without_a_date_relative_times_stay_open() -> None:
    (claim,) = extract(Article(text="Bitcoin fell to $99,000 on Tuesday."))
    assert claim.as_of is None
    assert "time unresolved" in claim.flags


def test_a_price_a_thousand_times_too_high_is_mended_and_flagged() -> None:
    (change, price) = claims("Bitcoin was down 5.11% to $101,191,000.")
    assert (change.value, price.value) == (-5.11, 101_191)
    assert "scale error" in price.flags
    assert "no price of BTC" in (price.note or "")


def test_a_spun_scale_word_is_worked_out_and_explained() -> None:
    text = (
        "More than $1.21 cardinal in long positions were liquidated, with Bitcoin accounting for "
        "$377 cardinal of that total. In all $1.36 cardinal was liquidated."
    )
    found = claims(text, title="Crypto liquidations hit $1.4B")
    assert [claim.value for claim in found] == [1.21e9, 377e6, 1.36e9]
    for claim in found:
        assert "scale unclear" in claim.flags
        assert (claim.note or "").startswith("read as ")


def test_the_title_explains_a_bare_figure() -> None:
    text = (
        "Over $83 million, says an alert. By network: $70 million on one, $3.9 million on another."
    )
    title = "Protocol hacked, over $83 million in losses"
    assert {metric for metric, _, _ in told(text, title=title)} == {"loss"}


def test_kinds_and_statements() -> None:
    text = (
        "Bitcoin could fall to $80,000. The slide was triggered by weak jobs data.\n"
        "Bitcoin hit its lowest level since June.\nRead more: ether fell 9% to $2,900\n"
    )
    found = extract(Article(text=text, published="2025-11-04"))
    kinds = [(claim.kind, claim.span) for claim in found]
    assert kinds == [
        ("forecast", "$80,000"),
        ("causal", "triggered by weak jobs data"),
        ("superlative", "lowest level since June"),
        ("offtopic", "9%"),
        ("offtopic", "$2,900"),
    ]


def test_spans_are_substrings_at_their_place() -> None:
    text = "Bitcoin fell 7% to $99,000; half of its $189 million debt; 3,234 BTC ($365.6 million)."
    for claim in extract(Article(text=text)):
        assert text[claim.start : claim.start + len(claim.span)] == claim.span
