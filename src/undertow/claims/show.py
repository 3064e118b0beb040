"""Claims as a table in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from undertow.claims.article import Article
from undertow.claims.claim import Claim

_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
_PERCENT = {"pct": "%", "pct_annualized": "% a year"}


def print_claims(article: Article, claims: list[Claim]) -> None:
    """One row per figure; causes and superlatives, which have none, come below."""
    console = Console()
    title = article.title or article.name
    date = f" ({article.published})" if article.published else ""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("metric", "value", "of", "when", "source", "words"):
        table.add_column(name, justify="right" if name == "value" else "left", overflow="fold")
    for claim in claims:
        if claim.unit is not None:
            table.add_row(*(Text(cell) for cell in _cells(claim)))
    console.print(Text(title + date))
    console.print(table)
    for claim in claims:
        if claim.unit is None:
            console.print(Text(f"{claim.kind}: {claim.span}"))


def _cells(claim: Claim) -> tuple[str, ...]:
    subject = " ".join(part for part in (claim.asset, claim.side, claim.venue) if part)
    when = " to ".join(part for part in (claim.window, claim.as_of) if part)
    kind = "" if claim.kind == "fact" else f" ({claim.kind})"
    words = " ".join(claim.span.split())
    return f"{claim.metric}{kind}", value_text(claim), subject, when, claim.source or "", words


def value_text(claim: Claim) -> str:
    """A claim's value to read: ``>1.37B USD``, ``-3.2%``, ``98,000–100,000 USD``."""
    ends = (claim.value_low, claim.value_high) if claim.value is None else (claim.value,)
    text = "–".join(_number(end) for end in ends if end is not None)
    sign = "" if claim.qualifier == "=" else claim.qualifier
    sign = f"{sign} " if sign.isalpha() else sign
    return f"{sign}{text}{_PERCENT.get(claim.unit or '', f' {claim.unit}')}"


def _number(value: float) -> str:
    for scale, letter in _SCALES:
        if abs(value) >= scale:
            return f"{value / scale:,.6g}{letter}"
    return f"{value:,.10g}"
