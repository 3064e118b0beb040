"""Write the reference pages docs/tables.md, importers.md, measures.md, rules.md from the code.

``python scripts/write_docs.py`` writes them; with ``--check`` it only says which are out of date.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

from rules_page import rules_page
from undertow.model.schema import SCHEMA_VERSION, TABLES, ColumnType, Table
from undertow.tape.importers import Importer, importers

DOCS = Path(__file__).parent.parent / "docs"
NOTE = "<!-- Written by scripts/write_docs.py: change the code, not this page. -->"
# The modules of undertow.measures that answer questions, in the order of the page.
MEASURES = (
    "price", "market", "liquidations", "leverage", "liquidity", "price_impact", "sentiment",
    "flows", "defi", "seasonality", "event_study",
)  # fmt: skip
# In Python (polars) and in SQL (DuckDB).
TYPES: dict[ColumnType, str] = {
    "time": "Datetime(ns, UTC); TIMESTAMP",
    "category": "Categorical; VARCHAR",
    "text": "String; VARCHAR",
    "float": "Float64; DOUBLE",
    "int": "Int64; BIGINT",
}


def tables_page() -> str:
    """Every table with its columns, types, units and meanings."""
    lines = [
        NOTE,
        "# Tables of a tape",
        "",
        f"Schema version {SCHEMA_VERSION}. A tape holds some of these tables; one that it lacks"
        " reads as a table without rows. Every table is in time order.",
        "",
        "- `ts` is UTC, in nanoseconds (in SQL: in microseconds).",
        "- A row with an `interval` sums up the period that starts at `ts`, and is known at its"
        " end. A row without one is true, and known, at `ts`.",
        "- The *key* says which rows tell of the same thing. A tape holds each key once: a second"
        " row that says the same is left out, one that says something else is refused.",
        "- A *required* column is never empty.",
        "",
        "| type | in Python and in SQL |",
        "|---|---|",
        *[f"| {name} | {text} |" for name, text in TYPES.items()],
        "",
    ]
    lines += [f"[{name}](#{name}) ·" for name in TABLES]
    lines[-1] = lines[-1].removesuffix(" ·")
    for table in TABLES.values():
        lines += ["", *_table_section(table)]
    return "\n".join(lines) + "\n"


def _table_section(table: Table) -> list[str]:
    rows = [
        f"| `{column.name}` | {column.type} | {_cell(column.unit)} | {_cell(column.meaning)}"
        f" | {'yes' if column.required else ''} |"
        for column in table.columns
    ]
    key = ", ".join(f"`{name}`" for name in table.key)
    header = ["| column | type | unit | meaning | required |", "|---|---|---|---|---|"]
    return [f"## {table.name}", "", table.meaning, "", *header, *rows, "", f"Key: {key}."]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def importers_page() -> str:
    """Every kind of file that can be imported, with an example of it."""
    lines = [
        NOTE,
        "# Kinds of files",
        "",
        "`undertow import KIND PATH... --out TAPE` reads these; `undertow import --list` prints"
        " this list. [How to import](import.md) shows the options. A file may be packed with gzip,"
        " or be the only one in a zip.",
        "",
        "| kind | what it is | fills |",
        "|---|---|---|",
    ]
    kinds = importers()
    lines += [
        f"| [{kind.name}](#{kind.name}) | {_cell(kind.summary)} | {_tables(kind)} |"
        for kind in kinds
    ]
    for kind in kinds:
        lines += ["", f"## {kind.name}", "", f"{_sentence(kind.summary)} Fills {_tables(kind)}."]
        lines += ["", "```text", *kind.example.splitlines(), "```"]
    return "\n".join(lines) + "\n"


def _tables(kind: Importer) -> str:
    return ", ".join(f"[{name}](tables.md#{name})" for name in kind.tables)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def measures_page() -> str:
    """Every measure: its signature and its docstring."""
    modules = [import_module(f"undertow.measures.{name}") for name in MEASURES]
    lines = [
        NOTE,
        "# Measures",
        "",
        "Pure functions from a tape and a moment to figures: `undertow.measures.MODULE.FUNCTION`."
        " Every one takes `at` (ISO-8601 text, a datetime, or nanoseconds; none: the tape's own"
        " moment) and knows nothing later. What a tape does not hold raises"
        " `undertow.errors.NotRecorded`. [How to use them](report.md#measure-in-python).",
        "",
        "| module | about |",
        "|---|---|",
        *[f"| [{_name(m)}](#{_name(m)}) | {_cell(_paragraph(m.__doc__))} |" for m in modules],
    ]
    for module in modules:
        lines += ["", f"## {_name(module)}", "", inspect.cleandoc(module.__doc__ or "")]
        for function in _functions(module):
            signature = str(inspect.signature(function)).replace("'", "")
            lines += ["", f"### {_name(module)}.{function.__name__}", "", "```text"]
            lines += [f"{function.__name__}{signature}", "", inspect.getdoc(function) or "", "```"]
    return "\n".join(lines) + "\n"


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _functions(module: ModuleType) -> list[FunctionType]:
    """Public measures that the module defines: those that take a tape."""
    found = [value for value in vars(module).values() if isinstance(value, FunctionType)]
    return [
        function
        for function in found
        if function.__module__ == module.__name__
        and not function.__name__.startswith("_")
        and "tape" in inspect.signature(function).parameters
    ]


def _paragraph(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split("\n\n")[0].split())


def main() -> None:
    """Write the pages, or check them."""
    pages = {
        "tables.md": tables_page(),
        "importers.md": importers_page(),
        "measures.md": measures_page(),
        "rules.md": rules_page(),
    }
    stale = [
        name
        for name, text in pages.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"docs/{name} is out of date: run scripts/write_docs.py")
        sys.exit(1 if stale else 0)
    for name in stale:
        (DOCS / name).write_text(pages[name], encoding="utf-8")
        print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
