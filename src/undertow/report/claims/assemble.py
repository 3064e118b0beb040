"""Put the page of reconciled articles together."""

from __future__ import annotations

from collections.abc import Sequence

import undertow
from undertow.claims.reconcile import Group, Reconciliation, Source, Statement
from undertow.claims.reconcile.one_sentence import PUBLISHER, Checked
from undertow.report.claims import league, sums, timeline
from undertow.report.claims.details import about, detail, estimate_text, figure, grouped, reason
from undertow.report.claims.page import SIGNS, ClaimsPage
from undertow.report.claims.texts import annotated
from undertow.report.page import Panel, Section
from undertow.tape import Tape

FOOTER = f"Made by Undertow {undertow.__version__}. Not investment advice."
_MOST_BEST = 4


def reconciliation_page(
    sources: Sequence[Source],
    answer: Reconciliation,
    *,
    tape: Tape | None = None,
    titles: Sequence[str] = (),
) -> ClaimsPage:
    """The page of some articles and what reconciliation says of them.

    Parameters
    ----------
    sources
        The articles, in the order in which ``answer`` was made of them.
    tape
        The tape that they were held against, for its lines on the timelines.
    titles
        Headlines of the articles; may be empty.
    """
    given = [item for item in answer.statements if not item.in_library]
    panels, charts = timeline.panels(answer.groups, tape)
    sections = [
        Section("quantities", "What they disagree on", "", [_quantities(answer.groups)]),
        *_in_words(given),
        _timeline("Over time", panels),
        Section("sources", "Sources", "", league.panels(answer.statements)),
        Section("sums", "What adds up", "", sums.panels(answer.checks)),
    ]
    texts = [
        annotated(
            source, n, [s for s in given if s.id.startswith(f"A{n}.")], _at(titles, n - 1),
            _copied(source, answer),
        )
        for n, source in enumerate(sources, 1)
    ]  # fmt: skip
    return ClaimsPage(
        title="What adds up, and what the data say",
        kicker=f"Reconciled claims · {_measured(answer.tape)}",
        headline=_headline(given, len(sources)),
        counts=_counts(given),
        texts=texts,
        details=[
            detail(item, group)
            for group in answer.groups for item in group.statements if not item.in_library
        ],
        sections=sections,
        footer=FOOTER,
        charts=charts,
    )  # fmt: skip


def check_page(checked: Checked, *, tape: Tape | None = None) -> ClaimsPage:
    """The small page of one sentence: its figures on the rolling curves."""
    given = [item for item, _ in checked.statements]
    groups = list({group.id: group for _, group in checked.statements}.values())
    panels, charts = timeline.panels(groups, tape, everything=True)
    source = Source(publisher=PUBLISHER, published=checked.at, text=checked.sentence, claims=[])
    own = [_only(group, {item.id for item in given}) for group in groups]
    return ClaimsPage(
        title="One sentence, checked",
        kicker=f"Checked claim · said {checked.at} · {_measured(checked.tape)}",
        headline="; ".join(_answer(item) for item in given) + ".",
        counts=_counts(given),
        texts=[annotated(source, 1, given)],
        details=[detail(item, group) for item, group in checked.statements],
        sections=[
            _timeline("Reported dots", panels),
            Section("quantities", "Held against", "", [_quantities(own)]),
        ],
        footer=FOOTER,
        unfolded=True,
        charts=charts,
    )


def _answer(item: Statement) -> str:
    return f"{figure(item)}, {about(item)}: {item.verdict}"


def _only(group: Group, asked: set[str]) -> Group:
    """The group with the best estimates of the statements that were asked for."""
    import msgspec

    best = [item for item in group.best if asked & set(item.statements)]
    return msgspec.structs.replace(group, best=best)


def _copied(source: Source, answer: Reconciliation) -> str:
    """That a text is another's, and what tells it."""
    mine = (copy for copy in answer.copies if copy.copy == source.publisher)
    return next((f"a copy of {copy.original}: {copy.why}" for copy in mine), "")


def _at(titles: Sequence[str], number: int) -> str:
    return titles[number] if number < len(titles) else ""


def _measured(tape: str | None) -> str:
    return f"measured on the tape {tape}" if tape else "no tape of that time, so nothing measured"


def _counts(given: Sequence[Statement]) -> dict[str, int]:
    verdicts = [str(item.verdict) for item in given]
    return {verdict: verdicts.count(verdict) for verdict in SIGNS if verdict in verdicts}


def _headline(given: Sequence[Statement], texts: int) -> str:
    counts = _counts(given)
    holds = counts.get("consistent", 0) + counts.get("explained", 0)
    wrong = counts.get("contradicted", 0)
    rest = len(given) - holds - wrong
    figures = "1 figure" if len(given) == 1 else f"{len(given)} figures"
    where = "1 text" if texts == 1 else f"{texts} texts"
    if not given:
        return f"No figures in {where}."
    said = [
        (holds, f"{holds} hold{'s' * (holds == 1)}"),
        (wrong, f"{wrong} {'is' if wrong == 1 else 'are'} contradicted"),
        (rest, f"{rest} cannot be judged"),
    ]
    return f"{figures} in {where}: {', '.join(text for count, text in said if count)}."


def _quantities(groups: Sequence[Group]) -> Panel:
    """One row per quantity that the articles speak of: best estimate, reasons, conflicts."""
    rows = []
    for group in groups:
        given = sum(not item.in_library for item in group.statements)
        if not given:
            continue
        best = [f"{item.label} {estimate_text(item)}" for item in group.best[:_MOST_BEST]]
        rows.append(
            [group.title, str(given), str(len(group.statements) - given), "\n".join(best) or "none",
             ", ".join(group.explained_by), "\n".join(map(grouped, group.conflicts))]
        )  # fmt: skip
    rows.sort(key=lambda row: (not row[5], -int(row[1])))
    return Panel(
        wide=True,
        columns=["quantity", "here", "library", "best estimate", "explained by", "in conflict"],
        rows=rows,
        numeric=(1, 2),
        caption="“Here” counts the figures of these texts, “library” those that were published"
        " about the same quantity elsewhere.",
    )


def _in_words(given: Sequence[Statement]) -> list[Section]:
    """Causes and superlatives, each with what its verdict rests on; no section without any."""
    rows = [
        [f"“{item.claim.span}”", item.publisher, item.verdict, grouped(reason(item))]
        for item in given
        if item.family == "in words"
    ]
    titles = ["said", "source", "verdict", "what the data say"]
    panel = Panel(wide=True, columns=titles, rows=rows)
    return [Section("words", "Causes and superlatives", "", [panel])] if rows else []


def _timeline(title: str, panels: list[Panel]) -> Section:
    if panels:
        return Section("timeline", title, timeline.LEAD, panels)
    nothing = Panel(missing="Nothing to draw: no second report of the same thing, and no tape.")
    return Section("timeline", title, "", [nothing])
