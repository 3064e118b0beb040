"""What the names in a venue's rules mean to the engine: stages, policies, triggers, rankings."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from undertow.errors import UndertowError, nearest
from undertow.model import codes
from undertow.model.contracts import Rules
from undertow.venues import methods, rulebook
from undertow.venues.exchange_assumptions import Assumptions
from undertow.venues.exchange_tiers import MILLION
from undertow.venues.instruments import CASH_UNITS

SECOND_NS = 10**9
# Steps down to a lower tier differ only in their size.
POLICIES = {
    "stop_when_compliant": codes.WHOLE,
    "until_below_trigger": codes.WHOLE,
    "fraction_then_whole": codes.FRACTION,
    "tiers_down": codes.TIERS,
    "tiers_down_while_above_first_tier_need": codes.TIERS,
    "tier_by_tier": codes.TIERS,
    "to_lower_risk_limit": codes.TIERS,
}
# Of each stage: who takes over in it, or nobody; whether its orders stop at the bankruptcy price.
STAGES: Mapping[str, tuple[int | None, bool]] = {
    "one_large_ioc": (None, True),
    "market_order": (None, False),
    "net_long_and_short": (None, True),
    "reduce_tiers": (None, True),
    "reduce_risk_limit": (None, True),
    "incremental": (None, True),
    "flash_order": (None, True),
    "full": (None, True),
    "takeover": (codes.BY_FUND, True),
    "backstop_vault": (codes.BY_VAULT, True),
}
# Whether an account is liquidated whose equity equals its maintenance margin.
TRIGGERS = {
    "maintenance_over_margin_balance": True,
    "equity_over_maintenance_and_fee": True,
    "margin_rate_at_or_below_tier_rate": True,
    "equity_below_maintenance": False,
}
CLOSE_PRICES = {
    "bankruptcy": codes.AT_BANKRUPTCY,
    "mark": codes.AT_MARK,
    "previous_mark": codes.AT_PREVIOUS_MARK,
}
HALTED_BOOKS = {
    "waits": codes.HALT_WAITS,
    "takes_over": codes.HALT_TAKES_OVER,
    "trades": codes.HALT_TRADES,
}
SHORTFALLS: Mapping[str, dict[str, Any]] = {
    "adl": {},
    "socialised_loss": {"socialises": True},
    "clawback": {"claws_back": True, "deleverages": False},
}
_Value = TypeVar("_Value")


def engine_rules(dated: rulebook.Rules, least_leverage: int, used: Assumptions) -> Rules:
    """How the venue treats orders, liquidations and losses, in the engine's words.

    Parameters
    ----------
    least_leverage
        The leverage that every instrument allows a small position.

    Raises
    ------
    UndertowError
        For a name in the rules that the engine has no meaning for, and a number that it needs.
    """
    stages = used.value(dated, "liquidation.stages")
    meanings = [_meaning("liquidation.stages", stage, STAGES) for stage in stages]
    takers = [taker for taker, _ in meanings if taker is not None]
    if not takers:
        why = f"no source says who takes what the stages {', '.join(stages)} leave"
        used.note("liquidation.takeover", "insurance fund", why)
    takeover = takers[0] if takers else codes.BY_FUND
    policy_name = used.value(dated, "liquidation.partial_policy")
    policy = _meaning("liquidation.partial_policy", policy_name, POLICIES)
    ranking = used.value(dated, "adl.ranking")
    _meaning("adl.ranking", ranking, dict.fromkeys(methods.known("adl")))
    trigger = used.value(dated, "liquidation.trigger")
    close_price = used.value(dated, "adl.close_price")
    shortfall = used.value(dated, "insurance.shortfall")
    halted_book = used.value(dated, "liquidation.halted_book")
    latency_s = used.value(dated, "liquidation.latency_s")
    past_bankruptcy = used.value(dated, "liquidation.closing_past_bankruptcy")
    keeps = used.value(dated, "orders.amend_keeps_priority")
    leverage = used.value(dated, "orders.default_leverage")
    if not isinstance(keeps, bool):
        raise UndertowError(f"orders.amend_keeps_priority: expected True or False, got {keeps!r}")
    if not isinstance(leverage, int) or leverage < 1:
        raise UndertowError(f"orders.default_leverage: expected 1 or more, got {leverage!r}")
    return Rules(
        amend_keeps_priority=keeps,
        default_leverage=min(leverage, least_leverage),
        market_buffer_ppm=ppm(used.value(dated, "orders.market_buffer_rate")),
        liquidates_when_equal=_meaning("liquidation.trigger", trigger, TRIGGERS),
        counts_fee=used.value(dated, "liquidation.counts_fee"),
        cancels_orders_first=used.value(dated, "liquidation.cancels_orders_first"),
        maintenance_at_entry=used.value(dated, "margin.maintenance_price") == "entry",
        refuses_past_bankruptcy=past_bankruptcy == "refused",
        halted_book=_meaning("liquidation.halted_book", halted_book, HALTED_BOOKS),
        liquidation_latency_ns=int(Decimal(latency_s) * SECOND_NS),
        liquidations_per_mark=used.value(dated, "liquidation.most_per_mark"),
        policy=policy,
        bounded_by_bankruptcy=all(bounded for _, bounded in meanings),
        takeover=takeover,
        fund_pays=dated.insurance.scope != "backstop_vault",
        adl_ranking=ranking,
        adl_price=_meaning("adl.close_price", close_price, CLOSE_PRICES),
        **_meaning("insurance.shortfall", shortfall, SHORTFALLS),
        **_portfolio(dated, used),
        **_parts(dated, policy, used),
        **_backstop(dated, takeover, used),
    )


def _parts(dated: rulebook.Rules, policy: int, used: Assumptions) -> dict[str, Any]:
    """Numbers of the policy that closes a part first."""
    if policy == codes.TIERS:
        return {
            "partial_from_tier": used.value(dated, "liquidation.partial_from_tier"),
            "tiers_per_step": used.value(dated, "liquidation.tiers_per_step"),
        }
    if policy == codes.FRACTION:
        because = "closing a fraction first"
        above = used.needed(dated, "liquidation.partial_above_usd", because)
        fraction = used.needed(dated, "liquidation.partial_fraction", because)
        cooldown_s = used.needed(dated, "liquidation.cooldown_s", because)
        return {
            "partial_above_units": int(above * CASH_UNITS),
            "partial_ppm": ppm(fraction),
            "cooldown_ns": cooldown_s * SECOND_NS,
        }
    return {}


def _portfolio(dated: rulebook.Rules, used: Assumptions) -> dict[str, Any]:
    """Numbers of portfolio margin, where the venue has it."""
    if not dated.margin.portfolio_steps:
        return {}
    rates = {
        name: ppm(used.value(dated, f"margin.portfolio_{name}_rate"))
        for name in ("hedged", "least")
    }
    for name, rate_ppm in rates.items():
        if not 0 <= rate_ppm <= MILLION // 10:
            raise UndertowError(f"margin.portfolio_{name}_rate: expected 0 to 0.1")
    return {
        "portfolio_steps": used.value(dated, "margin.portfolio_steps"),
        "portfolio_initial_ppm": ppm(used.value(dated, "margin.portfolio_initial_ratio")),
        **{f"portfolio_{name}_ppm": rate_ppm for name, rate_ppm in rates.items()},
    }


def portfolio_range_ppm(dated: rulebook.Rules, base: str, used: Assumptions) -> int:
    """How far portfolio margin moves the price of an underlying.

    Raises
    ------
    UndertowError
        Above 0.3: beyond that the engine's index of margins would miss accounts.
    """
    if not dated.margin.portfolio_steps:
        return 0
    key = "margin.portfolio_range_rate"
    rate = dict(dated.margin.portfolio_range_rate_by_base or ()).get(base)
    if rate is None:
        rate = used.needed(dated, key, "portfolio margin")
    else:
        used.cited(dated, f"{key}_by_base.{base}", rate)
    range_ppm = ppm(rate)
    if not 0 < range_ppm <= 3 * MILLION // 10:
        raise UndertowError(f"{key}: expected a fraction above 0 and up to 0.3, got {rate}")
    return range_ppm


def _backstop(dated: rulebook.Rules, takeover: int, used: Assumptions) -> dict[str, Any]:
    """The share of maintenance under which a vault takes over, to the nearest millionth."""
    if takeover != codes.BY_VAULT:
        return {}
    share = used.needed(dated, "liquidation.backstop_below", "a backstop vault")
    backstop_ppm = round(share * MILLION)
    if backstop_ppm != share * MILLION:
        why = f"{share} to the nearest millionth"
        used.note("liquidation.backstop_below", f"{backstop_ppm} ppm", why)
    return {"backstop_ppm": backstop_ppm}


def ppm(rate: object) -> int:
    """A rate in millionths.

    Raises
    ------
    UndertowError
        For what is no number, or no whole number of them.
    """
    try:
        scaled = Fraction(str(rate)) * MILLION
    except ValueError:
        raise UndertowError(f"expected a rate such as '0.0005', got {rate!r}") from None
    if scaled.denominator != 1:
        raise UndertowError(f"a rate of {rate} is no whole number of millionths")
    return scaled.numerator


def _meaning(key: str, name: str, known: Mapping[str, _Value]) -> _Value:
    if name not in known:
        raise UndertowError(f"{key}: the engine has no '{name}'{nearest(name, known)}")
    return known[name]
