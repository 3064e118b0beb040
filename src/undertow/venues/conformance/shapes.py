"""Shapes of test vectors: which inputs a system knows, and the function that answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from undertow.errors import UndertowError, shown

Inputs = Mapping[str, Any]
Answer = Callable[[Inputs], dict[str, Any]]


class Shape(NamedTuple):
    """Inputs that must be there, inputs that may, and what computes the answer."""

    required: frozenset[str]
    optional: frozenset[str]
    answer: Answer

    def fits(self, keys: frozenset[str]) -> bool:
        """Whether a vector with these inputs has this shape."""
        return self.required <= keys <= self.required | self.optional


def shape(answer: Answer, required: str, optional: str = "") -> Shape:
    """A shape from two lists of names, separated by blanks."""
    return Shape(frozenset(required.split()), frozenset(optional.split()), answer)


def isolated_only(inputs: Inputs) -> None:
    """Refuse a margin mode other than an isolated one."""
    mode = inputs.get("margin_mode", "isolated")
    if not isinstance(mode, str) or not mode.startswith("isolated"):
        raise UndertowError(f"margin_mode: expected 'isolated', got {shown(mode)}")


def entries(value: Any, name: str) -> list[Any]:
    """A list, or a refusal."""
    if not isinstance(value, list):
        raise UndertowError(f"{name}: expected a list, got {shown(value)}")
    return value


def rows(value: Any, name: str, length: int) -> list[Any]:
    """A list of lists of one length, or a refusal."""
    for row in entries(value, name):
        if not isinstance(row, list) or len(row) != length:
            raise UndertowError(f"{name}: expected rows of {length}, got {shown(row)}")
    return list(value)


def member(value: Any, key: str, name: str) -> Any:
    """One value of an object inside the inputs, or a refusal that names it."""
    if not isinstance(value, dict):
        raise UndertowError(f"{name}: expected an object, got {shown(value)}")
    if key not in value:
        raise UndertowError(f"{name}: '{key}' is missing")
    return value[key]
