"""A claim: one figure that somebody published, with what it is about and where it stands."""

from __future__ import annotations

from typing import Any

import msgspec


class Claim(msgspec.Struct, kw_only=True, frozen=True):
    """One published figure.

    Signs: percentages, returns and ETF flows are signed; amounts lost, sold or repaid are
    magnitudes. ``value`` is in units of ``unit`` (dollars, coins, percent), never in millions.

    Attributes
    ----------
    metric
        One of `metrics.METRICS`.
    qualifier
        ``=``, ``>``, ``<``, ``~``, ``near``, ``<=`` or ``>=``.
    value, value_low, value_high
        The figure; for a range ``value`` is None and both ends are set.
    unit
        USD, BTC, ETH, SOL, pct, pct_annualized, index, count, x, ...
    asset
        Ticker, or ALL for the whole market.
    side
        long, short, buy, sell, both, or None.
    window
        1h, 4h, 24h, 7d, 30d, YTD, day, event, point, or as the text says.
    as_of
        When the figure held: a date or a UTC time, as exactly as the text allows.
    source
        Who says it, as the text attributes it.
    kind
        fact, derived, estimate, level, forecast, historical, index, context, causal, superlative,
        offtopic or false.
    flags
        rounded, unit missing, scale unclear, words, range, respectively, negative, ...
    span, start
        The exact substring of the text, and where it begins.
    note
        Why an uncertain reading was chosen; None where nothing was in doubt.
    publisher
        Who published the article.
    """

    metric: str
    qualifier: str = "="
    value: float | None = None
    value_low: float | None = None
    value_high: float | None = None
    unit: str | None = None
    asset: str | None = None
    side: str | None = None
    venue: str | None = None
    window: str | None = None
    as_of: str | None = None
    source: str | None = None
    kind: str = "fact"
    flags: tuple[str, ...] = ()
    span: str = ""
    start: int = 0
    note: str | None = None
    publisher: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The claim's fields by name; the ends of a range only where it is one."""
        fields: dict[str, Any] = msgspec.to_builtins(self)
        if self.value is not None:
            del fields["value_low"], fields["value_high"]
        return fields
