"""How fast ingest, search and a turn are, each beside its reference, and how search grows with the corpus."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Report, options, retrieval_set, table
from fmapps.corpus import Corpus
from fmapps.ingestion.splitter import split
from fmapps.records import ANONYMOUS, Document, Filter
from fmapps.retrieval.embedding import MiniLMEmbedder, default_embedder, processor_features
from fmapps.retrieval.lexical import Constraint
from fmapps.store import access, reading

SOURCES = ("cuad", "medquad", "openstax_sections")
QUERY_SOURCES = ("cuad", "medquad", "openstax_sections", "pubmedqa", "oatutor_skill_tagging")
FILTERS: Mapping[str, Filter] = {
    "100 %": Filter(),
    "10 %": Filter(metadata=(("tenth", (3,)),)),
    "1 %": Filter(metadata=(("hundredth", (3,)),)),
}
NOISE = 0.02
DEPTH = 200
PASSAGES_A_DOCUMENT = 12
PARTS = ("import", "ingest", "search", "turn", "million")


def main() -> int:
    """Run the parts asked for and write their figures."""
    chosen = options(
        "speed",
        __doc__,
        [
            ("--only", {"nargs": "+", "choices": PARTS, "default": PARTS, "help": "parts to run; all by default"}),
            ("--largest", {"type": int, "default": 1_000_000, "help": "passages of the largest corpus (1,000,000)"}),
            (
                "--medium",
                {"type": int, "default": 16_000, "help": "passages embedded, and searched with embedding (16,000)"},
            ),
            ("--queries", {"type": int, "default": 200, "help": "queries of each measurement (200)"}),
            ("--pairs", {"type": int, "default": 3, "help": "alternating pairs of the ingest measurement (3)"}),
            ("--sample", {"type": int, "default": 512, "help": "passages embedded in each of them (512)"}),
        ],
    )
    report = Report("speed")
    only = set(chosen.extra.only)
    print("processor:", *sorted(processor_features()))
    if "import" in only:
        measure_import(report)
    if only == {"import"}:
        return report.finish(chosen.output)
    embedder = default_embedder()
    passages = real_passages(chosen.data)
    queries = real_queries(chosen.data, chosen.extra.queries)
    if "ingest" in only:
        measure_ingest(report, embedder, passages, pairs=chosen.extra.pairs, sample=chosen.extra.sample)
    if only & {"search", "turn", "million"}:
        medium = min(chosen.extra.medium, len(passages))
        print(f"embedding {medium:,} passages and {len(queries)} queries", flush=True)
        began = perf_counter()
        vectors = embedder.encode(passages[:medium])
        report.figure("passages_embedded_per_second", medium / (perf_counter() - began))
        supply = Supply(embedder, vectors, queries)
        with tempfile.TemporaryDirectory(prefix="fmapps-speed-") as folder:
            if only & {"search", "turn"}:
                with grown(Path(folder) / "medium", supply, passages, medium) as corpus:
                    if "search" in only:
                        measure_search(report, corpus, supply, embedder, passages, vectors, queries)
                    if "turn" in only:
                        measure_turn(report, corpus, supply, queries)
            if "million" in only:
                plot = chosen.output.with_suffix(".png") if chosen.output else None
                measure_growth(report, Path(folder), supply, passages, queries, chosen.extra.largest, plot)
    return report.finish(chosen.output)


def real_passages(data: Path) -> list[str]:
    """Passages of the sets as our splitter cuts them, shuffled."""
    texts = []
    for name in SOURCES:
        for record in retrieval_set(data, name).corpus:
            texts += [passage.text for passage in split(Document(id=record["id"], text=record["text"]))]
    return [texts[row] for row in np.random.default_rng(0).permutation(len(texts))]


def real_queries(data: Path, count: int) -> list[str]:
    """Queries of the sets, as many of each."""
    generator = np.random.default_rng(1)
    queries: list[str] = []
    for name in QUERY_SOURCES:
        texts = [record["text"] for record in retrieval_set(data, name).queries]
        share = min(len(texts), -(-count // len(QUERY_SOURCES)))
        queries += [texts[number] for number in generator.choice(len(texts), share, replace=False)]
    return queries[:count]


class Supply:
    """An embedder that costs nothing: real passage vectors plus noise for passages, known vectors for the queries.

    So a corpus of any size is made in the time its store and indexes take, and search is measured without embedding.

    Args:
        embedder: whose dimension and fingerprint it has, and which it asks while `real` is true.
        vectors: shape (n, dimension), of real passages.
        queries: embedded beforehand.
    """

    def __init__(self, embedder: MiniLMEmbedder, vectors: NDArray[np.float32], queries: Sequence[str]) -> None:
        self._embedder = embedder
        self._vectors = vectors
        self._generator = np.random.default_rng(2)
        self._guard = threading.Lock()
        self.known = dict(zip(queries, embedder.encode(queries), strict=True))
        self.real = False

    @property
    def fingerprint(self) -> str:
        """As the embedder's."""
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        """As the embedder's."""
        return self._embedder.dimension

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 8, progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """Known vectors for known queries, and for anything else those of real passages plus noise."""
        if self.real:
            return self._embedder.encode(texts, batch_size=batch_size, progress=progress)
        if len(texts) == 1 and texts[0] in self.known:
            known: NDArray[np.float32] = self.known[texts[0]][None]
            return known
        with self._guard:
            rows = self._generator.integers(0, len(self._vectors), len(texts))
            noise = self._generator.standard_normal((len(texts), self.dimension), dtype=np.float32) * NOISE
        noisy: NDArray[np.float32] = self._vectors[rows] + noise
        noisy /= np.linalg.norm(noisy, axis=1, keepdims=True)
        return noisy


def documents_of(passages: Sequence[str], first: int, count: int) -> Iterator[Document]:
    """New documents of real passages, drawn again and again."""
    generator = np.random.default_rng(first)
    for number in range(first, first + count):
        drawn = generator.integers(0, len(passages), PASSAGES_A_DOCUMENT)
        yield Document(
            id=f"document-{number}",
            text="\n\n".join(passages[row] for row in drawn),
            title=" ".join(passages[drawn[0]].split()[:6]),
            metadata={"tenth": number % 10, "hundredth": number % 100},
        )


def grown(folder: Path, supply: Supply, passages: Sequence[str], size: int) -> Corpus:
    """A corpus of about `size` passages; one that is there already is added to."""
    corpus = Corpus.open(folder, embedder=supply)
    began = perf_counter()
    while (missing := size - corpus.status().passages) > 0:
        held = corpus.status().documents
        corpus.add(documents_of(passages, held, max(1, min(missing, 50_000) // (PASSAGES_A_DOCUMENT + 2))))
        print(f"  {corpus.status().passages:,} passages after {perf_counter() - began:.0f} s", flush=True)
    return corpus


def measure_import(report: Report) -> None:
    """`import fmapps` in fresh interpreters."""
    program = (
        "import sys, time; began = time.perf_counter(); import fmapps; "
        "print(time.perf_counter() - began, 'torch' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(7)
    ]
    report.target("import_seconds", statistics.median(float(seconds) for seconds, _ in runs), at_most=0.3, unit="s")
    report.target("import_loads_torch", sum(loaded == "True" for _, loaded in runs), at_most=0)


def measure_ingest(
    report: Report, embedder: MiniLMEmbedder, passages: Sequence[str], *, pairs: int, sample: int
) -> None:
    """Embedding the same passages by fmapps and by sentence-transformers in float32, in turns."""
    reference = reference_model(embedder)
    texts = list(passages[:sample])
    embedder.encode(texts[:8])
    reference.encode(texts[:8])
    ours, theirs = [], []
    for _ in range(pairs):
        began = perf_counter()
        expected = reference.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        middle = perf_counter()
        vectors = embedder.encode(texts)
        theirs.append(sample / (middle - began))
        ours.append(sample / (perf_counter() - middle))
    cosines = np.sum(vectors * expected, axis=1)
    print("arithmetic:", embedder.precision)
    report.figure("reference_passages_per_second", statistics.median(theirs))
    report.figure("ingest_passages_per_second", statistics.median(ours))
    bound = 3.5 if "amx_bf16" in processor_features() else 1.3
    ratio = statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))
    report.target("ingest_ratio", ratio, at_least=bound)
    report.target("embedding_cosine_min", float(cosines.min()), at_least=0.995)
    report.figure("embedding_cosine_mean", float(cosines.mean()))


def reference_model(embedder: MiniLMEmbedder) -> Any:
    """sentence-transformers with the same weights, in float32 on the processor."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(embedder.folder), device="cpu")


def measure_search(
    report: Report,
    corpus: Corpus,
    supply: Supply,
    embedder: MiniLMEmbedder,
    passages: Sequence[str],
    vectors: NDArray[np.float32],
    queries: Sequence[str],
) -> None:
    """A whole search with the query's embedding, beside sentence-transformers with an exact FAISS index."""
    import faiss

    reference = reference_model(embedder)
    flat = faiss.IndexFlatIP(vectors.shape[1])
    flat.add(vectors)

    def theirs(query: str) -> None:
        vector = reference.encode([query], normalize_embeddings=True, show_progress_bar=False)
        _, rows = flat.search(vector, 10)
        _ = [passages[row] for row in rows[0]]

    supply.real = True
    ours_ms, theirs_ms = timed_in_turns(queries, lambda query: corpus.search(query, limit=10), theirs)
    embedding_ms, _ = timed_in_turns(queries, lambda query: embedder.encode([query]), lambda query: None)
    supply.real = False
    report.figure("search_passages", corpus.status().passages)
    report.target("search_with_embedding_p95_ms", percentile(ours_ms, 95), at_most=30, unit="ms")
    report.figure("search_with_embedding_p50_ms", percentile(ours_ms, 50), "ms")
    report.figure("query_embedding_p50_ms", percentile(embedding_ms, 50), "ms")
    report.figure("reference_search_p95_ms", percentile(theirs_ms, 95), "ms")
    report.figure("reference_search_p50_ms", percentile(theirs_ms, 50), "ms")


def measure_turn(report: Report, corpus: Corpus, supply: Supply, queries: Sequence[str]) -> None:
    """What the steps of a turn cost besides retrieval and the model."""
    from fmapps.assistant import Assistant

    assistant = Assistant("law", corpus=corpus)
    supply.real = True
    own, steps = [], []
    for query in [*queries[:5], *queries]:
        spent = assistant.ask(query).milliseconds
        own.append(sum(value for name, value in spent.items() if name not in {"retrieve", "compose"}))
        steps.append(spent)
    supply.real = False
    own, steps = own[5:], steps[5:]
    for name in {name: None for spent in steps for name in spent}:
        report.figure(f"step_{name}_p50_ms", percentile([spent[name] for spent in steps if name in spent], 50), "ms")
    report.target("own_steps_ms", percentile(own, 50), at_most=2, unit="ms")
    report.figure("own_steps_p95_ms", percentile(own, 95), "ms")


def measure_growth(
    report: Report,
    folder: Path,
    supply: Supply,
    passages: Sequence[str],
    queries: Sequence[str],
    largest: int,
    plot: Path | None,
) -> None:
    """Search without embedding as the corpus grows, with filters that pass all, a tenth and a hundredth."""
    sizes = [size for size in (10_000, 30_000, 100_000, 300_000) if size < largest] + [largest]
    rows: list[dict[str, Any]] = []
    for size in sizes:
        print(f"growing to {size:,} passages", flush=True)
        with grown(folder / "large", supply, passages, size) as corpus:
            corpus.search(queries[0])
            for share, filter in FILTERS.items():
                rows.append(measure_size(corpus, supply, queries, share, filter))
    columns = ("passages", "filter", "lexical_p95_ms", "dense_p95_ms", "fused_p95_ms", "recall_at_10", "exact_p95_ms")
    table(columns, [[row[column] for column in columns] for row in rows])
    for row in rows:
        for part in ("lexical", "dense", "fused"):
            share = row["filter"].removesuffix(" %")
            report.figures[f"growth_{row['passages']}_{share}_{part}_p95_ms"] = row[f"{part}_p95_ms"]
    for row in rows[-len(FILTERS) :]:
        share = row["filter"].removesuffix(" %")
        for part in ("lexical", "dense", "fused"):
            report.target(f"million_{part}_p95_ms_{share}", row[f"{part}_p95_ms"], at_most=60, unit="ms")
        report.target(f"million_recall_at_10_{share}", row["recall_at_10"], at_least=0.95)
    if plot:
        draw(rows, plot)
        print(f"written: {plot}")


def measure_size(corpus: Corpus, supply: Supply, queries: Sequence[str], share: str, filter: Filter) -> dict[str, Any]:
    """One row of the growth table; `exact` is the reference, a scan of every vector that may be found."""
    lexical, dense = corpus._indexes.lexical(), corpus._indexes.dense()
    assert dense is not None
    with corpus._database.read() as connection:
        scope = access.scope(connection, ANONYMOUS, filter)
        allowed = None
        if not scope.is_empty:
            allowed = np.zeros(reading.last_number(connection) + 1, dtype=np.bool_)
            allowed[reading.numbers(connection, scope)] = True
        owners = np.array(connection.execute("SELECT key, document FROM passages ORDER BY key").fetchall())
    constraint = Constraint(walls=scope.walls, documents=scope.documents, facets=scope.facets, as_of=scope.as_of)
    keys = owners[:, 0] if allowed is None else owners[allowed[owners[:, 1]], 0]
    vectors = dense.vectors(keys)
    known = supply.known

    def exact(query: str) -> NDArray[np.int64]:
        scores = vectors @ known[query]
        best: NDArray[np.int64] = keys[np.argpartition(-scores, 9)[:10]]
        return best

    lexical_ms, _ = timed_in_turns(
        queries, lambda query: lexical.search(query, limit=DEPTH, constraint=constraint), lambda query: None
    )
    dense_ms, exact_ms = timed_in_turns(
        queries, lambda query: dense.search(known[query], limit=DEPTH, allowed=allowed), exact
    )
    fused_ms, _ = timed_in_turns(
        queries, lambda query: corpus.search(query, limit=10, filter=filter), lambda query: None
    )
    found = [dense.search(known[query], limit=DEPTH, allowed=allowed).keys[:10] for query in queries]
    recall = np.mean([len(np.intersect1d(mine, exact(query))) / 10 for mine, query in zip(found, queries, strict=True)])
    return {
        "passages": len(owners),
        "filter": share,
        "lexical_p95_ms": percentile(lexical_ms, 95),
        "dense_p95_ms": percentile(dense_ms, 95),
        "fused_p95_ms": percentile(fused_ms, 95),
        "fused_p50_ms": percentile(fused_ms, 50),
        "recall_at_10": float(recall),
        "exact_p95_ms": percentile(exact_ms, 95),
    }


def timed_in_turns(
    queries: Sequence[str], first: Callable[[str], object], second: Callable[[str], object]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each query by one way and by the other, in turns, after a few to warm up."""
    times: tuple[list[float], list[float]] = ([], [])
    for number, query in enumerate([*queries[:5], *queries]):
        for way, spent in zip((first, second), times, strict=True):
            began = perf_counter()
            way(query)
            if number >= 5:
                spent.append(1000 * (perf_counter() - began))
    return times


def percentile(values: Sequence[float], percent: float) -> float:
    """The percentile, interpolated."""
    return float(np.percentile(np.asarray(values), percent))


def draw(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """The growth of the three searches, one panel for each filter."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(FILTERS), figsize=(4 * len(FILTERS), 3.5), sharey=True)
    for panel, share in zip(np.atleast_1d(panels), FILTERS, strict=True):
        some = [row for row in rows if row["filter"] == share]
        for part in ("lexical", "dense", "fused"):
            panel.plot([row["passages"] for row in some], [row[f"{part}_p95_ms"] for row in some], "o-", label=part)
        panel.axhline(60, color="grey", linestyle="--", linewidth=1)
        panel.set(xscale="log", yscale="log", xlabel="passages", title=f"filter passes {share}")
    np.atleast_1d(panels)[0].set_ylabel("p95, milliseconds, without embedding")
    np.atleast_1d(panels)[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
