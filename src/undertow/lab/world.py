"""The loop: agents see, commands travel, venues act, prices follow, all of it is recorded.

One step: news and shocks of its moment; every agent that is due sees the same observation and
sends commands; venues carry out what has arrived, venue by venue, in order of arrival; index and
marks follow from the books; marks go to the venues, which liquidate; the record takes it down.
Commands are ordered by time of arrival, agent and sequence: a total order, so a run repeats
exactly.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from undertow.agents.agent import Agent
from undertow.agents.numbers import distinct, marked
from undertow.agents.observation import BANDS, Floats, News, Observation, Place
from undertow.agents.orders import Openings, Orders, joined
from undertow.kernels.exchange_arrays import COMMAND
from undertow.lab.board import Board, Purses
from undertow.lab.collateral import Pledge
from undertow.lab.funding import FundingClock
from undertow.lab.market import Listings, Market, Rows
from undertow.lab.opening import CASH_UNITS, Posted, open_all, settle_equity
from undertow.lab.prices import Prices
from undertow.lab.record import Record
from undertow.lab.resale import Resale
from undertow.lab.since import Since
from undertow.model import codes
from undertow.venues.events import REASONS

MINUTE_NS = 60 * 10**9
OPEN_INTEREST_NS = 5 * MINUTE_NS
HOUSES = 64  # accounts at each venue that hold what no agent holds on the eve
FOREVER_NS = np.iinfo(np.int64).max
OPENED_WITHIN = 0.02  # a larger share of open interest that is missing or too much is told
FEW = 64  # agents with at most so many accounts at a venue see what those hold


@dataclass(frozen=True)
class Switch:
    """Something outside the markets that begins and ends.

    ``kind`` is ``halt`` (no trading), ``withdrawal_halt``, ``peg`` (the quote asset is worth
    ``value`` dollars) or ``news`` (of severity ``value``).
    """

    name: str
    kind: str
    start_ns: int
    end_ns: int
    venues: tuple[int, ...] = ()
    value: float = 0.0
    assets: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Faults:
    """What does not work as it should, or stops the markets.

    Attributes
    ----------
    delay_s
        By venue, how late its liquidations follow its marks.
    halt_fall, halt_s
        A fall of the first asset's index since the start, as a fraction, that halts all venues
        once, and for how long; None without such a breaker.
    """

    delay_s: Floats
    halt_fall: float | None
    halt_s: float


@dataclass(frozen=True)
class Setup:
    """All that a world is made from.

    ``index_weight`` by venue, ``eve_price`` in dollars by asset, ``agents`` in the order in which
    they act.
    """

    place: Place
    listings: Sequence[Listings]
    index_weight: Floats
    eve_price: Floats
    agents: Sequence[Agent]
    switches: Sequence[Switch] = ()
    steps: int = 0
    record_ns: int = MINUTE_NS
    fund_usd: Floats | None = None  # insurance funds on the eve, by venue
    faults: Faults | None = None
    pledges: Sequence[Pledge] = ()  # coins beside cash as margin
    resale_s: float | None = None  # how soon venues sell what they took over; None: never


@dataclass
class World:
    """A run under way; see `Setup`.

    Attributes
    ----------
    notes
        What the beginning had to change, in sentences.
    done
        Steps that are done. A world that `is_between_steps` can be pickled, and goes on later.
    """

    setup: Setup
    notes: list[str] = field(default_factory=list)
    done: int = 0
    is_between_steps: bool = False

    def __post_init__(self) -> None:
        setup, place = self.setup, self.setup.place
        shape = (len(place.venues), len(place.assets))
        needed = np.array([agent.accounts() for agent in setup.agents], np.int64)
        needed = needed.reshape(-1, shape[0])
        first = codes.FIRST_CUSTOMER + np.cumsum(needed, axis=0) - needed
        self.first_account, self.account_count = first, needed
        house = codes.FIRST_CUSTOMER + needed.sum(axis=0)
        self.markets = [
            Market(name, listings, int(needed[:, venue].sum()) + HOUSES)
            for venue, (name, listings) in enumerate(zip(place.venues, setup.listings, strict=True))
        ]
        self._spots = [market for market in self.markets if market.listings.is_spot]
        self.house = house
        self.next_id = np.ones(shape[0], np.int64)
        self.record = Record(place, self.markets, setup.record_ns)
        self.prices = Prices(
            [one.dated for one in setup.listings], setup.index_weight, shape[1],
            place.shortest_ns / 1e9,
        )  # fmt: skip
        self.prices.index[:] = setup.eve_price
        self.prices.mark[:] = np.where(place.listed, setup.eve_price, np.nan)
        self.funding = FundingClock(
            [one.dated for one in setup.listings], setup.listings, place, self.prices
        )
        zeros = np.zeros(shape)
        self.quote_usd = np.ones(shape[0])
        self.halted = np.zeros(shape[0], np.bool_)
        self.withdrawals_open = np.ones(shape[0], np.bool_)
        self.shown = (zeros.copy(), zeros.copy())
        self.open_interest = zeros.copy()
        self.depth = (np.zeros((*shape, len(BANDS))), np.zeros((*shape, len(BANDS))))
        self._queues: list[list[tuple[int, int, int, list[Rows]]]] = [[] for _ in place.venues]
        self._sent = 0
        self._next_act_ns = [0] * len(setup.agents)
        self._places = [self.record.places(venue) for venue in range(shape[0])]
        self.board = Board(self.markets, self._places, shape[1])
        self._resale = None
        if setup.resale_s is not None:
            self._resale = Resale(self.markets, self._places, setup.resale_s)
        self._purses = Purses(self.markets, self._places, first, needed, shape[1], FEW)
        self._since = Since(first, needed, shape[1])
        self._next_switch_ns = place.start_ns
        self._bar_start_ns = place.start_ns
        self._events_told: set[str] = set()
        self._breaker_ns: int | None = None
        self._marks: list[tuple[int, Floats]] = []  # as far back as the slowest venue looks
        late_s = np.zeros(shape[0]) if setup.faults is None else setup.faults.delay_s
        self._late_ns = [round(late * 1e9) for late in late_s.tolist()]
        self._switched = 0  # how often something outside the markets may have changed
        self._indexed: tuple[int, ...] = ()

    def run(self) -> Iterator[int]:
        """Run the steps that are left; gives the number of steps done after each."""
        if self.done == 0:
            self._begin()
        while self.done < self.setup.steps:
            self.is_between_steps = False
            self._step(self.done)
            self.done += 1
            self.is_between_steps = True
            yield self.done
        if self._bar_start_ns < self.setup.place.span_ns(self.setup.steps - 1)[1]:
            self._close_bar()

    # The beginning.

    def _begin(self) -> None:
        place = self.setup.place
        seen = self._seen(0, place.start_ns)
        openings: list[Openings] = []
        residual_share = 1.0
        counterparts = [int(one) + np.arange(HOUSES) for one in self.house]
        for number, agent in enumerate(self.setup.agents):
            orders = self._orders(number)
            agent.start(self._own(seen, number), orders)
            openings += orders.openings
            for venue, rows in enumerate(orders.by_venue):
                self.markets[venue].now_ns = place.start_ns
                self.markets[venue].apply(joined(rows))
            if agent.takes_residual:
                residual_share = agent.residual_equity_share
                for venue in np.flatnonzero(self.account_count[number]).tolist():
                    first, count = self.first_account[number], self.account_count[number]
                    own = first[venue] + np.arange(count[venue])
                    counterparts[venue] = np.concatenate([own, counterparts[venue]])
        for venue, market in enumerate(self.markets):
            self._fill_fund(venue, market)
            if not market.listings.is_spot:
                own = [one for one in openings if one.venue == venue]
                self._open(venue, market, own, counterparts[venue], residual_share)
                self.notes += self._unlike_planned(venue, market)
        self._after_step(place.start_ns, place.start_ns)

    def _fill_fund(self, venue: int, market: Market) -> None:
        if self.setup.fund_usd is None or not self.setup.fund_usd[venue] > 0:
            return
        rows = np.zeros(1, COMMAND)
        is_vault = market.listings.rules.takeover == codes.BY_VAULT
        rows["kind"], rows["account"] = codes.DEPOSIT, codes.VAULT if is_vault else codes.FUND
        rows["instrument"] = -1
        units = self.setup.fund_usd[venue] / market.listings.settlement_usd * CASH_UNITS
        rows["amount"] = int(units)
        market.apply(rows)

    def _open(
        self, venue: int, market: Market, openings: list[Openings],
        counterparts: NDArray[np.int64], share: float,
    ) -> None:  # fmt: skip
        places = self._places[venue]
        instrument = {int(asset): number for number, asset in enumerate(places)}
        own = [
            Openings(venue, instrument[one.asset], *_arrays(one)) for one in openings
        ]  # `asset` is now the instrument's number, as `open_all` wants
        eve = np.rint(self.prices.mark[venue, places] / market.listings.tick).astype(np.int64)
        self.next_id[venue] = open_all(market, own, eve, counterparts, int(self.next_id[venue]))
        posted = self._post(venue, market, openings)
        own += _residual(market, own, counterparts, eve, share)
        richer, usd = settle_equity(market, own, eve, posted)
        if richer:
            self.notes.append(
                f"{market.venue}: {richer:,} accounts near liquidation begin with more equity than"
                f" planned, {usd:,.0f} USD in all: the venue would not let them take it out"
            )
        refused = market.data.rejected.nonzero()[0]
        if len(refused):
            counts = ", ".join(
                f"{REASONS.get(int(one), one)}: {market.data.rejected[one]:,}" for one in refused
            )
            self.notes.append(f"{market.venue}: refused at the beginning: {counts}")
        market.data.rejected[:] = 0
        market.new_bar()
        market.forced.clear()
        market.forced_ns.clear()

    def _unlike_planned(self, venue: int, market: Market) -> list[str]:
        """What open interest is another than the scenario says, by more than `OPENED_WITHIN`."""
        places, lots = self._places[venue], market.data.open_lots()
        ticks = self.prices.mark[venue, places] / market.listings.tick
        opened = market.usd(np.arange(len(lots)), ticks, lots)
        planned = np.nan_to_num(self.setup.place.open_interest_usd[venue, places])
        return [
            f"{market.venue} {name}: open interest of the eve is {has:,.0f} USD, the scenario says"
            f" {wanted:,.0f}"
            for name, has, wanted in zip(market.listings.symbols, opened, planned, strict=True)
            if abs(has - wanted) > OPENED_WITHIN * wanted
        ]

    def _post(self, venue: int, market: Market, openings: list[Openings]) -> Posted | None:
        """Let those who use coins as margin bring them."""
        own = [one for one in self.setup.pledges if one.venue == venue]
        if not own or not openings:
            return None
        each = np.concatenate([one.account for one in openings])
        accounts = distinct(each)
        place = np.searchsorted(accounts, each)
        equity, gains = np.zeros(len(accounts)), np.zeros(len(accounts))
        np.add.at(equity, place, np.concatenate([one.equity_usd for one in openings]))
        mark = self.prices.mark[venue]
        np.add.at(gains, place, np.concatenate(
            [one.quantity * (mark[one.asset] - one.entry_price) for one in openings]
        ))  # fmt: skip
        # Profit that is not realised yet is no coin.
        equity = np.maximum(0.0, equity - np.maximum(0.0, gains))
        posted = Posted(accounts, np.zeros(len(accounts)), np.zeros(len(accounts)))
        for pledge in own:
            worth_units, margin_units = pledge.post(market, accounts, equity)
            posted.worth_units[:] += worth_units
            posted.margin_units[:] += margin_units
        return posted

    # One step.

    def _step(self, step: int) -> None:
        ts_ns, end_ns = self.setup.place.span_ns(step)
        for market in self.markets:
            market.begin_step(ts_ns)
        self._since.tell(self._switch(ts_ns))
        due = [number for number, at_ns in enumerate(self._next_act_ns) if ts_ns >= at_ns]
        if due:
            seen = self._seen(step, ts_ns)
            for number in due:
                agent = self.setup.agents[number]
                self._next_act_ns[number] = ts_ns + int(agent.parameters.every_s * 1e9)
                orders = self._orders(number)
                agent.act(self._own(seen, number), orders)
                self._send(number, ts_ns, int(agent.parameters.latency_s * 1e9), orders)
        for market, queue in zip(self.markets, self._queues, strict=True):
            if queue and queue[0][0] <= ts_ns:
                market.apply(_arrived(queue, ts_ns))
        if self._resale is not None:
            self._resale.act(ts_ns, self.prices.mark, self.depth, self.halted, self.next_id)
        self._after_step(ts_ns, end_ns)

    def _after_step(self, ts_ns: int, end_ns: int) -> None:
        """Prices follow from the books, venues from the prices, and the record from both."""
        board = self.board
        board.look()
        self._find_index()
        self._remember(ts_ns, self.prices.update(ts_ns, board.bid, board.ask, board.last))
        for pledge in self.setup.pledges:  # before the marks, so that these liquidate by it
            pledge.tell(self.markets[pledge.venue], self.done)
        for venue, rows in board.mark_rows(self._seen_marks(ts_ns)):
            self.markets[venue].apply(rows)
        board.look()
        self._sum_up()
        if end_ns > ts_ns:
            self.record.saw_marks(self.prices.mark)
            self._now_and_then(ts_ns, end_ns)

    def _find_index(self) -> None:
        """The index, anew where a spot market's book, a halt or a peg may have changed it."""
        changes = (self._switched, *[market.version for market in self._spots])
        if changes != self._indexed:
            self._indexed, board = changes, self.board
            self.prices.outside((board.bid + board.ask) / 2, self.quote_usd, self.halted)

    def _seen_marks(self, ts_ns: int) -> list[Floats]:
        """By venue, the marks that its engine sees now: of a slow one those of before."""
        latest = self._marks[::-1]
        return [
            min(latest, key=lambda one: abs(one[0] - ts_ns + late_ns))[1]
            if late_ns
            else latest[0][1]
            for late_ns in self._late_ns
        ]

    def _remember(self, ts_ns: int, mark: Floats) -> None:
        self._marks.append((ts_ns, mark.copy()))
        oldest_ns = ts_ns - max(self._late_ns) - self.setup.place.step_ns
        self._marks = [one for one in self._marks if one[0] >= oldest_ns]

    def _sum_up(self) -> None:
        """Flows and liquidations of the step, for the next observation."""
        has_traded = self.board.add_up()
        long_usd, short_usd = self.shown
        long_usd[:] = 0
        short_usd[:] = 0
        liquidated: dict[int, NDArray[Any]] = {}
        deleveraged: dict[int, NDArray[Any]] = {}
        for venue, market in enumerate(self.markets):
            if not market.new_forced:
                continue
            places = self._places[venue]
            rows = joined(market.new_forced)
            is_closing = (rows["kind"] == codes.FILL) | (rows["kind"] == codes.TAKEOVER)
            some = rows[is_closing]
            instrument = some["instrument"].astype(np.int64)
            usd = market.usd(instrument, some["price_ticks"], some["quantity_lots"])
            is_short = (some["side"] == codes.BUY) == (some["kind"] == codes.FILL)
            size = len(places)
            long_usd[venue, places] = np.bincount(instrument, np.where(is_short, 0, usd), size)
            short_usd[venue, places] = np.bincount(instrument, np.where(is_short, usd, 0), size)
            for pledge in self.setup.pledges:
                if pledge.venue == venue:
                    pledge.judge(market, rows)
            judged = rows["kind"] == codes.LIQUIDATION
            liquidated[venue] = np.unique(rows["account"][judged])
            won = rows["kind"] == codes.DELEVERAGED
            deleveraged[venue] = np.unique(rows["maker_account"][won])
        if has_traded:  # else nobody was liquidated either
            flows = np.stack([self.board.bought, self.board.sold, long_usd, short_usd])
            self._since.add(flows, liquidated, deleveraged)

    def _now_and_then(self, ts_ns: int, end_ns: int) -> None:
        place = self.setup.place
        since = end_ns - place.start_ns
        if since % MINUTE_NS < end_ns - ts_ns:
            self._read_depth(end_ns)
            for payment in self.funding.minute(
                end_ns, self.board.bid, self.board.ask, self.board.last
            ):
                self.markets[payment.venue].apply(payment.rows)
                self.record.saw_funding(
                    end_ns, payment.venue, payment.instrument, payment.rate, payment.hours
                )
        if since % OPEN_INTEREST_NS < end_ns - ts_ns or ts_ns == place.start_ns:
            self._count(end_ns)
        if end_ns - self._bar_start_ns >= self.setup.record_ns:
            self._close_bar()

    def _close_bar(self) -> None:
        self.record.close_bar(
            self._bar_start_ns, self.prices.mark, self.prices.index, self.board.last
        )
        self._bar_start_ns += self.setup.record_ns

    def _read_depth(self, ts_ns: int) -> None:
        for venue, market in enumerate(self.markets):
            places = self._places[venue]
            usd = market.data.depth(BANDS) * market.per_value[:, None, None]
            self.depth[0][venue, places] = usd[:, 0]
            self.depth[1][venue, places] = usd[:, 1]
            bid, ask = self.board.bid[venue, places], self.board.ask[venue, places]
            self.record.saw_depth(ts_ns, venue, usd, (ask - bid) / (ask + bid) * 2)

    def _count(self, ts_ns: int) -> None:
        for venue, market in enumerate(self.markets):
            if market.listings.is_spot:
                continue
            places, lots = self._places[venue], market.data.open_lots()
            ticks = self.prices.mark[venue, places] / market.listings.tick
            usd = market.usd(np.arange(len(lots)), ticks, lots)
            self.open_interest[venue, places] = usd
            self.record.saw_open_interest(ts_ns, venue, lots * market.listings.lot, usd)
            self.record.saw_fund(ts_ns, venue, market.fund_usd())

    # Agents and their commands.

    def _switch(self, ts_ns: int) -> tuple[News, ...]:
        """Begin and end what is outside the markets; returns the news of this step."""
        if ts_ns < self._next_switch_ns and not self._may_break():
            return ()
        self._next_switch_ns = min(
            (at_ns for one in self.setup.switches for at_ns in (one.start_ns, one.end_ns)
             if at_ns > ts_ns), default=FOREVER_NS,
        )  # fmt: skip
        news = []
        halted, open_now = np.zeros_like(self.halted), np.ones_like(self.withdrawals_open)
        quote = np.ones_like(self.quote_usd)
        for one in self.setup.switches:
            begins = one.start_ns <= ts_ns
            active = begins and ts_ns < one.end_ns
            where = list(one.venues) if one.venues else slice(None)
            if one.kind == "news" and begins and one.name not in self._events_told:
                news.append(News(one.name, ts_ns, one.value, one.assets))
            if begins and one.name not in self._events_told:
                self._events_told.add(one.name)
                self.record.saw_event(one.start_ns, "venue" if one.venues else "macro",
                                      one.name, one.source)  # fmt: skip
            if active and one.kind == "halt":
                halted[where] = True
            elif active and one.kind == "withdrawal_halt":
                open_now[where] = False
            elif active and one.kind == "peg":
                quote[where] = one.value
        halted |= self._is_broken(ts_ns)
        for venue in np.flatnonzero(halted != self.halted):
            rows = np.zeros(len(self._places[venue]), COMMAND)
            rows["kind"], rows["instrument"] = codes.HALT, np.arange(len(rows))
            rows["amount"] = int(halted[venue])
            self.markets[venue].apply(rows)
        self.halted, self.withdrawals_open, self.quote_usd = halted, open_now, quote
        self._switched += 1
        return tuple(news)

    def _may_break(self) -> bool:
        return self.setup.faults is not None and self.setup.faults.halt_fall is not None

    def _is_broken(self, ts_ns: int) -> bool:
        """Whether the circuit breaker holds all venues now."""
        faults = self.setup.faults
        if faults is None or faults.halt_fall is None:
            return False
        if self._breaker_ns is None:
            now = np.nanmean(self.prices.index[:, 0])
            if now > self.setup.eve_price[0] * (1 - faults.halt_fall):
                return False
            self._breaker_ns = ts_ns
            self.record.saw_event(ts_ns, "venue", "circuit breaker", "scenario: halt_at")
        return ts_ns < self._breaker_ns + int(faults.halt_s * 1e9)

    def _seen(self, step: int, ts_ns: int) -> Observation:
        board = self.board
        none = self.shown[0]
        return Observation(
            step=step, ts_ns=ts_ns, bid=board.bid, ask=board.ask, last=board.last,
            mark=self.prices.mark, index=self.prices.index,
            bought_usd=none, sold_usd=none, long_liquidated_usd=none, short_liquidated_usd=none,
            open_interest_usd=self.open_interest, funding_rate=self.prices.funding_rate,
            bid_depth_usd=self.depth[0], ask_depth_usd=self.depth[1], halted=self.halted,
            withdrawals_open=self.withdrawals_open, quote_usd=self.quote_usd,
        )  # fmt: skip

    def _own(self, seen: Observation, number: int) -> Observation:
        """The observation with what is an agent's own: accounts, and what came since it looked."""
        cash, quantity = self._purses.of(number)
        flows, liquidated, deleveraged, news = self._since.take(number)
        return Observation(
            seen.step, seen.ts_ns, seen.bid, seen.ask, seen.last, seen.mark, seen.index,
            flows[0], flows[1], flows[2], flows[3],
            seen.open_interest_usd, seen.funding_rate, seen.bid_depth_usd, seen.ask_depth_usd,
            seen.halted, seen.withdrawals_open, seen.quote_usd, news, cash, quantity, liquidated,
            deleveraged,
        )  # fmt: skip

    def _orders(self, number: int) -> Orders:
        return Orders(self.setup.place, self.first_account[number], self.next_id)

    def _send(self, number: int, ts_ns: int, latency_ns: int, orders: Orders) -> None:
        for queue, blocks in zip(self._queues, orders.by_venue, strict=True):
            if blocks:
                self._sent += 1
                heapq.heappush(queue, (ts_ns + latency_ns, number, self._sent, blocks))


def _arrived(queue: list[tuple[int, int, int, list[Rows]]], ts_ns: int) -> Rows:
    """Take out of a queue what has arrived, in the order of arrival."""
    blocks: list[Rows] = []
    while queue and queue[0][0] <= ts_ns:
        blocks += heapq.heappop(queue)[3]
    return joined(blocks)


def _arrays(one: Openings) -> tuple[Any, Any, Any, Any]:
    return one.account, one.quantity, one.entry_price, one.equity_usd


def _residual(
    market: Market, openings: list[Openings], counterparts: NDArray[np.int64], eve_ticks: Rows,
    share: float,
) -> list[Openings]:  # fmt: skip
    """What the counterparts hold after the opening, with the equity that they shall keep."""
    if not openings:
        return []
    held = market.engine.positions()
    count = 1 + max(int(held["account"].max(initial=0)), int(counterparts.max(initial=0)))
    held = held[(held["lots"] != 0) & marked(counterparts, count)[held["account"]]]
    number = held["instrument"].astype(np.int64)
    usd = np.abs(market.usd(number, eve_ticks[number], held["lots"]))
    nowhere = np.full(len(held), np.nan)
    return [Openings(openings[0].venue, -1, held["account"], nowhere, nowhere, share * usd)]
