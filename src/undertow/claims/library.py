"""The library of published figures as claims: each with its verdict, and how verdicts are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from undertow.claims.reconcile.ranges import shown
from undertow.measures.published import event_named, published
from undertow.model.periods import time_ns
from undertow.tape import Tape, bundled

if TYPE_CHECKING:
    from undertow.claims.reconcile import Statement

# A tape tells about texts of the week after its crash, and of the days before.
_BEFORE_DAYS, _AFTER_DAYS = 3, 10
_DAY_NS = 86_400 * 1_000_000_000


class LibraryFigure(msgspec.Struct, kw_only=True, frozen=True):
    """A published figure with its verdict.

    Attributes
    ----------
    figure
        The value for people, with its qualifier.
    value, unit
        In base units; None for times, whose text is in ``figure``.
    usable
        False when reconciliation found it wrong.
    """

    id: str
    event: str
    metric: str
    figure: str
    value: float | None
    unit: str
    asset: str
    side: str
    venue: str | None
    window: str | None
    as_of: str
    publisher: str
    source_url: str | None
    verdict: str | None
    usable: bool
    reason: str | None


def library(
    event: str | None = None,
    metric: str | None = None,
    asset: str | None = None,
    *,
    verdict: str | None = None,
) -> list[LibraryFigure]:
    """Published figures by event, metric, asset and verdict.

    Raises
    ------
    UndertowError
        For a name that no figure has, with the nearest one.
    """
    rows = published(event, metric, asset, verdict=verdict)
    names = [name for name in LibraryFigure.__struct_fields__ if name != "figure"]
    return [
        LibraryFigure(figure=_figure(row), **{name: row[name] for name in names})
        for row in rows.iter_rows(named=True)
    ]


def _figure(row: dict[str, Any]) -> str:
    if row["value"] is None and row["value_low"] is None:
        return str(row["value_text"])
    sign = "" if row["qualifier"] == "=" else f"{row['qualifier']} "
    if row["value"] is None:
        return f"{shown(row['value_low'])} to {shown(row['value_high'], row['unit'])}"
    return sign + shown(row["value"], row["unit"])


def judge_library(event: str) -> list[Statement]:
    """Verdicts for all figures of an event: against one another and the bundled tape, if any.

    Raises
    ------
    UndertowError
        When there is no such event.
    """
    from undertow.claims.reconcile import reconcile

    name = event_named(event)
    tape = tape_for(f"{name[:10]}")
    answer = reconcile(
        [], tape=None if tape is None else Tape.open(tape), tape_name=tape, events=[name]
    )
    return [item for item in answer.statements if item.episode == name and item.in_library]


def tape_for(day: str | None) -> str | None:
    """The bundled tape that knows a day: its crash was up to ten days before; None without one."""
    if day is None:
        return None
    at = time_ns(day)
    near = [
        name
        for name in bundled.names()
        if -_BEFORE_DAYS * _DAY_NS <= at - time_ns(name) <= _AFTER_DAYS * _DAY_NS
    ]
    return min(near, key=lambda name: abs(at - time_ns(name)), default=None)
