"""The waterfall and the Hawkes likelihood: kernels against specifications, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.kernels import hawkes as hawkes_kernel
from undertow.measures.cascade import Cascades, Triggers, cascade, cascade_together
from undertow.measures.impact import DepthCurve
from undertow.reference import cascade as reference
from undertow.reference import hawkes as hawkes_reference

START = 100.0
# Prices that coincide, that lie on what round sales lead to, and any others.
price = st.one_of(st.sampled_from([50.0, 90.0, 90.0, 99.0, 1e-9]), st.floats(0.01, 99.99))
volume = st.one_of(st.sampled_from([0.0, 1.0, 10.0, 1e-9]), st.floats(0, 50))
triggers = st.lists(st.tuples(price, volume), max_size=40)
curve = st.one_of(
    st.builds(DepthCurve.exponential, st.floats(0.1, 1e3), band=st.sampled_from([0.01, 0.5])),
    st.builds(DepthCurve.linear, st.floats(0.1, 1e3), band=st.sampled_from([0.01, 0.5])),
    st.builds(DepthCurve.square_root, st.floats(0.01, 0.2), st.floats(1, 1e4)),
    st.sampled_from(
        [
            DepthCurve.table([0.1], [10]),
            DepthCurve.table([0.005, 0.01, 0.02, 0.1], [1, 5, 8, 100]),
        ]
    ),
)
shock = st.builds(
    reference.Shock,
    st.one_of(st.sampled_from([0.0, 10.0]), st.floats(0, 100)),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([1.0, 0.5, 3.0]),
    st.sampled_from([1.0, 0.5, 0.0]),
)


def assert_equal(
    found: Cascades, scenario: int, endings: list[reference.Ending], rounds: int
) -> None:
    """Not nearly: the same numbers."""
    assert found.price[scenario].tolist() == [ending.price for ending in endings]
    assert found.sold_usd[scenario].tolist() == [ending.volume for ending in endings]
    assert found.closed[scenario].tolist() == [ending.closed for ending in endings]
    assert found.rounds[scenario] == rounds


@settings(max_examples=150)
@given(st.lists(st.tuples(triggers, curve), min_size=1, max_size=3), st.data())
def test_the_kernel_ends_where_the_specification_ends(
    assets: list[tuple[list[tuple[float, float]], DepthCurve]], data: st.DataObject
) -> None:
    count = len(assets)
    row = st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.5]), min_size=count, max_size=count)
    cross = data.draw(st.lists(row, min_size=count, max_size=count))
    for place in range(count):
        cross[place][place] = 1.0
    scenarios = data.draw(
        st.lists(st.lists(shock, min_size=count, max_size=count), min_size=1, max_size=4)
    )
    found = cascade_together(
        [Triggers.of(START, *zip(*rows, strict=True)) if rows else Triggers.of(START, [], [])
         for rows, _ in assets],
        [depth for _, depth in assets], cross,
        **{name: [[getattr(one, field) for one in shocks] for shocks in scenarios]
           for name, field in (("sold_usd", "sold"), ("gap", "gap"),
                               ("depth_multiplier", "depth_multiplier"),
                               ("market_share", "market_share"))},
    )  # fmt: skip
    specified = [reference.Asset(START, rows, depth.curve) for rows, depth in assets]
    for scenario, shocks in enumerate(scenarios):
        assert_equal(found, scenario, *reference.solve(specified, cross, shocks))


def test_crowded_prices_are_counted_exactly() -> None:
    # Nearly all in one cell of the grid, ties among them; each price is asked for itself.
    dice = np.random.default_rng(3)
    crowd = np.round(dice.uniform(98.0, 98.1, 3000), 4)
    prices = np.concatenate([crowd, [1e-6, 99.9]])
    found = cascade(
        Triggers.of(START, prices, np.zeros(len(prices))),
        DepthCurve.linear(1.0, band=0.5), gap=1 - np.unique(prices) / START,
    )  # fmt: skip
    reached = START * (1.0 - (1 - np.unique(prices) / START))
    expected = [(prices >= one).sum() for one in reached]
    assert found.closed.tolist() == expected


def test_one_asset_alone_and_among_others_end_alike() -> None:
    dice = np.random.default_rng(4)
    one = Triggers.of(START, dice.uniform(60, 99, 500), dice.uniform(0, 1, 500))
    depth = DepthCurve.exponential(20.0, band=0.02)
    sold = np.array([0.0, 30.0, 300.0])
    alone = cascade(one, depth, sold_usd=sold)
    both = cascade_together([one, one], [depth] * 2, np.eye(2), sold_usd=np.c_[sold, np.zeros(3)])
    assert both.price[:, 0].tolist() == alone.price.tolist()
    assert both.forced_usd[:, 0].tolist() == alone.forced_usd.tolist()
    assert (both.price[:, 1] == START).all()
    assert alone.closed[2] > alone.closed[1] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sold_usd": -1.0}, "sold_usd"),
        ({"sold_usd": np.nan}, "sold_usd"),
        ({"sold_usd": np.inf}, "sold_usd"),
        ({"gap": 1.0}, "gap"),
        ({"depth_multiplier": 0.0}, "depth_multiplier"),
        ({"market_share": 1.1}, "market_share"),
        ({"sold_usd": [1.0, 2.0], "gap": [0.1, 0.2, 0.3]}, "one length"),
        ({"sold_usd": np.zeros((2, 3))}, "one length"),
    ],
)
def test_what_makes_no_scenario_is_refused(arguments: dict[str, float], said: str) -> None:
    with pytest.raises(UndertowError, match=said):
        cascade(Triggers.of(START, [90], [1]), DepthCurve.linear(1.0, band=0.1), **arguments)


@pytest.mark.parametrize(
    ("prices", "volumes", "said"),
    [([100.0], [1], "below 100"), ([0.0], [1], "above 0"), ([np.nan], [1], "trigger 0"),
     ([90.0, 80.0], [1, -1], "volume 1"), ([90.0], [1, 2], "a volume per trigger")],
)  # fmt: skip
def test_what_makes_no_map_is_refused(prices: list[float], volumes: list[float], said: str) -> None:
    with pytest.raises(UndertowError, match=said):
        Triggers.of(START, prices, volumes)


def test_cross_impact_must_be_a_square_of_what_pulls_down() -> None:
    one, depth = Triggers.of(START, [90], [1]), DepthCurve.linear(1.0, band=0.1)
    for cross in ([[1.0]], [[1.0, 0.0], [-0.1, 1.0]], [[0.5, 0.0], [0.0, 1.0]]):
        with pytest.raises(UndertowError, match="cross impact"):
            cascade_together([one, one], [depth] * 2, cross)


moments = st.lists(st.integers(0, 1000).map(lambda tick: tick / 100), min_size=1, max_size=30)


@given(moments, st.sampled_from([0.0, 0.2, 0.9, 1.3]), st.sampled_from([0.1, 1.0, 30.0]),
       st.sampled_from([(), (5.0,), (0.01, 9.99)]))  # fmt: skip
@example([0.0, 0.0, 0.0], 0.9, 1.0, (5.0,))
@example([10.0], 0.9, 1.0, (5.0,))
def test_the_likelihood_is_the_specifications_and_no_other_levels_are_better(
    times: list[float], ratio: float, decay: float, inner: tuple[float, ...]
) -> None:
    rows, edges = np.sort(np.array(times)), np.array([0.0, *inner, 10.0])
    sums, levels = np.zeros(len(rows)), np.zeros(len(edges) - 1)
    inside = hawkes_kernel.excite(rows, 10.0, decay, sums)
    starts = np.searchsorted(rows, edges)
    starts[-1] = len(rows)
    likelihood, slope = hawkes_kernel.maximise_levels(
        sums, starts, np.diff(edges), ratio, inside, levels
    )
    arguments = (rows.tolist(), edges.tolist())
    expected = hawkes_reference.log_likelihood(*arguments, levels.tolist(), ratio, decay)
    assert likelihood == pytest.approx(expected, rel=1e-9, abs=1e-9)
    for place in range(len(levels)):
        for factor in (0.9, 1.1):
            other = levels.copy()
            other[place] = other[place] * factor + 1e-6
            worse = hawkes_reference.log_likelihood(*arguments, other.tolist(), ratio, decay)
            assert worse <= expected + 1e-9
    step = 1e-6
    above, _ = hawkes_kernel.maximise_levels(
        sums, starts, np.diff(edges), ratio + step, inside, levels
    )
    assert (above - likelihood) / step == pytest.approx(slope, rel=1e-3, abs=1e-3)
