"""Out-of-the-box retrieval on the eight sets: BM25, MiniLM, reciprocal rank fusion and ours, in one run.

The references rank whole documents (title and text): BM25 by tantivy with English stemming, MiniLM by the packaged
weights in float32 (256 tokens, exact cosine), and reciprocal rank fusion (k = 60) of the first 100 of each. Ours is a
`Corpus` as anyone opens it, asked for documents. `statutory_interpretation` is ranked within the sentences of the
query's term; `ccss_prerequisites` leaves out the query's own standard.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import RETRIEVAL_SETS, Report, RetrievalSet, options, retrieval_set, table
from fmapps.corpus import Corpus
from fmapps.evaluation.metrics import ndcg_at, paired_bootstrap
from fmapps.records import Document, Filter
from fmapps.retrieval.embedding import MiniLMEmbedder
from fmapps.settings import isolate_model_libraries, settings

QUERIES = 500
SEED = 20261101
REFERENCES = ("bm25", "minilm", "rrf")
MARGIN = 0.02
LARGE = 90


def sampled(queries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first 500 queries after a seeded shuffle."""
    shuffled = sorted(queries, key=lambda query: str(query["id"]))
    random.Random(SEED).shuffle(shuffled)
    return shuffled[:QUERIES]


def term_of(record: dict[str, Any]) -> str | None:
    """The statutory term that a sentence or a query belongs to; None in every other set."""
    term = record.get("term") or record.get("meta", {}).get("term")
    return str(term) if term else None


def rank_bm25(data: RetrievalSet, queries: Sequence[dict[str, Any]], depth: int) -> list[list[str]]:
    """Whole documents by BM25, title and text in one stemmed field."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("number", stored=True, tokenizer_name="raw")
    builder.add_text_field("term", stored=False, tokenizer_name="raw")
    builder.add_text_field("body", stored=False, tokenizer_name="en_stem")
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(heap_size=200_000_000, num_threads=1)
    for number, record in enumerate(data.corpus):
        body = f"{record.get('title') or ''} {record['text']}"
        writer.add_document(tantivy.Document(number=str(number), term=term_of(record) or "-", body=body))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    analyzer = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(40))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
    ranked = []
    for query in queries:
        words = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "body", word))
            for word in dict.fromkeys(analyzer.analyze(query["text"]))
        ]
        clause = tantivy.Query.boolean_query(words)
        if term := term_of(query):
            within = tantivy.Query.const_score_query(tantivy.Query.term_query(schema, "term", term), 0.0)
            clause = tantivy.Query.boolean_query([(tantivy.Occur.Must, clause), (tantivy.Occur.Must, within)])
        found = searcher.search(clause, limit=depth).hits if words else []
        ranked.append([data.corpus[int(searcher.doc(address)["number"][0])]["id"] for _, address in found])
    return ranked


def embed(texts: Sequence[str], cache: Path | None) -> NDArray[np.float32]:
    """Unit vectors by the packaged MiniLM in float32, kept in `cache` between runs when there is one."""
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:24]
    kept = cache / f"{digest}.npy" if cache else None
    if kept and kept.exists():
        loaded: NDArray[np.float32] = np.load(kept)
        return loaded
    vectors = MiniLMEmbedder(precision="float32").encode(texts)
    if kept:
        np.save(kept, vectors)
    return vectors


def rank_minilm(
    data: RetrievalSet, queries: Sequence[dict[str, Any]], depth: int, cache: Path | None
) -> list[list[str]]:
    """Whole documents by the cosine of MiniLM's embeddings."""
    documents = embed([f"{record.get('title') or ''} {record['text']}".strip() for record in data.corpus], cache)
    asked = embed([query["text"] for query in queries], cache)
    terms = np.array([term_of(record) or "" for record in data.corpus])
    ranked = []
    for query, vector in zip(queries, asked, strict=True):
        scores = documents @ vector
        if term := term_of(query):
            scores = np.where(terms == term, scores, -np.inf)
        order = np.argsort(-scores, kind="stable")[:depth]
        ranked.append([data.corpus[number]["id"] for number in order if np.isfinite(scores[number])])
    return ranked


def fuse_reciprocal_ranks(rankings: Sequence[Sequence[str]], *, k: int = 60, depth: int = 100) -> list[str]:
    """Reciprocal rank fusion. Source: Cormack, Clarke and Büttcher 2009."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, id_ in enumerate(ranking[:depth], start=1):
            scores[id_] = scores.get(id_, 0.0) + 1.0 / (k + rank)
    return sorted(scores, key=lambda id_: (-scores[id_], id_))


def rank_ours(data: RetrievalSet, queries: Sequence[dict[str, Any]], folder: Path, depth: int) -> list[list[str]]:
    """Documents by a corpus as it comes."""
    documents = [
        Document(
            id=record["id"],
            title=record.get("title") or "",
            text=record["text"],
            metadata={"term": term} if (term := term_of(record)) else {},
        )
        for record in data.corpus
    ]
    with Corpus.open(folder) as corpus:
        corpus.add(documents)
        ranked = []
        for query in queries:
            term = term_of(query)
            chosen = Filter(metadata=(("term", (term,)),)) if term else Filter()
            hits = corpus.search(query["text"], limit=depth, filter=chosen, level="document")
            ranked.append([hit.passage.document_id for hit in hits])
        return ranked


def measure(data: RetrievalSet, work: Path, cache: Path | None) -> dict[str, NDArray[np.float64]]:
    """nDCG@10 of each system on each sampled query of one set."""
    queries = sampled([query for query in data.queries if query["id"] in data.qrels])
    lexical = rank_bm25(data, queries, 101)
    dense = rank_minilm(data, queries, 101, cache)
    ours = rank_ours(data, queries, work / f"{data.name}.fmapps", 20)
    scores: dict[str, list[float]] = {name: [] for name in (*REFERENCES, "ours")}
    for number, query in enumerate(queries):
        own = query.get("standard")
        rankings = {
            name: [id_ for id_ in ranked if id_ != own]
            for name, ranked in (("bm25", lexical[number]), ("minilm", dense[number]), ("ours", ours[number]))
        }
        rankings["rrf"] = fuse_reciprocal_ranks([rankings["bm25"], rankings["minilm"]])
        for name, ranked in rankings.items():
            scores[name].append(ndcg_at(ranked, data.qrels[query["id"]]))
    return {name: np.array(values) for name, values in scores.items()}


def main() -> int:
    """Measure, print and write."""
    chosen = options(
        "retrieval",
        __doc__,
        [
            ("--work", {"type": Path, "help": "keep corpora and reference vectors here between runs"}),
            ("--sets", {"nargs": "*", "choices": list(RETRIEVAL_SETS), "default": list(RETRIEVAL_SETS)}),
        ],
    )
    isolate_model_libraries(settings())
    report = Report("retrieval")
    rows: list[list[Any]] = []
    means: dict[str, list[float]] = {name: [] for name in (*REFERENCES, "ours")}
    verdicts: list[tuple[str, int, float, float, float]] = []
    kept: Path | None = chosen.extra.work
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    with nullcontext(str(kept)) if kept else tempfile.TemporaryDirectory() as folder:
        for name in chosen.extra.sets:
            began = time.perf_counter()
            scores = measure(retrieval_set(chosen.data, name), Path(folder), kept)
            for system, values in scores.items():
                means[system].append(float(values.mean()))
                report.figures[f"{name}_{system}_ndcg10"] = float(values.mean())
            best = max(REFERENCES, key=lambda system: float(scores[system].mean()))
            difference = paired_bootstrap(scores["ours"], scores[best])
            count = len(scores["ours"])
            verdicts.append((name, count, difference.mean, difference.low, difference.high))
            rows.append(
                [
                    name,
                    count,
                    *(f"{scores[system].mean():.3f}" for system in (*REFERENCES, "ours")),
                    best,
                    f"{difference.mean:+.3f}",
                    f"[{difference.low:+.3f}, {difference.high:+.3f}]",
                ]
            )
            print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    rows.append(["mean", "", *(f"{np.mean(means[system]):.3f}" for system in (*REFERENCES, "ours")), "", "", ""])
    print("\nnDCG@10")
    table(["set", "queries", "BM25", "MiniLM", "RRF", "ours", "best of three", "ours - best", "95 % interval"], rows)
    for name, count, mean, _, high in verdicts:
        report.target(f"{name}_not_significantly_worse", float(high >= 0), at_least=1.0)
        if count >= LARGE:
            report.target(f"{name}_difference", mean, at_least=-MARGIN)
    for system, of_sets in means.items():
        report.figure(f"mean_{system}_ndcg10", float(np.mean(of_sets)))
    report.target("mean_ratio_to_rrf", float(np.mean(means["ours"]) / np.mean(means["rrf"])), at_least=1.15)
    return report.finish(chosen.output)


if __name__ == "__main__":
    raise SystemExit(main())
