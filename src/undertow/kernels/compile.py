"""The one way to compile: ``kernel`` for every function, ``inlined`` for the smallest ones.

Numba does not notice that a function called from another file has changed, so the compiled code is
kept in a folder named by the hash of all sources that can flow into it. The folder lies in
``UNDERTOW_CACHE``, else in ``NUMBA_CACHE_DIR``, else in the user's cache folder; where that cannot
be written to, every process compiles anew. Numba's own settings are left as they were.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba  # type: ignore[import-untyped]

from undertow.model import codes

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
        folder = user_cache() / f"kernels-{sources_hash()}"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # no home, no space, no permission
        return None


CACHE = kernel_cache()


def kernel(function: Function) -> Function:
    """Compile a function of arrays and integers; it lets other threads run meanwhile."""
    return _compiled(function, forceinline=False)


def inlined(function: Function) -> Function:
    """Compile a small function into each of its callers."""
    return _compiled(function, forceinline=True)


def _compiled(function: Function, *, forceinline: bool) -> Function:
    before = numba.config.CACHE_DIR
    if CACHE is not None:
        numba.config.CACHE_DIR = str(CACHE)
    try:
        decorate = numba.njit(cache=CACHE is not None, nogil=True, forceinline=forceinline)
        compiled: Function = decorate(function)
    finally:
        numba.config.CACHE_DIR = before
    return compiled
