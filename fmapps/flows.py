"""Every flow of data of a deployment, from its configuration and the audit log: what leaves, to whom, what is kept."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from fmapps.audit import Audit
from fmapps.corpus import Corpus
from fmapps.generation.extractive import ExtractiveModel
from fmapps.settings import Settings, settings
from fmapps.store.audit import AUDIT

_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")


@dataclass(frozen=True, slots=True)
class Flow:
    """Something that leaves this machine, or may.

    Attributes:
        destination: the service or host.
        purpose: what for.
        rule: the rule or the setting that lets it.
        known_from: "log": it has left, so often; "configuration": the settings let it, and no record tells how often.
        times: how often.
        bytes: how many.
        first: when it first left; empty where no record tells.
        last: when it last did.
    """

    destination: str
    purpose: str
    rule: str
    known_from: Literal["configuration", "log"]
    times: int = 0
    bytes: int = 0
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Holding:
    """Something that is kept on this machine.

    Attributes:
        place: file or folder.
        holds: what.
        removed_by: what takes it away.
        bytes: how large it is.
    """

    place: str
    holds: str
    removed_by: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """The flows of one corpus and of the settings of this process.

    Attributes:
        summary: in one sentence.
        leaves: what leaves or may leave.
        kept: what is kept here.
        models: how many recorded turns each model answered.
        turns: how many records there are.
        unseen: what this inventory cannot know.
    """

    summary: str
    leaves: tuple[Flow, ...]
    kept: tuple[Holding, ...]
    models: dict[str, int]
    turns: int
    unseen: tuple[str, ...]


def inventory(corpus: Corpus, *, current: Settings | None = None) -> Inventory:
    """Every flow of data that the settings let and the audit log tells of.

    Args:
        corpus: whose log and folder.
        current: the settings; None: those of this process.

    Raises:
        CorruptStoreError: the log cannot be read.
    """
    chosen = current or settings()
    logged: dict[tuple[str, str, str], Flow] = {}
    models: Counter[str] = Counter()
    turns = 0
    for entry in Audit.of(corpus).entries():
        if entry.body.get("kind") != "turn":
            continue
        turns += 1
        models[entry.body["model"]] += 1
        at = entry.body["at"]
        for destination, purpose, size, rule in entry.body["outflows"]:
            known = logged.get((destination, purpose, rule), Flow(destination, purpose, rule, "log", last=at))
            logged[destination, purpose, rule] = replace(
                known, times=known.times + 1, bytes=known.bytes + size, first=at
            )
    configured = _configured(chosen)
    brought = sorted(name for name in models if name != ExtractiveModel.name)
    return Inventory(
        summary=_summary(bool(logged), bool(configured), brought, recorded=turns > 0 and chosen.audit != "off"),
        leaves=(*logged.values(), *configured),
        kept=_kept(corpus.path, chosen),
        models=dict(sorted(models.items())),
        turns=turns,
        unseen=_unseen(chosen, brought),
    )


def _configured(current: Settings) -> tuple[Flow, ...]:
    flows = []
    if current.allow_downloads:
        hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        flows.append(
            Flow(
                _host(hub),
                "model libraries fetch weights by name; neither documents nor questions",
                "FMAPPS_ALLOW_DOWNLOADS",
                "configuration",
            )
        )
    asked = [name for name in _TRACING if os.environ.get(name, "").casefold() in {"1", "true", "yes", "on"}]
    if current.tracing and asked:
        service = os.environ.get("LANGSMITH_ENDPOINT") or os.environ.get("LANGCHAIN_ENDPOINT")
        flows.append(
            Flow(
                _host(service or "https://api.smith.langchain.com"),
                "traces of models run through LangChain, prompts and answers included",
                f"FMAPPS_TRACING with {asked[0]}",
                "configuration",
            )
        )
    return tuple(flows)


def _host(address: str) -> str:
    from urllib.parse import urlsplit

    return urlsplit(address).hostname or "a host that its address does not tell"


def _summary(logged: bool, configured: bool, brought: list[str], *, recorded: bool) -> str:
    if logged:
        return "Data has left this machine, as listed."
    if brought:
        return f"No record tells of anything that left this machine; see what cannot be known of {', '.join(brought)}."
    if configured:
        return "No turn sent anything from this machine; the settings let other things leave, as listed."
    if not recorded:
        return "The settings let nothing leave this machine; no record tells what turns did."
    return "Nothing leaves this machine."


def _kept(folder: Path, current: Settings) -> tuple[Holding, ...]:
    kept = []
    log = [path for path in folder.glob(f"{AUDIT}*") if path.is_file()]
    log_bytes = _size(log)
    everything = _size(path for path in folder.rglob("*") if path.is_file())
    kept.append(
        Holding(
            str(folder),
            "documents with titles, sources, metadata and labels, every version; their passages, vectors and indexes",
            "fmapps remove ID --purge",
            everything - log_bytes,
        )
    )
    if log:
        kept.append(
            Holding(
                str(folder / AUDIT),
                "one record a turn: id and role of who asked, keyed fingerprints of question and answer, rules, "
                "internal numbers of documents, times; no words of question, answer or documents",
                "fmapps audit erase PRINCIPAL, which takes the person out; the records stay",
                log_bytes,
            )
        )
    home = Path(os.environ.get("FMAPPS_APP_HOME") or Path.home() / ".fmapps")
    if home.is_dir():
        kept.append(
            Holding(
                str(home),
                "corpora of the pages: the samples, and what each person added",
                "on the pages, or by removing a folder",
                _size(path for path in home.rglob("*") if path.is_file()),
            )
        )
    for path, holds in (
        (current.audit_head, "how far each audit log goes, sealed; nothing of its content"),
        (current.audit_key_file, "the key of the audit log"),
    ):
        if path is not None:
            files = path.rglob("*") if path.is_dir() else [path]
            kept.append(Holding(str(path), holds, "by hand", _size(file for file in files if file.is_file())))
    return tuple(kept)


def _size(files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        # Another process may have replaced it meanwhile.
        with suppress(FileNotFoundError):
            total += file.stat().st_size
    return total


def _unseen(current: Settings, brought: list[str]) -> tuple[str, ...]:
    unseen = [
        f"What the model {name!r}, which an application brought, sends by itself: it is listed only where it tells "
        "(fmapps.outflow)."
        for name in brought
    ]
    if current.audit == "off":
        unseen.append("Turns since FMAPPS_AUDIT is off: they leave no record.")
    elif current.audit == "on":
        unseen.append("Turns that could not be recorded; FMAPPS_AUDIT=required withholds their answers.")
    unseen += [
        "What a program around fmapps keeps or sends: a browser that shows a page, a web server's log, a terminal's "
        "history, backups of these folders. fmapps writes no log file; its warnings go to the program's logging.",
    ]
    return tuple(unseen)
