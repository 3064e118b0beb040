"""Files of test vectors: read whole, or refused with the entry that is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from undertow.errors import DataError, shown
from undertow.venues.conformance.compare import tolerance_fault

REFUSALS = ("error", "revert")
NOTHING_EXPECTED = "expected some values, or a refusal, as 'expected'"
KEYS: dict[str, type] = {"id": str, "system": str, "inputs": dict}


@dataclass(frozen=True)
class Vector:
    """One entry; numbers with a point are exact decimals, as the file has them."""

    id: str
    system: str
    inputs: dict[str, Any]
    expected: dict[str, Any]
    tolerance: dict[str, Any] | str
    fault: str | None = None  # why nothing can be compared: what is expected cannot be read

    @property
    def must_be_refused(self) -> bool:
        """Whether the product has to refuse this input."""
        return all(key in REFUSALS for key in self.expected)


def read_vectors(path: Path) -> list[Vector]:
    """All entries of a file.

    Raises
    ------
    DataError
        When the file is no JSON list, or an entry lacks its id, system or inputs; the message
        says which, counted from 1. What is wrong with an entry's expected values or tolerance
        is kept in its `fault`, so that the other entries are still compared.
    """
    try:
        content = json.loads(
            path.read_text(encoding="utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant
        )
    except OSError as error:
        raise DataError(error.strerror or "cannot be read", file=path) from None
    except UnicodeDecodeError:
        raise DataError("not a text file in UTF-8", file=path) from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"not JSON: {error.msg} at {place}", file=path) from None
    except RecursionError:
        raise DataError("nested too deeply to be test vectors", file=path) from None
    except (ValueError, InvalidOperation) as error:
        raise DataError(f"holds a number that cannot be read: {error}", file=path) from None
    if not isinstance(content, list):
        raise DataError("expected a list of vectors", file=path)
    return [_vector(entry, place, path) for place, entry in enumerate(content, start=1)]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _vector(entry: object, place: int, path: Path) -> Vector:
    if not isinstance(entry, dict):
        raise DataError(f"entry {place}: expected an object", file=path, value=entry)
    name = entry.get("id")
    where = f"entry {place} ({shown(name)})" if isinstance(name, str) else f"entry {place}"
    for key, kind in KEYS.items():
        if key not in entry:
            raise DataError(f"{where}: '{key}' is missing", file=path)
        if not isinstance(entry[key], kind):
            message = f"{where}: expected {kind.__name__} as '{key}'"
            raise DataError(message, file=path, value=entry[key])
    known = (entry["id"], entry["system"], entry["inputs"])
    values = entry.get("expected")
    if isinstance(values, str) and values in REFUSALS:
        values = {values: values}
    if not isinstance(values, dict) or not values:
        return Vector(*known, {}, "exact", NOTHING_EXPECTED)
    if values.keys() <= set(REFUSALS):
        return Vector(*known, values, "exact")
    if "tolerance" not in entry:
        return Vector(*known, values, "exact", "'tolerance' is missing")
    tolerance = entry["tolerance"]
    return Vector(*known, values, tolerance, tolerance_fault(tolerance))
