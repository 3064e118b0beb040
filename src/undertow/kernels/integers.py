"""The only place that multiplies and then divides money, and that notices int64 overflow.

Every function returns its result and whether it holds; a result that does not fit is 0 and False.
All arguments and results lie within ±(2^63 - 1); the product in between may have 126 bits.
"""

from __future__ import annotations

from undertow.kernels.apart import stay_apart
from undertow.kernels.compile import inlined, kernel

MOST = 2**63 - 1
HALF = 2**62


@inlined
def checked_add(a: int, b: int) -> tuple[int, bool]:
    """``a + b``, and whether it fits."""
    if (b > 0 and a > MOST - b) or (b < 0 and a < -MOST - b):
        return 0, False
    return a + b, True


@inlined
def checked_mul(a: int, b: int) -> tuple[int, bool]:
    """``a * b``, and whether it fits."""
    if a < -MOST or b < -MOST:
        return 0, False
    if b != 0 and abs(a) > MOST // abs(b):
        return 0, False
    return a * b, True


@kernel
def mul_div_floor(a: int, b: int, c: int) -> tuple[int, bool]:
    """``a * b / c`` rounded towards minus infinity, and whether it fits; 0 < c <= 2^62."""
    quotient, _, fits = mul_div_remainder(a, b, c)
    return quotient, fits


@kernel
def mul_div_ceil(a: int, b: int, c: int) -> tuple[int, bool]:
    """``a * b / c`` rounded towards plus infinity, and whether it fits; 0 < c <= 2^62."""
    quotient, remainder, fits = mul_div_remainder(a, b, c)
    return _one_more_if(remainder > 0, quotient, fits)


@kernel
def mul_div_half_even(a: int, b: int, c: int) -> tuple[int, bool]:
    """``a * b / c`` rounded to the nearest, a tie to the even one; 0 < c <= 2^62."""
    quotient, remainder, fits = mul_div_remainder(a, b, c)
    over = remainder - (c - remainder)
    return _one_more_if(over > 0 or (over == 0 and quotient % 2 != 0), quotient, fits)


@kernel
def mul_div_remainder(a: int, b: int, c: int) -> tuple[int, int, bool]:
    """Floor of ``a * b / c`` and what is left over (0 <= remainder < c), and whether it fits.

    The product is never built when it does not fit into 63 bits: quotient and remainder are
    carried along while the bits of ``a`` are taken in from the highest, as in a long division.
    """
    stay_apart()
    if c <= 0 or c > HALF or a < -MOST or b < -MOST:
        return 0, 0, False
    negative = (a < 0) != (b < 0)
    a, b = abs(a), abs(b)
    if b == 0 or a <= MOST // b:
        quotient, remainder = a * b // c, a * b % c
    else:
        quotient, remainder, fits = _long_division(a, b, c)
        if not fits:
            return 0, 0, False
    if negative:
        if remainder == 0:
            return -quotient, 0, True
        if quotient == MOST:
            return 0, 0, False
        return -quotient - 1, c - remainder, True
    return quotient, remainder, True


@kernel
def _long_division(a: int, b: int, c: int) -> tuple[int, int, bool]:
    whole, part = b // c, b % c
    quotient, remainder = 0, 0
    for bit in range(62, -1, -1):
        if quotient > MOST // 2:
            return 0, 0, False
        quotient, remainder = 2 * quotient, 2 * remainder
        if remainder >= c:
            quotient, remainder = quotient + 1, remainder - c
        if (a >> bit) & 1:
            if quotient > MOST - whole:
                return 0, 0, False
            quotient, remainder = quotient + whole, remainder + part
            if remainder >= c:
                if quotient == MOST:
                    return 0, 0, False
                quotient, remainder = quotient + 1, remainder - c
    return quotient, remainder, True


@inlined
def _one_more_if(wanted: bool, quotient: int, fits: bool) -> tuple[int, bool]:
    if not fits or not wanted:
        return quotient, fits
    if quotient == MOST:
        return 0, False
    return quotient + 1, True
