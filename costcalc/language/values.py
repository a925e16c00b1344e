"""Reading values: numbers, words, expressions, lists of them, and the layers' names that stand as values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from costcalc.base.errors import Fault, Mark, nearest
from costcalc.base.text import is_identifier
from costcalc.language.arithmetic import LONGEST_LIST
from costcalc.language.context import Context, stems
from costcalc.language.document import Ref, Value, Values, mistaken, mistaken_ref
from costcalc.language.expr import Expr, parse
from costcalc.language.names import SpecNames
from costcalc.language.source import YamlNode
from costcalc.operators import op as ops
from costcalc.operators.fields import FUNCTIONS

LONGEST_NAME = 100  # characters of a layer's name: paths are made of them, and there are many

_REFERENCE = r"(?P<stem>[^()\s]+(?: [^()\s]+)*?)(?:\((?P<index>.+)\))?(?:(?<=\))\.(?P<part>\w+))?\Z"


_FORMULA = r"[()\[\]+]|\b(if|else)\b"  # what a text has that is meant as an expression


def indexed_stem(text: str) -> str:
    """Return what stands before the brackets of a name with an index, `p(k)`, '' for any other text."""
    match = re.match(_REFERENCE, text)
    if match is None or match["index"] is None:
        return ""
    depth = 0
    for character in match["index"]:
        depth += (character == "(") - (character == ")")
        if depth < 0:  # the first bracket closes before the last: p(1) if deep else p(2)
            return ""
    return match["stem"]


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
        """Read which layer is meant: by the name that it gives itself, `p(k)`, `cell.out`; else by an expression."""
        choice = self.choice(node, context)
        if choice is not None:
            ref = Ref(node.value, node.mark)
            ref.choice = choice
            return ref
        ref = self.name(node, context, what, "layer's name")
        ref.mistaken = ref.mistaken or not self.is_layer(ref, context)
        return ref

    def choice(self, node: YamlNode, context: Context) -> Value | None:
        """Read an expression that says which layers are meant; None where a text is a name, or no expression."""
        text = node.value
        if not isinstance(text, str) or is_identifier(text.replace(".", "_")):
            return None
        if text in context.layers.exact or any(stem in context.layers.indexed for stem in stems(text)):
            return None
        if (stem := indexed_stem(text)) and not (stem in self.names.spec.functions or stem in FUNCTIONS):
            return None
        try:
            expression = parse(text)
        except Fault as fault:
            if not re.search(_FORMULA, text):
                return None
            self.problems.add(fault.at(node.mark))
            return mistaken(node.mark)
        # The layers that are included, and the parts of several tensors, may be called as an expression reads.
        dotted = context.layers.may_be(text)
        if dotted and not all(self.names.known(name, context, ambient=True) for name, _ in expression.names):
            return None
        return self.expression(expression, node.mark, context)

    def new_ref(self, node: YamlNode, context: Context, what: str) -> Ref | None:
        """Read a name that is given here; None where it is none."""
        ref = self.name(node, context, what, "name")
        if ref.mistaken:
            return None
        if ref.part and what != "until":
            self.note(f"'{what}' gives a name, and '.{ref.part}' picks a part of one", node.mark, "leave it out")
            return None
        if what in ("name", "into"):
            self.names.refuse_as_layer(ref.text, node.mark, context, indexed=ref.index is not None)
        return ref

    def given_ref(self, node: YamlNode, context: Context) -> Ref | None:
        """Read the name of a layer that `sets` gives anew; None where no item of the body gives it first."""
        ref = self.new_ref(node, context, "sets")
        if ref is None:
            return None
        known = context.layers.exact if ref.index is None else context.layers.indexed
        if ref.text in known:
            return ref
        hint = nearest(ref.text, known) or f"name: {ref.text} gives a name first, sets: {ref.text} gives it anew"
        if ref.text in context.layers.lists:
            hint = f"it is a list: into: {ref.text} puts a layer to its end"
        self.note(f"no layer is called '{ref.text}'", ref.mark, hint)
        return None

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
        elif text in ("input", "none") or layers.may_be(text) or (text == "joined" and context.branch):
            return True
        elif text == "joined":
            said, hint = "'joined' is what enters the branches of a join, and there is none here", ""
        else:
            said, hint = f"no layer is called '{text}'", nearest(text, {*layers.known(), "input"})
            if text in layers.prefixes:
                hint = f"the layers of what is included are called {text}.NAME"
            elif not hint and text.rstrip("0123456789") in {*ops.operators(), *self.names.spec.blocks}:
                hint = f"what a report calls a row is no name yet: give the layer one, name: {text}"
        known = sorted({*layers.known(), "input"})
        self.note(said, ref.mark, hint or f"layers here: {', '.join(known)[:120]}")
        return False
