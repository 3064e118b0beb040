"""The project is tidy, and every rule of tidiness catches what it is for."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tidiness

ROOT = Path(__file__).parent.parent
MEASURE = "src/undertow/measures/price.py"
CASES: list[tuple[Callable[[str, str], Iterator[str]], str, str, str]] = [
    (tidiness.too_long_file, MEASURE, "x = 1\n" * 601, "601 lines"),
    (tidiness.too_wide_lines, MEASURE, "x = 1\n" + "#" * 101, ":2: 101 columns"),
    (tidiness.too_long_functions, MEASURE, "def f():\n" + "    x = 1\n" * 70, "f has 71 lines"),
    (tidiness.too_long_functions, MEASURE, "async def f():\n" + "    1\n" * 70, "71 lines"),
    (tidiness.vague_names, "src/undertow/tape/utils.py", "", "no name"),
    (tidiness.vague_names, "src/undertow/common/prices.py", "", "no name"),
    (tidiness.vague_names, "tests/_helpers.py", "", "no name"),
    (tidiness.machine_paths, "docs/a.md", "see /" + "work/main", ":1: /" + "work/"),
    (tidiness.machine_paths, "tests/a.py", "'.." + "/shared/data'", "shared"),
    (tidiness.left_over_notes, "docs/a.md", "# TO" + "DO later", ":1: # TO" + "DO"),
    (tidiness.left_over_notes, MEASURE, "x = 1  # FIX" + "ME", "FIX" + "ME"),
    (tidiness.swallowed_errors, MEASURE, "try:\n    f()\nexcept E:\n    pass", ":3: an error"),
    (tidiness.swallowed_errors, MEASURE, "try:\n    f()\nexcept:\n    ...", "swallowed"),
    (tidiness.clock_and_dice, MEASURE, "import time\ntime.time()", ":2: time.time"),
    (tidiness.clock_and_dice, MEASURE, "import time as t\nt.monotonic_ns()", "monotonic_ns"),
    (tidiness.clock_and_dice, MEASURE, "from time import time\ntime()", ":1: time.time"),
    (tidiness.clock_and_dice, MEASURE, "import datetime\ndatetime.datetime.now()", "now"),
    (tidiness.clock_and_dice, MEASURE, "from datetime import datetime as d\nd.utcnow()", "utcnow"),
    (tidiness.clock_and_dice, MEASURE, "from datetime import date\ndate.today()", "today"),
    (tidiness.clock_and_dice, MEASURE, "import random\nrandom.random()", "random.random"),
    (tidiness.clock_and_dice, MEASURE, "from random import choice", "random.choice"),
    (tidiness.clock_and_dice, MEASURE, "import numpy as np\nnp.random.rand(3)", "numpy.random"),
    (tidiness.clock_and_dice, MEASURE, "from numpy import random\nrandom.normal()", "normal"),
    (tidiness.clock_and_dice, MEASURE, "from numpy.random import normal", "normal"),
    (tidiness.clock_and_dice, MEASURE, "import numpy as np\nnp.random.default_rng()", "a seed"),
    (tidiness.clock_and_dice, MEASURE, "import numpy as n\nn.random.default_rng(None)", "a seed"),
    (tidiness.clock_and_dice, MEASURE, "from numpy.random import default_rng as r\nr()", "seed"),
    (tidiness.clock_and_dice, MEASURE, "import uuid\nuuid.uuid4()", "uuid.uuid4"),
    (tidiness.clock_and_dice, MEASURE, "import os\nos.urandom(8)", "os.urandom"),
    (tidiness.clock_and_dice, MEASURE, "frame.sample(3)", "frame.sample without a seed"),
    (tidiness.clock_and_dice, "src/undertow/tape/store.py", "import time\ntime.time()", "time"),
]
FINE = [
    (tidiness.too_long_file, MEASURE, "x = 1\n" * 600),
    (tidiness.too_wide_lines, MEASURE, "#" * 100),
    (tidiness.too_long_functions, MEASURE, "def f():\n" + "    x = 1\n" * 69),
    (tidiness.vague_names, "src/undertow/measures/commonality.py", ""),
    (tidiness.swallowed_errors, MEASURE, "try:\n    f()\nexcept E:\n    g()"),
    (tidiness.clock_and_dice, "src/undertow/lab/run.py", "import time\ntime.time()"),
    (tidiness.clock_and_dice, MEASURE, "from datetime import datetime\ndatetime(2025, 1, 1)"),
    (tidiness.clock_and_dice, MEASURE, "import numpy as np\nnp.random.default_rng(seed)"),
    (tidiness.clock_and_dice, MEASURE, "frame.sample(3, seed=seed)\nrng.shuffle(x)"),
    (tidiness.clock_and_dice, MEASURE, "event.time.time()\nrandom = 3\nrandom.x"),
]


def contents() -> list[tuple[str, str]]:
    files = [path for path in tidiness.project_files(ROOT) if path.is_file()]
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in files
        if path.suffix in tidiness.TEXT_SUFFIXES
    ]


@pytest.mark.parametrize("rule", tidiness.RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Callable[[str, str], Iterator[str]]) -> None:
    offenders = [line for path, text in contents() for line in rule(path, text)]
    assert not offenders, f"{rule.__doc__}\n" + "\n".join(offenders)


def test_most_files_are_short() -> None:
    sizes = {
        path: text.count("\n")
        for path, text in contents()
        if path.startswith("src/") and path.endswith(".py")
    }
    longest = sorted(sizes.items(), key=lambda item: -item[1])[:10]
    median = statistics.median(sizes.values())
    assert median <= tidiness.MOST_MEDIAN_LINES, f"median {median}; longest: {longest}"


def test_the_rules_look_at_the_whole_project() -> None:
    paths = [path for path, _ in contents()]
    for expected in ("src/undertow/cli/app.py", "tests/test_tidy.py", "README.md", "Makefile",
                     "pyproject.toml", ".ci/run", "scripts/lock.sh"):  # fmt: skip
        assert expected in paths


@pytest.mark.parametrize(("rule", "path", "text", "message"), CASES)
def test_a_rule_catches_an_offender(
    rule: Callable[[str, str], Iterator[str]], path: str, text: str, message: str
) -> None:
    assert message in "\n".join(rule(path, text))


def test_every_rule_has_an_offender_to_catch() -> None:
    assert {case[0] for case in CASES} == set(tidiness.RULES)


@pytest.mark.parametrize(("rule", "path", "text"), FINE)
def test_a_rule_spares_what_is_fine(
    rule: Callable[[str, str], Iterator[str]], path: str, text: str
) -> None:
    assert list(rule(path, text)) == []
