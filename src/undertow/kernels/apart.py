"""Keeps a function out of its callers' code.

LLVM puts whatever has one caller left into that caller, however large; so the path that is taken
each time would drag along what is rare, and all of it would be compiled again at every level.
"""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from undertow.kernels.compile import settings


def _stay_apart(typing: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


def _nothing() -> None:
    """Without a compiler there is nothing to keep apart."""


stay_apart: Any = _nothing if settings.DISABLE_JIT else intrinsic(_stay_apart)
