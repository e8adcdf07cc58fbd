"""A vertical in a package of its own is built, installed, found by its entry point, and keeps the shipped contract."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "fmapps_vertical_library"

pytestmark = pytest.mark.slow


def run(*command: str | Path, folder: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)} if path else None
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package's source, away from the checkout."""
    skipped = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(PACKAGE, tmp_path_factory.mktemp("elsewhere") / "source", ignore=skipped))


@pytest.fixture(scope="module")
def installed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip built and installed it, without a network."""
    target = tmp_path_factory.mktemp("installed")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check")
    done = run(sys.executable, "-m", "pip", "install", *options, "--target", target, source, folder=source.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def names(folder: Path, path: Path | None = None) -> list[str]:
    script = "import json; from fmapps.vertical import installed; print(json.dumps(list(installed())))"
    done = run(sys.executable, "-c", script, folder=folder, path=path)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_it_is_found_where_it_is_installed_and_only_there(installed: Path, tmp_path: Path) -> None:
    assert names(tmp_path, installed) == ["education", "healthcare", "law", "library"]
    assert names(tmp_path) == ["education", "healthcare", "law"]


def test_it_keeps_the_contract(installed: Path, source: Path) -> None:
    # In the folder of its tests, so that what is imported is what was installed.
    report = source / "report.xml"
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}")
    done = run(*command, folder=source / "tests", path=installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'failures="0"' in report.read_text()
    assert "test_a_person_in_danger_comes_first" in report.read_text()


def test_a_vertical_that_breaks_the_contract_is_told_so(installed: Path, source: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(installed, tmp_path / "broken"))
    rules = broken / "fmapps_vertical_library" / "safety.py"
    rules.write_text(rules.read_text().replace("(CRISIS, PRIVACY)", "(PRIVACY,)"))
    module = broken / "fmapps_vertical_library" / "__init__.py"
    module.write_text("import lxml.etree\n" + module.read_text().replace("from __future__ import annotations", ""))
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q")
    done = run(*command, folder=source / "tests", path=broken)
    assert done.returncode == 1, done.stdout + done.stderr
    failed = {line.split("::")[-1].split(" ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {"test_a_person_in_danger_comes_first", "test_loading_it_loads_nothing_heavy"}
