"""The pulse in prose: put together from templates, every number with its source."""

from __future__ import annotations

import undertow
from undertow.report.figures import format_time
from undertow.report.pulse import article_leverage, article_market, article_outlook
from undertow.report.pulse.article_facts import Facts
from undertow.report.pulse.article_text import Article, Part, numbered
from undertow.report.pulse.assemble import Pulse

PARTS = (
    article_market.key_figures,
    article_market.what_moved,
    article_leverage.derivatives,
    article_leverage.defi,
    article_leverage.flows,
    article_outlook.levels,
    article_outlook.signals,
    article_outlook.unknown,
    article_outlook.questions,
    article_outlook.risk,
)


def article(pulse: Pulse) -> Article:
    """A market text about the moment of a pulse.

    It says what the figures say and where a figure is missing; there is no advice in it and no
    number that is not a figure of the pulse, a published report or a dated event.
    """
    facts = Facts(pulse)
    title, lead = article_market.title(facts), article_market.lead(facts)
    parts: list[Part] = [part for make in PARTS if (part := make(facts)).sentences]
    sentences = [*lead, *(sentence for part in parts for sentence in part.sentences)]
    notes = [facts.note(number, source) for source, number in numbered(sentences).items()]
    view = pulse.view
    name = view.tape.manifest.title or "Market pulse"
    return Article(
        title=title,
        dateline=f"Market pulse · {name} · {view.window} to {format_time(view.at_ns)}",
        lead=lead,
        parts=parts,
        notes=notes,
        footer=f"Made by Undertow {undertow.__version__} from recorded data.",
    )
