"""How good the extractive answers are: clauses found and rightly not found, and the right document cited first.

Run: python -m benchmarks.answers --data DIR --json OUT [--work FOLDER] [--fit]

Contracts (CUAD): a question is asked of its own contract. Where the contract has such a clause, does a cited range of
the first three claims overlap a gold span, and does the assistant answer at all; where it has none, does it abstain?
Health questions (MedQuAD) and textbook questions (OpenStax): is the first cited document a relevant one?

Beside each figure stand, from the same searches, the passage that BM25 alone puts first and the one that MiniLM alone
does; for abstention, the best that one threshold on MiniLM's cosine could do at the same rate of answering.

With --fit, the two small models of the extractive answers are fitted on the contract questions at hand, validated
across contracts and across kinds of question, and printed in the form of `fmapps/generation/extractive.json`.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Report, options, read_jsonl, retrieval_set, table
from fmapps import Answer, Assistant, Corpus, Document
from fmapps.generation.candidates import candidates
from fmapps.generation.extractive import ExtractiveModel
from fmapps.generation.questions import analyse
from fmapps.generation.scoring import ANSWER_FEATURES, SENTENCE_FEATURES, observe, weights
from fmapps.records import ANONYMOUS, Filter, Hit, Passage
from fmapps.retrieval.lexical import Constraint
from fmapps.store import access, reading

CONTRACTS = 60
QUESTIONS = 500
WITHOUT = 300
SEED = 0
DEPTH = 100
"""Passages searched for the references."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ContractQuestion:
    """A question about one contract; no spans where it has no such clause."""

    text: str
    contract: str
    kind: str
    spans: tuple[Span, ...]


def contracts(data: Path, count: int) -> tuple[list[Document], list[ContractQuestion]]:
    """A seeded sample of the contracts, put together from their passages, and the questions about them."""
    folder = data / "law/cuad"
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in read_jsonl(folder / "corpus.jsonl.gz"):
        rows.setdefault(row["meta"]["contract_id"], []).append(row)
    chosen = random.Random(SEED).sample(sorted(rows), min(count, len(rows)))
    documents = []
    for contract in chosen:
        pieces = sorted(rows[contract], key=lambda row: row["meta"]["start"])
        documents.append(Document(contract, "".join(row["text"] for row in pieces), pieces[0]["title"]))
    questions = [
        ContractQuestion(
            text=row["question"],
            contract=row["context_id"],
            kind=row["meta"]["category"],
            spans=tuple((span["start"], span["end"]) for span in row["meta"].get("evidence") or ()),
        )
        for row in read_jsonl(folder / "qa.jsonl.gz")
        if row["context_id"] in set(chosen)
    ]
    return documents, questions


def overlaps(hits: Iterable[tuple[int, int]], spans: Sequence[Span]) -> bool:
    """Whether any of the ranges shares a character with any of the spans."""
    return any(start < last and first < end for start, end in hits for first, last in spans)


def cited(answer: Answer, *, claims: int = 3) -> list[Span]:
    """The ranges that the first claims cite."""
    return [(citation.start, citation.end) for claim in answer.claims[:claims] for citation in claim.citations]


def first_by_meaning(hits: Sequence[Hit]) -> Passage | None:
    """The passage that MiniLM alone puts first."""
    return max(hits, key=lambda hit: hit.scores["dense"]).passage if hits else None


def first_by_words(corpus: Corpus, query: str, filter: Filter) -> Passage | None:
    """The passage that BM25 alone puts first."""
    with corpus._database.read() as connection:
        scope = access.scope(connection, ANONYMOUS, filter)
        constraint = Constraint(walls=scope.walls, documents=scope.documents, facets=scope.facets, as_of=scope.as_of)
        keys = corpus._indexes.lexical().search(query, limit=1, constraint=constraint).keys.tolist()
        return next(iter(reading.resolve(connection, keys, scope).values()), None)


def filled(folder: Path, documents: Sequence[Document]) -> Corpus:
    """A corpus of the documents; what a kept folder holds already is not embedded again."""
    began = time.perf_counter()
    corpus = Corpus.open(folder)
    report = corpus.add(documents)
    print(f"{folder.name}: {len(documents)} documents, {report.passages} passages added, {_since(began)}", flush=True)
    return corpus


def verified(corpus: Corpus, answers: Iterable[Answer]) -> tuple[int, int]:
    """How many of the citations can be re-read, and how many there are."""
    found = [corpus.verify(citation).status == "valid" for answer in answers for citation in answer.citations]
    return sum(found), len(found)


def measure_contracts(report: Report, corpus: Corpus, questions: Sequence[ContractQuestion]) -> tuple[int, int]:
    """Ask of each contract what it has and what it has not."""
    began = time.perf_counter()
    assistant = Assistant("law", corpus=corpus)
    shuffled = random.Random(SEED).sample(questions, len(questions))
    having = [question for question in shuffled if question.spans][:QUESTIONS]
    lacking = [question for question in shuffled if not question.spans][:WITHOUT]
    answers = [assistant.ask(question.text, documents=[question.contract]) for question in (*having, *lacking)]
    print(f"law: {len(having)} questions with a clause, {len(lacking)} without, {_since(began)}", flush=True)
    searches = [
        corpus.search(question.text, limit=DEPTH, filter=Filter(documents=frozenset({question.contract})))
        for question in (*having, *lacking)
    ]
    spans = [question.spans for question in having]
    ours = [overlaps(cited(answer), gold) for answer, gold in zip(answers, spans, strict=False)]
    replied = [not answer.abstained for answer in answers[: len(having)]]
    silent = [answer.abstained for answer in answers[len(having) :]]
    rows = [["ours, first three claims", np.mean(ours), np.mean(replied), np.mean(silent)]]
    cosines = np.array([max((hit.scores.get("dense", 0.0) for hit in hits), default=0.0) for hits in searches])
    threshold = np.quantile(cosines[: len(having)], 1 - np.mean(replied))
    by_words = [
        first_by_words(corpus, question.text, Filter(documents=frozenset({question.contract}))) for question in having
    ]
    by_meaning = [first_by_meaning(hits) for hits in searches[: len(having)]]
    for name, tops in (("BM25", by_words), ("MiniLM", by_meaning)):
        found = [
            top is not None and overlaps([(top.start, top.end)], gold) for top, gold in zip(tops, spans, strict=True)
        ]
        report.figures[f"cuad_{name.lower()}_top_passage_overlap"] = float(np.mean(found))
        rows.append([f"{name}, whole top passage", np.mean(found), "", ""])
    by_cosine = float(np.mean(cosines[len(having) :] < threshold))
    rows.append(["threshold on MiniLM's cosine, set on these answers", "", np.mean(replied), by_cosine])
    report.figures["cuad_cosine_threshold_abstained"] = by_cosine
    table(["contracts", "gold clause cited", "answered", "abstained where there is none"], rows)
    replies = np.array(replied)
    right = np.array(ours)
    report.target("cuad_gold_clause_cited", float(right.mean()), at_least=0.40)
    report.figure("cuad_gold_clause_cited_when_answered", float(right[replies].mean()))
    report.target("cuad_answered_where_there_is_one", float(replies.mean()), at_least=0.80)
    report.target("cuad_abstained_where_there_is_none", float(np.mean(silent)), at_least=0.60)
    confidence = np.array([answer.confidence for answer in answers])
    report.figure("cuad_confidence_auc", _auc(confidence, np.array([*ours, *([False] * len(lacking))])))
    return verified(corpus, answers)


def measure_documents(
    report: Report, corpus: Corpus, data: Path, *, name: str, vertical: str, at_least: float
) -> tuple[int, int]:
    """Ask questions of a whole corpus: is the first cited document a relevant one?"""
    began = time.perf_counter()
    queries = retrieval_set(data, name)
    assistant = Assistant(vertical, corpus=corpus)
    chosen = random.Random(SEED).sample(queries.queries, min(QUESTIONS, len(queries.queries)))
    answers = [assistant.ask(query["text"]) for query in chosen]
    print(f"{vertical}: {len(chosen)} questions, {_since(began)}", flush=True)
    relevant = [{document for document, grade in queries.qrels[query["id"]].items() if grade > 0} for query in chosen]
    right = [
        bool(answer.citations) and answer.citations[0].document_id in gold
        for answer, gold in zip(answers, relevant, strict=True)
    ]
    rows: list[list[Any]] = [["ours, first cited document", np.mean(right)]]
    searches = [corpus.search(query["text"], limit=DEPTH) for query in chosen]
    tops: dict[str, list[Passage | None]] = {
        "fusion": [hits[0].passage if hits else None for hits in searches],
        "BM25": [first_by_words(corpus, query["text"], Filter()) for query in chosen],
        "MiniLM": [first_by_meaning(hits) for hits in searches],
    }
    for system, firsts in tops.items():
        share = np.mean(
            [top is not None and top.document_id in gold for top, gold in zip(firsts, relevant, strict=True)]
        )
        rows.append([f"{system}, document of the top passage", share])
        report.figures[f"{name}_{system.lower()}_top_passage_document"] = float(share)
    table([name, "right"], rows)
    report.target(f"{name}_first_cited_document", float(np.mean(right)), at_least=at_least)
    report.figure(f"{name}_answered", float(np.mean([not answer.abstained for answer in answers])))
    report.figure(f"{name}_stopped_by_a_rule", float(np.mean([answer.decision.action.stops for answer in answers])))
    return verified(corpus, answers)


def measure_off_topic(report: Report, corpus: Corpus, data: Path, *, name: str, vertical: str) -> None:
    """Ask a corpus what belongs to another one: the share of abstentions."""
    queries = retrieval_set(data, name).queries
    chosen = random.Random(SEED).sample(queries, min(QUESTIONS // 5, len(queries)))
    assistant = Assistant(vertical, corpus=corpus)
    silent = [assistant.ask(query["text"]).abstained for query in chosen]
    report.figure(f"{name}_asked_of_the_wrong_corpus_abstained", float(np.mean(silent)), f"of {len(chosen)}")


@dataclass(frozen=True, slots=True)
class Observed:
    """What the models see of one question."""

    sentences: NDArray[np.float64]
    overlapping: NDArray[np.bool_]
    whole: NDArray[np.float64]
    question: ContractQuestion


def fit(report: Report, corpus: Corpus, questions: Sequence[ContractQuestion]) -> None:
    """Fit both models and print them, with what cross-validation says."""
    observed = [seen for question in questions if (seen := _observed(corpus, question))]
    for by in ("contract", "kind"):
        names = [str(getattr(seen.question, by)) for seen in observed]
        groups = {name: number % 5 for number, name in enumerate(_shuffled(names))}
        fold = np.array([groups[name] for name in names])
        chance = np.zeros(len(observed))
        found: list[bool] = []
        for held in range(5):
            sentence, whole = _fitted([seen for seen, place in zip(observed, fold, strict=True) if place != held])
            for row in np.flatnonzero(fold == held).tolist():
                seen = observed[row]
                chance[row] = float(seen.whole @ whole[:-1] + whole[-1])
                if seen.question.spans:
                    order = np.argsort(-(seen.sentences @ sentence[:-1]), kind="stable")[:3]
                    found.append(bool(seen.overlapping[order].any()))
        there = np.array([bool(seen.question.spans) for seen in observed])
        at_80, at_83 = (float(np.mean(chance[~there] < np.quantile(chance[there], 1 - rate))) for rate in (0.80, 0.83))
        report.figure(f"fit_by_{by}_auc", _auc(chance, there))
        report.figure(f"fit_by_{by}_abstained_answering_80", at_80)
        report.figure(f"fit_by_{by}_abstained_answering_83", at_83)
        report.figure(f"fit_by_{by}_top_three_sentences", float(np.mean(found)))
    sentence, whole = _fitted(observed)
    there = np.array([bool(seen.question.spans) for seen in observed])
    chance = 1 / (1 + np.exp(-np.array([seen.whole @ whole[:-1] + whole[-1] for seen in observed])))
    stored: dict[str, Any] = {
        "sentence": _stored(SENTENCE_FEATURES, sentence),
        "answer": _stored(ANSWER_FEATURES, whole),
        "threshold": round(float(np.quantile(chance[there], 0.17)), 2),
    }
    print(json.dumps(stored, indent=2))


def _observed(corpus: Corpus, question: ContractQuestion) -> Observed | None:
    hits = corpus.search(question.text, limit=10, filter=Filter(documents=frozenset({question.contract})))
    quotable = [candidate for candidate in candidates(hits) if not candidate.fragment]
    if not quotable:
        return None
    asked = analyse(question.text, title=hits[0].passage.title)
    model = ExtractiveModel(corpus.embed)
    scored, evidence = model.score(asked, quotable, observe(asked, quotable, titles=False), weights())
    overlapping = [overlaps([(candidate.start, candidate.end)], question.spans) for candidate in scored.candidates]
    return Observed(evidence.features, np.array(overlapping), evidence.answer_features(asked)[0], question)


def _fitted(observed: Sequence[Observed]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    having = [seen for seen in observed if seen.question.spans]
    sentence = logistic(
        np.concatenate([seen.sentences for seen in having]), np.concatenate([seen.overlapping for seen in having])
    )
    whole = np.array([seen.whole for seen in observed])
    return sentence, logistic(whole, np.array([bool(seen.question.spans) for seen in observed]))


def logistic(features: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Logistic regression by Newton's method, with a ridge of 1 on all but the constant, which comes last."""
    matrix = np.column_stack([features, np.ones(len(features))])
    ridge = np.eye(matrix.shape[1])
    ridge[-1, -1] = 1e-6
    coefficients = np.zeros(matrix.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ coefficients, -30, 30)))
        slope = matrix.T @ (chance - labels) + ridge @ coefficients
        curve = (matrix.T * (chance * (1 - chance))) @ matrix + ridge
        coefficients = coefficients - np.linalg.solve(curve, slope)
    return coefficients


def _stored(names: Sequence[str], coefficients: NDArray[np.float64]) -> dict[str, Any]:
    values = [round(float(value), 2) for value in coefficients]
    return {"weights": dict(zip(names, values[:-1], strict=True)), "constant": values[-1]}


def _auc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """The chance that a random positive scores above a random negative."""
    above = scores[labels][:, None] - scores[~labels][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def _shuffled(names: Iterable[str]) -> list[str]:
    ordered = sorted(set(names))
    random.Random(SEED).shuffle(ordered)
    return ordered


def _since(began: float) -> str:
    return f"{time.perf_counter() - began:.0f} s"


def main() -> int:
    """Measure, print, write; 0 where every target is met."""
    chosen = options(
        "answers",
        __doc__,
        (
            ("--work", {"type": Path, "default": None, "help": "keep the corpora in this folder"}),
            ("--contracts", {"type": int, "default": CONTRACTS, "help": "how many contracts to sample"}),
            ("--fit", {"action": "store_true", "help": "fit the models on the contract questions, and stop"}),
        ),
    )
    report = Report("answers")
    with tempfile.TemporaryDirectory() as temporary:
        work = chosen.extra.work or Path(temporary)
        documents, questions = contracts(chosen.data, chosen.extra.contracts)
        with closing(filled(work / f"contracts-{len(documents)}", documents)) as corpus:
            if chosen.extra.fit:
                fit(report, corpus, questions)
                return report.finish(chosen.output)
            checked = [measure_contracts(report, corpus, questions)]
            measure_off_topic(report, corpus, chosen.data, name="medquad", vertical="law")
        for name, vertical, at_least in (("medquad", "healthcare", 0.62), ("openstax_sections", "education", 0.75)):
            loaded = retrieval_set(chosen.data, name).corpus
            pages = [Document(row["id"], row["text"], row.get("title") or "") for row in loaded]
            with closing(filled(work / name, pages)) as corpus:
                checked.append(
                    measure_documents(report, corpus, chosen.data, name=name, vertical=vertical, at_least=at_least)
                )
    good, total = (sum(numbers) for numbers in zip(*checked, strict=True))
    report.figure("citations", total)
    report.target("citations_verified", good / total if total else 0.0, at_least=1.0)
    return report.finish(chosen.output)


if __name__ == "__main__":
    raise SystemExit(main())
