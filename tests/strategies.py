"""Random specs, spec texts and expressions, for property tests.

Specs are drawn from the operators' own fields: an operator that is added is drawn too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from costcalc import fields as f
from costcalc.errors import Fault
from costcalc.fields import REQUIRED, Field
from costcalc.op import Op, operators, role_words
from costcalc.shape import Shape

Draw = Callable[[st.SearchStrategy[Any]], Any]

LARGEST = 3000  # elements of a tensor: networks are computed, too
SMALL = (1, 2, 3, 4, 6, 8, 12)
SINGLE = sorted({cls.kind: cls for cls in operators().values() if cls.inputs == 1}.items())
PLAIN = [cls for kind, cls in SINGLE if kind not in ("split", "custom")]
SLIDING = [cls for cls in PLAIN if "kernel" in cls.fields or "out" in cls.fields]
KEEPING = [cls for cls in PLAIN if cls.is_act or cls.norm_word or cls.kind in ("conv", "dwconv", "channel_shuffle")]


# ---- fields and operators ---------------------------------------------------------------------------


def values(field: Field, x: Shape) -> st.SearchStrategy[Any]:
    """Return values that a field may take for an input shape; not all of them are valid there."""
    axes = max(len(x.space), 1)
    if isinstance(field, f.Role):
        return st.sampled_from(["none", *sorted(role_words(field.role))])
    if isinstance(field, f.Flag):
        return st.booleans()
    if isinstance(field, f.Word):
        return st.sampled_from(sorted(field.words))
    if isinstance(field, f.Real):
        return st.floats(0, 1, allow_subnormal=False)
    if isinstance(field, f.Text):
        return st.just("stated")
    whole = st.integers(getattr(field, "least", 0), 4)
    if isinstance(field, f.Padding):
        number = st.integers(0, 2)
        lists = st.sampled_from([axes, 2 * axes]).flatmap(lambda n: st.lists(number, min_size=n, max_size=n))
        return st.one_of(number, *([st.sampled_from(sorted(field.words))] if field.words else []), lists)
    if isinstance(field, f.PerAxis):
        return st.one_of(whole, st.lists(whole, min_size=axes, max_size=axes))
    if isinstance(field, f.Integers):
        return st.lists(whole, min_size=1, max_size=3)
    return st.sampled_from([n for n in (*SMALL, x.c) if n >= getattr(field, "least", 0)])


def given_fields(draw: Draw, cls: type[Op], x: Shape) -> dict[str, Any]:
    """Return fields for an operator: the required ones, and some of the others."""
    found = {}
    for name, field in cls.fields.items():
        if field.default is REQUIRED or draw(st.integers(0, 2)) == 0:
            found[name] = draw(values(field, x))
    return found


def fits(cls: type[Op], given: dict[str, Any], x: Any) -> Any:
    """Return the output shape of an operator (a tuple of several), or None if it or its norm or act is wrong."""
    first = x[0] if isinstance(x, tuple) else x
    if cls.kind == "instance_norm" and first.pixels == 1:
        return None  # PyTorch has no mean and variance of one element
    try:
        op = cls(len(first.space), **given)
        y = op.shape(x)
        op.check(x, y)
        for role in ("norm", "act"):
            word = getattr(op, role, "none")
            if word != "none" and fits(operators()[role_words(role)[word]], {}, y) is None:
                return None
    except Fault:
        return None
    shapes = y if isinstance(y, tuple) else (y,)
    return y if all(0 < shape.size <= LARGEST for shape in shapes) else None


def item_of(kind: str, given: dict[str, Any]) -> Any:
    return {kind: given} if given else kind


def one(draw: Draw, x: Shape) -> tuple[Any, Shape] | None:
    """Draw an operator of one input; None where four tries give none that fits."""
    for _ in range(4):
        cls = draw(st.sampled_from(SLIDING if draw(st.booleans()) else PLAIN))
        given = given_fields(draw, cls, x)
        y = fits(cls, given, x)
        if y is not None:
            return item_of(cls.kind, given), y
    return None


def keeping(draw: Draw, x: Shape, channels: int) -> tuple[list[Any], Shape]:
    """Draw a chain that keeps the height and width, and ends with so many channels."""
    items = []
    for _ in range(draw(st.integers(0, 2))):
        cls = draw(st.sampled_from(KEEPING))
        given = given_fields(draw, cls, x)
        if "kernel" in cls.fields:
            given |= {
                "kernel": draw(st.sampled_from([1, 3])),
                "stride": 1,
                "padding": draw(st.sampled_from(["half", "same"])),
            }
        y = fits(cls, given, x)
        if y is not None:
            items.append(item_of(cls.kind, given))
            x = y
    if x.c != channels:
        conv = {"fc": {"out": channels, "per_position": True}}
        items.append(conv if not x.space else {"conv": {"out": channels, "kernel": 1}})
    return items, x.with_channels(channels)


def joined(draw: Draw, x: Shape, name: str) -> tuple[Any, Shape] | None:
    """Draw a join of branches; `name` is for a layer that they read."""
    kind = draw(st.sampled_from(["add", "concat", "multiply", "gate", "split"]))
    if kind == "gate" and x.space:
        gate = ["global_avg_pool", {"fc": {"out": "c_in", "act": "sigmoid"}}]
        return {"multiply": {"main": [], "gate": gate}}, x
    if kind == "split" and x.c > 1:
        cuts = draw(st.lists(st.integers(1, x.c - 1), min_size=1, max_size=2, unique=True))
        edges = [0, *sorted(cuts), x.c]
        sizes = [b - a for a, b in pairwise(edges)]
        parts = [f"{name}.part{k}" for k in range(len(sizes))]
        return {"do": [{"split": {"sizes": sizes}, "name": name}, {"concat": parts}]}, x
    number = draw(st.integers(2, 3))
    widths = [draw(st.sampled_from(SMALL)) if kind == "concat" else x.c for _ in range(number)]
    branches = [keeping(draw, x, width) for width in widths]
    chosen = operators()[kind if kind in ("concat", "multiply") else "add"]
    y = fits(chosen, {}, tuple(shape for _, shape in branches))
    if y is None:
        return None
    items = [chain for chain, _ in branches]
    as_map = draw(st.booleans())
    return {chosen.kind: {f"b{k}": chain for k, chain in enumerate(items)} if as_map else items}, y


@st.composite
def specs(draw: Draw) -> dict[str, Any]:
    """Draw a valid spec, as Python data: a chain of operators and joins, some of them repeated."""
    axes = draw(st.integers(1, 2))
    dims = [draw(st.sampled_from(SMALL)), *(draw(st.integers(5, 17)) for _ in range(axes))]
    x = Shape(*dims)
    layers: list[Any] = []
    for k in range(draw(st.integers(1, 7))):
        found = joined(draw, x, f"s{k}") if draw(st.integers(0, 3)) == 0 else one(draw, x)
        if found is None:
            continue
        item, y = found
        if y == x and draw(st.integers(0, 3)) == 0 and "do" not in item:
            item = {**(item if isinstance(item, dict) else {item: None}), "repeat": draw(st.integers(0, 3))}
        layers.append(item)
        x = y
    return {"costcalc": 1, "name": "drawn", "input": dims, "layers": layers or ["identity"]}


# ---- texts -----------------------------------------------------------------------------------------

TOKENS = [
    "-", ":", ": ", ",", "{", "}", "[", "]", "(", ")", "'", '"', "*", "&a", "*a", "!x", "|", ">", "?",
    "#", "%", "\t", "\n", "\n\n", "  ", "---", "...", "<<", "null", "true", "~", "[]", "{}", "\0", "\x85",
    "é", "𝔸", "٣", "0x1f", "0o7", "conv", "dwconv", "fc", "add", "concat", "multiply", "matmul", "split",
    "table", "do", "include", "custom", "flatten", "repeat", "repeat: 3", "if", "if: false", "from",
    "from: input", "share", "share: a", "name", "name: a", "bits: 2.5", "density: 0.5", "input", "layers",
    "blocks", "knobs", "define", "defaults", "outputs", "variants", "published", "c_in", "h_in", "w_in",
    "c_of(input)", "i", "row", "out", "kernel", "stride", "padding", "half", "same", "groups",
    "divisible(c_in, 8)", "int(", "1 if c_in > 2 else 0", "2 ** 9", "1 / 0", "c_in[0]", "x.y", "not",
    "and", "lambda",
]  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "2", "3", "7", "64", "1000", "99999", "1000000", "10000000000", "999999999999999",
    "-5", "0.5", "1.5", "1e3", "1e308", "1e-9", "-0.0", ".inf", ".nan", "1e400", "9" * 25, "017", "1_000",
    "3:2",
]  # fmt: skip


@st.composite
def mutated(draw: Draw, texts: list[str]) -> str:
    """Draw a text with a few changes: characters, tokens, numbers, lines."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(CHANGES))(draw, text)
    return text


def _place(draw: Draw, text: str) -> int:
    return draw(st.integers(0, len(text)))


def _insert(draw: Draw, text: str) -> str:
    at = _place(draw, text)
    return text[:at] + draw(st.one_of(st.sampled_from(TOKENS), st.characters())) + text[at:]


def _delete(draw: Draw, text: str) -> str:
    at = _place(draw, text)
    return text[:at] + text[at + draw(st.integers(1, 12)) :]


def _replace(draw: Draw, text: str) -> str:
    words = list(re.finditer(r"\w+", text))
    if not words:
        return text
    word = draw(st.sampled_from(words))
    return text[: word.start()] + draw(st.sampled_from(TOKENS + NUMBERS)) + text[word.end() :]


def _number(draw: Draw, text: str) -> str:
    numbers = list(re.finditer(r"(?<![\w.])\d+(?:\.\d+)?", text))
    if not numbers:
        return text
    number = draw(st.sampled_from(numbers))
    return text[: number.start()] + draw(st.sampled_from(NUMBERS)) + text[number.end() :]


def _line(draw: Draw, text: str) -> str:
    lines = text.split("\n")
    a, b = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    change = draw(st.sampled_from(["drop", "double", "move", "swap", "indent", "dedent"]))
    if change == "drop":
        del lines[a]
    elif change == "double":
        lines.insert(b, lines[a])
    elif change == "move":
        lines.insert(b, lines.pop(a))
    elif change == "swap":
        lines[a], lines[b] = lines[b], lines[a]
    else:
        lines[a] = f"  {lines[a]}" if change == "indent" else lines[a].removeprefix("  ")
    return "\n".join(lines)


def _swap(draw: Draw, text: str) -> str:
    """Put one word in the place of another of the same text."""
    words = list(re.finditer(r"[\w.]+", text))
    if not words:
        return text
    here, there = draw(st.sampled_from(words)), draw(st.sampled_from(words))
    return text[: here.start()] + there[0] + text[here.end() :]


CHANGES = [_insert, _delete, _replace, _number, _line, _swap, _swap]


# ---- expressions -----------------------------------------------------------------------------------

ATOMS = [
    "0", "1", "2", "7", "0.5", "1e9", "999999999999999", "true", "false", "'word'", "relu", "half", "[]",
    "[1, 2, 3]", "k", "f", "text", "list", "nothing", "c_in", "h_in", "w_in", "input", "layer", "twice",
    "i", "no_such_name",
]  # fmt: skip
SOUP = [
    *ATOMS, "+", "-", "*", "/", "//", "%", "**", "<", "<=", "==", "!=", "in", "not", "and", "or", "if",
    "else", "is", "(", ")", "[", "]", ",", ".", "~", "@", "<<", ":", ":=", "lambda", "{", "}", "'", '"',
    "\\", "\n", " ", "int", "min", "divisible", "len", "c_of", "f'", "0x", "1_0", "await", "é",
    "x.__class__", "__import__",
]  # fmt: skip
FUNCTIONS = [
    "int",
    "round",
    "floor",
    "ceil",
    "min",
    "max",
    "len",
    "divisible",
    "c_of",
    "h_of",
    "w_of",
    "twice",
    "p",
]


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from("+ - * / // % ** < <= > >= == != in and or".split())
    return st.one_of(
        st.tuples(inner, operator, inner).map(" ".join),
        st.tuples(st.sampled_from(["-", "+", "not "]), inner).map("".join),
        inner.map(lambda a: f"({a})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"({t[0]})[{t[1]}]"),
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.tuples(st.sampled_from(FUNCTIONS), st.lists(inner, max_size=3)).map(lambda t: f"{t[0]}({', '.join(t[1])})"),
    )


def expressions() -> st.SearchStrategy[str]:
    """Draw well-formed expressions, and soups of what they are made of."""
    formed = st.recursive(st.sampled_from(ATOMS), _larger, max_leaves=12)
    soup = st.lists(st.one_of(st.sampled_from(SOUP), st.characters()), max_size=12).map("".join)
    spaced = st.lists(st.sampled_from(SOUP), max_size=12).map(" ".join)
    return st.one_of(formed, formed, soup, spaced, st.text(max_size=30))


def arithmetic() -> st.SearchStrategy[str]:
    """Draw expressions over whole numbers and the names a, b, c that mean the same in Python."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        operator = st.sampled_from("+ - * / // % < <= > >= == != and or".split())
        return st.one_of(
            st.tuples(inner, operator, inner).map(lambda t: f"({' '.join(t)})"),
            st.tuples(inner, operator, inner).map(" ".join),
            inner.map(lambda a: f"-{a}"),
            inner.map(lambda a: f"(not {a})"),
            st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
            st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
            st.tuples(inner, st.integers(0, 5)).map(lambda t: f"({t[0]}) ** {t[1]}"),
            inner.map(lambda a: f"int({a})"),
        )

    return st.recursive(st.one_of(st.integers(0, 1000).map(str), st.sampled_from("abc")), larger, max_leaves=10)
