"""The page about agents says what their settings are; run this file to write its tables anew."""

from __future__ import annotations

import re
from pathlib import Path

import undertow.agents.all  # noqa: F401 registers
from undertow.agents.agent import find, kinds

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
TABLE = re.compile(r"(<!-- settings:(\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
COMMON = {"every_s": "It acts so often, seconds.", "latency_s": "Its commands arrive so late."}


def table(kind: str) -> str:
    """All settings of a kind, but those that it leaves as they are for all."""
    lines = ["| setting | default | meaning |", "|---|---|---|"]
    for name, known in find(kind).settings.model_fields.items():
        if name == "latency_s" and known.default == 0:
            continue
        default = f'`"{known.default}"`' if isinstance(known.default, str) else f"{known.default:g}"
        if isinstance(known.default, bool):
            default = str(known.default).lower()
        lines.append(f"| `{name}` | {default} | {known.description or COMMON[name]} |")
    return "\n".join(lines) + "\n"


def written(text: str) -> str:
    """The page with its tables as they should be."""
    return TABLE.sub(lambda found: found[1] + table(found[2]) + found[3], text)


def test_every_kind_has_its_part_on_the_page():
    text = PAGE.read_text()
    ours = {name for name, one in kinds().items() if one.__module__.startswith("undertow.")}
    assert {found[2] for found in TABLE.finditer(text)} == ours
    for kind in ours:
        assert f"\n### {kind}\n" in text


def test_tables_on_the_page_are_those_of_the_code():
    assert written(PAGE.read_text()) == PAGE.read_text(), (
        "run python tests/agents/test_agents_page.py"
    )


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
