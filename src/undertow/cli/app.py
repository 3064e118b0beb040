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
    status = None
    try:
        status = app(standalone_mode=False)
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
        where = f"{error.filename}: " if error.filename else ""
        complain(f"{where}{error.strerror or error}")
        sys.exit(2)
    except MemoryError:
        complain("there is not enough memory for that")
        sys.exit(2)
    except Exception as error:
        if hasattr(error, "format_message"):  # an option or an argument that does not exist
            _tell_misuse(error.format_message(), getattr(error, "ctx", None))
            sys.exit(2)
        # A tape whose parts were damaged inside shows only when polars reads them.
        if not type(error).__module__.startswith("polars"):
            raise
        reason = str(error).strip().splitlines()
        complain(f"the tape cannot be read: {reason[0] if reason else type(error).__name__}")
        sys.exit(2)
    sys.exit(status if isinstance(status, int) else 0)


def _tell_misuse(message: str, context: object) -> None:
    """One line on what is wrong with the words after ``undertow``; nothing after its help."""
    if message:
        command = getattr(context, "command_path", "undertow")
        complain(f"{' '.join(message.split()).rstrip('.')}; see {command} --help")


def complain(text: str) -> None:
    """One line on stderr, under the program's name."""
    sys.stderr.write(f"undertow: {text}\n")


def print_json(value: object) -> None:
    """JSON on stdout; no NaN, so that every reader takes it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
