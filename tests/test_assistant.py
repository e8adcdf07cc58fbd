"""One turn, one way: what an assistant asks, keeps, drops and refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fmapps.assistant import Assistant
from fmapps.conversation import Conversation
from fmapps.corpus import Corpus
from fmapps.errors import ConfigurationError, InputError, UnknownTaskError
from fmapps.generation.composition import Composition
from fmapps.records import Action, Citation, Claim, Document, Finding, Principal, Stage, Support
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.safety.policy import Policy, Rule
from fmapps.task import AnswerModel, QuestionRequest, Task, ask_question
from fmapps.vertical import Vertical

LEASE = Document(
    id="lease",
    title="Lease of the boathouse",
    text="The tenant pays 900 dollars a month. The tenant may end this lease by giving sixty days of notice.",
)
SECRET = Document(
    id="memo",
    title="Memo",
    text="The landlord would accept thirty days of notice to end the lease.",
    labels=frozenset({"matter-7"}),
)


def _rule(word: str, action: Action, stage: Stage = Stage.INPUT) -> Rule:
    def check(turn):
        start = turn.question.find(word)
        if start < 0:
            return ()
        return (Finding(f"test.{word}", action, f"You wrote {word}.", start, start + len(word), "the test"),)

    return Rule(f"test.{word}", stage, "the test", check)


def _vertical(tmp_path, *rules: Rule) -> Vertical:
    return Vertical(
        name="housing",
        title="Housing",
        description="Questions about leases.",
        notice="Information only.",
        tasks=(Task("question", "Answer a question.", QuestionRequest, AnswerModel, ask_question),),
        policy=Policy(rules),
        samples=tmp_path,
        examples=("What is the rent?",),
    )


@pytest.fixture
def corpus(tmp_path):
    with Corpus.open(tmp_path / "corpus", embedder=HashingEmbedder()) as opened:
        opened.add([LEASE, SECRET])
        yield opened


class Scripted:
    """A model that says what the test tells it to."""

    name = "scripted"

    def __init__(self, *claims: Claim) -> None:
        self.claims = claims
        self.queries: list[str] = []

    def answer(self, query, hits):
        self.queries.append(query)
        return Composition(claims=self.claims, confidence=0.9, abstained=False, reason="")


def _citing(document: Document, words: str, **changes) -> Claim:
    start = document.text.index(words)
    citation = Citation(document.id, document.version, start, start + len(words), words, document.title)
    return Claim(words, (replace(citation, **changes),))


def test_an_answer_cites_words_that_stand_where_it_says(corpus, tmp_path):
    answer = Assistant(_vertical(tmp_path), corpus=corpus).ask("How may the tenant end the lease by notice?")
    assert not answer.abstained
    assert answer.citations
    for citation in answer.citations:
        assert LEASE.text[citation.start : citation.end] == citation.quote
        assert corpus.verify(citation).status == "valid"
    assert "[1]" in answer.text


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(_citing(LEASE, "The tenant pays 900 dollars a month.", quote="The tenant pays 90."), id="quote"),
        pytest.param(_citing(LEASE, "The tenant pays 900 dollars a month.", version="0" * 64), id="version"),
        pytest.param(_citing(LEASE, "The tenant pays 900 dollars a month.", end=100_000), id="range"),
        pytest.param(_citing(SECRET, "The landlord would accept thirty days of notice"), id="unreadable"),
        pytest.param(Claim("The tenant pays nothing."), id="uncited"),
        pytest.param(
            replace(_citing(LEASE, "The tenant pays 900 dollars a month."), text="The tenant pays 9 dollars a month."),
            id="altered",
        ),
    ],
)
def test_a_claim_that_its_citation_does_not_bear_out_is_not_shown(claim, corpus, tmp_path):
    true = _citing(LEASE, "The tenant may end this lease by giving sixty days of notice.")
    answer = Assistant(_vertical(tmp_path), corpus=corpus, model=Scripted(claim, true)).ask("What is the rent?")
    assert [shown.text for shown in answer.claims] == [true.text]
    assert all(shown.support is Support.SUPPORTED for shown in answer.claims)
    alone = Assistant(_vertical(tmp_path), corpus=corpus, model=Scripted(claim)).ask("What is the rent?")
    assert alone.abstained
    assert alone.claims == ()
    assert alone.reason


def test_a_rule_that_stops_the_turn_does_so_before_anything_is_searched(corpus, tmp_path):
    model = Scripted(_citing(LEASE, "The tenant pays 900 dollars a month."))
    assistant = Assistant(_vertical(tmp_path, _rule("fire", Action.ESCALATE)), corpus=corpus, model=model)
    conversation = Conversation(assistant.principal)
    answer = assistant.ask("There is a fire, what is the rent?", conversation=conversation)
    assert (answer.decision.action, answer.decision.rules) == (Action.ESCALATE, ("test.fire",))
    assert answer.text == "You wrote fire."
    assert (answer.claims, answer.hits, model.queries) == ((), (), [])
    assert conversation.exchanges == ()


def test_a_note_of_a_rule_goes_with_the_answer(corpus, tmp_path):
    vertical = _vertical(tmp_path, _rule("rent", Action.ANNOTATE))
    answer = Assistant(
        vertical, corpus=corpus, model=Scripted(_citing(LEASE, "The tenant pays 900 dollars a month."))
    ).ask("What is the rent?")
    assert answer.claims
    assert [finding.message for finding in answer.findings] == ["You wrote rent."]


def test_a_deployment_can_add_rules(corpus, tmp_path):
    assistant = Assistant(_vertical(tmp_path), corpus=corpus, rules=[_rule("rent", Action.REFUSE)])
    assert assistant.ask("What is the rent?").decision.action is Action.REFUSE


def test_a_vertical_can_wrap_a_step_and_not_reach_around_it(corpus, tmp_path):
    seen = []

    def watch(step):
        def watched(turn):
            seen.append(turn.query)
            return step(turn)

        return watched

    Assistant(replace(_vertical(tmp_path), steps={"retrieve": watch}), corpus=corpus).ask("What is the rent?")
    assert seen == ["What is the rent?"]
    with pytest.raises(ConfigurationError, match="no step is called 'retreive'"):
        Assistant(_vertical(tmp_path), corpus=corpus, steps={"retreive": watch})


def test_what_the_principal_may_not_read_is_neither_found_nor_cited(corpus, tmp_path):
    assistant = Assistant(_vertical(tmp_path), corpus=corpus)
    question = "Would the landlord accept thirty days of notice?"
    outside = assistant.ask(question)
    assert all(hit.passage.document_id != "memo" for hit in outside.hits)
    inside = assistant.ask(question, principal=Principal("counsel", labels=frozenset({"matter-7"})))
    assert inside.hits[0].passage.document_id == "memo"


def test_a_follow_up_is_completed_and_what_was_completed_is_shown(corpus, tmp_path):
    model = Scripted(_citing(LEASE, "The tenant pays 900 dollars a month."))
    assistant = Assistant(_vertical(tmp_path), corpus=corpus, model=model)
    conversation = Conversation(assistant.principal)
    assert assistant.ask("What is the rent in the lease?", conversation=conversation).resolved_question == ""
    answer = assistant.ask("in the memo?", conversation=conversation)
    assert answer.resolved_question == "What is the rent in the memo?"
    assert model.queries[-1] == answer.resolved_question
    assert conversation.exchanges[-1].documents == ("lease",)


def test_a_task_takes_its_request_and_gives_its_result(corpus, tmp_path):
    assistant = Assistant(_vertical(tmp_path), corpus=corpus)
    result = assistant.run("question", question="How may the tenant end the lease by notice?", documents=["lease"])
    assert isinstance(result, AnswerModel)
    assert AnswerModel.model_validate_json(result.model_dump_json()) == result
    with pytest.raises(InputError, match="questoin"):
        assistant.run("question", questoin="?")
    with pytest.raises(UnknownTaskError, match="choose one of: question"):
        assistant.run("answer")


@pytest.mark.parametrize("options", [{"as_of": "yesterday"}, {"limit": 0}])
def test_bad_options_are_named(corpus, tmp_path, options):
    with pytest.raises(InputError, match=next(iter(options))):
        Assistant(_vertical(tmp_path), corpus=corpus).ask("What is the rent?", **options)


def test_an_empty_question_is_refused(corpus, tmp_path):
    with pytest.raises(InputError, match="empty"):
        Assistant(_vertical(tmp_path), corpus=corpus).ask("  \n")


def test_every_step_is_timed(corpus, tmp_path):
    answer = Assistant(_vertical(tmp_path), corpus=corpus).ask("What is the rent?")
    assert set(answer.milliseconds) == {
        "screen_input",
        "retrieve",
        "screen_context",
        "compose",
        "ground",
        "decide",
        "screen_output",
        "record",
    }


def test_a_parameter_that_the_vertical_does_not_have_is_named(corpus, tmp_path):
    with pytest.raises(InputError, match="jurisdction"):
        Assistant(_vertical(tmp_path), corpus=corpus).ask("What is the rent?", jurisdction="US-NY")


def test_a_citation_names_the_page_on_which_its_own_words_begin(corpus, tmp_path):
    text = "The first page speaks of fishing rods.\nThe second page says that the deposit is 50 dollars."
    paged = Document(id="rules", title="Rules", text=text, pages=(0, text.index("The second")))
    corpus.add([paged])
    claim = _citing(paged, "The second page says that the deposit is 50 dollars.", page=1)
    answer = Assistant(_vertical(tmp_path), corpus=corpus, model=Scripted(claim)).ask("What is the deposit?")
    assert [citation.page for citation in answer.citations] == [2]
