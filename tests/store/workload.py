"""A process that changes a corpus until it is killed, and writes down what it was told is committed."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from fmapps.corpus import Corpus
from fmapps.records import Document
from fmapps.retrieval.embedding import HashingEmbedder
from fmapps.store import intake

WORDS = ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel")


def document(number: int, version: int) -> Document:
    """Text that names both, over several passages."""
    words = " ".join(f"mark{number}v{version} {WORDS[(number + i) % 8]} sentence {i} stands here." for i in range(60))
    return Document(id=f"d{number}", text=words, title=f"Title {number % 3}", metadata={"version": version})


def main(folder: Path, journal: Path, seed: int) -> None:
    """Add, update and remove without end; each line of the journal is one operation, begun or done."""
    chance = random.Random(seed)
    intake.BATCH_DOCUMENTS = 3
    with Corpus.open(folder, embedder=HashingEmbedder(32)) as corpus, journal.open("a", buffering=1) as log:
        version = seed * 1000
        while True:
            version += 1
            numbers = chance.sample(range(40), chance.randint(1, 8))
            names = ",".join(map(str, numbers))
            operation = chance.choice(
                ["put", "put", "remove", "purge"] if version % 10 == 0 else ["put", "put", "remove"]
            )
            log.write(f"begin {operation} {version} {names}\n")
            if operation == "put":
                corpus.add(document(number, version) for number in numbers)
            else:
                corpus.remove([f"d{number}" for number in numbers], purge=operation == "purge")
            log.write(f"done {operation} {version} {names}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
