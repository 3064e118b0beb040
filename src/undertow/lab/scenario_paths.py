"""Changing one value of a scenario by its key path: ``venue.binance.insurance_fund_usd``."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from undertow.errors import UndertowError, nearest
from undertow.lab.scenario_files import AgentPart, ScenarioFile
from undertow.lab.scenario_numbers import Number
from undertow.model.assets import venue_name

NOTE = "set by the user"


def set_value(content: dict[str, Any], key: str, value: object, levers: Iterable[str] = ()) -> None:
    """Change one value in a scenario's content; the origin of a number becomes "assumed".

    Raises
    ------
    UndertowError
        For a key that no scenario has, with the nearest key or lever.
    """
    _set(ScenarioFile, content, key.split("."), value, "", levers)


def changed(value: object) -> dict[str, Any]:
    """A number that somebody set; what is no plain value (NumPy's, say) is read as text."""
    plain = value if isinstance(value, bool | int | float | str) else str(value)
    return {"value": plain, "assumed": True, "note": NOTE}


def _set(
    model: type[BaseModel], table: dict[str, Any], parts: list[str], value: object, at: str,
    levers: Iterable[str] = (),
) -> None:  # fmt: skip
    head, rest = parts[0], parts[1:]
    if head not in model.model_fields:
        known = [f"{at}{name}" for name in (*model.model_fields, *_settings(model, table, head))]
        raise UndertowError(f"unknown key '{at}{head}'{nearest(f'{at}{head}', [*known, *levers])}")
    inner = _inner(model.model_fields[head].annotation)
    here = f"{at}{head}."
    if inner is None:
        _leaf(model, table, head, rest, value, here)
        return
    shape, kind = inner
    if not rest:
        raise UndertowError(f"'{here}…': expected a key below it{_below(kind, table.get(head))}")
    if shape == "one":
        _set(kind, table.setdefault(head, {}), rest, value, here)
    elif shape == "list":
        _set_member(kind, table.get(head, []), rest, value, here)
    elif kind is Number:
        # Keys of rules contain dots.
        table.setdefault(head, {})[".".join(rest)] = changed(value)
    else:
        members = table.get(head, {})
        if rest[0] not in members:
            raise UndertowError(f"no '{here}{rest[0]}'{nearest(rest[0], members)}")
        if len(rest) == 1:
            raise UndertowError(f"'{here}{rest[0]}.…': expected a key{_below(kind, None)}")
        _set(kind, members[rest[0]], rest[1:], value, f"{here}{rest[0]}.")


def _settings(model: type[BaseModel], table: dict[str, Any], name: str) -> list[str]:
    """Settings of an agent that somebody may mean who left out ``settings``."""
    if model is not AgentPart:
        return []
    from undertow.agents import all as _all  # noqa: F401 kinds register themselves
    from undertow.agents.agent import kinds

    kind = kinds().get(str(table.get("kind")))
    known = kind.settings.model_fields if kind else table.get("settings", {})
    return [f"settings.{one}" for one in get_close_matches(name, known, n=3)]


def _set_member(
    kind: type[BaseModel], members: list[Any], rest: list[str], value: object, here: str
) -> None:
    names = [str(_name(one)) for one in members]
    wanted = rest[0] if rest[0] in names else venue_name(rest[0])
    if wanted not in names:
        raise UndertowError(f"no '{here}{rest[0]}'{nearest(rest[0], names)}")
    if len(rest) == 1:
        raise UndertowError(f"'{here}{rest[0]}.…': expected a key{_below(kind, None)}")
    _set(kind, members[names.index(wanted)], rest[1:], value, f"{here}{rest[0]}.")


def _leaf(
    model: type[BaseModel], table: dict[str, Any], name: str, rest: list[str], value: object,
    here: str,
) -> None:  # fmt: skip
    if rest and not (rest[0] in ("value", "low", "high") and len(rest) == 1):
        raise UndertowError(f"nothing is below '{here[:-1]}'")
    annotation = model.model_fields[name].annotation
    if not _holds(annotation, Number):
        table[name] = _bare(annotation, value)
        return
    old = table.get(name)
    if rest and rest[0] != "value":
        if not isinstance(old, dict):
            raise UndertowError(f"'{here[:-1]}' has no value yet")
        kept = {part: old[part] for part in ("value", "low", "high") if part in old}
        table[name] = {**kept, rest[0]: value, "assumed": True, "note": NOTE}
        return
    table[name] = changed(value)


def _bare(annotation: Any, value: object) -> object:
    """A text or whole number that stands alone."""
    if annotation is int and isinstance(value, str):
        try:
            return int(value.replace("_", ""))
        except ValueError:
            raise UndertowError(f"expected a whole number, not {value!r}") from None
    return value


def _name(one: dict[str, Any]) -> object:
    return one.get("id") or one.get("name") or one.get("asset")


def _inner(annotation: Any) -> tuple[str, Any] | None:
    """How parts lie below a field: one, a list, or by name; None for a leaf."""
    for option in (annotation, *get_args(annotation)):
        origin, inside = get_origin(option), get_args(option)
        if origin is tuple and _is_part(inside[0]):
            return "list", inside[0]
        if origin is dict and (_is_part(inside[1]) or _holds(inside[1], Number)):
            return "named", inside[1] if _is_part(inside[1]) else Number
        if _is_part(option):
            return "one", option
    return None


def _is_part(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _holds(annotation: Any, wanted: Any) -> bool:
    return annotation is wanted or any(_holds(one, wanted) for one in get_args(annotation))


def _below(kind: Any, there: Any) -> str:
    names = [str(_name(one)) for one in there] if isinstance(there, list) else list(there or ())
    if not names and _is_part(kind):
        names = list(kind.model_fields)
    return nearest("", names) if names else ""
