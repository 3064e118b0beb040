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
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

from undertow.kernels import linking
from undertow.model import codes

# Numba infers its own types, and mypy knows neither the fields of records nor that their integers
# mix with Python's: arrays of records, and what is read from them, are not checked.
Records = Any
uint32: Callable[[Any], Any] = np.uint32
int64: Callable[[Any], Any] = np.int64

# Numba's annotations lack some of what it takes.
settings: Any = numba.config
njit: Any = numba.njit
typeof: Any = numba.typeof

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


class Kernel:
    """A function of arrays and integers, compiled when it is first called.

    It is compiled at most twice: as an entry, if Python calls it, and as a piece, if kernels do.
    """

    def __init__(self, function: Callable[..., Any], *, into_callers: bool) -> None:
        update_wrapper(self, function)
        self._function = function
        # Without reference counts (`_nrt`), which took two thirds of the time; so a kernel cannot
        # make arrays, which none should: they belong to the caller.
        self._options = {
            "nogil": True, "_nrt": False, "no_cfunc_wrapper": True, "forceinline": into_callers,
        }  # fmt: skip
        self._codes: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Run the entry; other threads may run meanwhile.

        Numba looks at the type of each array of a bundle, at each call: most of the time of a short
        one. All bundles of a class are alike, so the code is found by classes and kinds of arrays.
        """
        kinds = tuple([_kind(one) for one in arguments])
        code = self._codes.get(kinds)
        if code is not None:
            return code(*arguments)
        result = self.entry(*arguments)
        types = tuple(map(typeof, arguments))
        self._codes[kinds] = self.entry.overloads[types].entry_point
        return result

    @cached_property
    def entry(self) -> Any:
        """What Python calls, kept between processes: a dispatcher of Numba."""
        made = njit(pipeline_class=linking.EntryCompiler, **self._options)(self._function)
        if CACHE is not None:
            made._cache = linking.cache_in(CACHE, self._function)
        return made

    @cached_property
    def piece(self) -> Any:
        """What kernels call: a dispatcher of Numba."""
        options = self._options | {"no_cpython_wrapper": True}
        made = njit(pipeline_class=linking.PieceCompiler, **options)(self._function)
        find = made.get_call_template
        made.get_call_template = lambda args, kws: find(tuple(map(_widened, args)), kws)
        return made

    @property
    def _numba_type_(self) -> Any:
        """What Numba takes this for where it finds it in a kernel."""
        return self.piece._numba_type_


def kernel(function: Function) -> Function:
    """Compile a function of arrays and integers; it lets other threads run meanwhile."""
    made = function if settings.DISABLE_JIT else Kernel(function, into_callers=False)
    return cast(Function, made)


def inlined(function: Function) -> Function:
    """Compile a small function into each of its callers."""
    made = function if settings.DISABLE_JIT else Kernel(function, into_callers=True)
    return cast(Function, made)


# The same, said of what only kernels call.
inner, inner_inlined, part = kernel, inlined, kernel


def _kind(argument: Any) -> Any:
    """What tells which code an argument needs."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.num
    return type(argument)


def _widened(kind: Any) -> Any:
    """The type that an argument is compiled for.

    Numba would compile a function anew for each constant and each width of integer that a caller
    passes: two thirds of all compiling.
    """
    types: Any = numba.types
    kind = types.unliteral(kind)
    signed = getattr(kind, "signed", False) and isinstance(kind, types.Integer)
    return numba.int64 if signed else kind
