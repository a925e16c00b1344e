"""XML, read within bounds: no document types, so no entities of a file's own; size, depth and elements end."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from costcalc.base.errors import SpecError, stop

LARGEST_XML = 2**25  # bytes
MOST_ELEMENTS = 400_000
MOST_DEPTH = 100
LONGEST_TEXT = 1_000  # characters of an element that are kept


class Element:
    """An element: its tag, attributes, children, and the beginning of its text."""

    __slots__ = ("attributes", "children", "tag", "text")

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def find(self, tag: str) -> Element | None:
        """Return the first child of a tag."""
        return next(self.all(tag), None)

    def all(self, tag: str) -> Iterator[Element]:
        """Yield the children of a tag."""
        return (child for child in self.children if child.tag == tag)

    def under(self, *tags: str) -> list[Element]:
        """Return the children of the first child of a tag, and so on: none where there is no such child."""
        found: Element | None = self
        for tag in tags:
            found = found.find(tag) if found else None
        return found.children if found else []


class _Tree:
    """What expat tells, as a tree."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.count = 0
        self.top = Element("", {})
        self.open = [self.top]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > MOST_ELEMENTS:
            raise stop(f"{self.shown} has more than {MOST_ELEMENTS:,} elements, the most that are read")
        if len(self.open) > MOST_DEPTH:
            raise stop(f"{self.shown}: elements stand more than {MOST_DEPTH} deep")
        element = Element(tag, attributes)
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, _: str) -> None:
        self.open.pop()

    def said(self, text: str) -> None:
        element = self.open[-1]
        if len(element.text) < LONGEST_TEXT and (element.text or not text.isspace()):
            element.text += text[:LONGEST_TEXT]

    def refuse(self, *_: object) -> None:
        raise stop(f"{self.shown} has a document type, which may name other files and entities: none is read")


def parse(data: bytes, shown: str) -> Element:
    """Return the root element of a document; shown: its name, for messages.

    Raises SpecError for what is no XML, has a document type, or is larger, deeper or of more elements than is read.
    """
    if len(data) > LARGEST_XML:
        raise stop(f"{shown} has more than {LARGEST_XML:,} bytes, the most that are read")
    builder, parser = _Tree(shown), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.said
    parser.StartDoctypeDeclHandler = builder.refuse
    try:
        parser.Parse(data, True)
    except SpecError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: encodings that there are not
        raise stop(f"{shown} is no XML, or a part of one: {str(error)[:100]}") from None
    return builder.top.children[0]
