"""The bytes of a file, and the rows of text in them, with the number of each line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from pathlib import Path

import polars as pl

from undertow.errors import DataError
from undertow.tape.importers.reading import BadRows

ROW = "_row"  # line of the file, from 1
_GZIP, _ZIP, _PARQUET = b"\x1f\x8b", (b"PK\x03", b"PK\x05"), b"PAR1"


def read_bytes(path: Path) -> bytes:
    """The content, unpacked when it is gzip or a zip of one file.

    Raises
    ------
    DataError
        When the file is not there, empty, or a truncated or damaged archive.
    """
    if not path.is_file():
        reason = "a folder: expected a file" if path.is_dir() else "no such file"
        raise DataError(reason, file=path)
    raw = path.read_bytes()
    try:
        if raw.startswith(_GZIP):
            raw = gzip.decompress(raw)
        elif raw.startswith(_ZIP):
            raw = _only_member(raw, path)
    except EOFError:
        raise DataError("truncated gzip: the end of the file is missing", file=path) from None
    except (zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise DataError(f"damaged or truncated archive: {error}", file=path) from None
    if not raw.strip():
        raise DataError("the file is empty: expected rows", file=path)
    return raw


def _only_member(raw: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [item for item in archive.namelist() if not item.endswith("/")]
        if len(members) != 1:
            raise DataError(f"a zip with {len(members)} files: expected one", file=path)
        try:
            return archive.read(members[0])
        except (RuntimeError, NotImplementedError) as error:  # locked, or packed in a rare way
            raise DataError(f"cannot unpack the zip: {error}", file=path) from None


def read_text(path: Path) -> str:
    """The content as text.

    Raises
    ------
    DataError
        As ``read_bytes``; and when it is not UTF-8, with the line.
    """
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            "not UTF-8: expected text in UTF-8", file=path, row=row, value=raw[error.start :][:8]
        ) from None
    if not text.strip():
        raise DataError("the file is empty: expected rows", file=path)
    return text


def is_parquet(path: Path) -> bool:
    """Whether the file claims to be Parquet, by its first bytes or its name."""
    if path.suffix == ".parquet":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(4) == _PARQUET


def read_rows(path: Path, bad: BadRows, header: tuple[str, ...] | None = None) -> pl.DataFrame:
    """Rows of a CSV as text columns, or of a Parquet file as they are, and ``_row``.

    A line of a CSV is a row: blank lines are passed over, and a quoted field cannot hold a line
    break, so that one stray quote cannot swallow the rest of the file. An empty field is an
    empty text. The rows of a Parquet file are counted from 1.

    Parameters
    ----------
    header
        Column names of a file that has none; the first line is then a row.

    Raises
    ------
    DataError
        For an unreadable file; for a line with too many or too few fields, through ``bad``.
    """
    if is_parquet(path):
        return _read_parquet(path)
    return parse_rows(read_text(path), path, bad, header)


def first_fields(text: str) -> list[str]:
    """The fields of the first line that is not blank, without quotes: a header, or a row."""
    match = re.match(r"\s*([^\r\n]*)", text)
    return [field.strip(' "') for field in match[1].split(",")] if match else []


def parse_rows(
    text: str, path: Path, bad: BadRows, header: tuple[str, ...] | None = None
) -> pl.DataFrame:
    """The rows of a CSV that was read already, for those who must look at its first line."""
    frame = _parse_at_once(text, path, header)
    return _parse_lines(text, path, bad, header) if frame is None else frame


def _parse_at_once(text: str, path: Path, header: tuple[str, ...] | None) -> pl.DataFrame | None:
    """The quick way for a tidy file; None when there is anything to look at more closely."""
    if '"' in text or text.count("\r") != text.count("\r\n"):
        return None
    first = text.split("\n", 1)[0].rstrip("\r")
    names = list(header) if header else first.split(",")
    if len(names) == 1 or not first.strip():
        return None
    _refuse_double_names(names, path)
    try:
        frame = pl.read_csv(text.encode(), has_header=False, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    lines = text.count("\n") + (not text.endswith("\n"))
    if frame.width != len(names) or frame.height != lines or _has_short_line(text, len(names)):
        return None
    frame = frame.rename(dict(zip(frame.columns, names, strict=True))).fill_null("")
    frame = frame.with_row_index(ROW, 1).with_columns(pl.col(ROW).cast(pl.Int64))
    return frame if header else frame.slice(1)


def _has_short_line(text: str, width: int) -> bool:
    """Whether the fields of the file are fewer than lines x width (short lines are padded)."""
    body = text.removesuffix("\n")
    return body.count(",") != (width - 1) * (body.count("\n") + 1)


def _refuse_double_names(names: list[str], path: Path) -> None:
    for name in names:
        if name == ROW:
            raise DataError("a name kept for line numbers", file=path, row=1, column=name)
        if names.count(name) > 1:
            raise DataError("two columns of that name: expected one", file=path, row=1, column=name)


def _parse_lines(
    text: str, path: Path, bad: BadRows, header: tuple[str, ...] | None
) -> pl.DataFrame:
    """The careful way: every line on its own, so that a bad one can be named and left out."""
    names = list(header or ())
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if not line.strip():
            continue
        fields = _fields(line.rstrip("\n"))
        if not names:
            if fields is None:
                raise DataError("not CSV: expected a closing quote", file=path, row=number)
            names = fields
            _refuse_double_names(names, path)
        elif fields is None:
            bad.drop(number, None, line.rstrip("\n"), "not CSV: expected a closing quote")
        elif len(fields) != len(names):
            bad.drop(
                number, None, line.rstrip("\n"), f"{len(fields)} fields: expected {len(names)}"
            )
        else:
            rows.append(fields)
            numbers.append(number)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    frame = pl.DataFrame(
        [pl.Series(name, list(values), dtype=pl.String)
         for name, values in zip(names, columns, strict=True)]
    )  # fmt: skip
    return frame.insert_column(0, pl.Series(ROW, numbers, dtype=pl.Int64))


def _fields(line: str) -> list[str] | None:
    """The fields of one line of a CSV, or None when its quotes do not close."""
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error:
        return None


def _read_parquet(path: Path) -> pl.DataFrame:
    if not path.is_file():
        reason = "a folder: expected a file" if path.is_dir() else "no such file"
        raise DataError(reason, file=path)
    if path.stat().st_size == 0:
        raise DataError("the file is empty: expected rows", file=path)
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        # A damaged page can make polars panic, which is no Exception.
        reason = str(error).splitlines()[0]
        raise DataError(f"not a whole Parquet file: {reason}", file=path) from None
    _refuse_double_names(frame.columns, path)
    return frame.with_row_index(ROW, 1).with_columns(pl.col(ROW).cast(pl.Int64))
