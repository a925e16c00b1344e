"""Data -> a document: every key, field, name and reference that can be judged without shapes.

`Reader.read` fills a `Spec` and collects every mistake; `expand` runs the spec for given knobs. What
this floor has accepted, `expand` does not check again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from costcalc.base.errors import Fault, Mark, closest, nearest
from costcalc.language import sharing
from costcalc.language.annotations import AsideReader
from costcalc.language.context import Context, LayerNames
from costcalc.language.document import VERSION, Block, Function, LostItem, Value, knob_fault, lost
from costcalc.language.signature import Argument, parse_signature
from costcalc.language.source import YamlNode
from costcalc.language.values import LONGEST_LIST, LONGEST_NAME, MOST_NAMES
from costcalc.operators import op as ops
from costcalc.operators.fields import MODIFIERS, OPTIONS, RESERVED, TOP

MOST_CALLS = 10_000  # steps of one definition, those of the definitions that it calls included
MOST_AXES = 8  # of the input

META = ("name", "family", "year", "task", "source")
_NO_USE = ("knobs", "variants", "published", "reference", *META)  # sections in which a knob's name reads nothing


class Reader(AsideReader):
    """Reads one document."""

    def read(self, root: YamlNode) -> None:
        """Read the whole document into the spec."""
        self.spec.root = root
        if not root.is_map:
            self.problem("a spec is a mapping of keys, and this is not", root.mark, "begin with 'costcalc: 1'")
            return
        meant = self.keys(root, TOP, "top-level key")
        top = {meant.get(key) or key: node for key, node in root.value.items()}
        self.version(root)
        for key in META:
            if key in top:
                self.spec.meta[key] = top[key].plain()
        self.reference(top.get("reference"))
        self.knobs(top.get("knobs"))
        self.variants(top.get("variants"))
        self.define(top.get("define"))
        base = self.base()
        self.tensor(top.get("input"), root.mark)
        heads = self.block_heads(top.get("blocks"))
        self.defaults(top.get("defaults"), base)
        for block, arguments, node in heads:
            self.block(block, arguments, node, base)
        self.body = ""
        self.layers(top, root.mark, base)
        self.minimum(top.get("min_resolution"))
        self.published(top.get("published"))
        self.recursion()
        self.lone_shares()
        self.unread()

    def version(self, root: YamlNode) -> None:
        node = root.value.get("costcalc")
        if node is None:
            self.problem("'costcalc: 1' is missing", root.mark, "it says which version of the language this is")
        elif node.value != VERSION or isinstance(node.value, bool):
            self.problem(
                f"costcalc: {node.value!s:.20} is not known", node.mark, f"this costcalc reads version {VERSION}"
            )

    def knobs(self, node: YamlNode | None) -> None:
        section = self.few(self.mapping(node, "knobs"), "knobs")
        self.longest = max((len(value.value) for value in section.values() if value.is_list), default=0)
        for name, value in section.items():
            mark = node.keys[name] if node else value.mark
            if name in OPTIONS and name not in RESERVED:
                self.problem(f"a knob cannot be called '{name}'", mark, f"--{name} is an option of the command line")
            elif self.new_name(name, mark, "knob"):
                self.knob_marks[name] = mark
            if name in RESERVED:
                continue
            if self.default(name, value):
                self.spec.knobs[name] = value.plain()
            else:
                self.spec.functions[name] = Function(name, [], lost(value.mark))

    def default(self, name: str, node: YamlNode) -> bool:
        """Say whether a value may be the default of a knob."""
        before = len(self.problems)
        kinds = "a number, a word, or a list"
        if node.value is None or node.is_map:
            self.problem(f"knob '{name}' needs a default", node.mark, kinds)
        elif node.is_list and len(node.value) > LONGEST_LIST:
            self.problem(f"a list of {len(node.value):,} values", node.mark, f"one value has {LONGEST_LIST} at most")
        elif isinstance(node.value, str) and not re.match(r"[\w.-]{1,100}\Z", node.value):
            hint = f"a default is {kinds}; expressions stand under define"
            self.problem(f"'{node.value[:60]}' is no default of a knob", node.mark, hint)
        return len(self.problems) == before

    def variants(self, node: YamlNode | None) -> None:
        for name, settings in self.mapping(node, "variants").items():
            values = {}
            if settings.value is None or settings.value == {}:
                mark = node.keys[name] if node else settings.mark
                self.problem(f"variant '{name}' sets no knob", mark, f"write {name}: {{knob: value}}")
            for knob, value in self.mapping(settings, f"variant {name}").items():
                if knob not in self.spec.knobs:
                    hint = nearest(knob, self.spec.knobs) or f"knobs: {', '.join(self.spec.knobs)}"
                    self.problem(f"variant '{name}' sets '{knob}', which is no knob", settings.keys[knob], hint)
                else:
                    fault = knob_fault(knob, self.spec.knobs[knob], value.plain())
                    if fault:
                        self.problem(fault.message, value.mark, fault.hint)
                    values[knob] = value.plain()
            self.spec.variants[name] = values

    def define(self, node: YamlNode | None) -> None:
        section = self.few(self.mapping(node, "define"), "definitions")
        self.longest = max([self.longest, *(len(body.value) for body in section.values() if body.is_list)])
        self.defined = {_head(text) for text in section}
        for text, body in section.items():
            mark = node.keys[text] if node else body.mark
            try:
                name, arguments = parse_signature(text)
            except Fault as fault:
                self.fault(fault, mark)
                name = _head(text)
                self.spec.functions.setdefault(name, Function(name, None, lost(mark)))
                continue
            if not self.new_name(name, mark, "definition"):
                continue
            names = [argument for argument, *_ in arguments]
            for argument, offset, default, start in arguments:
                self.new_name(argument, mark.shifted(offset, len(argument)), "argument", (name,))
                if default is not None:
                    self.problem("a definition's arguments have no defaults", mark.shifted(start, 1))
            context = Context(self.base() | frozenset(names), LayerNames())
            value = self.value(body, context, ambient=False)
            if value.cost > MOST_CALLS:
                hint = "definitions that call each other again and again grow fast"
                self.problem(f"'{name}' takes more than {MOST_CALLS:,} steps", mark, hint)
                value = lost(mark)
            self.spec.functions[name] = Function(name, names, value)

    def few(self, section: dict[str, YamlNode], what: str) -> dict[str, YamlNode]:
        """Refuse what is more than a reader could oversee, and a scope hold."""
        if len(section) <= MOST_NAMES:
            return section
        mark = next(iter(section.values())).mark
        self.problem(f"a spec has {MOST_NAMES} {what} at most, not {len(section):,}", mark)
        return {}

    def base(self) -> frozenset[str]:
        """Return the variables that are seen everywhere: knobs, and constants under `define`."""
        constants = (name for name, f in self.spec.functions.items() if not f.arguments)
        return frozenset((*self.spec.knobs, *constants))

    def tensor(self, node: YamlNode | None, mark: Mark) -> None:
        context = Context(self.base(), LayerNames())
        if node is None:
            self.problem("'input' is missing", mark, "write input: [channels, height, width]")
        elif not node.is_list or not node.value:
            self.problem("'input' must be a list", node.mark, "write input: [channels, height, width]")
        elif len(node.value) > MOST_AXES:
            self.problem(f"'input' has {len(node.value):,} axes", node.mark, f"the limit is {MOST_AXES}")
        else:
            self.spec.input = [self.value(n, context, ambient=False) for n in node.value]

    def minimum(self, node: YamlNode | None) -> None:
        if node is None:
            return
        if type(node.value) is not int or node.value < 1:
            self.problem("min_resolution must be a whole number", node.mark)
        else:
            self.spec.min_resolution = node.value

    def defaults(self, node: YamlNode | None, base: frozenset[str]) -> None:
        context = Context(base, LayerNames())
        for kind, fields in self.mapping(node, "defaults").items():
            mark = node.keys[kind] if node else fields.mark
            cls = ops.find(kind)
            if cls is None:
                self.problem(f"unknown operator '{kind}'", mark, nearest(kind, ops.operators()))
                cls = ops.find(closest(kind, ops.operators()))
            if cls is not None:
                self.spec.defaults[cls.kind] = self.fields(cls, fields, context)

    def block_heads(self, node: YamlNode | None) -> list[tuple[Block, list[Argument], YamlNode]]:
        """Read the names and arguments of all blocks, so that each may call those after it."""
        heads = []
        if node is not None and node.is_list:
            self.lost_blocks = {_head(key) for part in node.value if part.is_map for key in part.value}
        for text, body in self.mapping(node, "blocks").items():
            mark = node.keys[text] if node else body.mark
            try:
                name, arguments = parse_signature(re.sub(r"\(\s*\)\Z", "", text))
            except Fault as fault:
                self.fault(fault, mark)
                self.lost_blocks.add(_head(text))
                continue
            if name in ops.operators() or name in ("table", "do", "include", *MODIFIERS):
                self.problem(f"a block cannot be called '{name}'", mark, "the language has a meaning for this word")
            elif name in self.spec.blocks:
                line = self.spec.blocks[name].mark.line + 1
                self.problem(f"two blocks are called '{name}'", mark, f"the first is on line {line}")
            elif len(name) > LONGEST_NAME:
                self.problem(f"a name of {len(name):,} characters", mark, f"the limit is {LONGEST_NAME}")
            elif self.new_name(name, mark, "block"):
                made = [(argument, lost(mark) if default else None) for argument, _, default, _ in arguments]
                self.spec.blocks[name] = Block(name, mark, made)
                heads.append((self.spec.blocks[name], arguments, body))
            else:
                self.lost_blocks.add(name)
        return heads

    def block(self, block: Block, arguments: list[Argument], node: YamlNode, base: frozenset[str]) -> None:
        self.body = block.name
        block.arguments = self.arguments(block, arguments, base)
        layers = LayerNames()
        context = Context(base | {name for name, _ in block.arguments}, layers)
        items, outputs = node, None
        if node.is_map:
            items, outputs = self.block_parts(block, node, context)
        elif not node.is_list:
            self.problem(f"the body of block '{block.name}' must be a list of items", node.mark, "write - conv: {...}")
            items = YamlNode([], node.mark)
            block.items = [LostItem("", node.mark)]
        self.collect(items, layers)
        block.items = self.items(items, context) or block.items
        if outputs is not None:
            block.outputs = self.refs(outputs, context, "outputs")

    def arguments(
        self, block: Block, arguments: list[Argument], base: frozenset[str]
    ) -> list[tuple[str, Value | None]]:
        """Return a block's arguments with their defaults; a default sees the arguments before it."""
        made: list[tuple[str, Value | None]] = []
        for name, offset, default, start in arguments:
            self.new_name(name, block.mark.shifted(offset, len(name)), "argument")
            value = None
            if default is not None:
                context = Context(base | {earlier for earlier, _ in made}, LayerNames())
                mark = block.mark.shifted(start, len(default.text))
                known = self.names(default, context, mark)
                value = Value(mark, run=default.run, cost=self.cost(default)) if known else lost(mark)
            made.append((name, value))
        return made

    def block_parts(self, block: Block, node: YamlNode, context: Context) -> tuple[YamlNode, YamlNode | None]:
        """Return layers and outputs of a block of several tensors, and take the names of its inputs."""
        meant = self.keys(node, ("inputs", "layers", "outputs"), f"key of block '{block.name}':")
        parts = {meant.get(key) or key: value for key, value in node.value.items()}
        empty = YamlNode([], node.mark)
        inputs = parts.get("inputs")
        if inputs is not None:
            if not inputs.is_list or not inputs.value or not all(isinstance(n.value, str) for n in inputs.value):
                self.problem("'inputs' must be a list of names", inputs.mark, "write inputs: [prev, cur]")
            else:
                block.inputs = [n.value for n in inputs.value]
                for n in inputs.value:
                    self.new_layer(n.value, n.mark, context, "name")
                    self.collect_name(n.value, n.mark, context.layers)
        items = parts.get("layers")
        if items is None or not items.is_list:
            hint = "a body is a list of items, or a mapping of inputs, layers, outputs"
            self.problem(f"block '{block.name}' has no list of layers", (items or node).mark, hint)
            block.items = [LostItem("", node.mark)]
            items = empty
        return items, parts.get("outputs")

    def recursion(self) -> None:
        """Refuse blocks that call themselves, directly or through others."""
        done: set[str] = set()
        for start in self.spec.blocks:
            trail: list[tuple[str, list[str]]] = [(start, sorted(self.calls.get(start, ())))]
            while trail:
                name, left = trail[-1]
                if not left:
                    done.add(name)
                    trail.pop()
                    continue
                called = left.pop()
                on_trail = [n for n, _ in trail]
                if called in on_trail:
                    circle = " -> ".join([*on_trail[on_trail.index(called) :], called])
                    block = self.spec.blocks[called]
                    hint = "blocks do not recurse: use repeat"
                    self.problem(f"block '{called}' calls itself: {circle}", block.mark, hint)
                    block.items = [LostItem("", block.mark)]
                elif called not in done:
                    trail.append((called, sorted(self.calls.get(called, ()))))

    def layers(self, top: dict[str, YamlNode], mark: Mark, base: frozenset[str]) -> None:
        node = top.get("layers")
        if node is None or not node.is_list or not node.value:
            said = "'layers' must be a list of items" if node else "'layers' is missing"
            said = "'layers' is empty" if node and not node.value else said
            self.problem(said, node.mark if node else mark, "write layers:, then - conv: {...}")
            self.spec.layers = [LostItem("", mark)]
            return
        names = LayerNames()
        self.collect(node, names)
        context = Context(base, names)
        self.spec.layers = self.items(node, context)
        if "outputs" in top:
            self.spec.outputs = self.refs(top["outputs"], context, "outputs")

    def lone_shares(self) -> None:
        """Refuse a `share` with which nothing else in its body can share: its weights would be counted anew.

        One whose other half may stand in what could not be read is no mistake of its own.
        """
        if self.problems and self.spec.root is not None and _keys(self.spec.root).count("share") != len(self.shares):
            return
        for one in sharing.lone(self.shares):
            where = f" in block '{one.body}'" if one.body else ""
            said = f"nothing else{where} shares '{one.ref.text}'"
            self.problem(said, one.ref.mark, sharing.hint(one, self.shares))

    def unread(self) -> None:
        """Refuse knobs that nothing reads: a sweep over one would change nothing.

        One that stands in what could not be read is no mistake of its own.
        """
        unread = [name for name in self.knob_marks if name not in self.read_names]
        if unread and self.problems and self.spec.root is not None:
            top = self.spec.root.value
            texts = [text for key, node in top.items() if key not in _NO_USE for text in _texts(node)]
            words = set(re.findall(r"\w+", " ".join(texts)))
            unread = [name for name in unread if name not in words]
        for name in unread:
            self.problem(f"nothing reads the knob '{name}'", self.knob_marks[name], "use it, or remove it")


def _head(text: str) -> str:
    """Return the name with which a signature begins, readable or not."""
    return re.split(r"\W", text.strip(), maxsplit=1)[0]


def _keys(node: YamlNode) -> list[str]:
    """Return all keys below a node."""
    parts = node.value.values() if node.is_map else node.value if node.is_list else ()
    return [*(node.value if node.is_map else ()), *(key for part in parts for key in _keys(part))]


def _texts(node: YamlNode) -> Iterator[str]:
    """Return all texts below a node, and the keys under which something stands."""
    if node.is_map:
        yield from (key for key in node.value if not re.match(r"\w+\Z", key))
    for part in node.value.values() if node.is_map else node.value if node.is_list else ():
        yield from _texts(part)
    if isinstance(node.value, str):
        yield node.value
