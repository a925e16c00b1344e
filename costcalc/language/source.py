"""YAML text -> data with positions, safely: one pass over the parser's events, no recursion.

A spec is untrusted: size, depth and the number of values (aliases counted as often as they are
used) are bounded before anything is built. Scalars are YAML 1.2's core ones: `no` is a word,
`017` seventeen, `1e-5` a number. What YAML cuts silently is recognised and said in words.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from costcalc.base import Datum
from costcalc.base.errors import MOST_PROBLEMS, Mark, Problem, Problems, SpecError

if TYPE_CHECKING:
    from costcalc.language.yaml_errors import Edit, Mend  # read only where a text is no YAML

DEEPEST = 40  # levels of lists and mappings
MOST_VALUES = 50_000  # scalars, lists and mappings, aliases counted in full
MOST_MENDS = 10  # mistakes in a text's YAML that are told and read on after
LONGEST_MENDED = 200_000  # characters of a text that is read on, as often
LONGEST_NUMBER = 20  # digits that are read exactly; no number that costcalc takes has more
_PARSED = os.path.join(os.path.dirname(__file__), "parsed")


class YamlNode:
    """A value with its place. `value` is a scalar, a list of nodes, or a dict from key to node."""

    __slots__ = ("bare", "keys", "mark", "text", "value", "weight")

    def __init__(self, value: Datum, mark: Mark, keys: dict[str, Mark] | None = None) -> None:
        self.value = value
        self.mark = mark
        self.keys: dict[str, Mark] = keys or {}
        self.bare = False  # whether it is a text without quotes, which a comma may have cut
        self.text = ""  # of a number, as it is written
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

    @property
    def written(self) -> str:
        """The text of a scalar as it is written: 1.10 and 1.1 are two names."""
        return self.text or str(self.value)

    @property
    def spoken(self) -> str:
        """What this is, as a message names it."""
        if self.is_map or self.is_list:
            return "a mapping" if self.is_map else "a list"
        said = str(self.value).lower() if isinstance(self.value, bool) else self.written
        return "nothing" if self.value is None else f"'{said[:40]}'"

    @property
    def children(self) -> Collection[YamlNode]:
        """The values of a mapping, the items of a list; a scalar has none."""
        return self.value.values() if self.is_map else self.value if self.is_list else ()

    def entries(self) -> list[tuple[str, Mark, YamlNode]]:
        """Return a mapping's keys, each with its place and its value."""
        return [(key, self.keys[key], node) for key, node in self.value.items()]

    def words(self) -> set[str]:
        """Return the words of all texts below, and of the keys that are more than a word: `p(k)`."""
        texts = [self.value] if isinstance(self.value, str) else []
        if self.is_map:
            texts = [key for key in self.value if not re.match(r"\w+\Z", key)]
        return set(re.findall(r"\w+", " ".join(texts))).union(*(part.words() for part in self.children))

    def under(self, key: str) -> list[YamlNode]:
        """Return what stands under a key, here or anywhere below."""
        own = [self.value[key]] if self.is_map and key in self.value else []
        return own + [node for part in self.children for node in part.under(key)]

    def plain(self) -> Datum:
        """Return the value as plain Python data, without positions."""
        if self.is_map:
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if self.is_list else self.value


def parse(text: str, where: str) -> tuple[YamlNode | None, Problems]:
    """Return the data of a YAML text, None where there is none, and every problem met on the way."""
    root = _word(text, where) or _kept(text, where)
    return (root, Problems()) if root else built(text, where)


def built(text: str, where: str) -> tuple[YamlNode | None, Problems]:
    """Return the same, read by the parser whatever is kept."""
    return _Builder(text, where).build()


# ---- without a parser, whose import would take a fifth of a report's time: a word, and costcalc's own files --------


def _word(text: str, where: str) -> YamlNode | None:
    """Return what one word or number means; None for any other text."""
    if not text.isascii() or not text.replace("_", "").replace(".", "", 1).isalnum():
        return None
    node = YamlNode(_Builder(text, where).resolve(text), Mark(where, text, 0, width=len(text)))
    node.text = text if isinstance(node.value, int | float) else ""
    return node


def to_keep(node: YamlNode) -> tuple[Any, ...]:
    """Return a node as plain data, from which `parse` makes it again."""
    if node.is_map:
        return _place(node.mark), {key: (_place(mark), *to_keep(part)) for key, mark, part in node.entries()}
    return _place(node.mark), tuple(map(to_keep, node.value)) if node.is_list else node.value, node.text


def _place(mark: Mark) -> tuple[int | None, ...]:
    return mark.line, mark.column, mark.width, mark.inset


def _kept(text: str, where: str) -> YamlNode | None:
    """Return what is kept of a file in `parsed`; None where it is no file of costcalc's, letter for letter."""
    stem = os.path.splitext(os.path.basename(where))[0]
    if not os.path.isfile(os.path.join(_PARSED, f"{stem}.py")):
        return None
    data = import_module(f"costcalc.language.parsed.{stem}").DATA.get(text)
    if data is None:
        return None

    def mark(line: int, column: int, width: int, inset: int | None) -> Mark:
        found = Mark(where, text, line, column, width)
        found.inset = inset
        return found

    def node(place: tuple[Any, ...], value: Any, said: str = "") -> YamlNode:
        if isinstance(value, dict):
            keys = {key: mark(*parts[0]) for key, parts in value.items()}
            return YamlNode({key: node(*parts[1:]) for key, parts in value.items()}, mark(*place), keys)
        found = YamlNode([node(*part) for part in value] if isinstance(value, tuple) else value, mark(*place))
        found.text = said
        return found

    return node(*data)


# ---- building from the parser's events -----------------------------------------------------------


class _Frame:
    """A list or mapping that is still open."""

    __slots__ = ("anchor", "flow", "key", "keys", "mark", "value", "weight")

    def __init__(self, value: Datum, mark: Mark, anchor: str | None, *, flow: bool) -> None:
        self.value = value
        self.mark = mark
        self.anchor = anchor
        self.flow = flow
        self.keys: dict[str, Mark] = {}
        self.key: tuple[str, Mark, bool] | None = None  # of the pair that is open, and whether it is kept
        self.weight = 1


class _Refused(Exception):
    """Reading on makes no sense."""


class _Mistaken(Exception):
    """What is read is YAML, and not what was meant."""

    def __init__(self, mend: Mend) -> None:
        self.mend = mend


class _Builder:
    def __init__(
        self, text: str, where: str, upto: int | None = None, instead: str = "", edits: tuple[Edit, ...] = ()
    ) -> None:
        self.text = text
        self.where = where
        self.upto = upto  # how much of the text is read; None: all
        self.instead = instead  # what is read in place of the text: its brackets are letters, its mistakes are mended
        self.edits = edits  # the mends, each in the text that those before it have left
        self.problems = Problems()
        self.stack: list[_Frame] = []
        self.anchors: dict[str, YamlNode | None] = {}
        self.root: YamlNode | None = None
        self.documents = 0
        self.weight = 0

    def build(self) -> tuple[YamlNode | None, Problems]:
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
        strange = yaml.reader.Reader.NON_PRINTABLE.search(self.text)
        if strange:
            before = self.text[: strange.start()].split("\n")
            mark = Mark(self.where, self.text, len(before) - 1, len(before[-1]))
            said = f"the character U+{ord(strange[0]):04X} has no place in a text"
            self.problems.note(said, mark, "is this a YAML file, saved as UTF-8?")
            return None, self.problems
        try:
            for event in yaml.parse((self.instead or self.text)[: self.upto], Loader=loader):
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except yaml.YAMLError as error:
            self.syntax(error)
        except _Mistaken as error:
            self.read_on(error.mend)
        except (_Refused, SpecError):  # SpecError: there are too many mistakes
            pass
        return self.root, self.problems

    def mark(self, event: Any, width: int = 0) -> Mark:
        start, end = event.start_mark, event.end_mark
        if not width:
            width = end.column - start.column if end.line == start.line else 1
        return Mark(self.where, self.text, start.line, self.column(start.line, start.column), max(width, 1))

    def column(self, line: int, column: int) -> int:
        """Return where a place stood before the text was mended."""
        for edit in reversed(self.edits):
            if edit.line == line and column >= edit.column + len(edit.new):
                column += len(edit.old) - len(edit.new)
            elif edit.line == line and column > edit.column:
                column = min(column, edit.column + len(edit.old))
        return column

    def refuse(self, message: str, mark: Mark, hint: str = "") -> None:
        self.problems.note(message, mark, hint)
        raise _Refused

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.refuse("a second document begins here", self.mark(event), "a file holds one spec: remove the ---")

    def start_map(self, event: Any) -> None:
        self.open(event, {})

    def start_list(self, event: Any) -> None:
        self.open(event, [])

    def open(self, event: Any, value: Datum) -> None:
        mark = self.mark(event, 1)
        self.tag(event, mark)
        if len(self.stack) >= DEEPEST:
            self.refuse(f"lists and mappings are nested more than {DEEPEST} deep", mark)
        if event.anchor:
            self.anchors[event.anchor] = None  # known, but not usable inside itself
        self.stack.append(_Frame(value, mark, event.anchor, flow=bool(event.flow_style)))

    def end(self, _: Any) -> None:
        frame = self.stack.pop()
        node = YamlNode(frame.value, frame.mark, frame.keys)
        node.weight = frame.weight
        if frame.flow:
            self.mend_map(node) if node.is_map else self.mend_list(node)
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
        mark.inset = _inset(event)
        meant = self.tag(event, mark)
        frame = self.stack[-1] if self.stack else None
        text = event.value.translate(_BRACKETS) if self.instead else event.value
        if frame is not None and isinstance(frame.value, dict) and frame.key is None:
            if event.anchor:
                self.anchors[event.anchor] = YamlNode(text, mark)
            if not frame.flow and event.style in (None, ""):
                self.refuse_lost_space(text, event.start_mark)
            self.begin_pair(frame, str(text), mark)
            return
        plain = event.implicit[0] and event.style in (None, "")
        node = YamlNode(self.resolve(text) if plain else text or meant, mark)
        node.bare = plain
        node.text = text if isinstance(node.value, int | float) else ""
        if text != event.value and plain and frame is not None and frame.flow and not _open(text):
            self.note_cut(node, "bracket")
        if event.anchor:
            self.anchors[event.anchor] = node
        self.add(node)

    def refuse_lost_space(self, key: str, start: Any) -> None:
        """Raise _Mistaken for a key that lacks a space: `-conv`, or `conv:{out`."""
        if re.match(r"-[A-Za-z_]|[A-Za-z_]\w*:[{\[]", key):
            from costcalc.language.yaml_errors import dashed, spaced

            raise _Mistaken((dashed if key[0] == "-" else spaced)(start.line, start.column, key))

    def begin_pair(self, frame: _Frame, key: str, mark: Mark) -> None:
        if key in frame.keys:
            first = frame.keys[key].line + 1
            self.problems.note(f"'{key}' stands here twice", mark, f"it was on line {first} already; keep one of them")
            frame.key = (key, mark, False)
            return
        if key == "<<":
            self.problems.note("'<<' (merging) is not part of the language", mark, "use defaults, define or a block")
        frame.keys[key] = mark
        frame.key = (key, mark, key != "<<")

    def add(self, node: YamlNode, *, mark: Mark | None = None, closed: bool = False) -> None:
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
            key, key_mark, kept = frame.key
            frame.key = None
            if key == "<<" and isinstance(node.value, dict):
                # Refused, and done all the same: what is missing without it is no mistake of its own.
                frame.value = {**node.value, **frame.value}
                frame.keys = {**node.keys, **frame.keys}
            elif kept:
                # An empty value has no place of its own worth pointing at.
                frame.value[key] = YamlNode(None, key_mark) if node.value is None else node

    def tag(self, event: Any, mark: Mark) -> str:
        """Refuse a tag; return what its writer most likely meant: `!last` is `not last`."""
        if event.tag is None or event.tag == "!":
            return ""
        word = re.match(r"!(\w{1,60})\Z", event.tag)
        hint = f"write 'not {word[1]}' for its opposite, or quote the text" if word else "the language has no tags"
        self.problems.note(f"YAML reads '{event.tag[:60]}' as a tag", mark, hint)
        return f"not {word[1]}" if word else ""

    def resolve(self, text: str) -> Datum:
        """Return what a plain scalar means under YAML 1.2's core schema."""
        if text and (text[0].isdigit() or text[0] in "-+."):
            return self.number(text)
        return _WORDS.get(text, text)

    def number(self, text: str) -> Datum:
        if not re.match(_NUMBER, text, re.ASCII):
            return text
        based = text[1:2] in ("x", "o")
        if len(text) <= LONGEST_NUMBER and (based or re.match(_INTEGER, text, re.ASCII)):
            return int(text, 0 if based else 10)
        return _HUGE if based else max(min(float(text), _HUGE), -_HUGE)

    def mend_map(self, node: YamlNode) -> None:
        """Recognise what braces cut: `{out: divisible(c, 16)}` is three pieces, `{kernel:3}` one word."""
        before = None
        cut: dict[str, YamlNode] = {}
        for key, value in list(node.value.items()):
            mark = node.keys[key]
            if value.value is None and before is not None and _begun(node.value[before]):
                node.value[before].value += f", {key}"
                del node.value[key], node.keys[key]
                cut[before] = node.value[before]
                continue
            if value.value is None and re.match(r"[a-z_]+:\S", key):
                name, _, rest = key.partition(":")
                self.problems.note(f"'{key}' is one word to YAML", mark, f"write '{name}: {rest}', with a space")
                del node.value[key]
                node.keys[name] = mark
                node.value[name] = YamlNode(self.resolve(rest), mark)
                continue
            before = key
        for value in cut.values():
            self.note_cut(value)

    def mend_list(self, node: YamlNode) -> None:
        """Recognise what the commas of a list cut: `[divisible(c, 16), 1]` is three pieces."""
        whole: list[YamlNode] = []
        cut: list[YamlNode] = []
        for value in node.value:
            if whole and _begun(whole[-1]) and not value.is_map and not value.is_list:
                whole[-1].value += f", {value.value}"
                cut += [] if cut[-1:] == whole[-1:] else [whole[-1]]
            else:
                whole.append(value)
        node.value = whole
        for value in cut:
            self.note_cut(value)

    def note_cut(self, node: YamlNode, by: str = "comma") -> None:
        hint = f'quote an expression that holds , [ or {{ inside braces or brackets: "{node.value[:100]}"'
        said = f"the {by} cuts '{node.value[:100]}' in two"
        if re.fullmatch(r"\([\w ,]+\)", node.value[:100]):
            node.value = f"[{node.value[1:-1]}]"
            hint = f"a list stands in square brackets: {node.value}"
        self.problems.note(said, node.mark, hint)

    def syntax(self, error: Any) -> None:
        """Say in words why the text is no YAML."""
        place, began = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        said = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
        if place is None:
            self.problems.note(f"this is no text file: {said}", Mark(self.where))
            return
        if "nesting depth" in said and self.upto is None:
            # The parser of PyYAML 6.0.4 reads ahead and has a limit of its own: what stands before is too deep for us.
            self.root, self.problems = _Builder(self.text, self.where, place.index).build()
            return
        text = self.instead or self.text
        if re.search("',' or '[]}]'", said) and not self.upto:
            # An index in braces, {out: depths[1]}: its brackets are read as letters, and all else is read on.
            changed = _indices_as_letters(text)
            if changed != text:
                self.root, self.problems = _Builder(self.text, self.where, None, changed, self.edits).build()
                return
        if began is not None and began.line < place.line and re.search("',' or|end of stream|expected ':'", said):
            place, said = began, f"not closed: {said}"
        last = self.edits[-1] if self.edits else None
        if last is not None and place.line <= last.line:
            self.problems = Problems()  # the mend was none: no more is told than its mistake
            return
        mark = Mark(self.where, self.text, place.line, self.column(place.line, place.column))
        lines = self.text.splitlines()
        line = lines[place.line] if place.line < len(lines) else ""
        above = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
        from costcalc.language.yaml_errors import explained, mended

        message, hint = explained(said, line, above, mark.column)
        mend = mended(said, text.splitlines(), place.line, place.column)
        if mend is None or self.upto is not None:
            self.problems.note(message, mark, hint)
        else:
            self.read_on(mend, None if mend.message else Problem(message, mark, hint))

    def read_on(self, mend: Mend, told: Problem | None = None) -> None:
        """Tell a mistake, and what else is one in the text as it was meant; told: the mistake as the parser has it."""
        first = mend.edits[0]
        mark = Mark(self.where, self.text, first.line, self.column(first.line, mend.column))
        problem = told or Problem(mend.message, mark, mend.hint)
        lines = (self.instead or self.text).splitlines(keepends=True)
        for line, column, old, new in mend.edits:
            lines[line] = lines[line][:column] + new + lines[line][column + len(old) :]
        edits = (*self.edits, *mend.edits)
        further = _Builder(self.text, self.where, instead="".join(lines), edits=edits)
        again = len(edits) <= MOST_MENDS and len(self.text) <= LONGEST_MENDED
        self.root, more = further.build() if again else (None, Problems())
        before = [] if self.root or more else self.problems.found
        self.problems = Problems([*before, problem, *more.found][:MOST_PROBLEMS])


_WORDS: dict[str, Datum] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = r"[-+]?[0-9]+\Z"
_NUMBER = r"(?:[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)\Z"


_HUGE = 1e300  # stands for all that is larger: far above every number that costcalc takes


def _inset(event: Any) -> int | None:
    """Return how far the value's first character lies behind its mark; None where offsets mean nothing."""
    wide = event.end_mark.column - event.start_mark.column - len(event.value)
    if event.start_mark.line != event.end_mark.line or wide not in (0, 2):
        return None
    return 1 if wide else 0


# The letters that stand for the brackets and commas of an index while YAML is read: nobody writes them.
_BRACKETS = str.maketrans("\uf8f0\uf8f1\uf8f2", "[],")
_LETTERS = str.maketrans("[],", "\uf8f0\uf8f1\uf8f2")


def _indices_as_letters(text: str) -> str:
    """Return a text in which x[1] holds letters for its brackets, so that every place stays where it is."""
    for _ in range(4):  # d[i[0]] is two of them, the inner first
        text = re.sub(r"(?<=[\w)\uf8f1])\[[^][{}\n]*\]", lambda match: match[0].translate(_LETTERS), text)
    return text


def _open(value: Datum) -> bool:
    """Say whether a text has a bracket that is not closed."""
    return isinstance(value, str) and (value.count("(") > value.count(")") or value.count("[") > value.count("]"))


def _begun(node: YamlNode) -> bool:
    """Say whether a text without quotes is the first piece of one that a comma cuts."""
    return node.bare and _open(node.value)


# ---- building from Python data -------------------------------------------------------------------


def from_data(data: Datum, where: str = "spec") -> tuple[YamlNode | None, Problems]:
    """Return Python's dicts, lists and scalars as nodes, whose places are paths: `layers[3].conv.out`."""
    problems = Problems()
    count = 0

    def build(value: Datum, path: str, depth: int) -> YamlNode:
        nonlocal count
        count += 1
        mark = Mark(where, path=path)
        if depth > DEEPEST or count > MOST_VALUES:
            problems.note("the spec is nested too deeply or has too many values", mark)
            raise _Refused
        if hasattr(value, "tolist"):  # of numpy: an array, or a scalar
            value = value.tolist()
        if isinstance(value, Mapping):
            for key, times in Counter(map(str, value)).items():
                if times > 1:
                    problems.note(f"'{key}' stands here twice", mark, "as a text and as a number: keep one of them")
            pairs = {str(k): build(v, f"{path}.{k}" if path else str(k), depth + 1) for k, v in value.items()}
            return YamlNode(pairs, mark, {key: Mark(where, path=f"{path}.{key}" if path else key) for key in pairs})
        if isinstance(value, Sequence) and not isinstance(value, str | bytes):
            return YamlNode([build(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)], mark)
        if value is not None and not isinstance(value, bool | int | float | str):
            problems.note(f"a {type(value).__name__} has no place in a spec", mark)
            value = None
        return YamlNode(value, mark)

    try:
        return build(data, "", 0), problems
    except (_Refused, SpecError):
        return None, problems
