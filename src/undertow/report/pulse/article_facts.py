"""What an article may speak of: recorded figures, reports that hold, dated events; by id."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from undertow.measures.as_of import DAY_NS
from undertow.report.figures import Figure, format_date, format_time
from undertow.report.pulse.article_text import Note
from undertow.report.pulse.assemble import Pulse
from undertow.report.pulse.reported import Reported, latest
from undertow.report.pulse.view import View, time_ns_of


@dataclass(frozen=True)
class Event:
    """A dated event of the window; ``when`` as exactly as the tape knows it, over at ``end_ns``."""

    id: str
    when: str
    end_ns: int
    title: str
    source: str


@dataclass(frozen=True)
class Facts:
    """All that the templates ask."""

    pulse: Pulse

    @property
    def view(self) -> View:
        """Tape, moment and window."""
        return self.pulse.view

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Figures that the tape could answer, by id."""
        return {key: item for key, item in self.pulse.figures.items() if item.recorded}

    @cached_property
    def unrecorded(self) -> list[Figure]:
        """Figures that it could not."""
        return [item for item in self.pulse.figures.values() if not item.recorded]

    def get(self, key: str) -> Figure | None:
        """A recorded figure, or None."""
        return self.figures.get(key)

    def reported(
        self, metric: str, asset: str, side: str = "both", window: str | None = "24h"
    ) -> Reported | None:
        """The last report of the day before that holds, over all venues; None without one."""
        return latest(
            self.pulse.reported, metric, asset, side=side, window=window, within_ns=DAY_NS,
            at=self.view.at_ns,
        )  # fmt: skip

    def reports(self, metric: str, asset: str = "ALL", side: str = "both") -> list[Reported]:
        """All reports of a quantity, wrong ones too, in the order of their times."""
        return [
            item for item in self.pulse.reported
            if (item.metric, item.asset, item.side) == (metric, asset, side)
        ]  # fmt: skip

    @cached_property
    def events(self) -> list[Event]:
        """Dated events of the window, in their order; a day counts when it touches the window."""
        view = self.view
        rows = view.tape.until(view.at_ns).slice(view.start_ns).events.sort("ts").collect()
        rows = rows.filter(pl.col("kind").cast(pl.String) != "gap")
        found = []
        for number, row in enumerate(rows.iter_rows(named=True), 1):
            at_ns, is_day = time_ns_of(row["ts"]), row["precision"] == "day"
            text = format_date(at_ns) if is_day else format_time(at_ns)
            found.append(
                Event(f"event.{number}", text, at_ns + is_day * DAY_NS, row["title"], row["source"])
            )
        return found

    def note(self, number: int, source: str) -> Note:
        """What stands behind the id of a figure, a report or an event."""
        if source in self.pulse.figures:
            return Note(number, source, "measure", _measure_text(self.pulse.figures[source]))
        for event in self.events:
            if event.id == source:
                return Note(
                    number, source, "event", f"{event.when}: {event.title} ({event.source})"
                )
        item = next(item for item in self.pulse.reported if item.id == source)
        why = f": {item.reason}" if item.reason else ""
        text = (
            f"{item.publisher}, {item.quantity}: {item.figure}, as of {item.as_of}."
            f" Verdict: {item.verdict or 'none'}{why}."
        )
        return Note(number, source, "report", text, item.url)


def _measure_text(figure: Figure) -> str:
    when = "" if figure.as_of_ns is None else format_time(figure.as_of_ns)
    where = ", ".join(word for word in (figure.place, figure.window, when) if word)
    note = f" {figure.note.rstrip('.')}." if figure.note else ""
    return f"{figure.label}: {figure.text()}. Measured: {figure.definition}. {where}.{note}"
