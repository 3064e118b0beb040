"""Articles in their formats, bad ones too, through the command line."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from undertow import cli
from undertow.claims.reading import MOST_CHARACTERS, read_bytes

SENTENCE = "Bitcoin fell 5% to $99,000 on Tuesday."
PAGE = """<!doctype html><html><head><title>Shop</title>
<meta property="og:title" content="Bitcoin falls"><meta property="og:site_name" content="The Paper">
<meta property="article:published_time" content="2025-11-04T10:00:00Z">
<script>var price = "$1 billion was liquidated";</script></head><body><nav>Ether fell 9% today</nav>
<article><h1>Bitcoin falls</h1><p>Bitcoin fell <b>5%</b> to
$99,000 on Tuesday.</p><p>PADDING</p></article><footer>Solana lost 11%</footer></body></html>"""


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> tuple[int, str, str]:
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        pytest.raises(SystemExit) as exited,
    ):
        monkeypatch.setattr(sys, "argv", ["undertow", "claims", "extract", *map(str, words)])
        cli.main()
    assert isinstance(exited.value.code, int)
    return exited.value.code, out.getvalue(), err.getvalue()


def extracted(monkeypatch: pytest.MonkeyPatch, *words: object) -> list[dict[str, Any]]:
    code, out, _ = run(monkeypatch, *words, "--json")
    assert code == 0
    found = json.loads(out)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", SENTENCE),
        (
            "a.md",
            "# Bitcoin falls\n\n*Bitcoin* fell **5%** to [$99,000](https://x.org/1) on Tuesday.",
        ),
        ("a.json", json.dumps({"text": SENTENCE, "title": "Bitcoin falls", "other": [1]})),
        ("a.html", PAGE.replace("PADDING", "The slide went on. " * 20)),
        ("page", PAGE.replace("PADDING", "The slide went on. " * 20)),
    ],
)
def test_formats(name: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = extracted(monkeypatch, path, "--date", "2025-11-05")
    assert [(row["metric"], row["value"]) for row in found] == [
        ("price_change", -5.0),
        ("price", 99_000.0),
    ]
    assert found[0]["as_of"] == "2025-11-04"
    assert "article" not in found[0]


def test_a_page_tells_its_title_date_and_publisher() -> None:
    article = read_bytes(PAGE.replace("PADDING", "word " * 60).encode(), "page.html")
    assert (article.title, article.published) == ("Bitcoin falls", "2025-11-04T10:00:00Z")
    assert article.publisher == "The Paper"
    assert "billion" not in article.text
    assert "Ether" not in article.text


def test_several_articles_are_one_list_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text(SENTENCE)
    found = extracted(monkeypatch, tmp_path / "one.txt", tmp_path / "two.txt")
    assert [row["article"] for row in found] == ["one.txt", "one.txt", "two.txt", "two.txt"]


def test_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Over $1.37 billion was liquidated, the most since May.")
    code, out, _ = run(monkeypatch, tmp_path / "a.txt", "--date", "2025-11-04")
    assert code == 0
    assert ">1.37B USD" in out
    assert "superlative" in out


@pytest.mark.parametrize(
    ("name", "content", "remark"),
    [
        ("a.txt", b"", "no text"),
        ("a.txt", b"Nothing to report.", "no figures found"),
        (
            "a.txt",
            SENTENCE.encode(),
            "no date: times such as 'Tuesday' stay unresolved; give --date",
        ),
        ("a.txt", "Bitcoin fell 5%\u00a0\u2014 d\u00e9j\u00e0 vu".encode("cp1252"), "not UTF-8"),
        (
            "a.html",
            b"<html><script>" + b"x" * 5000 + b"</script></html>",
            "no text outside of scripts",
        ),
        ("a.html", b"<div>" * 5000 + b"Bitcoin fell 5%.", "nested too deeply"),
        ("a.txt", b"Bitcoin fell 5%. " * 10_000, f"only the first {MOST_CHARACTERS:,}"),
        (
            "a.json",
            b'{"text": "Bitcoin fell 5%", "published": "soon"}',
            "date 'soon' not understood",
        ),
        (
            "a.json",
            b'{"text": "On 2025-12-24 bitcoin fell 5%", "published": "2025-11-04"}',
            "speaks of 2025-12-24, after its own date",
        ),
        (
            "a.html",
            b'<meta name="date" content="2025-11-04"><time datetime="2024-01-01">'
            b'<meta name="pubdate" content="2024-01-01"><p>5%',
            "several dates",
        ),
    ],
)
def test_odd_input_is_read_with_a_remark(
    name: str, content: bytes, remark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, err = run(monkeypatch, tmp_path / name, "--json")
    assert code == 0
    assert isinstance(json.loads(out), list)
    assert remark in err


def test_an_empty_list_for_a_text_without_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("Nothing to report.")
    assert extracted(monkeypatch, tmp_path / "a.txt") == []


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.pdf", b"%PDF-1.7 ...", "a PDF: convert it to text first"),
        ("a.txt", b"\x00\x01\x02", "not a text"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"text":' + b"[" * 100_000, "nested too deeply"),
        ("a.json", b'{"body": "x"}', "expected a JSON object with a 'text'"),
        ("a.json", b'{"text": "x", "title": 3}', "column 'title'"),
        ("a.json", b"[]", "expected a JSON object"),
    ],
)
def test_what_is_no_article_is_refused(
    name: str, content: bytes, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(content)
    code, _, err = run(monkeypatch, tmp_path / name)
    assert code == 2
    assert err.startswith("undertow: ")
    assert complaint in err
    assert err.count("\n") == 1


def test_wrong_options_are_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text(SENTENCE)
    assert "no such file" in run(monkeypatch, tmp_path / "nowhere.txt")[2]
    assert "not a file" in run(monkeypatch, tmp_path)[2]
    assert "expected one such as" in run(monkeypatch, tmp_path / "a.txt", "--date", "Tuesday")[2]
    assert "module:function" in run(monkeypatch, tmp_path / "a.txt", "--opinion", "x")[2]
    assert "No module" in run(monkeypatch, tmp_path / "a.txt", "--opinion", "no_such:f")[2]
    assert "no function" in run(monkeypatch, tmp_path / "a.txt", "--opinion", "json:f")[2]


def test_a_date_that_contradicts_the_article_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"text": SENTENCE, "published": "2025-11-04"}))
    _, _, err = run(monkeypatch, tmp_path / "a.json", "--date", "2025-11-12")
    assert "the article says it is of 2025-11-04; taken: 2025-11-12" in err
