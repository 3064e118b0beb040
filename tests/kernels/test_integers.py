"""Integer arithmetic against Python's, which does not overflow."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from undertow.kernels import integers

MOST = 2**63 - 1
EDGES = [0, 1, -1, 2, 10**6, 2**31, 2**32 + 1, 2**61, 2**62, MOST - 1, MOST, -MOST]
any_int = st.one_of(st.integers(-MOST, MOST), st.integers(-1000, 1000), st.sampled_from(EDGES))
divisor = st.one_of(st.integers(1, 2**62), st.integers(1, 1000), st.sampled_from([1, 2**62]))


def half_even(a: int, b: int, c: int) -> int:
    quotient, remainder = divmod(a * b, c)
    return quotient + (2 * remainder > c or (2 * remainder == c and quotient % 2 == 1))


@settings(max_examples=2000)
@given(any_int, any_int, divisor)
@example(MOST, MOST, 2**62)
@example(-MOST, MOST, 2**62)
@example(2**62, MOST, 2**62)
@example(-1, MOST, 2)
@example(3, 5, 6)
@example(MOST, 2**62, 2**62 - 1)
def test_multiplication_then_division_is_exact_or_refused(a: int, b: int, c: int) -> None:
    for function, exact in (
        (integers.mul_div_floor, a * b // c),
        (integers.mul_div_ceil, -(-a * b // c)),
        (integers.mul_div_half_even, half_even(a, b, c)),
    ):
        expected = (exact, True) if -MOST <= exact <= MOST else (0, False)
        assert function(a, b, c) == expected, function


@given(any_int, any_int)
def test_sums_and_products_tell_when_they_do_not_fit(a: int, b: int) -> None:
    for function, exact in ((integers.checked_add, a + b), (integers.checked_mul, a * b)):
        expected = (exact, True) if -MOST <= exact <= MOST else (0, False)
        assert function(a, b) == expected, function


@pytest.mark.parametrize("c", [0, -1, 2**62 + 1])
def test_a_divisor_out_of_range_is_refused(c: int) -> None:
    assert integers.mul_div_floor(6, 7, c) == (0, False)
    assert integers.mul_div_half_even(6, 7, c) == (0, False)


def test_the_one_number_without_an_opposite_is_refused() -> None:
    assert integers.mul_div_floor(-(2**63), 1, 1) == (0, False)
    assert integers.checked_mul(1, -(2**63)) == (0, False)
