"""R over price and time, from the map on the eve and the run's own depth; n beside it.

What is measured on the run: the bids within 1 % of all venues together, and the part of the map
that was closed by force and sold. What is estimated: how much leverage stands at which price, a
map of the crowd made from the bundled tape and brought to the scenario's open interest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from undertow.errors import NotRecorded, UndertowError
from undertow.lab.summary_market import depth_path
from undertow.lab.summary_tapes import MINUTE_NS
from undertow.measures.hawkes import branching_ratio
from undertow.measures.impact import Interval
from undertow.measures.leverage_map import LeverageMap, SymbolMap, leverage_map
from undertow.measures.liquidation_profile import Floats, LiquidationProfile
from undertow.measures.reproduction import (
    AssetState,
    ImpactInterval,
    Reproduction,
    reproduction,
)
from undertow.model.assets import asset_of
from undertow.report.crash import traces
from undertow.report.crash.view import Part, View
from undertow.report.page import Panel
from undertow.tape import Tape

BAND, WINDOW = 0.01, 0.01
TAU = "0 s: no refill counted"
MEANING = (
    "R: dollars of forced sales that one dollar of forced sales sets off. Line: most likely; band:"
    " what the inputs allow (bids of all venues within 1 %: 10 to 90 % over the run, or with given"
    " prices the scenario's interval for the eve; open interest"
    " and hedged share as intervals; sold at once, or all that was closed). The book is found again"
    " at each lower price and nothing is refilled: where quotes come back within minutes, R is"
    " lower."
)
FALLS = np.linspace(0.0, 0.3, 61)
# Longer steps hide what an order sets off within a minute.
_LONGEST_STEP_S = 10
_HOUR_NS = 60 * MINUTE_NS


@dataclass(frozen=True)
class Standing:
    """An asset on the eve: its profile of liquidations, and what the run made of it.

    Attributes
    ----------
    bids
        Within 1 % through time, all venues together.
    closed
        The part of the profile that was closed by force and sold when its price came.
    """

    profile: LiquidationProfile
    price: float
    bids: pl.DataFrame
    closed: Interval

    def state(self, bids: Interval) -> AssetState:
        """With these bids within 1 %."""
        return AssetState(
            price=self.price, profile=self.profile, market_share=self.closed,
            impact=ImpactInterval.of_depth(bids, band=BAND),
        )  # fmt: skip

    def usual(self) -> Interval:
        """Bids within 1 % over the run: its 10, 50 and 90 % quantiles."""
        values = self.bids["bid_usd"].to_numpy()
        return _bids(values)


def section(view: View) -> Part:
    """R along a fall, R over price and time, R by asset, and the branching ratio n."""
    part = Part()
    try:
        standing = _standing(view)
        found = {name: _along(name, one.state(one.usual())) for name, one in standing.items()}
    except UndertowError as reason:
        part.panels.append(Panel(title="R", missing=f"No R for this run: {reason}."))
    else:
        _along_a_fall(found[view.leader], part)
        part.panels.append(_by_asset(found, standing))
        if not _is_given_path(view):
            _over_time(view, standing[view.leader], part)
    part.panels.append(_hawkes(view))
    return part


def _along(name: str, state: AssetState, falls: Floats = FALLS) -> Reproduction:
    return reproduction({name: state}, tau=TAU, falls=falls, window=WINDOW)


def _standing(view: View) -> dict[str, Standing]:
    scenario = view.scenario
    if scenario.tape is None:
        raise NotRecorded("candles before the run, for a map of the crowd")
    symbols = _symbols(view)
    crowd = leverage_map(
        Tape.open(scenario.tape), scenario.start_ns, symbols=list(symbols.values())
    )
    found = {}
    for asset, symbol in symbols.items():
        bids = _all_bids(view, asset)
        if bids.height:
            profile = _profile(crowd, symbol, _open_interest(view, asset))
            found[asset] = Standing(
                profile, crowd.of(symbol).price, bids, _closed(view, asset, profile)
            )
    if view.leader not in found:
        raise NotRecorded(f"depth and candles of {view.leader}")
    return found


def _symbols(view: View) -> dict[str, str]:
    """Symbols on the bundled tape by asset: those that the run was given, else the first."""
    given: dict[str, str] = {}
    for text in view.run.about.get("given", {}).values():
        symbol = str(text).split()[1]
        given[asset_of(symbol)] = symbol
    if given:
        return given
    rows = (
        Tape.open(str(view.scenario.tape))
        .table("candles")
        .filter(pl.col("ts").cast(pl.Int64) < view.tapes.start_ns)
    )
    names = rows.select(pl.col("symbol").cast(pl.String).unique().sort()).collect()["symbol"]
    for symbol in names:
        if asset_of(symbol) in view.tapes.assets:
            given.setdefault(asset_of(symbol), symbol)
    if not given:
        raise NotRecorded("candles before the run, for a map of the crowd")
    return given


def _is_given_path(view: View) -> bool:
    """Whether prices were given: then the run's own depth is a device, and no finding."""
    return bool(view.run.about.get("path") == "real")


def _eve_bids(view: View, asset: str) -> pl.DataFrame:
    """What the scenario says of bids on the eve, all venues together: low, middle, high."""
    depths = [one.depth_usd for one in view.scenario.spots]
    depths += [one.depth_usd for one in view.scenario.venues]
    known = [depth[asset] for depth in depths if asset in depth]
    sums = [sum(getattr(one, end) for one in known) for end in ("low", "value", "high")]
    times = [view.tapes.start_ns + step for step in range(3)]
    return pl.DataFrame({"ns": times, "bid_usd": sums}) if known else pl.DataFrame()


def _all_bids(view: View, asset: str) -> pl.DataFrame:
    """Bids within 1 % through time, all venues together: ``ns``, ``bid_usd``."""
    if _is_given_path(view):
        return _eve_bids(view, asset)
    paths = [depth_path(view.tapes, asset, kind, BAND) for kind in ("leveraged", "spot")]
    known = [path.select("ns", "bid_usd") for path in paths if path.height]
    if not known:
        return pl.DataFrame()
    return pl.concat(known).group_by("ns").agg(pl.col("bid_usd").sum()).sort("ns")


def _open_interest(view: View, asset: str) -> Interval:
    """Open interest of an asset on the eve, at the venues where the crowd trades."""
    crowds = [one for one in view.scenario.agents if one.kind == "crowd"]
    named = [venue for one in crowds for venue in one.venues or ()]
    sums = np.zeros(3)
    for venue in view.scenario.venues:
        if not named or venue.id in named:
            for key, usd in venue.open_interest_usd.items():
                if asset_of(key) == asset:
                    sums += (usd.low, usd.value, usd.high)
    if not sums[0] > 0:
        raise NotRecorded(f"open interest of {asset} in the scenario")
    return Interval(*sums.tolist())


def _profile(crowd: LeverageMap, symbol: str, usd: Interval) -> LiquidationProfile:
    """The map of a symbol brought to the open interest: so much stands on its larger side."""
    one: SymbolMap = crowd.of(symbol)
    held = float(one.notional_usd.sum(axis=(0, 1)).max())
    scaled = crowd.liquidation_profile(symbol).with_columns(
        long_usd_low=pl.col("long_usd_low") / one.scale_low * usd.low / held,
        long_usd=pl.col("long_usd") * usd.middle / held,
        long_usd_high=pl.col("long_usd_high") / one.scale_high * usd.high / held,
    )
    return LiquidationProfile.of_map(scaled)


def _closed(view: View, asset: str, profile: LiquidationProfile) -> Interval:
    """The part of the map that was closed by force on the way down and sold in the market.

    Owners close, add margin and stop out before their price comes: how many, the run itself tells,
    by what it closed of longs between its first price and its low. Of that, what was sold at once
    is the low end; all of it, takeovers too, the high end.
    """
    fall = view.summary.fall(asset)
    closed = view.tapes.closed.filter(pl.col("asset") == asset, pl.col("side") == "long")
    total = float(closed["usd"].sum())
    if fall is None or not total:
        return Interval(0.0, 0.5, 1.0)
    passed = (profile.prices >= fall.low) & (profile.prices <= fall.start)
    stood = float(profile.middle[passed].sum())
    share = min(total / stood, 1.0) if stood else 1.0
    at_once = float(closed.filter(pl.col("stage") != "takeover")["usd"].sum()) / total
    return Interval(share * at_once, share * (1 + at_once) / 2, share)


def _bids(values: Floats) -> Interval:
    """Quantiles; an empty book counts as a hundredth of the usual one: R would have no end."""
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    floor = max(0.01 * middle, 1.0)
    return Interval(float(max(low, floor)), float(max(middle, floor)), float(max(high, floor)))


def _along_a_fall(found: Reproduction, part: Part) -> None:
    table = found.frame
    x = traces.rounded(table["price"], 8)
    top = float(np.log10(max(2.0, found.high.max()))) + 0.1
    data = traces.band("R", x, table["low"], table["middle"], table["high"], "@c1")
    layout: traces.Spec = {
        "xaxis": {"title": {"text": f"price of {found.symbols[0]}"}, "autorange": "reversed",
                  "tickformat": ",.6~r"},
        "yaxis": {"type": "log", "title": {"text": "R"}, "dtick": 1, "range": [-2, top]},
        "showlegend": False,
    }  # fmt: skip
    above = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": 1, "y1": 10**top,
             "fillcolor": "@shade", "line": {"width": 0}, "layer": "below"}  # fmt: skip
    edges = [traces.level(edge, text) for edge, text in ((0.5, "R = 0.5"), (1.0, "R = 1"))]
    # On a logarithmic axis labels are placed at exponents.
    labels = [label | {"y": float(np.log10(label["y"]))} for _, label in edges]
    part.chart(
        "reproduction",
        traces.spec(data, layout, shapes=[above, *(shape for shape, _ in edges)],
                    annotations=labels),
        title=f"R of {found.symbols[0]} along a fall", caption=f"{found.text}. {MEANING}",
    )  # fmt: skip


def _by_asset(found: dict[str, Reproduction], standing: dict[str, Standing]) -> Panel:
    rows = []
    for asset, one in found.items():
        place = int(np.argmax(one.middle))
        low, middle, high = one.at(place)
        rows.append([
            asset, f"{middle:.2g}", f"{low:.2g} to {high:.2g}", f"{one.falls[place]:.1%}",
            f"{standing[asset].closed.high:.0%}", one.verdicts[place],
        ])  # fmt: skip
    return Panel(
        title="R by asset, where it is largest", rows=rows, numeric=(1, 2, 3, 4),
        columns=["asset", "R", "interval", "after a fall", "closed", "verdict"],
        caption="Each asset on its own: sales in one that move another are left out. Zones: below"
        " 0.5, 0.5 to 1, above 1; “not identifiable” where the interval says too little. Closed:"
        " what the run closed by force of all that lost its margin on the way to the low.",
    )  # fmt: skip


def _over_time(view: View, standing: Standing, part: Part) -> None:
    asset, columns, kept = view.leader, [], []
    for start in range(view.tapes.start_ns, view.tapes.end_ns, _HOUR_NS):
        during = standing.bids.filter(pl.col("ns") > start, pl.col("ns") <= start + _HOUR_NS)
        if during.height:
            bids = _bids(during["bid_usd"].to_numpy())
            columns.append(_along(asset, standing.state(bids), FALLS[::2]))
            kept.append(start)
    if not columns:
        return
    levels, prices = np.array([one.middle for one in columns]).T, columns[0].prices[:, 0]
    every = pl.col("ns") // _HOUR_NS * _HOUR_NS
    path = view.tapes.path(asset).group_by(every, maintain_order=True).agg(
        pl.col("close").last()
    )  # fmt: skip
    drawing = {
        "type": "heatmap", "name": "R", "x": traces.clocks(kept),
        "y": traces.rounded(prices.tolist(), 7),
        "z": [traces.rounded(row.tolist(), 3) for row in levels], "zmin": 0, "zmax": 2,
        "colorscale": [[0, "@card"], [0.2499, "@line"], [0.25, "@c5"], [0.4999, "@c5"],
                       [0.5, "@down"], [1, "@down"]],
        "colorbar": {"thickness": 10, "tickvals": [0, 0.5, 1, 2], "outlinewidth": 0},
        "hovertemplate": "%{x}, %{y:,.6~r}: R %{z}<extra></extra>",
    }  # fmt: skip
    line = traces.line(f"price of {asset}", traces.clocks(path["ns"]), path["close"], "@ink")
    layout = {
        "hovermode": "closest", "showlegend": False,
        "yaxis": {"tickformat": ",.6~r", "range": [float(prices.min()), float(prices.max())]},
    }  # fmt: skip
    part.chart(
        "reproduction_time", traces.spec([drawing, line], layout), wide=True,
        title=f"R of {asset} over price and time",
        caption="Most likely R with each hour's median bids. Bright: below 0.5; then 0.5 to 1; then"
        " above 1. The line is the price. The map is that of the eve: what has been closed since,"
        " above the lowest point of the line, is not there any more.",
    )  # fmt: skip


def _hawkes(view: View) -> Panel:
    title = "n, the branching ratio of orders: not R"
    step_s = view.scenario.step_ns / 1e9
    if step_s > _LONGEST_STEP_S:
        return Panel(
            title=title,
            missing=f"With steps of {step_s:g} s the run has no times that n could be read from.",
        )
    times_s = (view.tapes.orders.filter(pl.col("asset") == view.leader)["ns"]
               - view.tapes.start_ns).to_numpy() / 1e9  # fmt: skip
    try:
        found = branching_ratio(
            times_s, span_s=(0.0, (view.tapes.end_ns - view.tapes.start_ns) / 1e9)
        )
    except UndertowError as reason:
        return Panel(title=title, missing=f"No n for single closings of {view.leader}: {reason}.")
    return Panel(
        title=title,
        columns=["asset", "n", "95 % interval", "with a constant base rate", "single closings"],
        rows=[[view.leader, f"{found.ratio:.2f}", f"{found.low:.2f} to {found.high:.2f}",
               f"{found.constant_ratio:.2f}", f"{found.events:,}"]],
        numeric=(1, 2, 3, 4),
        caption=f"All venues together, in steps of {step_s:g} s. {found.warning}",
    )  # fmt: skip
