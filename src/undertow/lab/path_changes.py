"""Changes that mean nothing where prices are given: nobody would act on them, or prices go on."""

from __future__ import annotations

from collections.abc import Iterable

from undertow.errors import UndertowError
from undertow.lab.build import ON_PATH
from undertow.lab.scenario import Scenario

FLOWS = ("flow", "spot_sell", "spot_buy")
_MAKERS = "the makers of a given path do not follow it"
_SOLD = "no sale moves a given price"
# A breaker is there to stop the fall: given prices go on falling while nobody can trade or be
# liquidated, so it would only make positions go later and at worse prices.
_BREAKER = "halt_at", "circuit_breaker"
_FALLS_ON = (
    "has no meaning here: all venues would halt, yet the given prices go on falling, so more would"
    " be closed at the reopening; a halt of one venue is a shock of kind halt"
)
# Levers of agents who take no part, and why.
_LEVERS = {
    "api_reject": _MAKERS,
    "cancel_fail": _MAKERS,
    "depth_withdrawal": _MAKERS,
    "transfer_delay": "makers and arbitrageurs take no part where prices are given",
    "arbitrage_capital": "arbitrageurs and basis traders take no part where prices are given",
    "withdrawal_halt": "those who move money between venues take no part where prices are given",
    "etf_outflow": _SOLD,
    "treasury_forced_sale": _SOLD,
    "quote_peg": "given prices are in the coin that the tape has them in",
}


def refuse_idle(scenario: Scenario, keys: Iterable[str]) -> None:
    """Refuse what a run on a real path could not show.

    A circuit breaker, too: there it would seem to do harm, because it cannot stop the prices.

    Parameters
    ----------
    keys
        Levers and key paths that somebody has set.

    Raises
    ------
    UndertowError
        For the first that would: the key, why, and what to do instead.
    """
    for key in keys:
        parts = key.split(".")
        reason = _LEVERS.get(key) or _idle(scenario, parts)
        said = f"would change nothing: {reason}" if reason else ""
        if parts[0] in _BREAKER:
            said = _FALLS_ON
        if said:
            raise UndertowError(
                f"--set {key}: {said}; --path model lets prices follow from the trading"
            )


def _idle(scenario: Scenario, parts: list[str]) -> str | None:
    """Why a key path does nothing, None where it does something."""
    if len(parts) < 2:
        return None
    if parts[0] == "agent":
        kinds = [one.kind for one in scenario.agents if one.name == parts[1]]
        if kinds and kinds[0] not in ON_PATH:
            return f"a {kinds[0]} takes no part where prices are given"
    if parts[0] == "shock":
        kinds = [one.kind for one in scenario.shocks if one.name == parts[1]]
        if kinds and kinds[0] in FLOWS:
            return _SOLD
    return None
