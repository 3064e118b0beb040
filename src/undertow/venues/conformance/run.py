"""Run vectors: find what answers them, compare, and say what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from undertow.errors import UndertowError
from undertow.venues.conformance import adl_theory, binance, bybit, exchanges, hyperliquid
from undertow.venues.conformance.compare import Difference, differences, text
from undertow.venues.conformance.shapes import Answer, Inputs, Shape
from undertow.venues.conformance.vectors import Vector

SYSTEMS: Mapping[str, Sequence[Shape]] = {
    "adl_theory": adl_theory.SHAPES,
    "binance_coinm": binance.COINM,
    "binance_usdm": binance.USDM,
    "bitget": exchanges.BITGET,
    "bitmex": exchanges.BITMEX,
    "bybit": bybit.SHAPES,
    "deribit": exchanges.DERIBIT,
    "gate": exchanges.GATE,
    "htx": exchanges.HTX,
    "hyperliquid": hyperliquid.SHAPES,
    "lighter": exchanges.LIGHTER,
    "okx": exchanges.OKX,
}
REFERENCES = ("funding",)  # inputs that may name another vector; any other text is a value


@dataclass(frozen=True)
class Failure:
    """One line: a value that differs, or the reason why nothing was computed."""

    id: str
    system: str
    key: str | None
    expected: str | None
    got: str | None
    tolerance: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.id}: {self.reason}"


@dataclass(frozen=True)
class Outcome:
    """What a file's vectors came to; counts are of vectors, a vector may fail in several keys."""

    passed: int
    failed: int
    failures: list[Failure]
    by_system: dict[str, tuple[int, int]]

    def as_json(self) -> dict[str, Any]:
        """Counts, counts per system, and every failure."""
        systems = {
            printable(name): {"passed": good, "failed": bad}
            for name, (good, bad) in self.by_system.items()
        }
        failures = [vars(failure) for failure in self.failures]
        counts = {"passed": self.passed, "failed": self.failed}
        return {**counts, "systems": systems, "failures": failures}


def run(vectors: Sequence[Vector]) -> Outcome:
    """Every vector through the public functions; nothing is skipped."""
    by_id = {vector.id: vector for vector in vectors}
    failures: list[Failure] = []
    counts: dict[str, tuple[int, int]] = {}
    for vector in vectors:
        found = check(vector, by_id)
        good, bad = counts.get(vector.system, (0, 0))
        counts[vector.system] = (good, bad + 1) if found else (good + 1, bad)
        failures += found
    failed = sum(bad for _, bad in counts.values())
    return Outcome(len(vectors) - failed, failed, failures, counts)


def check(vector: Vector, by_id: Mapping[str, Vector]) -> list[Failure]:
    """What is wrong with the answer to one vector; nothing if it passes."""
    if vector.fault:
        return [_failure(vector, vector.fault)]
    shapes = SYSTEMS.get(vector.system)
    if shapes is None:
        return [_failure(vector, f"unknown system {vector.system}")]
    answer = _answer(shapes, vector.inputs)
    if answer is None:
        names = ", ".join(sorted(vector.inputs))
        return [_failure(vector, f"unknown inputs for {vector.system}: {names}")]
    try:
        got = answer(_resolved(vector, by_id))
    except UndertowError as error:
        return [] if vector.must_be_refused else [_failure(vector, f"refused: {error}")]
    if vector.must_be_refused:
        return [_failure(vector, f"expected a refusal, got {text(got)}")]
    return [_differs(vector, one) for one in differences(vector.expected, got, vector.tolerance)]


def _answer(shapes: Sequence[Shape], inputs: Inputs) -> Answer | None:
    keys = frozenset(inputs)
    return next((shape.answer for shape in shapes if shape.fits(keys)), None)


def _resolved(vector: Vector, by_id: Mapping[str, Vector]) -> dict[str, Any]:
    """The inputs; where one names another vector of the system, that one's inputs."""
    values = dict(vector.inputs)
    for key in REFERENCES:
        name = values.get(key)
        other = by_id.get(name) if isinstance(name, str) else None
        if other is not None and other is not vector and other.system == vector.system:
            values[key] = other.inputs
    return values


def _differs(vector: Vector, found: Difference) -> Failure:
    key, expected, got, tolerance = map(printable, found)
    reason = f"{key}: expected {expected}, got {got} (tolerance {tolerance})"
    names = printable(vector.id), printable(vector.system)
    return Failure(*names, key, expected, got, tolerance, reason)


def _failure(vector: Vector, reason: str) -> Failure:
    names = printable(vector.id), printable(vector.system)
    return Failure(*names, None, None, None, None, printable(reason))


def printable(text: str) -> str:
    """Text of a file on one line, with what no terminal can write as its escape."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())
