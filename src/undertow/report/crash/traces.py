"""Traces and layouts of the crash report: plotly's JSON; colours are names, see `report.charts`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

Spec = dict[str, Any]
COLOURS = ("@c1", "@c2", "@c3", "@c4", "@c5", "@c6", "@c7")
# Plotly writes B and M with this one, and G and M with a tick format.
USD_AXIS: Spec = {"tickprefix": "$", "exponentformat": "B", "rangemode": "tozero"}


def clocks(moments_ns: Sequence[int] | pl.Series) -> list[str]:
    """Moments as plotly reads them: UTC without a zone, to the second."""
    return [
        datetime.fromtimestamp(int(one) // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        for one in moments_ns
    ]


def rounded(values: Sequence[float | None] | pl.Series, digits: int = 6) -> list[float | None]:
    """Numbers with as many digits as a picture can show; gaps stay gaps."""
    return [
        None if value is None or not math.isfinite(value) else float(f"{value:.{digits}g}")
        for value in values
    ]


def line(
    name: str, x: Sequence[Any], y: Sequence[float | None] | pl.Series, colour: str, **more: Any
) -> Spec:
    """A line; ``more`` goes into the trace, ``width``, ``dash`` and ``shape`` into its line."""
    style = {key: more.pop(key) for key in ("width", "dash", "shape") if key in more}
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": list(x), "y": rounded(y),
        "line": {"color": colour, "width": 1.6, **style}, **more,
    }  # fmt: skip


def band(
    name: str, x: Sequence[Any], low: pl.Series, middle: pl.Series, high: pl.Series, colour: str,
    **more: Any,
) -> list[Spec]:  # fmt: skip
    """A line with the band between two others around it."""
    edge: Spec = {"showlegend": False, "width": 0, **more}
    return [
        line(f"{name}, low", x, low, colour, **edge, hoverinfo="skip"),
        line(f"{name}, high", x, high, colour, **edge, hoverinfo="skip", fill="tonexty",
             opacity=0.4),
        line(name, x, middle, colour, **more),
    ]  # fmt: skip


def bars(
    name: str, x: Sequence[Any], y: Sequence[float | None] | pl.Series, colour: str, **more: Any
) -> Spec:
    """Bars."""
    return {
        "type": "bar", "name": name, "x": list(x), "y": rounded(y), "marker": {"color": colour},
        **more,
    }  # fmt: skip


def dots(
    name: str, x: Sequence[Any], y: Sequence[float | None], texts: Sequence[str], colour: str,
    **more: Any,
) -> Spec:  # fmt: skip
    """Dots, each with a text that shows when it is pointed at."""
    return {
        "type": "scatter", "mode": "markers", "name": name, "x": list(x), "y": rounded(y),
        "text": list(texts), "hovertemplate": "%{y}<br>%{text}<extra></extra>",
        "marker": {"color": colour, "size": 9, "line": {"color": "@card", "width": 1}}, **more,
    }  # fmt: skip


def spec(data: list[Spec], layout: Spec, **more: Any) -> Spec:
    """A chart; ``more`` is added to its layout."""
    return {"data": data, "layout": {"showlegend": len(data) > 1, **layout, **more}}


def usd_chart(data: list[Spec], **more: Any) -> Spec:
    """A chart whose upright axis is in dollars."""
    return spec(data, {"yaxis": USD_AXIS}, **more)


def marks_at(events: Sequence[tuple[int, int]]) -> tuple[list[Spec], list[Spec]]:
    """Dotted lines and numbers at events ``(number, moment)``; neighbours at other heights."""
    shapes, labels = [], []
    for place, (number, at_ns) in enumerate(events):
        when = clocks([at_ns])[0]
        shapes.append({
            "type": "line", "xref": "x", "yref": "paper", "x0": when, "x1": when, "y0": 0, "y1": 1,
            "line": {"color": "@muted", "width": 1, "dash": "dot"},
        })  # fmt: skip
        labels.append({
            "x": when, "y": 1 - 0.05 * (place % 5), "xref": "x", "yref": "paper",
            "text": str(number), "showarrow": False, "xanchor": "left", "yanchor": "top",
            "font": {"size": 11, "color": "@muted"},
        })  # fmt: skip
    return shapes, labels


def level(value: float, text: str = "") -> tuple[Spec, Spec]:
    """A dotted line across the chart, and its label."""
    shape = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": value, "y1": value,
        "line": {"color": "@muted", "width": 1, "dash": "dot"},
    }  # fmt: skip
    label = {
        "xref": "paper", "x": 1, "y": value, "text": text, "showarrow": False, "xanchor": "right",
        "yanchor": "bottom", "font": {"size": 11, "color": "@muted"},
    }  # fmt: skip
    return shape, label
