"""Arithmetic in and across texts: each kind of sum, right and wrong."""

from __future__ import annotations

import pytest

from claims.reports import article, claim, group_of, held, said, sums
from undertow.claims.claim import Claim
from undertow.claims.reconcile import reconcile


def coins(span: str, value: float, metric: str = "holdings", **fields: str) -> Claim:
    return claim(span, value, metric, unit="BTC", asset="BTC", venue="Acme", **fields)


def dollars(span: str, value: float, metric: str, **fields: str) -> Claim:
    return claim(span, value, metric, asset="BTC", venue="Acme", **fields)


def test_longs_and_shorts_make_the_total() -> None:
    sides = (
        claim("$1.31 billion", 1.31e9, side="long"),
        claim("$240 million", 2.4e8, side="short"),
    )
    right = held(article("Right", *sides, claim("$1.55 billion", 1.55e9)))
    assert sums(right, "sum")["1310000000+240000000"].verdict == "ok"
    wrong = held(article("Wrong", *sides, claim("$1.44 billion", 1.44e9)))
    check = sums(wrong, "sum")["1310000000+240000000"]
    assert (check.verdict, check.computed, check.stated) == ("contradiction", 1.55e9, 1.44e9)


def test_coins_are_a_part_of_the_market() -> None:
    parts = (
        claim("$500 million", 5e8, asset="BTC"),
        claim("$300 million", 3e8, asset="ETH"),
    )
    fits = held(article("Fits", *parts, claim("$1.2 billion", 1.2e9)))
    assert sums(fits, "parts")["500000000+300000000 <= 1200000000"].verdict == "ok"
    # The same with a lost scale: billions for the parts.
    lost = [claim(item.span, (item.value or 0) * 1000, asset=item.asset) for item in parts]
    bursts = held(article("Bursts", *lost, claim("$1.2 billion", 1.2e9)))
    (check,) = sums(bursts, "parts").values()
    assert check.verdict == "contradiction"


def test_a_share_is_held_against_its_parts() -> None:
    text = (
        claim("90%", 90.0, "liquidation_share", unit="pct", side="long"),
        claim("$800 million", 8e8, side="long"),
        claim("$1 billion", 1.0e9),
    )
    answer = held(article("Mixed", *text))
    assert sums(answer, "share")["800000000/1000000000"].verdict == "contradiction"
    assert said(answer, "Mixed").verdict == "contradicted"


def test_a_share_without_parts_is_held_against_those_of_others() -> None:
    share = claim("95%", 95.0, "liquidation_share", unit="pct", side="long", qualifier=">")
    parts = (claim("$812 million", 8.12e8, side="long"), claim("$1.01 billion", 1.01e9))
    answer = held(article("Alone", share), article("Exact", *parts))
    found = said(answer, "Alone")
    assert found.verdict == "contradicted"
    assert "80.4 % long" in found.evidence[-1].text


def test_quantity_times_price_is_value() -> None:
    bought = (
        coins("120 BTC", 120, "holdings_change", side="buy"),
        dollars("$90,500", 90_500, "average_cost"),
    )
    right = held(
        article("Right", *bought, dollars("$10.86 million", 10.86e6, "holdings_change", side="buy"))
    )
    assert sums(right, "product")["120*90500"].verdict == "ok"
    wrong = held(
        article("Wrong", *bought, dollars("$14 million", 14e6, "holdings_change", side="buy"))
    )
    assert sums(wrong, "product")["120*90500"].verdict == "contradiction"


def test_a_value_and_a_quantity_imply_a_price() -> None:
    answer = held(
        article("Two", coins("2,000 BTC", 2000), dollars("$181 million", 1.81e8, "holdings"))
    )
    check = sums(answer, "product")["181000000/2000"]
    assert (check.verdict, check.computed, check.stated) == ("implied", 90_500, None)


def test_before_and_after_a_sale() -> None:
    sold = article("A", coins("700 BTC", 700, "holdings_change", side="sell"))
    before, after = article("B", coins("2,900 BTC", 2900)), article("C", coins("2,200 BTC", 2200))
    answer = held(sold, before, after)
    assert sums(answer, "balance")["2900-700"].verdict == "ok"
    # One text takes the whole holding for what was sold.
    wrong = article("D", coins("2,900 BTC", 2900, "holdings_change", side="sell"))
    answer = held(sold, before, after, wrong)
    assert sums(answer, "balance")["2900-2900"].verdict == "contradiction"
    assert said(answer, "D").verdict == "contradicted"
    assert said(answer, "A").verdict != "contradicted"


def test_what_is_sold_to_repay_a_debt_is_worth_the_debt() -> None:
    text = "Acme used 2,900 BTC ($260 million) to repay half of its $110 million debt."
    claims = (
        coins("2,900 BTC", 2900, "holdings_change", side="sell"),
        dollars("$260 million", 2.6e8, "holdings"),
        dollars("$110 million", 1.1e8, "debt"),
    )
    answer = held(article("Wrong", *claims, text=text))
    check = sums(answer, "proceeds")["260000000/55000000"]
    assert check.verdict == "contradiction"
    assert "4.7 times too much" in check.note
    assert said(answer, "Wrong", 1).verdict == "contradicted"
    fine = text.replace("$260 million", "$56 million")
    answer = held(
        article("Right", claims[0], dollars("$56 million", 5.6e7, "holdings"), claims[2], text=fine)
    )
    assert sums(answer, "proceeds")["56000000/55000000"].verdict == "ok"


def test_parts_add_up_to_a_whole_that_another_text_prints() -> None:
    def loss(span: str, value: float, venue: str) -> Claim:
        return claim(span, value, "loss", venue=venue, asset=None)

    parts = article(
        "Parts", loss("$40 million", 4e7, "Bridge One"), loss("$3.2 million", 3.2e6, "Bridge Two"),
        loss("$410,000", 4.1e5, "Bridge Three"),
    )  # fmt: skip
    answer = held(parts, article("Whole", loss("$43.6 million", 4.36e7, "Bridge")))
    (check,) = sums(answer, "parts").values()
    assert (check.verdict, check.computed) == ("ok", pytest.approx(43.61e6))


def price(span: str, value: float, **fields: str) -> Claim:
    return claim(span, value, "price", asset="ABC", **fields)


def change(span: str, value: float, **fields: str) -> Claim:
    return claim(span, value, "price_change", asset="ABC", unit="pct", **fields)


def test_a_percentage_follows_from_the_levels_of_its_text() -> None:
    text = "ABC fell over 10% to near $0.90 from a prior $0.98 close."
    claims = (
        change("10%", -10.0, qualifier=">", window="day"),
        price("$0.90", 0.9),
        price("$0.98", 0.98),
    )
    answer = held(article("Wrong", *claims, text=text))
    assert sums(answer, "change")["0.9/0.98-1"].verdict == "contradiction"
    assert said(answer, "Wrong").verdict == "contradicted"
    right = (change("8%", -8.0, window="day"), *claims[1:])
    answer = held(article("Right", *right, text=text.replace("over 10%", "8%")))
    assert sums(answer, "change")["0.9/0.98-1"].verdict == "ok"


def test_another_base_is_said_and_not_called_wrong() -> None:
    levels = article(
        "Levels", price("$3,700", 3700, window="24h"), price("$3,200", 3200, window="24h"),
        text="ABC had a high of $3,700 and a low of $3,200.",
    )  # fmt: skip
    answer = held(levels, article("Percent", change("12%", -12.0, window="day")))
    assert sums(answer, "change")["3200/3700-1"].verdict == "different base"


def test_a_price_and_its_change_imply_the_price_before() -> None:
    text = "ABC lost 4% in 24 hours and now trades at $480."
    claims = (change("4%", -4.0, window="24h"), price("$480", 480))
    check = sums(held(article("Two", *claims, text=text)), "change")["480/(1-0.04)"]
    assert (check.verdict, check.computed) == ("implied", pytest.approx(500))


def test_lost_thousands() -> None:
    # The digits printed are a thousand times what the claim was resolved to.
    printed = held(article("Comma", price("$101,191,000", 101_191)))
    (check,) = sums(printed, "scale").values()
    assert (check.verdict, check.computed, check.stated) == ("scale error", 101_191_000, 101_191)
    # Or the figure itself is: others have it on another scale.
    others = [article(name, price("$101,200", 101_200)) for name in ("A", "B")]
    answer = held(*others, article("Odd", price("$101.2 million", 101.2e6)))
    assert said(answer, "Odd").verdict == "contradicted"
    assert said(answer, "A").verdict == "consistent"


def test_open_interest_is_no_less_than_what_was_closed() -> None:
    interest = claim("$70 million", 7e7, "open_interest", asset="BTC")
    closed = claim("$600 million", 6e8, asset="BTC")
    answer = held(article("Unit", interest), article("Closed", closed))
    assert said(answer, "Unit").verdict == "contradicted"


def test_an_all_venue_figure_called_perpetuals_is_a_contradiction_of_scope() -> None:
    def level(span: str, value: float, venue: str) -> Claim:
        return claim(span, value, "open_interest", asset="BTC", venue=venue)

    exact = article(
        "Exact", level("$70.4 billion", 7.04e10, "all exchanges"),
        level("$33.8 billion", 3.38e10, "perpetuals"),
    )  # fmt: skip
    answer = held(exact, article("Loose", level("$70 billion", 7e10, "perpetual contracts")))
    found = said(answer, "Loose")
    assert found.verdict == "contradicted"
    assert [e.by for e in found.evidence][-1] == "scope"
    assert group_of(answer, "open interest", "BTC").conflicts


def test_one_coin_called_the_whole_market() -> None:
    def cap(span: str, value: float, asset: str) -> Claim:
        return claim(span, value, "market_cap", asset=asset)

    right = [article(n, cap("$3.4 trillion", 3.4e12, "TOTAL")) for n in ("A", "B")]
    coin = article("C", cap("$2.02 trillion", 2.02e12, "BTC"))
    answer = held(*right, coin, article("D", cap("$2.02 trillion", 2.02e12, "TOTAL")))
    assert said(answer, "D").verdict == "contradicted"
    assert "BTC alone" in said(answer, "D").evidence[-1].text


def test_levels_and_forecasts_are_never_held_against_facts() -> None:
    level = claim("$90,000", 90_000, "chart_level", asset="BTC", kind="level")
    answer = held(article("A", level), article("B", price("$90,000", 90_000)))
    assert said(answer, "A").verdict == "forecast"
    assert said(answer, "B").verdict == "unsupported"


def test_other_windows_are_other_quantities() -> None:
    answer = held(
        article("A", claim("$9 billion", 9e9)),
        article("B", claim("$9 billion", 9e9)),
        article("C", claim("$2 billion", 2e9, window="4h")),
    )
    best = group_of(answer, "liquidations", "ALL").best
    assert [(item.label, item.value) for item in best] == [("both", 9e9), ("both in 4h", 2e9)]
    assert said(answer, "C").off_by == 0


def test_flows_of_two_days_have_two_estimates() -> None:
    flows = [
        article(name, claim(f"${value}", value, "etf_flow", asset="BTC", window="day", as_of=day))
        for name, value, day in (
            ("A", -500e6, "2031-05-06"), ("B", -502e6, "2031-05-06"), ("C", 90e6, "2031-05-05"))
    ]  # fmt: skip
    best = group_of(held(*flows), "etf flow", "BTC").best
    assert [item.label for item in best] == ["etf flow of 2031-05-06", "etf flow of 2031-05-05"]
    assert best[1].value == 90e6


def test_what_was_lost_is_worked_out_from_levels_of_one_scope() -> None:
    answer = reconcile([], events=["2025-10-10"])
    best = group_of(answer, "open interest", "ALL").best
    lost = {item.label: item.value for item in best if item.aspect == "change"}
    assert lost["change of perpetuals"] == 123e9 - 217e9
    assert lost["change on Hyperliquid"] == -7.4e9  # printed: not worked out again


def test_where_nobody_agrees_it_is_where_most_gather() -> None:
    prices = [
        article(name, claim(f"${value}", value, "price", asset="XYZ"))
        for name, value in (("A", 0.5), ("B", 0.33), ("C", 0.27), ("D", 0.26))
    ]
    best = group_of(held(*prices), "price", "XYZ").best[0]
    assert best.value in (0.26, 0.27)
    assert "2 publishers within 5%" in best.why


def test_a_hundredth_of_a_total_is_not_another_look_at_it() -> None:
    one = article("A", claim("$20 million", 20e6), claim("$2 billion", 2e9))
    assert not group_of(held(one), "liquidations", "ALL").conflicts
    two = article("A", claim("$1.3 billion", 1.3e9), claim("$2.1 billion", 2.1e9))
    assert group_of(held(two), "liquidations", "ALL").conflicts
