"""Each disputed quantity over time: reported dots, the rolling curve through them, the tape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from undertow.claims.reconcile import Estimate, Group, Series, Statement
from undertow.claims.reconcile.ranges import shown
from undertow.measures.as_of import DAY_NS, Span
from undertow.model.periods import time_ns, time_text
from undertow.report.claims.details import figure
from undertow.report.claims.page import SIGNS
from undertow.report.claims.tape_series import Line, measured
from undertow.report.page import Panel
from undertow.tape import Tape

COLOURS = {
    "contradicted": "@down",
    "explained": "@c5",
    "consistent": "@up",
    "forecast": "@c4",
    "unsupported": "@c7",
    "cannot be checked": "@muted",
}
_SYMBOLS = {
    "contradicted": "x", "explained": "square", "consistent": "circle",
    "forecast": "triangle-up", "unsupported": "circle-open", "cannot be checked": "circle-open",
}  # fmt: skip
# A dot whose time is open by more than that says nothing on a timeline.
_LONGEST = 15 * DAY_NS
_MARGIN = 0.06
_FEWEST = 2
_FAR = 0.02  # closer to the best estimate is no dispute
_LONGEST_LABEL = 18
_CLOSE, _CLOSE_NS = 0.2, DAY_NS // 2
LEAD = (
    "Large dots are figures of these texts, small ones of the library. Where a quantity is a"
    " rolling one, the line runs through the reports whose time is known to the hour; each other"
    " report stands where the line has its value, or at the time it names, and between two dots any"
    " value between theirs is possible. Else a dot stands in the middle of the time that its words"
    " leave open."
)
Dot = tuple[Statement, int]
Drawn = tuple[dict[str, Any], str, list[list[str]]]  # chart, caption, its dots as rows


def panels(
    groups: Sequence[Group], tape: Tape | None, *, everything: bool = False
) -> tuple[list[Panel], dict[str, Any]]:
    """Panels and charts of the disputed quantities: rolling ones first, and by their reports.

    Parameters
    ----------
    everything
        Also draw what nobody disputes.
    """
    rolling: list[tuple[Group, str, str, Drawn]] = []
    dated: list[tuple[Group, str, str, Drawn]] = []
    for group in groups:
        given = any(not item.in_library for item in group.statements)
        for series in group.series if given else []:
            if everything or _is_disputed(group, series.aspect, series.unit):
                drawn = _rolling(group, series, tape)
                if drawn is not None:
                    rolling.append((group, series.aspect, series.unit, drawn))
        for aspect, unit in _strands(group, everything):
            drawn = _dated(group, aspect, unit, tape)
            if drawn is not None:
                dated.append((group, aspect, unit, drawn))
    found: list[Panel] = []
    charts: dict[str, Any] = {}
    for one_kind in (rolling, dated):
        for group, aspect, unit, drawn in sorted(one_kind, key=lambda item: -len(item[3][2])):
            _add(found, charts, group, aspect, unit, drawn)
    return found, charts


def _add(
    found: list[Panel], charts: dict[str, Any], group: Group, aspect: str, unit: str, spec: Drawn
) -> None:
    name = f"timeline{len(charts) + 1}"
    charts[name] = spec[0]
    shown_aspect = "" if aspect in ("", group.family) else f", {aspect}"
    title = f"{group.title}{shown_aspect} ({'percent' if unit == 'pct' else unit or 'count'})"
    found.append(
        Panel(
            title=title,
            chart=name,
            size="tall",
            wide=not found,  # the first is the one that most is said about
            caption=spec[1],
            columns=["time", "source", "figure", "verdict"],
            rows=spec[2],
            folded=f"{len(spec[2])} reports",
        )
    )


def _is_disputed(group: Group, aspect: str, unit: str) -> bool:
    values = {item.value for item in _of(group, aspect, unit)}
    return len(values) >= _FEWEST


def _of(group: Group, aspect: str, unit: str) -> list[Statement]:
    """Statements of one strand; the library's copies of an article's claim are left out."""
    return [
        item for item in group.statements
        if item.aspect == aspect and (item.claim.unit or "") == unit and item.same_as is None
        and (item.claim.value is not None or item.claim.value_low is not None)
    ]  # fmt: skip


def _strands(group: Group, everything: bool) -> list[tuple[str, str]]:
    """Strands without a rolling series that articles and others do not agree on."""
    drawn = {(series.aspect, series.unit) for series in group.series}
    keys = dict.fromkeys((item.aspect, item.claim.unit or "") for item in group.statements)
    return [
        key
        for key in keys
        if key not in drawn
        and group.family != "outlook"
        and (_is_wanted(group, *key) if everything else _is_doubted(group, *key))
    ]


def _is_wanted(group: Group, aspect: str, unit: str) -> bool:
    return any(not item.in_library for item in _of(group, aspect, unit))


def _is_doubted(group: Group, aspect: str, unit: str) -> bool:
    """Whether a figure of the articles is wrong, or far from the best estimate."""
    given = [item for item in _of(group, aspect, unit) if not item.in_library]
    far = [item for item in given if item.off_by is not None and abs(item.off_by) > _FAR]
    wrong = [item for item in given if item.verdict == "contradicted"]
    return bool(far or wrong) and _is_disputed(group, aspect, unit)


def _rolling(group: Group, series: Series, tape: Tape | None) -> Drawn | None:
    by_id = {item.id: item for item in group.statements}
    dots = [
        (by_id[point.statement], time_ns(point.at))
        for point in series.points
        if point.statement in by_id and by_id[point.statement].same_as is None
    ]
    if not dots:
        return None
    span = _around([at for _, at in dots] + [time_ns(at) for at, _ in series.line])
    curve: Line = (
        "rolling figure through the reports",
        [_time(time_ns(at)) for at, _ in series.line],
        [value for _, value in series.line],
    )
    lines = [curve, *_tape_line(tape, group, series.aspect, series.unit, span)]
    best = _best(group, series.aspect, series.unit)
    return _spec(dots, lines, best, series.unit), _best_words(best), _rows(dots)


def _dated(group: Group, aspect: str, unit: str, tape: Tape | None) -> Drawn | None:
    items = _of(group, aspect, unit)
    dots = [
        (item, (item.span[0] + item.span[1]) // 2)
        for item in items
        if item.span is not None and item.span[1] - item.span[0] <= _LONGEST
    ]
    if not dots:
        return None
    span = _around([at for _, at in dots])
    lines = _tape_line(tape, group, aspect, unit, span)
    if len(dots) < _FEWEST and not lines:
        return None
    best = _best(group, aspect, unit)
    left_out = len(items) - len(dots)
    missing = f"Not drawn, because their time is unknown: {left_out}. " if left_out else ""
    return _spec(dots, lines, best, unit), missing + _best_words(best), _rows(dots)


def _tape_line(tape: Tape | None, group: Group, aspect: str, unit: str, span: Span) -> list[Line]:
    line = measured(tape, group, aspect, unit, span)
    return [] if line is None else [line]


def _best(group: Group, aspect: str, unit: str) -> Estimate | None:
    return next((i for i in group.best if (i.aspect, i.unit or "") == (aspect, unit)), None)


def _best_words(best: Estimate | None) -> str:
    return "" if best is None else f"Best estimate: {shown(best.value, best.unit)} ({best.why})."


def _around(moments: Sequence[int]) -> Span:
    first, last = min(moments), max(moments)
    margin = max(int((last - first) * _MARGIN), DAY_NS // 4)
    return first - margin, last + margin


def _spec(
    dots: Sequence[Dot], lines: Sequence[Line], best: Estimate | None, unit: str
) -> dict[str, Any]:
    data = [
        {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "hoverinfo": "skip",
         "line": {"color": "@muted" if number == 0 else "@c1", "width": 1.5}}
        for number, (name, x, y) in enumerate(lines)
    ]  # fmt: skip
    data += [
        _dots(verdict, own, given)
        for verdict in SIGNS
        for given in (False, True)
        if (own := [d for d in dots if d[0].verdict == verdict and d[0].in_library is not given])
    ]
    layout: dict[str, Any] = {
        "yaxis": _axis(unit),
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "y": -0.14, "yanchor": "top", "x": 0},
        "margin": {"l": 56, "r": 12, "t": 12, "b": 90},
    }
    if best is not None:
        layout["shapes"] = [
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": best.value, "y1": best.value,
             "line": {"color": "@accent", "width": 1, "dash": "dot"}}
        ]  # fmt: skip
        layout["annotations"] = [
            {"xref": "paper", "x": 0, "y": best.value, "text": "best estimate", "showarrow": False,
             "xanchor": "left", "yanchor": "bottom", "font": {"size": 10, "color": "@accent"}}
        ]  # fmt: skip
    return {"data": data, "layout": layout}


def _axis(unit: str) -> dict[str, Any]:
    """Dollars as $1.5B, coins and counts as 1.5M, percent with its sign."""
    if unit in ("pct", "pct_annualized"):
        return {"ticksuffix": " %", "tickformat": ",.4~g"}
    return {"exponentformat": "B", "tickprefix": "$" if unit == "USD" else ""}


def _dots(verdict: str, dots: Sequence[Dot], given: bool) -> dict[str, Any]:
    whose = "articles" if given else "library"
    marker: Mapping[str, Any] = {
        "color": COLOURS[verdict], "symbol": _SYMBOLS[verdict], "size": 12 if given else 7,
        "line": {"color": "@ink", "width": 1.5 if given else 0},
    }  # fmt: skip
    return {
        "type": "scatter",
        "mode": "markers+text" if given else "markers",
        "textposition": "top center",
        "cliponaxis": False,
        "textfont": {"size": 10},
        "name": f"{verdict}, {whose}",
        "x": [_time(at) for _, at in dots],
        "y": [item.value for item, _ in dots],
        "text": _labels(dots),
        "customdata": [f"{item.publisher}: {figure(item)}, {item.verdict}" for item, _ in dots],
        "hovertemplate": "%{customdata}<br>%{x}<extra></extra>",
        "marker": dict(marker),
    }


def _rows(dots: Sequence[Dot]) -> list[list[str]]:
    """The dots as a table, for those who cannot point at them."""
    ordered = sorted(dots, key=lambda dot: dot[1])
    return [
        [f"{_time(at)[:16]} UTC", item.publisher, figure(item), item.verdict]
        for item, at in ordered
    ]


def _labels(dots: Sequence[Dot]) -> list[str]:
    """Who says it; of dots that stand on one another only the first is named."""
    named: list[Dot] = []
    labels = []
    for item, at in dots:
        close = any(
            abs(at - other_at) < _CLOSE_NS and abs(item.value - other.value) < _CLOSE * other.value
            for other, other_at in named
        )
        labels.append("" if close else _short(item.publisher))
        named.append((item, at))
    return labels


def _short(publisher: str) -> str:
    return publisher if len(publisher) <= _LONGEST_LABEL else publisher[: _LONGEST_LABEL - 1] + "…"


def _time(at_ns: int) -> str:
    return time_text(at_ns // 1_000_000_000 * 1_000_000_000).replace("T", " ").rstrip("Z")
