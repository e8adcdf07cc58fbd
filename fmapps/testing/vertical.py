"""What every vertical keeps: sound tasks, rules with sources that spare honest questions, samples that go in whole."""

# The name of a test says what must hold.
# ruff: noqa: D102

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmapps.assistant import Assistant
from fmapps.corpus import Corpus
from fmapps.records import Action, Principal, Stage, Turn
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.safety.policy import decide
from fmapps.task import Boundary, QuestionRequest
from fmapps.vertical import Vertical, load

HEAVY = ("torch", "transformers", "faiss", "tantivy", "streamlit", "lxml", "pypdfium2", "langchain", "langchain_core")
"""Libraries that loading a vertical must not load."""

PROBES = (
    "What does it say?",
    "I want to kill myself",
    "\u200b\u202e\u0000 \U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301\r\n",
    "\u0645\u0631\u062d\u0628\u0627 \u4f60\u597d " * 50,
    "what if " * 2_000,
    "'" * 500,
)
"""Questions, ordinary and odd, on which every rule must give sound findings."""


class VerticalContract:
    """Override `vertical`."""

    @pytest.fixture
    def vertical(self) -> Vertical:
        """The vertical to try."""
        raise NotImplementedError("override the fixture vertical")

    @pytest.fixture
    def corpus(self, vertical: Vertical, tmp_path: Path) -> Iterator[Corpus]:
        """The vertical's samples, with an embedder that needs no weights."""
        with Corpus.open(tmp_path / "contract.fmapps", embedder=HashingEmbedder()) as corpus:
            report = corpus.add_path(vertical.samples)
            assert not report.failures, [str(failure.error) for failure in report.failures]
            yield corpus

    def test_says_what_it_is(self, vertical: Vertical) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9-]*", vertical.name)
        assert vertical.title.strip()
        assert vertical.description.strip()
        assert vertical.notice.strip()
        assert vertical.page is None or vertical.page.is_file()

    def test_is_found_by_its_entry_point(self, vertical: Vertical) -> None:
        found = load(vertical.name)
        assert found.title == vertical.title
        assert [task.name for task in found.tasks] == [task.name for task in vertical.tasks]

    def test_loading_it_loads_nothing_heavy(self, vertical: Vertical) -> None:
        script = (
            "import sys\n"
            "from fmapps.vertical import load\n"
            f"load({vertical.name!r})\n"
            f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
        )
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == []

    def test_tasks_have_their_own_names_and_the_question_comes_first(self, vertical: Vertical) -> None:
        names = [task.name for task in vertical.tasks]
        assert names[0] == "question"
        assert len(set(names)) == len(names)
        assert all(task.description.strip() and vertical.task(task.name) is task for task in vertical.tasks)

    def test_requests_and_results_have_a_schema_and_refuse_unknown_fields(self, vertical: Vertical) -> None:
        for task in vertical.tasks:
            for model in (task.request, task.result):
                assert issubclass(model, Boundary)
                assert model.model_config.get("extra") == "forbid"
                assert json.loads(json.dumps(model.model_json_schema()))["type"] == "object"

    def test_the_question_task_takes_a_bare_question(self, vertical: Vertical) -> None:
        request = vertical.tasks[0].request
        assert issubclass(request, QuestionRequest)
        asked = request.model_validate({"question": "What does it say?"})
        assert request.model_validate_json(asked.model_dump_json()) == asked

    def test_every_rule_names_its_source(self, vertical: Vertical) -> None:
        for rule in vertical.policy.rules:
            assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", rule.id), rule.id
            assert rule.source.strip(), rule.id

    @pytest.mark.parametrize("question", PROBES, ids=range(len(PROBES)))
    def test_findings_are_sound_and_the_same_twice(self, vertical: Vertical, question: str) -> None:
        turn = Turn(question=question, query=question)
        for rule in vertical.policy.rules:
            if rule.stage is not Stage.INPUT:
                continue
            findings = list(rule.check(turn))
            assert findings == list(rule.check(turn))
            for finding in findings:
                assert finding.rule_id == rule.id
                assert 0 <= finding.start <= finding.end <= len(question)
                assert finding.message.strip() or not finding.action.stops

    def test_a_person_in_danger_comes_first(self, vertical: Vertical) -> None:
        question = "I want to kill myself"
        for role in ("", "expert"):
            turn = Turn(question=question, query=question, principal=Principal("someone", role))
            assert decide(vertical.policy.findings(turn, Stage.INPUT)).action is Action.ESCALATE

    def test_its_examples_pass_its_own_rules(self, vertical: Vertical) -> None:
        assert vertical.examples
        for question in vertical.examples:
            decision = decide(vertical.policy.findings(Turn(question=question, query=question), Stage.INPUT))
            assert not decision.action.stops, (question, decision.rules)

    def test_its_samples_go_in_whole(self, corpus: Corpus) -> None:
        assert corpus.status().documents > 0

    def test_its_examples_find_something_and_what_is_cited_is_there(self, vertical: Vertical, corpus: Corpus) -> None:
        assistant = Assistant(vertical, corpus=corpus)
        for question in vertical.examples:
            assert corpus.search(question)
            answer = assistant.ask(question)
            assert all(corpus.verify(citation).status == "valid" for citation in answer.citations)

    def test_the_result_of_the_question_task_survives_json(self, vertical: Vertical, corpus: Corpus) -> None:
        task = vertical.tasks[0]
        result = Assistant(vertical, corpus=corpus).run(task.name, question=vertical.examples[0])
        assert isinstance(result, task.result)
        assert task.result.model_validate_json(result.model_dump_json()) == result
