"""Names of assets in a sentence: groups of them, lists by their order, sums in coins."""

from __future__ import annotations

import msgspec

from undertow.claims.mentions import QUOTES
from undertow.claims.sentences import Item
from undertow.claims.spot import figure_of, words
from undertow.claims.units import unit_class

_JOINERS = frozenset([",", "and", "&", "/", "+", "or"])


_LEFT_OUT = ("excluding", "except", "without", "besides", "ex")


class Names(msgspec.Struct, frozen=True):
    """Assets named together, and where."""

    first: int
    last: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "+".join(self.names)


def named_groups(items: list[Item]) -> list[Names]:
    """Assets of a sentence; those joined by commas and ``and`` as one group."""
    groups: list[Names] = []
    left_out = -1
    for index, item in enumerate(items):
        if item.mention is None or item.key != "@":
            continue
        is_with_left_out = left_out >= 0 and _joins(items[left_out + 1 : index])
        if is_with_left_out or (index and items[index - 1].key in _LEFT_OUT):
            left_out = index
            continue
        name = item.mention.name
        last = groups[-1] if groups else None
        if last is not None and index == last.last + 1:  # "the stablecoin USDe"
            groups[-1] = Names(last.first, index, (name,))
        elif last is not None and _joins(items[last.last + 1 : index]):
            names = last.names if name in last.names else (*last.names, name)
            groups[-1] = Names(last.first, index, names)
        else:
            groups.append(Names(index, index, (name,)))
    return groups


def _joins(between: list[Item]) -> bool:
    return len(between) <= 2 and all(item.key in _JOINERS for item in between)


def in_clause(items: list[Item], index: int, group: Names) -> bool:
    """Whether no semicolon parts a figure from a name."""
    low, high = sorted((index, group.first))
    return all(item.key != ";" for item in items[low:high])


def in_aside(items: list[Item], name: int, index: int) -> bool:
    """Whether a name stands in a clause that ended: ``Tesla, which held bitcoin, fell 2.5%``."""
    start = next((at for at in range(name, 0, -1) if items[at].key in (",", ";", ".")), 0)
    is_clause = start > 0 and items[start + 1].key in ("which", "who", "whose", "where")
    return is_clause and any(item.key == "," for item in items[name + 1 : index])


def is_near(items: list[Item], index: int, group: Names) -> bool:
    """Whether a name stands near behind a figure."""
    between = items[index : group.first]
    is_cut = any(item.key in (";", "while", "whereas", "but") for item in between)
    return items[group.first].place < items[index].place + 12 and not is_cut


def coins_before(items: list[Item], index: int) -> list[Names]:
    """Sums of coins before a price: ``397 BTC at an average of``."""
    found = []
    for at, item in enumerate(items[:index]):
        if item.quantity is None or unit_class(item.quantity) != "coin":
            continue
        if item.quantity.unit not in QUOTES:
            found.append(Names(at, at, (item.quantity.unit,)))
    return found


def following(items: list[Item], index: int, groups: list[Names]) -> Names | None:
    """The name that belongs to a figure from behind: ``$445 million of it Bitcoin``."""
    links = words("beside", "asset_links")
    for group in groups:
        if index < group.first <= index + 7:
            between = items[index + 1 : group.first]
            is_next = not between and _starts_statement(items, group)
            if all(item.key in links for item in between) and not is_next:
                return group
    return None


def _starts_statement(items: list[Item], group: Names) -> bool:
    """A name straight behind a figure may begin what comes next: ``(5%) Bitcoin fell``."""
    after = items[group.last + 1].key if group.last + 1 < len(items) else ""
    return after in ("fell", "lost", "was", "is", "at", "#", "(", "had")


def respectively(items: list[Item], index: int, groups: list[Names]) -> str | None:
    """The asset at the figure's place in a list of as many figures as assets."""
    unit = figure_of(items[index]).unit
    run = [index]
    for step in (-1, 1):
        at = index + step
        while 0 <= at < len(items) and _in_list(items[at]):
            if items[at].quantity is not None and figure_of(items[at]).unit == unit:
                run.append(at)
            at += step
    run.sort()
    if len(run) < 2:
        return None
    for group in reversed(groups):
        if group.last < run[0] and len(group.names) == len(run):
            return group.names[run.index(index)]
    return None


def _in_list(item: Item) -> bool:
    hedges = words("beside", "hedges")
    return item.kind == "quantity" or item.key in _JOINERS or item.key in hedges or item.key == "to"
