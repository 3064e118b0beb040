"""Reads articles: plain text, Markdown, HTML, and JSON with a ``text``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

from undertow.claims.article import Article
from undertow.claims.dates import iso_day, published_day
from undertow.claims.markdown import without_markdown
from undertow.claims.web_page import read_page
from undertow.errors import DataError, UndertowError

MOST_BYTES = 64_000_000
MOST_CHARACTERS = 60_000  # some 10,000 words; longer than any news article (assumed)
_FORMATS = {
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
}
_HTML = re.compile(r"\s{0,200}<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_CHARSET = re.compile(rb"charset=[\"']?([A-Za-z0-9_-]{2,30})")
_LONE = re.compile("[\ud800-\udfff]")  # halves of a character, which no file can hold
_FULL_DATE = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")


def read_article(path: Path, published: str | None = None) -> Article:
    """Read one article; its format is that of the file's ending, or what its start shows.

    Parameters
    ----------
    path
        The file; its name becomes the article's name.
    published
        ISO date that takes the place of the article's own.

    Raises
    ------
    DataError
        A file that is not there, too large, a PDF or otherwise no text, or JSON without text.
    """
    if not path.is_file():
        raise DataError("no such file" if not path.exists() else "not a file", file=path)
    if path.stat().st_size > MOST_BYTES:
        raise DataError(f"larger than {MOST_BYTES // 1_000_000} MB: no article", file=path)
    return read_bytes(path.read_bytes(), path.name, published)


def read_bytes(raw: bytes, name: str, published: str | None = None) -> Article:
    """Read the bytes of an article; see `read_article`."""
    if raw[:1024].lstrip().startswith(b"%PDF"):
        raise DataError(
            "a PDF: convert it to text first, for example with 'pdftotext FILE'", file=name
        )
    text, remarks = _decoded(raw, name)
    form = _FORMATS.get(Path(name).suffix.lower())
    if form is None and _HTML.match(text):
        form = "html"
    readers: dict[str | None, Callable[[str, str], Article]] = {
        "json": _from_json, "html": read_page, "markdown": _from_markdown,
    }  # fmt: skip
    article = readers.get(form, _from_text)(text, name)
    return _checked(article, name, (*remarks, *article.remarks), published)


def checked_date(text: str) -> str:
    """An ISO date or time that a user gave; anything else raises `UndertowError`."""
    if published_day(text) is None:
        raise UndertowError(f"date '{text}': expected one such as 2025-11-04 or 2025-11-04T11:00Z")
    return iso_day(text) or text


def _decoded(raw: bytes, name: str) -> tuple[str, tuple[str, ...]]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace"), ()
    if b"\x00" in raw[:4096]:
        raise DataError("not a text: expected UTF-8", file=name)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        declared = _CHARSET.search(raw[:4096])
    encoding = declared[1].decode("ascii") if declared else "windows-1252"
    try:
        return raw.decode(encoding, errors="replace"), (f"not UTF-8: read as {encoding}",)
    except LookupError:
        return raw.decode("windows-1252", errors="replace"), ("not UTF-8: read as windows-1252",)


def _from_text(text: str, name: str) -> Article:
    return Article(text=text)


def _from_markdown(text: str, name: str) -> Article:
    title = re.search(r"^# {1,3}(.{1,300})$", text[:20_000], re.MULTILINE)
    return Article(
        text=without_markdown(text[: 2 * MOST_CHARACTERS]),
        title=title[1].strip() if title else None,
    )


def _from_json(text: str, name: str) -> Article:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(f"not JSON: {reason}", file=name) from None
    if not isinstance(fields, dict) or not isinstance(fields.get("text"), str):
        raise DataError("expected a JSON object with a 'text' (a string)", file=name)
    for field in ("title", "published", "publisher"):
        if not isinstance(fields.get(field), str | None):
            raise DataError("expected a string", file=name, column=field, value=fields[field])
    return Article(
        text=_LONE.sub("\ufffd", fields["text"]), title=fields.get("title"),
        published=fields.get("published"), publisher=fields.get("publisher"),
    )  # fmt: skip


def _checked(
    article: Article, name: str, remarks: tuple[str, ...], published: str | None
) -> Article:
    """The article within bounds, with remarks on what is missing or contradicts itself."""
    text, found = article.text, [*remarks]
    if len(text) > MOST_CHARACTERS:
        found.append(f"only the first {MOST_CHARACTERS:,} of {len(text):,} characters were read")
        text = text[:MOST_CHARACTERS]
    if not text.strip():
        found.append("no text")
    said = article.published
    if published is not None:
        if published_day(said) not in (None, published_day(published)):
            found.append(f"the article says it is of {said}; taken: {published}")
        said = published
    elif said is not None and iso_day(said) is None:
        found.append(f"date '{said}' not understood")
    day = published_day(said)
    if iso_day(said) is None and text.strip():
        found.append("no date: times such as 'Tuesday' stay unresolved; give --date")
    later = [d for d in _dates_in(text) if day is not None and (d - day).days > 2]
    if later and day is not None:
        found.append(f"speaks of {max(later)}, after its own date {day}")
    return Article(
        text=text, title=article.title, published=said, publisher=article.publisher, name=name,
        remarks=tuple(found),
    )  # fmt: skip


def _dates_in(text: str) -> list[date]:
    days = [published_day(match[0]) for match in _FULL_DATE.finditer(text[:20_000])]
    return [day for day in days if day is not None]
