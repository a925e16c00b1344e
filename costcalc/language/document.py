"""What a spec is once it is read: blocks and items with typed fields, every value with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable
from typing import Any, Protocol

from costcalc.base import Datum
from costcalc.base.errors import Fault, Mark, Problem
from costcalc.base.kept import Kept
from costcalc.language.arithmetic import listed
from costcalc.language.context import Context
from costcalc.language.source import YamlNode
from costcalc.operators.op import Op

VERSION = 1
MOST_KEPT = 20_000  # rows of blocks that a loaded spec keeps expanded
MOST_MADE = 64  # operators that an item keeps
_PLAIN = frozenset((int, str))  # of which equal values mean the same


class DependsOnMistake(Exception):
    """A value depends on what could not be known; the mistake is reported already."""


class Source(Protocol):
    """What gives a value in a scope: an expression, a list of values, a mistake."""

    @property
    def run(self) -> Callable[[Any], Any]:
        """What is called with the scope."""


class Value:
    """A value of the spec: a constant, or an expression to be run in a scope."""

    __slots__ = ("constant", "mark", "run", "source", "steps")

    def __init__(self, mark: Mark, constant: Datum = None, source: Source | None = None, steps: int = 1) -> None:
        self.steps = steps  # about how many steps it takes to evaluate it
        self.mark = mark
        self.constant = constant
        self.source = source
        self.run = source.run if source else None

    def __reduce__(self) -> Any:
        # What runs is closures, which no pickle holds: it is made anew of its source.
        return Value, (self.mark, self.constant, self.source, self.steps)

    @property
    def fixed(self) -> bool:
        """Whether the value needs no scope."""
        return self.run is None

    def evaluate(self, scope: Any) -> Datum:
        """Return the value in a scope."""
        return self.constant if self.run is None else self.run(scope)


class Values:
    """A list of values as the source of one."""

    def __init__(self, parts: list[Value]) -> None:
        self.parts = parts

    def run(self, scope: Any) -> list[Datum]:
        """Return the values in a scope."""
        return listed([part.evaluate(scope) for part in self.parts])


class Mistake:
    """What stands for a source that is missing or wrong."""

    def run(self, _: Any) -> Datum:
        """Raise DependsOnMistake."""
        raise DependsOnMistake


def mistaken(mark: Mark) -> Value:
    """Return what stands for a value that is missing or wrong: what depends on it is unknown."""
    return Value(mark, source=Mistake())


class Ref:
    """A layer's name as it is written: text, an index, and the part of several tensors it picks; or an expression."""

    __slots__ = ("choice", "index", "mark", "mistaken", "part", "text")

    def __init__(
        self, text: str, mark: Mark, index: Value | None = None, part: str = "", *, mistaken: bool = False
    ) -> None:
        self.mistaken = mistaken  # it names nothing: the mistake is reported already
        self.choice: Value | None = None  # what says which layers are meant, where no layer is called so
        self.text = text
        self.mark = mark
        self.index = index
        self.part = part


def mistaken_ref(mark: Mark) -> Ref:
    """Return what stands for a layer's name that could not be read."""
    return Ref("", mark, mistaken=True)


class StatedFields:
    """What a spec states of an operator's fields. What is constant is parsed once, and an operator made once."""

    __slots__ = ("cls", "constants", "made", "parsed", "values", "varying")

    def __init__(self, cls: type[Op], values: dict[str, Value]) -> None:
        self.cls = cls
        self.values = values
        self.constants = {name: value.constant for name, value in values.items() if value.run is None}
        self.varying = {name: value for name, value in values.items() if value.run is not None}
        self.parsed: dict[int, dict[str, Datum]] = {}  # number of axes -> the attributes that do not vary
        self.made: dict[Hashable, Op] = {}  # that and the values that vary, numbers and words -> the operator

    def op(self, axes: int, values: dict[str, Datum]) -> Op:
        """Return the operator for so many axes, and values of the fields that vary; raise Fault where there is none."""
        plain = not values or _PLAIN.issuperset(map(type, values.values()))
        key = (axes, *values.values()) if plain and values else axes
        op = self.made.get(key) if plain else None
        if op is None:
            if axes not in self.parsed:
                self.parsed[axes] = self.cls.parsed(axes, self.constants, self.cls.defaults(axes))
            op = self.cls.of(self.cls.parsed(axes, values, self.parsed[axes]))
            if plain:
                if len(self.made) >= MOST_MADE:
                    self.made.clear()
                self.made[key] = op
        return op


class Branch:
    """One branch of a join: items; or what names earlier layers, or words of operators and blocks."""

    __slots__ = ("items", "label", "ref", "whole", "word")

    def __init__(self, label: str, items: list[Item] | None, ref: Ref | None, word: VariableItem | None = None) -> None:
        self.label = label
        self.items = items
        self.ref = ref
        self.word = word  # what a word is that the reference gives and that names no layer: an operator, a block
        self.whole = False  # whether it stands for all branches of its join


class Item:
    """One item of a list of layers; subclasses say what it does, the modifiers stand here."""

    __slots__ = ("bits", "density", "into", "key", "mark", "name", "repeat", "sets", "share", "source", "when")

    def __init__(self, key: str, mark: Mark) -> None:
        self.key = key
        self.mark = mark
        self.name: Ref | None = None
        self.repeat: Value | None = None
        self.when: Value | None = None
        self.source: list[Ref] | None = None
        self.into: Ref | None = None
        self.sets: Ref | None = None
        self.share: Ref | None = None
        self.bits: Value | None = None
        self.density: Value | None = None


class OpItem(Item):
    """An operator with its fields, or a join with its branches."""

    __slots__ = ("branches", "cls", "fields")

    def __init__(self, key: str, mark: Mark, cls: type[Op]) -> None:
        super().__init__(key, mark)
        self.cls = cls
        self.fields = StatedFields(cls, {})
        self.branches: list[Branch] | None = None


class MistakenItem(Item):
    """An item that could not be read: what flows out of it is unknown."""

    __slots__ = ()


class CallItem(Item):
    """A block, called with arguments."""

    __slots__ = ("named", "positional")

    def __init__(self, key: str, mark: Mark) -> None:
        super().__init__(key, mark)
        self.positional: list[Value] = []
        self.named: dict[str, Value] = {}


class VariableItem(Item):
    """An item whose key is a variable: which operator or block it is, its value says."""

    __slots__ = ("context", "node", "read")

    def __init__(self, key: str, mark: Mark, node: YamlNode, context: Context) -> None:
        super().__init__(key, mark)
        self.node = node
        self.context = context
        self.read: dict[str, tuple[Item, list[Problem]]] = {}  # by that value: what it is then, and its mistakes


class TableItem(Item):
    """A table: columns, rows of cells (or whole columns), and the items done for each row."""

    __slots__ = ("by_column", "columns", "items", "rows")

    def __init__(self, mark: Mark) -> None:
        super().__init__("table", mark)
        self.columns: list[str] = []
        self.rows: list[list[Value]] | None = None
        self.by_column: list[Value | list[Value]] = []
        self.items: list[Item] = []


class GroupItem(Item):
    """`do` alone: items under one set of modifiers."""

    __slots__ = ("items",)

    def __init__(self, mark: Mark) -> None:
        super().__init__("do", mark)
        self.items: list[Item] = []


class IncludeItem(Item):
    """Another spec's layers, put here."""

    __slots__ = ("alias", "keys", "knobs", "spec", "until")

    def __init__(self, mark: Mark, spec: str, alias: str) -> None:
        super().__init__("include", mark)
        self.spec = spec
        self.alias = alias
        self.until: Ref | None = None
        self.knobs: dict[str, Value] = {}
        self.keys: dict[str, Mark] = {}  # where the knobs' names stand


class Function:
    """What stands under `define`: a function of its arguments, or a constant (no arguments).

    `arguments` is None where they could not be read.
    """

    __slots__ = ("arguments", "body", "name")

    def __init__(self, name: str, arguments: list[str] | None, body: Value) -> None:
        self.name = name
        self.arguments = arguments
        self.body = body


class Block:
    """A template: arguments with defaults, the names of its inputs, items, outputs."""

    __slots__ = ("arguments", "inputs", "items", "lists", "mark", "name", "outputs", "reads")

    def __init__(self, name: str, mark: Mark, arguments: list[tuple[str, Value | None]]) -> None:
        self.name = name
        self.mark = mark
        self.arguments = arguments
        self.inputs: list[str] | None = None
        self.items: list[Item] = []
        self.lists: list[str] = []  # the lists of layers that its items make with `into`
        self.outputs: list[Ref] | None = None
        self.reads: Collection[str] = ()  # the knobs and constants that its rows may depend on


class Searched:
    """The values among which a search chooses a knob, or each element of a list knob by itself."""

    __slots__ = ("each", "mark", "values")

    def __init__(self, values: list[Datum], mark: Mark, *, each: bool) -> None:
        self.values = values
        self.mark = mark
        self.each = each


INPUT = "input"  # what the tensor that enters is called, where there is one, and no name is given to it


class Spec:
    """A spec that was read: what `costcalc.load` returns.

    `knobs` are the values in force (the defaults, or the variant's); `meta` has name, source, ...
    """

    def __init__(self, where: str, text: str = "") -> None:
        self.where = where
        self.text = text
        self.folder: str | None = None  # where `include` may find files; None: only in the zoo
        self.variant = ""
        self.meta: dict[str, Datum] = {}
        self.reference: dict[str, list[str]] = {}  # how the reference implementation calls rows: word -> patterns
        self.held: list[str] = []  # patterns of the layers whose input it holds until norm and activation are done
        self.pattern_marks: dict[str, Mark] = {}  # where those patterns stand
        self.root: YamlNode | None = None
        self.knobs: dict[str, Datum] = {}
        self.read_with: dict[str, Datum] = {}  # the options by which it was read from a file of another format
        self.given: set[str] = set()  # the knobs whose values are not the file's, nor a variant's, but a user's
        self.knobs_of_file: dict[str, Datum] | None = None  # the knobs before a variant was chosen
        self.variants: dict[str, dict[str, Datum]] = {}
        self.search: dict[str, Searched] = {}  # among which values knobs may be chosen
        self.functions: dict[str, Function] = {}
        self.inputs: dict[str, list[Value]] = {}  # the shapes of what enters, by name; `input` where it is one
        self.of_input: set[str] = set()  # the knobs that nothing but `input` reads
        self.defaults: dict[str, dict[str, Value]] = {}
        self.blocks: dict[str, Block] = {}
        self.layers: list[Item] = []
        self.lists: list[str] = []  # the lists that they make with `into`
        self.outputs: list[Ref] | None = None
        self.min_resolution: Value | None = None
        self.published: list[dict[str, Datum]] = []
        self.published_marks: list[dict[str, Mark]] = []  # where the values of those rows stand
        self.problems: list[Problem] = []  # mistakes found while reading; a spec with any is never counted
        self.kept = Kept(MOST_KEPT)  # the graphs of its blocks' calls, by what they depend on

    def __repr__(self) -> str:
        knobs = ", ".join(f"{k}={v}" for k, v in self.knobs.items())
        return f"<costcalc.Spec {self.name}: {knobs}>"

    @property
    def name(self) -> str:
        """The network's name, with the variant's where one was asked for."""
        name = str(self.meta.get("name") or "unnamed")
        return f"{name} ({self.variant})" if self.variant else name

    def copy(self) -> Spec:
        """Return a spec that holds the same, whose parts can be put anew without changing this one."""
        made = Spec(self.where, self.text)
        vars(made).update(vars(self))
        return made

    def chosen(self, variant: str) -> Spec:
        """Return this spec with a variant's knob values in force, in place of those of another variant."""
        spec = self.copy()
        spec.variant = variant
        spec.knobs_of_file = self.knobs if self.knobs_of_file is None else self.knobs_of_file
        spec.knobs = {**spec.knobs_of_file, **self.variants[variant]}
        return spec


def knob_fault(name: str, default: Datum, value: Datum) -> Fault | None:
    """Return what is wrong with a value for a knob, or None: a number for a number, a word for a word."""
    if _kind(default) == _kind(value):
        return None
    return Fault(f"knob '{name}' takes a {_kind(default)}, not {_shown(value)}", f"its default is {_shown(default)}")


def _kind(value: Datum) -> str:
    if isinstance(value, bool):
        return "truth value (true or false)"
    if isinstance(value, int | float) or hasattr(value, "dtype"):
        return "number"
    if isinstance(value, list | tuple):
        return "list"
    return "word" if isinstance(value, str) else "layer"


def _shown(value: Datum) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]"[:60]
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, dict):
        return "nothing" if value is None else "a mapping"
    quoted = isinstance(value, str) and re.fullmatch(r"[-+.0-9e]+", value)  # a text, though it looks like a number
    return f"'{value[:60]}'" if quoted else str(value)[:60]
