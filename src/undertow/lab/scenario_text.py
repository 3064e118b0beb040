"""A scenario's content as TOML text: one canonical form, without comments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def toml(content: Mapping[str, Any]) -> str:
    """The content as TOML; reading it gives the same content."""
    lines = [f"{_key(key)} = {_inline(value)}" for key, value in content.items()
             if not _is_table(value)]  # fmt: skip
    for key, value in content.items():
        if isinstance(value, list) and _is_table(value):
            for one in value:
                lines += ["", f"[[{_key(key)}]]", *_body(one)]
        elif _is_table(value):
            lines += ["", f"[{_key(key)}]", *_body(value)]
    return "\n".join(lines).strip() + "\n"


def _is_table(value: Any) -> bool:
    """Whether a value is a table, or a list of tables."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, dict) for one in value)
    return isinstance(value, dict)


def _body(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_inline(value)}" for key, value in table.items()]


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_inline(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)


def _key(key: str) -> str:
    return key if _PLAIN.fullmatch(key) else json.dumps(key, ensure_ascii=False)
