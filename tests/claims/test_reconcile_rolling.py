"""One rolling figure seen at several times: what lies on the curve, what is stale, what is off."""

from __future__ import annotations

import pytest

from claims.reports import DAY, article, claim, group_of, held, said, total
from undertow.claims.reconcile import Source
from undertow.claims.reconcile.ranges import agree, allowed, cut_off, half_step, shown


def day() -> list[Source]:
    """Four looks at a series that rises through the day and falls after midnight."""
    return [
        total("Morning", 0.81, f"{DAY}T02:00Z"),
        total("Noon", 1.24, f"{DAY}T12:00Z"),
        total("Evening", 1.93, f"{DAY}T22:00Z"),
        total("Night", 1.52, "2031-05-07T10:00Z"),
    ]


def test_figures_of_one_series_do_not_contradict() -> None:
    answer = held(*day())
    assert {item.verdict for item in answer.statements} == {"consistent"}
    group = group_of(answer, "liquidations", "ALL")
    assert group.relation.startswith("one rolling series")
    (series,) = group.series
    assert [point.value for point in series.points] == [0.81e9, 1.24e9, 1.93e9, 1.52e9]
    assert series.line[0] == (f"{DAY}T02:00:30Z", 0.81e9)
    best = group.best[0]
    assert (best.value, best.aspect) == (1.93e9, "both")
    # Who is off by how much: the morning's figure is 58 % below the peak.
    assert said(answer, "Morning").off_by == pytest.approx(0.81 / 1.93 - 1, abs=1e-6)


def test_a_figure_without_a_time_gets_the_time_at_which_the_series_had_it() -> None:
    answer = held(*day(), total("Undated", 1.6, DAY))
    found = said(answer, "Undated")
    assert found.verdict == "explained"
    (point,) = [p for p in answer.groups[0].series[0].points if p.publisher == "Undated"]
    # 1.6 lies between noon (1.24) and 22:00 (1.93).
    assert f"{DAY}T16:00" < point.at < f"{DAY}T20:00"
    assert point.fit == "time inferred"


def test_a_figure_that_held_only_before_is_stale() -> None:
    late = total("Late", 0.9, f"{DAY} late", qualifier=">")
    answer = held(*day(), late)
    found = said(answer, "Late")
    assert found.verdict == "contradicted"
    assert "stale" in found.evidence[0].text
    assert any("Late" in line for line in answer.groups[0].conflicts)


def test_a_figure_that_the_series_never_had_is_off() -> None:
    found = said(held(*day(), total("Dreamer", 6.5, f"{DAY} late")), "Dreamer")
    assert found.verdict == "contradicted"
    assert "off the rolling figure" in found.evidence[0].text


def test_a_figure_does_not_vouch_for_itself() -> None:
    # Its time is known to the minute, but it leaves the line through all others.
    answer = held(*day(), total("Loud", 9.9, f"{DAY}T12:30Z"))
    assert said(answer, "Loud").verdict == "contradicted"
    assert said(answer, "Noon").verdict == "consistent"
    assert answer.groups[0].best[0].value == 1.93e9
    # At the very minute of another, it is still the odd one out.
    answer = held(*day(), total("Same minute", 0.4, f"{DAY}T22:00Z"))
    assert said(answer, "Same minute").verdict == "contradicted"
    assert said(answer, "Evening").verdict == "consistent"


def test_more_than_is_read_as_it_was_meant() -> None:
    # 1.9 was passed at 22:00: "more than 1.9" fits, though no text prints exactly that.
    assert said(held(*day(), total("Bound", 1.9, DAY, qualifier=">")), "Bound").verdict in (
        "explained",
        "consistent",
    )


def test_a_title_that_cuts_off_digits_is_explained() -> None:
    both = article("Cutter", claim("$1.2B", 1.2e9), claim("$1.24 billion", 1.24e9))
    answer = held(*day(), both)
    assert said(answer, "Cutter").verdict == "explained"
    words = [e.text for e in said(answer, "Cutter").evidence if e.by == "rounding"]
    assert words
    assert "rounded" in words[0]


def test_a_day_total_called_an_hour_is_contradicted() -> None:
    hour = article("Hasty", claim("$1.24 billion", 1.24e9, window="1h"))
    found = said(held(*day(), hour), "Hasty")
    assert found.verdict == "contradicted"
    assert "of 24h" in found.evidence[0].text


def test_longs_that_equal_the_others_total_are_mislabelled() -> None:
    at = f"{DAY}T22:00Z"
    market = [
        article("One", claim("$900 million", 9e8, side="long", as_of=at),
                claim("$300 million", 3e8, side="short", as_of=at),
                claim("$1.2 billion", 1.2e9, as_of=at)),
        total("Early", 0.7, f"{DAY}T12:00Z"),
    ]  # fmt: skip
    coins = [
        article(name, claim("$431 million", 4.31e8, asset="ETH", as_of=at)) for name in ("A", "B")
    ]
    wrong = article("C", claim("$431 million", 4.31e8, asset="ETH", side="long", as_of=at))
    found = said(held(*market, *coins, wrong), "C")
    assert found.verdict == "contradicted"
    assert "both sides" in found.evidence[-1].text


@pytest.mark.parametrize(
    ("value", "qualifier", "inside", "outside"),
    [
        (1.3e9, "=", 1.349e9, 1.36e9),
        (1.36e9, "=", 1.3649e9, 1.37e9),
        (2e9, "near", 1.85e9, 2.1e9),
        (-7.0, ">", -7.5, -6.0),
        (99_000.0, "<", 98_500.0, 99_100.0),
    ],
)
def test_words_and_digits_leave_a_range(
    value: float, qualifier: str, inside: float, outside: float
) -> None:
    assert allowed(value, qualifier).holds(inside)
    assert not allowed(value, qualifier).holds(outside)


def test_rounding() -> None:
    assert half_step(1.36e9) == pytest.approx(0.005e9)
    assert half_step(473_500.0) == pytest.approx(50)
    assert (cut_off(1.3e9, 1.36e9), cut_off(1.4e9, 1.36e9)) == ("cut off", "rounded")
    assert cut_off(1.36e9, 1.3e9) is None
    assert agree(1.373e9, 1.3e9, ">")
    assert not agree(1.373e9, 1.27e9, ">")
    assert shown(1.36e9, "USD") == "1.36 billion USD"
    assert shown(-3.2, "pct") == "-3.2 %"
    assert shown(3234, "BTC") == "3,234 BTC"
