"""Tables and lines on the terminal, or in a pipe, where nothing may be cut to 80 columns."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_COLUMNS = 10_000


def console() -> Console:
    """A console on stdout: as wide as the terminal, or wide enough for any table in a pipe."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_COLUMNS, highlight=False)


def table(
    titles: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> Table:
    """A table of plain text: brackets in the data are brackets, not markup.

    Parameters
    ----------
    right
        Titles of the columns that are set flush right: numbers.
    """
    result = Table()
    for title in titles:
        result.add_column(escape(title), justify="right" if title in right else "left")
    for row in rows:
        result.add_row(*[escape(cell) for cell in row])
    return result
