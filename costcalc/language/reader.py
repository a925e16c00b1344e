"""Data -> a document: every key, field, name and reference that can be judged without shapes.

`read` fills a `Spec` and collects every mistake; `expand` runs the spec for given knobs. What this floor has accepted,
`expand` does not check again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from costcalc.base.errors import Fault, Mark, Problems, closest, nearest
from costcalc.base.text import is_word
from costcalc.language import sharing
from costcalc.language.blocks import BlockReader, first_word
from costcalc.language.context import Context, LayerNames
from costcalc.language.document import INPUT, VERSION, Function, MistakenItem, Spec, Value, knob_fault, mistaken
from costcalc.language.items import ItemReader
from costcalc.language.names import SpecNames
from costcalc.language.published_figures import read_published, read_reference
from costcalc.language.sections import Section, mapping
from costcalc.language.signature import parse_signature
from costcalc.language.source import YamlNode
from costcalc.language.values import ValueReader
from costcalc.numbers import num
from costcalc.operators import op as ops
from costcalc.operators.fields import RESERVED, TOP

MOST_NAMES = 500  # knobs and definitions: each block's scope holds them all
MOST_CALLS = 10_000  # steps of one definition, those of the definitions that it calls included
MOST_AXES = 8  # of an input
MOST_INPUTS = 50

META = ("name", "family", "year", "task", "source")
_INPUT = f"{INPUT}: [channels, height, width]"
_NO_USE = ("knobs", "variants", "search", "published", "reference", *META)  # in which a knob's name reads nothing


def read(spec: Spec, root: YamlNode, problems: Problems) -> None:
    """Read a whole document into a spec."""
    spec.root = root
    if root.is_map:
        SpecReader(spec, root, problems).read()
    else:
        problems.note("a spec is a mapping of keys, and this is not", root.mark, "begin with 'costcalc: 1'")


class SpecReader:
    """Reads the sections of a document, each with those that it needs read before it."""

    def __init__(self, spec: Spec, root: YamlNode, problems: Problems) -> None:
        self.spec = spec
        self.root = root
        self.problems = problems
        self.note = problems.note
        self.top = Section(root, TOP, "unknown top-level key '{}'", problems)
        self.names = SpecNames(spec, problems)
        self.values = ValueReader(self.names)
        self.items = ItemReader(self.values)
        self.blocks = BlockReader(self.items)
        self.knob_marks: dict[str, Mark] = {}
        self.definitions_read: dict[str, set[str]] = {}  # definition -> the names that it asks for

    def read(self) -> None:
        """Read the whole document into the spec."""
        top = self.top
        self.version()
        self.spec.meta = {key: node.plain() for key in META if (node := top.get(key))}
        if name := top.get("name"):
            self.spec.meta["name"] = name.plain() if name.is_map or name.is_list or name.value is None else name.written
            self.problems.visible(str(name.plain()), name.mark)
        read_reference(self.spec, top.get("reference"), self.problems)
        self.knobs()
        self.variants()
        if search := self.top.get("search"):
            from costcalc.language.search import read_search  # few specs have one

            read_search(self.spec, search, self.problems)
        self.names.definitions = {first_word(text) for text in mapping(top.get("define"), "", Problems()).value}
        heads = self.blocks.heads(top.get("blocks"))
        self.define()
        self.input()
        self.defaults()
        self.blocks.bodies(heads)
        for block, *_ in heads:
            block.reads = sorted(self.with_definitions({*block.reads}) & self.names.everywhere())
        self.layers()
        self.minimum()
        read_published(self.spec, top.get("published"), self.problems)
        self.blocks.refuse_recursion()
        self.refuse_lone_shares()
        self.refuse_unread()

    def version(self) -> None:
        """Refuse another version of the language than this."""
        node = self.top.get("costcalc")
        if node is None:
            self.note("'costcalc: 1' is missing", self.root.mark, "it says which version of the language this is")
        elif node.value != VERSION or isinstance(node.value, bool):
            said = f"costcalc: {num.describe(node.plain())} is not known"
            self.note(said, node.mark, f"this costcalc reads version {VERSION}")

    def knobs(self) -> None:
        """Read the knobs with their defaults."""
        section = self.section_of_names("knobs", "knobs")
        lengths = (len(value.value) for value in section.value.values() if value.is_list)
        self.values.longest_list = max(lengths, default=0)
        for name, mark, value in section.entries():
            if self.names.may_be_given(name, mark, "knob"):
                self.knob_marks[name] = mark
            if name in RESERVED:
                continue
            if self.is_default(name, value):
                self.spec.knobs[name] = value.plain()
            else:
                self.spec.functions[name] = Function(name, [], mistaken(value.mark))

    def is_default(self, name: str, node: YamlNode, *, inside: bool = False) -> bool:
        """Say whether a value may be the default of a knob, or stand inside of one; say why not where it may not."""
        kinds = "a number, a word, or a list"
        if node.is_list and self.values.too_long(node):
            return False
        if node.is_list:
            return all(self.is_default(name, part, inside=True) for part in node.value)
        if node.value is None or node.is_map:
            said = f"{node.spoken} is no value of a knob" if inside else f"knob '{name}' needs a default"
            self.note(said, node.mark, kinds)
        elif isinstance(node.value, str) and not (is_word(node.value) and len(node.value) <= 100):
            hint = f"it is {kinds}; expressions stand under define"
            self.note(f"'{node.value[:60]}' is no value of a knob", node.mark, hint)
        else:
            return True
        return False

    def variants(self) -> None:
        """Read the variants: the knobs' values in each."""
        knobs = self.spec.knobs
        for name, mark, settings in mapping(self.top.get("variants"), "variants", self.problems).entries():
            values = {}
            self.problems.visible(name, mark)
            if settings.value is None or settings.value == {}:
                self.note(f"variant '{name}' sets no knob", mark, f"write {name}: {{knob: value}}")
            for knob, place, value in mapping(settings, f"variant {name}", self.problems).entries():
                if knob in self.spec.functions:  # a knob without a default, which is told
                    continue
                if knob not in knobs:
                    hint = nearest(knob, knobs) or f"knobs: {', '.join(knobs)}"
                    self.note(f"variant '{name}' sets '{knob}', which is no knob", place, hint)
                    continue
                if fault := knob_fault(knob, knobs[knob], value.plain()):
                    self.problems.add(fault.at(value.mark))
                else:
                    self.is_default(knob, value)
                values[knob] = value.plain()
            self.spec.variants[name] = values

    def define(self) -> None:
        """Read the definitions: functions of their arguments and constants, each seeing those above it."""
        section = self.section_of_names("define", "definitions")
        lengths = (len(body.value) for body in section.value.values() if body.is_list)
        self.values.longest_list = max([self.values.longest_list, *lengths])
        for text, mark, body in section.entries():
            try:
                name, arguments = parse_signature(text)
            except Fault as fault:
                self.problems.add(fault.at(mark))
                name = first_word(text)
                self.spec.functions.setdefault(name, Function(name, None, mistaken(mark)))
                continue
            if not self.names.may_be_given(name, mark, "definition"):
                continue
            names = [argument for argument, *_ in arguments]
            for argument, offset, default, start in arguments:
                self.names.may_be_given(argument, mark.shifted(offset, len(argument)), "argument", (name,))
                if default is not None:
                    self.note("a definition's arguments have no defaults", mark.shifted(start, 1))
            (value,), self.definitions_read[name] = self.apart([body], names)
            if value.steps > MOST_CALLS:
                hint = "definitions that call each other again and again grow fast"
                self.note(f"'{name}' takes more than {MOST_CALLS:,} steps", mark, hint)
                value = mistaken(mark)
            self.spec.functions[name] = Function(name, names, value)

    def apart(self, nodes: list[YamlNode], names: Iterable[str] = ()) -> tuple[list[Value], set[str]]:
        """Return values over knobs, constants and `names`, and what they ask for, which then counts as read by none."""
        context = Context(self.names.everywhere().union(names))
        before, self.names.used = self.names.used, set()
        found = [self.values.value(node, context, ambient=False) for node in nodes]
        asked, self.names.used = self.names.used, before
        return found, asked

    def section_of_names(self, key: str, what: str) -> YamlNode:
        """Return a section of names; refuse more than a reader could oversee, and a scope hold."""
        section = mapping(self.top.get(key), key, self.problems)
        if len(section.value) <= MOST_NAMES:
            return section
        mark = next(iter(section.value.values())).mark
        self.note(f"a spec has {MOST_NAMES} {what} at most, not {len(section.value):,}", mark)
        return YamlNode({}, mark)

    def input(self) -> None:
        """Read the input's shape, or those of several inputs by their names."""
        node = self.top.get(INPUT)
        if node is None:
            self.note("'input' is missing", self.root.mark, f"write {_INPUT}")
        elif not node.is_map:
            self.axes(INPUT, node)
        elif not node.value or len(node.value) > MOST_INPUTS:
            said = f"'input' names {len(node.value)} tensors" if node.value else "'input' is empty"
            self.note(said, node.mark, f"1 to {MOST_INPUTS} may enter" if node.value else f"write {_INPUT}")
        else:
            for name, mark, shape in node.entries():
                if name == INPUT or self.names.may_be_given(name, mark, "input"):
                    self.axes(name, shape)

    def axes(self, name: str, node: YamlNode) -> None:
        """Read the shape of one input."""
        if not node.is_list or not node.value:
            sizes = re.findall(r"[0-9]+", str(node.plain()))
            own = _INPUT if name == INPUT else _INPUT.replace(INPUT, name)
            meant = f"write {name}: [{', '.join(sizes)}]" if len(sizes) > 1 else f"write {own}"
            self.note(f"'{name}' must be a list", node.mark, meant)
        elif all(axis.is_list for axis in node.value):
            hint = "write input: {left: [3, 224, 224], right: [3, 224, 224]}"
            self.note("several inputs stand under their names", node.mark, hint)
        elif len(node.value) > MOST_AXES:
            self.note(f"'{name}' has {len(node.value):,} axes", node.mark, f"the limit is {MOST_AXES}")
        else:
            self.spec.inputs[name], knobs = self.apart(node.value)
            self.spec.of_input |= knobs

    def minimum(self) -> None:
        """Read the least height and width of an input."""
        node = self.top.get("min_resolution")
        if node is not None:
            (self.spec.min_resolution,), _ = self.apart([node])  # a knob that nothing else reads has no use

    def defaults(self) -> None:
        """Read the fields that operators have in this spec unless told."""
        context = Context(self.names.everywhere())
        first: dict[str, str] = {}  # operator -> the word for it that stands first
        for kind, mark, fields in mapping(self.top.get("defaults"), "defaults", self.problems).entries():
            cls = ops.find(kind)
            if kind in self.spec.blocks:
                hint = f"an argument's default stands in the block's head: {kind}(out=8)"
                self.note(f"'{kind}' is a block, and defaults are those of operators", mark, hint)
                continue
            if cls is not None and first.setdefault(cls.kind, kind) != kind:
                self.note(f"{cls.kind} has defaults already", mark, f"'{kind}' is the same operator: write it once")
            if cls is None:
                self.note(f"unknown operator '{kind}'", mark, nearest(kind, ops.operators()))
                cls = ops.find(closest(kind, ops.operators()))
            if cls is not None:
                self.spec.defaults[cls.kind] = self.items.fields(cls, fields, context)

    def layers(self) -> None:
        """Read the layers, and which of them are the network's outputs."""
        node, outputs = self.top.get("layers"), self.top.get("outputs")
        if node is None or not node.is_list or not node.value:
            said = "'layers' must be a list of items" if node else "'layers' is missing"
            said = "'layers' is empty" if node and not node.value else said
            close = node is not None and str(node.value).startswith("-")
            hint = "write - conv: {...}, with a space after each -" if close else "write layers:, then - conv: {...}"
            self.note(said, node.mark if node else self.root.mark, hint)
            self.spec.layers = [MistakenItem("", self.root.mark)]
            return
        context = Context(self.names.everywhere(), LayerNames())
        for name, values in self.spec.inputs.items():
            if name != INPUT:
                self.names.give(name, values[0].mark, context.layers)
        self.names.collect(node, context.layers)
        self.spec.layers = self.items.items(node, context)
        self.spec.lists = [*context.layers.lists]
        if outputs:
            self.spec.outputs = self.values.refs(outputs, context, "outputs")

    def refuse_lone_shares(self) -> None:
        """Refuse a `share` with which nothing else in its body can share: its weights would be counted anew.

        One whose other half may stand in what could not be read is no mistake of its own.
        """
        shares = self.items.shares
        if self.problems and _keys(self.root).count("share") != len(shares):
            return
        for one in sharing.lone(shares):
            where = f" in block '{one.block}'" if one.block else ""
            self.note(f"nothing else{where} shares '{one.ref.text}'", one.ref.mark, sharing.hint(one, shares))

    def refuse_unread(self) -> None:
        """Refuse knobs that nothing reads, and blocks that nothing calls: a change of one would change nothing.

        One that stands in what could not be read is no mistake of its own.
        """
        read = self.with_definitions(self.names.used)
        self.spec.of_input = self.with_definitions(self.spec.of_input) - read
        unread = [name for name in self.knob_marks if name not in read | self.spec.of_input]
        if unread and self.problems:
            top = self.root.value
            words = set[str]().union(*(node.words() for key, node in top.items() if key not in _NO_USE))
            unread = [name for name in unread if name not in words]
        for name in unread:
            idle = next((one for one, names in self.definitions_read.items() if name in names), "")
            hint = f"only the definition '{idle}' does, which no layer uses" if idle else "use it, or remove it"
            self.note(f"nothing reads the knob '{name}'", self.knob_marks[name], hint)
        called = read.union(*self.items.calls.values())
        if self.items.calls_by_word or len(self.problems) > len(unread):
            return  # a knob may name any block, and what could not be read may call it
        for name, block in self.spec.blocks.items():
            if name not in called:
                self.note(f"nothing calls the block '{name}'", block.mark, "use it, or remove it")

    def with_definitions(self, names: set[str]) -> set[str]:
        """Return names, and what the definitions among them ask for."""
        found: set[str] = set()
        left = [*names]
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += self.definitions_read.get(name, ())
        return found


def _keys(node: YamlNode) -> list[str]:
    """Return all keys below a node."""
    return [*(node.value if node.is_map else ()), *(key for part in node.children for key in _keys(part))]
