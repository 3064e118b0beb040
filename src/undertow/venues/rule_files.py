"""Reading a rules file: dated revisions in which every value carries its source.

A value is a table ``{ value = …, source = "ID" }``. The ID names a text in ``[sources.ID]``,
whose ``confidence`` the value takes over unless it states its own: V (read at the venue, or
quoted from it word for word), D (checked on data), S (second hand), M (from memory; such a value
must say ``assumed = true``, and only such a value may).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from undertow.errors import DataError, UndertowError, nearest
from undertow.model.periods import time_ns

CONFIDENCES = {"V", "D", "S", "M"}
_FILE_KEYS = {"venue", "title", "sources", "revision"}
_SOURCE_KEYS = {"text", "date", "confidence"}
_LEAF_KEYS = {"value", "source", "confidence", "assumed", "note", "date"}


@dataclass(frozen=True, slots=True)
class Citation:
    """Where one value comes from.

    ``effective_ns`` is the date of the revision that set it; ``date`` the day of the source's
    text, as far as known.
    """

    key: str
    effective_ns: int
    source: str
    date: str | None
    confidence: str
    assumed: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """What changes on a day: raw values and citations by key (``funding.clamp_rate``).

    ``unknown`` are keys whose earlier value ends on that day while the new one is not known.
    """

    effective_ns: int
    effective: Citation
    unknown: tuple[str, ...]
    values: Mapping[str, Any]
    citations: Mapping[str, Citation]


@dataclass(frozen=True)
class RuleFile:
    """A venue's whole history of rules."""

    path: Path
    venue: str
    title: str
    revisions: tuple[Revision, ...]
    lines: tuple[str, ...] = field(repr=False)

    def fault(self, key: str, message: str, value: object = None, revision: int = 0) -> DataError:
        """An error about ``key`` with its line in the file."""
        return _fault(self.path, self.lines, key, message, value, revision)


def read(path: Path, groups: Mapping[str, Mapping[str, bool]]) -> RuleFile:
    """Read a rules file.

    Parameters
    ----------
    path
        The TOML file.
    groups
        The known keys: for each group its fields, and whether each is a table by symbol.

    Raises
    ------
    DataError
        With file, line and key, for anything that is unknown, without a source, or out of order.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except UnicodeDecodeError:
        raise DataError("not text in UTF-8", file=path) from None
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"not TOML: {error}", file=path) from None
    reader = _Reader(path, tuple(text.splitlines()), groups, content)
    return reader.rule_file()


class _Reader:
    """One file being read; ``at`` is the revision in hand, for the lines in messages."""

    def __init__(
        self, path: Path, lines: tuple[str, ...], groups: Mapping[str, Mapping[str, bool]],
        content: dict[str, Any],
    ) -> None:  # fmt: skip
        self.path, self.lines, self.groups, self.content = path, lines, groups, content
        self.at = -1
        self.effective_ns = 0
        self.seen: set[str] = set()

    def rule_file(self) -> RuleFile:
        self.known("", self.content, _FILE_KEYS)
        for key in ("venue", "title"):
            if not isinstance(self.content.get(key), str):
                raise self.fault(key, "expected a text")
        if self.content["venue"] != self.path.stem:
            raise self.fault("venue", f"expected the file's name, '{self.path.stem}'")
        for name, source in self.table("sources", self.content.get("sources")).items():
            self.check_source(name, source)
        revisions = self.content.get("revision")
        if not isinstance(revisions, list) or not revisions:
            raise self.fault("revision", "expected at least one [[revision]]")
        found = tuple(self.revision(number, raw) for number, raw in enumerate(revisions))
        return RuleFile(self.path, self.content["venue"], self.content["title"], found, self.lines)

    def check_source(self, name: str, source: object) -> None:
        table = self.table(f"sources.{name}", source)
        self.known(f"sources.{name}.", table, _SOURCE_KEYS)
        confidence = str(table.get("confidence"))
        if not isinstance(table.get("text"), str) or confidence not in CONFIDENCES:
            raise self.fault(f"sources.{name}", "expected text and confidence (V, D, S or M)")

    def revision(self, number: int, content: object) -> Revision:
        self.at = number
        raw = self.table("revision", content)
        if "effective" not in raw:
            raise self.fault("effective", "a revision must say from when it holds")
        value, _ = self.leaf("effective", raw["effective"])
        effective_ns = self.moment(value)
        if effective_ns <= self.effective_ns:
            raise self.fault("effective", "expected a later date than the one before", value)
        self.effective_ns = effective_ns
        effective = self.leaf("effective", raw["effective"])[1]
        values: dict[str, Any] = {}
        citations: dict[str, Citation] = {}
        for key, leaf in self.leaves(raw):
            values[key], citations[key] = self.leaf(key, leaf)
        unknown = self.unknown(raw)
        self.seen |= set(values)
        return Revision(effective_ns, effective, unknown, values, citations)

    def unknown(self, raw: dict[str, Any]) -> tuple[str, ...]:
        """Keys of earlier revisions that a revision takes back."""
        keys = raw.get("unknown", [])
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise self.fault("unknown", 'expected a list of keys, such as ["mark.basis_step_s"]')
        for key in keys:
            if key not in self.seen:
                raise self.fault("unknown", f"no earlier value{nearest(key, self.seen)}", key)
        return tuple(keys)

    def moment(self, value: object) -> int:
        try:
            return time_ns(value) if isinstance(value, str) else 0
        except UndertowError:
            raise self.fault("effective", "expected a date as text, ISO-8601", value) from None

    def leaves(self, raw: dict[str, Any]) -> Iterator[tuple[str, object]]:
        """Every value of a revision with its key, once the key is known."""
        self.known("", raw, {*self.groups, "effective", "unknown"})
        for group, table in raw.items():
            if group in {"effective", "unknown"}:
                continue
            fields = self.groups[group]
            self.known(f"{group}.", self.table(group, table), set(fields))
            for name, leaf in table.items():
                key = f"{group}.{name}"
                if fields[name]:
                    entries = self.table(key, leaf)
                    yield from ((f"{key}.{entry}", entries[entry]) for entry in entries)
                else:
                    yield key, leaf

    def leaf(self, key: str, raw: object) -> tuple[Any, Citation]:
        table = raw if isinstance(raw, dict) else {}
        if not {"value", "source"} <= set(table):
            raise self.fault(key, 'expected { value = …, source = "…" }')
        self.known(f"{key}.", table, _LEAF_KEYS)
        if _holds_float(table["value"]):
            raise self.fault(key, "a number with a point is not exact: write it as text",
                             table["value"])  # fmt: skip
        sources, source_id = self.content["sources"], str(table["source"])
        if source_id not in sources:
            raise self.fault(key, f"unknown source{nearest(source_id, sources)}", source_id)
        source = sources[source_id]
        confidence = str(table.get("confidence", source["confidence"]))
        assumed = table.get("assumed", False)
        if confidence not in CONFIDENCES:
            raise self.fault(key, "expected a confidence of V, D, S or M", confidence)
        if assumed is not (confidence == "M"):
            raise self.fault(key, "assumed = true belongs to confidence M, and only to it")
        date, note = table.get("date", source.get("date")), table.get("note")
        if not all(isinstance(text, str | None) for text in (date, note)):
            raise self.fault(key, "expected date and note as texts")
        return table["value"], Citation(
            key, self.effective_ns, source["text"], date, confidence, assumed, note
        )

    def table(self, key: str, raw: object) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise self.fault(key, "expected a table", raw)
        return raw

    def known(self, prefix: str, table: Mapping[str, Any], valid: set[str]) -> None:
        for key in table:
            if key not in valid:
                raise self.fault(f"{prefix}{key}", f"unknown key{nearest(key, valid)}")

    def fault(self, key: str, message: str, value: object = None) -> DataError:
        return _fault(self.path, self.lines, key, message, value, self.at)


def _fault(
    path: Path, lines: tuple[str, ...], key: str, message: str, value: object, revision: int
) -> DataError:
    return DataError(
        f"key '{key}': {message}", file=path, row=_line_of(lines, key, revision), value=value
    )


def _holds_float(value: object) -> bool:
    return isinstance(value, float) or (
        isinstance(value, list) and any(_holds_float(item) for item in value)
    )


def _line_of(lines: tuple[str, ...], key: str, revision: int) -> int | None:
    """The line that ``key`` is written on, by search: TOML's parser keeps no positions."""
    start = 0
    if revision >= 0:
        heads = [i for i, line in enumerate(lines) if line.strip() == "[[revision]]"]
        start = heads[revision] if revision < len(heads) else 0
    found: int | None = None
    for part in key.split("."):
        pattern = re.compile(rf"^\s*(\[.*\b)?{re.escape(part)}\b|[{{,.]\s*{re.escape(part)}\s*=")
        for number in range(start, len(lines)):
            if pattern.search(lines[number]):
                start, found = number, number + 1
                break
    return found
