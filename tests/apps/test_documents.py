"""Adding documents says what became of each file; collections belong to who made them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.common.documents import add_folder, add_uploads, suffixes, telling
from apps.common.library import collections, new_collection, own_folder
from apps.common.settings import AppSettings
from fmapps import Corpus
from fmapps.errors import InputError
from fmapps.records import Principal
from fmapps.vertical import load

ADA, BOB = Principal("oidc:https://id.example.org|ada"), Principal("oidc:https://id.example.org|bob")


@dataclass
class Upload:
    name: str
    data: bytes

    def getvalue(self) -> bytes:
        return self.data


def silent(stage: str, done: int, total: int | None) -> None:
    """Tells nobody."""


def test_each_uploaded_file_is_added_updated_unchanged_or_failed_with_its_remedy(corpus: Corpus) -> None:
    lease = Upload("lease.txt", b"The tenant pays rent on the first day of each month.")
    first = add_uploads(corpus, [lease, Upload("empty.txt", b""), Upload("sheet.xlsx", b"PK\x03\x04rest")], silent)
    assert [(one.name, one.outcome) for one in first] == [
        ("lease.txt", "added"),
        ("empty.txt", "failed"),
        ("sheet.xlsx", "failed"),
    ]
    assert all(one.detail for one in first if one.outcome == "failed")
    assert [one.outcome for one in add_uploads(corpus, [lease], silent)] == ["unchanged"]
    changed = Upload("lease.txt", b"The tenant pays rent on the last day of each month.")
    assert [one.outcome for one in add_uploads(corpus, [changed], silent)] == ["updated"]
    assert [document.id for document in corpus.documents()] == ["lease.txt"]


def test_a_file_with_several_documents_says_how_many(corpus: Corpus) -> None:
    rows = b'{"id": "a", "text": "First page."}\n{"id": "b", "text": "Second page."}\n'
    assert [one.outcome for one in add_uploads(corpus, [Upload("pages.jsonl", rows)], silent)] == ["2 added"]


@pytest.mark.parametrize("name", ["../../etc/lease.txt", "..\\..\\lease.txt", "/etc/lease.txt"])
def test_a_path_in_an_uploaded_name_leads_nowhere(name: str, corpus: Corpus) -> None:
    assert [one.name for one in add_uploads(corpus, [Upload(name, b"The rent is due.")], silent)] == ["lease.txt"]


def test_uploading_nothing_says_what_to_do(corpus: Corpus) -> None:
    with pytest.raises(InputError, match="no file was chosen"):
        add_uploads(corpus, [], silent)


def test_a_folder_is_added_with_what_failed_by_name(corpus: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    (folder / "old").mkdir(parents=True)
    (folder / "a.md").write_text("# Lease\nThe tenant pays rent.")
    (folder / "old" / "b.txt").write_text("")
    heard: list[tuple[int, int | None]] = []
    outcomes = add_folder(corpus, f" {folder} ", lambda stage, done, total: heard.append((done, total)))
    assert [(one.name, one.outcome) for one in outcomes] == [
        ("contracts", "1 added, 0 updated, 0 unchanged"),
        ("old/b.txt", "failed"),
    ]
    assert heard
    assert all(total is not None and done <= total for done, total in heard)


@pytest.mark.parametrize("folder", ["", "  ", "/there/is/no/such/folder"])
def test_a_folder_that_is_not_there_is_refused_with_a_remedy(folder: str, corpus: Corpus) -> None:
    with pytest.raises(InputError, match="no such folder"):
        add_folder(corpus, folder, silent)


def test_progress_is_a_fraction_even_where_the_total_is_unknown_or_was_too_small() -> None:
    drawn: list[tuple[float, str]] = []
    tell = telling(lambda fraction, text: drawn.append((fraction, text)))
    tell("documents", 3, None)
    tell("documents", 5, 10)
    tell("documents", 12, 10)
    assert [fraction for fraction, _ in drawn] == [0.0, 0.5, 1.0]
    assert drawn[1][1] == "Documents: 5 of 10"


def test_the_uploader_takes_what_can_be_read() -> None:
    assert {".txt", ".md", ".html", ".pdf", ".docx", ".xml", ".json", ".jsonl", ".csv"} <= set(suffixes())


def test_one_persons_collections_are_offered_to_nobody_else(tmp_path: Path) -> None:
    law = load("law")
    settings = AppSettings(app_home=tmp_path, corpus=None)
    made = new_collection("My leases", law, ADA, settings)
    made.path.mkdir(parents=True)
    titles = {
        person.id: [offered.title for offered in collections(law, person, settings, local=False)]
        for person in (ADA, BOB)
    }
    assert titles[ADA.id] == ["Sample documents (law)", "My leases"]
    assert titles[BOB.id] == ["Sample documents (law)"]
    assert ADA.id not in str(own_folder(law, ADA, settings))


def test_samples_are_never_added_to_and_a_given_corpus_only_at_this_machine(tmp_path: Path) -> None:
    law = load("law")
    settings = AppSettings(app_home=tmp_path, corpus=tmp_path / "acme.fmapps")
    for local in (True, False):
        given, samples = collections(law, ADA, settings, local=local)
        assert (given.title, given.writable) == ("acme", local)
        assert not samples.writable


@pytest.mark.parametrize("name", ["", "  ", "../up", "a/b", ".hidden", "a" * 61, "-"])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        new_collection(name, load("law"), ADA, AppSettings(app_home=tmp_path))


def test_a_name_is_not_given_twice(tmp_path: Path) -> None:
    law, settings = load("law"), AppSettings(app_home=tmp_path)
    new_collection("Leases", law, ADA, settings).path.mkdir(parents=True)
    with pytest.raises(InputError, match="already"):
        new_collection("leases", law, ADA, settings)
