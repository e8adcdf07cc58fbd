"""Any XML as text: an element a paragraph, titles and headings with their numbers, fields as "name: value"."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from fmapps.errors import UnreadableFileError
from fmapps.ingestion.builder import TextBuilder, squeeze
from fmapps.ingestion.source import Failure, SourceFile
from fmapps.records import Document

_HEADINGS = frozenset({"title", "heading", "head", "subheading", "subtitle", "h1", "h2", "h3", "h4", "h5", "h6"})
_NUMBERS = frozenset({"num", "number", "label", "enum"})
_PROSE = frozenset({"p", "para", "paragraph", "text", "content", "li", "item", "line", "block", "quote", "td", "th"})


def read_xml(file: SourceFile) -> Iterator[Document | Failure]:
    """Read an XML file. A DTD is not loaded, entities of its own are refused, nothing is fetched."""
    data = file.read()
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        if "entity" in (error.msg or "").lower():
            raise _entities(file) from None
        if "PARSE_HUGE" in (error.msg or ""):
            raise file.error(
                "it nests too deep, or one of its texts is too long", "split it, or export it as text"
            ) from None
        raise file.error(
            f"it is not well-formed XML: {error.msg}",
            "mend that place, or write it again with the program that made it",
            line=error.lineno or None,
        ) from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and next(declared.iterentities(), None) is not None:
        raise _entities(file)
    builder = TextBuilder()
    _walk(root, builder)
    title = builder.text[builder.headings[0].start : builder.headings[0].end] if builder.headings else ""
    yield file.document(builder.text, title=title, headings=tuple(builder.headings))


def _entities(file: SourceFile) -> UnreadableFileError:
    return file.error("it uses entities of its own, which are not expanded", "replace them by the text they stand for")


def _walk(root: etree._Element, builder: TextBuilder) -> None:
    levels: list[bool] = []  # for each open element: whether a heading of its own has been seen
    number = ""
    taken: etree._Element | None = None
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if taken is not None:
            if event == "end" and element is taken:
                taken = None
            continue
        if event == "end":
            levels.pop()
            continue
        name = _name(element)
        if len(element) and not _is_mixed(element):
            levels.append(False)
            continue
        taken = element
        text = squeeze("".join(str(part) for part in element.itertext()))
        if not text:
            text = squeeze(element.get("value") or "")
        if not text:
            continue
        if name in _NUMBERS:
            number = f"{number} {text}".strip()
            continue
        text, number = f"{number} {text}".strip(), ""
        if name in _HEADINGS:
            builder.heading(text, sum(levels[:-1]) + 1)
            if levels:
                levels[-1] = True
        elif name not in _PROSE and not len(element) and _is_field(element):
            builder.add(f"{name}: {text}", tight=True)
        else:
            builder.add(text)
    if number:
        builder.add(number)


def _name(element: etree._Element) -> str:
    tag = element.tag if isinstance(element.tag, str) else ""
    return tag.rpartition("}")[2].lower()


def _is_mixed(element: etree._Element) -> bool:
    """Whether the element holds text of its own beside its children: then it is one paragraph."""
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _is_field(element: etree._Element) -> bool:
    """Whether the element is one of a record's fields: a neighbour is called otherwise."""
    beside = (element.getprevious(), element.getnext())
    return any(other is not None and other.tag != element.tag for other in beside)
