"""The command line. Commands load what they need when they run, so that ``--help`` is quick."""

from __future__ import annotations

import json
import sys
from typing import Annotated, NoReturn

import typer

from undertow.errors import UndertowError

app = typer.Typer(
    name="undertow",
    help="A crash-test lab for leveraged crypto markets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TapeArgument = Annotated[
    str, typer.Argument(metavar="TAPE", help="Folder of a tape, or the name of a bundled one.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def main() -> NoReturn:
    """Run the command line: exit code 2 for a user's mistake, said in one line."""
    try:
        app()
    except UndertowError as error:
        complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        complain("interrupted")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:  # a full disk, a folder that may not be written
        complain(str(error))
        sys.exit(2)
    except Exception as error:
        # A tape whose parts were damaged inside shows only when polars reads them.
        if not type(error).__module__.startswith("polars"):
            raise
        reason = str(error).strip().splitlines()
        complain(f"the tape cannot be read: {reason[0] if reason else type(error).__name__}")
        sys.exit(2)
    sys.exit(0)


def complain(text: str) -> None:
    """One line on stderr, under the program's name."""
    sys.stderr.write(f"undertow: {text}\n")


def print_json(value: object) -> None:
    """JSON on stdout; no NaN, so that every reader takes it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
