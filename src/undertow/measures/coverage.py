"""Whether a tape was recording at all: the difference between zero and not known."""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded
from undertow.model.periods import time_text
from undertow.tape import Tape


def covered(tape: Tape, table: str, start_ns: int, end_ns: int) -> float:
    """Share of ``start_ns <= ts < end_ns`` that a table's recording covers.

    A recording reaches from its first row to its last, whatever their venue or symbol. Within it
    a window without rows is a true zero. This looks at the whole recording, also after the
    window: whether somebody was recording is no knowledge of the market.

    Returns
    -------
    float
        Fraction, 1 when the whole window is covered.

    Raises
    ------
    NotRecorded
        When the tape lacks the table, or its recording does not touch the window.
    """
    span = tape.span_ns(table)
    if span is None or span[0] >= end_ns or span[1] < start_ns:
        between = f"between {time_text(start_ns)} and {time_text(end_ns)}"
        raise NotRecorded(f"{table.replace('_', ' ')} {between}")
    return (min(span[1] + 1, end_ns) - max(span[0], start_ns)) / (end_ns - start_ns)


def covered_share(span_ns: tuple[int, int], start_ns: pl.Expr, end_ns: pl.Expr) -> pl.Expr:
    """``covered`` for many windows at once; 0 for those outside of the span.

    Parameters
    ----------
    span_ns
        First and last recorded moment, as ``Tape.span_ns`` gives it.
    """
    both_ns = pl.min_horizontal(end_ns, span_ns[1] + 1) - pl.max_horizontal(start_ns, span_ns[0])
    return pl.max_horizontal(both_ns, 0) / (end_ns - start_ns)
