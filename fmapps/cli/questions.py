"""Commands that ask: search, ask, run."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fmapps.cli.options import (
    AsOfOption,
    CorpusOption,
    DocumentOption,
    JsonOption,
    LimitOption,
    ReaderLabels,
    RoleOption,
    WhereOption,
    open_corpus,
    principal,
    search_filter,
)
from fmapps.cli.output import emit, note, say

VerticalArgument = Annotated[
    str, typer.Argument(metavar="VERTICAL", help="The vertical; `fmapps verticals` lists them.")
]


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="Words or a question.")],
    *,
    corpus: CorpusOption = None,
    limit: LimitOption = 10,
    level: Annotated[
        Literal["passage", "document"], typer.Option("--level", help="passage, or document: the best passage of each.")
    ] = "passage",
    where: WhereOption = None,
    document: DocumentOption = None,
    as_of: AsOfOption = None,
    label: ReaderLabels = None,
    role: RoleOption = "",
    as_json: JsonOption = False,
) -> None:
    """Find passages, best first, each with the reasons for its rank."""
    from fmapps.cli.answers import show_hit
    from fmapps.task import HitModel

    wanted = search_filter(where, document, as_of)
    with open_corpus(corpus, read_only=True) as opened:
        hits = opened.search(query, limit=limit, principal=principal(label, role), filter=wanted, level=level)
    if as_json:
        emit({"query": query, "hits": [HitModel.of(hit) for hit in hits]})
        return
    for rank, hit in enumerate(hits, start=1):
        show_hit(rank, hit)
        say()
    if not hits:
        note("Nothing was found among the documents that you may read and the filters let through.")


def ask(
    vertical: VerticalArgument,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="In your own words.")],
    *,
    corpus: CorpusOption = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the vertical; `fmapps verticals` lists them."),
    ] = None,
    limit: LimitOption = 10,
    where: WhereOption = None,
    document: DocumentOption = None,
    as_of: AsOfOption = None,
    label: ReaderLabels = None,
    role: RoleOption = "",
    as_json: JsonOption = False,
) -> None:
    """Answer a question from the corpus with citations, or say plainly why not."""
    from fmapps.assistant import Assistant
    from fmapps.cli.answers import show_answer
    from fmapps.cli.requests import vertical_parameters
    from fmapps.task import AnswerModel
    from fmapps.vertical import load

    wanted = search_filter(where, document, as_of)
    chosen = load(vertical)
    given = vertical_parameters(chosen, question, parameters)
    with open_corpus(corpus, read_only=True) as opened:
        assistant = Assistant(chosen, corpus=opened, principal=principal(label, role))
        answer = assistant.ask(question, filter=wanted, limit=limit, **given)
    if as_json:
        emit(AnswerModel.of(answer))
    else:
        show_answer(answer, notice=chosen.notice)


def run(
    vertical: VerticalArgument,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task; `fmapps verticals` lists them.")],
    *,
    request: Annotated[
        str | None, typer.Option("--request", metavar="FILE", help="A JSON object with the request; - is stdin.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A field of the request; repeat a key to make a list."),
    ] = None,
    corpus: CorpusOption = None,
    label: ReaderLabels = None,
    role: RoleOption = "",
    as_json: JsonOption = False,
) -> None:
    """Run a task of a vertical; its result is JSON, with or without --json."""
    from fmapps.assistant import Assistant
    from fmapps.cli.requests import fitted, request_values
    from fmapps.vertical import load

    del as_json
    chosen = load(vertical)
    model = chosen.task(task).request
    fields = request_values(model, request, values)
    fitted(model, fields, what=f"the request of {vertical} {task}")
    with open_corpus(corpus, read_only=True) as opened:
        emit(Assistant(chosen, corpus=opened, principal=principal(label, role)).run(task, **fields))
