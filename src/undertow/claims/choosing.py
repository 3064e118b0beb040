"""Chooses what each figure of a sentence is about, by the phrases near it.

Every metric that allows the figure's unit and size gets a score: the best phrase of each of its
lists counts with its weight, less the further away it stands; a phrase that holds the figure counts
in full. The figure's form, the figure before it and the article's title count too. The reasons are
kept with the choice.
"""

from __future__ import annotations

from collections import defaultdict

from undertow.claims.context import Choice, Memory, Topic
from undertow.claims.form import fit, is_owned, level_or_change
from undertow.claims.guessing import EVERYTHING, guessed
from undertow.claims.mentions import price_range
from undertow.claims.metrics import OTHER, Metric, metrics, phrase_book
from undertow.claims.neighbours import settle_neighbours
from undertow.claims.phrases import Hit
from undertow.claims.sentences import Sentence
from undertow.claims.spot import Spot, figure_of, nearness, words
from undertow.claims.units import PRICES, in_dollars, unit_class
from undertow.claims.weighing import ANY_FUNDS, allows, needs_bonus, score_of

NEED_REACH = 40.0  # further off a word does not count as "near"
LEAST = 1.7  # with less, a figure is about nothing known
LEAST_PHRASES = 0.3  # without any phrase of its own, a metric is not considered
# Of these a figure beyond all that is known is still what the words say: a false one. It needs
# words that leave no doubt (assumed).
_ANY_SIZE = ("liquidations", "largest_liquidation", "traders_liquidated", "open_interest", "volume",
             "dominance")  # fmt: skip
_SURE = 4.5
_OWN_FUND = 10.0  # so near, a sum is a fund's flow if no other words claim it (assumed)
_COINS = ("coin", "@", "token", "unit", "piece", "bitcoin", "btc")
_STANDS = ("stood", "stands", "sits", "sat", "standing", "now", "ended", "closed", "is", "was")
_ABOUT = ("about", "some", "around", "over", "nearly", "almost", "roughly")
Previous = dict[str, tuple[str, float]]


def choose(sentence: Sentence, number: int, memory: Memory, topic: Topic) -> dict[int, Choice]:
    """The choice for each figure of the sentence, by item index; updates the memory."""
    figures = list(sentence.figures())
    if not figures:
        return {}
    hits: dict[str, list[Hit]] = defaultdict(list)
    for hit in phrase_book().hits(sentence.items):
        hits[hit.phrase.topic].append(hit)
    choices: dict[int, Choice] = {}
    previous: Previous = {}
    recalled = memory.recall("money", number, 2)
    for index in figures:
        spot = Spot(sentence.items, index, hits)
        is_odd = spot.kind == "price" and not _priced(spot)
        if is_odd and "price" not in previous and "money" in previous:
            previous["price"] = previous["money"]  # a small sum in a list of large ones
        choice = _best(spot, previous, memory, number, topic)
        if choice.score < LEAST or _is_no_order(spot, choice):
            absurd = _best(spot, previous, memory, number, topic, any_size=True)
            if absurd.metric in _ANY_SIZE and absurd.score >= _SURE:
                choice = absurd
            elif choice.score < LEAST:
                choice = guessed(spot, number, memory, topic)
            if is_odd and "price" in previous:
                choice = Choice(previous["price"][0], 0.0, ("as the sums before it",))
        choice = _level_if_said(spot, choice)
        choices[index] = choice
        if choice.metric != OTHER and choice.reasons != EVERYTHING:
            place = sentence.items[index].place
            previous[spot.kind] = (choice.metric, place)
            if choice.metric == "traders_liquidated":  # what they lost is a sum of liquidations
                previous["money"] = ("liquidations", place)
            memory.keep(spot.kind, choice.metric, number)
    settle_neighbours(sentence, figures, choices, recalled)
    for index, choice in choices.items():
        if choice.metric != OTHER:
            memory.keep(unit_class(figure_of(sentence.items[index])), choice.metric, number)
    return choices


def _best(
    spot: Spot,
    previous: Previous,
    memory: Memory,
    number: int,
    topic: Topic,
    *,
    any_size: bool = False,
) -> Choice:
    """The metric with most to say for it; ``any_size``: even where it was never so large."""
    best = Choice(OTHER)
    recalled = memory.recall(spot.kind, number, 1)
    for metric in metrics().values():
        if not allows(metric, spot.quantity, spot.kind, any_size=any_size):
            continue
        if metric.name in PRICES and not _priced(spot):
            continue
        if metric.name == "price_change" and _is_comparison(spot):
            continue
        if metric.name == "largest_liquidation" and not _of_closings(spot, memory, topic):
            continue
        titled = topic.bonus(metric.name, spot.quantity, spot.kind)
        of_level = _of_level(metric.name, spot.kind, previous)
        is_known = metric.name in topic.metrics or of_level or recalled == metric.name
        if metric.name == "traders_liquidated":
            is_known = is_known or memory.recall("money", number, 2) == "liquidations"
            is_known = is_known or previous.get("money", ("",))[0] == "liquidations"
        if not is_known and titled < 2 and not _has_needs(metric, spot):
            continue
        score, reasons = score_of(metric, spot)
        score += of_level + titled
        earlier = previous.get(spot.kind)
        goes_on = earlier is not None and _continues(earlier[0], metric.name)
        is_own = spot.kind == "coin" and metric.name == "holdings" and is_owned(spot)
        is_cost = metric.name == "average_cost" and _is_unit_cost(spot, previous)
        if score < LEAST_PHRASES and not (goes_on or is_cost or is_own):
            continue
        if earlier is not None and goes_on:
            score += 2.0 * nearness(spot.items[spot.index].place - earlier[1])
        elif recalled == metric.name:
            score += 0.7
        score += 7.0 if is_cost else 0.0
        form = fit(metric, spot)
        if not (goes_on and spot.kind == "price" and form < 0):
            score += form
        score += needs_bonus(metric, spot)
        if score > best.score:
            best = Choice(metric.name, score, tuple(reasons))
    return best


def _is_no_order(spot: Spot, choice: Choice) -> bool:
    """Whether a sum of liquidations is one only because no order was ever so large."""
    most = metrics()["largest_liquidation"].high
    return choice.metric == "liquidations" and in_dollars(spot.quantity) > most


def _level_if_said(spot: Spot, choice: Choice) -> Choice:
    """``crypto's worth sank to $885 billion``: a level, however much the words speak of a fall."""
    name = choice.metric.removesuffix("_change")
    is_sum = choice.metric != name and name in ("market_cap", "open_interest")
    is_level = level_or_change(spot) < 0 and _led_to(spot)
    if (
        is_sum
        and spot.kind != "pct"
        and is_level
        and allows(metrics()[name], spot.quantity, spot.kind)
    ):
        return Choice(name, choice.score, choice.reasons)
    is_by = spot.key(-1) == "by" or (spot.key(-2) == "by" and spot.key(-1) in _ABOUT)
    changed = f"{choice.metric}_change"
    if is_by and spot.kind != "pct" and choice.metric in ("market_cap", "open_interest"):
        return Choice(changed, choice.score, choice.reasons)
    return choice


def _led_to(spot: Spot) -> bool:
    """Whether ``to`` or ``stood at`` stands before a figure, with only hedges between."""
    back = -1
    while spot.key(back) in words("beside", "hedges"):
        back -= 1
    if spot.key(back) in ("to", "worth"):
        return True
    return spot.key(back) == "at" and spot.key(back - 1) in _STANDS


def _is_comparison(spot: Spot) -> bool:
    """``less than half the $64,895 of April``: no fraction that something lost."""
    of_sum = "#" in (spot.key(2), spot.key(3))
    return "words" in spot.quantity.flags and spot.key(-1) == "than" and of_sum


def _of_closings(spot: Spot, memory: Memory, topic: Topic) -> bool:
    """Whether the article has spoken of liquidations, or the sentence does."""
    said = "liquidations" in topic.metrics or "liquidations" in memory.seen
    return said or any(spot.hits(f"liquidations/{tier}") for tier in ("strong", "medium"))


def _is_unit_cost(spot: Spot, previous: Previous) -> bool:
    """``bought 5,262 BTC, $106,662 apiece``: a sum per coin behind coins that were traded."""
    traded = {previous[kind][0] for kind in ("coin", "money") if kind in previous}
    after = spot.key(1), spot.key(2)
    is_each = after[0] in ("each", "apiece") or (after[0] in ("per", "a") and after[1] in _COINS)
    buys = words("trade", "buy")
    is_paid = _stands_at(spot) and any(item.key in buys for item in spot.items[: spot.index])
    is_of_coins = bool(traded & {"holdings", "holdings_change"})
    return spot.kind == "price" and is_of_coins and (is_each or (is_paid and "coin" in previous))


def _stands_at(spot: Spot) -> bool:
    """``bought 21,550 BTC at about $98,783``."""
    back = -1
    while spot.key(back) in _ABOUT or spot.key(back) in ("~", "≈"):
        back -= 1
    return spot.key(back) == "at" and "#" in (spot.key(back - 1), spot.key(back - 2))


def _has_needs(metric: Metric, spot: Spot) -> bool:
    """Whether a word of each group is near; a written sign says as much as "outflow"."""
    is_flow = metric.name == "etf_flow" and (
        spot.quantity.sign != 0
        or any(
            spot.distance(hit) < _OWN_FUND
            for hit in spot.hits("etf_flow/needs/1")
            if hit.phrase.words[0] not in ANY_FUNDS
            or any(item.key == "@" for item in spot.items[max(0, hit.first - 3) : hit.first])
        )
    )
    is_told = is_flow or (metric.name == "loss" and _is_holders_loss(spot))
    return all(
        spot.nearest(f"{metric.name}/needs/{n}") < NEED_REACH
        for n in range(1 if is_told else 0, len(metric.needs))
    )


def _is_holders_loss(spot: Spot) -> bool:
    """``Stream Finance lost $93 million``: a venue or a protocol that lost a sum."""
    back = -1
    while spot.key(back) in _ABOUT:
        back -= 1
    if spot.key(back) not in ("lost", "loses") or spot.kind != "money" or spot.index + back < 1:
        return False
    mention = spot.items[spot.index + back - 1].mention
    return mention is not None and mention.what == "venue"


def _of_level(metric: str, kind: str, previous: Previous) -> float:
    """A percentage behind a level is its change: ``depth was $14 million, a third less``."""
    before = [previous[k][0].removesuffix("_change") for k in ("money", "price") if k in previous]
    levels = {f"{name}_change" for name in before}
    if "liquidations_change" in levels:  # of a sum of liquidations it is a share
        levels.add("liquidation_share")
    return 2.5 if kind == "pct" and metric in levels else 0.0


def _priced(spot: Spot) -> bool:
    """Whether some asset of the sentence can have that price; true where none is named."""
    named = [i.mention.name for i in spot.items if i.mention is not None and i.key == "@"]
    ranges = [price_range(name) for name in named]
    if not ranges or None in ranges or "," not in spot.quantity.digits:
        return True
    return any(r is not None and r[0] <= in_dollars(spot.quantity) <= r[1] for r in ranges)


def _continues(earlier: str, metric: str) -> bool:
    return metric == ("liquidations" if earlier == "largest_liquidation" else earlier)
