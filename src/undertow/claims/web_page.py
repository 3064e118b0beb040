"""Reads an article out of a web page: its text, title, date and publisher.

selectolax (MIT) parses: one extension without dependencies, quick, and at ease with broken markup.
What belongs to the article is chosen here by plain rules. The full extractors bring a dozen
packages, and take seconds for pages of megabytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from undertow.claims.article import Article
from undertow.claims.dates import iso_day, published_day

MOST_MARKUP = 2_000_000  # characters, scripts left out
MOST_DEPTH = 400  # parsers of HTML take time by the square of the depth
_NOISE = ["nav", "header", "footer", "aside", "form", "button", "figcaption", "svg", "noscript"]
_LEAST_TEXT = 200  # characters; with less, a tag that should hold the article does not
_DATES = (
    "meta[property='article:published_time']", "meta[name='pubdate']", "meta[name='date']",
    "meta[name='publish-date']", "meta[itemprop='datePublished']",
)  # fmt: skip
_BLOCK = re.compile(
    r"</?(?:p|li|h[1-6]|div|tr|br|td|blockquote|article|section|ul|ol|table|main|body)(?=[\s/>])",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_VOID = frozenset(["br", "img", "meta", "link", "input", "hr", "source", "p", "li", "td", "tr"])
_SPACE = re.compile(r"\s+")
_ANY_TAG = re.compile(r"<[^<>]{0,5000}>")


def read_page(html: str, name: str) -> Article:
    """The article of a web page. A page without text gives an empty one, with a remark."""
    html, linked = _without_scripts(html)
    remarks = []
    if len(html) > MOST_MARKUP:
        remarks.append(f"only the first {MOST_MARKUP:,} characters of markup were read")
        html = html[:MOST_MARKUP]
    if _is_too_deep(html):
        html = html[: MOST_MARKUP // 4]
        text = _lines_of(_ANY_TAG.sub(" ", _BLOCK.sub(r"\n\g<0>", html)))
        remarks.append("tags nested too deeply: read without them")
        return Article(text=text, remarks=tuple(remarks))
    page = LexborHTMLParser(_BLOCK.sub(r"\n\g<0>", _SPACE.sub(" ", html)))
    dates = list(dict.fromkeys(_dates(page, linked)))
    title, publisher = _title(page), _attribute(page, "meta[property='og:site_name']", "content")
    page.strip_tags(_NOISE)
    text = _lines_of(_body(page))
    if not text:
        remarks.append("no text outside of scripts: save the page as a browser shows it")
    days = {published_day(date) for date in dates} - {None}
    if len(days) > 1:
        remarks.append(f"the page gives several dates ({', '.join(dates)}); taken: {dates[0]}")
    return Article(
        text=text, title=title, published=dates[0] if dates else None,
        publisher=publisher, remarks=tuple(remarks),
    )  # fmt: skip


def _without_scripts(html: str) -> tuple[str, list[str]]:
    """The markup without scripts and styles, and the linked data that stood in scripts."""
    lowered, at = html.lower(), 0
    kept: list[str] = []
    linked: list[str] = []
    if len(lowered) != len(html):  # a few letters change their length; then nothing is cut out
        return html, linked
    while True:
        starts = [s for s in (lowered.find("<script", at), lowered.find("<style", at)) if s >= 0]
        if not starts:
            kept.append(html[at:])
            return " ".join(kept), linked
        start = min(starts)
        closing = "</script" if lowered.startswith("<script", start) else "</style"
        end = lowered.find(closing, start)
        end = len(html) if end < 0 else end
        kept.append(html[at:start])
        head = html[start : start + 200]
        if "ld+json" in head and len(linked) < 20:
            linked.append(html[start:end].partition(">")[2][:1_000_000])
        at = max(lowered.find(">", end), end) + 1 if end < len(html) else end
        if at >= len(html):
            return " ".join(kept), linked


def _is_too_deep(html: str) -> bool:
    """Whether tags are nested beyond `MOST_DEPTH`; those that need no end are not counted."""
    depth = 0
    for match in _TAG.finditer(html):
        if match[2].lower() not in _VOID:
            depth = max(depth - 1, 0) if match[1] else depth + 1
            if depth > MOST_DEPTH:
                return True
    return False


def _body(page: LexborHTMLParser) -> str:
    """The text of the article's tag, else that of the whole page."""
    for tag in ("article", "main", "[role='main']"):
        found = page.css_first(tag)
        text = "" if found is None else found.text(separator="")
        if len(text) >= _LEAST_TEXT:
            return text
    return "" if page.body is None else page.body.text(separator="")


def _lines_of(text: str) -> str:
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _title(page: LexborHTMLParser) -> str | None:
    said = _attribute(page, "meta[property='og:title']", "content")
    if said:
        return said
    node: LexborNode | None = page.css_first("h1") or page.css_first("title")
    return None if node is None else _SPACE.sub(" ", node.text(separator="")).strip() or None


def _attribute(page: LexborHTMLParser, selector: str, name: str) -> str | None:
    node = page.css_first(selector)
    value = None if node is None else node.attributes.get(name)
    return value.strip() or None if value else None


def _dates(page: LexborHTMLParser, linked: list[str]) -> Iterator[str]:
    """Dates of publication: from meta tags, from linked data, else from the first time tag."""
    said = [_attribute(page, selector, "content") for selector in _DATES]
    said += [_linked_date(script) for script in linked]
    if not any(said):
        said.append(_attribute(page, "time[datetime]", "datetime"))
    for date in said:
        iso = iso_day(date)
        if iso is not None:
            yield iso


def _linked_date(text: str) -> str | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    entries = data if isinstance(data, list) else [data]
    for entry in entries[:50]:
        graph = entry.get("@graph") if isinstance(entry, dict) else None
        for part in [entry, *(graph[:50] if isinstance(graph, list) else [])]:
            date = part.get("datePublished") if isinstance(part, dict) else None
            if isinstance(date, str):
                return date
    return None
