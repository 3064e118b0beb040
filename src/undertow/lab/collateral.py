"""Coins beside cash as margin: who posts them, what they are worth, and who is closed for it.

A venue counts a coin by the price that its rules name: the last trade of its own spot market, an
index over markets elsewhere, or what the coin can be redeemed for. On a real path the own market's
price is that of the tape's candles; where it has none, and on a modelled path, a ``stablecoin``
shock says it. The venue is told the price, so a sale does not move it: on a given path it is in
there already. What an account owes in cash its fund pays for the coin at what that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.errors import UndertowError
from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.collateral_use import CollateralUse
from undertow.lab.market import Market, Rows
from undertow.lab.path import price_path
from undertow.lab.scenario import Scenario
from undertow.lab.seeding import dice
from undertow.lab.venue_setup import Collateral
from undertow.model import codes
from undertow.model.periods import SECOND_NS
from undertow.tape import Tape
from undertow.venues.exchange_collateral import OWN_BOOK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MILLION = 10**6
REDEMPTION = "redemption"
PAR = 1.0  # what a stablecoin is redeemed for, in dollars
TICK = 1e-4  # of the price that a venue is told, the step of the coin's spot markets


@dataclass
class Pledge:
    """One coin at one venue; ``path`` is its price by step as the venue counts it.

    Attributes
    ----------
    number
        The coin among the engine's assets.
    share_of_accounts, share_of_equity
        How many of the crowd's accounts post it, and how much of their equity is in it.
    late_steps
        How many steps later the venue looks.
    """

    venue: int
    name: str
    number: int
    haircut: float
    oracle: str
    share_of_accounts: float
    share_of_equity: float
    path: Floats
    dice: np.random.Generator
    late_steps: int = 0
    _units: dict[int, int] = field(default_factory=dict)  # of the coin, by account
    _blamed: dict[int, bool] = field(default_factory=dict)  # at its last liquidation
    _closed_usd: dict[int, float] = field(default_factory=dict)
    _because_usd: dict[int, float] = field(default_factory=dict)
    _told: int = 0
    _low: float = PAR
    _eve: tuple[int, float] = (0, 0.0)

    def post(self, market: Market, accounts: Ints, equity_usd: Floats) -> tuple[Floats, Floats]:
        """Let some accounts bring the coin, for a share of their equity.

        Returns
        -------
        tuple of arrays
            By account, in cash units: equity that is in the coin, and what that counts as margin.
        """
        chosen = self.dice.random(len(accounts)) < self.share_of_accounts
        self.tell(market, 0)
        price = self._told / MILLION
        worth = np.where(chosen, equity_usd * self.share_of_equity, 0.0)
        units = np.floor(worth / price * MILLION).astype(np.int64)
        rows = np.zeros(len(accounts), COMMAND)
        rows["kind"], rows["account"], rows["instrument"] = codes.DEPOSIT, accounts, -1
        rows["asset"], rows["amount"] = self.number, units
        market.apply(rows[units > 0])
        self._units = dict(zip(accounts[units > 0].tolist(), units[units > 0].tolist(),
                               strict=True))  # fmt: skip
        self._eve = (len(self._units), float(units.sum() / MILLION))
        posted = units.astype(np.float64) * price
        return posted, posted * (1 - self.haircut)

    def tell(self, market: Market, step: int) -> None:
        """Tell the venue the price of a step, if it is another than before."""
        price = self.path[min(max(step - self.late_steps, 0), len(self.path) - 1)]
        units = max(1, round(round(price / TICK) * TICK * MILLION))
        if units == self._told:
            return
        self._told, self._low = units, min(self._low, units / MILLION)
        rows = np.zeros(1, COMMAND)
        rows["kind"], rows["asset"], rows["amount"] = codes.ASSET_PRICE, self.number, units
        rows["instrument"] = -1
        market.apply(rows)

    def judge(self, market: Market, rows: Rows) -> None:
        """Take down forced closings of those who post the coin; ``rows`` in order of events."""
        if not self._units:
            return
        own = rows[np.isin(rows["account"], np.fromiter(self._units, np.int64))]
        usd = market.usd(own["instrument"].astype(np.int64), own["price_ticks"],
                         own["quantity_lots"])  # fmt: skip
        for row, value in zip(own, usd.tolist(), strict=True):
            account, kind = int(row["account"]), int(row["kind"])
            if kind == codes.LIQUIDATION:
                self._blamed[account] = self._would_stand(account, row)
            elif kind == codes.COLLATERAL_TAKEN and row["asset"] == self.number:
                self._units[account] -= int(row["quantity_lots"])
            elif kind in (codes.FILL, codes.TAKEOVER):
                self._closed_usd[account] = self._closed_usd.get(account, 0.0) + value
                if self._blamed.get(account):
                    self._because_usd[account] = self._because_usd.get(account, 0.0) + value

    def _would_stand(self, account: int, row: Any) -> bool:
        """Whether an account had enough margin if its coins counted at par.

        A liquidation's event says what the account had and what it needed, in cash units.
        """
        lost = self._units[account] * (1 - self.haircut) * (PAR - self._told / MILLION)
        missing = int(row["fee_units"]) - int(row["amount_units"])
        return 0 <= missing <= lost

    def use(self, venue: str) -> CollateralUse:
        """What came of it so far."""
        count, usd = self._eve
        return CollateralUse(
            venue, self.name, self.oracle, count, usd, self._low,
            sum(self._closed_usd.values()), len(self._closed_usd),
            sum(self._because_usd.values()), len(self._because_usd),
        )  # fmt: skip


def pledges(
    scenario: Scenario, first_venue: int, steps: int, seed: int, tape: Tape | None,
    starts_ns: Ints | None = None,
) -> tuple[list[Pledge], dict[str, str]]:  # fmt: skip
    """All coins that count as margin in a scenario, and which candles price them.

    Parameters
    ----------
    first_venue
        The place of the first leveraged venue among all of a world.
    tape
        Of the real market on a real path; None on a modelled one.
    starts_ns
        When steps begin, and at last the end, where not all are alike.
    """
    made: list[Pledge] = []
    used: dict[str, str] = {}
    for number, venue in enumerate(scenario.venues):
        late_ns = venue.liquidation_delay_s * SECOND_NS
        late = round(late_ns / scenario.step_ns) if starts_ns is None else 0
        for place, one in enumerate(venue.collateral, start=1):
            path, name = _path(scenario, venue.id, one, steps, tape, starts_ns)
            if starts_ns is not None:
                seen = np.searchsorted(starts_ns, starts_ns[:-1] - int(late_ns), side="right") - 1
                path = path[np.maximum(seen, 0)]
            if name:
                used[one.asset] = name
            own = dice(seed, f"collateral:{venue.id}:{one.asset}")
            made.append(
                Pledge(first_venue + number, one.asset, place, one.haircut, one.price,
                       one.share_of_accounts, one.share_of_equity, path, own, late)
            )  # fmt: skip
    return made, used


def _path(
    scenario: Scenario, venue: str, one: Collateral, steps: int, tape: Tape | None,
    starts_ns: Ints | None,
) -> tuple[Floats, str]:  # fmt: skip
    """Prices by step, and which candles they are."""
    if one.price == REDEMPTION:
        return np.full(steps, PAR), ""
    told = shocked(scenario, one.asset, venue if one.price == OWN_BOOK else None, steps, starts_ns)
    if one.price != OWN_BOOK or tape is None:
        return told, ""
    symbols: Mapping[str, list[str]] = {one.asset: [f"{one.asset}USDT"]}
    try:
        whole = scenario.length_s * SECOND_NS // scenario.step_ns
        path, used = price_path(
            tape, symbols, scenario.start_ns, scenario.step_ns, whole, starts_ns
        )
    except UndertowError:  # no such candles
        return told, ""
    return path[:, 0], used[one.asset]


def shocked(
    scenario: Scenario, asset: str, venue: str | None, steps: int, starts_ns: Ints | None = None
) -> Floats:
    """A stablecoin's price by step: 1, and in a shock straight down to its value and back.

    The value is met in the middle of the shock's time; a shape that is assumed. Shocks with a
    venue are of its own market, the others of markets elsewhere.
    """
    at_ns = scenario.start_ns + scenario.step_ns * np.arange(steps)
    if starts_ns is not None:
        at_ns = starts_ns[:-1]
    price = np.full(steps, PAR)
    for one in scenario.shocks:
        if one.kind != "stablecoin" or one.asset != asset or one.venue != venue:
            continue
        end_ns = one.until_ns if one.until_ns is not None else one.at_ns + scenario.step_ns
        middle_ns = (one.at_ns + end_ns) // 2
        middle_ns -= (middle_ns - scenario.start_ns) % scenario.step_ns  # on a step
        value = PAR if one.value is None else one.value
        times = np.array([min(one.at_ns, middle_ns - 1), middle_ns, max(end_ns, middle_ns + 1)])
        inside = (at_ns >= times[0]) & (at_ns <= times[2])
        away = np.interp(at_ns - middle_ns, times - middle_ns, [PAR, value, PAR])
        price = np.where(inside, away, price)
    return price


def uses(made: Iterable[Pledge], venues: tuple[str, ...]) -> list[CollateralUse]:
    """What came of all of them."""
    return [one.use(venues[one.venue]) for one in made]
