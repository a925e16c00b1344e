"""YAML text -> data with positions, safely: one pass over the parser's events, no recursion.

A spec is untrusted: size, depth and the number of values (aliases counted as often as they are
used) are bounded before anything is built. Scalars are YAML 1.2's core ones: `no` is a word,
`017` seventeen, `1e-5` a number. What YAML cuts silently is recognised and said in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from costcalc.errors import Mark, Problem

DEEPEST = 40  # levels of lists and mappings
MOST_VALUES = 50_000  # scalars, lists and mappings, aliases counted in full
LONGEST_NUMBER = 20  # digits


class Node:
    """A value with its place. `value` is a scalar, a list of nodes, or a dict from key to node."""

    __slots__ = ("keys", "mark", "value", "weight")

    def __init__(self, value: Any, mark: Mark, keys: dict[str, Mark] | None = None) -> None:
        self.value = value
        self.mark = mark
        self.keys: dict[str, Mark] = keys or {}
        self.weight = 1

    def __repr__(self) -> str:
        return f"Node({self.value!r})"

    @property
    def is_map(self) -> bool:
        """Whether this is a mapping."""
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        """Whether this is a list."""
        return isinstance(self.value, list)

    def plain(self) -> Any:
        """Return the value as plain Python data, without positions."""
        if self.is_map:
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if self.is_list else self.value


def parse(text: str, where: str) -> tuple[Node | None, list[Problem]]:
    """Return the data of a YAML text, None where there is none, and every problem met on the way."""
    return _Builder(text, where).build()


# ---- building from the parser's events -----------------------------------------------------------


class _Frame:
    """A list or mapping that is still open."""

    __slots__ = ("anchor", "flow", "key", "keys", "mark", "value", "weight")

    def __init__(self, value: Any, mark: Mark, anchor: str | None, *, flow: bool) -> None:
        self.value = value
        self.mark = mark
        self.anchor = anchor
        self.flow = flow
        self.keys: dict[str, Mark] = {}
        self.key: tuple[str, Mark] | None = None
        self.weight = 1


class _Refused(Exception):
    """Reading on makes no sense."""


class _Builder:
    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.problems: list[Problem] = []
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Node | None] = {}
        self.root: Node | None = None
        self.documents = 0
        self.weight = 0

    def build(self) -> tuple[Node | None, list[Problem]]:
        import yaml

        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        handlers: dict[type, Any] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.start_map,
            yaml.SequenceStartEvent: self.start_list,
            yaml.MappingEndEvent: self.end,
            yaml.SequenceEndEvent: self.end,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }
        try:
            for event in yaml.parse(self.text, Loader=loader):
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except yaml.YAMLError as error:
            self.syntax(error)
        except _Refused:
            pass
        return self.root, self.problems

    def mark(self, event: Any, width: int = 0) -> Mark:
        start, end = event.start_mark, event.end_mark
        if not width:
            width = end.column - start.column if end.line == start.line else 1
        return Mark(self.where, self.text, start.line, start.column, max(width, 1))

    def problem(self, message: str, mark: Mark, hint: str = "") -> None:
        self.problems.append(Problem(message, mark, hint))

    def refuse(self, message: str, mark: Mark, hint: str = "") -> None:
        self.problem(message, mark, hint)
        raise _Refused

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse("a second document begins here", self.mark(event), "a file holds one spec: remove the ---")

    def start_map(self, event: Any) -> None:
        self.open(event, {})

    def start_list(self, event: Any) -> None:
        self.open(event, [])

    def open(self, event: Any, value: Any) -> None:
        mark = self.mark(event, 1)
        self.tag(event, mark)
        if len(self.stack) >= DEEPEST:
            self.refuse(f"lists and mappings are nested more than {DEEPEST} deep", mark)
        if event.anchor:
            self.anchors[event.anchor] = None  # known, but not usable inside itself
        self.stack.append(_Frame(value, mark, event.anchor, flow=bool(event.flow_style)))

    def end(self, _: Any) -> None:
        frame = self.stack.pop()
        node = Node(frame.value, frame.mark, frame.keys)
        node.weight = frame.weight
        if frame.flow and node.is_map:
            self.rejoin(node)
        if frame.anchor:
            self.anchors[frame.anchor] = node
        self.add(node, closed=True)

    def alias(self, event: Any) -> None:
        mark = self.mark(event)
        if self.stack and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None:
            self.refuse("an alias is no key", mark)
        if event.anchor not in self.anchors:
            hint = "an expression that begins with * needs quotes"
            self.refuse(
                f"'*{event.anchor}' is an alias, and there is no anchor '&{event.anchor}' before it", mark, hint
            )
        node = self.anchors[event.anchor]
        if node is None:
            self.refuse(f"'*{event.anchor}' stands inside what it stands for", mark)
        else:
            self.weight += node.weight
            self.add(node, mark=mark)

    def scalar(self, event: Any) -> None:
        mark = self.mark(event)
        self.tag(event, mark)
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            self.begin_pair(frame, str(event.value), mark)
            return
        plain = event.implicit[0] and event.style in (None, "")
        node = Node(self.resolve(event.value, mark) if plain else event.value, mark)
        if event.anchor:
            self.anchors[event.anchor] = node
        self.add(node)

    def begin_pair(self, frame: _Frame, key: str, mark: Mark) -> None:
        if key in frame.keys:
            first = frame.keys[key].line + 1
            self.problem(f"'{key}' stands here twice", mark, f"it was on line {first} already; keep one of them")
            key = f"{key} (again)"
        elif key == "<<":
            self.problem("'<<' (merging) is not part of the language", mark, "use defaults, define or a block")
        frame.keys[key] = mark
        frame.key = (key, mark)

    def add(self, node: Node, *, mark: Mark | None = None, closed: bool = False) -> None:
        """Put a finished value where it belongs."""
        self.weight += 1
        if self.weight > MOST_VALUES:
            self.refuse(f"the spec has more than {MOST_VALUES:,} values (aliases count in full)", mark or node.mark)
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.weight += node.weight
        if isinstance(frame.value, list):
            frame.value.append(node)
        elif frame.key is None:
            if closed:
                self.refuse("a list or mapping is no key", node.mark, "keys are words")
        else:
            key, key_mark = frame.key
            frame.key = None
            if not key.endswith(" (again)") and key != "<<":
                # An empty value has no place of its own worth pointing at.
                frame.value[key] = Node(None, key_mark) if node.value is None else node

    def tag(self, event: Any, mark: Mark) -> None:
        if event.tag is None or event.tag == "!":
            return
        word = str(event.tag).lstrip("!")
        shown = event.tag if len(event.tag) < 60 else event.tag[:60]
        self.problem(f"YAML reads '{shown}' as a tag", mark, f"write 'not {word}' for its opposite, or quote the text")

    def resolve(self, text: str, mark: Mark) -> Any:
        """Return what a plain scalar means under YAML 1.2's core schema."""
        if text and (text[0].isdigit() or text[0] in "-+."):
            return self.number(text, mark)
        return _WORDS.get(text, text)

    def number(self, text: str, mark: Mark) -> Any:
        if not _NUMBER.match(text):
            return text
        if len(text) > LONGEST_NUMBER:
            self.problem(f"the number {text[:12]}... has {len(text):,} digits", mark, f"the limit is {LONGEST_NUMBER}")
            return 1
        if _INTEGER.match(text):
            return int(text)
        if text[:2] in ("0x", "0o"):
            return int(text, 0)
        return float(text)

    def rejoin(self, node: Node) -> None:
        """Recognise what braces cut: `{out: divisible(c, 16)}` is three pieces, `{kernel:3}` one word."""
        before: str | None = None
        for key, value in list(node.value.items()):
            mark = node.keys[key]
            if value.value is None and before is not None and _open(node.value[before].value):
                whole = f"{node.value[before].value}, {key}"
                self.problem(
                    f"the comma cuts '{whole}' in two",
                    node.value[before].mark,
                    f'quote an expression that holds , [ or {{ inside braces: "{whole}"',
                )
                node.value[before].value = whole
                del node.value[key]
                continue
            if value.value is None and re.match(r"[a-z_]+:\S", key):
                name, _, rest = key.partition(":")
                self.problem(f"'{key}' is one word to YAML", mark, f"write '{name}: {rest}', with a space")
                del node.value[key]
                node.keys[name] = mark
                node.value[name] = Node(self.resolve(rest, mark), mark)
                continue
            before = key

    def syntax(self, error: Any) -> None:
        """Say in words why the text is no YAML."""
        place = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        if place is None:
            self.problem(f"this is no text file: {said}", Mark(self.where))
            return
        mark = Mark(self.where, self.text, place.line, place.column)
        lines = self.text.splitlines()
        line = lines[place.line] if place.line < len(lines) else ""
        above = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
        message, hint = _explained(said, line, above, place.column)
        self.problem(message, mark, hint)


_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_NUMBER = re.compile(
    r"(?:[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)\Z", re.ASCII
)


def _open(value: Any) -> bool:
    """Say whether a text has a bracket that is not closed."""
    return isinstance(value, str) and (value.count("(") > value.count(")") or value.count("[") > value.count("]"))


def _explained(said: str, line: str, above: str, column: int) -> tuple[str, str]:
    """Return message and hint for what YAML's parser says."""
    if "start any token" in said or "tab character" in said:
        if "\t" in line[: column + 1]:
            return "a tab indents this line", "YAML takes spaces only"
        return f"a value cannot begin with {line[column : column + 1]!r}", "quote it"
    if said.startswith("mapping values are not allowed"):
        return _unexpected_colon(above)
    if "',' or '}'" in said or "',' or ']'" in said:
        return "braces or brackets opened before are not closed here", (
            "quote an expression that holds , [ or { inside braces, and close every bracket"
        )
    if "block end" in said or "expected key" in said or "'-' indicator" in said:
        return "the line does not fit the indentation around it", "items of one list begin in one column"
    if "could not find expected ':'" in said:
        return "a key without ': value'", "write 'key: value', with a space after the colon"
    if "anchor" in said or "alias" in said:
        return f"this is no YAML: {said}", "an expression that begins with * or & needs quotes"
    return f"this is no YAML: {said}", ""


def _unexpected_colon(above: str) -> tuple[str, str]:
    """Say what the line above a misplaced ':' shows to be the cause."""
    message = "a ':' is not expected here"
    if re.match(r"\s*(- )?\w+:\S", above):
        return message, f"'{above.strip()}' has no space after its colon"
    if re.match(r"\s*- \w+\s*\Z", above):
        word = above.strip()[2:]
        return message, f"a bare word takes no modifier on the next line: write {{{word}, name: ...}}"
    return message, "the indentation is off, or text that holds ': ' needs quotes"


# ---- building from Python data -------------------------------------------------------------------


def from_data(data: Any, where: str = "spec") -> tuple[Node | None, list[Problem]]:
    """Return Python's dicts, lists and scalars as nodes, whose places are paths: `layers[3].conv.out`."""
    problems: list[Problem] = []
    count = 0

    def build(value: Any, path: str, depth: int) -> Node:
        nonlocal count
        count += 1
        mark = Mark(where, path=path)
        if depth > DEEPEST or count > MOST_VALUES:
            problems.append(Problem("the spec is nested too deeply or has too many values", mark))
            raise _Refused
        if isinstance(value, Mapping):
            pairs = {str(k): build(v, f"{path}.{k}" if path else str(k), depth + 1) for k, v in value.items()}
            return Node(pairs, mark, {key: Mark(where, path=f"{path}.{key}" if path else key) for key in pairs})
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return Node([build(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)], mark)
        if hasattr(value, "item") and not isinstance(value, str):  # a numpy scalar
            value = value.item()
        if value is not None and not isinstance(value, bool | int | float | str):
            problems.append(Problem(f"a {type(value).__name__} has no place in a spec", mark))
            value = None
        return Node(value, mark)

    try:
        return build(data, "", 0), problems
    except _Refused:
        return None, problems
