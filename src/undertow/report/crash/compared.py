"""The run beside what was published, and beside runs of other seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from undertow.lab.compare import Row
from undertow.report.crash.view import Part, View
from undertow.report.figures import Unit, format_percent, format_usd, format_value
from undertow.report.page import Panel

# Units of the library of figures, as people write them.
_PLAIN: dict[str, Unit] = {"USD": "USD", "fraction": "fraction", "share": "share",
                           "count": "count"}  # fmt: skip


CAPTION = (
    "Totals are those of the shown feeds, over the same window and as of the same time; of each"
    " metric, asset and venue one figure counts."
)
WHAT_IF = (
    "This run is a what-if ({}): it is no account of what happened. What was published stands here"
    " for orientation, without ratio, verdict or score."
)
NONE_COUNTS = "No published figure counts: the run covers none, or was given them all."
GIVEN = (
    "Others of the same metric, asset and venue, and those that the run was given: prices on a real"
    " path, the state of the eve."
)


def section(view: View) -> Part:
    """A row for each published figure that the run can answer; a row for each figure of runs."""
    part = Part()
    if view.rows and view.run.what_if:
        part.panels.append(_for_orientation(view))
    elif view.rows:
        counted = [row for row in view.rows if row.scored]
        others = [row for row in view.rows if not row.scored]
        score = score_words(view.rows)
        part.panels.append(
            _table(counted, "Beside what was published", f"{CAPTION} {score.capitalize()}.")
            if counted else Panel(title="Beside what was published", missing=NONE_COUNTS)
        )  # fmt: skip
        if others:
            part.panels.append(_table(
                others, "Figures that do not count", GIVEN,
                folded=f"{len(others)} more",
            ))  # fmt: skip
    else:
        part.panels.append(
            Panel(title="Beside what was published", missing="No published figures were compared.")
        )
    if view.spread:
        part.panels.append(_runs(view))
    return part


def _for_orientation(view: View) -> Panel:
    rows = [row for row in view.rows if row.scored]
    if not rows:
        return Panel(title="Beside what was published", missing=NONE_COUNTS)
    cells = [
        [what(row), row.window, row.as_of, number(row.published, row.unit),
         number(row.simulated, row.unit), f"{row.publisher} ({row.id})"] for row in rows
    ]  # fmt: skip
    return Panel(
        title="Beside what was published", rows=cells, numeric=(2, 3, 4), wide=True,
        columns=["figure", "window", "as of", "published", "run", "who"],
        caption=WHAT_IF.format(view.run.what_if),
    )  # fmt: skip


def scored_factors(rows: Sequence[Row]) -> list[float]:
    """How far off the figures that count are."""
    return [row.factor for row in rows if row.scored]


def score_words(rows: Sequence[Row]) -> str:
    """The score in words; empty where nothing counts."""
    factors = scored_factors(rows)
    if not factors:
        return ""
    middle, worst = np.quantile(factors, (0.5, 0.9)).tolist()
    if len(factors) == 1:
        return f"one published figure is a factor {middle:.1f} off"
    return (
        f"{len(factors)} published figures are a factor {middle:.1f} off in the median"
        f" (worst tenth: {worst:.1f} or more)"
    )


def what(row: Row) -> str:
    """What a published figure is of."""
    asset = "" if row.asset == "ALL" else row.asset
    side = "" if row.side == "both" else row.side
    venue = "" if row.venue == "all" else f"at {row.venue}"
    # "pct of the first price": prices are compared as falls.
    base = row.unit.removeprefix("pct ") if row.unit.startswith("pct ") else ""
    words = (row.metric.replace("liq_", "liquidation_").replace("_", " "), asset, side, venue, base)
    return " ".join(word for word in words if word)


def number(value: float, unit: str) -> str:
    """A figure of the comparison as people write it."""
    if not math.isfinite(value):
        return "—"
    if unit.startswith("pct"):
        return format_percent(value / 100).lstrip("+")
    return format_value(value, _PLAIN[unit]) if unit in _PLAIN else f"{value:,.6g} {unit}"


def _table(rows: Sequence[Row], title: str, caption: str, folded: str = "") -> Panel:
    cells = []
    for row in sorted(rows, key=lambda one: one.given):
        spread = ""
        if math.isfinite(row.low) and row.high > row.low:
            spread = f"{number(row.low, row.unit)} to {number(row.high, row.unit)}"
        ratio = f"{row.ratio:.2f}" if math.isfinite(row.ratio) else "—"
        verdict = f"{row.verdict} (given)" if row.given else row.verdict
        cells.append([what(row), row.window, row.as_of, number(row.published, row.unit),
                      number(row.simulated, row.unit), spread, ratio, verdict,
                      f"{row.publisher} ({row.id})"])  # fmt: skip
    return Panel(
        title=title, rows=cells, numeric=(2, 3, 4, 5, 6), wide=True, caption=caption,
        folded=folded,
        columns=["figure", "window", "as of", "published", "run", "over what “as of” leaves open",
                 "ratio", "verdict", "who"],
    )  # fmt: skip


def _runs(view: View) -> Panel:
    mine = view.summary.figures()
    rows = [
        [one.name, figure_text(mine[name][0] if name in mine else math.nan, one.unit),
         *(figure_text(value, one.unit) for value in (one.low, one.middle, one.high)),
         str(one.runs)]
        for name, one in view.spread.items()
    ]  # fmt: skip
    return Panel(
        title=f"{len(view.others) + 1} runs of the same market", rows=rows, wide=True,
        numeric=(1, 2, 3, 4, 5), folded="Each figure over the runs",
        columns=["figure", "this run", "10 %", "50 %", "90 %", "runs that have it"],
        caption="Only the seed differs: the spread is that of the dice, not of what is not known"
        " about the market.",
    )  # fmt: skip


def figure_text(value: float, unit: str) -> str:
    """A figure of a summary as people write it."""
    if not math.isfinite(value):
        return "—"
    if unit == "USD":
        return format_usd(value)
    return f"{value:,.1f} h" if unit == "hours" else number(value, unit)
