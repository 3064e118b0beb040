"""Ready-made changes: one name and one value each, for ``--set`` and for sweeps.

A lever changes a scenario's content before it is checked, so it can do nothing that a file could
not say. ``docs/scenarios.md`` holds the table, generated from `LEVERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from undertow.errors import UndertowError, nearest
from undertow.lab.quantities import Value, read_value
from undertow.lab.scenario_paths import changed
from undertow.model.assets import venue_name
from undertow.model.periods import duration_ns, time_ns, time_text
from undertow.venues import methods

Content = dict[str, Any]
Pull = Callable[[Content, Any], None]

ORACLES = ("own_spot_book", "index", "redemption")


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever.

    Attributes
    ----------
    unit
        Of its value: see `quantities.UNITS`.
    default
        What holds without it, in words.
    meaning
        What it does.
    changes
        The key paths or settings that it writes.
    pull
        Does it to a scenario's content.
    """

    name: str
    unit: str
    default: str
    meaning: str
    changes: str
    pull: Pull
    least: float | None = None
    most: float | None = None


def pull(content: Content, name: str, value: object) -> None:
    """Change a scenario's content by a lever.

    Raises
    ------
    UndertowError
        For an unknown lever, a value of another unit or outside its bounds, and where the scenario
        has nothing that it could change.
    """
    if name not in LEVERS:
        raise UndertowError(f"no lever '{name}'{nearest(name, LEVERS)}")
    lever = LEVERS[name]
    read = read_value(value, lever.unit)
    too_small = lever.least is not None and float(read) < lever.least
    if too_small or (lever.most is not None and float(read) > lever.most):
        bounds = f"{lever.least:g} or more" if lever.most is None else (
            f"{lever.least:g} to {lever.most:g}")  # fmt: skip
        raise UndertowError(f"expected {bounds}")
    lever.pull(content, read)


def _set_on_venues(field: str) -> Pull:
    def do(content: Content, value: Value) -> None:
        for venue in content["venue"]:
            venue[field] = changed(value)

    return do


def _set_on_agents(setting: str, *kinds: str) -> Pull:
    """Write a setting of all agents of some kinds."""

    def do(content: Content, value: Value) -> None:
        found = [agent for agent in content.get("agent", []) if agent.get("kind") in kinds]
        if not found:
            raise UndertowError(f"this scenario has no agent of kind {' or '.join(kinds)}")
        for agent in found:
            agent.setdefault("settings", {})[setting] = changed(value)

    return do


def _max_leverage(content: Content, value: Value) -> None:
    _set_on_venues("max_leverage")(content, value)
    _set_on_agents("max_leverage", "crowd")(content, value)


def _insurance_fund(content: Content, value: Value) -> None:
    for venue in content["venue"]:
        own = venue["insurance_fund_usd"]
        amounts = {key: float(read_value(own[key], "usd")) * float(value)
                   for key in ("value", "low", "high") if key in own}  # fmt: skip
        venue["insurance_fund_usd"] = changed(amounts.pop("value")) | amounts


def _adl_ranking(content: Content, value: Value) -> None:
    known = methods.known("adl")
    if value not in known:
        raise UndertowError(f"no ranking '{value}'{nearest(str(value), known)}")
    for venue in content["venue"]:
        venue.setdefault("override", {})["adl.ranking"] = changed(value)


def _collateral_oracle(content: Content, value: Value) -> None:
    if value not in ORACLES:
        raise UndertowError(f"no oracle '{value}'{nearest(str(value), ORACLES)}")
    found = [one for venue in content["venue"] for one in venue.get("collateral", [])]
    if not found:
        raise UndertowError("no venue of this scenario takes collateral beside cash")
    for one in found:
        one["price"] = changed(value)


def _halt_at(content: Content, value: Value) -> None:
    breaker = content.setdefault("circuit_breaker", {})
    breaker["fall"] = changed(value)
    breaker.setdefault("length_s", {
        "value": 900, "assumed": True, "note": "fifteen minutes, as stock exchanges' first stage",
    })  # fmt: skip


def _scale_shocks(prefix: str, what: str) -> Pull:
    """Make the sizes of all shocks of a name sum to an amount."""

    def do(content: Content, value: Value) -> None:
        found = [shock for shock in content.get("shock", [])
                 if shock["name"].startswith(prefix) and "notional_usd" in shock]  # fmt: skip
        sizes = [float(read_value(shock["notional_usd"]["value"], "usd")) for shock in found]
        if not sum(sizes):
            raise UndertowError(f"this scenario has no {what} (a shock named '{prefix}…')")
        for shock, size in zip(found, sizes, strict=True):
            shock["notional_usd"] = changed(size / sum(sizes) * float(value))

    return do


def _withdrawal_halt(content: Content, value: Value) -> None:
    venues = [venue["id"] for venue in content["venue"]]
    chosen = venues if value == "all" else [venue_name(str(value))]
    if chosen[0] not in venues:
        raise UndertowError(f"no venue '{value}'{nearest(str(value), [*venues, 'all'])}")
    for venue in chosen:
        shock = {"name": f"set-withdrawal-halt-{venue}", "kind": "withdrawal_halt", "venue": venue}
        content.setdefault("shock", []).append(shock | _whole_run(content))


def _quote_peg(content: Content, value: Value) -> None:
    shock = {"name": "set-quote-peg", "kind": "peg", "asset": "USDT", "value": changed(value)}
    content.setdefault("shock", []).append(shock | _whole_run(content))


def _whole_run(content: Content) -> Content:
    """From the first shock of the scenario (its start where there is none) to its end."""
    start = time_ns(content["span"]["start"])
    times = [time_ns(shock["at"]["value"]) for shock in content.get("shock", [])]
    end = start + duration_ns(content["span"]["length"])
    first = max(start, min(times, default=start))
    return {"at": changed(time_text(first)), "until": changed(time_text(end))}


_ALL = (
    Lever("max_leverage", "multiple", "what each venue's tiers allow",
          "The greatest leverage: caps every margin tier of every venue and the crowd's positions;"
          " open interest stays, so each position has more margin behind it.",
          "venue.*.max_leverage, crowd.max_leverage", _max_leverage, 1),
    Lever("depth_withdrawal", "number", "the makers' own",
          "How strongly makers thin out their quotes: the elasticity of depth to volatility; 0"
          " keeps the books as deep as on the eve.",
          "market_maker.depth_withdrawal",
          _set_on_agents("depth_withdrawal", "market_maker"), 0),
    Lever("insurance_fund", "multiple", "1", "Every venue's insurance fund, as a multiple.",
          "venue.*.insurance_fund_usd", _insurance_fund, 0),
    Lever("adl_ranking", "text", "each venue's own",
          "Who is deleveraged first, on every venue: a ranking by name.",
          "venue.*.override.adl.ranking", _adl_ranking),
    Lever("collateral_oracle", "text", "own_spot_book where the venue did so",
          "What prices collateral: own_spot_book, index or redemption.",
          "venue.*.collateral.*.price", _collateral_oracle),
    Lever("halt_at", "fraction", "no circuit breaker",
          "All venues of leverage halt when the index of the first asset has fallen this much since"
          " the start; for 15 minutes unless circuit_breaker.length_s says otherwise.",
          "circuit_breaker.fall", _halt_at, 0.001, 1),
    Lever("arbitrage_capital", "multiple", "1",
          "Capital of arbitrageurs and basis traders, as a multiple.",
          "arbitrageur.capital_multiple, basis_trader.capital_multiple",
          _set_on_agents("capital_multiple", "arbitrageur", "basis_trader"), 0.01),
    Lever("etf_outflow", "usd", "the scenario's own",
          "Coins sold for redeemed ETF shares, all days and assets together, split as in the"
          " scenario.", "shock.etf*.notional_usd", _scale_shocks("etf", "ETF outflow"), 0),
    Lever("treasury_forced_sale", "usd", "the scenario's own",
          "Coins that treasury companies have to sell, all together, split as in the scenario.",
          "shock.treasury*.notional_usd", _scale_shocks("treasury", "treasury sale"), 0),
    Lever("liquidation_engine_delay", "s", "0",
          "How late every venue looks at marks for liquidation.",
          "venue.*.liquidation_delay_s", _set_on_venues("liquidation_delay_s"), 0),
    Lever("api_reject", "fraction", "0", "Share of the makers' new quotes that venues refuse when"
          " they are fully alarmed.",
          "market_maker.api_reject", _set_on_agents("api_reject", "market_maker"), 0, 1),
    Lever("cancel_fail", "fraction", "0", "Share of the makers' cancels that fail then.",
          "market_maker.cancel_fail", _set_on_agents("cancel_fail", "market_maker"), 0, 1),
    Lever("transfer_delay", "s", "the agents' own", "How long money takes between venues.",
          "market_maker.transfer_delay_s, arbitrageur.transfer_delay_s",
          _set_on_agents("transfer_delay_s", "market_maker", "arbitrageur"), 0),
    Lever("withdrawal_halt", "text", "none beside the scenario's",
          "A venue, or all, that lets no money out from the first shock to the end.",
          "a shock of kind withdrawal_halt", _withdrawal_halt),
    Lever("quote_peg", "price", "what the scenario says, else 1",
          "The price of USDT in dollars from the first shock to the end.",
          "a shock of kind peg", _quote_peg, 0.01, 2),
)  # fmt: skip
LEVERS: Mapping[str, Lever] = {lever.name: lever for lever in _ALL}


def table() -> str:
    """All levers as a Markdown table, for the documentation."""
    head = ["| lever | value | without it | what it does | changes |", "|---|---|---|---|---|"]
    rows = [
        f"| `{one.name}` | {UNIT_WORDS[one.unit]} | {one.default} | {one.meaning} | {one.changes} |"
        for one in _ALL
    ]
    return "\n".join([*head, *rows])


UNIT_WORDS = {
    "multiple": "multiple: `0.5`, `20x`",
    "fraction": "fraction: `0.05`, `5%`",
    "usd": "dollars: `1_000_000_000`, `1B`",
    "s": "seconds: `30`, `5m`",
    "text": "name",
    "price": "dollars: `0.97`",
    "number": "number: `0.4`",
}
