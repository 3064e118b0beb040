"""Commands about tapes and rules: what there is, what it says, how to bring in one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from undertow.cli.app import JsonOption, TapeArgument, app, complain, print_json
from undertow.errors import UndertowError

if TYPE_CHECKING:
    from undertow.report.pulse import Pulse
    from undertow.tape.importers.run import Imported


@app.command()
def version() -> None:
    """Print the version."""
    import undertow

    typer.echo(undertow.__version__)


@app.command()
def tapes(as_json: JsonOption = False) -> None:
    """List the bundled tapes."""
    from undertow.tape import Tape, bundled

    rows = [(name, Tape.open(name).manifest.title) for name in bundled.names()]
    if as_json:
        print_json([{"name": name, "title": title} for name, title in rows])
        return
    for name, title in rows:
        typer.echo(f"{name}  {title}")


@app.command()
def describe(tape: TapeArgument, as_json: JsonOption = False) -> None:
    """Say what a tape holds, where it came from and what is missing."""
    from undertow.report import description
    from undertow.tape import Tape

    opened = Tape.open(tape)
    if as_json:
        print_json(description.as_json(opened))
    else:
        description.print_table(opened)


@app.command()
def sql(
    tape: TapeArgument,
    statement: Annotated[str, typer.Argument(metavar="SELECT", help="SQL; one view per table.")],
    as_json: JsonOption = False,
) -> None:
    """Ask a tape in SQL (DuckDB): `undertow sql TAPE "select max(high) from candles"`."""
    from undertow.tape import Tape
    from undertow.tape.sql import json_rows, json_value, query

    opened = Tape.open(tape)
    for sentence in opened.missing:
        complain(f"{tape}: {sentence}")
    names, rows = query(opened, statement)
    if as_json:
        print_json(json_rows(names, rows))
        return
    from undertow.report import terminal

    cells = [["" if value is None else str(json_value(value)) for value in row] for row in rows]
    terminal.console().print(terminal.table(names, cells))


@app.command()
def pulse(
    tape: TapeArgument = "2025-11-04",
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="ISO-8601 UTC; default: the tape's moment.")
    ] = None,
    window: Annotated[str, typer.Option(help="What sums and changes look back on.")] = "24h",
    as_json: JsonOption = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write DIR/report.html, or article.md and .html."),
    ] = None,
    article: Annotated[
        bool, typer.Option("--article", help="Print it as an article, in Markdown or JSON.")
    ] = False,
) -> None:
    """Measure a market at a moment: a table, JSON, or a report that opens offline."""
    from undertow.report.page import write_page
    from undertow.report.pulse import pulse as measure
    from undertow.report.pulse.terminal import print_pulse
    from undertow.tape import Tape

    result = measure(Tape.open(tape), at=at, window=window)
    if article:
        _print_article(result, as_json, out)
        return
    if as_json:
        print_json(result.as_json())
    else:
        print_pulse(result)
    if out is not None:
        report = out / "report.html"
        write_page(result.page(), report)
        typer.echo(f"report: {report.resolve()}", err=as_json)


def _print_article(result: Pulse, as_json: bool, out: Path | None) -> None:
    from undertow.report.pulse.article import article as write
    from undertow.report.pulse.article_page import markdown, write_article

    text = write(result)
    if as_json:
        print_json(text.as_json())
    else:
        typer.echo(markdown(text), nl=False)
    if out is not None:
        for path in write_article(text, out):
            typer.echo(f"article: {path.resolve()}", err=True)


@app.command(name="import")
def import_command(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="See --list.")] = None,
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH...")] = None,
    out: Annotated[Path | None, typer.Option(metavar="TAPE", help="Made, or added to.")] = None,
    venue: Annotated[str | None, typer.Option(help="Venue of a file that names none.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Symbol of a file that names none.")] = None,
    interval: Annotated[str | None, typer.Option(help="Length of a bar: 5m.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="Name of a column.")
    ] = None,
    skip_bad: Annotated[int, typer.Option(min=0, help="Drop up to N bad rows.")] = 0,
    list_kinds: Annotated[bool, typer.Option("--list", help="List the kinds.")] = False,
) -> None:
    """Read files of the real market into a tape."""
    from undertow.tape.importers import importer_named, importers
    from undertow.tape.importers.reading import Options, mapping_from
    from undertow.tape.importers.run import import_files

    if list_kinds:
        for importer in importers():
            typer.echo(f"{importer.name}: {importer.summary}")
            typer.echo(f"  fills {', '.join(importer.tables)}; expects")
            typer.echo("    " + importer.example.replace("\n", "\n    ") + "\n")
        return
    if kind is None or not paths or out is None:
        raise UndertowError("expected: undertow import KIND PATH... --out TAPE (kinds: --list)")
    options = Options(venue, symbol, interval, mapping_from(mapping or []), skip_bad)
    importer = importer_named(kind)
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        results = import_files(importer, paths, out, options, status.update)
    for result in results:
        _print_imported(result)
    typer.echo(f"tape: {out}")


def _print_imported(result: Imported) -> None:
    counts = ", ".join(f"{rows:,} {table}" for table, rows in result.rows.items()) or "nothing new"
    known = f" ({result.known:,} rows were already there)" if result.known else ""
    typer.echo(f"{result.path.name}: {counts}{known}")
    for line in result.reading.notes:
        typer.echo(f"  note: {line}")
    for line in result.reading.gaps:
        typer.echo(f"  gap: {line}")
    for line in result.reading.dropped:
        typer.echo(f"  dropped: {line}")


@app.command()
def conform(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A list of vectors.")],
    as_json: JsonOption = False,
) -> None:
    """Run a file of test vectors through the venues' formulas; exit code 1 if one fails."""
    from undertow.venues.conformance.run import run
    from undertow.venues.conformance.vectors import read_vectors

    outcome = run(read_vectors(file))
    if as_json:
        print_json(outcome.as_json())
    else:
        for failure in outcome.failures:
            typer.echo(failure)
        typer.echo(f"{outcome.passed} passed, {outcome.failed} failed")
    raise typer.Exit(1 if outcome.failed else 0)
