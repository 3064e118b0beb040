"""A funding payment that fell due."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """What longs pay to shorts at ``due_ns``, as a fraction of the position's value.

    ``rate`` above 0: longs pay. ``premium`` is the average it came from, None without a sample;
    ``samples`` how many it had. ``next_ns`` is when the next payment is due (nanoseconds since
    1970), ``coming_rate`` its rate where the venue fixes that an interval ahead.
    """

    due_ns: int
    rate: Decimal
    next_ns: int
    premium: Decimal | None = None
    samples: int = 0
    at_cap: bool = False
    coming_rate: Decimal | None = None

    @property
    def running_rate(self) -> Decimal:
        """The rate that counts until the next payment: the coming one, else the last paid."""
        return self.rate if self.coming_rate is None else self.coming_rate
