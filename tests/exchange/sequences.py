"""Random sequences through a venue, with all laws after each command.

Run as a program with a number of sequences and of commands, it says what happened how often.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from exchange.commands import random_commands
from exchange.venues import ACCOUNTS, VENUES
from undertow.model import codes
from undertow.model.contracts import Contract, Rules
from undertow.reference import asset_laws, clawback_laws, forced_laws, venue_laws
from undertow.reference.exchange import Command, Event, Exchange
from undertow.reference.venue import apply


class Judged:
    """A venue of the specification under all laws."""

    def __init__(
        self, contracts: tuple[Contract, ...], rules: Rules, accounts: int = ACCOUNTS
    ) -> None:
        self.venue = Exchange(contracts, rules, accounts)
        self.wallets: dict[int, int] = {}
        self.balances: asset_laws.Balances = {}
        self.open_lots: dict[int, int] = {}
        self.profits: dict[int, int] = {}

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command and check everything."""
        venue = self.venue
        is_mark = command.kind in (codes.MARK, codes.ASSET_PRICE)
        account = venue.accounts.get(command.account)
        cash_units = account.cash_units if account else 0
        ends_period = command.kind == codes.CLAW_BACK and venue.rules.claws_back
        before = forced_laws.copy_of(venue.accounts) if is_mark or ends_period else {}
        now_ns = venue.now_ns
        events = apply(venue, command)
        venue_laws.time_never_falls(now_ns, venue.now_ns)
        venue_laws.orders_add_up(venue, self.open_lots, events)
        self.wallets = venue_laws.statement_adds_up(venue, self.wallets, events)
        venue_laws.money_moves_between_accounts(events)
        venue_laws.funding_sums_to_zero(events)
        venue_laws.closing_is_allowed(venue, command, events)
        venue_laws.closing_stays_above_bankruptcy(venue, command, events)
        self.balances = asset_laws.asset_statement_adds_up(venue, self.balances, events)
        asset_laws.spot_lends_nothing(venue, command, cash_units, events)
        asset_laws.assets_are_conserved(venue)
        asset_laws.asks_are_covered(venue)
        venue_laws.state_laws(venue)
        clawback_laws.add_profits(self.profits, venue, events)
        if ends_period:
            clawback_laws.clawback_laws(before, self.profits, venue, events)
            self.profits.clear()
        if is_mark and (not events or events[0].kind != codes.REJECTED):
            forced_laws.mark_laws(before, venue, events)
        return events


def run(name: str, seed: int, count: int) -> Counter[tuple[int, int]]:
    """One sequence; how often each kind of event came with each reason."""
    dice = random.Random(f"{name} {seed}")
    judged = Judged(*VENUES[name])
    seen: Counter[tuple[int, int]] = Counter()
    for number, command in enumerate(random_commands(dice, judged.venue, count)):
        try:
            events = judged.apply(command)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}, command {number}: {command}")
            raise
        seen.update((event.kind, event.reason) for event in events)
    return seen


if __name__ == "__main__":
    sequences, commands = int(sys.argv[1]), int(sys.argv[2])
    for venue_name in sys.argv[3:] or VENUES:
        total: Counter[tuple[int, int]] = Counter()
        for one in range(sequences):
            total += run(venue_name, one, commands)
        sys.stdout.write(f"{venue_name}: {dict(sorted(total.items()))}\n")
