"""A corpus of three small documents, and the command in this process with an embedder that needs no weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fmapps.cli.application import application
from fmapps.retrieval.embedding import HashingEmbedder

HOSTING = """# Hosting agreement

## 7 Termination

The customer may terminate this agreement by giving thirty days' written notice to the supplier.

## 9 Liability

The supplier's total liability in any calendar year is limited to the fees paid in that year.
"""
LEASE = "OFFICE LEASE\n\nThe tenant pays the rent on the first working day of each quarter to the landlord.\n"
SECRET = "# Merger plan\n\nThe purchase price of the merger is nine million euros, payable at closing.\n"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, which must be one JSON value and nothing else."""
        return json.loads(self.out)


class Command:
    """The fmapps command, run in this process."""

    def __call__(self, *arguments: str | Path, stdin: str | None = None) -> Ended:
        """Run it with these arguments; a fault that escapes it is raised."""
        result = CliRunner().invoke(application, list(map(str, arguments)), input=stdin, prog_name="fmapps")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two readable documents in a folder, one of them below another folder."""
    folder = tmp_path / "files"
    (folder / "leases").mkdir(parents=True)
    (folder / "hosting.md").write_text(HOSTING)
    (folder / "leases" / "office.txt").write_text(LEASE)
    return folder


@pytest.fixture
def fmapps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, where corpus.fmapps in an empty folder is the corpus."""
    monkeypatch.setattr("fmapps.retrieval.embedding.default_embedder", lambda settings=None: HashingEmbedder())
    monkeypatch.chdir(tmp_path)
    return Command()


@pytest.fixture
def filled(fmapps: Command, files: Path, tmp_path: Path) -> Command:
    """The command, with the two documents ingested and a third that only holders of `board` may read."""
    assert fmapps("ingest", files, "--meta", "client=Acme").code == 0
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "merger.md").write_text(SECRET)
    assert fmapps("ingest", secret, "--label", "board", "--meta", "year=2026").code == 0
    return fmapps
