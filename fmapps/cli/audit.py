"""Commands about the audit log: verify, list, erase, flows."""

from __future__ import annotations

from typing import Annotated

import typer

from fmapps.cli.options import CorpusOption, JsonOption, folder, open_corpus
from fmapps.cli.output import FAILED, emit, note, plain, reporting, say

audit = typer.Typer(
    name="audit",
    no_args_is_help=True,
    help="What every turn left on record, whether the record is whole, and where data goes.",
)


def verify(
    *,
    corpus: CorpusOption = None,
    accept: Annotated[
        bool,
        typer.Option(
            "--accept",
            help="Begin the head anew where the log ends, once you have looked into why the two differ.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read the audit log again: what was edited, deleted, moved or cut, where, and what cannot be proved.

    It ends with exit code 1 where something is wrong.
    """
    from fmapps.audit import Audit

    with open_corpus(corpus, read_only=True) as opened:
        report = Audit.of(opened).accept() if accept else Audit.of(opened).verify()
    if as_json:
        emit({"corpus": folder(corpus), **plain(report), "sound": not report.problems})
    else:
        verdict = f"{len(report.problems)} problems" if report.problems else "nothing wrong"
        say(f"{report.records:,} records, {report.erased:,} of them without the person, who was erased: {verdict}")
        for problem in report.problems:
            place = f"record {problem.first}" if problem.first == problem.last else ""
            place = place or f"records {problem.first} to {problem.last}"
            say(f"- {place if problem.first else 'the log'}: {problem.message}", indent=2, hanging=2)
        for title, sentences in (("Shown", report.proved), ("Cannot be proved", report.unproved)):
            if sentences:
                say(f"{title}:")
            for sentence in sentences:
                say(f"- {sentence}", indent=2, hanging=2)
        if report.records:
            say(f"Newest record: {report.head.sequence}, hash {report.head.hash}")
    if report.problems:
        raise typer.Exit(FAILED)


def list_records(
    *,
    corpus: CorpusOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many, from the newest.")] = 20,
    principal: Annotated[str | None, typer.Option("--principal", metavar="ID", help="Only of this person.")] = None,
    question: Annotated[
        str | None, typer.Option("--question", metavar="TEXT", help="Only of this question, to the letter.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List records, the newest first; words of questions and answers are not in them."""
    from fmapps.audit import Audit

    with open_corpus(corpus, read_only=True) as opened:
        found = list(Audit.of(opened).entries(limit=limit, principal=principal, question=question))
    if as_json:
        emit({"corpus": folder(corpus), "records": found})
        return
    for entry in found:
        body = entry.body
        if body["kind"] != "turn":
            erased = sum(last - first + 1 for first, last in body.get("erased", ()))
            said = f"the person of {erased} records was erased" if erased else "the head began anew here"
            say(f"{entry.sequence}  {body['at']}  {said}")
            continue
        who = "erased" if entry.principal is None else " ".join(filter(None, (entry.principal, entry.role)))
        say(f"{entry.sequence}  {body['at']}  {who}  {body['vertical']}: {body['outcome']}", hanging=4)
        rules = ", ".join(dict.fromkeys(f"{rule} ({action})" for rule, action in body["rules"])) or "none"
        left = ", ".join(f"{size} bytes to {place} ({rule})" for place, _, size, rule in body["outflows"]) or "nothing"
        say(f"rules: {rules}; left the machine: {left}", indent=4)
        say(
            f"model {body['model']}, {len(body['retrieved'])} passages retrieved, {len(body['cited'])} ranges cited, "
            f"{body['milliseconds']:.0f} ms",
            indent=4,
        )
    if not found:
        note("No such record.")


def erase(
    principal: Annotated[str, typer.Argument(metavar="PRINCIPAL", help="The id of the person.")],
    *,
    corpus: CorpusOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget a person: id, role and fingerprints leave the log, which stays verifiable.

    What remains is which records were erased together. Backups of the folder keep what they hold.
    """
    from fmapps.audit import Audit

    with open_corpus(corpus, read_only=True) as opened:
        erased = Audit.of(opened).erase(principal)
    if as_json:
        emit({"corpus": folder(corpus), "erased": erased})
    else:
        say(f"erased from {erased} records of {folder(corpus)}")
    if not erased:
        note("No record is of that person: check the spelling of the id")
        raise typer.Exit(FAILED)


def flows(*, corpus: CorpusOption = None, as_json: JsonOption = False) -> None:
    """Say what leaves this machine, to whom, why and under which rule, and what is kept where."""
    from fmapps.flows import inventory

    with open_corpus(corpus, read_only=True) as opened:
        found = inventory(opened)
    if as_json:
        emit(found)
        return
    say(found.summary)
    for flow in found.leaves:
        told = f"{flow.times} times, {flow.bytes:,} bytes, {flow.first} to {flow.last}" if flow.times else "may leave"
        say(f"- to {flow.destination}: {flow.purpose}; under {flow.rule}; {told}", indent=2, hanging=2)
    models = ", ".join(f"{name} ({count})" for name, count in found.models.items()) or "none"
    say(f"Recorded turns: {found.turns:,}; answered by: {models}")
    say("Kept on this machine:")
    for holding in found.kept:
        say(
            f"- {holding.place} ({holding.bytes:,} bytes): {holding.holds}. Taken away by: {holding.removed_by}.",
            indent=2,
            hanging=2,
        )
    say("What this cannot know:")
    for sentence in found.unseen:
        say(f"- {sentence}", indent=2, hanging=2)


audit.command("verify")(reporting(verify))
audit.command("list")(reporting(list_records))
audit.command("erase")(reporting(erase))
audit.command("flows")(reporting(flows))
