"""Two runs beside each other: the figures of both, what sets the runs apart, how they differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from undertow.lab.summary import Summary, summary

if TYPE_CHECKING:
    from undertow.lab.run import Run

# Of these the difference is one of points: "a third less" of a share says little.
PARTS = ("share", "fraction")
UNCHANGED = "as is"


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure of two runs; NaN where a run does not have it."""

    name: str
    unit: str
    first: float
    second: float

    @property
    def change(self) -> float:
        """Second over first, less 1; NaN where the first is zero or one is not known.

        For shares and fractions second less first instead.
        """
        if self.unit in PARTS:
            return self.second - self.first
        return self.second / self.first - 1 if self.first else float("nan")

    def as_json(self) -> dict[str, Any]:
        """The figure with its change for JSON, which has no NaN: null instead."""
        values = {"name": self.name, "unit": self.unit, "first": self.first,
                  "second": self.second, "change": self.change}  # fmt: skip
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in values.items()
        }


def compare_runs(first: Run, second: Run) -> list[Headline]:
    """The figures of two runs side by side, the same that `crash` prints, each over its whole run.

    Raises
    ------
    NotRecorded
        When a run's tape has no prices.
    """
    return side_by_side(*(summary(one, brief=True) for one in (first, second)))


def side_by_side(first: Summary, second: Summary) -> list[Headline]:
    """The figures of two summaries side by side: those of the first, then what only one has."""
    one, other = first.figures(), second.figures()
    nothing = (math.nan, "")
    return [
        Headline(name, (one.get(name) or other[name])[1],
                 one.get(name, nothing)[0], other.get(name, nothing)[0])
        for name in dict.fromkeys([*one, *other])
    ]  # fmt: skip


def names_of(first: Run, second: Run) -> tuple[str, str]:
    """What to call two runs: by what sets them apart, ``as is`` and ``max_leverage=20``.

    The names of their folders where nothing that is known does.
    """
    told = [_settings(one) for one in (first, second)]
    names = []
    for own, other in (told, told[::-1]):
        apart = [text for key, text in own.items() if other.get(key) != text]
        names.append(", ".join(apart) or UNCHANGED)
    return (first.id, second.id) if names[0] == names[1] else (names[0], names[1])


def _settings(run: Run) -> dict[str, str]:
    about = run.about
    changes = {key: f"{key}={value}" for key, value in about.get("changes", {}).items()}
    return {
        "scenario": str(about["scenario"]), "path": f"{about['path']} path", **changes,
        "seed": f"seed {about['seed']}", "code": f"code {about.get('code', 'unknown')}",
    }  # fmt: skip
