"""The default model: it quotes the sentences that answer, cites each, and keeps silent where none does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fmapps.generation.candidates import Candidate, candidates
from fmapps.generation.composition import Composition, Encoder
from fmapps.generation.questions import Question, analyse
from fmapps.generation.scoring import (
    ANSWER_FEATURES,
    SENTENCE_FEATURES,
    Evidence,
    Weights,
    observe,
    probability,
    weights,
)
from fmapps.generation.selection import Scored, claims
from fmapps.records import Hit

ENCODED = 60
"""Sentences embedded in one turn, at most."""


class ExtractiveModel:
    """Answers in the words of the documents.

    Args:
        encode: embeds texts as unit vectors, as `Corpus.embed` does.
        weights: coefficients in place of those that ship.
    """

    name = "extractive"

    def __init__(self, encode: Encoder, *, weights: Weights | None = None) -> None:
        self._encode = encode
        self._weights = weights

    def answer(self, query: str, hits: Sequence[Hit]) -> Composition:
        """Quote what answers the query.

        Args:
            query: a question that stands on its own.
            hits: best first; the differences of their scores count as log-odds.

        Returns:
            Up to three claims: the best supported document first, reading order within a document, each claim one range
            of one document with its exact words; or an abstention with its reason.
        """
        if not hits:
            return _silent("Nothing was found for this question. Try other words, or add documents that speak of it.")
        one = len({hit.passage.document_id for hit in hits}) == 1
        question = analyse(query, title=hits[0].passage.title if one else "")
        everything = candidates(hits)
        quotable = [candidate for candidate in everything if not candidate.fragment]
        if not quotable:
            return _silent(f"{_found(hits)} hold headings and numbers only, and no sentence to quote.")
        model = self._weights or weights()
        evidence = observe(question, quotable, titles=not one)
        scored, evidence = self.score(question, quotable, evidence, model)
        confidence = probability(float(model.answer.log_odds(evidence.answer_features(question), ANSWER_FEATURES)[0]))
        if confidence < model.threshold:
            return _silent(_why_silent(question, evidence, hits), confidence)
        return Composition(claims(scored, everything, hits), confidence)

    def score(
        self, question: Question, quotable: Sequence[Candidate], evidence: Evidence, model: Weights
    ) -> tuple[Scored, Evidence]:
        """Fill in the similarities of the candidates that look best without them.

        Args:
            question: taken apart.
            quotable: n candidates.
            evidence: of the same n.
            model: the coefficients.

        Returns:
            The `ENCODED` best or fewer, and their evidence.
        """
        rows = np.argsort(-model.sentence.log_odds(evidence.features, SENTENCE_FEATURES), kind="stable")[:ENCODED]
        rows.sort()
        kept = [quotable[row] for row in rows.tolist()]
        vectors = self._encode([question.focus, *(candidate.text for candidate in kept)])
        features = evidence.features[rows]
        features[:, 0] = vectors[1:] @ vectors[0]
        log_odds = model.sentence.log_odds(features, SENTENCE_FEATURES)
        return Scored(kept, vectors[1:], log_odds), Evidence(features, evidence.mentioned)


def _silent(reason: str, confidence: float = 0.0) -> Composition:
    return Composition((), confidence, abstained=True, reason=reason)


def _found(hits: Sequence[Hit]) -> str:
    """What was searched, to begin a sentence with."""
    titles = list(dict.fromkeys(hit.passage.title or hit.passage.document_id for hit in hits))
    passages = f"The {len(hits)} passages found" if len(hits) > 1 else "The one passage found"
    where = f"“{titles[0]}”" if len(titles) == 1 else f"{len(titles)} documents"
    return f"{passages} in {where}"


def _why_silent(question: Question, evidence: Evidence, hits: Sequence[Hit]) -> str:
    absent = [word for word, seen in zip(question.wording, evidence.mentioned, strict=True) if not seen]
    found = _found(hits)
    if absent:
        words = " or ".join(f"“{word}”" for word in absent[:4])
        said = f"{found} do not speak of {words}" if len(hits) > 1 else f"{found} does not speak of {words}"
        said += ", and no sentence there comes close to an answer."
    else:
        said = f"{found} use words of the question, but no sentence there comes close to an answer."
    return (
        f"{said} This is what the search found, not proof that nothing exists: try the words the documents would use."
    )
