"""Who plays the venue in the worked examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exchange.desk import Desk
from exchange.differential import Both
from undertow.reference.exchange import Command, Event


class KernelDesk(Desk):
    """The same venue in the kernel, beside the specification."""

    both: Both | None = None

    def apply(self, command: Command) -> list[Event]:
        """Carry out a command on both; they must say the same."""
        if self.both is None:
            venue = self.state
            self.both = Both(venue.contracts, venue.rules, venue.count)
        expected = super().apply(command)
        assert self.both.apply(command) == expected
        self.both.check()
        return expected


@pytest.fixture(params=[Desk, KernelDesk], ids=["reference", "kernel"])
def opened(request: pytest.FixtureRequest) -> Callable[..., Desk]:
    """Opens a venue with contracts and rules; every example runs on each implementation."""
    made: Callable[..., Desk] = request.param
    return made
