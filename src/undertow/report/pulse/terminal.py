"""The pulse in a terminal: one compact table, then the words."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from undertow.report.figures import Figure, format_time
from undertow.report.pulse.assemble import SECTIONS, Pulse

_WIDE = 140


def print_pulse(result: Pulse) -> None:
    """Print to stdout; as wide as the terminal, or wide enough when there is none."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    view = result.view
    title = view.tape.manifest.title or "Market pulse"
    console.print(f"[bold]{escape(title)}[/bold] · {view.window} to {format_time(view.at_ns)}")
    console.print(escape(result.headline), highlight=False)
    for sentence in view.tape.missing:
        console.print(f"[red]missing:[/red] {escape(sentence)}", highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for (_, heading, _, _), part in zip(SECTIONS, result.parts, strict=True):
        if part.figures:
            table.add_row(f"[bold]{heading}[/bold]")
        for figure in part.figures:
            table.add_row(f"  {escape(figure.label)}", _value(figure), escape(_aside(figure)))
    _add_reported(table, result)
    console.print(table)
    for panel in result.words:
        console.print(f"[bold]{panel.title}[/bold]")
        for line in panel.lines:
            console.print(Padding(escape("· " + line), (0, 0, 0, 2)), highlight=False)


def _add_reported(table: Table, result: Pulse) -> None:
    """The last report of each quantity that is also measured, as far as it holds."""
    known = result.figures
    last = {i.measured: i for i in result.reported if i.measured in known and i.usable}
    if last:
        table.add_row("[bold]Reported[/bold]")
    for item in last.values():
        aside = f"{item.publisher}, as of {item.as_of}, {item.verdict}"
        label = known[item.measured].label
        table.add_row(f"  {escape(label)}", escape(item.figure), escape(aside))


def _value(figure: Figure) -> str:
    if not figure.recorded:
        return "[dim]not recorded[/dim]"
    is_change = figure.unit == "fraction" and isinstance(figure.value, float)
    if is_change and figure.text().startswith("−"):
        return f"[red]{figure.text()}[/red]"
    return figure.text()


def _aside(figure: Figure) -> str:
    """When and where, in one line; nothing for a figure that is not recorded."""
    if not figure.recorded:
        return ""
    when = "" if figure.as_of_ns is None else format_time(figure.as_of_ns)
    return " · ".join(word for word in (figure.note, figure.place, when) if word)
