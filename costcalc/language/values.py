"""Reading values: numbers, words, expressions, lists of them, and the layers' names that stand as values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from costcalc.base.errors import Fault, Mark, nearest
from costcalc.base.text import is_identifier
from costcalc.language.context import Context
from costcalc.language.document import Ref, Value, Values, mistaken, mistaken_ref
from costcalc.language.expr import Expr, parse
from costcalc.language.names import SpecNames
from costcalc.language.source import YamlNode
from costcalc.operators import op as ops

LONGEST_NAME = 100  # characters of a layer's name: paths are made of them, and there are many
LONGEST_LIST = 200  # values of a list that is one value: expressions run over them again and again

_REFERENCE = r"(?P<stem>[^()\s]+(?: [^()\s]+)*?)(?:\((?P<index>.+)\))?(?:(?<=\))\.(?P<part>\w+))?\Z"


class ValueReader:
    """Reads values and layers' names; for one that is wrong something stands that makes unknown what depends on it."""

    def __init__(self, names: SpecNames) -> None:
        self.names = names
        self.problems = names.problems
        self.note = names.problems.note
        self.longest_list = 0  # values of the longest list among knobs and constants: expressions may run over it

    def value(self, node: YamlNode, context: Context, *, ambient: bool = True, words: Iterable[str] = ()) -> Value:
        """Read a number, word, expression, or list of them."""
        raw = node.value
        if node.is_list:
            if self.too_long(node):
                return mistaken(node.mark)
            parts = [self.value(n, context, ambient=ambient, words=words) for n in raw]
            if all(part.fixed for part in parts):
                return Value(node.mark, [part.constant for part in parts])
            return Value(node.mark, source=Values(parts), steps=sum(part.steps for part in parts))
        if node.is_map or raw is None:
            self.note(f"a number, word or expression is expected, not {node.spoken}", node.mark)
            return mistaken(node.mark)
        if not isinstance(raw, str):
            return Value(node.mark, raw)
        try:
            expression = parse(raw)
        except Fault as fault:
            self.problems.add(fault.at(node.mark))
            return mistaken(node.mark)
        return self.expression(expression, node.mark, context, ambient=ambient, words=words)

    def expression(
        self, expression: Expr, mark: Mark, context: Context, *, ambient: bool = True, words: Iterable[str] = ()
    ) -> Value:
        """Return an expression as a value, if its names are right."""
        if not self.names.check(expression, context, mark, ambient=ambient, words=words):
            return mistaken(mark)
        return Value(mark, source=expression, steps=self.steps(expression))

    def too_long(self, node: YamlNode) -> bool:
        """Say whether a list is too long to be one value, and refuse it then."""
        if len(node.value) <= LONGEST_LIST:
            return False
        self.note(f"a list of {len(node.value):,} values", node.mark, f"one value has {LONGEST_LIST} at most")
        return True

    def steps(self, expression: Expr) -> int:
        """Return about how many steps it takes to evaluate an expression, the functions that it calls included."""
        spec = self.names.spec
        called = [spec.functions[name] for name, *_ in expression.calls if name in spec.functions]
        own = (1 + len(expression.text) // 8) * (1 + self.longest_list // 8)
        return own + sum(function.body.steps + 4 + len(spec.knobs) // 8 for function in called)

    def refs(self, node: YamlNode, context: Context, what: str) -> list[Ref]:
        """Read the name of a layer, or a list of them."""
        nodes = node.value if node.is_list else [node]
        if not nodes:
            self.note(f"'{what}' is empty", node.mark, "name a layer or several, or leave it out")
        return [self.ref(n, context, what) for n in nodes] or [mistaken_ref(node.mark)]

    def ref(self, node: YamlNode, context: Context, what: str) -> Ref:
        """Read the name of a layer that gives it itself: text, `p(k)`, `cell.out`."""
        ref = self.name(node, context, what, "layer's name")
        ref.mistaken = ref.mistaken or not self.is_layer(ref, context)
        return ref

    def new_ref(self, node: YamlNode, context: Context, what: str) -> Ref | None:
        """Read a name that is given here; None where it is none."""
        ref = self.name(node, context, what, "name")
        if ref.mistaken:
            return None
        if ref.part and what != "until":
            self.note(f"'{what}' gives a name, and '.{ref.part}' picks a part of one", node.mark, "leave it out")
            return None
        if what == "name":
            self.names.refuse_as_layer(ref.text, node.mark, context, indexed=ref.index is not None)
        return ref

    def name(self, node: YamlNode, context: Context, what: str, kind: str) -> Ref:
        """Read a name, with its index and its part."""
        if node.is_list or node.is_map or node.value is None or isinstance(node.value, bool):
            self.note(f"'{what}' takes a {kind}, not {node.spoken}", node.mark)
            return mistaken_ref(node.mark)
        text = node.written
        if not self.fits(text, node.mark) or not self.problems.visible(text, node.mark):
            return mistaken_ref(node.mark)
        if is_identifier(text):
            return Ref(text, node.mark)
        match = re.match(_REFERENCE, text)
        if match is None:
            self.note(f"'{text[:60]}' is no name", node.mark, "a name is text, or text with an index: p(k + 1)")
            return mistaken_ref(node.mark)
        stem, index = match["stem"], match["index"]
        value = None
        if index is not None:
            value = self.value(YamlNode(index, node.mark.shifted(len(stem) + 1, len(index))), context)
        return Ref(stem, node.mark, value, match["part"] or "")

    def fits(self, name: str, mark: Mark) -> bool:
        """Say whether a name is short enough for the paths that are made of it, and refuse it where it is not."""
        if len(name) > LONGEST_NAME:
            self.note(f"a name of {len(name):,} characters", mark, f"the limit is {LONGEST_NAME}")
        return len(name) <= LONGEST_NAME

    def is_layer(self, ref: Ref, context: Context) -> bool:
        """Say whether a name may be a layer's, or hold one's; refuse it where it can't be."""
        layers, text = context.layers, ref.text
        if ref.index is not None:
            if text in layers.indexed or any(name.startswith(text) for name in (*layers.exact, *layers.prefixes)):
                return True
            said, hint = f"no layer is called '{text}(...)'", nearest(text, layers.indexed)
        elif text in context.variables:
            self.names.used.add(text)
            return True
        elif text == "input" or layers.may_be(text):
            return True
        else:
            said, hint = f"no layer is called '{text}'", nearest(text, {*layers.known(), "input"})
            if text in layers.prefixes:
                hint = f"the layers of what is included are called {text}.NAME"
            elif not hint and text.rstrip("0123456789") in {*ops.operators(), *self.names.spec.blocks}:
                hint = f"what a report calls a row is no name yet: give the layer one, name: {text}"
        known = sorted({*layers.known(), "input"})
        self.note(said, ref.mark, hint or f"layers here: {', '.join(known)[:120]}")
        return False
