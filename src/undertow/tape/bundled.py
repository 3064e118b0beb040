"""The real tapes that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from undertow.errors import DataError, nearest

_FOLDER = Path(__file__).parent.parent / "data" / "tapes"


def names() -> list[str]:
    """Names of the bundled tapes."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/manifest.json"))


def resolve(path: str | Path) -> Path:
    """The folder of a tape: an existing path first, then a bundled name.

    Raises
    ------
    DataError
        When it is neither.
    """
    folder = Path(path)
    if str(path).strip() and folder.exists():
        return folder
    if (name := str(path).rstrip("/")) in names():
        return _FOLDER / name
    raise DataError(
        f"no such folder, and no bundled tape of that name{nearest(str(path), names())}", file=path
    )
