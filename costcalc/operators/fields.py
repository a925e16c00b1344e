"""The fields of operators: what a value may be, how it is checked, how its schema and docs read.

An operator class declares its fields as annotated class attributes, with the functions at the end
of this file: `out: int = integer("output channels", symbol="C_o")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, nearest
from costcalc.numbers import num
from costcalc.numbers.num import Dim

REQUIRED: Any = type("Required", (), {"__repr__": lambda _: "required"})()

# The modifiers that may stand beside an operator in an item, with what they say.
MODIFIERS = {
    "name": "what this layer is called: text, or text with an index, p(k)",
    "repeat": "how many times the item is run, each turn fed by the one before",
    "if": "where false, the item is the identity",
    "from": "the earlier layer that feeds this item, or a list of them",
    "into": "a list of layers of this body, to whose end what flows out is put",
    "sets": "the earlier layer whose name means, from here on, what flows out",
    "share": "items with the same word here use one set of weights",
    "bits": "bits of each weight",
    "density": "share of the weights that is not zero, 0 to 1",
}

# Names that an expression finds everywhere.
FUNCTIONS = ("int", "round", "floor", "ceil", "min", "max", "sum", "len", "log2", "divisible")
TENSORS = ("c_of", "h_of", "w_of", "d_of", "l_of", "size_of")
AMBIENT = ("c_in", "h_in", "w_in", "d_in", "l_in", "input", "joined", "i", "row")
# Those of them, and of the modifiers, that came after version 1 of the language: a spec's own name wins over them.
LATER = frozenset(("sum", "log2", "d_of", "l_of", "size_of", "d_in", "l_in", "joined", "into", "sets"))
RESERVED = (
    frozenset((*FUNCTIONS, *TENSORS, *AMBIENT, "true", "false", "none", "and", "or", "not", "if", "else", "in")) - LATER
)

# How the implementation that `reference` names calls a row, where that is no module of its own.
CALLS = {
    "functional": "through a function, torch.nn.functional's",
    "mean": "a global pool written as a mean over the axes",
    "operator": "with an operator: + or *",
    "convolution": "a fully connected layer that is a 1x1 convolution there",
    "reused": "by a module that is called again later",
    "subclass": "by a class of its own that inherits from PyTorch's",
    "absent": "not at all",
}

# What else `reference` says, of layers: those that are a module of their own, norm and activation within, so that
# who calls it holds what goes in until all three are done.
HELD = "held"

# The top-level keys of a spec.
TOP = (
    "costcalc", "name", "family", "year", "task", "source", "reference", "knobs", "variants", "search", "define",
    "input", "defaults", "blocks", "layers", "outputs", "min_resolution", "published",
)  # fmt: skip


class Field:
    """One field of an operator. Subclasses say what a value may be."""

    kind = "value"
    settles = False  # whether it has a `settle` of its own
    words: frozenset[str] = frozenset()

    def __init__(self, doc: str, default: Datum = REQUIRED, *, symbol: str = "") -> None:
        self.doc = doc
        self.default = default
        self.symbol = symbol
        self.name = ""  # its key in a spec
        self.attr = ""  # the attribute of the operator that holds it, the same unless a rule has that name

    def __init_subclass__(cls) -> None:
        cls.settles = cls.settle is not Field.settle

    def parse(self, value: Datum) -> Datum:
        """Return the value as rules use it, or raise Fault."""
        return value

    def settle(self, value: Datum, axes: int) -> Datum:
        """Return the value for an input with so many spatial axes."""
        return value

    def schema(self) -> Data:
        """Return the field's JSON Schema (an expression may stand for any number)."""
        return {"description": self.doc, **({} if self.default in (REQUIRED, None) else {"default": self.default})}

    def fault(self, message: str, hint: str = "") -> Fault:
        """Return a Fault that names this field."""
        return Fault(f"{self.name}: {message}", hint, field=self.name)

    def _whole(self, value: Datum, least: int) -> Dim:
        if type(value) is int and least <= value < num.LARGEST:
            return value
        if isinstance(value, bool):
            raise self.fault(f"{num.describe(value)} is not a whole number")
        try:
            result = num.whole(value)
        except Fault as fault:
            raise self.fault(fault.message, fault.hint or not_a_number(value)) from None
        if num.any_of(result < least):
            raise self.fault(f"must be at least {least}, not {num.describe(result)}")
        return result


class Counted(Field):
    """A field of whole numbers, or of one, each at least `least`."""

    def __init__(self, doc: str, default: Datum = REQUIRED, *, symbol: str = "", least: int = 1) -> None:
        super().__init__(doc, default, symbol=symbol)
        self.least = least

    def one(self) -> list[Data]:
        """Return what one number may be in a JSON Schema."""
        return [{"type": "integer", "minimum": self.least}, {"type": "string"}]


class Integer(Counted):
    """A whole number."""

    kind = "whole number"

    def parse(self, value: Datum) -> Datum:
        return self._whole(value, self.least)

    def schema(self) -> Data:
        return super().schema() | {"anyOf": self.one()}


class PerAxis(Counted):
    """One whole number for all spatial axes, or one for each: `[height, width]`."""

    kind = "number or [height, width]"

    def parse(self, value: Datum) -> Datum:
        if type(value) is not int and isinstance(value, list | tuple):
            return tuple(self._whole(v, self.least) for v in value)
        return self._whole(value, self.least)

    def settle(self, value: Datum, axes: int) -> Datum:
        if not isinstance(value, tuple):
            return (value,) * axes if value is not None else None
        if len(value) != axes:
            hint = "write one number for all axes, or one for each"
            raise self.fault(f"{_numbers(len(value))} given, but the input has {counted_axes([axes])}", hint)
        return value

    def schema(self) -> Data:
        several = {"type": "array", "items": {"anyOf": self.one()}, "minItems": 1}
        return super().schema() | {"anyOf": [*self.one(), several]}


class Padding(Counted):
    """A number, `half`, `same`, `valid`, one number an axis, or two: `[top, bottom, left, right]`."""

    def __init__(self, doc: str, default: Datum = 0, *, words: Sequence[str] = ("half", "same", "valid")) -> None:
        super().__init__(doc, default, symbol="P", least=0)
        self.words = frozenset(words)
        self.kind = ", ".join(("number", *words, "[height, width] or [top, bottom, left, right]"))

    def parse(self, value: Datum) -> Datum:
        if isinstance(value, str):
            if value not in self.words:
                known = _one_of(self.words) if self.words else "write it in numbers"
                raise self.fault(f"'{value}' is not a padding", nearest(value, self.words) or known)
            return value
        if isinstance(value, list | tuple):
            return tuple(self._whole(v, 0) for v in value)
        return self._whole(value, 0)

    def settle(self, value: Datum, axes: int) -> Datum:
        """Return (before, after) for each axis; the words stay words, and nothing nothing."""
        if isinstance(value, str) or value is None:
            return value
        if not isinstance(value, tuple):
            return ((value, value),) * axes
        if len(value) == axes:
            return tuple((v, v) for v in value)
        if len(value) == 2 * axes:
            return tuple(zip(value[::2], value[1::2], strict=True))
        raise self.fault(
            f"{_numbers(len(value))} given, but the input has {counted_axes([axes])}",
            f"write one number, {axes} (one an axis) or {2 * axes} (before and after on each axis)",
        )

    def schema(self) -> Data:
        words = [{"enum": sorted(self.words)}] if self.words else []
        return super().schema() | {"anyOf": [*words, *self.one(), {"type": "array", "items": {"anyOf": self.one()}}]}


class Flag(Field):
    """true or false."""

    kind = "true or false"

    def parse(self, value: Datum) -> Datum:
        if num.is_array(value):
            return num.truth(value)
        if isinstance(value, bool) or value is None:
            return value
        raise self.fault(f"{num.describe(value)} is neither true nor false", "write true or false")

    def schema(self) -> Data:
        return super().schema() | {"anyOf": [{"type": "boolean"}, {"type": "string"}]}


class Word(Field):
    """One of a few words."""

    def __init__(self, doc: str, default: Datum, words: Sequence[str]) -> None:
        super().__init__(doc, default)
        self.words = frozenset(words)
        self.kind = " | ".join(words)

    def parse(self, value: Datum) -> Datum:
        if isinstance(value, str) and value in self.words:
            return value
        hint = nearest(value, self.words) if isinstance(value, str) else ""
        raise self.fault(f"{num.describe(value)} is not known here", hint or _one_of(self.words))

    def schema(self) -> Data:
        return super().schema() | {"anyOf": [{"enum": sorted(self.words)}, {"type": "string"}]}


class Role(Field):
    """The operator that follows a layer: a norm (`batch`), or an activation (`relu`); `none` for none.

    Which words there are, only the registry of operators knows; `document` and `graph` look there.
    """

    def __init__(self, role: str, doc: str) -> None:
        super().__init__(doc, "none")
        self.role = role
        self.kind = {"act": "an activation, or none", "norm": "a norm, or none"}.get(role, role)
        self.words = frozenset(("none",))

    def parse(self, value: Datum) -> Datum:
        if isinstance(value, str):
            return value
        raise self.fault(f"{num.describe(value)} is no {self.role}", "write its word, or none")

    def schema(self) -> Data:
        return super().schema() | {"type": "string"}


class Real(Field):
    """Any number."""

    kind = "number"

    def parse(self, value: Datum) -> Datum:
        endless = isinstance(value, float) and not isfinite(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or endless:
            raise self.fault(f"{num.describe(value)} is not a number")
        return value

    def schema(self) -> Data:
        return super().schema() | {"anyOf": [{"type": "number"}, {"type": "string"}]}


class Integers(Counted):
    """A list of whole numbers."""

    kind = "list of whole numbers"

    def parse(self, value: Datum) -> Datum:
        if not isinstance(value, list | tuple) or not value:
            raise self.fault(f"{num.describe(value)} is not a list of whole numbers")
        return tuple(self._whole(v, self.least) for v in value)

    def schema(self) -> Data:
        several = {"type": "array", "items": {"anyOf": self.one()}, "minItems": 1}
        return super().schema() | {"anyOf": [several, {"type": "string"}]}


class Text(Field):
    """Free text, which is not an expression."""

    kind = "text"
    free = True

    def parse(self, value: Datum) -> Datum:
        if isinstance(value, list | tuple | dict) or value is None:
            raise self.fault(f"{num.describe(value)} is no text", "write one line of words")
        return str(value)

    def schema(self) -> Data:
        return super().schema() | {"type": "string"}


def not_a_number(value: Datum) -> str:
    """Return what to do where a value is none that one can count with."""
    if isinstance(value, bool | int | float) or num.is_array(value):
        return ""
    if isinstance(value, str):
        return "a word stands where a number belongs"
    if isinstance(value, list | tuple):
        return "pick one of it: x[0], or count them: len(x)"
    return "c_of(x), h_of(x), w_of(x) are a layer's channels, height, width"


def _one_of(words: frozenset[str]) -> str:
    return f"known: {', '.join(sorted(words))}"


def _numbers(n: int) -> str:
    return "1 number" if n == 1 else f"{n} numbers"


def counted_axes(counts: Sequence[int]) -> str:
    """Return numbers of spatial axes as text: no spatial axis, 1 spatial axis, 1, 2 or 3 spatial axes."""
    if counts[-1] < 2:
        return "1 spatial axis" if counts[-1] else "no spatial axis"
    return " or ".join(map(str, counts)).replace(" or ", ", ", len(counts) - 2) + " spatial axes"


# ---- how an operator declares its fields; typed Any, so that the annotation gives the type --------


def _keyed(field: Field, key: str) -> Field:
    """Give a field its key in a spec where that is the name of a rule, so that the attribute can't have it."""
    field.name = key
    return field


def integer(doc: str, default: Datum = REQUIRED, *, symbol: str = "", least: int = 1, key: str = "") -> Any:
    """Declare a whole number, at least `least`."""
    return _keyed(Integer(doc, default, symbol=symbol, least=least), key)


def per_axis(doc: str, default: Datum = REQUIRED, *, symbol: str = "", least: int = 1) -> Any:
    """Declare one number or one for each spatial axis; rules see a tuple."""
    return PerAxis(doc, default, symbol=symbol, least=least)


def padding(doc: str, default: Datum = 0, *, words: Sequence[str] = ("half", "same", "valid")) -> Any:
    """Declare a padding; rules see a word or a tuple of (before, after)."""
    return Padding(doc, default, words=words)


def flag(doc: str, default: Datum) -> Any:
    """Declare true or false."""
    return Flag(doc, default)


def word(doc: str, default: Datum, words: Sequence[str]) -> Any:
    """Declare one of a few words."""
    return Word(doc, default, words)


def role(which: str, doc: str) -> Any:
    """Declare the norm or the act that follows a layer."""
    return Role(which, doc)


def real(doc: str, default: Datum = REQUIRED) -> Any:
    """Declare any number."""
    return Real(doc, default)


def integers(doc: str, default: Datum = REQUIRED, *, symbol: str = "", least: int = 1, key: str = "") -> Any:
    """Declare a list of whole numbers."""
    return _keyed(Integers(doc, default, symbol=symbol, least=least), key)


def text(doc: str, default: str = "") -> Any:
    """Declare free text."""
    return Text(doc, default)
