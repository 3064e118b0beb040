"""The registry of methods, and that rules files may only name what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from undertow.errors import DataError, UndertowError
from undertow.venues import methods, rulebook

FILE = """\
venue = "mine"
title = "My venue"

[sources.page]
text = "its page"
confidence = "V"

[[revision]]
effective = { value = "2024-01-01", source = "page" }

[revision.mark]
model = { value = "median_of_three", source = "page" }

[[revision]]
effective = { value = "2025-01-01", source = "page" }

[revision.mark]
model = { value = "KEY", source = "page" }
"""


def load(folder: Path, name: str, key: str = "mark.model") -> rulebook.Rules:
    group, _, field = key.partition(".")
    text = FILE.replace("[revision.mark]\nmodel = { value = \"KEY\"",
                        f"[revision.{group}]\n{field} = {{ value = \"{name}\"")  # fmt: skip
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return rulebook.load("mine", at="2025-06-01", folder=folder)


@pytest.mark.parametrize(
    ("key", "wrong", "near"),
    [
        ("mark.model", "median_of_tree", "median_of_three"),
        ("mark.delivery_model", "fair_bases", "fair_basis"),
        ("index.model", "weighted_means", "weighted_mean"),
        ("funding.model", "premium_and_clamped", "premium_and_clamped_interest"),
        ("adl.ranking", "leverage_pln", "leverage_pnl"),
        ("adl.ranking_alternative", "pro_rat", "pro_rata"),
    ],
)
def test_a_rules_file_may_only_name_known_methods(
    tmp_path: Path, key: str, wrong: str, near: str
) -> None:
    assert load(tmp_path, near, key).venue == "mine"
    with pytest.raises(DataError) as caught:
        load(tmp_path, wrong, key)
    message = str(caught.value)
    assert caught.value.row == 18, message
    assert f"key '{key}'" in message
    assert f"did you mean '{near}'?" in message
    assert str(tmp_path / "mine.toml") in message


def test_so_may_a_counterfactual() -> None:
    rules = rulebook.load("binance-usdm@2025-10-10")
    with pytest.raises(UndertowError, match="did you mean 'fair_price'"):
        rules.with_values({"mark.model": "fare_price"}, "what if")
    assert rules.with_values({"mark.model": "fair_price"}, "what if").mark.model == "fair_price"


def test_a_registered_method_is_found_and_may_be_named(tmp_path: Path, own_methods: None) -> None:
    with pytest.raises(UndertowError, match="no mark method 'mine'"):
        methods.find("mark", "mine")

    @methods.register("mark", "mine")
    def mine(rules: object, expiry_ns: int | None) -> None:
        pass

    assert methods.find("mark", "mine") is mine
    assert "mine" in methods.known("mark")
    assert load(tmp_path, "mine").mark.model == "mine"


def test_every_bundled_rule_names_a_method_that_is_there() -> None:
    named = {
        (subject, revision.values[key])
        for venue in rulebook.venues()
        for revision in rulebook.read(venue).revisions
        for key, subject in rulebook.METHODS.items()
        if key in revision.values
    }
    assert ("mark", "median_of_oracle_book_and_external") in named
    assert all(name in methods.known(subject) for subject, name in named)


def test_bad_registrations_are_refused(own_methods: None) -> None:
    with pytest.raises(UndertowError, match=r"no methods of 'marks' \(did you mean 'mark'"):
        methods.register("marks", "mine")
    with pytest.raises(UndertowError, match="no methods of 'marks'"):
        methods.known("marks")
    for name in ("", "Mine", "2nd", "my method"):
        with pytest.raises(UndertowError, match="small letters"):
            methods.register("mark", name)
    with pytest.raises(UndertowError, match="'fair_price' is registered already"):
        methods.register("mark", "fair_price")
