"""Worked examples of Hyperliquid, Lighter and of the theory of deleveraging, with sources."""

from __future__ import annotations

from decimal import Decimal

import pytest

from undertow.venues.formulas import (
    adl_positions,
    adl_theory,
    hyperliquid,
    hyperliquid_rates,
    lighter,
)

near = pytest.approx


# Hyperliquid and Lighter ---------------------------------------------------------------------
@pytest.mark.parametrize(  # prices returned by the venue in autumn 2024, freqtrade 3b1fb5af
    ("side", "entry", "size", "margin", "max_leverage", "expected"),
    [
        ("long", 2458.5, 0.015, 36.864593, 50, 0.86915825),
        ("long", 63287.0, 0.00039, 24.673292, 50, 22.37166537),
        ("long", 145.83, 0.33, 24.045107, 20, 74.83696193),
        ("short", 65536.0, 0.00099, 21.604172, 50, 86493.46174617),
        ("short", 178.29, 0.11, 19.605036, 20, 347.82205322),
        ("short", 0.14333, 351.0, 25.136807, 20, 0.20970228),
        ("long", 350.0, 1.0, 50.0, 10, 315.7894736842105),
    ],
)
def test_hyperliquid_isolated(
    side: str, entry: float, size: float, margin: float, max_leverage: int, expected: float
) -> None:
    kept = hyperliquid.maintenance_fraction(max_leverage)
    price = hyperliquid.isolated_liquidation_price(side, size, entry, margin, kept)
    assert float(price) == near(expected, rel=1e-4)


@pytest.mark.parametrize(  # clearinghouseState samples of the venue's documents and of a bot
    ("size", "raw", "max_leverage", "expected"),
    [(0.0335, -95.059824, 50, "2866.26936529"), (0.003, -11.080576, 25, "3768.90340136")],
)
def test_hyperliquid_from_raw_usd(
    size: float, raw: float, max_leverage: int, expected: str
) -> None:
    kept = hyperliquid.maintenance_fraction(max_leverage)
    price = hyperliquid.liquidation_price_from_raw_usd("long", size, raw, kept)
    assert price == near(Decimal(expected), rel=Decimal("1e-8"))  # raw USD has six decimals


def test_hyperliquid_margin_table_56() -> None:
    first, second = hyperliquid.margin_table([(0, 40), (150_000_000, 20)])
    assert (first.rate, second.rate) == (Decimal("0.0125"), Decimal("0.025"))
    assert (first.deduction, second.deduction) == (0, 1_875_000)


def test_hyperliquid_liquidation_stages() -> None:  # docs, trading/liquidations
    assert hyperliquid.first_order_value(250_000) == 50_000
    assert hyperliquid.first_order_value(100_000) == 100_000  # only above the threshold
    needed = hyperliquid.maintenance_margin(1_000_000, 40)
    assert needed == 12_500
    assert round(hyperliquid.backstop_threshold(needed), 6) == Decimal("8333.333333")


def test_hyperliquid_rankings_differ() -> None:  # docs against osec.io 2026-06-22
    a, b = ("long", 110, 100, 200, 100), ("long", 101, 100, 1000, 100)
    documented = [hyperliquid.adl_index(*account) for account in (a, b)]
    assert documented == [Decimal("2.2"), Decimal("10.1")]
    reconstructed = [hyperliquid.adl_score(*account) for account in (a, b)]
    assert reconstructed == [Decimal("0.2"), Decimal("0.1")]
    loser = hyperliquid.adl_score("short", 110, 100, 200, 100)
    assert loser == Decimal("2e-8")  # the floor of the profit ratio


@pytest.mark.parametrize(  # rows of metaAndAssetCtxs, mid 2025
    ("bid", "ask", "oracle", "expected"),
    [
        (105944, 105945, 105919, "0.0002360294"),
        (17.8677, 17.869, 17.879, "-0.0005593154"),
        (10.1552, 10.1618, 10.16, "0"),
    ],
)
def test_hyperliquid_premium(bid: float, ask: float, oracle: float, expected: str) -> None:
    assert round(hyperliquid_rates.premium(bid, ask, oracle), 10) == Decimal(expected)


@pytest.mark.parametrize(  # settled rates, fundr tests/fixtures/hl_formula_cases.json
    ("premium", "rate"),
    [
        ("-0.0008259503", "-0.0000407438"),
        ("-0.0053289682", "-0.0006036210"),
        ("-0.0003230716", "0.0000125"),
    ],
)
def test_hyperliquid_funding(premium: str, rate: str) -> None:
    hourly = hyperliquid_rates.funding_rate_hourly(hyperliquid_rates.funding_rate_8h(premium))
    assert hourly == near(Decimal(rate), abs=Decimal("1.01e-10"))


def test_hyperliquid_funding_cap() -> None:
    assert hyperliquid_rates.funding_rate_hourly("0.9") == Decimal("0.04")
    assert hyperliquid_rates.funding_rate_hourly("-0.9") == Decimal("-0.04")


@pytest.mark.parametrize(  # settled hours, fundr tests/fixtures/lighter_formula_cases.json
    ("premium", "rate"),
    [("0.1186", "0.0085"), ("0.0764", "0.0033"), ("0.0643", "0.0017"), ("0.1041", "0.0067"),
     ("-0.0079", "0.0012"), ("0.0108", "0.0012")],
)  # fmt: skip
def test_lighter_settled(premium: str, rate: str) -> None:
    assert lighter.hourly_rate_percent(premium) == Decimal(rate)


def test_lighter_rounds_towards_zero_and_its_documents_not_at_all() -> None:
    assert lighter.hourly_rate_percent("-0.1186") == Decimal("-0.0085")
    assert lighter.hourly_rate_percent("0.1", truncated=False) == Decimal("0.00625")


# Chitra, Autodeleveraging, arXiv 2512.01112 -------------------------------------------------
PAPER = {
    "A": adl_positions.position(1, 2, 1),
    "B": adl_positions.position(1, Decimal(2) / 3, 1),
    "C": adl_positions.position(4, Decimal(8) / 3, -1),
    "D": adl_positions.position(1, Decimal(2) / 19, 1),
    "E": adl_positions.position(1, Decimal(10) / 99, -1),
}


def test_paper_prices() -> None:
    bankrupt = [adl_positions.bankruptcy_price(held, 1) for held in PAPER.values()]
    assert bankrupt == near([Decimal(x) for x in ("0", "0.3333", "1.6667", "0.8947", "1.1010")],
                            abs=Decimal("0.00005"))  # fmt: skip
    prices = [adl_positions.liquidation_price(held, 1, "0.1") for held in PAPER.values()]
    # The paper prints 1.0010 for E; its own 109/99/1.1 is 1.0009.
    assert prices == near([Decimal(x) for x in ("0", "0.3704", "1.5152", "0.9942", "1.0009")],
                          abs=Decimal("0.00005"))  # fmt: skip


def test_paper_funding_and_profit() -> None:
    ratio = adl_positions.open_interest_ratio(list(PAPER.values()))
    assert ratio == Decimal("0.6")
    marks, oracles = (1, "1.4", "1.3"), (1, "1.5", "1.25")
    rates = [
        adl_positions.linear_funding_rate(1, ratio, mark, oracle)
        for mark, oracle in zip(marks[1:], oracles[1:], strict=True)
    ]
    assert [round(rate, 4) for rate in rates] == [Decimal("-0.3333"), Decimal("-0.44")]
    gains = [adl_positions.profit(held, rates, marks) for held in PAPER.values()]
    printed = ("-0.7387", "-0.7387", "2.9547", "-0.7387", "0.7387")
    assert [round(gain, 4) for gain in gains] == [Decimal(value) for value in printed]


def test_paper_liquidation_arithmetic() -> None:
    size = adl_positions.liquidation_slice("short", 1, "5.5", "-4.399", "0.1", "0.003", "5.55")
    assert size == near(Decimal("10.24"), abs=Decimal("0.005"))
    assert adl_positions.execution_price("sell", "1.3", "0.5", 1) == Decimal("1.05")
    assert adl_positions.execution_price("buy", "1.6", 2, 1) == Decimal("2.6")
    assert adl_positions.bad_debt("long", "0.8747", "0.78", "0.4") == Decimal("0.03788")
    assert adl_positions.bad_debt("short", "1.151", "1.55", 1) == Decimal("0.399")
    assert adl_positions.bad_debt("long", "0.8", "0.9", 1) == 0


def test_paper_haircuts() -> None:
    equities, pnl = [10, 5, 1, -3, -12], [8, 4, "0.5", -3, -12]
    needed = adl_theory.budget(equities, "0.5")
    able = adl_theory.capacities(equities, pnl)
    assert (adl_theory.deficit(equities), needed) == (15, Decimal("7.5"))
    assert adl_theory.pro_rata(needed, able).seized == [Decimal(x) for x in
                                                       ("4.8", "2.4", "0.3", "0", "0")]  # fmt: skip
    queued = adl_theory.queue(needed, able, [2, 1, 3, 5, 4])
    assert queued.seized == [Decimal("3.5"), 4, 0, 0, 0]
    assert queued.haircuts == [Decimal("0.4375"), 1, 0, 0, 0]
    assert adl_theory.queue(needed, able, [2, 1, 3]) == queued


def test_paper_shares() -> None:  # paper/main_examples.tex
    values = (["1.2613", "5.6214", "0.8397"], ["1.031", "0.925", "1.548"])
    printed = {"prorata": (0.163, 0.728, 0.109), "linear": (0.164, 0.589, 0.246)}
    for name, shares in printed.items():
        found = adl_theory.risk_shares(*values, adl_theory.RISK_WEIGHTS[name])
        assert [float(share) for share in found] == near(shares, abs=0.001)
    tail = adl_theory.risk_shares(*values, adl_theory.tail_weight("0.9"))
    assert [float(share) for share in tail] == near((0.149, 0.114, 0.737), abs=0.001)


def test_waterfill_by_hand() -> None:
    haircuts, seized = adl_theory.waterfill(4, [10, 5, 1], ["0.2", "0.5", 1])
    assert haircuts[0] == Decimal("0.2")
    assert haircuts[1] == haircuts[2] == near(Decimal(1) / 3)
    assert seized == near([Decimal(2), Decimal(5) / 3, Decimal(1) / 3])
