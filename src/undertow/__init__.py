"""Undertow: a crash-test lab for leveraged crypto markets.

Everything reads or writes a tape: ``Tape`` opens one, the functions of ``undertow.measures``
turn it into figures. Heavy libraries are loaded when first needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from undertow.errors import DataError, UndertowError

if TYPE_CHECKING:
    from undertow.tape import Tape

__version__ = "0.1.0"
__all__ = ["DataError", "Tape", "UndertowError", "__version__", "run"]


def __getattr__(name: str) -> object:
    """Load ``Tape`` and ``run``, and what they need, on first use."""
    if name == "Tape":
        from undertow.tape import Tape

        return Tape
    if name == "run":
        # By name: the lower layers import this package for its version.
        return import_module("undertow.lab.batch").run_scenario
    raise AttributeError(f"module 'undertow' has no attribute {name!r}")
