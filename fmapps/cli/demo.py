"""The demo: read the sample documents of every vertical, answer from them, check each citation, open an app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fmapps.cli.options import JsonOption
from fmapps.cli.output import FAILED, emit, note, plain, progress, say
from fmapps.cli.verticals import BrowserOption, PortOption, serve

if TYPE_CHECKING:
    from fmapps.corpus import Corpus
    from fmapps.records import Answer
    from fmapps.retrieval.embedding import Embedder
    from fmapps.vertical import Vertical

UNANSWERABLE = "Which alloy was used for the hull of the submarine Aurelia in 1931?"
"""What no sample document says, so that the demo shows an abstention."""


def demo(
    *,
    vertical: Annotated[
        str | None, typer.Option("--vertical", help="Whose app to open at the end; the first installed by default.")
    ] = None,
    directory: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where the demo keeps its corpora.")
    ] = Path(".demo"),
    serving: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Open the app when the answers have been shown.")
    ] = True,
    port: PortOption = 8501,
    browser: BrowserOption = True,
    as_json: JsonOption = False,
) -> None:
    """Answer from the sample documents of every vertical, abstain once, and open an app."""
    from fmapps.errors import ConfigurationError
    from fmapps.retrieval.embedding import default_embedder
    from fmapps.settings import settings
    from fmapps.vertical import installed, load

    chosen = [load(name) for name in installed()]
    if not chosen:
        raise ConfigurationError("no vertical is installed", remedy="pip install fmapps, which brings three")
    shown = load(vertical) if vertical else chosen[0]
    embedder = default_embedder(settings())
    results = []
    faults = 0
    for each in chosen:
        place = directory / f"{each.name}.fmapps"
        with _sample_corpus(each, place, embedder) as corpus:
            questions = [*each.examples[:1], *([UNANSWERABLE] if each.name == shown.name else [])]
            for question in questions:
                result, faulty = _asked(each, corpus, question, as_json)
                results.append({"vertical": each.name, **result})
                faults += faulty
    if as_json:
        emit({"folder": directory, "answers": results})
    if faults:
        note(f"{faults} citations did not read back as they were quoted: `fmapps verify` says more.")
        raise typer.Exit(FAILED)
    if serving:
        serve(shown.name, directory / f"{shown.name}.fmapps", port=port, browser=browser)
    elif not as_json:
        say("Ask more, for example:")
        for each in chosen:
            say(f'fmapps ask {each.name} "..." --corpus {directory / each.name}.fmapps', indent=2)


def _sample_corpus(vertical: Vertical, place: Path, embedder: Embedder) -> Corpus:
    """The corpus of a vertical's samples, brought up to date."""
    from fmapps.cli.documents import add_paths
    from fmapps.corpus import Corpus
    from fmapps.errors import UnreadableFileError

    note(f"Reading the {vertical.name} samples into {place}")
    place.parent.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.open(place, create=True, embedder=embedder)
    with progress() as tell:
        _, failures = add_paths(corpus, [vertical.samples], labels=(), metadata={}, tell=tell)
    if failures:
        corpus.close()
        raise UnreadableFileError(
            f"a sample of {vertical.name} was not read: {failures[0].error.message}",
            where=str(failures[0].path),
            remedy="install fmapps again",
        )
    return corpus


def _asked(vertical: Vertical, corpus: Corpus, question: str, as_json: bool) -> tuple[dict[str, object], int]:
    """Ask, show, and read every citation again.

    Returns:
        The answer with its checks, and how many citations did not check.
    """
    from fmapps.assistant import Assistant
    from fmapps.cli.answers import show_answer
    from fmapps.task import AnswerModel

    answer = Assistant(vertical, corpus=corpus).ask(question)
    checks = [corpus.verify(citation) for citation in answer.citations]
    faulty = sum(check.status != "valid" for check in checks)
    if not as_json:
        say(f"{'─' * 4} {vertical.title} {'─' * 4}")
        say(f"Question: {question}\n", hanging=10)
        show_answer(answer, notice=vertical.notice)
        _show_checks(answer, len(checks) - faulty)
    return {"answer": AnswerModel.of(answer), "checks": plain(checks)}, faulty


def _show_checks(answer: Answer, verified: int) -> None:
    if answer.citations:
        say(f"Read again in the stored documents: {verified} of {len(answer.citations)} citations stand as quoted.\n")
    else:
        say("Nothing is cited, so nothing is claimed.\n")
