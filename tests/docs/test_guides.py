"""Every Python example of the README and the guides runs, in the order in which it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its code, the line where it begins, and the file it is said to be, if it is."""

    language: str
    code: str
    line: int
    file: str


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page. After the language, `file=path` says which file the block is."""
    found = []
    for match in BLOCK.finditer(page):
        file = re.search(r"\bfile=(\S+)", match["options"])
        line = page.count("\n", 0, match.start()) + 2
        found.append(Block(match["language"], match["code"], line, file[1] if file else ""))
    return found


def program(page: Path) -> str:
    """The page's Python blocks that are no files, each at the line of the page where it stands."""
    lines: list[str] = []
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "python" and not block.file:
            lines += [""] * (block.line - 1 - len(lines))
            lines += block.code.splitlines()
    return "\n".join(lines)


def write_files(page: Path, folder: Path) -> None:
    """Write the page's blocks that are files into the folder."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.file:
            target = folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder, which is also where it imports from."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FMAPPS_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def run(page: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Write the page's files into the folder and run its examples there."""
    write_files(page, folder)
    return python(folder, "-c", f"exec(compile({program(page)!r}, {page.name!r}, 'exec'))")


@pytest.mark.weights
@pytest.mark.parametrize("page", [page for page in PAGES if program(page)], ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    ran = run(page, tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
def test_the_vertical_of_the_guide_keeps_the_contract(tmp_path: Path) -> None:
    write_files(ROOT / "docs" / "writing-a-vertical.md", tmp_path)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]
    # What pip would write when it installs the package, so that the entry point is found.
    installed = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (installed / "entry_points.txt").write_text("\n\n".join(lines) + "\n")
    ran = python(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"\d\d passed", ran.stdout)


def test_there_are_examples() -> None:
    assert [page.name for page in PAGES if program(page)] == [
        "README.md",
        "getting-started.md",
        "writing-a-vertical.md",
    ]


def test_an_example_that_fails_is_caught_at_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nvalue = 1\n```\n\nText.\n\n```python\nassert value == 2\n```\n")
    ran = run(page, tmp_path)
    assert ran.returncode == 1
    assert 'File "page.md", line 10' in ran.stderr


def test_a_file_of_a_page_can_be_imported(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python file=tides/__init__.py\nHIGH = 3\n```\n\n```python\nimport tides\n\nassert tides.HIGH == 3\n```\n"
    )
    ran = run(page, tmp_path)
    assert ran.returncode == 0, ran.stderr
