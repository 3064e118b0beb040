"""An article as the extraction wants it: text, and what is known about it."""

from __future__ import annotations

import msgspec


class Article(msgspec.Struct, kw_only=True, frozen=True):
    """A text with its title, date (ISO, as published) and publisher; ``name`` tells it apart.

    ``remarks`` say what was odd about the input: cut, undated, in another encoding.
    """

    text: str
    title: str | None = None
    published: str | None = None
    publisher: str | None = None
    name: str = ""
    remarks: tuple[str, ...] = ()
