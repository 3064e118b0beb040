"""A metric of one's own, and a second opinion."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from undertow.claims.article import Article
from undertow.claims.claim import Claim
from undertow.claims.extract import extract
from undertow.claims.metrics import add_metric, metric_named, metrics, remove_metric
from undertow.claims.opinions import Remark, with_opinion
from undertow.errors import UndertowError

HASHRATE = Article(text="The hash price of miners fell to $38 per petahash.")


@pytest.fixture
def hash_price() -> Iterator[None]:
    add_metric(
        "hash_price", meaning="Income per unit of computing.", units=["USD"], high=1000,
        asset="BTC", strong=["hash price", "hashprice"], exact=["# per petahash"],
        needs=[["hash", "hashprice"]],
    )  # fmt: skip
    yield
    remove_metric("hash_price")


def test_a_metric_can_be_added(hash_price: None) -> None:
    (claim,) = extract(HASHRATE)
    assert (claim.metric, claim.value, claim.asset) == ("hash_price", 38, "BTC")
    assert "# per petahash" in (claim.note or "")


def test_without_it_the_figure_is_about_something_else() -> None:
    assert "hash_price" not in metrics()
    assert [claim.metric for claim in extract(HASHRATE)] != ["hash_price"]


@pytest.mark.parametrize(
    ("name", "entry", "complaint"),
    [
        ("price", {"meaning": "x", "units": ["USD"]}, "exists already"),
        ("mine", {"meaning": "x", "units": ["USD"], "strnog": ["x"]}, "strnog"),
        ("mine", {"meaning": "x"}, "units"),
        ("mine", {"meaning": "x", "units": ["USD"], "strong": ["a .. b .. c .. d"]}, "two gaps"),
    ],
)
def test_a_wrong_metric_is_refused(name: str, entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(UndertowError, match=complaint):
        add_metric(name, **entry)


def test_an_unknown_metric_gets_the_nearest_name() -> None:
    assert metric_named("liquidations").window == "24h"
    with pytest.raises(UndertowError, match="did you mean 'liquidations'"):
        metric_named("liquidation")


def test_every_metric_says_what_it_means() -> None:
    for metric in metrics().values():
        assert metric.meaning.endswith(".")
        assert metric.units
        assert metric.low < metric.high


def test_a_second_opinion_adds_to_notes_and_changes_no_value() -> None:
    def doubter(article: Article, claims: list[Claim]) -> list[Remark]:
        return [Remark(0, f"doubtful in {len(article.text)} characters")]

    article = Article(text="Bitcoin fell 5% to $99,000.")
    before = extract(article)
    after = with_opinion(article, before, doubter, "doubter")
    assert (after[0].note or "").endswith("doubter: doubtful in 27 characters")
    assert after[0].value == before[0].value
    assert after[1:] == before[1:]
    with pytest.raises(UndertowError, match="no claim 7"):
        with_opinion(article, before, lambda a, c: [Remark(7, "x")], "wrong")
