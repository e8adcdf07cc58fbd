"""The layers hold, and the check that says so can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("fmapps", "verticals", "apps")


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Check the layers of the tree at `root`, not of what is installed."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages and their contracts, free to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_layers_hold() -> None:
    checked = lint_imports(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("fmapps/records.py", "import fmapps.corpus"),
        ("fmapps/store/__init__.py", "import fmapps.grounding"),
        ("fmapps/cli/demo.py", "import verticals.law"),
        ("verticals/law/__init__.py", "import verticals.healthcare"),
        ("verticals/law/__init__.py", "import apps"),
    ],
)
def test_a_wrong_import_is_caught(copy: Path, module: str, statement: str) -> None:
    broken = copy / module
    broken.write_text(f"{broken.read_text()}\n{statement}\n")
    checked = lint_imports(copy)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert f"{importer} -> {statement.removeprefix('import ')}" in checked.stdout
