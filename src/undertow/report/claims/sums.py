"""The arithmetic between the figures, with its sums written out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from undertow.claims.reconcile import Check
from undertow.report.page import Panel

_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
_ORDER = ("contradiction", "scale error", "different base", "ok", "implied")
COLUMNS = ["verdict", "sum", "gives", "printed", "about", "who"]


def panels(checks: Sequence[Check]) -> list[Panel]:
    """The sums that the articles are part of; those of the library alone folded away."""
    order = sorted(checks, key=lambda check: _ORDER.index(check.verdict))
    given = [check for check in order if any(name.startswith("A") for name in check.statements)]
    others = [check for check in order if check not in given]
    found = [
        Panel(
            title="Sums in and across the texts",
            wide=True,
            columns=COLUMNS,
            rows=[row(check) for check in given],
            numeric=(2, 3),
            missing="" if given else "No two figures of these texts belong into one sum.",
        )
    ]
    if others:
        found.append(
            Panel(
                title="Sums in the library's figures of the same crash",
                wide=True,
                columns=COLUMNS,
                rows=[row(check) for check in others],
                numeric=(2, 3),
                folded=f"{len(others)} sums",
            )
        )
    return found


def row(check: Check) -> list[str]:
    """A check as the columns show it."""
    # What was sold against what was repaid: nobody prints their ratio.
    is_printed = check.stated is not None and check.kind != "proceeds"
    return [
        check.verdict,
        readable(check.expression),
        _number(check.computed),
        _number(check.stated or 0.0) if is_printed else "",
        check.note,
        ", ".join(dict.fromkeys(check.publishers)),
    ]


def readable(expression: str) -> str:
    """A sum as people write it.

    Examples
    --------
    >>> readable("397*114771 = 4.55641e+07")
    '397 × 114,771 = 45,564,100'
    """
    text = _NUMBER.sub(lambda match: _number(float(match[0])), expression)
    # The words of an expression keep their hyphens: only those between numbers are minus signs.
    text = re.sub(r"(?<=[\d)])\s*([*/+<>=-]=?)\s*(?=[\d(])", lambda m: f" {_sign(m[1])} ", text)
    return text.replace("<=", "≤").replace(">=", "≥")


def _sign(sign: str) -> str:
    return {"*": "×", "/": "÷", "-": "−"}.get(sign, sign)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace("-", "−")
    digits = f"{value:,.2f}" if abs(value) >= 1000 else f"{value:,.6g}"
    return digits.replace("-", "−")
