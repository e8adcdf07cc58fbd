"""The built wheel carries everything: installed outside the checkout, it passes the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.weights]


def run(*command: str | Path, folder: Path, environment: dict[str, str] | None = None) -> str:
    """The stdout of a command that must succeed."""
    finished = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "--no-index")
    run(*build, "--wheel-dir", folder, folder=folder)
    return next(folder.glob("fmapps-*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this wheel and, so that nothing is fetched, the packages of this one but not its fmapps."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, with_pip=False)
    interpreter = folder / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", interpreter, "install", "--no-deps", "--no-index")
    run(*install, wheel, folder=folder)
    packages = next((folder / "lib").glob("python3*")) / "site-packages"
    # A path file inside a folder that a path file names is not followed: the editable install stays out.
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


def test_the_wheel_holds_the_packages_their_data_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} >= {"fmapps", "verticals", "apps"}
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "data_samples/"))]
    for vertical in ("law", "healthcare", "education"):
        assert [name for name in names if name.startswith(f"verticals/{vertical}/samples/")], vertical


def test_the_installed_wheel_passes_the_demo_outside_the_checkout(python: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FMAPPS_"))}
    where = run(python, "-c", "import fmapps; print(fmapps.__file__)", folder=tmp_path, environment=environment)
    assert str(ROOT) not in where
    assert str(python.parents[1]) in where
    command = python.parent / "fmapps"
    told = json.loads(run(command, "demo", "--no-serve", "--json", folder=tmp_path, environment=environment))
    answered = {one["vertical"] for one in told["answers"] if not one["answer"]["abstained"]}
    assert answered == {"law", "healthcare", "education"}
    assert any(one["answer"]["abstained"] for one in told["answers"])
    checks = [check["status"] for one in told["answers"] for check in one["checks"]]
    assert checks
    assert set(checks) == {"valid"}
