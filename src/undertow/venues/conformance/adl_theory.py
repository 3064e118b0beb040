"""Vectors of the theory of auto-deleveraging (Chitra 2025)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from undertow.errors import UndertowError, shown
from undertow.venues.conformance.shapes import Inputs, entries, member, rows, shape
from undertow.venues.formulas import adl_positions as model
from undertow.venues.formulas import adl_theory as policies
from undertow.venues.formulas.inputs import number

TAIL_FROM = Decimal("0.9")  # leverage above which the CVaR weight counts
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # the paper's names of accounts, in order


def _positions(inputs: Inputs) -> list[model.Position]:
    return [
        model.position(*(member(entry, key, "position") for key in ("q", "c", "b")))
        for entry in entries(inputs["positions"], "positions")
    ]


def bankruptcy(inputs: Inputs) -> dict[str, Any]:
    """Bankruptcy prices at one price."""
    held = _positions(inputs)
    return {"bankruptcy_price": [model.bankruptcy_price(one, inputs["p0"]) for one in held]}


def liquidation(inputs: Inputs) -> dict[str, Any]:
    """Liquidation prices at one price."""
    prices = [
        model.liquidation_price(one, inputs["p0"], inputs["mu"]) for one in _positions(inputs)
    ]
    return {"liquidation_price": prices}


def _rates(inputs: Inputs, kappa: Any, ratio: Any) -> list[Decimal]:
    """Funding rates at every step after the first."""
    marks, oracles = entries(inputs["mark"], "mark"), entries(inputs["oracle"], "oracle")
    if len(marks) != len(oracles) or len(marks) < 2:
        raise UndertowError("mark and oracle: expected as many of both, two or more")
    return [
        model.linear_funding_rate(kappa, ratio, mark, oracle)
        for mark, oracle in zip(marks[1:], oracles[1:], strict=True)
    ]


def linear_funding(inputs: Inputs) -> dict[str, Any]:
    """Funding rates, and what each position receives at each step."""
    rates = _rates(inputs, inputs["kappa"], inputs["L_over_S"])
    answer: dict[str, Any] = {"gamma": rates}
    steps = zip(rates, inputs["mark"][1:], strict=True)
    for step, (rate, mark) in enumerate(steps, start=1):
        received = [model.funding_cash(one, rate, mark) for one in _positions(inputs)]
        answer[f"cash_t{step}"] = received
    return answer


def profit(inputs: Inputs) -> dict[str, Any]:
    """Profit and equity of each position at each step.

    `funding` names another vector of the file, whose constants hold here; where the file lacks
    it, those of the paper do: kappa 1 and the positions' own long over short interest.
    """
    held, funding = _positions(inputs), inputs["funding"]
    if isinstance(funding, dict):
        kappa, ratio = (member(funding, key, "funding") for key in ("kappa", "L_over_S"))
    elif isinstance(funding, str):
        kappa, ratio = 1, model.open_interest_ratio(held)
    else:
        raise UndertowError(f"funding: expected the id of a vector, got {shown(funding)}")
    rates = _rates(inputs, kappa, ratio)
    answer: dict[str, Any] = {}
    for step in range(1, len(rates) + 1):
        gains = [model.profit(one, rates[:step], inputs["mark"][: step + 1]) for one in held]
        answer[f"pnl_0_{step}"] = gains
        worth = [one.collateral + gain for one, gain in zip(held, gains, strict=True)]
        answer[f"equity_t{step}"] = worth
    return answer


def leverages(inputs: Inputs) -> dict[str, Any]:
    """Effective leverage of winners and losers, by the paper's letters."""
    equities, sizes = entries(inputs["equity"], "equity"), entries(inputs["q"], "q")
    if len(sizes) != len(equities) or len(sizes) > len(LETTERS):
        raise UndertowError("q and equity: expected as many of both, at most 26")
    winners: dict[str, Decimal] = {}
    losers: dict[str, Decimal] = {}
    for letter, size, equity in zip(LETTERS, sizes, equities, strict=False):
        side = winners if number(equity, "equity") > 0 else losers
        side[letter] = model.effective_leverage(size, inputs["mark"], equity)
    return {
        "lambda_winners": winners,
        "lambda_losers": losers,
        "sum_winner": sum(winners.values(), Decimal(0)),
        "sum_loser": sum(losers.values(), Decimal(0)),
    }


def slice_to_close(inputs: Inputs) -> dict[str, Any]:
    """Size that restores maintenance."""
    names = ("side", "q", "p_t", "equity", "mu", "fee_rate", "p_exec")
    return {"delta_q": model.liquidation_slice(*(inputs[name] for name in names))}


def execution(inputs: Inputs) -> dict[str, Any]:
    """Execution prices under linear impact."""
    cases = rows(inputs["cases"], "cases", 3)
    alpha = inputs["alpha"]
    return {
        "exec": [model.execution_price(order, mark, size, alpha) for order, mark, size in cases]
    }


def shortfall(inputs: Inputs) -> dict[str, Any]:
    """Bad debt of a slice.

    Where no side is given, as in the paper's examples, it is the side that loses: a long closed
    below its bankruptcy price, a short closed above.
    """
    bankrupt, executed = number(inputs["p_bk"], "p_bk"), number(inputs["p_exec"], "p_exec")
    side = inputs.get("side", "long" if executed < bankrupt else "short")
    return {"bad_debt": model.bad_debt(side, bankrupt, executed, inputs["delta_q"])}


def _haircut(inputs: Inputs, order: list[Any] | None) -> dict[str, Any]:
    equities, pnl = entries(inputs["equities"], "equities"), entries(inputs["pnl"], "pnl")
    for cash in entries(inputs["cash"], "cash"):
        number(cash, "cash")
    needed = policies.budget(equities, inputs["severity"])
    able = policies.capacities(equities, pnl)
    if order is None:
        haircut: Any = policies.haircut_rate(needed, sum(able, Decimal(0)))
        taken = policies.pro_rata(needed, able).seized
    else:
        haircut, taken = policies.queue(needed, able, order)
    worth = [number(equity, "equity") for equity in equities]
    return {
        "deficit": policies.deficit(equities),
        "budget": needed,
        "haircut": haircut,
        "seized": taken,
        "post_equity": [equity - lost for equity, lost in zip(worth, taken, strict=True)],
    }


def pro_rata(inputs: Inputs) -> dict[str, Any]:
    """One haircut on everybody's profit."""
    return _haircut(inputs, None)


def queue(inputs: Inputs) -> dict[str, Any]:
    """Haircuts of a queue."""
    order = entries(inputs["queue_order"], "queue_order")
    if any(isinstance(place, bool) or not isinstance(place, int) for place in order):
        raise UndertowError("queue_order: expected whole numbers")
    return _haircut(inputs, order)


def rate(inputs: Inputs) -> dict[str, Any]:
    """One haircut rate from two totals."""
    return {"haircut_rate": policies.haircut_rate(inputs["deficit"], inputs["winner_equity"])}


def waterfill(inputs: Inputs) -> dict[str, Any]:
    """Capped pro-rata."""
    haircuts, seized = policies.waterfill(
        inputs["budget"],
        entries(inputs["equities"], "equities"),
        entries(inputs["caps"], "caps"),
        entries(inputs["weights"], "weights") if "weights" in inputs else None,
    )
    return {"haircut": haircuts, "seized": seized}


def shares(inputs: Inputs) -> dict[str, Any]:
    """Risk-aware shares; accounts by name, in the order of the equities.

    Nobody's leverage above 0.9 leaves no CVaR shares to compute, and the other three as they are.
    """
    equities, times = inputs["equities"], inputs["lambda_"]
    if isinstance(equities, dict):
        times = [member(times, name, "lambda_") for name in equities]
        equities = list(equities.values())
    values = (entries(equities, "equities"), entries(times, "lambda_"))
    weights = dict(policies.RISK_WEIGHTS)
    if any(number(one, "leverage") > TAIL_FROM for one in values[1]):
        weights["cvar_0p9"] = policies.tail_weight(TAIL_FROM)
    return {name: policies.risk_shares(*values, weight) for name, weight in weights.items()}


HAIRCUT = "equities cash pnl severity"
SHAPES = (
    shape(bankruptcy, "p0 positions"),
    shape(liquidation, "mu p0 positions"),
    shape(linear_funding, "L_over_S kappa mark oracle positions"),
    shape(profit, "funding mark oracle positions"),
    shape(leverages, "equity mark q"),
    shape(slice_to_close, "equity fee_rate mu p_exec p_t q side"),
    shape(execution, "alpha cases"),
    shape(shortfall, "delta_q p_bk p_exec", "side"),
    shape(pro_rata, HAIRCUT),
    shape(queue, f"{HAIRCUT} queue_order"),
    shape(rate, "deficit winner_equity"),
    shape(waterfill, "budget caps equities", "weights"),
    shape(shares, "equities lambda_"),
)
