"""An encoder that needs no weights, and hits made of plain text."""

import zlib

import numpy as np
import pytest

from fmapps.generation.questions import content_words
from fmapps.records import Document, Hit, Passage


class BagOfWords:
    """Texts that share words are near each other; counts what it was given."""

    def __init__(self):
        self.texts = 0

    def __call__(self, texts):
        self.texts += len(texts)
        vectors = np.full((len(texts), 256), 1e-3, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in content_words(text):
                vectors[row, zlib.crc32(word.encode()) % 256] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def passages_of(document, *, size=400, shared=100):
    """Overlapping windows of the document."""
    step = size - shared
    starts = range(0, max(len(document.text) - shared, 1), step)
    return [
        Passage(
            document.id,
            document.version,
            start,
            min(start + size, len(document.text)),
            document.text[start : start + size],
            title=document.title,
        )
        for start in starts
    ]


@pytest.fixture
def encode():
    return BagOfWords()


@pytest.fixture
def hits_of():
    def hits(*documents, size=400, shared=100):
        passages = [passage for document in documents for passage in passages_of(document, size=size, shared=shared)]
        return [Hit(passage, 10.0 - rank / 10) for rank, passage in enumerate(passages)]

    return hits


@pytest.fixture
def lease():
    return Document(
        "lease",
        "LEASE OF A FLAT\n\nRent\nThe tenant shall pay a rent of 900 euros on the first day of each month. "
        "A late payment bears interest at five percent a year.\n\nDeposit\n"
        "The tenant pays a deposit of two months' rent. "
        "Such deposit is returned within 30 days after the keys are handed over.\n\nTerm\n"
        "This lease begins on 1 March 2024 "
        "and ends on 28 February 2026. Either side may end it early on three months' written notice.\n\nHouse rules\n"
        "The landlord cleans the stairs. The tenant may keep a cat but no dog. The following count as faults:\n"
        "- A broken window or a broken lock.\n- A dripping tap.\n- A blocked drain.",
        "Lease of a flat",
    )
