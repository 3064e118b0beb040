"""Extraction: an article in, its claims out."""

from __future__ import annotations

from collections import Counter

from undertow.claims.article import Article
from undertow.claims.choosing import choose
from undertow.claims.claim import Claim
from undertow.claims.context import Choice, Memory
from undertow.claims.dates import iso_day, published_day
from undertow.claims.kinds import teaser_starts
from undertow.claims.leftovers import settle_leftovers
from undertow.claims.making import Maker
from undertow.claims.mention_rules import mentions
from undertow.claims.mentions import Mention
from undertow.claims.quantities import MOST_FIGURES
from undertow.claims.ranges import quantities
from undertow.claims.scale import mark_missing, mend_prices, settle_scales
from undertow.claims.sentences import Sentence, looks_spun, sentences
from undertow.claims.statements import MOST_STATEMENTS, phrase_book, statements
from undertow.claims.timephrases import time_phrases
from undertow.claims.topic import titled_figures, topic_of
from undertow.claims.unit_names import borrow_units, with_coins

Chosen = list[tuple[Sentence, dict[int, Choice]]]


def extract(article: Article) -> list[Claim]:
    """Every figure of an article that is about a known metric, in the text's order.

    Figures about nothing known, causes and superlatives are claims of the metric ``other``; the
    latter two have no value. The same article always gives the same claims. `Claim.note` tells
    which phrases decided, or why an uncertain reading was chosen.

    Parameters
    ----------
    article
        Only its ``text`` is read for figures; title and date help to understand them.
    """
    text = article.text
    is_spun = looks_spun(text)
    times, names = time_phrases(text), mentions(text)
    figures = with_coins(quantities(text, times)[:MOST_FIGURES], names, text)
    topic, memory = topic_of(article.title or ""), Memory({})
    chosen: Chosen = []
    coin = ""
    for number, sentence in enumerate(sentences(text, times, figures, names, is_spun)):
        coin = borrow_units(sentence, coin)
        mend_prices(sentence)
        mark_missing(sentence)
        chosen.append((sentence, choose(sentence, number, memory, topic)))
    settle_leftovers(chosen)
    settle_scales(chosen, titled_figures(article.title or ""))
    return _claims(article, chosen, _assets(names, article.title), is_spun)


def _claims(article: Article, chosen: Chosen, assets: list[str], is_spun: bool) -> list[Claim]:
    maker = Maker(
        text=article.text, assets=assets, published=iso_day(article.published),
        day=published_day(article.published), publisher=article.publisher,
        teasers=teaser_starts(article.text), is_spun=is_spun,
    )  # fmt: skip
    book = phrase_book()
    claims: list[Claim] = []
    said = 0
    for sentence, choices in chosen:
        for index, choice in choices.items():
            claims += maker.claims_of(sentence, index, choice)
        if said < MOST_STATEMENTS and not sentence.is_cell:
            stated = statements(sentence, book, article.text, maker.published, article.publisher)
            said += len(stated)
            claims += stated
        maker.remember(sentence)
    return sorted(claims, key=lambda claim: claim.start)


def _assets(names: list[Mention], title: str | None) -> list[str]:
    """The assets of the text and its title, the most named first."""
    said = Counter(name.name for name in names if name.what == "asset")
    said.update(name.name for name in mentions((title or "")[:400]) if name.what == "asset")
    return [name for name, _ in said.most_common()]
