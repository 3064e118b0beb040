"""No text, page or list breaks the extraction or takes long."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from undertow.claims.article import Article
from undertow.claims.extract import extract
from undertow.claims.reading import read_bytes
from undertow.errors import DataError

MOST_SECONDS = 2.0
PIECES = st.sampled_from([
    "Bitcoin", "ether", "SOL", "$", "€", "5", "1,36", "99,000", "%", " billion", "cardinal", "bn",
    "fell ", "rose ", " to ", " from ", " and ", "between ", "longs", "shorts", "liquidated",
    "market cap", "open interest", "(", ")", "-", "–", ".", ",", ";", "\n", "half of its ",
    "a third of ", "November 4", "Tuesday", "24 hours", "\u202e", "\u200f", "\u00a0", "--", "'s",
    "**", "[x](y)", "<p>", "</p>", "respectively", "ETF outflows", "9" * 30, "0", "0x12",
    "http://", "±", "@", "#", "Fear & Greed Index ", "traders"
])  # fmt: skip
TEXTS = st.one_of(
    st.lists(PIECES, max_size=60).map("".join),
    st.lists(PIECES, max_size=60).map(" ".join),
    st.text(),
)


@settings(max_examples=150)
@given(TEXTS, st.one_of(st.none(), st.text(max_size=40)))
def test_any_text_gives_claims_that_hold_together(text: str, title: str | None) -> None:
    article = Article(text=text, title=title, published="2025-11-04")
    claims = extract(article)
    assert claims == extract(article)
    for claim in claims:
        assert text[claim.start : claim.start + len(claim.span)] == claim.span
        ends = [v for v in (claim.value, claim.value_low, claim.value_high) if v is not None]
        assert all(math.isfinite(value) for value in ends)
        if claim.value is None and claim.value_low is not None:
            assert claim.value_high is not None
            assert claim.value_low <= claim.value_high


@settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.md", "a.html", "a.json"]))
def test_any_bytes_are_read_or_refused(raw: bytes, name: str) -> None:
    try:
        article = read_bytes(raw, name)
    except DataError as error:
        assert name in str(error)
        return
    extract(article)


HOSTILE = {
    "figures.txt": b"5% " * 40_000,
    "names.txt": b"bitcoin fell 5% to $90,000 and ether, " * 4_000,
    "digits.txt": b"1" * 500_000,
    "thousands.txt": b"1,000" * 100_000,
    "dashes.txt": b"1-" * 100_000,
    "paths.txt": b"from $1 to " * 20_000,
    "liquidations.txt": b"longs $5 million and shorts liquidated wiped out " * 4_000,
    "lines.txt": b"5%\n" * 60_000,
    "table.txt": b"| BTC $m in longs " * 15 + b"|\n" + (b"| 5.1 " * 15 + b"|\n") * 2_000,
    "tabs.txt": b"a b\t" * 39 + b"\n" + (b"7%\t" * 39 + b"\n") * 4_000,
    "heads.txt": b"- Funding: 5%\nWhat was lost:\n" * 8_000,
    "clauses.txt": b"Tesla, which " * 10_000,
    "dots.txt": b"1.000.000,5 lakh crore " * 10_000,
    "brackets.md": b"[" * 200_000,
    "links.md": b"[a](" * 100_000,
    "nested.html": b"<div>" * 300_000,
    "bold.html": b"<b>" * 200_000,
    "long.html": b"<article>" + b"<p>Bitcoin fell 5% as $1 billion was liquidated.</p>" * 200_000,
    "script.html": b"<html><script>" + b"x" * 10_000_000,
    "angles.html": b"<html>" + b"<" * 1_000_000,
    "lists.html": b"<ul><li>" * 30_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_bounded_in_time(name: str) -> None:
    start = time.process_time()
    claims = extract(read_bytes(HOSTILE[name], name))
    assert time.process_time() - start < MOST_SECONDS
    assert len(claims) < 2_000


def test_a_gigantic_number_is_no_figure_that_breaks_json(tmp_path: Path) -> None:
    claims = extract(Article(text=f"Bitcoin fell to ${'9' * 400} and {'7' * 39}%."))
    assert all(claim.value is None or math.isfinite(claim.value) for claim in claims)
