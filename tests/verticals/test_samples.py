"""The sample corpora are what their sources say, and their examples are answered from the right document."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from docx import Document as WordDocument

from fmapps.assistant import Assistant
from fmapps.corpus import Corpus
from fmapps.vertical import load

SAMPLES = Path(__file__).parents[2] / "data_samples"


@pytest.fixture(scope="module")
def make() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_samples", SAMPLES / "make.py")
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_pdf_and_the_jsonl_are_made_from_their_sources(make: ModuleType, tmp_path: Path) -> None:
    make.make_pdf(SAMPLES / "sources" / "commercial-lease.md", tmp_path / "lease.pdf")
    assert (tmp_path / "lease.pdf").read_bytes() == (SAMPLES / "law" / "commercial-lease.pdf").read_bytes()
    make.make_jsonl(SAMPLES / "sources" / "healthcare.md", tmp_path / "pages.jsonl")
    assert (tmp_path / "pages.jsonl").read_bytes() == (SAMPLES / "healthcare" / "patient-pages.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["services-agreement", "data-processing-addendum"])
def test_the_word_documents_are_made_from_their_sources(make: ModuleType, tmp_path: Path, name: str) -> None:
    make.make_docx(SAMPLES / "sources" / f"{name}.md", tmp_path / "made.docx")
    made, shipped = (
        [(paragraph.style.name, paragraph.text) for paragraph in WordDocument(str(path)).paragraphs]
        for path in (tmp_path / "made.docx", SAMPLES / "law" / f"{name}.docx")
    )
    assert made == shipped


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Corpus]]:
    folder = tmp_path_factory.mktemp("samples")
    opened = {name: Corpus.open(folder / f"{name}.fmapps") for name in ("law", "healthcare", "education")}
    for name, corpus in opened.items():
        assert not corpus.add_path(load(name).samples).failures
    yield opened
    for corpus in opened.values():
        corpus.close()


EXPECTED = {
    "law": ["Master Services", "Data Processing", "Lease of Unit 4", "Residential Deposits", "Master Services"],
    "healthcare": ["Paracetamol", "Migraine", "High blood pressure", "Asthma", "Small cuts"],
    "education": ["Unit 1", "Unit 2", "Unit 4", "Unit 7", "Unit 5"],
}


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("name", EXPECTED)
def test_every_example_is_answered_from_the_right_document(corpora: dict[str, Corpus], name: str) -> None:
    vertical, corpus = load(name), corpora[name]
    assistant = Assistant(vertical, corpus=corpus)
    for question, title in zip(vertical.examples, EXPECTED[name], strict=True):
        answer = assistant.ask(question)
        assert not answer.abstained, question
        assert any(citation.title.startswith(title) for citation in answer.citations), question
        assert all(corpus.verify(citation).status == "valid" for citation in answer.citations)


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("name", EXPECTED)
def test_what_the_samples_do_not_say_is_not_answered(corpora: dict[str, Corpus], name: str) -> None:
    readme = (Path(__file__).parents[2] / "verticals" / name / "README.md").read_text(encoding="utf-8")
    question = readme.split('Ask the sample corpus "')[1].split('"')[0]
    answer = Assistant(name, corpus=corpora[name]).ask(question)
    assert answer.abstained, (question, answer.text)
    assert not answer.citations
