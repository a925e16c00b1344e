"""Reading blocks: first the heads of all, so that each may call those after it, then the bodies."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import takewhile

from costcalc.base.errors import Fault
from costcalc.language.context import Context, LayerNames
from costcalc.language.document import Block, MistakenItem, Value, mistaken
from costcalc.language.items import ItemReader
from costcalc.language.names import is_operator
from costcalc.language.sections import Section, mapping
from costcalc.language.signature import Argument, parse_signature
from costcalc.language.source import YamlNode
from costcalc.operators.fields import LATER, MODIFIERS

Head = tuple[Block, list[Argument], YamlNode]  # a block that is known by name, its arguments, its body


class BlockReader:
    """Reads the blocks of a spec."""

    def __init__(self, items: ItemReader) -> None:
        self.items = items
        self.names = items.names
        self.problems = items.problems
        self.note = items.problems.note
        self.spec = items.spec

    def heads(self, node: YamlNode | None) -> list[Head]:
        """Read the names of all blocks, and of their arguments."""
        heads = []
        if node is not None and node.is_list:
            self.names.mistaken_blocks = {first_word(key) for part in node.value if part.is_map for key in part.value}
        for text, mark, body in mapping(node, "blocks", self.problems).entries():
            try:
                head, _, inside = text.partition("(")
                name, arguments = parse_signature(head if inside.strip() == ")" else text)
            except Fault as fault:
                self.problems.add(fault.at(mark))
                self.names.mistaken_blocks.add(first_word(text))
                continue
            if is_operator(name) or name in ("table", "do", "include") or (name in MODIFIERS and name not in LATER):
                self.note(f"a block cannot be called '{name}'", mark, "the language has a meaning for this word")
            elif name in self.spec.blocks:
                line = self.spec.blocks[name].mark.line + 1
                self.note(f"two blocks are called '{name}'", mark, f"the first is on line {line}")
            elif self.items.values.fits(name, mark) and self.names.may_be_given(name, mark, "block"):
                known = [(argument, mistaken(mark) if default else None) for argument, _, default, _ in arguments]
                self.spec.blocks[name] = Block(name, mark, known)
                heads.append((self.spec.blocks[name], arguments, body))
            else:
                self.names.mistaken_blocks.add(name)
        return heads

    def bodies(self, heads: list[Head]) -> None:
        """Read the bodies of all blocks; note which names the rows of each depend on, operators' defaults too."""
        used = self.names.used
        for head in heads:
            self.names.used = set()
            self.body(head)
            head[0].reads = self.names.used
        own = {block.name: {*block.reads} for block, *_ in heads}
        for block, *_ in heads:
            block.reads = used.union(*(own[name] for name in self.reached(block.name)))
        self.names.used = used.union(*own.values())

    def reached(self, block: str) -> Collection[str]:
        """Return a block and those that it may call, directly or through others."""
        if self.items.calls_by_word:
            return self.spec.blocks
        found, left = {block}, [block]
        while left:
            more = self.items.calls.get(left.pop(), set()) - found
            found |= more
            left += more
        return found

    def body(self, head: Head) -> None:
        """Read the defaults of a block's arguments, its items and its outputs."""
        block, arguments, node = head
        block.arguments = self.arguments(block, arguments)
        variables = self.names.everywhere() | {name for name, _ in block.arguments}
        context = Context(variables, LayerNames(), block.name)
        items, outputs = node, None
        if node.is_map:
            parts = Section(
                node, ("inputs", "layers", "outputs"), f"unknown key of block '{block.name}': '{{}}'", self.problems
            )
            self.inputs(block, parts.get("inputs"), context)
            items, outputs = parts.get("layers") or node, parts.get("outputs")
        if items.is_list:
            self.names.collect(items, context.layers)
            block.items = self.items.items(items, context) or block.items
            block.lists = [*context.layers.lists]
        else:
            said, hint = f"the body of block '{block.name}' must be a list of items", "write - conv: {...}"
            if node.is_map:
                said = f"block '{block.name}' has no list of layers"
                hint = "a body is a list of items, or a mapping of inputs, layers, outputs"
            self.note(said, items.mark, hint)
            block.items = [MistakenItem("", node.mark)]
        if outputs is not None:
            block.outputs = self.items.values.refs(outputs, context, "outputs")

    def arguments(self, block: Block, arguments: list[Argument]) -> list[tuple[str, Value | None]]:
        """Return a block's arguments with their defaults; a default sees the arguments before it."""
        found: list[tuple[str, Value | None]] = []
        for name, offset, default, start in arguments:
            self.names.may_be_given(name, block.mark.shifted(offset, len(name)), "argument")
            value = None
            if default is not None:
                context = Context(self.names.everywhere() | {earlier for earlier, _ in found})
                mark = block.mark.shifted(start, len(default.text))
                value = self.items.values.expression(default, mark, context)
            found.append((name, value))
        return found

    def inputs(self, block: Block, node: YamlNode | None, context: Context) -> None:
        """Read the names of the tensors that enter a block."""
        if node is None:
            return
        if not node.is_list or not node.value or not all(isinstance(n.value, str) for n in node.value):
            self.note("'inputs' must be a list of names", node.mark, "write inputs: [prev, cur]")
            return
        block.inputs = [re.sub(r"[()]", "", n.value) for n in node.value]
        for n, name in zip(node.value, block.inputs, strict=True):
            if name != n.value:
                self.note(f"an input of a block has a plain name, not '{n.value[:60]}'", n.mark, f"write {name}")
            self.names.refuse_as_layer(name, n.mark, context)
            self.names.give(name, n.mark, context.layers)

    def refuse_recursion(self) -> None:
        """Refuse blocks that call themselves, directly or through others."""
        calls = self.items.calls
        done: set[str] = set()
        for start in self.spec.blocks:
            trail: list[tuple[str, list[str]]] = [(start, sorted(calls.get(start, ())))]
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
                    self.note(f"block '{called}' calls itself: {circle}", block.mark, hint)
                    block.items = [MistakenItem("", block.mark)]
                elif called not in done:
                    trail.append((called, sorted(calls.get(called, ()))))


def first_word(text: str) -> str:
    """Return the name with which a signature begins, readable or not."""
    return "".join(takewhile(lambda c: c.isalnum() or c == "_", text.strip()))
