"""What kind of statement a figure is: fact, level, forecast, estimate, derived, off topic."""

from __future__ import annotations

from undertow.claims.sentences import Sentence
from undertow.claims.spot import words
from undertow.claims.vocabulary import plain, table

_OF_METRIC = {
    "fear_greed": "index",
    "odds": "forecast",
    "seasonal_return": "historical",
    "liquidation_share": "derived",
}
_REACH = 12


def kind_of(sentence: Sentence, index: int, metric: str, text: str, is_teaser: bool) -> str:
    """The kind of the figure at ``index``; a figure in a teaser of another story is off topic."""
    if is_teaser:
        return "offtopic"
    if metric in _OF_METRIC:
        return _OF_METRIC[metric]
    near = {item.key for item in sentence.items[max(0, index - _REACH) : index + 4]}
    foreseen = bool(near & words("kind", "forecast"))
    if metric == "chart_level":
        return "forecast" if foreseen else "level"
    if metric == "price_change" and near & words("kind", "peak"):
        return "derived"
    if near & words("kind", "estimate"):
        return "estimate"
    if near & words("kind", "conditional") and metric == "liquidations":
        return "forecast"
    return "historical" if near & words("kind", "historical") else "fact"


def teaser_starts(text: str) -> list[tuple[int, int]]:
    """The lines that lead to other stories, such as ``Read more: ...``, as (start, end)."""
    signs = tuple(table("grammar")["kind"]["offtopic"])
    found, start = [], 0
    for line in text.split("\n"):
        if plain(line[:60]).strip(" -•*#>").startswith(signs):
            found.append((start, start + len(line)))
        start += len(line) + 1
    return found
