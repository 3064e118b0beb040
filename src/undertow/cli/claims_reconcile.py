"""``undertow claims reconcile``, ``check`` and ``library``: what adds up, and what the data say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from undertow.cli.app import JsonOption, print_json
from undertow.cli.claims import ArticlesArgument, DateOption, claims_app, read_claims
from undertow.cli.claims_dating import all_dated
from undertow.errors import UndertowError

if TYPE_CHECKING:
    from undertow.claims.article import Article
    from undertow.claims.claim import Claim
    from undertow.claims.reconcile import Group, Reconciliation, Source, Statement
    from undertow.report.claims import ClaimsPage
    from undertow.tape import Tape

TapeOption = Annotated[
    str | None,
    typer.Option(metavar="TAPE", help="Tape to measure on; default: the bundled one of that day."),
]


@claims_app.command()
def reconcile(
    articles: ArticlesArgument,
    tape: TapeOption = None,
    published: DateOption = None,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write DIR/claims.html and DIR/reconciliation.json."),
    ] = None,
) -> None:
    """Say which figures are one series, which are wrong, and what is the best estimate."""
    from undertow.claims.reconcile import reconcile as hold

    read = all_dated(list(read_claims(articles, published)))
    sources = _sources(read)
    name = _tape_name(tape, [source.published for source in sources if source.published])
    opened = _opened(name)
    answer = hold(sources, tape=opened, tape_name=name)
    if as_json:
        print_json(answer.as_json())
    else:
        _print_answer(answer)
    if out is not None:
        from undertow.report.claims import reconciliation_page

        titles = [article.title or "" for article, _ in read]
        page = reconciliation_page(sources, answer, tape=opened, titles=titles)
        _write(page, out / "claims.html", quiet=as_json)
        path = out / "reconciliation.json"
        text = json.dumps(answer.as_json(), ensure_ascii=False, allow_nan=False, indent=1)
        path.write_text(text, encoding="utf-8")
        typer.echo(f"written: {path.resolve()}", err=as_json)


@claims_app.command()
def check(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="With a figure in it.")],
    at: Annotated[str, typer.Option(metavar="TIME", help="When it was said: ISO-8601 UTC.")],
    tape: TapeOption = None,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write the picture, DIR/check.html.")
    ] = None,
) -> None:
    """Hold one sentence against the library and a tape."""
    from undertow.claims.reconcile.one_sentence import check_sentence

    name = _tape_name(tape, [at])
    opened = _opened(name)
    checked = check_sentence(sentence, at, tape=opened, tape_name=name)
    if as_json:
        print_json(checked.as_json())
    else:
        for statement, group in checked.statements:
            _print_statement(statement, group)
        if name is None:
            typer.echo(f"no bundled tape of {at}, so nothing is measured: --tape names one")
    if out is not None:
        from undertow.report.claims import check_page

        _write(check_page(checked, tape=opened), out / "check.html", quiet=as_json)


@claims_app.command()
def library(
    event: Annotated[str | None, typer.Option(help="Event, or a day of it.")] = None,
    metric: Annotated[str | None, typer.Option(help="As the library names it.")] = None,
    asset: Annotated[str | None, typer.Option(help="Ticker, or ALL.")] = None,
    verdict: Annotated[str | None, typer.Option(help="consistent, contradicted, ...")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the published figures of past crashes with their verdicts."""
    import msgspec

    from undertow.claims import library as figures
    from undertow.report import terminal

    found = figures.listed(event, metric, asset, verdict=verdict)
    if as_json:
        print_json([msgspec.to_builtins(item) for item in found])
        return
    titles = ("id", "event", "metric", "asset", "side", "figure", "as of", "publisher", "verdict")
    rows = [
        (i.id, i.event, i.metric, i.asset, "" if i.side == "both" else i.side, i.figure, i.as_of,
         i.publisher, i.verdict or "")
        for i in found
    ]  # fmt: skip
    terminal.console().print(terminal.table(titles, rows, right=("figure",)))
    wrong = sum(not item.usable for item in found)
    typer.echo(f"{len(found)} figures, {wrong} of them found wrong and not used")


def _sources(read: Sequence[tuple[Article, list[Claim]]]) -> list[Source]:
    """The articles with the claims that were extracted from them."""
    from undertow.claims.reconcile import Source

    return [
        Source(
            publisher=article.publisher or Path(article.name).stem,
            published=article.published,
            text=article.text,
            claims=claims,
        )
        for article, claims in read
    ]


def _opened(name: str | None) -> Tape | None:
    from undertow.tape import Tape

    return None if name is None else Tape.open(name)


def _write(page: ClaimsPage, path: Path, *, quiet: bool) -> None:
    from undertow.report.claims import write_claims_page

    write_claims_page(page, path)
    typer.echo(f"written: {path.resolve()}", err=quiet)


def _tape_name(tape: str | None, days: Sequence[str]) -> str | None:
    """The tape that was asked for, else the bundled one of the first day that has one."""
    from undertow.claims import library as figures

    if tape is not None:
        return tape
    return next((found for day in days if (found := figures.tape_for(day)) is not None), None)


def _print_answer(answer: Reconciliation) -> None:
    from undertow.report import terminal
    from undertow.report.claims.details import grouped

    if not answer.statements:
        raise UndertowError("no figures found in these articles, nothing to reconcile")
    console = terminal.console()
    rows = [
        (group.title, str(_given(group)), str(len(group.statements) - _given(group)), _best(group),
         ", ".join(group.explained_by), str(len(group.conflicts) or ""))
        for group in sorted(answer.groups, key=lambda g: (not g.conflicts, not g.best, -_given(g)))
    ]  # fmt: skip
    titles = ("quantity", "here", "library", "best estimate", "explained by", "conflicts")
    console.print(terminal.table(titles, rows, right=("here", "library", "conflicts")))
    conflicts = [
        (group.title, grouped(line)) for group in answer.groups for line in group.conflicts
    ]
    if conflicts:
        console.print(terminal.table(("quantity", "in conflict"), conflicts))
    _print_words(answer)
    _print_sums(answer)
    for copy in answer.copies:
        typer.echo(f"{copy.copy} is a copy of {copy.original}: {copy.why}; counted as one source")
    counted = ", ".join(f"{count} {verdict}" for verdict, count in answer.counts().items())
    measured = (
        f"measured on {answer.tape}"
        if answer.tape
        else ("no tape of that time, so nothing is measured: --date says when the articles are of")
    )
    typer.echo(f"{counted}; {measured}")


def _given(group: Group) -> int:
    """How many figures of the articles a group has; the others are of the library."""
    return sum(not item.in_library for item in group.statements)


def _print_words(answer: Reconciliation) -> None:
    """Causes and superlatives: the verdict, and what it rests on."""
    from undertow.report import terminal
    from undertow.report.claims.details import reason

    rows = [
        (f"{item.publisher}: '{item.claim.span}'", item.verdict, reason(item))
        for item in answer.statements
        if item.family == "in words" and not item.in_library
    ]
    if rows:
        titles = ("said in words", "verdict", "what the data say")
        terminal.console().print(terminal.table(titles, rows))


def _print_sums(answer: Reconciliation) -> None:
    """The sums that the articles' own figures are part of, the wrong ones first."""
    from undertow.report import terminal
    from undertow.report.claims import sums

    given = [c for c in answer.checks if any(name.startswith("A") for name in c.statements)]
    rows = [
        sums.row(c)
        for c in sorted(given, key=lambda c: ("ok", "implied").count(c.verdict))
    ]  # fmt: skip
    if rows:
        titles = tuple(sums.COLUMNS)
        terminal.console().print(terminal.table(titles, rows, right=("gives", "printed")))


def _best(group: Group) -> str:
    from undertow.claims.reconcile.ranges import shown

    parts = []
    for item in group.best[:3]:
        text = f"{item.label} {shown(item.value, item.unit)}"
        if item.low != item.high:
            text += f" ({shown(item.low)} to {shown(item.high)})"
        parts.append(text)
    return "; ".join(parts)


def _print_statement(statement: Statement, group: Group) -> None:
    from undertow.claims.reconcile.ranges import shown
    from undertow.report import terminal

    claim = statement.claim
    aspect = "" if statement.aspect == statement.family else statement.aspect
    what = " ".join(word for word in (statement.subject, statement.family, aspect) if word)
    figure = f"{claim.qualifier} {shown(statement.value, claim.unit)}"
    if claim.value is None and claim.value_low is None:
        what, figure = f"{statement.subject} in words", f"'{claim.span}'"
    typer.echo(f"{what}: {figure}: {statement.verdict}")
    order = sorted(statement.evidence, key=lambda e: e.verdict != statement.verdict)
    rows = [(e.kind, e.by, e.text) for e in order]
    terminal.console().print(terminal.table(("held against", "by", "what it says"), rows))
    best = group.best_for(statement)
    # What rests on the sentence alone would only repeat it.
    if best is not None and best.statements != [statement.id]:
        low, high = shown(best.low, best.unit), shown(best.high, best.unit)
        typer.echo(f"best estimate: {shown(best.value, best.unit)} ({low} to {high}): {best.why}")
