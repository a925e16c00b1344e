"""Data -> a document: every key, field, name and reference that can be judged without shapes.

`Reader.read` fills a `Spec` and collects every mistake; `expand` runs the spec for given knobs. What
this floor has accepted, `expand` does not check again.
"""

from __future__ import annotations

import re
from typing import Any

from costcalc import op as ops
from costcalc.context import Context, LayerNames
from costcalc.document import VERSION, Block, Function, knob_fault
from costcalc.errors import Fault, Mark, nearest
from costcalc.expr import parse_signature
from costcalc.fields import MODIFIERS, OPTIONS, TOP
from costcalc.items import ItemReader
from costcalc.source import Node

META = ("name", "family", "year", "task", "source", "reference")
PUBLISHED = (
    "where", "source", "variant", "knobs", "convention", "macs", "params", "top1", "top5", "digits", "rounding",
    "reproduces", "note",
)  # fmt: skip
_FIGURE = re.compile(r"[0-9]+(\.[0-9]+)?[KMGBT]?\Z")


class Reader(ItemReader):
    """Reads one document."""

    def read(self, root: Node) -> None:
        """Read the whole document into the spec."""
        self.spec.root = root
        if not root.is_map:
            self.problem("a spec is a mapping of keys, and this is not", root.mark, "begin with 'costcalc: 1'")
            return
        top = root.value
        self.keys(root, TOP, "top-level key")
        self.version(root)
        for key in META:
            if key in top:
                self.spec.meta[key] = top[key].plain()
        self.knobs(top.get("knobs"))
        self.variants(top.get("variants"))
        self.define(top.get("define"))
        base = self.base()
        self.tensor(top.get("input"), root.mark)
        heads = self.block_heads(top.get("blocks"))
        self.defaults(top.get("defaults"), base)
        for block, node in heads:
            self.block(block, node, base)
        self.layers(top, root.mark, base)
        self.minimum(top.get("min_resolution"))
        self.published(top.get("published"))
        self.recursion()
        self.unread()

    def version(self, root: Node) -> None:
        node = root.value.get("costcalc")
        if node is None:
            self.problem("'costcalc: 1' is missing", root.mark, "it says which version of the language this is")
        elif node.value != VERSION or isinstance(node.value, bool):
            self.problem(
                f"costcalc: {node.value!s:.20} is not known", node.mark, f"this costcalc reads version {VERSION}"
            )

    def knobs(self, node: Node | None) -> None:
        for name, value in self.mapping(node, "knobs").items():
            mark = node.keys[name] if node else value.mark
            self.knob_marks[name] = mark
            if name in OPTIONS:
                self.problem(f"a knob cannot be called '{name}'", mark, f"--{name} is an option of the command line")
            elif self.new_name(name, mark, "knob"):
                if value.value is None or value.is_map:
                    self.problem(f"knob '{name}' needs a default", value.mark, "a number, a word, or a list")
                self.spec.knobs[name] = value.plain()

    def variants(self, node: Node | None) -> None:
        for name, settings in self.mapping(node, "variants").items():
            values = {}
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

    def define(self, node: Node | None) -> None:
        for text, body in self.mapping(node, "define").items():
            mark = node.keys[text] if node else body.mark
            try:
                name, arguments = parse_signature(text)
            except Fault as fault:
                self.fault(fault, mark)
                continue
            names = [argument for argument, _ in arguments]
            if not self.new_name(name, mark, "definition") or not all(
                self.new_name(n, mark, "argument", (name,)) for n in names
            ):
                continue
            constants = {n for n, f in self.spec.functions.items() if not f.arguments}
            context = Context(frozenset((*self.spec.knobs, *constants, *names)), LayerNames())
            value = self.value(body, context, ambient=False)
            self.spec.functions[name] = Function(name, names, value)

    def base(self) -> frozenset[str]:
        """Return the variables that are seen everywhere: knobs, and constants under `define`."""
        constants = (name for name, f in self.spec.functions.items() if not f.arguments)
        return frozenset((*self.spec.knobs, *constants))

    def tensor(self, node: Node | None, mark: Mark) -> None:
        context = Context(self.base(), LayerNames())
        if node is None:
            self.problem("'input' is missing", mark, "write input: [channels, height, width]")
        elif not node.is_list or not node.value:
            self.problem("'input' must be a list", node.mark, "write input: [channels, height, width]")
        else:
            self.spec.input = [self.value(n, context, ambient=False) for n in node.value]

    def minimum(self, node: Node | None) -> None:
        if node is None:
            return
        if type(node.value) is not int or node.value < 1:
            self.problem("min_resolution must be a whole number", node.mark)
        else:
            self.spec.min_resolution = node.value

    def defaults(self, node: Node | None, base: frozenset[str]) -> None:
        context = Context(base, LayerNames())
        for kind, fields in self.mapping(node, "defaults").items():
            mark = node.keys[kind] if node else fields.mark
            cls = ops.find(kind)
            if cls is None:
                self.problem(f"unknown operator '{kind}'", mark, nearest(kind, ops.operators()))
            else:
                self.spec.defaults[cls.kind] = self.fields(cls, fields, context)

    def block_heads(self, node: Node | None) -> list[tuple[Block, Node]]:
        """Read the names and arguments of all blocks, so that each may call those after it."""
        heads = []
        for text, body in self.mapping(node, "blocks").items():
            mark = node.keys[text] if node else body.mark
            try:
                name, arguments = parse_signature(re.sub(r"\(\s*\)\Z", "", text))
            except Fault as fault:
                self.fault(fault, mark)
                continue
            if name in ops.operators() or name in ("table", "do", "include", *MODIFIERS):
                self.problem(f"a block cannot be called '{name}'", mark, "the language has a meaning for this word")
            elif name in self.spec.blocks:
                self.problem(f"two blocks are called '{name}'", mark)
            elif self.new_name(name, mark, "block"):
                self.spec.blocks[name] = Block(name, mark, arguments)
                heads.append((self.spec.blocks[name], body))
        return heads

    def block(self, block: Block, node: Node, base: frozenset[str]) -> None:
        self.body = block.name
        names = [name for name, _ in block.arguments]
        for name in names:
            self.new_name(name, block.mark, "argument")
        items, outputs = node, None
        layers = LayerNames()
        if node.is_map:
            items, outputs = self.block_parts(block, node, layers)
        elif not node.is_list:
            self.problem(f"the body of block '{block.name}' must be a list of items", node.mark, "write - conv: {...}")
            return
        self.collect(items, layers)
        context = Context(base | frozenset(names), layers)
        for _, default in block.arguments:
            if default is not None:
                self.names(default, context, block.mark)
        block.items = self.items(items, context)
        if outputs is not None:
            block.outputs = self.refs(outputs, context, "outputs")
        self.body = ""

    def block_parts(self, block: Block, node: Node, layers: LayerNames) -> tuple[Node, Node | None]:
        """Return layers and outputs of a block of several tensors, and take the names of its inputs."""
        self.keys(node, ("inputs", "layers", "outputs"), f"key of block '{block.name}':")
        empty = Node([], node.mark)
        inputs = node.value.get("inputs")
        if inputs is not None:
            if not inputs.is_list or not inputs.value or not all(isinstance(n.value, str) for n in inputs.value):
                self.problem("'inputs' must be a list of names", inputs.mark, "write inputs: [prev, cur]")
            else:
                block.inputs = [n.value for n in inputs.value]
                for n in inputs.value:
                    layers.exact[n.value] = n.mark
        items = node.value.get("layers")
        if items is None or not items.is_list:
            hint = "a body is a list of items, or a mapping of inputs, layers, outputs"
            self.problem(f"block '{block.name}' has no list of layers", node.mark, hint)
            items = empty
        return items, node.value.get("outputs")

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
                    mark = self.spec.blocks[called].mark
                    self.problem(f"block '{called}' calls itself: {circle}", mark, "blocks do not recurse: use repeat")
                elif called not in done:
                    trail.append((called, sorted(self.calls.get(called, ()))))

    def layers(self, top: dict[str, Node], mark: Mark, base: frozenset[str]) -> None:
        node = top.get("layers")
        if node is None or not node.is_list:
            place = node.mark if node else mark
            self.problem("'layers' must be a list of items", place, "write layers:, then - conv: {...}")
            return
        names = LayerNames()
        self.collect(node, names)
        context = Context(base, names)
        self.spec.layers = self.items(node, context)
        if "outputs" in top:
            self.spec.outputs = self.refs(top["outputs"], context, "outputs")

    def unread(self) -> None:
        """Refuse knobs that nothing reads: a sweep over one would change nothing."""
        for name, mark in self.knob_marks.items():
            if name in self.spec.knobs and name not in self.read_names:
                self.problem(f"nothing reads the knob '{name}'", mark, "use it, or remove it")

    def published(self, node: Node | None) -> None:
        section = self.mapping(node, "published")
        if node is not None and node.is_map:
            self.keys(node, ("source", "rows"), "key of published:")
        source = section["source"].plain() if "source" in section else ""
        rows = section.get("rows")
        if rows is None:
            return
        if not rows.is_list:
            self.problem("'rows' must be a list", rows.mark, "write - {where: Table 1, macs: 569M, params: 4.2M}")
            return
        for row in rows.value:
            if not row.is_map:
                self.problem("a published row is a mapping", row.mark, "write {where: Table 1, macs: 569M}")
                continue
            self.keys(row, PUBLISHED, "key of a published row:")
            self.claim(row, source)

    def claim(self, row: Node, source: Any) -> None:
        values = {key: value.plain() for key, value in row.value.items()}
        variant = values.get("variant")
        if variant is not None and variant not in self.spec.variants:
            hint = nearest(str(variant), self.spec.variants)
            self.problem(f"there is no variant '{variant}'", row.value["variant"].mark, hint)
        for knob in self.mapping(row.value.get("knobs"), "knobs"):
            if knob not in self.spec.knobs:
                hint = nearest(knob, self.spec.knobs)
                self.problem(f"there is no knob '{knob}'", row.value["knobs"].keys[knob], hint)
        if values.get("rounding", "nearest") not in ("nearest", "floor", "ceil"):
            self.problem("rounding is nearest, floor or ceil", row.value["rounding"].mark)
        if values.get("reproduces") is False and not values.get("note"):
            hint = "say why: a misprint of the paper, a detail that was never published"
            self.problem("a row that is not reproduced needs a 'note'", row.mark, hint)
        for key in ("macs", "params"):
            if key in values and not _FIGURE.match(str(values[key])):
                self.problem(f"'{values[key]}' is no figure", row.value[key].mark, "write 569M, 4.2M, 1.5G, 0.39B")
        self.spec.published.append({"source": source, **values})
