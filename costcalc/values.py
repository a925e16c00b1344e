"""Reading values, expressions and names; the lowest third of the reader of documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from costcalc import op as ops
from costcalc.context import Context
from costcalc.document import Ref, Spec, Value
from costcalc.errors import Fault, Mark, Problem, nearest
from costcalc.expr import Expr, parse
from costcalc.fields import AMBIENT, FUNCTIONS, RESERVED, TENSORS
from costcalc.source import Node


class ValueReader:
    """Reads values and names; every mistake goes into `problems`."""

    def __init__(self, spec: Spec, problems: list[Problem]) -> None:
        self.spec = spec
        self.problems = problems
        self.read_names: set[str] = set()
        self.calls: dict[str, set[str]] = {}  # block -> blocks that it calls
        self.body = ""  # the block being read
        self.knob_marks: dict[str, Mark] = {}

    def problem(self, message: str, mark: Mark, hint: str = "") -> None:
        self.problems.append(Problem(message, mark, hint))

    def fault(self, fault: Fault, mark: Mark) -> None:
        width = 1 if fault.offset >= 0 else mark.width
        place = mark.shifted(fault.offset, width) if fault.offset >= 0 else mark
        self.problem(fault.message, place, fault.hint)

    def keys(self, node: Node, known: Iterable[str], what: str) -> None:
        known = tuple(known)
        for key, mark in node.keys.items():
            if key not in known and not key.endswith(" (again)") and key != "<<":
                hint = nearest(key, known) or f"known: {', '.join(known)}"
                self.problem(f"unknown {what} '{key}'", mark, hint)

    def mapping(self, node: Node | None, what: str) -> dict[str, Node]:
        """Return a section that must be a mapping; an empty one where it is absent or wrong."""
        if node is None or node.value is None:
            return {}
        if not node.is_map:
            self.problem(f"'{what}' must be a mapping", node.mark, f"write {what}: {{name: value, ...}}")
            return {}
        value: dict[str, Node] = node.value
        return value

    def value(self, node: Node, context: Context, *, ambient: bool = True, words: Iterable[str] = ()) -> Value:
        """Read a number, word, expression, or list of them."""
        raw = node.value
        if node.is_list:
            parts = [self.value(n, context, ambient=ambient, words=words) for n in raw]
            if all(part.fixed for part in parts):
                return Value(node.mark, [part.constant for part in parts])
            runs = [_runner(part) for part in parts]
            return Value(node.mark, run=lambda scope: [run(scope) for run in runs])
        if node.is_map or raw is None:
            self.problem(f"a number, word or expression is expected, not {spoken(node)}", node.mark)
            return Value(node.mark, 1)
        if not isinstance(raw, str):
            return Value(node.mark, raw)
        try:
            expression = parse(raw)
        except Fault as fault:
            self.fault(fault, node.mark)
            return Value(node.mark, 1)
        self.names(expression, context, node.mark, ambient=ambient, words=words)
        return Value(node.mark, run=expression.run)

    def names(
        self,
        expression: Expr,
        context: Context,
        mark: Mark,
        *,
        ambient: bool = True,
        words: Iterable[str] = (),
    ) -> None:
        """Check the names that an expression reads, as far as they can be known."""
        for name, start in expression.names:
            self.read_names.add(name)
            if not self.known(name, context, ambient=ambient) and name not in words:
                self.unknown_name(name, context, mark.shifted(start, len(name)))
        for name, start, count in expression.calls:
            place = mark.shifted(start, len(name))
            if name in self.spec.functions:
                self.read_names.add(name)
                wanted = len(self.spec.functions[name].arguments)
                if count != wanted:
                    self.problem(f"{name} takes {wanted} arguments, not {count}", place)
            elif name not in FUNCTIONS and name not in TENSORS and name not in context.layers.indexed:
                known = (*self.spec.functions, *FUNCTIONS, *TENSORS, *context.layers.indexed)
                self.problem(f"unknown function '{name}'", place, nearest(name, known) or f"known: {', '.join(known)}")

    def known(self, name: str, context: Context, *, ambient: bool) -> bool:
        if name in context.variables:
            return True
        if name in ("i", "row"):
            return False
        if name in AMBIENT:
            return ambient
        return context.layers.may_be(name) or name in self.spec.blocks or name in ops.operators() or name in _words()

    def unknown_name(self, name: str, context: Context, mark: Mark) -> None:
        if name == "i":
            self.problem("'i' is the turn of a repeat, and there is none here", mark)
        elif name == "row":
            self.problem("'row' is the row of a table, and there is none here", mark)
        elif name in AMBIENT:
            self.problem(f"'{name}' has no meaning here", mark, "define and input see the knobs only")
        else:
            known = {*context.variables, *context.layers.known(), *self.spec.blocks, *self.spec.functions, *AMBIENT}
            self.problem(f"unknown name '{name}'", mark, nearest(name, known) or _scope_hint(context))

    def refs(self, node: Node, context: Context, what: str) -> list[Ref]:
        nodes = node.value if node.is_list else [node]
        if not nodes:
            self.problem(f"'{what}' is empty", node.mark)
        refs = [self.ref(n, context, what) for n in nodes]
        return [ref for ref in refs if ref is not None]

    def ref(self, node: Node, context: Context, what: str, *, new: bool = False) -> Ref | None:
        """Read a layer's name: text, `p(k)`, `cell.out`; `new` where it is given, not looked up."""
        if node.is_list or node.is_map or node.value is None or isinstance(node.value, bool):
            self.problem(f"'{what}' takes a layer's name, not {spoken(node)}", node.mark)
            return None
        text = str(node.value)
        match = _REFERENCE.match(text)
        if match is None:
            self.problem(f"'{text[:60]}' is no name", node.mark, "a name is text, or text with an index: p(k + 1)")
            return None
        stem, index, part = match["stem"], match["index"], match["part"] or ""
        value = None
        if index is not None:
            start = len(stem) + 1
            mark = node.mark.shifted(start, len(index))
            value = self.value(Node(index, mark), context)
        elif new:
            self.new_layer(stem, node.mark, context, what)
        ref = Ref(stem, node.mark, value, part)
        if not new:
            self.check_ref(ref, context, what)
        return ref

    def new_layer(self, name: str, mark: Mark, context: Context, what: str) -> None:
        if what != "name":
            return
        if name in context.variables or name in RESERVED:
            self.problem(f"a layer cannot be called '{name}'", mark, "it is a variable's name: shadowing is refused")
        elif name in self.spec.blocks or name in ops.operators():
            kind = "a block's" if name in self.spec.blocks else "an operator's"
            self.problem(f"a layer cannot be called '{name}'", mark, f"it is {kind} name: shadowing is refused")

    def check_ref(self, ref: Ref, context: Context, what: str) -> None:
        if ref.index is not None:
            if ref.text not in context.layers.indexed and not any(
                name.startswith(ref.text) for name in context.layers.exact
            ):
                self.problem(
                    f"no layer is called '{ref.text}(...)'", ref.mark, nearest(ref.text, context.layers.indexed)
                )
            return
        if ref.text in context.variables:
            self.read_names.add(ref.text)
        elif ref.text != "input" and not context.layers.may_be(ref.text):
            known = {*context.layers.known(), "input"}
            what = "no layer" if what != "a branch" else "no layer (a word as a branch)"
            hint = nearest(ref.text, known) or f"layers here: {', '.join(sorted(known))[:120]}"
            self.problem(f"{what} is called '{ref.text}'", ref.mark, hint)

    def new_name(self, name: str, mark: Mark, what: str, taken: Iterable[str] = ()) -> bool:
        """Say whether a name may be given to a variable; say why not where it may not."""
        if not re.match(r"[A-Za-z_]\w*\Z", name, re.ASCII):
            self.problem(f"'{name}' is no name for a {what}", mark, "a name is a letter, then letters, digits, _")
        elif name in RESERVED:
            self.problem(f"a {what} cannot be called '{name}'", mark, "the language has a meaning for this word")
        elif name in taken or name in self.spec.knobs or name in self.spec.functions:
            self.problem(f"'{name}' is another's name already", mark, "shadowing is refused: choose another name")
        elif what != "block" and (name in self.spec.blocks or name in ops.operators()):
            kind = "a block's" if name in self.spec.blocks else "an operator's"
            self.problem(f"a {what} cannot be called '{name}'", mark, f"it is {kind} name: shadowing is refused")
        else:
            return True
        return False


_REFERENCE = re.compile(r"(?P<stem>[^()\s]+(?: [^()\s]+)*?)(?:\((?P<index>.+)\))?(?:(?<=\))\.(?P<part>\w+))?\Z")


def _runner(value: Value) -> Callable[[Any], Any]:
    if value.run is not None:
        return value.run
    constant = value.constant
    return lambda _: constant


_ALL_WORDS: set[str] = set()


def _words() -> set[str]:
    """Return the words of operators' fields (`half`, `none`, `batch`), which cells may hold too."""
    if not _ALL_WORDS:
        for cls in set(ops.operators().values()):
            for field in cls.fields.values():
                _ALL_WORDS.update(field.words)
        _ALL_WORDS.update(ops.role_words("norm"))
    return _ALL_WORDS


def known_word(name: str) -> bool:
    """Say whether a name is an operator's or a word of a field."""
    return name in ops.operators() or name in _words()


def spoken(node: Node) -> str:
    """Return what a node is, as an error message names it."""
    if node.is_map:
        return "a mapping"
    if node.is_list:
        return "a list"
    return "nothing" if node.value is None else f"'{str(node.value)[:40]}'"


def _scope_hint(context: Context) -> str:
    names = sorted(context.variables)
    return f"variables here: {', '.join(names)}" if names else "there are no variables here"
