"""Published figures of the same crash beside the measured ones, with their verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from undertow.claims import library
from undertow.claims.reconcile.ranges import shown
from undertow.measures.as_of import DAY_NS, HOUR_NS, Span, as_of_span
from undertow.measures.published import events
from undertow.model.periods import SECOND_NS, time_ns
from undertow.report.figures import Figure, format_time
from undertow.report.page import Panel
from undertow.report.pulse.view import View

# A crash is written about for so many days.
AFTER_DAYS = 3
_MOST_ROWS = 24
# The figure of the pulse that measures the same, by the library's metric, asset and side.
MEASURED = {
    ("liquidations", "ALL", "both"): "liquidations.total",
    ("liq_share", "ALL", "long"): "liquidations.long_share",
    ("liq_traders", "ALL", "both"): "liquidations.accounts",
    ("market_cap", "TOTAL", "both"): "market.cap",
    ("dominance", "BTC", "both"): "market.dominance.BTC",
    ("fear_greed", "ALL", "both"): "sentiment.fear_greed",
    ("open_interest", "ALL", "both"): "open_interest.usd",
    ("oi_change_pct", "ALL", "both"): "open_interest.change",
}
_BY_ASSET = {
    "price_low": "price.{}.low", "price_high": "price.{}.high", "price_spot": "price.{}.last",
    "price_after": "price.{}.last", "pct_change": "price.{}.change",
    "stablecoin_price": "peg.{}.low",
}  # fmt: skip
NAMES = {
    "liquidations": "liquidations", "liq_share": "share of liquidations",
    "liq_traders": "traders liquidated", "liq_largest_order": "largest liquidation",
    "price_low": "low", "price_high": "high", "price_spot": "price", "price_after": "price after",
    "price_before": "price before", "pct_change": "change", "market_cap": "market value",
    "market_cap_loss": "loss of market value", "dominance": "dominance",
    "fear_greed": "Fear & Greed", "open_interest": "open interest",
    "oi_change_pct": "change of open interest", "etf_flow": "flow of exchange-traded funds",
    "stablecoin_price": "price", "defi_loss": "loss", "defi_exposure": "exposure",
}  # fmt: skip
_OTHER_WINDOWS = ("ATH",)
_AT_A_MOMENT = ("price_spot", "price_after")
_SUMS = ("liquidations", "liq_share", "liq_traders")
ALL_VENUES = ("all", "spot", "futures", None, "")


@dataclass(frozen=True)
class Reported:
    """A published figure that held before the moment of the pulse.

    Attributes
    ----------
    value
        In base units of ``unit``: dollars, coins, percent; None for a range.
    as_of_ns
        The middle of the time that its words leave open, nanoseconds UTC.
    measured
        Id of the pulse's figure of the same thing; empty where it has none.
    """

    id: str
    event: str
    metric: str
    asset: str
    side: str
    venue: str
    window: str
    figure: str
    value: float | None
    unit: str
    as_of: str
    as_of_ns: int
    publisher: str
    url: str
    verdict: str
    reason: str
    usable: bool
    measured: str

    @property
    def quantity(self) -> str:
        """What it is about, in words."""
        name = NAMES.get(self.metric, self.metric.replace("_", " "))
        whose = "whole market" if self.asset in ("ALL", "TOTAL") else self.asset
        venue = "" if self.venue in ALL_VENUES else f" on {self.venue}"
        if whose == "whole market" and venue and self.metric.startswith("defi"):
            whose, venue = self.venue, ""
        side = "" if self.side == "both" else f", {self.side}"
        window = f", {self.window}" if self.window not in ("", "point", "event") else ""
        return f"{whose}: {name}{side}{venue}{window}"

    def as_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "quantity": self.quantity
        }


def known(view: View) -> list[Reported]:
    """Published figures of the crash around the moment, as far as they held by then.

    A day without a time counts when it is over. A tape of a simulated market has none.
    """
    event = _event(view.at_ns)
    if event is None or view.tape.manifest.kind == "simulated":
        return []
    found = []
    for item in library.listed(event):
        span = as_of_span(item.as_of)
        if span is None or span[1] > view.at_ns:
            continue
        fields = {name: getattr(item, name) or "" for name in _TEXTS}
        found.append(
            Reported(
                **fields,
                value=item.value,
                as_of_ns=(span[0] + span[1]) // 2,
                url=item.source_url or "",
                usable=item.usable,
                measured=_measured(item, span, view),
            )
        )
    return sorted(found, key=lambda item: item.as_of_ns)


_TEXTS = (
    "id", "event", "metric", "asset", "side", "venue", "window", "figure", "unit", "as_of",
    "publisher", "verdict", "reason",
)  # fmt: skip


def _event(at_ns: int) -> str | None:
    """The last crash with published figures that began before the moment, if it is near."""
    day = datetime.fromtimestamp(at_ns // SECOND_NS, UTC).date()
    begun = [row for row in events().iter_rows(named=True) if row["start"] <= day]
    near = [row for row in begun if (day - row["end"]).days <= AFTER_DAYS]
    return None if not near else str(near[-1]["event"])


def _measured(item: library.LibraryFigure, span: Span, view: View) -> str:
    """Id of the pulse's figure of the same thing at about the same time; else empty."""
    middle, window = (span[0] + span[1]) // 2, item.window or ""
    if middle < view.start_ns or window in _OTHER_WINDOWS:
        return ""
    if item.metric == "etf_flow":
        return f"flows.etf.{item.asset}.day" if window == "day" else ""
    if item.metric in _AT_A_MOMENT and view.at_ns - middle > HOUR_NS:
        return ""
    if item.metric in _BY_ASSET:
        return _BY_ASSET[item.metric].format(item.asset)
    if item.metric in _SUMS and (window != view.window or item.venue not in ALL_VENUES):
        return ""
    if item.metric == "fear_greed" and item.venue != "alternative.me":
        return ""
    return MEASURED.get((item.metric, item.asset, item.side), "")


def panels(view: View, reports: Sequence[Reported], figures: Mapping[str, Figure]) -> list[Panel]:
    """One row per quantity, measured beside reported; and every report, folded away."""
    if not reports:
        return [Panel(missing="No published figures about these days are in the library.")]
    groups: dict[str, list[Reported]] = {}
    for item in reports:
        groups.setdefault(item.measured or item.quantity, []).append(item)
    rows = [_row(items, figures) for items in groups.values()]
    order = sorted(rows, key=lambda row: (row[1] == "", row[1] == "not recorded", -int(row[5])))
    caption = (
        f"Figures of the crash of {reports[0].event} that held by {format_time(view.at_ns)}; some"
        " were counted or printed later. “Reported” is the latest that was not found wrong."
        " Verdicts use all that is known today."
    )
    columns = ["quantity", "measured here", "reported", "as of", "range", "reports", "wrong"]
    found = [
        Panel(title="Measured and reported", wide=True, columns=columns, rows=order[:_MOST_ROWS],
              numeric=(1, 2, 5, 6), caption=caption)
    ]  # fmt: skip
    every = [
        [item.quantity, item.figure, item.as_of, item.publisher, item.verdict, item.reason]
        for item in reversed(reports)
    ]
    found.append(
        Panel(title="Every report", wide=True, folded=f"{len(every)} reports, the latest first",
              columns=["quantity", "figure", "as of", "publisher", "verdict", "why"], rows=every,
              numeric=(1,))
    )  # fmt: skip
    return found


def _row(items: Sequence[Reported], figures: Mapping[str, Figure]) -> list[str]:
    measured = figures.get(items[0].measured)
    name = items[0].quantity if measured is None else measured.label
    usable = [item for item in items if item.usable]
    last = usable[-1] if usable else None
    values = sorted({item.value for item in usable if item.value is not None})
    spread = ""
    if len(values) > 1:
        spread = f"{shown(values[0])} to {shown(values[-1], items[0].unit)}"
    return [
        name, "" if measured is None else measured.text(),
        "none that holds" if last is None else last.figure, "" if last is None else last.as_of,
        spread, str(len(items)), str(len(items) - len(usable) or ""),
    ]  # fmt: skip


def latest(
    reports: Sequence[Reported], metric: str, asset: str, *, side: str = "both",
    window: str | None = None, within_ns: int = DAY_NS, at: str | int = 0,
) -> Reported | None:  # fmt: skip
    """The last usable figure of a quantity over all venues, at most so old; None without one.

    Parameters
    ----------
    at
        The moment (ISO-8601 or ns UTC) that ``within_ns`` counts back from.
    """
    moment = time_ns(at)
    found = [
        item for item in reports
        if (item.metric, item.asset, item.side) == (metric, asset, side) and item.usable
        and item.venue in ALL_VENUES and (window is None or item.window == window)
        and moment - item.as_of_ns <= within_ns and item.value is not None
    ]  # fmt: skip
    return found[-1] if found else None
