"""The single-file page: everything inside, opens offline."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from undertow.tape.files import write_atomically

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True)
class Tile:
    """A key figure at the top; ``tone`` is ``up``, ``down`` or empty."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    recorded: bool = True
    definition: str = ""


@dataclass(frozen=True)
class Words:
    """A panel of sentences."""

    title: str
    lines: list[str]


@dataclass(frozen=True)
class EventLine:
    """A dated event: its number and time on the chart, and in words."""

    number: int
    when: str
    title: str
    source: str
    drawn_at: str


@dataclass(frozen=True)
class Panel:
    """A chart or a table with its caption; ``missing`` says why there is neither.

    ``chart`` names a specification in ``Page.charts``; ``size`` is ``tall``, ``short`` or empty;
    ``numeric`` are the columns of the table that hold numbers; ``wide`` takes the whole row;
    ``earlier`` events are folded away, and the table where ``folded`` says what it holds.
    """

    title: str = ""
    chart: str = ""
    size: str = ""
    wide: bool = False
    caption: str = ""
    missing: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    numeric: tuple[int, ...] = ()
    events: list[EventLine] = field(default_factory=list)
    earlier: list[EventLine] = field(default_factory=list)
    folded: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with its panels."""

    id: str
    title: str
    lead: str
    panels: list[Panel]


@dataclass(frozen=True)
class Page:
    """All that the page shows, already in words."""

    title: str
    kicker: str
    headline: str
    tiles: list[Tile]
    words: list[Words]
    sections: list[Section]
    figures: list[dict[str, Any]]
    sources: list[dict[str, str]]
    provenance_lead: str
    footer: str
    charts: dict[str, Any]


def write_page(page: Page, path: Path) -> None:
    """Write the page as one HTML file, in one step."""
    write_html(render(page), path)


def write_html(html: str, path: Path) -> None:
    """Write a page in one step; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_text(html, encoding="utf-8"))


def render(page: Page) -> str:
    """The page as HTML; plotly's own script is embedded once."""
    return render_template("pulse.html.j2", page.charts, page=page)


def render_template(name: str, charts: dict[str, Any], **context: Any) -> str:
    """A template with the project's styles, and plotly where there are charts.

    Parameters
    ----------
    name
        File in ``templates``.
    charts
        Chart specifications by name, as ``charts`` makes them.
    context
        What the template shows; all text in it is escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=PackageLoader("undertow.report", "templates"),
    )
    plotly = ""
    if charts:
        plotly = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    # "<" in the data must not end the script element that carries it.
    data = json.dumps(charts, allow_nan=False).replace("<", "\\u003c")
    return environment.get_template(name).render(
        css=included("page.css"),
        script=included("charts.js"),
        plotly=Markup(plotly),
        charts=Markup(data),
        **context,
    )


def included(name: str) -> Markup:
    """A style sheet or script of the project, to stand in a page as it is."""
    from markupsafe import Markup

    path = files("undertow.report") / "templates" / name
    return Markup(path.read_text(encoding="utf-8"))
