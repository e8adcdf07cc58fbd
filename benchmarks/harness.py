"""What every benchmark shares: its command line, its printed tables, and the JSON of its figures and targets."""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RETRIEVAL_SETS = {
    "cuad": "law/cuad",
    "caselaw_precedent": "law/caselaw_precedent",
    "statutory_interpretation": "law/statutory_interpretation",
    "medquad": "healthcare/retrieval_medquad",
    "pubmedqa": "healthcare/retrieval_pubmedqa",
    "openstax_sections": "education/openstax_sections",
    "oatutor_skill_tagging": "education/oatutor_skill_tagging",
    "ccss_prerequisites": "education/ccss_prerequisites",
}
"""The retrieval sets, by name, and their folder under the data directory."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of every benchmark.

    Attributes:
        data: the folder of public sets.
        output: where the JSON goes; None: nowhere.
        extra: what the benchmark added for itself.
    """

    data: Path
    output: Path | None
    extra: argparse.Namespace


def options(name: str, description: str | None, add: Sequence[tuple[str, dict[str, Any]]] = ()) -> Options:
    """Read the command line `--data DIR --json OUT`, and whatever the benchmark adds.

    Args:
        name: of the benchmark, as in `python -m benchmarks.<name>`.
        description: shown by `--help`.
        add: further options: a flag, and the keyword arguments of `ArgumentParser.add_argument`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--data", type=Path, required=True, help="the folder of public sets")
    parser.add_argument("--json", type=Path, default=None, help="write figures and targets to this file")
    for flag, arguments in add:
        parser.add_argument(flag, **arguments)
    parsed = parser.parse_args()
    if not parsed.data.is_dir():
        parser.error(f"--data {parsed.data}: no such folder")
    return Options(data=parsed.data, output=parsed.json, extra=parsed)


@dataclass(slots=True)
class Report:
    """Figures and targets as they are measured; printed at once, written at the end.

    Attributes:
        name: of the benchmark.
        figures: every measured number, by name.
        targets: by the name of the figure: its direction, ">=" or "<=", and the bound.
    """

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    targets: dict[str, tuple[str, float]] = field(default_factory=dict)

    def figure(self, name: str, value: float, unit: str = "") -> None:
        """Record and print one value."""
        self.figures[name] = value
        print(f"{name:<48} {_shown(value):>12} {unit}".rstrip(), flush=True)

    def target(
        self, name: str, value: float, *, at_least: float | None = None, at_most: float | None = None, unit: str = ""
    ) -> None:
        """Record and print one value with the bound it has to keep; it is a figure too."""
        if (at_least is None) == (at_most is None):
            raise ValueError(f"{name}: give one of at_least and at_most")
        bound = at_least if at_least is not None else at_most
        assert bound is not None
        direction = ">=" if at_least is not None else "<="
        self.figures[name] = value
        self.targets[name] = (direction, bound)
        verdict = "met" if self._met(name) else "MISSED"
        print(f"{name:<48} {_shown(value):>12} {unit:<6} {direction} {_shown(bound)}: {verdict}", flush=True)

    def _met(self, name: str) -> bool:
        direction, bound = self.targets[name]
        return self.figures[name] >= bound if direction == ">=" else self.figures[name] <= bound

    def finish(self, output: Path | None) -> int:
        """Say what was missed, write the JSON, and return the exit status: 0, since measuring went well."""
        missed = [name for name in self.targets if not self._met(name)]
        print(f"\n{self.name}: {len(self.targets) - len(missed)} of {len(self.targets)} targets met")
        for name in missed:
            print(f"  missed: {name}")
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
            document = {"figures": self.figures, "targets": self.targets}
            output.write_text(json.dumps(document, indent=2, ensure_ascii=False, default=float) + "\n", "utf-8")
            print(f"written: {output}")
        return 0


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under a header, the first column to the left and the others to the right."""
    cells = [list(header), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for number, row in enumerate(cells):
        first, *rest = row
        line = "  ".join([first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True))])
        print(line.rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    print(flush=True)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The records of a JSONL file, gzipped or not."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.split(b"\n") if line.strip()]


def read_qrels(path: Path) -> dict[str, dict[str, float]]:
    """Relevance by query and document, from a gzipped TSV with a header line."""
    relevant: dict[str, dict[str, float]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            query, document, relevance = line.rstrip("\n").split("\t")
            relevant.setdefault(query, {})[document] = float(relevance)
    return relevant


@dataclass(frozen=True, slots=True)
class RetrievalSet:
    """One retrieval set as it is on disk: records as dictionaries with `id` and `text`."""

    name: str
    corpus: list[dict[str, Any]]
    queries: list[dict[str, Any]]
    qrels: dict[str, dict[str, float]]


def retrieval_set(data: Path, name: str) -> RetrievalSet:
    """Read one of `RETRIEVAL_SETS`."""
    folder = data / RETRIEVAL_SETS[name]
    return RetrievalSet(
        name=name,
        corpus=read_jsonl(folder / "corpus.jsonl.gz"),
        queries=read_jsonl(folder / "queries.jsonl.gz"),
        qrels=read_qrels(folder / "qrels.tsv.gz"),
    )
