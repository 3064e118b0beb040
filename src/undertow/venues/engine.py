"""What carries out an exchange's commands: whole numbers in arrays, in and out.

An engine does one command after another and answers with what came of them. The reference is the
specification in plain Python; every other engine gives the same events and the same balances.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from undertow.errors import UndertowError, nearest
from undertow.model.contracts import Contract, Rules
from undertow.venues.engine_rows import COMMAND, EVENT, Records
from undertow.venues.kernel_engine import KernelEngine
from undertow.venues.reference_engine import ReferenceEngine

__all__ = ["COMMAND", "ENGINES", "EVENT", "Engine", "Records", "new_engine"]


class Engine(Protocol):
    """An exchange at work. Rows that it returns are copies, in a stated order."""

    def apply(self, commands: Records) -> Records:
        """Carry out rows of `COMMAND`; returns rows of `EVENT`, ``command`` being their cause."""

    def accounts(self, account: int | None = None) -> Records:
        """Accounts with cash or a position, or a named one: rows of `ACCOUNT`, by number."""

    def balances(self, account: int | None = None) -> Records:
        """What is held beside cash: rows of `BALANCE`, by account and asset; ``margin_units`` is
        what it counts."""

    def asset_prices(self) -> list[int]:
        """The price of each asset in cash units of 10^6 units; 0 before the first, and of cash."""

    def positions(self, account: int | None = None) -> Records:
        """Positions that are not flat, or hold margin: rows of `POSITION`, by account, instrument
        and leg."""

    def orders(self, account: int | None = None) -> Records:
        """Orders that rest in the books: rows of `ORDER`, the oldest first."""

    def waiting(self, account: int | None = None) -> Records:
        """Conditional orders: rows of `COMMAND` with their present trigger, the oldest first."""

    def markets(self) -> Records:
        """Prices of each instrument: rows of `MARKET`; 0 before the first."""


ENGINES: Mapping[str, Callable[[Sequence[Contract], Rules, int], Engine]] = {
    "kernel": KernelEngine,
    "reference": ReferenceEngine,
}


def new_engine(name: str, contracts: Sequence[Contract], rules: Rules, accounts: int) -> Engine:
    """An empty exchange.

    Parameters
    ----------
    name
        Who does the work: one of `ENGINES`.
    accounts
        Accounts are 0 to ``accounts - 1``; the first few are the venue's own.

    Raises
    ------
    UndertowError
        For an unknown engine.
    """
    if name not in ENGINES:
        raise UndertowError(f"no engine '{name}'{nearest(name, ENGINES)}")
    return ENGINES[name](contracts, rules, accounts)
