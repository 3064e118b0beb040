"""The arrays of a venue: contracts, accounts, positions, waiting orders, and how they grow.

Slot 0 of a pool is nobody: what is written there is never read. Functions of the venue's kernels
take one `Exchange`, change its arrays in place and append to its events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from undertow.kernels.book_arrays import Book, new_book, new_records
from undertow.kernels.bundle import bundle
from undertow.kernels.compile import Records
from undertow.kernels.tables import copy_entries, new_table
from undertow.model.codes import SPOT
from undertow.model.contracts import Contract, Rules

COMMAND = np.dtype(
    [
        ("kind", np.int8), ("side", np.int8), ("time_in_force", np.int8), ("self_trade", np.int8),
        ("flags", np.int8), ("trigger", np.int8), ("leg", np.int8), ("asset", np.int8),
        ("instrument", np.int32), ("account", np.int32), ("order_id", np.int64),
        ("price_ticks", np.int64), ("quantity_lots", np.int64), ("expire_ns", np.int64),
        ("trigger_ticks", np.int64), ("amount", np.int64),
    ],
    align=True,
)  # fmt: skip
EVENT = np.dtype(
    [
        ("kind", np.int8), ("reason", np.int8), ("side", np.int8), ("leg", np.int8),
        ("instrument", np.int32), ("command", np.int32), ("account", np.int32),
        ("maker_account", np.int32), ("maker_leg", np.int8), ("asset", np.int8),
        ("unused", np.int16), ("order_id", np.int64),
        ("price_ticks", np.int64), ("quantity_lots", np.int64), ("leaves_lots", np.int64),
        ("amount_units", np.int64), ("fee_units", np.int64), ("maker_id", np.int64),
        ("maker_leaves_lots", np.int64), ("maker_amount_units", np.int64),
        ("maker_fee_units", np.int64),
    ],
    align=True,
)  # fmt: skip
CONTRACT_FIELDS = (
    "kind", "units", "max_price_ticks", "min_lots", "max_lots", "max_position_lots",
    "min_notional_units", "band_up_ppm", "band_down_ppm", "market_bound_ppm", "maker_fee_ppm",
    "taker_fee_ppm", "liquidation_fee_ppm", "tiers_by_lots", "slope_ppb_per_lot",
    "base_asset", "base_units_per_lot", "underlying", "portfolio_range_ppm",
)  # fmt: skip
MARKET_FIELDS = (
    "first_tier", "tiers", "mark_ticks", "previous_mark_ticks", "last_ticks", "halted",
    "delivered", "touched", "trailing", "unit_range_ppm", "long_lots",
)  # fmt: skip
CONTRACT = np.dtype([(name, np.int64) for name in CONTRACT_FIELDS + MARKET_FIELDS])
TIER_FIELDS = ("floor", "maintenance_ppm", "deduction_units", "max_leverage")
TIER = np.dtype([(name, np.int64) for name in TIER_FIELDS])
RULE_FIELDS = (
    "amend_keeps_priority", "default_leverage", "market_buffer_ppm", "liquidates_when_equal",
    "counts_fee", "cancels_orders_first", "policy", "partial_above_units", "partial_ppm",
    "partial_from_tier", "tiers_per_step", "cooldown_ns", "bounded_by_bankruptcy", "takeover",
    "backstop_ppm", "fund_pays", "adl_price", "socialises", "exchange_below_units",
    "maintenance_at_entry", "refuses_past_bankruptcy", "halted_book",
    "portfolio_steps", "portfolio_hedged_ppm", "portfolio_least_ppm", "portfolio_initial_ppm",
    "deleverages", "claws_back", "liquidation_latency_ns", "liquidations_per_mark",
)  # fmt: skip
RULES = np.dtype([(name, np.int64) for name in RULE_FIELDS])
ACCOUNT = np.dtype(
    [
        ("cash_units", np.int64), ("period_units", np.int64),
        ("cooldown_ns", np.int64), ("handled", np.int64),
        ("first_position", np.uint32), ("newest_waiting", np.uint32), ("hedge", np.int8),
        ("dirty", np.int8), ("portfolio", np.int8), ("unused", np.int8), ("unused2", np.int32, 5),
    ],
    align=True,
)  # fmt: skip
# Two cache lines, the first of which is what trading touches, an account one: arrays of them begin
# with a cache line, see `new_records`. `next` is also the list of free slots.
POSITION = np.dtype(
    [
        ("lots", np.int64), ("basis_units", np.int64), ("bid_units", np.int64),
        ("ask_units", np.int64), ("bid_lots", np.int64), ("ask_lots", np.int64),
        ("account", np.int32), ("key", np.int32), ("next", np.uint32), ("leverage", np.int16),
        ("isolated", np.int8), ("unused", np.int8),
        ("margin_units", np.int64), ("reduce_lots", np.int64), ("cooldown_ns", np.int64),
        ("handled", np.int64), ("unused2", np.int64, 4),
    ],
    align=True,
)  # fmt: skip
# Where a position waits for a mark, see `heap.py`; `in_heap` is the kind of its root plus 1. Apart
# from the position, as a crash goes through the neighbours of those that it reaches.
WATCH = np.dtype(
    [
        ("heap_key", np.int64), ("heap_child", np.uint32), ("heap_next", np.uint32),
        ("heap_previous", np.uint32), ("sequence", np.uint32), ("account", np.int32),
        ("in_heap", np.int32),
    ],
    align=True,
)  # fmt: skip
MOST_LEVERAGE = 2**15 - 1
WAITING = np.dtype(
    [
        ("kind", np.int8), ("side", np.int8), ("time_in_force", np.int8), ("self_trade", np.int8),
        ("flags", np.int8), ("trigger", np.int8), ("leg", np.int8), ("active", np.int8),
        ("instrument", np.int32), ("account", np.int32), ("order_id", np.int64),
        ("price_ticks", np.int64), ("quantity_lots", np.int64), ("expire_ns", np.int64),
        ("amount", np.int64), ("start_ticks", np.int64), ("trigger_ticks", np.int64),
        ("extreme_ticks", np.int64), ("heap_key", np.int64), ("sequence", np.int64),
        ("heap_child", np.uint32), ("heap_next", np.uint32), ("heap_previous", np.uint32),
        ("next", np.uint32), ("account_next", np.uint32), ("account_previous", np.uint32),
        ("trail_next", np.uint32), ("trail_previous", np.uint32),
        ("in_heap", np.int32), ("unused", np.int32),
    ],
    align=True,
)  # fmt: skip
# Since which mark and when a pool waits for the liquidator, 0 if it does not: of accounts, then of
# positions by slot.
QUEUED = np.dtype([("mark", np.int64), ("ns", np.int64)])
# What an asset is and what it counts: `margin_price_units` is the price less the haircut, both are
# cash units of 10^6 units. Asset 0 is cash.
ASSET_FIELDS = (
    "haircut_ppm", "own_book", "max_price_units", "spot", "price_units", "margin_price_units",
    "deposited_units", "first_holder",
)  # fmt: skip
ASSET = np.dtype([(name, np.int64) for name in ASSET_FIELDS])
# One account's units of one asset, in rows of an account's assets; of asset 0 instead the number of
# the mark in which collateral was last sold for cash. Holders of an asset are a list from
# `first_holder` on; numbers in it are those of accounts plus 1. Who has sold all is still in it.
HOLDING = np.dtype([("units", np.int64), ("next", np.int32), ("is_listed", np.int32)])
STATE_FIELDS = (
    "command", "events", "events_needed", "phase", "fired", "now_ns", "mark_number", "liquidated",
    "marked_instrument", "deposited_units", "free_position", "positions_left", "positions_used",
    "free_waiting", "waiting_left", "waiting_count", "waiting_sequence", "reduce_only_orders",
    "dirty", "due", "due_index", "adl_slot", "adl_owed_units", "adl_total_units", "adl_left_units",
    "touched", "paid_units", "funding_units", "waterfall_units", "tallied", "unseen",
    "unaudited", "law", "law_left", "law_right", "law_event",
)  # fmt: skip
STATE = np.dtype([(name, np.int64) for name in STATE_FIELDS])

# Roots of the heaps of an instrument: what is liquidated, or set off, when a price falls or rises.
WATCH_FALLS, WATCH_RISES = 0, 1
MARK_FALLS, MARK_RISES, LAST_FALLS, LAST_RISES = 2, 3, 4, 5
TRAILING_HEAD = 6
ROOTS = 7


@bundle
class Exchange(NamedTuple):
    """Everything of one venue; functions change the arrays in place."""

    book: Book
    state: Records  # one record
    rules: Records  # one record
    contracts: Records
    tiers: Records
    accounts: Records
    assets: Records
    holdings: Records  # account by asset; empty where cash is the only asset
    positions: Records
    watches: Records  # of positions, by slot
    waiting: Records
    waiting_slots: Records  # order id to slot
    roots: NDArray[np.uint32]  # instrument by kind of root
    dirty: NDArray[np.int32]  # accounts whose pools must be looked at when a mark comes
    due: NDArray[np.int64]  # pools that lack margin, see `pools.py`
    queued: Records
    sorting: NDArray[np.int64]
    order: Records  # one command: the order that a conditional one becomes
    events: Records
    unseen: Records  # events whose laws are not checked yet


def new_exchange(
    contracts: Sequence[Contract], rules: Rules, accounts: int, capacity: int = 1024
) -> Exchange:
    """An empty venue.

    Parameters
    ----------
    accounts
        Accounts are 0 to ``accounts - 1``; the first few are the venue's own.
    capacity
        Orders and positions for which there is room at first, a power of two.
    """
    rows, tiers = contract_rows(contracts)
    venue = Exchange(
        book=new_book(
            accounts, capacity, instruments=len(contracts),
            amend_keeps_priority=rules.amend_keeps_priority,
        ),
        state=new_records(1, STATE),
        rules=np.array([tuple(int(getattr(rules, name)) for name in RULE_FIELDS)], RULES),
        contracts=rows,
        tiers=tiers,
        accounts=new_records(accounts, ACCOUNT),
        assets=asset_rows(contracts, rules),
        holdings=np.zeros(accounts * len(rules.assets) * (len(rules.assets) > 1), HOLDING),
        positions=new_records(capacity, POSITION),
        watches=new_records(capacity, WATCH),
        waiting=np.zeros(64, WAITING),
        waiting_slots=new_table(128),
        roots=np.zeros((len(contracts), ROOTS), np.uint32),
        dirty=np.zeros(accounts, np.int32),
        due=np.zeros(2 * capacity + accounts, np.int64),
        queued=new_records(accounts + capacity, QUEUED),
        sorting=np.zeros(2 * capacity + accounts + 2049, np.int64),
        order=np.zeros(1, COMMAND),
        events=np.zeros(0, EVENT),
        unseen=np.zeros(256, EVENT),
    )  # fmt: skip
    for pool, name in ((venue.positions, "position"), (venue.waiting, "waiting")):
        chain(pool, 1)
        venue.state[f"free_{name}"] = 1
        short = "positions" if name == "position" else "waiting"
        venue.state[f"{short}_left"] = len(pool) - 1
    return venue


def contract_rows(contracts: Sequence[Contract]) -> tuple[Records, Records]:
    """Contracts and all their tiers as records.

    Raises
    ------
    ValueError
        For a leverage that has no room in a position's record.
    """
    rows = np.zeros(len(contracts), CONTRACT)
    tiers: list[tuple[int, ...]] = []
    for row, contract in zip(rows, contracts, strict=True):
        for name in CONTRACT_FIELDS:
            row[name] = int(getattr(contract, name))
        row["first_tier"], row["tiers"] = len(tiers), len(contract.tiers)
        if any(tier.max_leverage > MOST_LEVERAGE for tier in contract.tiers):
            raise ValueError(f"a leverage above {MOST_LEVERAGE:,}")
        tiers += [tuple(getattr(tier, name) for name in TIER_FIELDS) for tier in contract.tiers]
    for row in rows:  # the widest range of the contracts that may be netted with this one
        netted = rows[rows["underlying"] == row["underlying"]] if row["underlying"] else row
        row["unit_range_ppm"] = netted["portfolio_range_ppm"].max()
    return rows, np.array(tiers, TIER)


def asset_rows(contracts: Sequence[Contract], rules: Rules) -> Records:
    """Assets as records, each with the first instrument that trades it."""
    rows = np.zeros(len(rules.assets), ASSET)
    for row, asset in zip(rows, rules.assets, strict=True):
        for name in ("haircut_ppm", "own_book", "max_price_units"):
            row[name] = int(getattr(asset, name))
    rows["spot"] = -1
    for instrument, contract in enumerate(contracts):
        if contract.kind == SPOT and rows[contract.base_asset]["spot"] < 0:
            rows[contract.base_asset]["spot"] = instrument
    return rows


def chain(pool: Records, start: int) -> None:
    """Make a list of the free slots of a pool from one on."""
    pool["next"][start:] = np.arange(start + 1, len(pool) + 1)
    pool["next"][-1] = 0


def with_more_positions(venue: Exchange) -> Exchange:
    """The same venue with room for twice the positions; the old one must not be used again."""
    pool, state = venue.positions, venue.state
    larger = new_records(2 * len(pool), POSITION)
    larger[: len(pool)] = pool
    watches = new_records(len(larger), WATCH)
    watches[: len(pool)] = venue.watches
    chain(larger, len(pool))
    larger["next"][-1] = state["free_position"][0]
    state["free_position"] = len(pool)
    state["positions_left"] += len(pool)
    size = 2 * len(larger) + len(venue.accounts)
    due = np.zeros(size, np.int64)
    due[: len(venue.due)] = venue.due
    queued = np.zeros(len(venue.accounts) + len(larger), QUEUED)
    queued[: len(venue.queued)] = venue.queued
    return venue._replace(
        positions=larger, watches=watches, due=due, queued=queued,
        sorting=np.zeros(size + 2049, np.int64),
    )  # fmt: skip


def with_more_waiting(venue: Exchange) -> Exchange:
    """The same venue with room for twice the conditional orders."""
    pool, state = venue.waiting, venue.state
    larger = np.zeros(2 * len(pool), WAITING)
    larger[: len(pool)] = pool
    chain(larger, len(pool))
    larger["next"][-1] = state["free_waiting"][0]
    state["free_waiting"] = len(pool)
    state["waiting_left"] += len(pool)
    slots = new_table(2 * len(venue.waiting_slots))
    copy_entries(venue.waiting_slots, slots)
    return venue._replace(waiting=larger, waiting_slots=slots)
