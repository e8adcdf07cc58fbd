"""The command as a process of its own: exit codes, pipes and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-c", "from fmapps.cli import main; main()")


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--version",), 0),
        (("verticals", "--json"), 0),
        (("ask", "astrology", "Will I win?"), 1),
        (("status", "--corpus", "nowhere.fmapps"), 1),
        (("nosuchcommand",), 2),
        (("search",), 2),
        (("search", "x", "--limit", "0"), 2),
    ],
)
def test_exit_codes(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    ended = run(*arguments, folder=tmp_path)
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    assert bool(ended.stdout) == (code == 0)
    assert bool(ended.stderr) == (code != 0)


def test_a_reader_that_hangs_up_is_no_news(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "verticals", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=120) == 141


def test_ctrl_c_ends_with_130_and_a_word(tmp_path: Path) -> None:
    pipe = tmp_path / "request.json"
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [*COMMAND, "run", "law", "question", "--request", str(pipe)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    with pipe.open("w"):  # returns when the command has opened the other end, and now it waits
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert told == "Interrupted. What was committed before stays.\n"
