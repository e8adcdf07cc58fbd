"""Commands that change or check a corpus: ingest, remove, status, verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from fmapps.cli.options import CorpusOption, JsonOption, ReaderLabels, folder, open_corpus, pairs, principal, scalar
from fmapps.cli.output import FAILED, Tell, emit, note, plain, progress, say, say_fields
from fmapps.errors import InputError
from fmapps.records import Scalar

if TYPE_CHECKING:
    from fmapps.corpus import AddReport, Corpus
    from fmapps.ingestion.reader import Failure


def ingest(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Files, and folders with all that is in them.")
    ] = None,
    *,
    corpus: CorpusOption = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="An access label that a reader must hold; repeat for more."),
    ] = None,
    meta: Annotated[
        list[str] | None,
        typer.Option("--meta", metavar="KEY=VALUE", help="Metadata of these documents, to filter on; repeat for more."),
    ] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="Put before every id, to keep files of one name apart.")] = "",
    reembed: Annotated[
        bool, typer.Option("--reembed", help="Embed what is in the corpus again, with the model that is set now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read documents into the corpus, which is created where it is missing.

    What is there already and unchanged is left alone. Where some files fail, the others are in, and the command ends
    with exit code 1 after naming each failure and its remedy.
    """
    if not paths and not reembed:
        raise typer.BadParameter("name a file or a folder", param_hint="PATH...")
    metadata = {key: scalar(value) for key, value in pairs(meta, "--meta")}
    began = perf_counter()
    with open_corpus(corpus, create=True) as opened, progress() as tell:
        if reembed:
            opened.reembed(progress=tell)
        reports, failures = add_paths(
            opened, paths or [], labels=label or (), metadata=metadata, prefix=prefix, tell=tell
        )
    displaced = [pair for report in reports for pair in report.displaced]
    counts = {
        name: sum(getattr(report, name) for report in reports) for name in ("added", "updated", "unchanged", "passages")
    }
    seconds = perf_counter() - began
    if as_json:
        failed = [{"path": failure.path, **plain(failure.error)} for failure in failures]
        emit(
            {
                "corpus": folder(corpus),
                **counts,
                "failures": failed,
                "displaced": dict(displaced),
                "seconds": round(seconds, 3),
            }
        )
    else:
        say(
            f"{folder(corpus)}: {counts['added']} added, {counts['updated']} updated, {counts['unchanged']} unchanged, "
            f"{len(failures)} failed; {counts['passages']} passages in {seconds:.1f} s"
        )
    if displaced:
        note("\nThese took the place of a document of the same id from elsewhere; --prefix keeps both:")
        for id_, source in displaced:
            note(f"- {id_}, read before from {source}")
    if failures:
        note("\nNot read; everything else is in:")
        for failure in failures:
            note(f"- {failure.path}: {failure.error.message}\n  remedy: {failure.error.remedy}")
        raise typer.Exit(FAILED)


def add_paths(
    corpus: Corpus,
    paths: Iterable[Path],
    *,
    labels: Iterable[str],
    metadata: Mapping[str, Scalar],
    tell: Tell,
    prefix: str = "",
) -> tuple[list[AddReport], list[Failure]]:
    """Add each path in its turn; what cannot be read is a failure among the others.

    Returns:
        One report for each path that was there, and the failures of all.
    """
    from fmapps.ingestion.reader import Failure

    reports: list[AddReport] = []
    failures: list[Failure] = []
    for path in paths:
        told = _after(reports, tell)
        told("documents", 0, None)
        try:
            report = corpus.add_path(path, labels=frozenset(labels), metadata=metadata, prefix=prefix, progress=told)
        except InputError as error:
            failures.append(Failure(str(path), error))
            continue
        reports.append(report)
        failures += report.failures
    return reports, failures


def _after(reports: Sequence[AddReport], tell: Tell) -> Tell:
    """Tells of one path's documents as of those that come after the paths before it."""
    before = sum(report.added + report.updated + report.unchanged for report in reports)
    return lambda stage, done, total: tell(stage, before + done, None if total is None else before + total)


def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The documents.")],
    *,
    corpus: CorpusOption = None,
    purge: Annotated[bool, typer.Option("--purge", help="Leave no byte of them in the folder; takes longer.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove documents: at once they are in no search, answer, cache or vector.

    Where some are not in the corpus, the others are removed, and the command ends with exit code 1.
    """
    asked = len(set(ids))
    with open_corpus(corpus) as opened:
        removed = opened.remove(ids, purge=purge)
    if as_json:
        emit({"corpus": folder(corpus), "asked": asked, "removed": removed, "purged": purge})
    else:
        say(f"{removed} removed{' and purged' if purge else ''} from {folder(corpus)}")
    if removed < asked:
        note(f"{asked - removed} of {asked} are not in the corpus: check the spelling of their ids")
        raise typer.Exit(FAILED)


def status(
    *,
    corpus: CorpusOption = None,
    documents: Annotated[bool, typer.Option("--documents", help="List the documents too.")] = False,
    label: ReaderLabels = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the corpus holds and how its indexes stand."""
    with open_corpus(corpus, read_only=True) as opened:
        found = opened.status()
        listed = opened.documents(principal=principal(label)) if documents else []
    if as_json:
        emit({**plain(found), **({"readable": listed} if documents else {})})
        return
    say_fields(found)
    for one in listed:
        say(f"{one.id}  {one.title}", hanging=2)


def verify(*, corpus: CorpusOption = None, as_json: JsonOption = False) -> None:
    """Read the whole corpus again and say what was checked; exit code 1 where something is wrong."""
    with open_corpus(corpus, read_only=True) as opened, progress() as tell:
        report = opened.check(progress=tell)
    if as_json:
        emit({"corpus": folder(corpus), "ok": report.ok, **plain(report)})
    else:
        say(f"Read again: {folder(corpus)}")
        for check in report.checks:
            say(f"{'WRONG' if check.problems else 'ok':<6}{check.name}: {check.examined:,} examined", hanging=6)
            for problem in check.problems:
                say(f"- {problem}", indent=6, hanging=2)
            if check.remedy:
                say(f"to mend it: {check.remedy}", indent=6, hanging=2)
    if not report.ok:
        raise typer.Exit(FAILED)
