"""``undertow claims``: what articles say, as figures that can be checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from undertow.cli.app import JsonOption, app, complain

if TYPE_CHECKING:
    from undertow.claims.article import Article
    from undertow.claims.claim import Claim

claims_app = typer.Typer(
    name="claims",
    help="Figures that articles report, and what to make of them.",
    no_args_is_help=True,
)
app.add_typer(claims_app)

ArticlesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="ARTICLE...", help="Text, Markdown, HTML, or JSON with 'text'; '-' reads stdin."
    ),
]
DateOption = Annotated[
    str | None, typer.Option("--date", help="When the articles were published, ISO.")
]
OpinionOption = Annotated[
    str | None,
    typer.Option("--opinion", metavar="MODULE:FUNCTION", help="A second opinion, added to notes."),
]


@claims_app.command()
def extract(
    articles: ArticlesArgument,
    as_json: JsonOption = False,
    date: DateOption = None,
    opinion: OpinionOption = None,
) -> None:
    """List every figure that articles report, with what it is about."""
    if as_json:
        _print_list(_rows(articles, date, opinion))
        return
    from undertow.claims.show import print_claims

    for article, claims in read_claims(articles, date, opinion):
        if claims:
            print_claims(article, claims)


def _rows(articles: list[str], date: str | None, opinion: str | None) -> Iterator[dict[str, Any]]:
    """The claims as JSON; where there are several articles, each names its own."""
    for article, claims in read_claims(articles, date, opinion):
        for claim in claims:
            fields = claim.as_json()
            yield {"article": article.name, **fields} if len(articles) > 1 else fields


def read_claims(
    articles: list[str], date: str | None = None, opinion: str | None = None
) -> Iterator[tuple[Article, list[Claim]]]:
    """Each article and its claims, one after the other; remarks go to stderr."""
    from undertow.claims.extract import extract as claims_of
    from undertow.claims.opinions import opinion_named, with_opinion
    from undertow.claims.reading import checked_date, read_article, read_bytes

    published = None if date is None else checked_date(date)
    second = None if opinion is None else opinion_named(opinion)
    for name in articles:
        if name == "-":
            article = read_bytes(sys.stdin.buffer.read(), "stdin", published)
        else:
            article = read_article(Path(name), published)
        claims = claims_of(article)
        if second is not None and opinion is not None:
            claims = with_opinion(article, claims, second, opinion)
        for remark in article.remarks:
            complain(f"{article.name}: {remark}")
        if not claims and article.text.strip():
            complain(f"{article.name}: no figures found")
        yield article, claims


def _print_list(rows: Iterator[dict[str, Any]]) -> None:
    """A JSON list, row by row, so that a thousand articles take no more memory than one.

    An article that cannot be read ends the list; what was printed is JSON all the same.
    """
    mark = "["
    try:
        for row in rows:
            sys.stdout.write(mark + json.dumps(row, ensure_ascii=False, allow_nan=False))
            mark = ",\n"
    finally:
        sys.stdout.write("[]\n" if mark == "[" else "]\n")
