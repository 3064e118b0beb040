"""Undertow: a crash-test lab for leveraged crypto markets.

Everything reads or writes a tape: ``Tape`` opens one, the functions of ``undertow.measures``
turn it into figures. Heavy libraries are loaded when first needed.
"""

from typing import TYPE_CHECKING

from undertow.errors import DataError, UndertowError

if TYPE_CHECKING:
    from undertow.lab.batch import run_scenario as run
    from undertow.tape import Tape

__version__ = "0.1.0"
__all__ = ["DataError", "Tape", "UndertowError", "__version__", "run"]


def __getattr__(name: str) -> object:
    """Load ``Tape`` and ``run``, and what they need, on first use."""
    if name == "Tape":
        from undertow.tape import Tape

        return Tape
    if name == "run":
        from undertow.lab.batch import run_scenario

        return run_scenario
    raise AttributeError(f"module 'undertow' has no attribute {name!r}")
