"""What coins beside cash, posted as margin, did in a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CollateralUse:
    """What a coin that counts as margin did in a run.

    Attributes
    ----------
    price
        What prices it: own_spot_book, index or redemption.
    accounts, posted_usd
        Who posted it on the eve, and how much at par.
    low_usd
        Its lowest price as the venue counted it, before the haircut.
    closed_usd, closed_accounts
        Positions of those accounts that were closed by force, for whatever reason.
    because_usd, because_accounts
        Those that would not have lacked margin at that moment, had the coin counted at par.
    """

    venue: str
    asset: str
    price: str
    accounts: int
    posted_usd: float
    low_usd: float
    closed_usd: float
    closed_accounts: int
    because_usd: float
    because_accounts: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def note(use: CollateralUse) -> str:
    """A sentence for the run's notes."""
    return (
        f"{use.venue}: {use.accounts:,} accounts posted {use.posted_usd:,.0f} USD in {use.asset},"
        f" priced by {use.price} (low {use.low_usd:.4g}); {use.closed_usd:,.0f} USD of their"
        f" positions were closed by force, {use.because_usd:,.0f} USD of {use.because_accounts:,}"
        " accounts that had enough margin with the coin at par"
    )
