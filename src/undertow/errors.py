"""What can go wrong for a user: one hierarchy, each message one that a person can act on.

A broken law of our own (an invariant) is not here: that is a bug, and fails loudly.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches


class UndertowError(Exception):
    """A user's mistake or bad input; the command line prints it and exits with 2."""


class DataError(UndertowError):
    """Input that cannot be trusted, with the place where it was found.

    Parameters
    ----------
    message
        What is wrong, and what was expected.
    file, row, column, value
        Where. ``row`` counts lines of the file from 1, the header included.
    """

    def __init__(
        self,
        message: str,
        *,
        file: object = None,
        row: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        self.message = message
        self.file = None if file is None else str(file)
        self.row = row
        self.column = column
        self.value = value
        place = [] if self.file is None else [self.file]
        if row is not None:
            place.append(f"row {row}")
        if column is not None:
            place.append(f"column '{column}'")
        if value is not None:
            place.append(f"value {shown(value)}")
        super().__init__(f"{', '.join(place)}: {message}" if place else message)


class NotRecorded(UndertowError):  # noqa: N818 - a state of the tape, not a failure
    """The tape holds nothing that could answer; never to be shown as zero.

    Parameters
    ----------
    what
        What was asked for, such as "liquidations in the 24h before 2025-11-05T00:00:00Z".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"{what}: not recorded on this tape")


def shown(value: object, limit: int = 60) -> str:
    """A value as it is printed in a message: quoted, and cut when it is long."""
    text = value.isoformat() if isinstance(value, datetime) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def nearest(name: str, valid: Iterable[str]) -> str:
    """``" (did you mean 'x'? valid: x, y, z)"``, to end the message about an unknown name."""
    names = sorted(valid)
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f" ({hint}valid: {', '.join(names)})"
