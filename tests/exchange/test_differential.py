"""The venue's kernel does what its specification says: equal events, money, positions, books."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from exchange.commands import random_commands
from exchange.differential import Both, run
from exchange.venues import ACCOUNTS, VENUES

TESTS = Path(__file__).parents[1]
SEQUENCES = 140  # for each of the venues: two thousand in all
COMMANDS = 90


@pytest.mark.parametrize("name", VENUES)
def test_kernel_and_specification_agree(name: str) -> None:
    for seed in range(SEQUENCES):
        run(name, seed, COMMANDS, every=20)


def test_an_account_that_opens_a_flat_position_is_judged_as_before() -> None:
    run("portfolio-of-inverse", 2_000_039, 160, every=20)  # found by verification.soak


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(name=st.sampled_from(list(VENUES)), dice=st.randoms(use_true_random=False))
def test_they_agree_where_hypothesis_looks(name: str, dice: random.Random) -> None:
    both = Both(*VENUES[name], ACCOUNTS)
    for command in random_commands(dice, both.slow, 40):
        both.apply(command)
    both.check()


def test_they_agree_without_a_compiler() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "exchange.differential", "all", "1", "120"],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        cwd=TESTS, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agree") == len(VENUES)
