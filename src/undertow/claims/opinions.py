"""Second opinions: a function of the user's, such as one that asks a language model.

It gets an article and the claims found in it and returns remarks. Remarks are added to the notes of
claims; they never change a value. Nothing here is called unless a user names a function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import cast

import msgspec

from undertow.claims.article import Article
from undertow.claims.claim import Claim
from undertow.errors import UndertowError


class Remark(msgspec.Struct, frozen=True):
    """What a second opinion has to say about the claim at an index."""

    claim: int
    text: str


Opinion = Callable[[Article, list[Claim]], Iterable[Remark]]


def opinion_named(name: str) -> Opinion:
    """The function of ``module:function``; raises `UndertowError` where there is none."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise UndertowError(f"opinion '{name}': expected module:function")
    try:
        found = getattr(import_module(module), function, None)
    except ImportError as error:
        raise UndertowError(f"opinion '{name}': {error}") from None
    if not callable(found):
        raise UndertowError(f"opinion '{name}': {module} has no function '{function}'")
    return cast(Opinion, found)


def with_opinion(article: Article, claims: list[Claim], opinion: Opinion, name: str) -> list[Claim]:
    """The claims with the remarks in their notes, under the opinion's name."""
    noted = list(claims)
    for remark in opinion(article, claims):
        if not 0 <= remark.claim < len(noted):
            raise UndertowError(f"opinion '{name}': no claim {remark.claim} (of {len(noted)})")
        claim = noted[remark.claim]
        note = f"{claim.note}; " if claim.note else ""
        noted[remark.claim] = msgspec.structs.replace(claim, note=f"{note}{name}: {remark.text}")
    return noted
