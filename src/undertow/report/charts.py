"""Chart specifications for the page: plotly's JSON, with colours as names (``@down``) that the
page replaces by those of the reader's light or dark theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

Spec = dict[str, Any]
LINE_COLOURS = ("@c1", "@c2", "@c3", "@c4", "@c5", "@c6", "@c7")


def times(values: pl.Series) -> list[str]:
    """Times as plotly reads them, UTC without a zone."""
    return values.dt.strftime("%Y-%m-%d %H:%M:%S").to_list()


def numbers(values: pl.Series, digits: int = 6) -> list[float | None]:
    """Numbers with as many digits as a picture can show."""
    return [None if value is None else float(f"{value:.{digits}g}") for value in values]


def candlesticks(
    bars: pl.DataFrame, *, shade: tuple[str, str], events: Sequence[tuple[int, str]]
) -> Spec:
    """Candles with the window shaded and numbered lines at events.

    Parameters
    ----------
    bars
        ``ts, open, high, low, close``.
    shade
        Start and end of the window.
    events
        Number and time of each event.
    """
    at_once: dict[str, list[int]] = {}
    for number, when in events:
        at_once.setdefault(when, []).append(number)
    marks = [_event_mark(n, when, labels) for n, (when, labels) in enumerate(at_once.items())]
    window = _upright("rect", *shade) | {"fillcolor": "@shade", "layer": "below"}
    trace = {
        "type": "candlestick",
        "x": times(bars["ts"]),
        "name": "price",
        **{name: numbers(bars[name], 9) for name in ("open", "high", "low", "close")},
        "increasing": {"line": {"color": "@up", "width": 1}},
        "decreasing": {"line": {"color": "@down", "width": 1}},
    }
    layout = {
        "xaxis": {"rangeslider": {"visible": False}},
        "yaxis": {"tickformat": ",.0f"},
        "shapes": [window, *[line for line, _ in marks]],
        "annotations": [label for _, label in marks],
        "showlegend": False,
    }
    return {"data": [trace], "layout": layout}


def _upright(kind: str, start: str, end: str) -> Spec:
    """A shape from the bottom of the chart to its top."""
    return {
        "type": kind,
        "xref": "x",
        "yref": "paper",
        "x0": start,
        "x1": end,
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
    }


def _event_mark(position: int, when: str, labels: list[int]) -> tuple[Spec, Spec]:
    """A dotted line, and the numbers of all events at that time; neighbours at other heights."""
    line = _upright("line", when, when)
    line["line"] = {"color": "@muted", "width": 1, "dash": "dot"}
    label = {
        "x": when,
        "y": 1 - 0.055 * (position % 6),
        "xref": "x",
        "yref": "paper",
        "text": ", ".join(map(str, labels)),
        "showarrow": False,
        "yanchor": "top",
        "xanchor": "left",
        "font": {"size": 11, "color": "@muted"},
    }
    return line, label


def lines(
    series: Sequence[tuple[str, pl.Series, pl.Series]],
    *,
    format: str = ",.4~g",
    reference: float | None = None,
    step: bool = False,
) -> Spec:
    """One line per ``(name, times, values)``; a dotted one at ``reference``."""
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": name,
            "x": times(when),
            "y": numbers(values),
            "line": {
                "color": LINE_COLOURS[number % len(LINE_COLOURS)],
                "width": 1.6,
                "shape": "hv" if step else "linear",
            },
        }
        for number, (name, when, values) in enumerate(series)
    ]
    layout: Spec = {
        "yaxis": {"tickformat": format},
        "showlegend": len(series) > 1,
    }
    if reference is not None:
        layout["shapes"] = [_level(reference)]
    return {"data": data, "layout": layout}


def _level(value: float) -> Spec:
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": "@muted", "width": 1, "dash": "dot"},
    }


def ranked_bars(
    names: Sequence[str], values: pl.Series, marks: Sequence[tuple[str, pl.Series]] = ()
) -> Spec:
    """Horizontal bars of fractions, the worst on top; each of ``marks`` adds a sign per bar."""
    shown = numbers(values)
    colours = ["@down" if (value or 0) < 0 else "@up" for value in shown]
    data: list[Spec] = [
        {
            "type": "bar",
            "orientation": "h",
            "y": list(names),
            "x": shown,
            "name": "in the window",
            "marker": {"color": colours},
        }
    ]
    for (label, found), symbol in zip(marks, ("circle-open", "line-ns-open"), strict=False):
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "y": list(names),
                "x": numbers(found),
                "name": label,
                "marker": {"color": "@ink", "symbol": symbol, "size": 8, "line": {"width": 2}},
            }
        )
    layout = {
        "xaxis": {"tickformat": ".0%"},
        "yaxis": {"autorange": "reversed", "tickfont": {"size": 10}, "dtick": 1},
        "hovermode": "closest",
        "bargap": 0.25,
    }
    return {"data": data, "layout": layout}


def stacked_bars(series: Sequence[tuple[str, pl.Series, pl.Series]], unit: str) -> Spec:
    """Bars by day, one colour per series, negative ones below zero."""
    data = [
        {
            "type": "bar",
            "name": name,
            "x": when.dt.strftime("%Y-%m-%d").to_list(),
            "y": numbers(values),
            "marker": {"color": LINE_COLOURS[number % len(LINE_COLOURS)]},
        }
        for number, (name, when, values) in enumerate(series)
    ]
    return {"data": data, "layout": {"barmode": "relative", "yaxis": {"title": {"text": unit}}}}


def hourly_bars(series: Sequence[tuple[str, pl.Series, pl.Series]], unit: str) -> Spec:
    """As ``stacked_bars``, by time instead of by day; longs and shorts in the colours of falls."""
    colours = {"long": "@down", "short": "@up"}
    data = [
        {
            "type": "bar",
            "name": name,
            "x": times(when),
            "y": numbers(values),
            "marker": {"color": colours.get(name, "@c1")},
        }
        for name, when, values in series
    ]
    return {"data": data, "layout": {"barmode": "stack", "yaxis": {"title": {"text": unit}}}}


def gauge(value: float, bands: Sequence[tuple[float, float, str]]) -> Spec:
    """A dial from 0 to 100 with its bands; the words stand beside it, not in colour alone."""
    steps = [
        {"range": [low, high], "color": colour}
        for (low, high, _), colour in zip(
            bands, ("@down", "@c5", "@line", "@c3", "@up"), strict=True
        )
    ]
    data = {
        "type": "indicator",
        "mode": "gauge+number",
        "value": value,
        "gauge": {
            "axis": {"range": [0, 100], "tickcolor": "@muted"},
            "bar": {"color": "@ink", "thickness": 0.22},
            "bgcolor": "@card",
            "bordercolor": "@line",
            "steps": steps,
        },
    }
    return {"data": [data], "layout": {"margin": {"l": 24, "r": 24, "t": 24, "b": 8}}}


def heatmap(years: Sequence[str], months: Sequence[str], values: list[list[float | None]]) -> Spec:
    """Monthly returns: a row per year, the number in each cell, colours capped at ±40 %."""
    text = [["" if v is None else f"{v:+.0%}".replace("-", "−") for v in row] for row in values]
    data = {
        "type": "heatmap",
        "x": list(months),
        "y": list(years),
        "z": values,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 10},
        "zmin": -0.4,
        "zmax": 0.4,
        "colorscale": [[0, "@down"], [0.5, "@card"], [1, "@up"]],
        "showscale": False,
        "hovertemplate": "%{y} %{x}: %{text}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
    layout = {
        "yaxis": {"autorange": "reversed", "type": "category", "showgrid": False},
        "xaxis": {"side": "top", "showgrid": False},
        "hovermode": "closest",
        "margin": {"l": 44, "r": 8, "t": 28, "b": 8},
    }
    return {"data": [data], "layout": layout}


def band(
    hours: pl.Series, event: tuple[pl.Series, ...], control: tuple[pl.Series, ...], name: str
) -> Spec:
    """Two mean paths with their confidence bands; each is ``(mean, low, high)``."""
    x = numbers(hours)
    data: list[Spec] = []
    for label, (mean, low, high), colour in (
        ("random times", control, "@c7"),
        (name, event, "@c2"),
    ):
        data.append(
            {
                "type": "scatter",
                "x": x,
                "y": numbers(low),
                "mode": "lines",
                "line": {"width": 0, "color": colour},
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
        data.append(
            {
                "type": "scatter",
                "x": x,
                "y": numbers(high),
                "mode": "lines",
                "fill": "tonexty",
                "opacity": 0.35,
                "line": {"width": 0, "color": colour},
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
        data.append(
            {
                "type": "scatter",
                "x": x,
                "y": numbers(mean),
                "mode": "lines",
                "name": label,
                "line": {"color": colour, "width": 2},
            }
        )
    layout = {
        "yaxis": {"tickformat": ".1%"},
        "xaxis": {"title": {"text": "hours"}, "zeroline": True},
    }
    return {"data": data, "layout": layout}
