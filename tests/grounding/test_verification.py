"""Claims are supported only by what was read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmapps.grounding.verification import ELLIPSIS, ground, verify
from fmapps.records import Citation, Claim, Document, Support

LEASE = Document(
    "lease", "The tenant shall pay 900 euros a month. The tenant may not sublet\nthe flat. It has two rooms."
)


def cite(quote, *, shift=0, version=LEASE.version):
    start = LEASE.text.index(quote) + shift
    return Citation("lease", version, start, start + len(quote), quote, title="Lease")


def read(document_id, version):
    return LEASE.text if (document_id, version) == ("lease", LEASE.version) else None


def test_a_quotation_that_stands_where_it_says_is_supported():
    claim = Claim("The tenant may not sublet the flat.", (cite("The tenant may not sublet\nthe flat."),))
    assert verify(claim, read) == Claim(claim.text, claim.citations, Support.SUPPORTED)


def test_pieces_of_several_quotes_are_supported():
    quotes = ("The tenant shall pay 900 euros a month.", "It has two rooms.")
    claim = Claim(ELLIPSIS.join(quotes), tuple(cite(quote) for quote in quotes))
    assert verify(claim, read).support is Support.SUPPORTED


def test_a_claim_that_cites_nothing_is_unsupported_whatever_it_says_of_itself():
    checked = verify(Claim("The rent is low.", (), Support.SUPPORTED), read)
    assert (checked.support, checked.reason) == (Support.UNSUPPORTED, "it cites nothing")


def test_a_shifted_range_is_unsupported_and_the_reason_says_where_the_quote_stands():
    checked = verify(Claim("It has two rooms.", (cite("It has two rooms.", shift=-1),)), read)
    assert checked.support is Support.UNSUPPORTED
    start = LEASE.text.index("It has")
    assert f"{start}-{start + 17}" in checked.reason


def test_a_fabricated_quote_is_unsupported():
    fabricated = Citation("lease", LEASE.version, 0, 20, "The landlord is kind")
    assert "nor anywhere" in verify(Claim("The landlord is kind", (fabricated,)), read).reason


@pytest.mark.parametrize(("start", "end"), [(-5, 10), (0, 10_000), (7, 7), (9, 3)])
def test_a_range_outside_the_text_is_unsupported(start, end):
    claim = Claim("x", (Citation("lease", LEASE.version, start, end, "x"),))
    checked = verify(claim, read)
    assert checked.support is Support.UNSUPPORTED
    assert "outside" in checked.reason


def test_what_cannot_be_read_is_unchecked_not_passed():
    checked = verify(Claim("It has two rooms.", (cite("It has two rooms.", version="0" * 64),)), read)
    assert checked.support is Support.UNCHECKED
    assert "cannot be read" in checked.reason


def test_a_fault_outweighs_what_cannot_be_read():
    citations = (cite("It has two rooms.", version="0" * 64), cite("It has two rooms.", shift=2))
    assert verify(Claim("It has two rooms.", citations), read).support is Support.UNSUPPORTED


def test_another_number_than_the_source_has_is_unsupported():
    checked = verify(Claim("The tenant shall pay 90 euros.", (cite("The tenant shall pay 900 euros a month."),)), read)
    assert checked.support is Support.UNSUPPORTED
    assert checked.reason.startswith("90 ")


def test_a_paraphrase_is_unchecked():
    claim = Claim("Subletting is forbidden.", (cite("The tenant may not sublet\nthe flat."),))
    assert verify(claim, read).support is Support.UNCHECKED


def test_half_a_word_of_the_source_is_no_support():
    text = "He is unable to pay."
    claim = Claim("able to pay", (Citation("d", "v", 0, len(text), text),))
    assert verify(claim, lambda document_id, version: text).support is Support.UNCHECKED


def test_a_claim_of_nothing_but_ellipses_is_unsupported():
    assert verify(Claim(" … ", (cite("It has two rooms."),)), read).support is Support.UNSUPPORTED


def test_each_version_is_read_once():
    calls = []

    def counting(document_id, version):
        calls.append((document_id, version))
        return read(document_id, version)

    claims = [Claim("It has two rooms.", (cite("It has two rooms."),))] * 3
    assert [claim.support for claim in ground(claims, counting)] == [Support.SUPPORTED] * 3
    assert len(calls) == 1


@given(st.text(min_size=1), st.data())
def test_any_range_of_any_text_quoted_as_it_stands_is_supported(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    claim = Claim(" ".join(quote.split()), (Citation("d", "v", start, end, quote),))
    checked = verify(claim, lambda document_id, version: text)
    if quote.replace("…", "").strip():
        assert checked.support is Support.SUPPORTED


@given(st.text(min_size=2), st.text(min_size=1), st.integers(0, 5))
def test_nothing_is_supported_unless_the_range_equals_the_quote(text, quote, start):
    claim = Claim(quote, (Citation("d", "v", start, start + len(quote), quote),))
    checked = verify(claim, lambda document_id, version: text)
    assert checked.support is not Support.SUPPORTED or text[start : start + len(quote)] == quote
