"""Where everything comes from: what was assumed, what has a source, seed, version and notes."""

from __future__ import annotations

from collections.abc import Mapping

from undertow.lab.scenario_numbers import Number
from undertow.model.periods import time_text
from undertow.report.crash.view import Part, View
from undertow.report.page import Panel


def section(view: View) -> Part:
    """How the run was made, its notes, what is assumed, what has a source."""
    part = Part()
    part.panels.append(_made(view))
    notes = [str(note) for note in view.run.about.get("notes", ())]
    part.panels.append(
        Panel(title="What the run has to say", columns=["note"], rows=[[note] for note in notes],
              missing="" if notes else "Nothing.")
    )  # fmt: skip
    numbers = view.scenario.numbers
    assumed = {key: one for key, one in numbers.items() if one.assumed}
    sourced = {key: one for key, one in numbers.items() if one.source is not None}
    part.panels.append(_listed("Assumed", assumed, "why", f"{len(assumed)} numbers that no source"
                               " states"))  # fmt: skip
    part.panels.append(_listed("With a source", sourced, "source", f"{len(sourced)} numbers with"
                               " their sources"))  # fmt: skip
    return part


def _made(view: View) -> Panel:
    about, step_ns = view.run.about, view.scenario.step_ns
    changes = ", ".join(f"{key} = {value}" for key, value in about.get("changes", {}).items())
    given = about.get("given", {})
    real = about["path"] == "real"
    rows = [
        ["scenario", f"{about['scenario']}: {about['title']}"],
        ["run", str(about["id"])],
        ["seed", ", ".join(str(seed) for seed in (about["seed"], *(
            one.summary.seed for one in view.others[:20]))) + (
                " …" if len(view.others) > 20 else "")],
        ["prices", "from the real path, which the run was given" if real else "made by the run"],
        ["given", "; ".join(f"{asset}: {text}" for asset, text in given.items()) or "no path"],
        ["changed", changes or "nothing"],
        ["step", f"{step_ns / 1e9:g} s"],
        ["version", f"{about['version']}, code {about.get('code', 'not said')}"],
    ]  # fmt: skip
    return Panel(title="How it was made", columns=["", ""], rows=rows)


def _listed(title: str, numbers: Mapping[str, Number], why: str, summary: str) -> Panel:
    rows = [
        [key, _value(one), one.note or "" if one.assumed else
         f"{one.source}{f' ({one.derived})' if one.derived else ''}"]
        for key, one in numbers.items()
    ]  # fmt: skip
    return Panel(title=title, columns=["number", "value", why], rows=rows, numeric=(1,), wide=True,
                 folded=summary, missing="" if rows else "None.")  # fmt: skip


def _value(number: Number) -> str:
    def text(value: object) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{value:,.6g}" if is_number else str(value)

    if number.unit == "time":
        return time_text(int(number.value))
    bounds = "" if number.low is None else f" ({text(number.low)} to {text(number.high)})"
    return text(number.value) + bounds
