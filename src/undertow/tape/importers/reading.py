"""What every importer shares: options, the count of bad rows, and what a file gave."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from undertow.errors import DataError, shown
from undertow.tape.frames import Frames


class BadRows:
    """Bad rows of one file: the first is an error, unless the user allowed to drop some.

    Parameters
    ----------
    file
        For messages.
    allowed
        How many may be dropped (``--skip-bad``).

    Attributes
    ----------
    names
        Our names of columns to the file's own, which messages use; ``columns.pick`` fills it.
    """

    def __init__(self, file: Path, allowed: int = 0) -> None:
        self.file = file
        self.allowed = allowed
        self.dropped: list[str] = []
        self.names: dict[str, str] = {}

    def drop(self, row: int | None, column: str | None, value: object, message: str) -> None:
        """Count one bad row.

        Raises
        ------
        DataError
            When no more may be dropped; it names the row, and how many there were before.
        """
        column = None if column is None else self.names.get(column, column)
        error = DataError(message, file=self.file, row=row, column=column, value=value)
        if len(self.dropped) >= self.allowed:
            if self.dropped:
                error = DataError(
                    f"{message} (--skip-bad {self.allowed} is used up)",
                    file=self.file, row=row, column=column, value=value,
                )  # fmt: skip
            raise error
        place = "" if row is None else f"row {row}: "
        named = "" if column is None else f"{column} {shown(value)}: "
        self.dropped.append(f"{place}{named}{message}")


@dataclass(frozen=True)
class Options:
    """What the user said about a file.

    ``mapping`` goes from our column names to those in the file (``--map ours=theirs``).
    """

    venue: str | None = None
    symbol: str | None = None
    interval: str | None = None
    mapping: dict[str, str] = field(default_factory=dict)
    skip_bad: int = 0

    def __post_init__(self) -> None:
        for name in ("venue", "symbol", "interval"):
            if (value := getattr(self, name)) is not None and not value.strip():
                raise DataError(f"--{name} '{value}': expected a name")

    def as_text(self) -> dict[str, str]:
        """The options that were given, for the manifest."""
        given = {"venue": self.venue, "symbol": self.symbol, "interval": self.interval}
        words = {name: value for name, value in given.items() if value is not None}
        if self.mapping:
            words["map"] = ",".join(f"{ours}={theirs}" for ours, theirs in self.mapping.items())
        if self.skip_bad:
            words["skip_bad"] = str(self.skip_bad)
        return words


@dataclass(frozen=True)
class Reading:
    """What one file gave.

    Attributes
    ----------
    frames
        Table name to rows; columns of the schema, in any order.
    dropped
        Bad rows left out at the user's wish, one line each.
    gaps
        Holes in a series, one line each: reported, never filled.
    notes
        Anything else that was done to the rows, such as "3 Seed rows are not flows".
    """

    frames: Frames
    dropped: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rows(self) -> int:
        """Number of rows of all tables."""
        return sum(frame.height for frame in self.frames.values())


def mapping_from(pairs: list[str]) -> dict[str, str]:
    """``["ts=when"]`` as ``{"ts": "when"}``.

    Raises
    ------
    DataError
        For a pair without an equals sign.
    """
    mapping = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not (ours and equals and theirs):
            raise DataError(f"--map {pair!r}: expected OURS=THEIRS, such as close=price")
        mapping[ours.strip()] = theirs.strip()
    return mapping
