"""After a purge, no byte of a removed document is left in the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from fmapps.corpus import Corpus
from fmapps.errors import StoreBusyError
from fmapps.records import Document

# Words that occur in nothing else, whose stems are long enough to be told from chance.
TEXT = "Zyxwquorble canary plumage: the Vextrimandoglar sang Blorfinquesting melodies to Ørstedkvamløk at dawn. " * 20
TITLE = "Quibblenackson Affidavit"
ID = "matters/Snarfzwibble-4711"
SOURCE = "/home/Drobblewick/in.txt"
LABEL = "Grufflingtor"
VALUE = "Mizzlecrantz"
CANARIES = (
    *("Zyxwquorble", "Vextrimandoglar", "Vextrimandogl", "Blorfinquesting", "Blorfinquest", "Ørstedkvamløk"),
    *("orstedkvamlok", "Quibblenackson", "Snarfzwibble", "Drobblewick", LABEL, VALUE),
)


def remains(folder: Path) -> set[tuple[str, str]]:
    """Every canary in every file, in the forms and encodings in which it may have been written."""
    found = set()
    for file in folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        for canary in CANARIES:
            forms = {canary, canary.lower(), canary.upper(), canary.casefold(), canary[::-1]}
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "unicode_escape"):
                if any(form.encode(encoding) in content for form in forms):
                    found.add((file.name, canary))
    return found


def canary_document(text: str = TEXT) -> Document:
    return Document(
        id=ID, text=text, title=TITLE, source=SOURCE, labels=frozenset({LABEL}), metadata={"client": VALUE, LABEL: True}
    )


def others(count: int) -> list[Document]:
    return [
        Document(id=f"d{i}", text=f"An ordinary lease number {i} about rent. " * 40, title="Lease")
        for i in range(count)
    ]


def test_the_canary_is_in_the_folder_before(corpus: Corpus) -> None:
    corpus.add([*others(3), canary_document()])
    names = {canary for _, canary in remains(corpus.path)}
    assert {"Zyxwquorble", "Quibblenackson", "Snarfzwibble", "Drobblewick", LABEL, VALUE} <= names


def test_purging_leaves_no_byte_of_text_title_id_labels_or_values(corpus: Corpus) -> None:
    corpus.add(others(20))
    corpus.add([canary_document()])
    corpus.add([canary_document(TEXT + "One more version.")])
    corpus.add(others(25))
    assert corpus.remove([ID], purge=True) == 1
    assert remains(corpus.path) == set()
    assert len(corpus.documents()) == 25
    assert len(corpus.search("lease about rent", limit=100, level="document")) == 25
    assert corpus.check().problems == ()


def test_purging_nothing_wipes_out_what_an_earlier_removal_and_an_earlier_version_left(corpus: Corpus) -> None:
    corpus.add([*others(5), canary_document()])
    corpus.remove([ID])
    assert remains(corpus.path)
    corpus.remove([], purge=True)
    assert remains(corpus.path) == set()


def test_other_open_corpora_go_on_after_a_purge(corpus: Corpus) -> None:
    corpus.add([*others(5), canary_document()])
    with Corpus.open(corpus.path, embedder=corpus._embedder) as reader:
        assert len(reader.search("lease", level="document")) == 5
        corpus.remove([ID], purge=True)
        assert remains(corpus.path) == set()
        assert len(reader.search("lease", level="document")) == 5
        corpus.add([Document(id="new", text="A lease of Vlanderfisk.")])
        assert reader.search("Vlanderfisk")[0].passage.document_id == "new"


def test_a_reader_that_holds_the_old_state_makes_the_purge_say_so(corpus: Corpus) -> None:
    corpus.add([*others(3), canary_document()])
    with Corpus.open(corpus.path, embedder=corpus._embedder) as reader, reader._database.read() as connection:
        connection.execute("SELECT count(*) FROM documents").fetchone()
        with pytest.raises(StoreBusyError, match="purge again"):
            corpus.remove([ID], purge=True)
    assert corpus.documents(limit=1)
    assert corpus.remove([ID], purge=True) == 0
    assert remains(corpus.path) == set()
