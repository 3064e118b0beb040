"""How the eve's positions come to be: traded into being by the venue's own commands.

Everybody brings far more money than needed; at each entry price the longs trade with the shorts,
and the counterpart takes what is left over; then the mark goes to the eve's price and the money
that was too much leaves again. So a run begins in a state that the venue itself would allow, and
all its laws hold from the first command on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from undertow.agents.numbers import distinct, marked
from undertow.agents.orders import Openings
from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.market import Market, Rows
from undertow.model import codes

Ints = NDArray[np.int64]
CASH_UNITS = 10**6
DEPOSITS = 0.95  # of the room for deposits, which are below 2^60 cash units at a venue
GRID = 0.0025  # entry prices are rounded to this share of the eve's price


@dataclass(frozen=True)
class Posted:
    """Coins that accounts have posted, in cash units: their worth, and what counts as margin."""

    account: Ints
    worth_units: NDArray[np.float64]
    margin_units: NDArray[np.float64]


def open_all(
    market: Market, openings: Sequence[Openings], eve_ticks: Ints, counterparts: Ints, next_id: int
) -> int:
    """Open positions at a venue without any; returns the next free order id.

    Parameters
    ----------
    openings
        Of this venue; ``asset`` is the instrument's number here.
    eve_ticks
        Mark of the eve by instrument.
    counterparts
        Accounts that take, in turn, the difference of longs and shorts at every entry price.
    """
    rows = [_in_lots(market, one, eve_ticks) for one in openings]
    if not rows:
        return next_id
    wanted = np.concatenate(rows)
    accounts = distinct(wanted["account"], counterparts)
    # The mark will visit all entry prices: enough for the way to the farthest.
    biggest = _notional(market, wanted)
    count = int(accounts.max()) + 1
    most = np.bincount(wanted["account"], 4.0 * biggest, count)
    money = np.asarray(most[accounts], np.float64)
    money += CASH_UNITS
    money[np.searchsorted(accounts, counterparts)] += _stakes(market, wanted, len(counterparts))
    # A venue takes only so much in all: then everybody brings less of what is too much anyway.
    room = DEPOSITS * (2**60 - int(market.engine.venue.state["deposited_units"][0]))
    money *= min(1.0, room / money.sum())
    _move(market, accounts, money.astype(np.int64), codes.DEPOSIT)
    _set_leverage(market, np.append(wanted["account"], counterparts), wanted, 1)
    for instrument in distinct(wanted["instrument"]):
        part = wanted[wanted["instrument"] == instrument]
        next_id = _trade(market, part, counterparts, int(eve_ticks[instrument]), next_id)
    _cancel_rest(market)
    marks = np.zeros(len(eve_ticks), COMMAND)
    marks["kind"], marks["instrument"] = codes.MARK, np.arange(len(eve_ticks))
    marks["price_ticks"] = eve_ticks
    market.apply(marks)
    return next_id


def _in_lots(market: Market, one: Openings, eve_ticks: Ints) -> Rows:
    """Wanted positions as rows: signed lots, entry ticks on the grid."""
    kind = np.dtype(
        [("account", np.int64), ("instrument", np.int64), ("lots", np.int64), ("ticks", np.int64),
         ("equity", np.int64)]
    )  # fmt: skip
    rows = np.zeros(len(one.account), kind)
    lot, tick = market.listings.lot[one.asset], market.listings.tick[one.asset]
    rows["account"], rows["instrument"] = one.account, one.asset
    rows["lots"] = np.rint(one.quantity / lot)
    step = max(1, round(GRID * int(eve_ticks[one.asset])))
    rows["ticks"] = np.maximum(1, np.rint(one.entry_price / tick / step)) * step
    kept: Rows = rows[rows["lots"] != 0]
    return kept


def _notional(market: Market, rows: Rows) -> NDArray[np.float64]:
    """Value in cash units at the highest entry price (of inverse contracts at the lowest)."""
    most = np.zeros(len(rows))
    for instrument in distinct(rows["instrument"]):
        own = rows["instrument"] == instrument
        ticks, lots = rows["ticks"][own], np.abs(rows["lots"][own])
        contract = market.listings.contracts[instrument]
        is_inverse = contract.kind == codes.INVERSE
        factor = 1 / float(ticks.min()) if is_inverse else float(ticks.max())
        most[own] = contract.units * lots * factor
    return most


def _stakes(market: Market, wanted: Rows, count: int) -> NDArray[np.float64]:
    """Cash units that each counterpart may need: `_residual` fills them one after the other.

    Its pieces are at most a quarter of the room, so whoever is passed over holds three quarters.
    """
    stakes = np.zeros(count)
    for instrument in distinct(wanted["instrument"]):
        own = wanted[wanted["instrument"] == instrument]
        _, price = np.unique(own["ticks"], return_inverse=True)
        net = np.abs(np.bincount(price, own["lots"])).sum()
        room = _room(market, int(instrument))
        most = np.clip(net - 0.75 * room * np.arange(count), 0, room)
        stakes += 4.0 * most * (_notional(market, own) / np.abs(own["lots"])).max()
    return stakes


def _room(market: Market, instrument: int) -> int:
    """Lots that a counterpart may hold."""
    return market.listings.contracts[instrument].max_position_lots * 3 // 4


def _move(market: Market, accounts: Ints, units: Ints, kind: int) -> None:
    rows = np.zeros(len(accounts), COMMAND)
    rows["kind"], rows["account"], rows["amount"] = kind, accounts, units
    rows["instrument"] = -1
    market.apply(rows[rows["amount"] > 0])


def _set_leverage(market: Market, accounts: Ints, wanted: Rows, leverage: int) -> None:
    """The same leverage for every account in every instrument that it opens."""
    width = len(market.listings.contracts)
    pairs = distinct(wanted["account"] * width + wanted["instrument"])
    is_other = marked(accounts, int(accounts.max()) + 1)
    is_other[wanted["account"]] = False
    places = distinct(wanted["instrument"])
    more = (np.flatnonzero(is_other)[:, None] * width + places).ravel()
    pairs = np.concatenate([pairs, more])
    rows = np.zeros(len(pairs), COMMAND)
    rows["kind"], rows["amount"] = codes.SET_LEVERAGE, leverage
    rows["account"], rows["instrument"] = np.divmod(pairs, width)
    market.apply(rows)


def _trade(market: Market, wanted: Rows, counterparts: Ints, eve_ticks: int, next_id: int) -> int:
    """All trades of one instrument, entry price by entry price.

    The farthest first, so that the last price is near the eve's: some marks count with it.
    """
    instrument = int(wanted["instrument"][0])
    most = market.listings.contracts[instrument].max_lots
    away = -np.abs(wanted["ticks"] - eve_ticks)
    order = np.lexsort((wanted["lots"] > 0, wanted["ticks"], away))  # at each price shorts first
    wanted = wanted[order]
    starts = np.flatnonzero(np.diff(wanted["ticks"], prepend=-1))
    held = np.zeros(len(counterparts), np.int64)
    room = _room(market, instrument)
    for start, end in zip(starts, [*starts[1:], len(wanted)], strict=True):
        part = wanted[start:end]
        ticks, net = int(part["ticks"][0]), int(part["lots"].sum())
        sizes = [*_pieces(part["lots"], most)]
        lots = np.concatenate([piece for piece, _ in sizes])
        account = np.concatenate([part["account"][rows] for _, rows in sizes])
        rest, takers = _residual(-net, most, held, room)
        takers = counterparts[takers]
        lots, account = np.concatenate([rest, lots]), np.concatenate([takers, account])
        # Sellers rest first; buyers then take them, each at the one price.
        sequence = np.argsort(lots > 0, kind="stable")
        rows = np.zeros(len(lots) + 1, COMMAND)
        rows["kind"], rows["instrument"], rows["price_ticks"] = codes.LIMIT, instrument, ticks
        rows["kind"][0] = codes.MARK
        rows["account"][1:] = account[sequence]
        rows["side"][1:] = np.where(lots[sequence] > 0, codes.BUY, codes.SELL)
        rows["quantity_lots"][1:] = np.abs(lots[sequence])
        rows["order_id"][1:] = next_id + np.arange(len(lots))
        next_id += len(lots)
        market.apply(rows)
    return next_id


def _residual(lots: int, most: int, held: Ints, room: int) -> tuple[Ints, Ints]:
    """Who takes what is left over: the first counterpart, and the next when that is full.

    Returns orders of at most ``most`` lots, and whose they are; ``held`` is changed.
    """
    sizes, who = [], []
    for piece, _ in _pieces(np.array([lots]), min(most, max(1, room // 4))):
        size = int(piece[0])
        taker = int(np.argmax(np.abs(held + size) <= room))
        held[taker] += size
        sizes.append(size)
        who.append(taker)
    return np.array(sizes, np.int64), np.array(who, np.int64)


def _cancel_rest(market: Market) -> None:
    """Whatever found no other side, because that was refused, must not rest in the books."""
    rest = distinct(market.engine.orders()["account"])
    rows = np.zeros(len(rest), COMMAND)
    rows["kind"], rows["account"], rows["instrument"] = codes.CANCEL_ALL, rest, -1
    market.apply(rows)


def _pieces(lots: Ints, most: int) -> list[tuple[Ints, Ints]]:
    """Orders of at most so many lots: lots, and the rows they belong to."""
    rows = np.flatnonzero(lots)
    found, left = [], lots[rows]
    while len(left):
        piece = np.clip(left, -most, most)
        found.append((piece, rows))
        keep = left != piece
        left, rows = (left - piece)[keep], rows[keep]
    return found


def settle_equity(
    market: Market, openings: Sequence[Openings], eve_ticks: Ints, posted: Posted | None = None
) -> tuple[int, float]:
    """Let the money leave that an account has beyond its stated equity.

    The leverage of every position becomes the greatest that its size allows, as that only limits
    new orders; who is so close to liquidation that the venue keeps more, stays a little richer.

    Parameters
    ----------
    posted
        Coins beside cash that are part of some accounts' equity.

    Returns
    -------
    tuple of int and float
        How many accounts stay richer, and by how many dollars in all.
    """
    held = market.engine.positions()
    held = held[held["lots"] != 0]
    if not openings or not len(held):
        return 0, 0.0
    settled = market.listings.settlement_usd
    size = held["lots"] * 0
    profit = np.zeros(len(held))
    greatest = np.ones(len(held), np.int64)
    for instrument, contract in enumerate(market.listings.contracts):
        rows = held["instrument"] == instrument
        ticks = int(eve_ticks[instrument])
        lots = np.abs(held["lots"][rows])
        worth = contract.units * lots * ticks
        if contract.kind == codes.INVERSE:
            worth = contract.units * lots // ticks
        size[rows] = worth
        value = np.sign(held["lots"][rows]) * worth
        value = -value if contract.kind == codes.INVERSE else value
        profit[rows] = value - held["basis_units"][rows]
        key = lots if contract.tiers_by_lots else worth
        place = np.searchsorted([tier.floor for tier in contract.tiers], key, side="right") - 1
        greatest[rows] = np.array([tier.max_leverage for tier in contract.tiers])[place]
    rows = np.zeros(len(held), COMMAND)
    rows["kind"], rows["amount"] = codes.SET_LEVERAGE, greatest
    rows["account"], rows["instrument"] = held["account"], held["instrument"]
    market.apply(rows)
    count = int(held["account"].max()) + 1
    initial = np.bincount(held["account"], np.ceil(size / greatest), count)
    gains = np.bincount(held["account"], profit, count)
    wanted = np.zeros(count)
    for one in openings:
        wanted += np.bincount(one.account, one.equity_usd / settled * CASH_UNITS, count)[:count]
    planned = wanted.copy()
    if posted is not None:
        here = posted.account < count
        wanted -= np.bincount(posted.account[here], posted.worth_units[here], count)
        initial -= np.bincount(posted.account[here], posted.margin_units[here], count)
    accounts = distinct(*(one.account for one in openings))
    accounts = accounts[accounts < count]
    cash = market.engine.venue.accounts["cash_units"][accounts]
    equity = cash + gains[accounts]
    floor = np.maximum(wanted[accounts], initial[accounts] * 1.0001 + CASH_UNITS)
    floor = np.maximum(floor, gains[accounts])  # only cash leaves, no unrealised profit
    _move(market, accounts, np.maximum(0, equity - floor).astype(np.int64), codes.WITHDRAW)
    above = np.maximum(0, floor - wanted[accounts])
    return int((above > 0.01 * planned[accounts]).sum()), float(above.sum() / CASH_UNITS * settled)
