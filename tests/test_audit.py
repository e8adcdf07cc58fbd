"""Every turn leaves a record: what is in it, what is not, and what happens where none can be written."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fmapps.assistant import Assistant
from fmapps.audit import Audit
from fmapps.corpus import Corpus
from fmapps.errors import ConfigurationError, ModelError, StoreError
from fmapps.flows import inventory
from fmapps.generation.composition import Composition
from fmapps.outflow import Outflow, sent
from fmapps.records import Action, Citation, Claim, Document, Finding, Principal, Stage
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.safety.policy import Policy, Rule
from fmapps.settings import Settings
from fmapps.store.audit import AUDIT
from fmapps.task import AnswerModel, QuestionRequest, Task, ask_question
from fmapps.vertical import Vertical
from tests.test_corpus_purge import CANARIES, ID, LABEL, TEXT, canary_document, remains

LEASE = Document(
    id="lease",
    title="Lease of the boathouse",
    text="The tenant pays 900 dollars a month. The tenant may end this lease by giving sixty days of notice.",
)
RENT = "The tenant pays 900 dollars a month."
NURSE = Principal("Wibblefrost-7", role="nurse")
SENT = Outflow("api.example.com", "compose an answer", 1234, "test.remote")


def rule(word: str, action: Action) -> Rule:
    def check(turn: Any) -> tuple[Finding, ...]:
        return (Finding(f"test.{word}", action, "Note."),) if word in turn.question else ()

    return Rule(f"test.{word}", Stage.INPUT, "the test", check)


class Remote:
    """A model that sends what it reads, and cites the rent."""

    name = "remote"

    def __init__(self, document: Document, quote: str, failure: Exception | None = None) -> None:
        self.document, self.quote, self.failure = document, quote, failure

    def answer(self, query: str, hits: object) -> Composition:
        sent(SENT)
        if self.failure:
            raise self.failure
        start = self.document.text.index(self.quote)
        place = Citation(self.document.id, self.document.version, start, start + len(self.quote), self.quote)
        return Composition(claims=(Claim(self.quote, (place,)),), confidence=0.9)


def vertical(tmp_path: Path, *rules: Rule, **changes: Any) -> Vertical:
    made = Vertical(
        name="housing",
        title="Housing",
        description="Questions about leases.",
        notice="Information only.",
        tasks=(Task("question", "Answer a question.", QuestionRequest, AnswerModel, ask_question),),
        policy=Policy(rules),
        samples=tmp_path,
        examples=("What is the rent?",),
    )
    return replace(made, **changes)


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    with Corpus.open(tmp_path / "corpus", embedder=HashingEmbedder()) as opened:
        opened.add([LEASE])
        yield opened


def with_settings(tmp_path: Path, **options: Any) -> Corpus:
    opened = Corpus.open(tmp_path / "corpus", embedder=HashingEmbedder(), settings=Settings(**options))
    opened.add([LEASE])
    return opened


def only_record(corpus: Corpus) -> Any:
    (entry,) = Audit(corpus).entries()
    return entry


def test_a_record_says_who_when_which_rules_passages_and_model_and_what_left(corpus: Corpus, tmp_path: Path) -> None:
    assistant = Assistant(vertical(tmp_path, rule("rent", Action.ANNOTATE)), corpus=corpus, model=Remote(LEASE, RENT))
    answer = assistant.ask("What is the rent of the tenant?", principal=NURSE)
    entry = only_record(corpus)
    body = entry.body
    assert (entry.principal, entry.role) == ("Wibblefrost-7", "nurse")
    assert (body["kind"], body["vertical"], body["outcome"], body["claims"]) == ("turn", "housing", "answered", 1)
    assert (body["rules"], body["decided"]) == ([["test.rent", "annotate"]], ["test.rent"])
    assert (body["model"], body["outflows"]) == (
        "remote",
        [["api.example.com", "compose an answer", 1234, "test.remote"]],
    )
    with closing(sqlite3.connect(corpus.path / "store.sqlite3")) as store:
        (version, document) = store.execute("SELECT number, document FROM versions").fetchone()
    assert body["cited"] == [[version, 0, len(RENT)]]
    assert body["retrieved"] == [[version, hit.passage.start, hit.passage.end] for hit in answer.hits]
    assert body["versions"][str(version)][0] == document
    assert body["at"].endswith("+00:00")
    assert 0 < body["milliseconds"] < 60_000
    assert "record" in answer.milliseconds
    assert Audit(corpus).verify().problems == ()


def test_neither_words_nor_ids_of_documents_are_in_the_log(corpus: Corpus, tmp_path: Path) -> None:
    corpus.add([canary_document()])
    model = Remote(canary_document(), TEXT[:96])
    reader = Principal("reader", labels=frozenset({LABEL}))
    answer = Assistant(vertical(tmp_path), corpus=corpus, model=model).ask(
        "What did Zyxwquorble plumage of the Vextrimandoglar sing?", principal=reader
    )
    assert answer.citations[0].document_id == ID
    body = only_record(corpus).body
    assert body["cited"]
    assert not {name for name, canary in remains(corpus.path) if name.startswith(AUDIT)}
    digest = canary_document().version
    assert digest not in json.dumps(body)
    corpus.remove([ID], purge=True)
    assert remains(corpus.path) == set()
    assert len(CANARIES) > 5
    report = Audit(corpus).verify()
    assert (report.records, report.problems) == (1, ())


def test_a_text_exchanged_behind_the_back_of_the_store_is_found(corpus: Corpus, tmp_path: Path) -> None:
    Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT)).ask("What is the rent?")
    with closing(sqlite3.connect(corpus.path / "store.sqlite3")) as store:
        store.execute("UPDATE versions SET digest = ?, text = 'The tenant pays nothing.'", ("0" * 64,))
        store.commit()
    (problem,) = Audit(corpus).verify().problems
    assert "not the one that was retrieved" in problem.message


@pytest.mark.parametrize("action", [Action.ESCALATE, Action.REFUSE, Action.ROUTE, Action.ASK])
def test_a_turn_that_a_rule_stops_is_recorded_too(corpus: Corpus, tmp_path: Path, action: Action) -> None:
    Assistant(vertical(tmp_path, rule("fire", action)), corpus=corpus).ask("There is a fire.")
    body = only_record(corpus).body
    assert (body["outcome"], body["action"], body["decided"]) == ("stopped", str(action), ["test.fire"])
    assert (body["retrieved"], body["cited"], body["outflows"]) == ([], [], [])


def test_an_abstention_is_recorded(corpus: Corpus, tmp_path: Path) -> None:
    assert Assistant(vertical(tmp_path), corpus=corpus).ask("Who painted the ceiling of Orvieto?").abstained
    assert only_record(corpus).body["outcome"] == "abstained"


@pytest.mark.parametrize(
    ("failure", "code"),
    [(ModelError("the model of Wibblefrost failed"), "model"), (RuntimeError("Wibblefrost"), "RuntimeError")],
)
def test_a_turn_that_fails_is_recorded_with_what_had_left_by_then(
    corpus: Corpus, tmp_path: Path, failure: Exception, code: str
) -> None:
    assistant = Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT, failure))
    with pytest.raises(type(failure), match="Wibblefrost"):
        assistant.ask("What is the rent?", principal=replace(NURSE, id="p"))
    body = only_record(corpus).body
    assert (body["outcome"], body["error"]) == ("failed", code)
    assert body["outflows"][0][0] == "api.example.com"
    assert b"Wibblefrost" not in (corpus.path / f"{AUDIT}-wal").read_bytes()


def test_a_vertical_cannot_take_the_record_away(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="record"):
        Assistant(vertical(tmp_path, steps={"record": lambda step: step}), corpus=corpus)
    dropping = vertical(tmp_path, steps={"screen_output": lambda step: lambda turn: turn})
    Assistant(dropping, corpus=corpus).ask("What is the rent?")
    assert only_record(corpus).body["outcome"]


def test_tasks_leave_a_record_of_each_turn(corpus: Corpus, tmp_path: Path) -> None:
    Assistant(vertical(tmp_path), corpus=corpus, principal=NURSE).run("question", question="What is the rent?")
    assert only_record(corpus).principal == NURSE.id


def test_a_person_is_erased_and_the_log_stays_whole(corpus: Corpus, tmp_path: Path) -> None:
    assistant = Assistant(vertical(tmp_path), corpus=corpus)
    for who in (NURSE, Principal("other"), NURSE):
        assistant.ask("What is the rent?", principal=who)
    audit = Audit.of(corpus)
    assert audit.erase(NURSE.id) == 2
    assert [entry.principal for entry in audit.entries()] == [None, None, "other", None]
    report = audit.verify()
    assert (report.problems, report.erased) == ((), 2)
    assert NURSE.id.encode() not in b"".join(file.read_bytes() for file in corpus.path.glob(f"{AUDIT}*"))


def test_a_corpus_opened_read_only_is_recorded_where_its_folder_can_be_written(corpus: Corpus, tmp_path: Path) -> None:
    with Corpus.open(corpus.path, embedder=HashingEmbedder(), read_only=True) as reader:
        Assistant(vertical(tmp_path), corpus=reader).ask("What is the rent?")
        assert only_record(reader).sequence == 1


def test_a_turn_is_recorded_while_another_process_ingests(corpus: Corpus, tmp_path: Path) -> None:
    release = threading.Event()
    writing = threading.Event()

    def slowly() -> Iterator[Document]:
        writing.set()
        assert release.wait(30)
        yield Document(id="new", text="New.")

    with Corpus.open(corpus.path, embedder=HashingEmbedder()) as other:
        ingest = threading.Thread(target=other.add, args=(slowly(),))
        ingest.start()
        assert writing.wait(30)
        answer = Assistant(vertical(tmp_path), corpus=corpus).ask("What is the rent?")
        release.set()
        ingest.join()
    assert answer.milliseconds["record"] < 5_000
    assert only_record(corpus).sequence == 1


def test_where_no_record_can_be_written_it_is_said_once_and_the_answer_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with with_settings(tmp_path) as corpus:
        (corpus.path / AUDIT).mkdir()
        assistant = Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT))
        with caplog.at_level(logging.WARNING):
            assert assistant.ask("What is the rent of Quabblenorth?").claims
            assert assistant.ask("What is the rent?").claims
    (record,) = caplog.records
    assert "Turns are not recorded" in record.getMessage()
    assert "Quabblenorth" not in caplog.text


def test_where_a_record_is_required_there_is_no_answer_without_one(tmp_path: Path) -> None:
    with with_settings(tmp_path, audit="required") as corpus:
        assistant = Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT))
        assert assistant.ask("What is the rent?").claims
        for file in corpus.path.glob(f"{AUDIT}*"):
            file.unlink()
        (corpus.path / AUDIT).mkdir()
        with pytest.raises(StoreError, match="could not be recorded, and this deployment requires it"):
            assistant.ask("What is the rent?")


def test_switched_off_nothing_is_written(tmp_path: Path) -> None:
    with with_settings(tmp_path, audit="off") as corpus:
        Assistant(vertical(tmp_path), corpus=corpus).ask("What is the rent?")
        assert not (corpus.path / AUDIT).exists()
        assert "no record tells" in inventory(corpus, current=Settings(audit="off")).summary


def test_a_head_needs_a_key_and_both_work_from_the_settings(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match="FMAPPS_AUDIT_HEAD is set, and no key"),
        with_settings(tmp_path, audit_head=tmp_path / "heads") as corpus,
    ):
        Assistant(vertical(tmp_path), corpus=corpus)
    key = tmp_path / "key"
    key.write_text("0123456789abcdef" * 4)
    with with_settings(tmp_path, audit_head=tmp_path / "heads", audit_key_file=key) as corpus:
        Assistant(vertical(tmp_path), corpus=corpus).ask("What is the rent?")
        report = Audit(corpus).verify()
        assert report.problems == ()
        assert any("tail was not cut" in sentence for sentence in report.proved)
        assert len(list((tmp_path / "heads").glob("*.json"))) == 1
        with closing(sqlite3.connect(corpus.path / AUDIT)) as log:
            log.execute("DELETE FROM records")
            log.execute("DELETE FROM personal")
            log.commit()
        assert "tail was cut" in Audit(corpus).verify().problems[0].message


def test_a_store_from_before_there_were_salts_is_asked_and_recorded_by_numbers_alone(
    corpus: Corpus, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(corpus.path / "store.sqlite3")) as store:
        store.execute("ALTER TABLE versions DROP COLUMN salt")
    Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT)).ask("What is the rent?")
    body = only_record(corpus).body
    assert body["cited"][0][0] == 1
    assert body["versions"]["1"][1] is None
    assert Audit(corpus).verify().problems == ()


def test_offline_nothing_leaves_and_what_is_kept_is_listed(corpus: Corpus, tmp_path: Path) -> None:
    Assistant(vertical(tmp_path), corpus=corpus).ask("What is the rent?")
    found = inventory(corpus, current=Settings())
    assert (found.summary, found.leaves) == ("Nothing leaves this machine.", ())
    assert (found.turns, found.models) == (1, {"extractive": 1})
    kept = {Path(holding.place).name: holding for holding in found.kept}
    assert kept["corpus"].bytes > 0
    assert kept[AUDIT].bytes > 0


def test_what_has_left_and_what_the_settings_let_are_listed_with_their_rules(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assistant = Assistant(vertical(tmp_path), corpus=corpus, model=Remote(LEASE, RENT))
    for _ in range(3):
        assistant.ask("What is the rent?")
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.setenv("HF_ENDPOINT", "https://user:secret@hub.example.org/path")
    found = inventory(corpus, current=Settings(allow_downloads=True, tracing=True))
    flows = {flow.destination: flow for flow in found.leaves}
    assert set(flows) == {"api.example.com", "hub.example.org", "api.smith.langchain.com"}
    logged = flows["api.example.com"]
    assert (logged.times, logged.bytes, logged.rule, logged.known_from) == (3, 3702, "test.remote", "log")
    assert logged.first < logged.last
    assert flows["hub.example.org"].rule == "FMAPPS_ALLOW_DOWNLOADS"
    assert found.summary == "Data has left this machine, as listed."
    assert any("'remote'" in sentence for sentence in found.unseen)
    monkeypatch.delenv("LANGSMITH_TRACING")
    assert len(inventory(corpus, current=Settings(tracing=True)).leaves) == 1


def test_what_is_sent_outside_a_turn_is_not_put_down_to_one(corpus: Corpus, tmp_path: Path) -> None:
    sent(SENT)
    Assistant(vertical(tmp_path), corpus=corpus).ask("What is the rent?")
    assert only_record(corpus).body["outflows"] == []
