"""A module imports only downwards, and import-linter notices when one does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the project's own contracts over the package in a folder."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """The package's modules without their content, so that every import is one of the test."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    source = ROOT / "src" / "undertow"
    for module in source.rglob("*.py"):
        copy = tmp_path / "undertow" / module.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    return tmp_path


def test_an_empty_skeleton_keeps_the_contracts(skeleton: Path) -> None:
    run = lint(skeleton)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("model/schema.py", "import undertow.tape.store", "A module imports only downwards"),
        ("tape/store.py", "from undertow.measures import price", "only downwards"),
        ("measures/price.py", "import undertow.report", "only downwards"),
        ("report/description.py", "def f():\n    from undertow import cli", "only downwards"),
        ("errors.py", "import undertow.model.schema", "only downwards"),
        ("model/schema.py", "import polars", "needs no data library"),
    ],
)
def test_an_import_upwards_is_caught(skeleton: Path, module: str, line: str, broken: str) -> None:
    (skeleton / "undertow" / module).write_text(line + "\n")
    run = lint(skeleton)
    assert run.returncode != 0
    assert f"{broken} BROKEN" in run.stdout


def test_a_package_without_a_layer_is_caught(skeleton: Path) -> None:
    (skeleton / "undertow" / "extras").mkdir()
    (skeleton / "undertow" / "extras" / "__init__.py").touch()
    run = lint(skeleton)
    assert run.returncode != 0
    assert "undertow.extras" in run.stdout + run.stderr
