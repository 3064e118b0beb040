"""What a claim is about: families of metrics, aspects, who holds, and which venues count."""

from __future__ import annotations

import re
from collections.abc import Mapping

from undertow.claims.claim import Claim

FAMILIES = {
    "price": "price",
    "price_change": "price",
    "liquidations": "liquidations",
    "liquidation_share": "liquidations",
    "traders_liquidated": "traders liquidated",
    "largest_liquidation": "largest liquidation",
    "market_cap": "market cap",
    "market_cap_change": "market cap",
    "open_interest": "open interest",
    "open_interest_change": "open interest",
    "depth": "depth",
    "depth_change": "depth",
    "holdings": "treasury",
    "holdings_change": "treasury",
    "debt": "treasury",
    "average_cost": "treasury",
    "loss": "loss",
    "exposure": "exposure",
    "chart_level": "outlook",
    "odds": "outlook",
    "seasonal_return": "outlook",
}
# Families in which one venue is another quantity than all of them.
BY_VENUE = (
    "liquidations", "largest liquidation", "open interest", "depth", "volume", "funding rate",
    "basis", "spread",
)  # fmt: skip
BY_HOLDER = ("treasury", "loss", "exposure", "tvl", "other")
# What stays of a figure when another crash comes: no splitting by event.
LASTING = ("treasury", "loss", "outlook", "other", "tvl")
NOT_NAMED = "not named"
WITHOUT_FIGURE = ("superlative", "causal")
NOT_FACTS = ("forecast", "level")
LEFT_OUT = ("offtopic", "context")

# The library's finer words, as the metric and the aspect that they are.
LIBRARY_METRICS: dict[str, tuple[str, str]] = {
    "liquidations": ("liquidations", ""),
    "lending_liquidations": ("liquidations", ""),
    "pending_liquidations": ("other", ""),
    "liq_share": ("liquidation_share", ""),
    "liq_traders": ("traders_liquidated", ""),
    "liq_largest_order": ("largest_liquidation", ""),
    "price_low": ("price", "low"),
    "price_high": ("price", "high"),
    "price_before": ("price", "before"),
    "price_after": ("price", "spot"),
    "price_spot": ("price", "spot"),
    "stock_price": ("price", "spot"),
    "stablecoin_price": ("price", "spot"),
    "pct_change": ("price_change", "change"),
    "depeg_pct": ("price_change", "change"),
    "token_change_pct": ("price_change", "change"),
    "stock_change_pct": ("price_change", "change"),
    "avg_token_drawdown": ("other", ""),
    "market_cap": ("market_cap", "level"),
    "stablecoin_supply": ("market_cap", "level"),
    "market_cap_loss": ("market_cap_change", "change"),
    "open_interest": ("open_interest", "level"),
    "open_interest_before": ("open_interest", "before"),
    "open_interest_after": ("open_interest", "after"),
    "oi_change": ("open_interest_change", "change"),
    "oi_change_pct": ("open_interest_change", "change"),
    "depth": ("depth", "level"),
    "depth_before": ("depth", "before"),
    "depth_after": ("depth", "after"),
    "depth_trough": ("depth", "low"),
    "depth_change_pct": ("depth_change", "change"),
    "etf_flow": ("etf_flow", ""),
    "fear_greed": ("fear_greed", ""),
    "dominance": ("dominance", ""),
    "spread": ("spread", ""),
    "basis": ("basis", ""),
    "funding_rate": ("funding_rate", ""),
    "treasury_btc": ("holdings", "held"),
    "treasury_value": ("holdings", "value"),
    "treasury_sale": ("holdings_change", "sold"),
    "treasury_purchase": ("holdings_change", "bought"),
    "treasury_avg_cost": ("average_cost", "cost"),
    "reserve_before": ("holdings", "held"),
    "reserve_after": ("holdings", "held"),
    "reserve_sold": ("holdings_change", "sold"),
    "forced_sale": ("holdings_change", "sold"),
    "lth_sold": ("holdings_change", "sold"),
    "debt_before": ("debt", "debt"),
    "debt_after": ("debt", "debt"),
    "debt_nav_ratio": ("other", "debt to assets"),
    "stablecoin_backing_share": ("other", "backing share"),
    "defi_loss": ("loss", ""),
    "bad_debt": ("loss", ""),
    "negative_equity": ("loss", "negative equity"),
    "defi_exposure": ("exposure", ""),
    "forced_closures": ("liquidations", "with deleveraging"),
    "timeline": ("timeline", "time"),
}

_LONG_TERM = re.compile(r"\blth\b|long-term hold|month wallets", re.IGNORECASE)
_WHOLE_MARKET = re.compile(
    r"^(all|all exchanges|all venues|exchanges?|total|market|several exchanges|major exchanges"
    r"|16 exchanges|coinglass|.* coverage|binance\+.*|.*universe)$",
    re.IGNORECASE,
)
_PERPETUALS = re.compile(r"\bperp", re.IGNORECASE)
_FUTURES = re.compile(r"\bfutures\b", re.IGNORECASE)
_LOW = re.compile(
    r"\b(lows?|lowest|bottom(ed|s)?|trough|as (low|debased) as|debased|dip(ped|s)?|touch(ed|ing)?"
    r"|briefly|sank to|floor)\b",
    re.IGNORECASE,
)
_HIGH = re.compile(
    r"\b(high|highs|highest|peak(ed)?|spike[ds]?|top(ped)?|record|precocious)\b", re.I
)
_UNDER = re.compile(r"\b(below|under|beneath|nether)\b", re.IGNORECASE)
_BEFORE = re.compile(r"\b(from|previous|prior|earlier|before|yesterday|opened at)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d[\d,.]*[kK]?")
_NOW = re.compile(r"\b(then|rebound\w*|recover\w*|now|last at|currently|back)\b", re.IGNORECASE)
_FALL_TO = re.compile(
    r"\b(fell|falls?|slip\w*|drop\w*|slid\w*|sank|sink\w*|plung\w*|tumbl\w*|crash\w*|driblet"
    r"|came down|went down|declin\w*|div(ed|ing)|low is)\b[^.;]*\bto\b[^.;]{0,20}$",
    re.IGNORECASE,
)
_TO = re.compile(r"^\W*(and )?to\b", re.IGNORECASE)
_FROM = re.compile(r"\b(from|fell|went|fall)\b", re.IGNORECASE)
_LOW_AFTER = re.compile(
    r"^\W*(the |its |a )?(lows?|bottom|lowest|least|unseen since|not seen since)\b", re.IGNORECASE
)
_COMPANY = re.compile(r"^[A-Z][\w'.&-]*( \d+)?")


def family_of(claim: Claim) -> str:
    """Family of a claim: what is compared with one another."""
    if claim.kind in WITHOUT_FIGURE:
        return "in words"
    if claim.kind in NOT_FACTS:
        return "outlook"
    return FAMILIES.get(claim.metric, claim.metric.replace("_", " "))


def subject_of(claim: Claim, family: str) -> str:
    """The asset, or the holder where it is about one."""
    if family in BY_HOLDER and claim.metric != "other":
        return holder_of(claim.venue)
    asset = (claim.asset or "ALL").strip()
    if family == "market cap" and asset == "ALL":
        return "TOTAL"
    if family == "open interest" and asset.startswith("ALL"):
        return "ALL"
    return asset


def holder_in(known: Mapping[str, str], sentence: str, place: int) -> str | None:
    """The known holder that a sentence names last before a place, else first after it.

    Parameters
    ----------
    known
        Names in lower case, with the holder each stands for.
    """
    lowered = sentence.lower()
    found = [
        (match.start(), holder)
        for name, holder in known.items()
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", lowered)
    ]
    before = [item for item in found if item[0] <= place]
    if before:
        return max(before)[1]
    return min(found)[1] if found else None


def holder_of(venue: str | None) -> str:
    """One name for a holder: ``Stream Finance`` and ``Stream total direct debt`` are Stream."""
    text = (venue or "").strip()
    if _LONG_TERM.search(text):
        return "long-term holders"
    match = _COMPANY.match(text)
    return match[0].split("+")[0] if match else text or NOT_NAMED


def scope_of(claim: Claim, family: str, ahead: str = "") -> str:
    """``all``, ``perps`` or the name of one venue; ``ahead`` is the sentence up to the figure."""
    venue = (claim.venue or "").strip()
    if family not in BY_VENUE:
        return "all"
    is_said = not venue and family == "open interest" and _PERPETUALS.search(ahead[-90:])
    if _PERPETUALS.search(venue) or claim.asset == "ALL_PERPS" or is_said:
        return "perps"
    if not venue or _WHOLE_MARKET.match(venue) or _FUTURES.search(venue):
        return "all"
    return venue.split(" ")[0]


def price_aspect(claim: Claim, before: str, after: str) -> str:
    """low, high, before, level or spot, from the window and the words around the figure.

    Only words since the number before count: in "a top of 3,649 to 3,097" the top is the first.
    """
    if claim.unit != "USD":
        return "change"
    window = (claim.window or "").lower()
    if "ath" in window.split() or "high" in window or "record" in window:
        return "high"
    if "low" in window.split():
        return "low"
    parts = _NUMBER.split(before[-90:])
    near, earlier = parts[-1][-60:], parts[-2] if len(parts) > 1 else ""
    if claim.qualifier in ("<", "<=") and not re.search(r"\blows?\b|lowest", near, re.IGNORECASE):
        return "level"
    is_with_percent = near.startswith("%")  # "fell 10 % to 3,275": where it stands
    if _TO.match(near) and _FROM.search(earlier) and not is_with_percent:
        return "low"
    cues = [("spot", _NOW), ("high", _HIGH), ("low", _LOW), ("level", _UNDER)]
    cues += [] if is_with_percent else [("low", _FALL_TO)]
    found = [(match.start(), name) for name, cue in cues for match in cue.finditer(near)]
    if found:
        return max(found)[1]  # the word nearest to the figure
    if _LOW_AFTER.search(after[:40]):
        return "low"
    if re.match(r"^[\w\s]{0,12}\b(highs?|peak|record)\b", after[:25], re.IGNORECASE):
        return "high"
    return "before" if _BEFORE.search(near[-14:]) else "spot"


def aspect_of(claim: Claim, family: str, before: str, after: str) -> str:
    """What of the subject: a side, a share, low or high, held or sold, level or change."""
    if family == "liquidations":
        side = claim.side if claim.side in ("long", "short") else "both"
        return f"{side} share" if claim.unit == "pct" else side
    if family == "exposure":
        return holder_of(claim.venue)
    if family == "price":
        return price_aspect(claim, before, after)
    if claim.metric == "holdings_change":
        sold = claim.side == "sell" or (claim.value or 0) < 0
        return "sold" if sold else "bought"
    if claim.metric == "holdings":
        return "value" if claim.unit == "USD" else "held"
    if claim.metric == "average_cost":
        return "cost"
    if claim.metric == "other":
        return _ratio(before, after)
    if claim.metric in ("market_cap", "open_interest", "depth"):
        return "level"
    return "change" if claim.metric.endswith("_change") else claim.metric.replace("_", " ")


def _ratio(before: str, after: str) -> str:
    around = f"{before[-90:]} {after[:60]}".lower()
    if re.search(r"debt[- ]to|loan[- ]to|\bnav\b|net asset value|debt ratio", around):
        return "debt to assets"
    if re.search(r"\bback(s|ed|ing)?\b", around):
        return "backing share"
    return ""
