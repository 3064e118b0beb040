"""The deleveraging of 10 October 2025 on Hyperliquid, shock by shock.

Every ranking and policy is run again on the published shocks; the published needed, removed and
overshoot stand beside our results, each difference with its cause: data, rule or model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # started by its path: the folder above holds the package
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from undertow.errors import UndertowError
from verification.deleveraging import picture, results, tables

PICTURE = "hyperliquid_adl.svg"
TABLES = "hyperliquid_adl.md"
JSON = "hyperliquid_adl.json"


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, also with files missing; 2 for a wrong folder or a broken file."""
    parser = argparse.ArgumentParser(prog="hyperliquid_adl", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the published files")
    parser.add_argument("--json", action="store_true", help="print JSON, not Markdown")
    parser.add_argument("--out", type=Path, help="write the picture, the tables and the JSON here")
    options = parser.parse_args(arguments)
    try:
        found = results.work_out(options.data, _tell)
    except UndertowError as error:
        print(f"hyperliquid_adl: {error}", file=sys.stderr)
        return 2
    print(results.as_json(found) if options.json else tables.markdown(found), end="")
    if options.out:
        _write(found, options.out)
    return 0


def _tell(policy: str) -> None:
    print(f"every shock under: {policy}", file=sys.stderr, flush=True)


def _write(found: results.Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    texts = {TABLES: tables.markdown(found), JSON: results.as_json(found)}
    drawing = picture.draw(found)
    if drawing is None:
        print(f"{PICTURE}: not available", file=sys.stderr)
    else:
        texts[PICTURE] = drawing
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
