"""Random specs, spec texts and expressions, for property tests.

Specs are drawn from the operators' own fields: an operator that is added is drawn too. One that takes several
tensors of special shapes, or whose fields must go together, says so in `HOOKS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from costcalc.base.errors import Fault
from costcalc.numbers.shape import Shape
from costcalc.operators import fields as f
from costcalc.operators.fields import REQUIRED, Field
from costcalc.operators.op import Op, operators, role_words

Draw = Callable[[st.SearchStrategy[Any]], Any]
Chain = list[Any]
Known = Sequence[tuple[str, Shape]]  # earlier layers

LARGEST = 3000  # elements of a tensor: networks are computed, too
SMALL = (1, 2, 2, 3, 4, 6, 8, 12)
MOST_EXITS = 2  # outputs beside the last
KINDS = sorted({cls.kind: cls for cls in operators().values()}.items())
SOURCES = [cls for _, cls in KINDS if cls.inputs == 0]
PLAIN = [cls for _, cls in KINDS if cls.inputs == 1]
JOINS = [cls for _, cls in KINDS if cls.inputs is None or cls.inputs > 1]
SLIDING = [cls for cls in PLAIN if {"kernel", "out"} & cls.fields.keys()]
KEEPING = [cls for cls in PLAIN if cls.is_act or cls.norm_word or {"kernel", "groups"} & cls.fields.keys()]
DEFAULTS = {"group_norm": {"groups": 2}}  # so that `norm: group` goes with few channels


# ---- fields ------------------------------------------------------------------------------------------


def values(field: Field, x: Shape) -> st.SearchStrategy[Any]:
    """Return values that a field may take for an input shape; not all of them are valid there."""
    axes = max(len(x.space), 1)
    least = max(getattr(field, "least", 0), -3)
    if isinstance(field, f.Role):
        return st.sampled_from(["none", *sorted(role_words(field.role))])
    if isinstance(field, f.Flag):
        return st.booleans()
    if isinstance(field, f.Word):
        return st.sampled_from(sorted(field.words))
    if isinstance(field, f.Real):
        # In training PyTorch takes no eps of 0.
        return st.sampled_from([1e-5, 0.25] if field.name == "eps" else [0.0, 0.25, 0.5, 1.0])
    if isinstance(field, f.Text):
        return st.just("stated")
    whole = st.integers(least, 4)
    if isinstance(field, f.Padding):
        number = st.integers(0, 2)
        lists = st.sampled_from([axes, 2 * axes]).flatmap(lambda n: st.lists(number, min_size=n, max_size=n))
        return st.one_of(number, *([st.sampled_from(sorted(field.words))] if field.words else []), lists)
    if isinstance(field, f.PerAxis):
        return st.one_of(whole, st.lists(whole, min_size=axes, max_size=axes))
    if isinstance(field, f.Integers):
        return lists_of_numbers(x, least)
    return st.sampled_from([n for n in (*SMALL, x.c) if n >= least])


def lists_of_numbers(x: Shape, least: int) -> st.SearchStrategy[list[int]]:
    """Return lists as fields take them: any, some of the input's axes, or a shape of as many elements."""
    places = range(len(x.dims))
    halves = [[n, x.size // n] for n in SMALL if x.size % n == 0]
    splits = [[n, *x.space] for n in SMALL] + [[x.c // n, n, *x.space] for n in SMALL if x.c % n == 0]
    parts = [[n, x.c - n] for n in SMALL if n < x.c]
    open_ = [[n, -1] for n, _ in halves] if least < 0 else []
    some = st.lists(st.sampled_from(places), min_size=1, max_size=len(places), unique=True)
    gates = [[x.c], [1, *x.space], [x.c, *(1 for _ in x.space)]]
    same = [[*x.dims], [2 if n == 1 else n for n in x.dims]]
    shapes = st.sampled_from([*same, *same, *same, *gates, *halves, *splits, *parts, *open_])
    order = st.permutations(places)
    chosen = (
        shapes if least > 0 else st.one_of(some, order, shapes, st.lists(st.integers(least, 4), min_size=1, max_size=3))
    )
    return chosen.map(list)


def given_fields(draw: Draw, cls: type[Op], x: Shape) -> dict[str, Any]:
    """Return fields for an operator: the required ones, and some of the others."""
    found = {}
    for name, field in cls.fields.items():
        if field.default is REQUIRED or draw(st.integers(0, 2)) == 0:
            found[name] = draw(values(field, x))
    return found


def fits(cls: type[Op], given: dict[str, Any], x: Any) -> Any:
    """Return the output shape of an operator (a tuple of several), or None if it or its norm or act is wrong."""
    first = x if isinstance(x, Shape) else (*x, Shape(1))[0]
    if set(cls.required) - given.keys():
        return None
    try:
        op = cls(len(first.space), **{**DEFAULTS.get(cls.kind, {}), **given})
        y = op.shape(x)
        op.check(x, y)
        for role in cls.roles:
            word = getattr(op, role)
            if word != "none" and fits(operators()[role_words(role)[word]], {}, y) is None:
                return None
    except Fault:
        return None
    shapes = y if isinstance(y, tuple) else (y,)
    return y if all(0 < shape.size <= LARGEST and len(shape.dims) <= 5 for shape in shapes) else None


def item_of(kind: str, given: dict[str, Any]) -> Any:
    return {kind: given} if given else kind


def with_keys(item: Any, **keys: Any) -> dict[str, Any]:
    """Return an item with modifiers beside it."""
    return {**(item if isinstance(item, dict) else {item: {}}), **keys}


# ---- operators whose inputs or fields must go together ------------------------------------------------
# Each hook returns, for what flows in, the chain that leads to each of the operator's inputs, and its fields;
# None where it can't be.

Inputs = tuple[list[tuple[Chain, Shape]], dict[str, Any]]


def to_matrices(draw: Draw, x: Shape) -> Inputs | None:
    """Return a tensor and its transpose: [.., M, K] and [.., K, M]."""
    del draw
    if not x.space:
        return None
    return [([], x), (["transpose"], Shape(*x.dims[:-2], x.dims[-1], x.dims[-2]))], {}


def to_queries(draw: Draw, x: Shape) -> Inputs | None:
    """Return queries, keys and values; where channels count them, perhaps another number, and longer values."""
    if not x.space:
        return None
    if len(x.space) > 1 or draw(st.booleans()):
        return [([], x)] * 3, {}
    queries, length = draw(st.sampled_from(SMALL)), draw(st.sampled_from(SMALL))
    longer = ["transpose", per_position(length), "transpose"]
    return [([per_position(queries)], x.with_channels(queries)), ([], x), (longer, Shape(x.c, length))], {}


def to_kernels(draw: Draw, x: Shape) -> Inputs | None:
    """Return a tensor, and the kernels that a fully connected layer makes of its channels' means."""
    if len(x.space) not in (1, 2, 3):
        return None
    kernel = [draw(st.integers(1, 3)) for _ in x.space]
    groups = draw(st.sampled_from([n for n in SMALL if x.c % n == 0]))
    out = groups * draw(st.integers(1, 2))
    shape = Shape(out, x.c // groups, *kernel)
    made: Chain = ["global_avg_pool", {"fc": {"out": shape.size}}, {"reshape": {"shape": [*shape.dims]}}]
    more = {"stride": draw(st.integers(1, 2)), "padding": draw(st.sampled_from(["same", "valid", 1, 2]))}
    return [([], x), (made, shape)], {"kernel": kernel, "groups": groups, **more}


def to_columns(draw: Draw, x: Shape) -> Inputs | None:
    """Return the columns that windows of the input make, and how they lie in it."""
    if len(x.space) != 2:
        return None
    lists = {name: [draw(st.integers(1, 3)) for _ in x.space] for name in ("kernel", "stride")}
    unfold = {**lists, "padding": [draw(st.integers(0, 1)) for _ in x.space]}
    y = fits(operators()["unfold"], unfold, x)
    return y and ([([{"unfold": unfold}], y)], {"size": [*x.space], **unfold})


def to_patches(draw: Draw, x: Shape) -> Inputs | None:
    """Return channels enough for patches of pixels."""
    if len(x.space) != 2:
        return None
    r, out = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return [([per_position(out * r * r)], x.with_channels(out * r * r))], {"scale": r}


def to_blocks(draw: Draw, x: Shape) -> Inputs | None:
    """Return a height and width that whole blocks of pixels fill."""
    if len(x.space) != 2:
        return None
    r = draw(st.integers(1, 3))
    size = [r * draw(st.integers(1, 4)) for _ in x.space]
    return [([{"adaptive_avg_pool": {"size": size}}], Shape(x.c, *size))], {"scale": r}


def to_sequence(draw: Draw, x: Shape) -> Inputs | None:
    """Return what flows as a sequence, and a recurrent layer's fields."""
    if not x.space:
        return None
    chain: Chain = [] if len(x.space) == 1 else [{"flatten": {"start": 1}}]
    given = {"hidden": draw(st.sampled_from(SMALL)), "layers": draw(st.integers(1, 2))}
    return [(chain, Shape(x.c, x.size // x.c))], {**given, "bias": draw(st.booleans()), "bidirectional": True}


def to_states(number: int) -> Callable[[Draw, Shape], Inputs | None]:
    """Return a hook that gives a cell its input, and so many states."""

    def states(draw: Draw, x: Shape) -> Inputs | None:
        size = draw(st.sampled_from(SMALL))
        mean: Chain = ["global_avg_pool"] if x.space else []
        given = {"hidden": size, "bias": draw(st.booleans())}
        return [(mean, Shape(x.c)), *[([*mean, {"fc": {"out": size}}], Shape(size))] * number], given

    return states


def to_scan(draw: Draw, x: Shape) -> Inputs | None:
    """Return a sequence, its decays by channel and state, and what enters and leaves each state."""
    if not x.space:
        return None
    n, length = draw(st.integers(1, 4)), x.size // x.c
    flat: Chain = [] if len(x.space) == 1 else [{"flatten": {"start": 1}}]
    decays = [*flat, per_position(x.c * n), {"reshape": {"shape": [x.c, n, length]}}]
    ends = ([*flat, per_position(n)], Shape(n, length))
    return [(flat, Shape(x.c, length)), (decays, Shape(x.c, n, length)), ends, ends], {}


def to_regions(draw: Draw, x: Shape) -> Inputs | None:
    """Return a map and the corners of a few regions."""
    if len(x.space) != 2:
        return None
    count = draw(st.integers(1, 4))
    corners = [per_position(4), {"adaptive_avg_pool": {"size": [1, count]}}, {"flatten": {"start": 1}}]
    return [([], x), (corners, Shape(4, count))], {"size": draw(st.integers(1, 3))}


def to_places(draw: Draw, x: Shape) -> Inputs | None:
    """Return a map, and of each pixel the place that is sampled for it."""
    mode = draw(st.sampled_from(["bilinear", "nearest"]))
    return ([([], x), ([per_position(2)], x.with_channels(2))], {"mode": mode}) if len(x.space) == 2 else None


def to_offsets(draw: Draw, x: Shape) -> Inputs | None:
    """Return a map, the offsets of a kernel's places, and perhaps what each weighs."""
    if len(x.space) != 2:
        return None
    kernel = draw(st.sampled_from([1, 3]))
    counts = [2 * kernel**2, kernel**2][: draw(st.integers(1, 2))]
    given = {"out": draw(st.sampled_from(SMALL)), "kernel": kernel, "padding": kernel // 2}
    return [([], x), *(([per_position(n)], x.with_channels(n)) for n in counts)], given


def to_equation(draw: Draw, x: Shape) -> Inputs | None:
    """Return an equation of sums and products, and its tensors."""
    if not x.space:
        return None
    axes = "abcde"[: len(x.dims)]
    other = f"z{axes[1:]}"
    result = f"{axes[0]}z{axes[2:]}"
    summed = [f"{axes},{other}->{result}"] if x.dims[1] > 1 else []  # a sum of one number is none to PyTorch's counter
    kind = draw(st.sampled_from([f"{axes},{axes}->{axes}", *summed, f"{axes},a->{axes}"]))
    second: tuple[Chain, Shape] = (["global_avg_pool"], Shape(x.c)) if ",a-" in kind else ([], x)
    return [([], x), second], {"equation": kind}


IN_STEPS = {"lstm", "gru", "rnn", "scan"}  # of a sequence, which PyTorch runs and exports one by one
HOOKS: dict[str, Callable[[Draw, Shape], Inputs | None]] = {
    "matmul": to_matrices,
    "attention": to_queries,
    "dynamic_conv": to_kernels,
    "fold": to_columns,
    "pixel_shuffle": to_patches,
    "space_to_depth": to_blocks,
    "lstm": to_sequence,
    "gru": to_sequence,
    "rnn": to_sequence,
    "lstm_cell": to_states(2),
    "gru_cell": to_states(1),
    "scan": to_scan,
    "roi_align": to_regions,
    "roi_pool": to_regions,
    "grid_sample": to_places,
    "deform_conv": to_offsets,
    "einsum": to_equation,
}


def hard(cls: type[Op]) -> bool:
    """Say whether few draws give an operator that fits: its inputs are special, or one of two fields must be given."""
    return cls.kind in HOOKS or sum(field.default is None for field in cls.fields.values()) > 1


# What is drawn more often: all but activations, of which there are many, and what is hard to place.
OFTEN = [cls for cls in PLAIN for _ in range(1 if cls.is_act else 4 if hard(cls) else 2)]


# ---- graphs ------------------------------------------------------------------------------------------


class Drawer:
    """Draws the items of a spec one after the other; `x` is what flows."""

    def __init__(self, draw: Draw, x: Shape) -> None:
        self.draw = draw
        self.x = x
        self.items: Chain = []
        self.known: list[tuple[str, Shape]] = []  # layers with a name, which later items may read
        self.exits: list[str] = []  # those of them that are outputs
        self.source: str | None = None  # the layer that feeds the next item, if not the last one's result
        self.names = 0

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(1, one_in)) == one_in)

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def append(self, item: Any, y: Shape, **keys: Any) -> None:
        """Add an item to the network, fed by what flows."""
        if self.source:
            keys, self.source = {"from": self.source, **keys}, None
            if keys.get("repeat") == 0:
                del keys["repeat"]  # no turn would read `from`
        self.items.append(with_keys(item, **keys) if keys else item)
        self.x = y

    def mark(self) -> str:
        """Return a name for what flows."""
        if self.source:
            return self.source
        if not self.items:
            return "input"
        last = with_keys(self.items[-1])
        name = last.get("name")
        if name is None or "repeat" in last:
            name = self.name()
            if "repeat" in last:
                self.items.append({"identity": {}, "name": name})
            else:
                self.items[-1] = {**last, "name": name}
            self.known.append((name, self.x))
        return str(name)

    # ---- the steps of a network

    def step(self) -> None:
        """Add an operator, or a join of branches."""
        # What is drawn most stands first: a draw tends to the least.
        kind = self.draw(st.integers(0, 19))
        if kind <= 11:
            self.plain()
        elif kind <= 16:
            self.join(self.draw(st.sampled_from(JOINS)))
        elif kind == 17:
            self.parameter()
        elif kind == 18:
            self.draw(st.sampled_from([self.group, self.grown]))()
        else:
            self.shared()

    def plain(self) -> None:
        """Add an operator of one input; of one that takes the space away, the result leaves the network."""
        found = one(self.draw, self.x)
        if found is None:
            return
        chain, item, y = found
        if chain:
            item = {"do": [*chain, item]}
        if isinstance(y, tuple):
            self.parts(item, y)
        elif len(y.dims) >= len(self.x.dims) and (y.pixels > 3 or self.x.pixels <= 3):
            turns = {"repeat": self.draw(st.integers(0, 3))} if y == self.x and self.chance(5) else {}
            self.append(item, y, **turns)
        elif len(self.exits) < MOST_EXITS:
            self.leave(item, y)

    def leave(self, item: Any, y: Shape) -> None:
        """Add an item whose result is an output (after one more operator, perhaps); the flow goes on beside it."""
        before, x = self.mark(), self.x
        more = one(self.draw, y) if self.chance(2) else None
        if more and isinstance(more[2], Shape):
            item = {"do": [item, *more[0], more[1]]}
        self.append(item, y, **{"from": before, "name": self.name()})
        self.exits.append(self.items[-1]["name"])
        self.source, self.x = before, x

    def parts(self, item: Any, y: tuple[Shape, ...]) -> None:
        """Add an operator of several results and a join of them, some of them by way of another operator."""
        name = self.name()
        last = with_keys(item["do"][-1] if "do" in item else item)
        words = operators()[next(iter(last))].results  # what it gives beside what flows on has names
        branches: list[Any] = []
        for k, part in enumerate(y):
            piece = f"{name}.{words[k]}" if words else f"{name}[{k}]"
            chain, _ = keeping(self.draw, part, part.c) if self.chance(2) else ([], part)
            branches.append([with_keys(chain[0], **{"from": piece}), *chain[1:]] if chain else piece)
        joined = next((kind for kind in ("concat", "add") if fits(operators()[kind], {}, y)), "")
        if joined:
            self.append(item, self.x, name=name)
            self.append({joined: branches}, fits(operators()[joined], {}, y))
        elif len(y[0].dims) >= len(self.x.dims):
            self.append(item, y[0], name=name)  # the first flows on
        elif len(self.exits) < MOST_EXITS:
            self.leave(item, y[0])

    def parameter(self) -> None:
        """Add a tensor that nothing flows into, and a join that uses it."""
        for _ in range(6):
            cls = self.draw(st.sampled_from(SOURCES))
            given = given_fields(self.draw, cls, self.x)
            y = fits(cls, given, ())
            users = [cls.kind for cls in JOINS if y and cls.inputs in (None, 2) and fits(cls, {}, (self.x, y))]
            if users:
                kind = self.draw(st.sampled_from(users))
                self.append({kind: [[], item_of(cls.kind, given)]}, fits(operators()[kind], {}, (self.x, y)))
                return

    def group(self) -> None:
        """Add some operators under one set of modifiers."""
        items, y = keeping(self.draw, self.x, self.x.c)
        if items:
            self.append({"do": items}, y, **({"repeat": self.draw(st.integers(0, 3))} if self.chance(2) else {}))

    def grown(self) -> None:
        """Add operators whose results are put to a list, which is joined; of one, which the join lets through too."""
        word = self.name()
        for _ in range(self.draw(st.integers(1, 3))):
            self.append({"do": keeping(self.draw, self.x, self.x.c)[0]}, self.x, into=word)
        if self.chance(2):
            last = self.name()
            self.append({"add": word}, self.x, name=last)
            self.append("identity", self.x, sets=last)
            self.append({"add": [f"{word}[0] if c_in > {self.x.c} else {last}", "none", "joined"]}, self.x)
        else:
            self.append({"add": f"{word} + [none, {word}[-1]]"}, self.x)

    def shared(self) -> None:
        """Add an operator twice, with one set of weights."""
        found = one(self.draw, self.x)
        if found and found[2] == self.x:
            word = self.name()
            for _ in range(2):
                self.append({"do": [*found[0], found[1]]}, self.x, share=word)

    def join(self, cls: type[Op]) -> None:
        """Add an operator of several inputs: branches of the flow, and earlier layers."""
        for _ in range(4):
            found = inputs(self.draw, cls, self.x)
            if found is None:
                continue
            shapes, chains, given = found
            y = fits(cls, given, tuple(shapes))
            first = y[0] if isinstance(y, tuple) else y
            if y is None or (len(first.dims) < len(self.x.dims) and len(self.exits) == MOST_EXITS):
                continue
            branches = chains or [self.branch(shape, k) for k, shape in enumerate(shapes)]
            if given:
                before = self.mark()
                names = [self.reached(before, chain) for chain in branches]
                self.source = None
                item: Any = {cls.kind: given, "from": names}
            elif self.chance(2):
                item = {cls.kind: {f"b{k}": chain for k, chain in enumerate(branches)}}
            else:
                item = {cls.kind: branches}
            if len(first.dims) < len(self.x.dims):
                self.source = before if given else self.source
                self.leave({"do": [item]}, first)
            elif isinstance(y, tuple):
                self.parts(item, y)
            else:
                self.append(item, y)
            return

    def reached(self, before: str, chain: Any) -> str:
        """Return the name of what a branch leads to, its items added to the network."""
        if isinstance(chain, str) or not chain:
            return chain or before
        name = self.name()
        self.items.append({"do": chain, "from": before, "name": name})
        return name

    def branch(self, shape: Shape, number: int) -> Any:
        """Draw a branch; the first is fed by what flows, so that this is used."""
        return branch(self.draw, self.x, shape, self.known if number else (), 2)

    def spec(self, dims: list[int]) -> dict[str, Any]:
        """Return the spec."""
        if not self.items or self.source == "input":
            self.append("identity", self.x)
        outputs = {"outputs": [*self.exits, self.mark()]} if self.exits else {}
        return {"costcalc": 1, "name": "drawn", "input": dims, "defaults": DEFAULTS, "layers": self.items, **outputs}


def one(draw: Draw, x: Shape) -> tuple[Chain, Any, Any] | None:
    """Draw an operator of one input, with the chain that leads to it; None where a few tries give none that fits."""
    for _ in range(3):
        cls = draw(st.sampled_from(SLIDING if draw(st.integers(0, 3)) == 3 else OFTEN))
        if cls.kind in HOOKS:
            found = HOOKS[cls.kind](draw, x)
            if found and fits(cls, found[1], found[0][0][1]):
                return found[0][0][0], item_of(cls.kind, found[1]), fits(cls, found[1], found[0][0][1])
            continue
        for _ in range(8):
            given = given_fields(draw, cls, x)
            y = fits(cls, given, x)
            if y is not None:
                return [], item_of(cls.kind, given), y
    return None


def keeping(draw: Draw, x: Shape, channels: int, known: Known = (), depth: int = 0) -> tuple[Chain, Shape]:
    """Draw a chain that keeps the height and width, and ends with so many channels."""
    items: Chain = []
    for _ in range(draw(st.integers(0, 1))):
        if depth and draw(st.integers(0, 2)) == 0:
            items.append({"add": [branch(draw, x, x, earlier, depth - 1) for earlier in ((), known)]})
            continue
        cls = draw(st.sampled_from(KEEPING))
        given = given_fields(draw, cls, x)
        if "kernel" in cls.fields:
            given |= {
                "kernel": draw(st.sampled_from([1, 3])),
                "stride": 1,
                "padding": draw(st.sampled_from(["half", "same"])),
            }
        y = fits(cls, given, x) if {"stride", "padding"} & given.keys() <= cls.fields.keys() else None
        if isinstance(y, Shape) and y.space == x.space:
            items.append(item_of(cls.kind, given))
            x = y
    if x.c != channels:
        items.append(per_position(channels))
    return items, x.with_channels(channels)


def per_position(channels: int) -> dict[str, Any]:
    """Return a layer that gives so many channels, whatever the other axes."""
    return {"fc": {"out": channels, "per_position": True}}


def branch(draw: Draw, x: Shape, y: Shape, known: Known, depth: int) -> Any:
    """Draw a branch that leads from one shape to another of the same height and width, or of none."""
    earlier = [name for name, shape in known if shape == y]
    if earlier and draw(st.integers(0, 2)) == 0:
        return draw(st.sampled_from(earlier))
    if not y.space and x.space:
        return ["global_avg_pool", *keeping(draw, Shape(x.c), y.c, known)[0]]
    return keeping(draw, x, y.c, known, depth)[0]


def inputs(draw: Draw, cls: type[Op], x: Shape) -> tuple[list[Shape], list[Chain], dict[str, Any]] | None:
    """Draw what enters an operator of several inputs: shapes that can be made of x, or a hook's chains; its fields."""
    if cls.kind in HOOKS:
        found = HOOKS[cls.kind](draw, x)
        return found and ([shape for _, shape in found[0]], [chain for chain, _ in found[0]], found[1])
    number = cls.inputs or draw(st.integers(2, 3))
    given = given_fields(draw, cls, x)
    # Channels that differ, or a gate of one number a channel or a pixel, where the operator takes that.
    others = [x.with_channels(n) for n in SMALL] if draw(st.booleans()) else [Shape(x.c), x.with_channels(1)]
    different = [x, *(draw(st.sampled_from(others)) for _ in range(number - 1))]
    shapes = different if fits(cls, given, tuple(different)) else [x] * number
    return shapes, [], given


@st.composite
def specs(draw: Draw) -> dict[str, Any]:
    """Draw a valid spec, as Python data: a graph of operators, branches and joins, some of them repeated or shared."""
    axes = draw(st.sampled_from([2, 2, 2, 2, 2, 1, 1, 3, 3, 0]))
    dims = [draw(st.sampled_from(SMALL)), *(draw(st.integers(5, 13 if axes < 3 else 6)) for _ in range(axes))]
    drawer = Drawer(draw, Shape(*dims))
    for _ in range(draw(st.integers(4, 11))):
        drawer.step()
    return drawer.spec(dims)


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
    "and", "lambda", "joined", "kids", "none", "into: kids", "sets: a", "from: a if true else b", "kids + [a]",
    "kids[0]", "add: kids", "c_of(joined)", "size_of(input, 1)", "len(kids)", "sum(kids)", "log2(c_in)",
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
    "[1, 2, 3]", "k", "f", "text", "list", "nothing", "c_in", "h_in", "w_in", "d_in", "l_in", "input", "layer", "twice",
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
    "size_of",
    "sum",
    "log2",
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


# ---- networks of blocks --------------------------------------------------------------------------

VALUES = ["1", "1", "1.0", "true", "4", "4.0", "2", "k", "k + 1", "relu", "[1, 2]"]


class BlockDrawer:
    """Draws a spec of blocks that call blocks, most of them right: all that a call can depend on."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.inputs: dict[str, int] = {}  # block -> how many tensors it takes
        self.number = 0  # of names

    def of(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def spec(self) -> str:
        """Return its text."""
        blocks = [self.block(name) for name in ("a", "b", "c")]
        calls = [self.call(name, "k") for name in self.inputs]
        read = "{relu: {}, if: w == relu and n < 9 and k < 9 and half < 9 and twice(k) < 99}"  # all must be read
        lines = [
            "costcalc: 1",
            "knobs: {k: 2, w: relu, n: 1}",
            "define: {twice(x): 2 * x, half: k / 2}",
            "input: [4, 6, 6]",
            f"defaults: {{conv: {{kernel: 1, bias: {self.of('true', 'k == 2')}}}}}",
            f"blocks:\n  {'  '.join(blocks)}",
            f"layers: [{', '.join([*self.items(2, 'k', self.of(2, 3, 4)), *calls, read])}]",
        ]
        return "\n".join(lines)

    def block(self, name: str) -> str:
        inputs = self.of(1, 1, 2)
        outputs = self.of("", "", "", "[y]", "[y, input]") if inputs == 1 else ""
        items = self.items(1, "x", self.of(0, 1, 2, 3))
        items += ["{relu: {}, name: y}"] if outputs == "[y]" else []
        items += ["{relu: {}, name: y}"] if outputs == "[y, input]" else []
        items[:0] = ["{add: [p, q]}"] if inputs == 2 else []
        self.inputs[name] = inputs
        takes = "inputs: [p, q], " if inputs == 2 else ""
        gives = ", outputs: [y]" if outputs else ""
        return f"{name}(x, z={self.of(*VALUES)}): {{{takes}layers: [{', '.join(items)}]{gives}}}\n"

    def items(self, depth: int, own: str, number: int) -> list[str]:
        """Return items; `own` is the argument, or the knob, that they read."""
        found = []
        for _ in range(number):
            item = self.item(depth, own)
            found += [item] if "share" not in item else [item, item]
        return found

    def call(self, name: str, own: str, *extras: str) -> str:
        value, other = self.of(*VALUES, own), self.of(*VALUES, own)
        given = self.of(f"[{value}]", f"{{x: {value}, z: {other}}}")
        taken = ["from: [input, input]"] if self.inputs[name] == 2 else []
        return f"{{{', '.join([f'{name}: {given}', *taken, *extras])}}}"

    def item(self, depth: int, own: str) -> str:
        """Return a call, an operator that reads arguments, knobs and the input, a join or a group."""
        self.number += 1
        extras = self.of(
            [], [], [], [], ["repeat: 2"], ["repeat: n"], ["if: k > 1"], [f"if: {own} == 1"],
            [f"share: s{self.number}"], [f"name: u{self.number}"],
            ["bits: 8"], ["bits: k + 1"], ["density: 0.5"], ["density: 1.0"],
        )  # fmt: skip
        kind = self.of("call", "call", "call", "conv", "conv", "batch_norm", "add", "do")
        if kind == "call" and self.inputs:
            return self.call(self.of(*self.inputs), own, *extras)
        if kind in ("add", "do") and depth:
            parts = [f"[{', '.join(self.items(depth - 1, own, self.of(0, 1, 2)))}]" for _ in range(2)]
            labels = self.of(("l", "r"), ("a1", "b"), ("c", "a"))
            body = f"do: {parts[0]}" if kind == "do" else f"add: {{{labels[0]}: {parts[0]}, {labels[1]}: {parts[1]}}}"
        elif kind == "batch_norm":
            body = "batch_norm: {}"
        else:
            out = self.of("4", "4", "4", "c_in", "c_in", "c_of(input)", "2 * k", "twice(k)", own)
            body = f"conv: {{out: {out}, norm: batch, bias: {self.of('true', 'k > 2', f'{own} == 1')}}}"
        return f"{{{', '.join([body, *extras])}}}"


@st.composite
def block_networks(draw: Draw) -> tuple[str, list[dict[str, Any]]]:
    """Draw a spec of blocks that call blocks, right or wrong, and knobs to count it with, one after another."""
    knobs = st.fixed_dictionaries({}, optional={"k": st.integers(1, 3), "n": st.integers(0, 2)})
    return BlockDrawer(draw).spec(), draw(st.lists(knobs, min_size=1, max_size=3))
