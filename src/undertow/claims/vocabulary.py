"""The word lists of the package: how figures are written, what a market article names."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """One TOML file of ``undertow/data/claims``, by its name without the ending."""
    text = files("undertow").joinpath(f"data/claims/{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def plain(text: str) -> str:
    """Lower case, with straight quotes: what word lists are compared with."""
    return text.lower().replace("’", "'").replace("‘", "'")


@cache
def scale_words() -> dict[str, float]:
    """``bn`` to 1e9, and so on."""
    return {w: float(power) for power, words in table("numbers")["scales"].items() for w in words}


@cache
def currency_words() -> dict[str, str]:
    """``$`` to USD, and so on."""
    return {word: code for code, words in table("numbers")["currencies"].items() for word in words}


@cache
def qualifiers() -> tuple[tuple[str, str], ...]:
    """Pairs (phrase, sign), longest phrase first."""
    pairs = [(w, sign) for sign, words in table("numbers")["qualifiers"].items() for w in words]
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))
