"""The one way to compile: ``kernel`` for every function, ``inlined`` for the smallest ones.

Numba does not notice that a function called from another file has changed, so the compiled code is
kept in a folder named by the hash of all sources that can flow into it. The folder lies in
``UNDERTOW_CACHE``, else in ``NUMBA_CACHE_DIR``, else in the user's cache folder; where that cannot
be written to, every process compiles anew. Numba's own settings are left as they were.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

from undertow.model import codes

# Numba infers its own types, and mypy knows neither the fields of records nor that their integers
# mix with Python's: arrays of records, and what is read from them, are not checked.
Records = Any
uint32: Callable[[Any], Any] = np.uint32
int64: Callable[[Any], Any] = np.int64

# Numba's annotations lack some of what it takes.
settings: Any = numba.config
njit: Any = numba.njit

UNUSED_S = 30 * 24 * 3600

Function = TypeVar("Function", bound=Callable[..., Any])


def sources_hash() -> str:
    """Sixteen hexadecimal digits that change with any kernel, and with the codes they freeze."""
    digest = hashlib.sha256()
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(codes.__file__)]:
        text = path.read_bytes()
        digest.update(f"{path.name} {len(text)} ".encode())
        digest.update(text)
    return digest.hexdigest()[:16]


def user_cache() -> Path:
    """The folder for everything that can be made again."""
    for name in ("UNDERTOW_CACHE", "NUMBA_CACHE_DIR"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "undertow"


def kernel_cache() -> Path | None:
    """The folder of this version's compiled code; None where nothing can be written."""
    try:
        # Numba itself takes code without bounds checks where checks are asked for.
        flavour = f"{int(bool(settings.BOUNDSCHECK))}{int(settings.OPT)}"
        folder = user_cache() / f"kernels-{sources_hash()}-{flavour}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        os.utime(folder)  # used today
        prune(folder.parent, folder.stat().st_mtime)
        return folder
    except (OSError, RuntimeError):  # no home, no space, no permission
        return None


def prune(folder: Path, now_s: float) -> None:
    """Remove compiled code that no process has used for a month."""
    for old in folder.glob("kernels-*"):
        if old.stat().st_mtime < now_s - UNUSED_S:
            shutil.rmtree(old, ignore_errors=True)


CACHE = kernel_cache()


def kernel(function: Function) -> Function:
    """Compile a function of arrays and integers; it lets other threads run meanwhile."""
    return _compiled(function)


def inlined(function: Function) -> Function:
    """Compile a small function into each of its callers."""
    return _compiled(function, forceinline=True)


def inner(function: Function) -> Function:
    """The same as `kernel`, but only kernels may call it: without a way in from Python.

    Where a function takes a whole venue, that way in is a third of its compiling.
    """
    return _compiled(function, no_cpython_wrapper=True)


def inner_inlined(function: Function) -> Function:
    """The same as `inlined`, but only kernels may call it."""
    return _compiled(function, forceinline=True, no_cpython_wrapper=True)


def part(function: Function) -> Function:
    """A piece of the only kernel that calls it: never compiled by itself.

    Whatever is compiled by itself is compiled with all that it calls, again and again up to the
    entry; so a function with one caller is better a part of it.
    """
    return _compiled(function, inline="always")


def _compiled(function: Function, *, forceinline: bool = False, **options: Any) -> Function:
    before = settings.CACHE_DIR
    if CACHE is not None:
        settings.CACHE_DIR = str(CACHE)
    try:
        # Without reference counts (`_nrt`), which took two thirds of the time; so a kernel cannot
        # make arrays, which none should: they belong to the caller.
        decorate = njit(
            cache=CACHE is not None, nogil=True, _nrt=False, no_cfunc_wrapper=True,
            forceinline=forceinline,  # said in any case: else it is that of the first caller
            **options,
        )  # fmt: skip
        compiled: Any = decorate(function)
    finally:
        settings.CACHE_DIR = before
    find = getattr(compiled, "get_call_template", None)
    if find is not None:  # absent where Numba is switched off
        compiled.get_call_template = lambda args, kws: find(tuple(map(_widened, args)), kws)
    return cast(Function, compiled)


def _widened(kind: Any) -> Any:
    """The type that an argument is compiled for.

    Numba would compile a function anew for each constant and each width of integer that a caller
    passes: two thirds of all compiling.
    """
    types: Any = numba.types
    kind = types.unliteral(kind)
    signed = getattr(kind, "signed", False) and isinstance(kind, types.Integer)
    return numba.int64 if signed else kind
