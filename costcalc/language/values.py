"""Reading values, expressions and names; the lowest third of the reader of documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from costcalc.base.errors import Fault, Mark, Problem, SpecError, closest, nearest
from costcalc.language.context import Context, LayerNames
from costcalc.language.document import Ref, Spec, Value, lost, lost_ref
from costcalc.language.expr import Expr, parse
from costcalc.language.sharing import Share
from costcalc.language.source import MOST_PROBLEMS, YamlNode
from costcalc.operators import op as ops
from costcalc.operators.fields import AMBIENT, FUNCTIONS, MODIFIERS, RESERVED, TENSORS

LONGEST_NAME = 100  # characters of a layer's name: paths are made of them, and there are many
MOST_NAMES = 500  # knobs and definitions: each block's scope holds them all
LONGEST_LIST = 200  # values of a list that is one value: expressions run over them again and again


class ValueReader:
    """Reads values and names; every mistake goes into `problems`."""

    def __init__(self, spec: Spec, problems: list[Problem]) -> None:
        self.spec = spec
        self.problems = problems
        self.read_names: set[str] = set()
        self.calls: dict[str, set[str]] = {}  # block -> blocks that it calls
        self.body = ""  # the block being read
        self.knob_marks: dict[str, Mark] = {}
        self.longest = 0  # values of the longest list that an expression may run over
        self.defined: set[str] = set()  # all names under `define`, those below too
        self.lost_blocks: set[str] = set()  # blocks whose heads could not be read
        self.turns = 0  # repeats and tables around the item being read
        self.shares: list[Share] = []  # where a `share` stands

    def problem(self, message: str, mark: Mark, hint: str = "") -> None:
        self.problems.append(Problem(message, mark, hint))
        if len(self.problems) >= MOST_PROBLEMS:
            raise SpecError(self.problems)

    def fault(self, fault: Fault, mark: Mark) -> None:
        width = 1 if fault.offset >= 0 else mark.width
        place = mark.shifted(fault.offset, width) if fault.offset >= 0 else mark
        self.problem(fault.message, place, fault.hint)

    def keys(self, node: YamlNode, known: Iterable[str], what: str) -> dict[str, str]:
        """Refuse unknown keys; return what they most likely mean."""
        known, meant = tuple(known), {}
        for key, mark in node.keys.items():
            if key not in known and not key.endswith(" (again)") and key != "<<":
                hint = nearest(key, known) or f"known: {', '.join(known)}"
                self.problem(f"unknown {what} '{key}'", mark, hint)
                meant[key] = closest(key, known)
        return meant

    def mapping(self, node: YamlNode | None, what: str) -> dict[str, YamlNode]:
        """Return a section that must be a mapping; an empty one where it is absent or wrong."""
        if node is None or node.value is None:
            return {}
        if not node.is_map:
            self.problem(f"'{what}' must be a mapping", node.mark, f"write {what}: {{name: value, ...}}")
            return {}
        value: dict[str, YamlNode] = node.value
        return value

    def value(self, node: YamlNode, context: Context, *, ambient: bool = True, words: Iterable[str] = ()) -> Value:
        """Read a number, word, expression, or list of them."""
        raw = node.value
        if node.is_list:
            if len(raw) > LONGEST_LIST:
                self.problem(f"a list of {len(raw):,} values", node.mark, f"one value has {LONGEST_LIST} at most")
                return lost(node.mark)
            parts = [self.value(n, context, ambient=ambient, words=words) for n in raw]
            if all(part.fixed for part in parts):
                return Value(node.mark, [part.constant for part in parts])
            runs = [_runner(part) for part in parts]
            cost = sum(part.cost for part in parts)
            return Value(node.mark, run=lambda scope: [run(scope) for run in runs], cost=cost)
        if node.is_map or raw is None:
            self.problem(f"a number, word or expression is expected, not {spoken(node)}", node.mark)
            return lost(node.mark)
        if not isinstance(raw, str):
            return Value(node.mark, raw)
        try:
            expression = parse(raw)
        except Fault as fault:
            self.fault(fault, node.mark)
            return lost(node.mark)
        known = self.names(expression, context, node.mark, ambient=ambient, words=words)
        return Value(node.mark, run=expression.run, cost=self.cost(expression)) if known else lost(node.mark)

    def cost(self, expression: Expr) -> int:
        """Return about how many steps it takes to evaluate an expression, the functions that it calls included."""
        called = [self.spec.functions[name] for name, *_ in expression.calls if name in self.spec.functions]
        own = (1 + len(expression.text) // 8) * (1 + self.longest // 8)
        return own + sum(function.body.cost + 4 + len(self.spec.knobs) // 8 for function in called)

    def names(
        self,
        expression: Expr,
        context: Context,
        mark: Mark,
        *,
        ambient: bool = True,
        words: Iterable[str] = (),
    ) -> bool:
        """Check the names that an expression reads, as far as they can be known; say whether all are right."""
        before = len(self.problems)
        for name, start in expression.names:
            self.read_names.add(name)
            if not self.known(name, context, ambient=ambient) and name not in words:
                self.unknown_name(name, context, mark.shifted(start, len(name)), words)
        for name, start, count in expression.calls:
            place = mark.shifted(start, len(name))
            if name in self.spec.functions:
                self.read_names.add(name)
                arguments = self.spec.functions[name].arguments
                if arguments is not None and count != len(arguments):
                    said = f"write {name}({', '.join(arguments)})" if arguments else f"it is a constant: write {name}"
                    self.problem(f"{name} takes {several(len(arguments), 'argument')}, not {count}", place, said)
            elif name in context.layers.indexed:
                if count != 1:
                    self.problem(f"{name}(...) is a layer's name with one index, not {count}", place)
            elif name not in FUNCTIONS and name not in TENSORS:
                self.unknown_function(name, context, place)
        return len(self.problems) == before

    def unknown_function(self, name: str, context: Context, mark: Mark) -> None:
        known = (*self.spec.functions, *FUNCTIONS, *TENSORS, *context.layers.indexed)
        hint = nearest(name, known) or f"known: {', '.join(known)}"
        if name in self.defined:
            hint = "a definition sees those above it, and not itself"
        elif name in context.variables:
            hint = f"'{name}' is a variable: write {name} * (...) for a product"
        self.problem(f"unknown function '{name}'", mark, hint)

    def known(self, name: str, context: Context, *, ambient: bool) -> bool:
        if name in context.variables:
            return True
        if name in ("i", "row"):
            return False
        if name in AMBIENT:
            return ambient
        return context.layers.may_be(name) or name in self.spec.blocks or name in ops.operators() or name in _words()

    def unknown_name(self, name: str, context: Context, mark: Mark, words: Iterable[str] = ()) -> None:
        if name == "i":
            self.problem("'i' is the turn of a repeat, and there is none here", mark)
        elif name == "row":
            self.problem("'row' is the row of a table, and there is none here", mark)
        elif name in AMBIENT:
            self.problem(f"'{name}' has no meaning here", mark, "no tensor enters here: knobs and define are seen only")
        elif name in self.spec.functions or name in FUNCTIONS or name in TENSORS:
            self.problem(f"'{name}' is a function", mark, f"write {name}(...)")
        elif name.lower() in _TRUTHS:
            self.problem(f"unknown name '{name}'", mark, f"write {_TRUTHS[name.lower()]}")
        else:
            known = {*context.variables, *context.layers.known(), *self.spec.blocks, *self.spec.functions, *AMBIENT}
            known.update(words)
            hint = nearest(name, known)
            if not hint and "." in name:
                hint = "a dot stands only in a layer's name: backbone.stage3"
            self.read_names.update(knob for knob in self.spec.knobs if hint == f"did you mean '{knob}'?")
            self.problem(f"unknown name '{name}'", mark, hint or _scope_hint(context))

    def refs(self, node: YamlNode, context: Context, what: str) -> list[Ref]:
        nodes = node.value if node.is_list else [node]
        if not nodes:
            self.problem(f"'{what}' is empty", node.mark, "name a layer or several, or leave it out")
        return [self.ref(n, context, what) for n in nodes] or [lost_ref(node.mark)]

    def new_ref(self, node: YamlNode, context: Context, what: str) -> Ref | None:
        """Read a name that is given here; None where it is none."""
        ref = self.ref(node, context, what, new=True)
        return None if ref.lost else ref

    def ref(self, node: YamlNode, context: Context, what: str, *, new: bool = False) -> Ref:
        """Read a layer's name: text, `p(k)`, `cell.out`; `new` where it is given, not looked up."""
        if node.is_list or node.is_map or node.value is None or isinstance(node.value, bool):
            kind = "name" if new else "layer's name"
            self.problem(f"'{what}' takes a {kind}, not {spoken(node)}", node.mark)
            return lost_ref(node.mark)
        text = str(node.value)
        if len(text) > LONGEST_NAME:
            self.problem(f"a name of {len(text):,} characters", node.mark, f"the limit is {LONGEST_NAME}")
            return lost_ref(node.mark)
        match = _REFERENCE.match(text)
        if match is None:
            self.problem(f"'{text[:60]}' is no name", node.mark, "a name is text, or text with an index: p(k + 1)")
            return lost_ref(node.mark)
        stem, index, part = match["stem"], match["index"], match["part"] or ""
        value = None
        if index is not None:
            start = len(stem) + 1
            mark = node.mark.shifted(start, len(index))
            value = self.value(YamlNode(index, mark), context)
        if new:
            self.new_layer(stem, node.mark, context, what, indexed=index is not None)
        ref = Ref(stem, node.mark, value, part)
        if not new:
            before = len(self.problems)
            self.check_ref(ref, context)
            ref.lost = len(self.problems) > before
        return ref

    def new_layer(self, name: str, mark: Mark, context: Context, what: str, *, indexed: bool = False) -> None:
        """Refuse a layer's name that means something else; with an index it is another word: rpn2, not rpn."""
        if what != "name":
            return
        if name in context.variables or name in RESERVED or name in self.spec.functions:
            kind = "a variable's" if name in context.variables else "a function's"
            hint = "the language has a meaning for this word" if name in RESERVED else f"it is {kind} name"
            self.problem(f"a layer cannot be called '{name}'", mark, f"{hint}: shadowing is refused")
        elif not indexed and (name in self.spec.blocks or name in ops.operators()):
            kind = "a block's" if name in self.spec.blocks else "an operator's"
            self.problem(f"a layer cannot be called '{name}'", mark, f"it is {kind} name: shadowing is refused")

    def check_ref(self, ref: Ref, context: Context) -> None:
        if ref.index is not None:
            if ref.text not in context.layers.indexed and not any(
                name.startswith(ref.text) for name in (*context.layers.exact, *context.layers.prefixes)
            ):
                hint = nearest(ref.text, context.layers.indexed) or _layers_hint(context)
                self.problem(f"no layer is called '{ref.text}(...)'", ref.mark, hint)
            return
        if ref.text in context.variables:
            self.read_names.add(ref.text)
        elif ref.text != "input" and not context.layers.may_be(ref.text):
            known = {*context.layers.known(), "input"}
            hint = nearest(ref.text, known) or _layers_hint(context)
            if ref.text in context.layers.prefixes:
                hint = f"the layers of what is included are called {ref.text}.NAME"
            self.problem(f"no layer is called '{ref.text}'", ref.mark, hint)

    def collect(self, node: YamlNode, names: LayerNames) -> None:
        """Note every name that the items below a node give, those inside groups and branches too."""
        if node.is_list:
            for item in node.value:
                self.collect(item, names)
        if not node.is_map:
            return
        meant = self.meant_keys(node)
        for given, value in node.value.items():
            key = meant.get(given, given)
            if key == "name" and isinstance(value.value, str | int | float):
                self.collect_name(str(value.value), value.mark, names)
            elif key == "include":
                alias = (value.value.get("as") or value.value.get("spec")) if value.is_map else value
                names.prefixes.add(str(alias.value) if alias else "")
            elif key not in MODIFIERS and key not in self.spec.blocks and key != "table":
                self.collect_branches(key, value, names)

    def collect_branches(self, key: str, value: YamlNode, names: LayerNames) -> None:
        cls = ops.operators().get(key)
        labelled = value.is_map and cls is not None and joins(cls, value)
        for part in value.value.values() if labelled else value.value if value.is_list else ():
            self.collect(part, names)

    def collect_name(self, text: str, mark: Mark, names: LayerNames) -> None:
        stem, bracket, _ = text.partition("(")
        if bracket:
            names.indexed.add(stem)
        elif text in names.exact:
            first = f"the first is on line {names.exact[text].line + 1}; " if mark.line >= 0 else ""
            self.problem(f"two layers are called '{text}'", mark, f"{first}p(k) is p3 where k is 3")
        else:
            names.exact[text] = mark

    def meant_keys(self, node: YamlNode) -> dict[str, str]:
        """Return what the misspelt modifiers of an item mean, and a misspelt table beside its `do`."""
        keys = [key for key in node.value if key not in MODIFIERS]
        known = [key for key in keys if self.is_item(key)]
        meant = {}
        for key in keys if len(keys) > 1 else ():
            if key in known:
                continue
            if "do" in known and "table" not in known and closest(key, ("table",)):
                meant[key] = "table"
            elif (found := closest(key, MODIFIERS)) and found not in node.value:
                meant[key] = found
        return meant

    def is_item(self, key: str) -> bool:
        """Say whether a key says by itself what an item is."""
        return key in ops.operators() or key in self.spec.blocks or key in ("table", "do", "include")

    def new_name(self, name: str, mark: Mark, what: str, taken: Iterable[str] = ()) -> bool:
        """Say whether a name may be given to a variable; say why not where it may not."""
        if not re.match(r"[A-Za-z_]\w*\Z", name, re.ASCII):
            self.problem(
                f"'{name}' is no name for {_article(what)}", mark, "a name is a letter, then letters, digits, _"
            )
        elif name in RESERVED:
            self.problem(
                f"{_article(what)} cannot be called '{name}'", mark, "the language has a meaning for this word"
            )
        elif (
            name in taken
            or name in self.spec.knobs
            or name in self.spec.functions
            or name in self.lost_blocks
            or (what != "definition" and name in self.defined)
        ):
            self.read_names.add(name)  # nothing can read a knob that shares its name
            self.problem(f"'{name}' is another's name already", mark, "shadowing is refused: choose another name")
        elif what != "block" and (name in self.spec.blocks or name in ops.operators()):
            kind = "a block's" if name in self.spec.blocks else "an operator's"
            self.problem(
                f"{_article(what)} cannot be called '{name}'", mark, f"it is {kind} name: shadowing is refused"
            )
        else:
            return True
        return False


def joins(cls: type[ops.Op], node: YamlNode) -> bool:
    """Say whether an operator's value is its branches: it takes several tensors, and they stand in place of fields."""
    if not cls.joins:
        return False
    fields = node.value is None or (node.is_map and bool(node.value) and node.value.keys() <= cls.fields.keys())
    return not fields


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


def several(number: int, thing: str) -> str:
    """Return '1 argument', '2 arguments'."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def spoken(node: YamlNode) -> str:
    """Return what a node is, as an error message names it."""
    if node.is_map:
        return "a mapping"
    if node.is_list:
        return "a list"
    said = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
    return "nothing" if node.value is None else f"'{said[:40]}'"


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


# What YAML 1.1 read as true and false; in YAML 1.2 they are words.
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _layers_hint(context: Context) -> str:
    return f"layers here: {', '.join(sorted({*context.layers.known(), 'input'}))[:120]}"


def _scope_hint(context: Context) -> str:
    names = sorted(context.variables)
    return f"variables here: {', '.join(names)}" if names else "there are no variables here"
