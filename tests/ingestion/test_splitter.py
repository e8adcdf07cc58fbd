"""Passages are exact ranges, cover the text, keep to its structure, and take time in proportion to it."""

import itertools
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.errors import InputError
from fmapps.ingestion import split
from fmapps.ingestion.splitter import OVERLAP_WORDS, PASSAGE_WORDS
from fmapps.records import Document, Heading, Passage

_PIECES = st.sampled_from(
    [
        "\r\n",
        "\n",
        "\n\n",
        "\r",
        "\u2028",
        " ",
        "\t",
        ". ",
        "? ",
        "e\u0301",
        "a\u0301\u0323\u0308",
        "שלום עולם. ",
        "مرحبا بالعالم؟ ",
        "中文没有空格。",
        "👩‍👩‍👧‍👦",
        "🇩🇪🇫🇷",
        "👍🏽",
        "한국어",
        "\u1112\u1161\u11ab",
        "नमस्ते। ",
        "# Heading\n",
        "5.2 Termination\n",
        "ARTICLE V\n",
        "- item\n",
        "Mr. Smith v. Jones, No. 5. ",
        "word " * 40,
        "x" * 100,
        "\u202eabc\u202c",
        "\ufeff",
        "\0",
    ]
)
_TEXTS = st.one_of(st.text(), st.lists(st.one_of(_PIECES, st.text(max_size=20)), max_size=60).map("".join))


def _check(text: str, passages: list[Passage]) -> None:
    covered = 0
    for before, after in itertools.pairwise(passages):
        assert before.start < after.start
        assert before.end < after.end
    for passage in passages:
        assert text[passage.start : passage.end] == passage.text
        assert passage.text.strip() == passage.text != ""
        assert not text[covered : passage.start].strip()
        covered = max(covered, passage.end)
    assert not text[covered:].strip()


@given(_TEXTS, st.integers(1, 40), st.data())
def test_passages_are_exact_rising_and_cover_the_text(text: str, words: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, words - 1))
    document = Document(id="d", text=text)
    passages = split(document, words=words, overlap=overlap)
    _check(text, passages)
    assert passages == split(document, words=words, overlap=overlap)


@given(_TEXTS, st.lists(st.tuples(st.integers(-5, 400), st.integers(-5, 400), st.integers(-1, 9)), max_size=8))
def test_headings_that_lie_badly_break_nothing(text: str, ranges: list[tuple[int, int, int]]) -> None:
    headings = tuple(Heading(start, end, level) for start, end, level in ranges)
    _check(text, split(Document(id="d", text=text, headings=headings), words=5, overlap=2))


@given(
    st.lists(st.sampled_from(["e\u0301\u0323", "a\u0308", "👍🏽", "👩‍👧", "🇩🇪", "x", "\u0bb7\u0bbf"]), min_size=50).map(
        "".join
    )
)
def test_a_cut_parts_no_character(text: str) -> None:
    for passage in split(Document(id="d", text=text), words=1, overlap=0)[1:]:
        first, last = text[passage.start], text[passage.start - 1]
        assert not unicodedata.category(first).startswith("M")
        assert first != "\u200d"
        assert last != "\u200d"
        assert not "\U0001f3fb" <= first <= "\U0001f3ff"


@given(st.lists(st.sampled_from(["Alpha beta gamma delta.", "One two, three; four.", "Is it so?"]), max_size=200))
def test_no_passage_is_longer_than_asked(sentences: list[str]) -> None:
    for passage in split(Document(id="d", text=" ".join(sentences)), words=20, overlap=6):
        assert len(passage.text.split()) <= 24


def test_line_ends_stay_as_they_are() -> None:
    text = "First line.\r\nSecond line.\r\n\r\nNew paragraph.\r\n"
    [passage] = split(Document(id="d", text=text))
    assert passage.text == "First line.\r\nSecond line.\r\n\r\nNew paragraph."


def test_an_empty_text_has_no_passage() -> None:
    assert split(Document(id="d", text=" \r\n\t ")) == []


def _section(topic: str, count: int = 60) -> str:
    return " ".join(f"The {topic} clause number {i} says something." for i in range(count))


def test_passages_do_not_cross_headings_of_long_sections() -> None:
    text = f"5.1 Fees\n{_section('fee', 40)}\n\n5.2 Termination\n{_section('termination', 40)}\n"
    passages = split(Document(id="d", text=text, title="Agreement"))
    assert {passage.heading for passage in passages} == {"5.1 Fees", "5.2 Termination"}
    assert not any("fee clause" in passage.text and "termination clause" in passage.text for passage in passages)
    assert all(passage.title == "Agreement" for passage in passages)


def test_neighbours_in_a_section_share_whole_sentences() -> None:
    text = _section("fee", 100)
    passages = split(Document(id="d", text=text))
    for before, after in itertools.pairwise(passages):
        shared = text[after.start : before.end]
        assert 0 < len(shared.split()) <= OVERLAP_WORDS
        assert shared.startswith("The fee clause")
        assert shared.endswith("something.")
    lengths = [len(passage.text.split()) for passage in passages]
    assert max(lengths) <= 1.2 * PASSAGE_WORDS
    assert min(lengths) >= 0.7 * PASSAGE_WORDS


def test_a_bare_heading_goes_with_what_follows() -> None:
    text = f"ARTICLE V\n\n5.1 Fees\n\n{_section('fee', 40)}"
    first = split(Document(id="d", text=text))[0]
    assert first.text.startswith("ARTICLE V")
    assert first.heading == "ARTICLE V > 5.1 Fees"
    assert "fee clause number 0" in first.text


def test_short_sections_share_a_passage() -> None:
    text = "## Rest\nSleep well.\n\n## Water\nDrink water.\n\n## Food\nEat.\n"
    [passage] = split(Document(id="d", text=text))
    assert passage.text == text.strip()
    assert passage.heading == "Rest"


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("# Guide\n\nBody.\n\n## Use\n\nBody.", ["Guide", "Guide > Use"]),
        ("ARTICLE V\nBody.\n5.2 Termination\nBody of it.", ["ARTICLE V", "ARTICLE V > 5.2 Termination"]),
        ("CONFIDENTIALITY\n\nEach party keeps secrets.", ["CONFIDENTIALITY"]),
        ("5.2 Termination. Either party may end it.\n5.3 Notice. In writing.", ["5.2 Termination.", "5.3 Notice."]),
        ("1. Mix the flour.\n2. Bake it.\n3. Eat it.\n", []),
        ("The fee is due.\nTHIS IS ALL IN CAPITALS AND GOES ON\nTO A SECOND LINE OF CAPITALS TOO\n", []),
        ("**What is it?**\nBody.\n**Why so?**\nBody.", ["What is it?", "Why so?"]),
        ("2.5 mg of it, daily, was given.\nNothing else.", []),
    ],
)
def test_headings_are_found_in_plain_text(text: str, paths: list[str]) -> None:
    filled = text.replace("Body.", _section("body", 40)).replace("Body of it.", _section("body", 40))
    found = list(dict.fromkeys(passage.heading for passage in split(Document(id="d", text=filled))))
    if len(paths) == 2 and "Notice" in paths[1]:
        paths = paths[:1]  # the two are short and share a passage
    assert found == (paths or [""])


def test_a_long_sentence_is_cut_at_a_clause() -> None:
    text = "; ".join("the supplier shall deliver item number " + str(i) for i in range(60)) + "."
    passages = split(Document(id="d", text=text))
    assert len(passages) > 1
    assert all(passage.text.endswith((";", ".")) for passage in passages)


def test_the_page_is_that_of_the_first_character() -> None:
    one, two = _section("first", 30), _section("second", 30)
    document = Document(id="d", text=f"{one}\n{two}", pages=(0, len(one) + 1))
    passages = split(document)
    assert passages[0].page == 1
    assert passages[-1].page == 2
    assert all(passage.page == document.page_of(passage.start) for passage in passages)


@pytest.mark.parametrize(("words", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_sizes_that_cannot_be_are_refused(words: int, overlap: int) -> None:
    with pytest.raises(InputError, match="choose words"):
        split(Document(id="d", text="x"), words=words, overlap=overlap)


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit",
    ["The supplier shall deliver within ten days; see Fig. 3. ", "x", "e\u0301", "a.", "# a\n", "()" * 9 + "!"],
)
def test_time_grows_in_proportion(unit: str) -> None:
    def seconds(size: int) -> float:
        document = Document(id="d", text=(unit * (size // len(unit) + 1))[:size])
        best = float("inf")
        for _ in range(2):
            start = time.process_time()
            split(document)
            best = min(best, time.process_time() - start)
        return best

    # Quadratic growth would be sixteenfold.
    assert seconds(2_000_000) < 9 * max(seconds(500_000), 0.02)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["The fee is due within thirty days of the invoice. ", "x", "中"])
def test_a_line_of_ten_megabytes(unit: str) -> None:
    text = (unit * (10_000_000 // len(unit) + 1))[:10_000_000]
    passages = split(Document(id="d", text=text))
    _check(text, passages)
    assert max(len(passage.text) for passage in passages) < 10_000
