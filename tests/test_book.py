"""The order book by level: what a reader asks it, against plain sums over all levels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undertow.tape.book import L2Book, Top


def book_of(bids, asks):
    book = L2Book()
    book.apply_snapshot(bids, asks, 1)
    return book


def test_the_best_levels_follow_every_change():
    book = book_of([(99.0, 1.0), (98.0, 2.0)], [(101.0, 3.0), (102.0, 4.0)])
    assert book.best() == Top(99.0, 1.0, 101.0, 3.0)
    book.apply_diff([(99.5, 7.0)], [(101.0, 0.0)], 2)
    assert book.best() == Top(99.5, 7.0, 102.0, 4.0)
    book.apply_diff([(99.5, 0.0), (97.0, 0.0)], [(100.0, 1.5)], 3)
    assert book.best() == Top(99.0, 1.0, 100.0, 1.5)
    assert book.update_id == 3
    assert book.bids() == [(99.0, 1.0), (98.0, 2.0)]
    assert book.asks() == [(100.0, 1.5), (102.0, 4.0)]


def test_a_snapshot_forgets_what_was_before():
    book = book_of([(99.0, 1.0)], [(101.0, 3.0)])
    book.apply_snapshot([(89.0, 1.0), (90.0, 2.0)], [(91.0, 1.0)], 9)
    assert book.bids() == [(90.0, 2.0), (89.0, 1.0)]
    assert book.asks() == [(91.0, 1.0)]
    assert book.known == (89.0, 91.0)


@pytest.mark.parametrize(("bids", "asks"), [([], []), ([(99.0, 1.0)], []), ([], [(101.0, 1.0)])])
def test_a_book_with_an_empty_side_has_no_top_and_no_depth(bids, asks):
    book = book_of(bids, asks)
    assert book.best() is None
    assert book.depth_within(0.01) is None
    assert not book.is_top_known()


def test_a_band_that_leaves_what_the_snapshot_told_is_unknown_not_small():
    book = book_of([(99.0, 1.0), (98.0, 2.0)], [(101.0, 3.0), (110.0, 4.0)])
    assert book.depth_within(0.02) == (99.0 + 196.0, 303.0)  # the edge at 98 counts
    assert book.depth_within(0.021) is None
    book.apply_diff([(90.0, 5.0)], [], 2)  # told by a change, but its neighbours are not
    assert book.depth_within(0.021) is None


def test_the_top_is_unknown_once_the_market_has_left_the_snapshot():
    book = book_of([(99.0, 1.0)], [(101.0, 3.0)])
    assert book.is_top_known()
    book.apply_diff([(99.0, 0.0), (95.0, 1.0)], [], 2)
    assert not book.is_top_known()
    book.apply_diff([(99.5, 1.0)], [], 3)
    assert book.is_top_known()
    book.apply_diff([], [(101.0, 0.0), (102.0, 1.0)], 4)
    assert not book.is_top_known()


ticks = st.integers(1, 999)
quantities = st.one_of(st.just(0.0), st.integers(1, 5000).map(lambda lots: lots / 1000))
changes = st.dictionaries(ticks, quantities, max_size=12)


@given(
    st.dictionaries(ticks, quantities, min_size=1, max_size=40),
    st.dictionaries(ticks, quantities, min_size=1, max_size=40),
    st.lists(st.tuples(changes, changes), max_size=8),
    st.sampled_from([0.001, 0.01, 0.1, 0.5]),
)
def test_it_holds_what_two_dictionaries_hold(bids, asks, diffs, band):
    def priced(levels, base):
        return [(float(f"{(base + tick) / 10:.1f}"), quantity) for tick, quantity in levels.items()]

    book = book_of(priced(bids, 0), priced(asks, 1000))
    plain = [dict(priced(bids, 0)), dict(priced(asks, 1000))]
    low = min((price for price, quantity in plain[0].items() if quantity), default=math.inf)
    high = max((price for price, quantity in plain[1].items() if quantity), default=-math.inf)
    for below, above in diffs:
        book.apply_diff(priced(below, 0), priced(above, 1000))
        plain[0].update(priced(below, 0))
        plain[1].update(priced(above, 1000))
    left, right = ({p: q for p, q in side.items() if q} for side in plain)

    assert book.bids() == sorted(left.items(), reverse=True)
    assert book.asks() == sorted(right.items())
    if not left or not right:
        assert book.best() is None
        return
    bid, ask = max(left), min(right)
    assert book.best() == Top(bid, left[bid], ask, right[ask])
    mid = (bid + ask) / 2
    if mid * (1 - band) < low or mid * (1 + band) > high:
        assert book.depth_within(band) is None
    else:
        expected = (
            sum(p * q for p, q in left.items() if p >= mid * (1 - band) - 1e-9),
            sum(p * q for p, q in right.items() if p <= mid * (1 + band) + 1e-9),
        )
        assert book.depth_within(band) == pytest.approx(expected)
