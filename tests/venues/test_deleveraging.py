"""Auto-deleveraging: every rule against its specification, its promises, and worked examples."""

from __future__ import annotations

import textwrap
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from undertow.errors import UndertowError
from undertow.reference import deleveraging as reference
from undertow.venues import deleveraging, methods, rulebook
from undertow.venues.deleveraging import Candidates
from undertow.venues.formulas import binance_usdm, bitmex, hyperliquid

QUEUES = tuple(reference.SCORES)
SHARES = tuple(reference.POLICIES)
MOST = 2**62 - 1
UNIT = 10**6
SEEDS = st.integers(0, 2**32 - 1)


def table(rows) -> Candidates:
    columns = list(zip(*rows, strict=True)) or [()] * len(Candidates._fields)
    return Candidates(*(np.array(column, np.int64) for column in columns))


def row(lots=1, basis=UNIT, value=2 * UNIT, wallet=UNIT, equity=UNIT, maintenance=1):
    return (0, lots, basis, value, wallet, equity, maintenance)


def specified(candidates: Candidates) -> reference.Candidates:
    return reference.Candidates(*(column.tolist() for column in candidates))


def take(ranking, rows, needed):
    return deleveraging.lots_to_take(ranking, table(rows), needed).tolist()


@st.composite
def tables(draw, sides=(1, -1)) -> Candidates:
    """Small numbers, so that many are equal, or numbers up to what an int64 can bear."""
    most_lots, most = draw(st.sampled_from([(3, 4), (9, 30), (1000, 10**12), (MOST, MOST)]))
    side = draw(st.sampled_from(sides))
    size = st.integers(0, most)
    money = st.integers(-most, most)
    one = st.tuples(st.integers(1, most_lots), size, size, money, money, size)
    rows = draw(st.lists(one, max_size=8))
    return table(
        (account, lots, side * basis, side * value, wallet, equity, maintenance)
        for account, (lots, basis, value, wallet, equity, maintenance) in enumerate(rows)
    )


@st.composite
def closings(draw) -> tuple[Candidates, int]:
    candidates = draw(tables())
    winners = candidates.value_units > candidates.basis_units
    held = sum(candidates.lots[winners].tolist())
    return candidates, draw(st.integers(0, held + 2))


@pytest.mark.parametrize("ranking", QUEUES + SHARES)
@given(closing=closings())
def test_every_rule_closes_winners_only_and_the_same_lots_as_its_specification(ranking, closing):
    candidates, needed = closing
    taken = deleveraging.lots_to_take(ranking, candidates, needed)
    winners = candidates.value_units > candidates.basis_units
    assert taken.dtype == np.int64
    assert (taken >= 0).all() and (taken <= candidates.lots).all()
    assert not taken[~winners].any()
    assert sum(taken.tolist()) == min(needed, sum(candidates.lots[winners].tolist()))
    assert taken.tolist() == reference.lots_to_take(ranking, specified(candidates), needed)


@pytest.mark.parametrize("ranking", QUEUES)
@given(candidates=tables())
def test_scores_agree_to_the_last_bit(ranking, candidates):
    winners = np.flatnonzero(candidates.value_units > candidates.basis_units)
    able = Candidates(*(column[winners] for column in candidates))
    scores = getattr(deleveraging, ranking)(able)
    exact = [reference.SCORES[ranking](one) for one in specified(able).rows()]
    assert [score.hex() for score in scores.tolist()] == [score.hex() for score in exact]


@pytest.mark.parametrize("ranking", QUEUES)
@settings(max_examples=40)
@given(closing=closings())
def test_a_queue_closes_nobody_before_those_ahead_of_them_are_closed_whole(ranking, closing):
    candidates, needed = closing
    taken = deleveraging.lots_to_take(ranking, candidates, needed)
    scores = getattr(deleveraging, ranking)(candidates)
    rows = np.flatnonzero(candidates.value_units > candidates.basis_units).tolist()
    touched = [place for place in rows if taken[place]]
    spared = [place for place in rows if taken[place] < candidates.lots[place]]
    for ahead in spared:
        for behind in touched:
            assert (-scores[behind], behind) <= (-scores[ahead], ahead)


@pytest.mark.parametrize("ranking", QUEUES)
@settings(max_examples=40)
@given(closing=closings(), seed=SEEDS)
def test_the_order_of_rows_decides_only_among_equals(ranking, closing, seed):
    candidates, needed = closing
    scores = getattr(deleveraging, ranking)(candidates)
    distinct = np.unique(scores, return_index=True)[1]
    candidates = Candidates(*(column[distinct] for column in candidates))
    order = np.random.default_rng(seed).permutation(len(distinct))
    shuffled = Candidates(*(column[order] for column in candidates))
    taken = deleveraging.lots_to_take(ranking, candidates, needed)
    assert deleveraging.lots_to_take(ranking, shuffled, needed).tolist() == taken[order].tolist()


@pytest.mark.parametrize("ranking", [name for name in SHARES if name != "water_filling"])
@settings(max_examples=40)
@given(closing=closings(), seed=SEEDS)
def test_shuffled_rows_share_alike_up_to_the_lots_that_cannot_be_split(ranking, closing, seed):
    candidates, needed = closing
    order = np.random.default_rng(seed).permutation(len(candidates.lots))
    shuffled = Candidates(*(column[order] for column in candidates))
    taken = deleveraging.lots_to_take(ranking, candidates, needed)
    again = deleveraging.lots_to_take(ranking, shuffled, needed)
    assert max(abs(again - taken[order]).tolist(), default=0) <= 1


@given(closing=closings())
def test_pro_rata_is_less_than_a_lot_off_the_exact_share(closing):
    candidates, needed = closing
    winners = candidates.value_units > candidates.basis_units
    lots = candidates.lots[winners].tolist()
    assume(needed <= sum(lots) and lots)
    taken = deleveraging.lots_to_take("pro_rata", candidates, needed)[winners].tolist()
    for held, count in zip(lots, taken, strict=True):
        assert abs(count - Fraction(needed * held, sum(lots))) < 1


@given(closing=closings())
def test_water_filling_takes_the_most_levered_lot_each_time(closing):
    candidates, needed = closing
    rows = specified(candidates).rows()
    taken = deleveraging.lots_to_take("water_filling", candidates, needed).tolist()
    step = 1 / Fraction(deleveraging.LEVEL_STEPS)
    winners = [place for place, one in enumerate(rows) if one.profit_units > 0]
    without_equity = [place for place in winners if rows[place].equity_units <= 0]
    sound = [place for place in winners if rows[place].equity_units > 0]

    def leverage(place, lots):
        one = rows[place]
        return Fraction(lots * max(1, abs(one.value_units)), one.lots * one.equity_units)

    after = [leverage(place, rows[place].lots - taken[place]) for place in sound]
    before = [leverage(p, rows[p].lots - taken[p] + 1) for p in sound if taken[p]]
    if after and before:
        assert max(after) < min(before) + step
        assert all(taken[place] == rows[place].lots for place in without_equity)


def lot_by_lot(rows: list[reference.Candidate], needed: int) -> list[int]:
    left = [one.lots for one in rows]
    for _ in range(needed):
        open_rows = [place for place, lots in enumerate(left) if lots]
        first = max(open_rows, key=lambda p: (reference.steps(rows[p], left[p]), -p))
        left[first] -= 1
    return [one.lots - lots for one, lots in zip(rows, left, strict=True)]


SMALL = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))


@given(st.lists(SMALL, min_size=1, max_size=6), st.data())
def test_water_filling_is_the_same_as_counting_lot_by_lot(small, data):
    rows = [row(lots=lots, basis=0, value=value, equity=worth) for lots, value, worth in small]
    needed = data.draw(st.integers(0, sum(lots for lots, _, _ in small)))
    plain = lot_by_lot([reference.Candidate(*one) for one in rows], needed)
    assert take("water_filling", rows, needed) == plain


def test_binance_scores_its_own_example():
    # dev.binance.vision, topic 17801: profit 40.2, wallet 4.27, margin ratio 0.1342.
    maintenance = round((40.2 + 4.27) * 0.1342 * UNIT)
    one = row(basis=10 * UNIT, value=50_200_000, wallet=4_270_000, equity=44_470_000,
              maintenance=maintenance)  # fmt: skip
    (score,) = deleveraging.leverage_pnl(table([one])).tolist()
    assert score == pytest.approx(1.26, abs=0.01)
    _, exact = binance_usdm.adl_score(40.2, 4.27, 0.1342)
    assert score == pytest.approx(float(exact), rel=1e-6)


def test_binance_counts_a_small_wallet_as_one_unit_of_the_asset():
    small = row(value=UNIT + 500, wallet=20, equity=1000, maintenance=500)
    (score,) = deleveraging.leverage_pnl(table([small])).tolist()
    assert score == (500 / UNIT) * 0.5


def test_bitmex_multiplies_profit_by_effective_leverage():
    # Mark value 1.2, bankrupt value 1.05, entry value 1.0: rank 0.2 * 8.
    one = row(basis=UNIT, value=1_200_000, equity=150_000)
    (score,) = deleveraging.pnl_times_effective_leverage(table([one])).tolist()
    assert score == pytest.approx(1.6, rel=1e-12)
    assert score == pytest.approx(float(bitmex.adl_rank(1.2, 1.05, 1.0).rank), rel=1e-12)


# Longs at mark 110 and 101, both bought at 100, account value 100: notional 200 and 1,000.
HYPERLIQUID = [
    row(basis=181_818_182, value=200 * UNIT, equity=100 * UNIT),
    row(basis=990_099_010, value=1000 * UNIT, equity=100 * UNIT),
]


@pytest.mark.parametrize(
    ("ranking", "scores", "first"),
    [
        ("hyperliquid_documented", [2.2, 10.1], 1),
        ("hyperliquid_documented_literal", [2.2, 10.1], 1),
        ("hyperliquid_documented_profit", [2.2, 10.1], 1),
        ("hyperliquid_reconstructed", [0.2, 0.1], 0),
    ],
)
def test_hyperliquid_as_documented_and_as_reconstructed_close_different_accounts_first(
    ranking, scores, first
):
    assert getattr(deleveraging, ranking)(table(HYPERLIQUID)) == pytest.approx(scores, rel=1e-6)
    taken = take(ranking, HYPERLIQUID, 1)
    assert taken == [1 if place == first else 0 for place in range(2)]


def test_a_short_that_earns_more_ranks_higher_except_in_the_literal_reading():
    # Two shorts worth 100 with equity 50: entered at 200 (profit 100) and at 110 (profit 10).
    shorts = [row(basis=-entry * UNIT, value=-100 * UNIT, equity=50 * UNIT) for entry in (200, 110)]
    candidates = table(shorts)
    assert deleveraging.hyperliquid_documented(candidates).tolist() == [4.0, 2.2]
    assert deleveraging.hyperliquid_documented_literal(candidates).tolist()[0] == 1.0
    assert deleveraging.hyperliquid_documented_profit(candidates).tolist()[0] == 3.0
    assert take("hyperliquid_documented", shorts, 1) == [1, 0]
    assert take("hyperliquid_documented_profit", shorts, 1) == [1, 0]
    assert take("hyperliquid_documented_literal", shorts, 1) == [0, 1]
    exact = float(hyperliquid.adl_index("short", 100, 110, 100, 50))
    assert deleveraging.hyperliquid_documented(candidates)[1] == pytest.approx(exact)


def test_the_floor_of_the_reconstructed_score_is_the_one_in_the_rules():
    rules = rulebook.load("hyperliquid", at="2025-10-10")
    assert float(rules.adl.score_floor) == deleveraging.SCORE_FLOOR == reference.SCORE_FLOOR
    broke = row(value=UNIT + 1, equity=-5)
    assert deleveraging.hyperliquid_reconstructed(table([broke])) == pytest.approx(1e-8 * 1e-6)


@pytest.mark.parametrize("ranking", QUEUES)
def test_a_pool_without_equity_is_last_and_equals_keep_their_order(ranking):
    rows = [row(equity=0), row(equity=-UNIT), row(), row()]
    assert take(ranking, rows, 1) == [0, 0, 1, 0]
    assert take(ranking, rows, 3) == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("ranking", "rows", "needed", "taken"),
    [
        # Exact shares 2.5, 1.5, 1: the remainders are equal, the earlier row gets the lot.
        ("pro_rata", [row(lots=5), row(lots=3), row(lots=2)], 5, [3, 1, 1]),
        # Profits 6, 3, 1: the first gives all its 2, the others share 6 as 4.5 and 1.5.
        (
            "pro_rata_profit",
            [row(2, 0, 6), row(10, 0, 3), row(10, 0, 1)],
            8,
            [2, 5, 1],
        ),
        # Equities 10, 5, 1 and caps 20 %, 50 %, 100 % of them, in sixths: amounts 2, 5/3, 1/3.
        (
            "capped_pro_rata",
            [row(12, equity=10), row(15, equity=5), row(6, equity=1)],
            24,
            [12, 10, 2],
        ),
        ("capped_pro_rata", [row(4, equity=1), row(4, equity=0), row(2, equity=-3)], 7, [4, 2, 1]),
        # Leverages 10, 6 and 2 with twelve lots each: at level 5 half, a sixth, nothing is gone.
        (
            "water_filling",
            [row(12, 0, 10, equity=1), row(12, 0, 6, equity=1), row(12, 0, 2, equity=1)],
            8,
            [6, 2, 0],
        ),
        ("water_filling", [row(3), row(3, equity=-1), row(3, equity=0)], 5, [0, 3, 2]),
        # In steps of 10^-12: levels 1 and 2; then 1 and 1.5, which is 1 too; then below 1.
        ("water_filling", [row(1, 0, 1, equity=10**12), row(1, 0, 2, equity=10**12)], 1, [0, 1]),
        (
            "water_filling",
            [row(1, 0, 1, equity=10**12), row(1, 0, 3, equity=2 * 10**12)],
            1,
            [1, 0],
        ),
        ("water_filling", [row(1, 0, 1, equity=10**13)] * 3, 2, [1, 1, 0]),
    ],
)
def test_shares_worked_by_hand(ranking, rows, needed, taken):
    assert take(ranking, rows, needed) == taken


def test_a_need_beyond_all_winners_takes_them_whole_and_leaves_the_losers():
    rows = [row(lots=3), row(lots=5, value=UNIT), row(lots=2, basis=-5, value=-4)]
    for ranking in QUEUES + SHARES:
        assert take(ranking, rows, 100) == [3, 0, 2]
        assert take(ranking, [], 100) == []
        assert take(ranking, rows, 0) == [0, 0, 0]


def test_numpy_integers_do_not_overflow_on_the_way():
    rows = [row(lots=MOST, equity=MOST)] * 3
    taken = deleveraging.lots_to_take("pro_rata", table(rows), np.int64(MOST))
    assert sum(taken.tolist()) == MOST


def test_every_ranking_that_a_rules_file_names_exists():
    rules = [rulebook.load(venue, at="2026-07-01").adl for venue in rulebook.venues()]
    named = {name for adl in rules for name in (adl.ranking, adl.ranking_alternative) if name}
    assert "leverage_pnl" in named
    assert named <= set(methods.known("adl"))
    assert set(QUEUES + SHARES) <= set(methods.known("adl"))


def test_an_unknown_rule_and_a_negative_size_are_refused():
    for module, candidates in ((deleveraging, table([row()])), (reference, specified(table([])))):
        with pytest.raises(UndertowError, match="did you mean 'leverage_pnl'"):
            module.lots_to_take("leverage_pln", candidates, 1)
        with pytest.raises(UndertowError, match="expected 0 or more, got -1"):
            module.lots_to_take("pro_rata", candidates, -1)


def plug_in(monkeypatch) -> None:
    """Let a test register rules that are forgotten after it."""
    known = {name: methods.find("adl", name) for name in methods.known("adl")}
    monkeypatch.setitem(methods._registered, "adl", known)


def test_the_rules_of_the_module_s_own_documentation_work(monkeypatch):
    plug_in(monkeypatch)
    paragraphs = (deleveraging.__doc__ or "").split("\n\n")
    code = "\n\n".join(text for text in paragraphs if text.startswith("    "))
    exec(textwrap.dedent(code), {})
    rows = [row(lots=2), row(lots=9, value=UNIT), row(lots=5), row(lots=4)]
    assert take("largest_first", rows, 6) == [0, 0, 5, 1]
    assert take("newest_account", rows, 6) == [0, 0, 2, 4]


@pytest.mark.parametrize(
    ("scores", "complaint"),
    [
        (lambda c: c.lots[:1] * 1.0, r"expected 2 scores, got \(1,\)"),
        (lambda c: np.array([1.0, np.nan]), "row 1 has no score"),
    ],
)
def test_scores_that_are_none_are_refused(monkeypatch, scores, complaint):
    plug_in(monkeypatch)
    deleveraging.queue("broken")(scores)
    with pytest.raises(UndertowError, match=f"'broken': {complaint}"):
        take("broken", [row(), row()], 1)


@pytest.mark.parametrize(
    ("lots", "complaint"),
    [
        (lambda c, needed: c.lots, "takes 4 lots of 3 needed"),
        (lambda c, needed: [4, -1], "less than none or more than all"),
        (lambda c, needed: [1.5, 1.5], "expected 2 whole numbers of lots, got float64"),
        (lambda c, needed: [3], r"in shape \(1,\)"),
    ],
)
def test_a_rule_that_closes_too_much_is_refused(monkeypatch, lots, complaint):
    plug_in(monkeypatch)
    deleveraging.policy("broken")(lots)
    with pytest.raises(UndertowError, match=f"'broken': .*{complaint}"):
        take("broken", [row(lots=2), row(lots=2)], 3)
