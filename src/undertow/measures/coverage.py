"""Whether a tape was recording at all: the difference between zero and not known."""

from __future__ import annotations

import polars as pl

from undertow.errors import NotRecorded
from undertow.model.periods import time_text
from undertow.tape import Tape


def covered(tape: Tape, table: str, start_ns: int, end_ns: int) -> float:
    """Share of ``start_ns <= ts < end_ns`` that a table's recording covers.

    A recording is one of ``Tape.recorded_ns``, whatever the venues or symbols in it. Within it a
    window without rows is a true zero. This looks at the whole recording, also after the
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
    spans = [
        (max(first_ns, start_ns), min(last_ns + 1, end_ns))
        for first_ns, last_ns in tape.recorded_ns(table)
        if first_ns < end_ns and last_ns >= start_ns
    ]
    if not spans:
        between = f"between {time_text(start_ns)} and {time_text(end_ns)}"
        raise NotRecorded(f"{table.replace('_', ' ')} {between}")
    return sum(last_ns - first_ns for first_ns, last_ns in spans) / (end_ns - start_ns)


def covered_share(spans_ns: list[tuple[int, int]], start_ns: pl.Expr, end_ns: pl.Expr) -> pl.Expr:
    """``covered`` for many windows at once; 0 for those outside of all spans.

    Parameters
    ----------
    spans_ns
        First and last moment of each recording, as ``Tape.recorded_ns`` gives them.
    """
    overlaps_ns = [
        pl.max_horizontal(
            pl.min_horizontal(end_ns, last_ns + 1) - pl.max_horizontal(start_ns, first_ns), 0
        )
        for first_ns, last_ns in spans_ns
    ]
    return pl.sum_horizontal(overlaps_ns) / (end_ns - start_ns)
