"""What the form of a figure says: level or change, price or sum, foreseen or seen."""

from __future__ import annotations

from undertow.claims.mentions import is_stable
from undertow.claims.metrics import Metric
from undertow.claims.spot import Spot, nearness, words
from undertow.claims.units import LEAST_SUM, PRICES

_MOVES = ("direction/fall", "direction/rise")
_MOVED = (
    "loss",
    "losses",
    "decline",
    "declines",
    "drop",
    "slide",
    "cut",
    "pared",
    "trimmed",
    "gain",
    "gains",
    "advance",
)
_CLAUSE_STARTS = frozenset(
    [",", ";", ":", "(", "and", "as", "while", "after", "when", "but", "before", "since", "|"]
)
# What a clause that starts with it is about, though it names a coin later.
_SUBJECTS = tuple(
    f"{name}/strong"
    for name in ("funding_rate", "open_interest_change", "depth_change", "volatility", "dominance")
)
_NO_COMPARATIVES = frozenset(
    ["another", "however", "number", "quarter", "tether", "whether", "together", "further",
     "former", "counter", "founder", "holder", "trader", "member", "october", "november",
     "december", "september", "rather", "either", "neither", "customer", "dollar", "latter",
     "higher", "bigger", "larger", "greater", "earlier"]
)  # fmt: skip
_NO_MOVE = 90.0  # on the ruler; as far off, no word of the sentence says that a price moved
_WITH_LEVELS = ("market_cap", "open_interest")  # dollar figures that are levels or changes


def fit(metric: Metric, spot: Spot) -> float:
    """What a figure's form adds to a metric's score, or takes from it."""
    if spot.kind == "price":
        return _fit_of_price(metric, spot)
    is_change = metric.name.endswith(("_change", "_return"))
    if spot.kind in ("money", "coin") and metric.name.removesuffix("_change") in _WITH_LEVELS:
        way = level_or_change(spot)
        # A trillion is said of little but market values.
        huge = {"market_cap": 2.0, "market_cap_change": 1.0}.get(metric.name, 0.0)
        return 2.0 * (way if is_change else -way) + (huge if spot.quantity.scale == 1e12 else 0.0)
    if spot.kind == "money" and metric.name in ("depth", "tvl") and level_or_change(spot) < 0:
        return 2.0
    if metric.name == "largest_liquidation" and _is_announced(spot):
        return 6.0
    if spot.kind == "money" and spot.quantity.sign:
        return {"etf_flow": 3.0, "volume": -3.0, "holdings": -3.0}.get(metric.name, 0.0)
    if spot.kind == "coin" and metric.name == "holdings" and is_owned(spot):
        return 5.0
    if spot.kind != "pct":
        return 0.0
    if not is_change:
        return -2.0 if moves_beside(spot) else 0.0
    if spot.key(-1) == "to" and spot.key(-2) in _MOVED:
        return 2.0  # "cut the loss to 12%"
    is_level = spot.key(-1) in ("to", "at", "within") and spot.key(-2) not in ("up", "close")
    if is_level and not spot.quantity.sign:
        return -8.0  # "rose to 60%" is a level
    if spot.quantity.sign:
        is_other = metric.name == "price_change" and _has_other_subject(spot)
        return -6.0 if is_other else 2.0
    if spot.key(1) == "@" != spot.key(-1) and not moves_beside(spot):
        return -9.0  # "46% DAI and 54% USDC" are parts
    if metric.name in ("price_change", "market_cap_change") and _has_other_subject(spot):
        return -6.0
    distances = words("direction", "down_after") | words("direction", "up_after")
    is_apart = (
        spot.key(1) in distances or is_comparative(spot.key(1)) or spot.key(-2) in ("minus", "plus")
    )
    if metric.name == "price_change" and not is_apart and spot.nearest(*_MOVES) > _NO_MOVE:
        return -6.0  # "Funding: BTC 0.0031%, ETH 0.0012%"
    return 3.5 if moves_beside(spot) else 2.0 * nearness(spot.nearest(*_MOVES))


def _fit_of_price(metric: Metric, spot: Spot) -> float:
    if metric.name == "chart_level":
        return 2.5 if is_foreseen(spot) else 0.0
    if metric.name in PRICES:
        if metric.name != "price":
            return 0.0
        if _is_of_stable(spot):
            return 4.0
        return -4.0 if level_or_change(spot) > 0 else 1.5  # "lost about $4,000" is no price
    if metric.high <= LEAST_SUM:  # a metric of small sums, which a user added
        return 1.5
    if metric.name in ("spread", "basis"):
        return -4.0 if level_or_change(spot) < 0 or spot.key(-1) == "as" else -1.0
    return -4.0


def _has_other_subject(spot: Spot) -> bool:
    """``The funding rate on the XBTUSD swap reached -0.375%``: the clause is not of a price."""
    start = spot.index
    while start > 0 and spot.items[start - 1].key not in _CLAUSE_STARTS:
        start -= 1
    for topic in _SUBJECTS:
        for hit in spot.hits(topic):
            if start <= hit.first <= start + 2 and hit.last < spot.index:
                between = spot.items[start : hit.first]
                return not any(item.key == "@" for item in between)
            if hit.last <= 2 and spot.items[hit.last + 1].key == ",":
                # "Depth, a gauge of what orders meet, is 30% below"
                return not any(item.key == "@" for item in spot.items[: spot.index])
            if hit.last <= 2 and any(i.key == ":" for i in spot.items[hit.last : spot.index]):
                return True  # "Funding before the drop: 0.05% on most, 0.03% on BTC"
    return False


def _is_of_stable(spot: Spot) -> bool:
    """A sum of about a dollar behind the name of a coin meant to be worth one."""
    if not 0.05 <= spot.quantity.low <= 1.2:
        return False
    names = (i.mention for i in spot.items[max(0, spot.index - 8) : spot.index + 3])
    return any(n is not None and n.what == "asset" and is_stable(n.name) for n in names)


def is_comparative(word: str) -> bool:
    """``12% poorer``, ``$400 billion lighter``: more or less of something than before."""
    return len(word) > 5 and word.endswith("er") and word not in _NO_COMPARATIVES


def level_or_change(spot: Spot) -> int:
    """1 where the words beside a sum make it a change, -1 where they make it a level, else 0."""
    changes, hedges = words("beside", "changes"), words("beside", "hedges") - {"by"}
    back = -1
    while spot.index + back > 0 and spot.key(back) in hedges:
        back -= 1
    before, after = spot.key(back), spot.key(1)
    if before == "out":
        before = spot.key(back - 1)
    behind = spot.key(2) if after == "was" else after
    if is_comparative(behind):
        return 1
    if before in changes:
        return 1
    if before in words("beside", "levels"):
        return -1
    return 1 if behind in changes - {"by"} else 0


def moves_beside(spot: Spot) -> bool:
    """Whether a word for a move stands right at the figure: ``down 5%``, ``5% lower``."""
    moves = {hit.first for topic in _MOVES for hit in spot.hits(topic)}
    at = spot.index - 1
    hedges = words("beside", "hedges")
    while at > 0:
        key, before, after = spot.items[at].key, spot.items[at - 1].key, spot.items[at + 1].key
        is_up_to = (key == "up" and after == "to") or (key == "to" and before == "up")
        if key not in hedges and not is_up_to:
            break
        at -= 1
    is_move = at in moves and spot.items[at].key not in hedges  # a sentence may start with "more"
    return is_move or (spot.index + 1 in moves and spot.key(1) not in ("more", "less"))


def is_owned(spot: Spot) -> bool:
    """``Metaplanet's 30,823 BTC``, ``its 129,218 coins``, ``has about 550 BTC``."""
    back = -1
    while spot.key(back) in words("beside", "hedges"):
        back -= 1
    if spot.key(back) in ("has", "have", "had"):
        return True
    before = spot.key(-2), spot.key(-1)
    if before == ("total", ":") or (
        before[1] == "on" and before[0] in ("loss", "losses", "profit")
    ):
        return True
    traded = words("trade", "sell") | words("trade", "buy")
    if any(spot.key(back) in traded for back in (-4, -3, -2)):
        return False  # "sold its 970 BTC"
    return spot.key(-1) in ("its", "their", "his") or spot.key(-1).endswith(("'s", "s'"))


def _is_announced(spot: Spot) -> bool:
    """``The single biggest liquidation was on HTX, where $47 million``: no other sum between."""
    for hit in spot.hits("largest_liquidation/strong"):
        between = spot.items[hit.last + 1 : spot.index]
        if hit.last < spot.index and not any(i.kind == "quantity" or i.key == ";" for i in between):
            return True
    return False


def is_foreseen(spot: Spot) -> bool:
    """Whether a word such as "could" or "support" stands before the figure in its clause."""
    for hit in spot.hits("chart_level/strong"):
        between = spot.items[hit.last + 1 : spot.index]
        if (
            hit.last < spot.index
            and len(between) < 12
            and (spot.key(-1) != "from" or len(between) <= 2)
            and not any(item.key in (";", ",", ":") for item in between)
        ):
            return True
    return False
