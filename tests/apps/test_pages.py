"""Each page shows the answer with its sources, the silence with its reason, and what a rule decided."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps.common import resources, session
from apps.common.session import Connection
from apps.common.settings import app_settings
from fmapps.vertical import load

Open = Callable[[str], AppTest]

QUESTIONS = {name: load(name).examples[0] for name in ("law", "healthcare", "education")}
UNANSWERABLE = "Which alloy was used for the hull of the submarine Aurelia in 1931?"


def shown(page: AppTest) -> str:
    """All that the page says, as a reader sees it, without the stylesheet and the scripts."""
    assert not page.exception, page.exception
    parts = [element.value for element in page.html if not element.value.startswith(("<style", "<script"))]
    return "\n".join(re.sub(r"<[^>]+>", " ", unescape(part)) for part in parts)


def markup(page: AppTest) -> str:
    return "\n".join(element.value for element in page.html if not element.value.startswith("<style"))


def ask(page: AppTest, question: str) -> AppTest:
    return page.chat_input[0].set_value(question).run()


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def citations(page: AppTest) -> list[str]:
    return [button.key for button in page.button if button.key and button.key.startswith("cite-")]


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_page_opens_with_its_notice_its_samples_and_questions_to_begin_with(name: str, page: Open) -> None:
    vertical = load(name)
    opened = page(name)
    assert vertical.title in shown(opened)
    assert vertical.notice in shown(opened)
    assert [button.key for button in opened.button if button.key][:1] == ["example-0"]
    assert "Sample documents" in shown(opened)


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_numbered_claims_whose_citations_open_their_source_at_the_exact_words(
    name: str, page: Open
) -> None:
    opened = ask(page(name), QUESTIONS[name])
    assert "Answer from" in shown(opened)
    assert re.search(r"Confidence: (high|moderate|low) \(\d\.\d\d of 1\)", shown(opened))
    assert load(name).notice in shown(opened)
    keys = citations(opened)
    assert keys
    claim = re.search(r'class="fm-words">(.*?)</span>', markup(opened), re.DOTALL)
    assert claim
    read = press(opened, keys[0])
    marked = re.search(r'<mark class="fm-cited">(.*?)</mark>', markup(read), re.DOTALL)
    assert marked
    words = unescape(re.sub(r"<[^>]+>", "", marked.group(1)).replace("&#13;", "\r"))
    desk = next(iter(read.session_state["desks"].values()))
    assert words == desk.opened.words == desk.shown[0].answer.claims[0].citations[0].quote
    assert desk.opened.version[:8] in shown(read)
    closed = press(read, "close-source")
    assert "fm-reader" not in markup(closed)


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_passage_says_why_it_was_found_and_can_be_read_in_its_source(name: str, page: Open) -> None:
    opened = ask(page(name), QUESTIONS[name])
    answer = next(iter(opened.session_state["desks"].values())).shown[0].answer
    assert answer.hits
    for hit in answer.hits:
        assert hit.explain() in shown(opened)
    read = press(opened, "hit-1-1")
    assert next(iter(read.session_state["desks"].values())).opened.words == answer.hits[0].passage.text
    assert 'class="fm-cited"' in markup(read)


@pytest.mark.parametrize("name", QUESTIONS)
def test_silence_is_as_plain_as_an_answer(name: str, page: Open) -> None:
    opened = ask(page(name), UNANSWERABLE)
    words = shown(opened)
    assert "No answer from these documents" in words
    assert "What was searched:" in words
    assert "What to try:" in words
    assert "Answer from" not in words
    assert not citations(opened)
    assert load(name).notice in words


def test_an_emergency_stands_above_everything_and_nothing_is_searched(page: Open) -> None:
    opened = ask(page("healthcare"), "I have crushing chest pain and my left arm is numb")
    words = shown(opened)
    assert words.index("Please get help now") < words.index(load("healthcare").title)
    assert "911" in words
    assert 'role="alert"' in markup(opened)
    assert not citations(opened)
    assert "Why these" not in words


def test_a_crisis_is_answered_with_help_on_every_page_and_forgotten(page: Open) -> None:
    for name in QUESTIONS:
        opened = ask(page(name), "I want to kill myself")
        words = shown(opened)
        assert words.index("Please get help now") < words.index(load(name).title)
        assert "988" in words
        assert not next(iter(opened.session_state["desks"].values())).conversation.exchanges


def test_advice_is_referred_and_says_on_whose_authority(page: Open) -> None:
    words = shown(ask(page("law"), "Should I sue my landlord?"))
    assert "Another way to get there" in words
    assert "law.advice" in words


def test_without_ai_in_the_activity_nothing_is_answered(page: Open) -> None:
    opened = page("education")
    opened.button_group(key="ai_level").set_value(1)
    words = shown(ask(opened, QUESTIONS["education"]))
    assert "This cannot be answered here" in words
    assert "education.no_ai" in words


def test_jurisdiction_and_date_are_shown_with_the_answer_and_their_absence_is_noted(page: Open) -> None:
    opened = page("law")
    without = ask(opened, QUESTIONS["law"])
    assert "Jurisdiction not given" in shown(without)
    assert "law.jurisdiction" in shown(without)
    without.selectbox(key="jurisdiction").set_value("GB-ENG")
    given = ask(without, "Can the tenant sublet the premises?")
    assert "England and Wales · as of" in shown(given)
    assert given.session_state["desks"].popitem()[1].shown[1].answer.findings == ()


def test_a_jurisdiction_that_is_no_code_is_refused_with_what_to_do(home: Path) -> None:
    def law_of_nowhere() -> None:
        from apps.common.page import Scope, show

        show("law", scope=lambda principal: Scope({"jurisdiction": "nowhere"}))

    words = shown(ask(AppTest.from_function(law_of_nowhere, default_timeout=60).run(), QUESTIONS["law"]))
    assert "(jurisdiction)" in words
    assert "What to do:" in words
    assert "Answer from" not in words


def test_a_follow_up_says_how_it_was_understood(page: Open) -> None:
    opened = ask(page("law"), "How many days' notice must the customer give to terminate for convenience?")
    followed = ask(opened, "and for the supplier?")
    desk = next(iter(followed.session_state["desks"].values()))
    assert desk.shown[1].answer.resolved_question
    assert f"Understood as: {desk.shown[1].answer.resolved_question}" in shown(followed)
    erased = press(followed, "erase")
    assert not desk.conversation.exchanges
    assert "Understood as" not in shown(erased)


def test_what_rests_on_a_removed_document_is_withheld_at_the_next_look(home: Path, page: Open) -> None:
    opened = ask(page("law"), QUESTIONS["law"])
    answer = next(iter(opened.session_state["desks"].values())).shown[0].answer
    resources.corpus_in(str(home / "law" / "samples.fmapps")).remove(
        {citation.document_id for citation in answer.citations}
    )
    words = shown(opened.run())
    assert "Withheld" in words
    for claim in answer.claims:
        assert claim.text not in words


def test_a_document_cannot_run_anything_on_the_page(
    home: Path, page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hostile"
    folder.mkdir()
    text = (
        "The notice period of the zebra licence is ninety days. <script>alert(1)</script> "
        "<img src=http://example.com/x onerror=alert(1)> ![picture](http://example.com/y) **loud**"
    )
    (folder / "![t](http---example.com-z) <b>zebra.txt").write_text(text)
    path = tmp_path / "hostile.fmapps"
    resources.corpus_in(str(path)).add_path(folder)
    monkeypatch.setenv("FMAPPS_CORPUS", str(path))
    app_settings.cache_clear()
    opened = ask(page("law"), "What is the notice period of the zebra licence?")
    key = (citations(opened) or ["hit-1-1"])[0]
    read = press(opened, key)
    html = "\n".join(part.value for part in read.html if not part.value.startswith(("<style", "<script>\n(function")))
    assert "&lt;script&gt;" in html
    assert not re.search(r"<(script|img|b)\b", html)
    for element in [*read.markdown, *read.caption]:
        assert "example.com" not in element.value
    for button in read.button:
        assert "![" not in button.label


def test_a_session_from_elsewhere_sees_what_to_configure_and_nothing_else(
    page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "current_connection", lambda: Connection("0.0.0.0", "203.0.113.7", {"Host": "a.org"}))
    for name in QUESTIONS:
        opened = page(name)
        assert "No access yet" in shown(opened)
        assert "FMAPPS_TRUSTED_PROXY_HEADER" in shown(opened)
        assert "Sample documents" not in shown(opened)
        assert not opened.chat_input
        assert not opened.selectbox
        assert not opened.button


def test_a_launch_that_is_not_configured_is_refused_even_at_this_machine(home: Path) -> None:
    opened = AppTest.from_file(str(Path(resources.__file__).parents[1] / "law.py"), default_timeout=60)
    opened.query_params[session.LAUNCH_PARAMETER] = "ticket"
    words = shown(opened.run())
    assert "launches are not configured" in words
    assert not opened.chat_input


def test_a_launch_is_redeemed_once_and_holds_for_the_session(home: Path) -> None:
    def launched_law() -> None:
        from apps.common.page import show
        from fmapps.errors import InputError
        from fmapps.records import Principal

        class Launches:
            def redeem(self, ticket: str) -> Principal:
                import streamlit as st

                if ticket in st.session_state.get("spent", []):
                    raise InputError("this ticket was used before")
                return Principal(f"lti:{ticket}", "learner")

        show("law", launches=Launches())

    opened = AppTest.from_function(launched_law, default_timeout=60)
    opened.query_params[session.LAUNCH_PARAMETER] = "7"
    opened.run()
    assert opened.session_state["principal"].id == "lti:7"
    assert session.LAUNCH_PARAMETER not in opened.query_params
    opened.session_state["spent"] = ["7"]
    assert "Answer from" in shown(ask(opened, QUESTIONS["law"]))
    assert opened.session_state["principal"].id == "lti:7"


def test_a_source_that_has_changed_since_is_shown_as_it_was_cited_and_says_so(home: Path, page: Open) -> None:
    opened = ask(page("law"), QUESTIONS["law"])
    cited = next(iter(opened.session_state["desks"].values())).shown[0].answer.citations[0]
    corpus = resources.corpus_in(str(home / "law" / "samples.fmapps"))
    document = corpus.get(cited.document_id)
    corpus.add([replace(document, text=f"A new first line.\n{document.text}", headings=(), pages=())])
    read = press(opened, citations(opened)[0])
    assert "The document has changed since" in shown(read)
    assert cited.quote in unescape(markup(read))


def test_who_must_sign_in_sees_a_button_for_it_and_nothing_else(home: Path) -> None:
    opened = AppTest.from_file(str(Path(resources.__file__).parents[1] / "law.py"), default_timeout=60)
    opened.user = {"is_logged_in": False}
    assert "please sign in" in shown(opened.run()).lower()
    assert [button.label for button in opened.button] == ["Sign in"]


def test_a_session_that_changes_hands_starts_empty(home: Path, page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMAPPS_TRUSTED_PROXY_HEADER", "X-User")
    monkeypatch.setenv("FMAPPS_TRUSTED_PROXIES", "10.0.0.4")
    app_settings.cache_clear()

    def as_(name: str) -> None:
        reached = Connection("0.0.0.0", "10.0.0.4", {"X-User": name})
        monkeypatch.setattr(session, "current_connection", lambda: reached)

    as_("ada")
    opened = ask(page("law"), QUESTIONS["law"])
    assert QUESTIONS["law"] in shown(opened)
    as_("bob")
    assert QUESTIONS["law"] not in shown(opened.run())
    assert opened.session_state["principal"].id == "proxy:bob"


def test_only_the_person_at_this_machine_may_name_a_folder_of_it(
    home: Path, page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fields() -> list[str]:
        opened = page("law")
        opened.selectbox(key="collection").set_value("Make a new collection…").run()
        opened.text_input[0].input("Leases")
        opened.button[0].click().run()
        assert not opened.exception
        return [one.label for one in opened.text_input]

    assert fields() == ["Or add a folder on this computer"]
    monkeypatch.setenv("FMAPPS_TRUSTED_PROXY_HEADER", "X-User")
    monkeypatch.setenv("FMAPPS_TRUSTED_PROXIES", "10.0.0.4")
    app_settings.cache_clear()
    reached = Connection("0.0.0.0", "10.0.0.4", {"X-User": "ada"})
    monkeypatch.setattr(session, "current_connection", lambda: reached)
    assert fields() == []


def test_a_new_collection_takes_a_folder_and_answers_from_it(page: Open, tmp_path: Path) -> None:
    folder = tmp_path / "leases"
    folder.mkdir()
    (folder / "lease.md").write_text("# Lease\n\nThe tenant of the lighthouse pays rent of 40 pounds each month.\n")
    (folder / "broken.pdf").write_bytes(b"no pdf at all")
    opened = page("law")
    opened.selectbox(key="collection").set_value("Make a new collection…").run()
    assert load("law").notice in shown(opened)
    opened.text_input[0].input("Leases")
    opened.button[0].click().run()
    assert opened.selectbox(key="collection").value == "Leases"
    assert "This collection is empty" in shown(opened)
    opened.text_input[0].input(str(folder))
    next(button for button in opened.button if button.label == "Add this folder").click().run()
    words = shown(opened)
    assert "1 added, 0 updated, 0 unchanged" in words
    assert re.search(r"broken\.pdf\s*: failed\s+[A-Z].+\.", words)
    answered = ask(opened, "What rent does the tenant of the lighthouse pay?")
    assert "lighthouse" in markup(answered)
    assert "1 document of “Leases”" in shown(answered)
