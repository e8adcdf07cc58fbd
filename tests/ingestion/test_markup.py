"""Markdown, HTML and XML become the text a reader sees, with headings; nothing is fetched or expanded."""

from datetime import date
from pathlib import Path

import pytest

from tests.ingestion.making import only, read, refused


def _write(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _headings(path: Path) -> list[tuple[str, int]]:
    document = only(path)
    return [(document.text[heading.start : heading.end], heading.level) for heading in document.headings]


def test_markdown(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "a.md",
        "# The *Guide*\n\nSome **bold** text with a [link](http://x.org)\nwrapped &amp; `code`."
        "\n\n"
        "## Steps\n\n1. One\n2. Two\n   - inner\n\n> Quoted\n\n"
        "| Drug | Dose |\n|---|---|\n| Aspirin | 5 mg |\n\n```python\nx = 1\n    y = 2\n```\n\n"
        "Line<br>break <b>b</b>\n",
    )
    assert only(path).text == (
        "The Guide\n\nSome bold text with a link wrapped & code.\n\nSteps\n\n1. One\n2. Two\n  - inner\n\nQuoted\n\n"
        "Drug | Dose\nAspirin | 5 mg\n\nx = 1\n    y = 2\n\nLine\nbreak b"
    )
    assert only(path).title == "The Guide"
    assert _headings(path) == [("The Guide", 1), ("Steps", 2)]


def test_front_matter_gives_title_labels_and_period(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "a.md",
        "---\ntitle: Leave policy\nlabels: [staff, hr]\neffective_from: 2024-01-01\nowner: Ann\n---\n"
        "# Leave\n\nText.\n",
    )
    document = only(path)
    assert document.title == "Leave policy"
    assert document.labels == {"staff", "hr"}
    assert document.effective_from == date(2024, 1, 1)
    assert document.metadata == {"owner": "Ann"}
    assert document.text == "Leave\n\nText."


@pytest.mark.parametrize("field", ["labels: staff", "labels:", "effective_from: soon", "no colon here"])
def test_front_matter_that_cannot_be_read_is_refused(tmp_path: Path, field: str) -> None:
    assert "a.md" in refused(_write(tmp_path, "a.md", f"---\ntitle: x\n{field}\n---\nText.\n"))


_PAGE = """<!DOCTYPE html><html><head><title> Asthma &ndash; overview </title><style>p{}</style>
<script>alert("no")</script></head><body><nav>Home | About</nav><!-- secret -->
<h1>Asthma</h1><p>A <b>chronic</b> disease&nbsp;of
the airways.<br>It varies.</p><div hidden>unseen</div><p style="display: none">unseen</p>
<h2>Signs</h2><ul><li>Cough<ul><li>at night</li></ul></li><li>Wheeze</li></ul><ol start="3"><li>Third</li></ol>
<table><tr><th>Drug</th><th>Dose</th></tr><tr><td>A</td><td><p>5 mg</p><p>daily</p></td></tr></table>
<table><tr><td>(a)</td><td>first item</td></tr></table>
<table><tr><td><table><tr><td>x</td><td>y</td></tr></table></td></tr></table>
<pre>  kept
    as is</pre><svg><text>no</text></svg>tail</body></html>"""


def test_html(tmp_path: Path) -> None:
    path = _write(tmp_path, "a.html", _PAGE)
    document = only(path)
    assert document.text == (
        "Asthma\n\nA chronic disease of the airways.\nIt varies.\n\nSigns\n\n- Cough\n  - at night\n- Wheeze\n"
        "3. Third\nDrug | Dose\nA | 5 mg daily\n(a) first item\nx | y\n\n  kept\n    as is\n\ntail"
    )
    assert document.title == "Asthma – overview"
    assert _headings(path) == [("Asthma", 1), ("Signs", 2)]


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ('<meta charset="windows-1251">', "cp1251"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">', "cp1252"),
        ("<?xml version='1.0' encoding='utf-8'?>", "utf-8"),
        ("", "utf-16"),
    ],
)
def test_html_in_the_encoding_it_declares(tmp_path: Path, head: str, encoding: str) -> None:
    text = "Договор сторон" if encoding == "cp1251" else "café “quoted”"
    start = head if head.startswith("<?xml") else ""
    page = f"{start}<html><head>{'' if start else head}</head><body><p>{text}</p></body></html>"
    assert only(_write(tmp_path, "a.html", page.encode(encoding))).text == text


def test_html_in_another_encoding_than_it_declares_is_refused(tmp_path: Path) -> None:
    page = b'<html><head><meta charset="utf-8"></head><body>caf\xe9</body></html>'
    assert "declares the encoding utf-8" in refused(_write(tmp_path, "a.html", page))


def test_html_without_text_is_refused(tmp_path: Path) -> None:
    assert "no text" in refused(_write(tmp_path, "a.html", "<html><script>x</script></html>"))


def test_html_that_nests_deep_or_runs_long_is_read_whole_or_refused(tmp_path: Path) -> None:
    unclosed = _write(tmp_path, "unclosed.html", "<p><font>word " * 1000 + "bottom")
    assert only(unclosed).text.endswith("bottom")
    documents, failures = read(_write(tmp_path, "deep.html", "<div>" * 100_000 + "bottom" + "</div>" * 100_000))
    assert failures or documents[0].text == "bottom"
    long = _write(tmp_path, "long.html", "<p>" + "word " * 2_500_000 + "end</p>")
    assert only(long).text.endswith("word end")


def test_markdown_that_nests_deep_is_read_whole_or_refused(tmp_path: Path) -> None:
    assert only(_write(tmp_path, "a.md", "> " * 50 + "bottom")).text == "bottom"
    documents, failures = read(_write(tmp_path, "b.md", "> " * 5000 + "bottom"))
    assert failures or documents[0].text == "bottom"


def test_html_entities_of_its_own_are_not_expanded(tmp_path: Path) -> None:
    secret = _write(tmp_path, "secret.txt", "TOP SECRET")
    page = f'<!DOCTYPE html [<!ENTITY x SYSTEM "file://{secret}">]><html><body><p>Before &x; after</p></body></html>'
    assert "TOP SECRET" not in only(_write(tmp_path, "a.html", page)).text


def test_xml(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "a.xml",
        '<act xmlns="urn:x"><title>Water Act</title><!-- no --><section><num>1.</num><heading>Scope</heading>'
        "<p>This <i>act</i> applies.</p></section><section><num>2.</num><heading>Fees</heading>"
        "<sub><heading>Rates</heading><p>Ten.</p></sub></section>"
        '<record><name>Ann</name><age value="7"/></record></act>',
    )
    document = only(path)
    assert document.text == (
        "Water Act\n\n1. Scope\n\nThis act applies.\n\n2. Fees\n\nRates\n\nTen.\n\nname: Ann\nage: 7"
    )
    assert document.title == "Water Act"
    assert _headings(path) == [("Water Act", 1), ("1. Scope", 2), ("2. Fees", 2), ("Rates", 3)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities of its own"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "entities of its own"),
        ("<a><b>text</a>", "not well-formed"),
        ("<a></a>", "no text"),
        ("plain text", "not well-formed"),
    ],
)
def test_xml_that_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(_write(tmp_path, "a.xml", text))


def test_xml_bomb_costs_nothing(tmp_path: Path) -> None:
    entities = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
    text = f'<!DOCTYPE a [<!ENTITY a0 "ha">{entities}]><a>&a11;</a>'
    assert "entities" in refused(_write(tmp_path, "a.xml", text))
