"""ATen operations -> costcalc's operators: what all translations share; they are in the modules beside this one.

PyTorch's tensors are `[N, ...]` in any order of axes; a spec's are `[C, *space]`. So each tensor is held as a
`View`: the value of the spec that has its numbers, and for each of PyTorch's axes the spec's axis, or None for
an axis of length 1 that the spec's value goes without (the batch, which is 1 here, is one of these). What
permutes, squeezes or unsqueezes changes the view alone, and costs no row. Only where an operator needs its axes
in an order that the value does not have, `arrange` adds a `permute` or a `reshape`.

What is computed from parameters, buffers and numbers alone is a `Constant`. As the weights of a layer it becomes
that layer's own; where it meets data it becomes a row, `parameter`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, TypeVar

from costcalc.base import Datum, grouped, torch_compat
from costcalc.base.errors import SpecError, stop
from costcalc.language.flat import Flat, Step

MOST_EACH = 256  # images or sequences of one image that become a row each

HANDLERS: dict[str, Callable[..., Any]] = {}  # an operation, with its overload -> what translates it
BOTH: set[str] = set()  # operations whose translations take constants beside data as they are
COUNTED: set[str] = set()  # operations that are work even on constants: PyTorch's counter of operations counts them
LAYOUT: set[str] = set()  # operations that keep each number, once

Handler = TypeVar("Handler", bound=Callable[..., Any])


def aten(*names: str, counted: bool = False, layout: bool = False, both: bool = False) -> Callable[[Handler], Handler]:
    """Register the translation of operations: `conv2d` with all of its overloads, or `add.Tensor` alone."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, handler))
        COUNTED.update(names if counted else ())
        LAYOUT.update(names if layout else ())
        BOTH.update(names if both else ())
        return handler

    return register


def known(kind: set[str] | dict[str, Callable[..., Any]], operation: str) -> Any:
    """Return what stands for an operation (`add_.Tensor`): its overload's entry, or that of the operation."""
    base, _, overload = operation.partition(".")
    names = (f"{base}.{overload}", base, f"{base.rstrip('_')}.{overload}", base.rstrip("_"))
    found = next((name for name in names if name in kind), None)
    return kind[found] if found and isinstance(kind, dict) else found


class View:
    """A tensor that depends on the image: `axes[k]` is the axis of the spec's value that PyTorch's axis k is."""

    __slots__ = ("axes", "sizes", "value")

    def __init__(self, value: str, axes: Iterable[int | None], sizes: Iterable[int]) -> None:
        self.value = value
        self.axes = tuple(axes)
        self.sizes = tuple(sizes)

    def __repr__(self) -> str:
        return f"<{self.value} {list(self.sizes)} as {list(self.axes)}>"

    @property
    def order(self) -> list[int]:
        """PyTorch's axes that the spec's value has, in the value's order."""
        return self.sorted(k for k, axis in enumerate(self.axes) if axis is not None)

    def sorted(self, axes: Iterable[int]) -> list[int]:
        """Return PyTorch's axes in the order of the spec's value; those that it goes without come last."""
        return sorted(axes, key=lambda k: len(self.axes) if (axis := self.axes[k]) is None else axis)


class Constant:
    """A tensor that does not depend on the image.

    `params`: the learned tensors that it is made of. `whole`: the parameter or buffer that it is, or a part of one
    (`Reading.piece`), rearranged at most; empty where anything was computed.
    """

    __slots__ = ("params", "sizes", "whole")

    def __init__(self, params: Iterable[str], sizes: Iterable[int], whole: str = "") -> None:
        self.params = set(params)
        self.sizes = tuple(sizes)
        self.whole = whole


Tensor = View | Constant
Groups = Sequence[Sequence[int]]


class Reading:
    """A network on its way from an exported program to a flat list of steps."""

    def __init__(self, flat: Flat, paths: Iterable[str], learned: Iterable[str], *, opaque: bool) -> None:
        self.flat = flat
        self.paths = set(paths)  # of modules
        self.outer = {around for path in self.paths for around in _around(path)}  # of those that hold others
        self.holders = {around for name in learned for around in _around(name)}  # of those that hold parameters
        self.opaque = opaque
        self.given: dict[Any, View] = {}  # the nodes of the inputs, as what they are
        self.node: Any = None  # the operation that is being translated
        self.parts: dict[str, dict[str, tuple[int, int]]] = {}  # a parameter -> its parts: numbers from, and up to
        self.homes: dict[str, tuple[Any, int]] = {}  # a parameter or buffer -> its memory, and where it begins there
        self.base_of: dict[str, str] = {}  # a part -> its parameter
        self.sizes_of: dict[str, int] = {}  # of parameters and buffers, and of their parts
        self.owners = flat.owners
        self.made: dict[Any, str] = {}  # values that only rearrange another, or hold a constant
        self.mains: dict[str, str] = {}  # module -> the operation that has its name
        self.compositions: dict[Any, Any] | None = None  # operations -> what PyTorch composes them of
        self.memory: dict[Any, dict[Any, list[Any]]] = {}  # a graph -> memory -> the nodes whose tensors lie there
        # A convolution or pool -> the border that its input has to get.
        self.borders: dict[Any, list[tuple[int, int]]] = {}

    # ---- names -----------------------------------------------------------------------------------

    @property
    def operation(self) -> str:
        """The name of the operation, with its overload: `add.Tensor`."""
        return operation_of(self.node)

    @property
    def path(self) -> str:
        """The path of the module that the operation is in."""
        return path_of(self.node)

    def title(self, owner: str = "") -> str:
        """Return the name of the row that the operation becomes: its module's, where that is its only one.

        owner: a parameter that it uses. Its layer then is the module that holds it.
        """
        if owner:
            owner = self.base(owner)
            holder, _, name = owner.rpartition(".")
            return holder if holder and holder not in self.outer else re.sub(r"[._]?weight$", "", owner) or name
        path, word = self.path, self.operation.partition(".")[0].strip("_")
        bare = path in self.paths and path not in self.outer and path not in self.holders
        if path and bare and self.mains.setdefault(path, word) == word:
            return path
        return self.within(word)

    def within(self, word: str) -> str:
        """Return the name of a row inside the module that the operation is in."""
        return f"{self.path}.{word}" if self.path else word

    @property
    def where(self) -> str:
        """The module and the operation, as messages name them."""
        return f"{self.path or 'the network itself'}: {self.operation}"

    def refuse(self, why: str, hint: str = "") -> SpecError:
        """Return the error that names the module and the operation."""
        return stop(f"{self.where}: {why}", hint=hint)

    def take_back(self, count: int) -> None:
        """Take back the steps after the first so many, and what is known of them, as if they had never been added."""
        self.flat.take_back(count)
        self.made = {wish: value for wish, value in self.made.items() if value in self.flat.shapes}

    # ---- steps -----------------------------------------------------------------------------------

    def add(self, kind: str, inputs: Iterable[str], name: str = "", **fields: Datum) -> str:
        """Add a step that gives one value, under the operation's name unless told; return the value's name."""
        return self.several(kind, inputs, name, **fields)[0]

    def several(self, kind: str, inputs: Iterable[str], name: str = "", **fields: Datum) -> list[str]:
        """Add a step and return the names of its values."""
        # A dot parts modules, and only that: a module's own key may have a slash, which a spec's name can't.
        return self.flat.add(kind, inputs, (name or self.title()).replace("/", "_"), **fields)

    def helper(self, kind: str, value: str, **fields: Datum) -> str:
        """Return the value of a step that costs nothing, the same one for the same wish."""
        key = (kind, value, repr(fields))
        if key not in self.made:
            self.made[key] = self.add(kind, [value], self.within(kind), **fields)
        return self.made[key]

    def dims(self, value: str) -> list[int]:
        """Return the shape of a value of the spec."""
        return list(self.flat.shapes[value].dims)

    def view(self, value: str, axes: Iterable[int | None]) -> View:
        """Return a value as a tensor of PyTorch, whose axes are these axes of it."""
        dims, axes = self.dims(value), tuple(axes)
        return View(value, axes, (1 if axis is None else dims[axis] for axis in axes))

    def placed(self, value: str, order: Sequence[int], rank: int) -> View:
        """Return a value as a tensor of PyTorch, whose axes in this order are those of the value."""
        places = {k: at for at, k in enumerate(order)}
        return self.view(value, [places.get(k) for k in range(rank)])

    def same(self, x: View, value: str) -> View:
        """Return a value of the same shape as that of x under the axes of x."""
        return self.view(value, x.axes)

    # ---- order and shape -------------------------------------------------------------------------

    def arrange(self, x: Tensor, groups: Groups) -> str:
        """Return a value whose axes are these groups of PyTorch's axes, each group made one axis.

        All axes that are left out must be of length 1.
        """
        sizes = [prod(x.sizes[k] for k in group) for group in groups] or [1]
        if isinstance(x, Constant):
            return self.stored(x, sizes, groups)
        wanted = [x.axes[k] for group in groups for k in group if x.sizes[k] > 1]
        return self.shaped(self.ordered(x.value, wanted), sizes)

    def ordered(self, value: str, wanted: list[Any]) -> str:
        """Return a value with its axes longer than 1 in the order that is wanted."""
        dims = self.dims(value)
        if [k for k, n in enumerate(dims) if n > 1] == wanted:
            return value
        return self.helper("permute", value, axes=wanted + [k for k, n in enumerate(dims) if n == 1])

    def shaped(self, value: str, sizes: Sequence[int]) -> str:
        """Return a value with the same numbers under another shape."""
        if self.dims(value) == list(sizes):
            return value
        return self.helper("flatten", value) if len(sizes) == 1 else self.helper("reshape", value, shape=list(sizes))

    # ---- memory ----------------------------------------------------------------------------------

    def names(self, node: Any) -> list[Any]:
        """Return the nodes of a graph whose tensors lie in the same memory as a node's, in order, itself among them."""
        if node.graph not in self.memory:
            self.memory[node.graph] = grouped((storage_of(one), one) for one in node.graph.nodes)
        return self.memory[node.graph][storage_of(node)]

    # ---- constants -------------------------------------------------------------------------------

    def constant(self, x: Constant) -> View:
        """Return a constant as the value of a row."""
        rank = len(x.sizes)
        axes = [k for k, n in enumerate(x.sizes) if n > 1]
        if self.operation.startswith("linear"):
            axes.sort(key=lambda k: k != rank - 1)  # its channels are the last axis
        return self.placed(self.arrange(x, [[k] for k in axes]), axes, rank)

    def stored(self, x: Constant, sizes: list[int], groups: Groups) -> str:
        """Return the value of a row that holds a constant, in the order and shape that is wanted."""
        whole = x.whole if self.sizes_of.get(x.whole) == prod(sizes) else ""
        key = ("constant", whole or x, tuple(sizes), tuple(map(tuple, groups)) if len(groups) > 1 else ())
        if key not in self.made:
            self.made[key] = self._row(x, whole, sizes)
        return self.made[key]

    def _row(self, x: Constant, whole: str, sizes: list[int]) -> str:
        if whole and not x.params:
            return self.add("parameter", [], self.base(whole), shape=sizes, store="buffer")
        if whole and not self.clashes(whole):
            value = self.add("parameter", [], self.base(whole), shape=sizes)
            step = self.flat.steps[-1]
            first = self.owners.setdefault(whole, step)
            if first.kind == step.kind:
                self.flat.learns({whole: prod(sizes)})
            else:
                step.fields["store"] = "none"
            return value
        name = f"{self.base(min(x.params))}.view" if x.params else f"{self.title()}.constant"
        value = self.add("parameter", [], name, shape=sizes, store="none")
        return self.shaping(x.params, value)

    def shaping(self, params: Iterable[str], value: str) -> str:
        """Return the value with the parameters counted that nothing else counts, as a row of their own."""
        new, count = self.claimed(params)
        if not new:
            return value
        value = self.add("weight_params", [value], self.base(new[0]), count=count, note=computed_from(new))
        self.owners.update(dict.fromkeys(new, self.flat.steps[-1]))
        return value

    def claimed(self, params: Iterable[str]) -> tuple[list[str], int]:
        """Return the parameters that nothing counts wholly, and how many numbers of theirs are not counted yet."""
        new, count = [], 0
        for name in sorted(params):
            left = self.left(name)
            if name not in self.owners and left:
                self.owners[name] = _PENDING
                new.append(name)
                count += left
        return new, count

    # ---- parts of parameters ---------------------------------------------------------------------

    def piece(self, whole: str, start: int, size: int) -> str:
        """Return the name of a part of a parameter or buffer: so many of its numbers, which follow each other."""
        if size == self.sizes_of[whole]:
            return whole
        name = f"{whole}[{start}:{start + size}]"
        self.parts.setdefault(whole, {whole: (0, self.sizes_of[whole])})[name] = (start, start + size)
        self.base_of[name], self.sizes_of[name] = whole, size
        return name

    def base(self, name: str) -> str:
        """Return the parameter that a part is of; of a parameter it is itself."""
        return self.base_of.get(name, name)

    def left(self, name: str) -> int:
        """Return how many numbers of a parameter, or of a part of one, no step counts yet."""
        spans = self.parts.get(self.base(name), {name: (0, self.sizes_of[name])})
        at, stop = spans[name]
        left = 0
        for first, last in sorted(span for one, span in spans.items() if one in self.owners):
            left += max(min(first, stop) - at, 0)
            at = max(at, last)
        return left + max(stop - at, 0)

    def clashes(self, name: str) -> bool:
        """Say whether other parts of the same parameter are counted that share numbers with this one."""
        return name not in self.owners and self.left(name) < self.sizes_of[name]

    def primary(self, x: Constant, size: int) -> str:
        """Return the parameter that a constant stands for as a layer's own weights of this size; empty if none does."""
        if x.whole in x.params and self.sizes_of[x.whole] == size:
            return x.whole
        fitting = [name for name in sorted(x.params) if self.sizes_of[name] == size]
        return next((name for name in fitting if name not in self.owners), fitting[0] if fitting else "")

    def part_of(self, whole: str, made: Any) -> str:
        """Return the name of the part of a parameter that a tensor is; empty where its numbers lie apart."""
        size, base = made.numel(), self.base(whole)
        run = 1
        for stride, n in sorted(zip(made.stride(), made.shape, strict=True)):
            if n > 1 and stride != run:
                return ""
            run *= n
        home, first = self.homes.get(base, (None, 0))
        if home != torch_compat.memory(made) or not size:
            return ""
        return self.piece(base, made.storage_offset() - first, size)

    def learned(
        self, kind: str, inputs: list[str], weights: Sequence[tuple[Tensor | None, int]], **fields: Datum
    ) -> str:
        """Add a layer with weights of its own, each of so many numbers; return "" where it can't count them.

        It can't where they are computed from data or from no parameter, or are counted by a layer of another kind.
        """
        given = [(x, size) for x, size in weights if x is not None]
        if any(not isinstance(x, Constant) or prod(x.sizes) != size for x, size in given):
            return ""
        names = [self.primary(x, size) for x, size in given if isinstance(x, Constant)]
        if not all(names) or len(set(names)) < len(names) or any(map(self.clashes, names)):
            return ""
        first = {id(self.owners[name]): self.owners[name] for name in names if name in self.owners}
        owned = [
            step
            for step in first.values()
            if self.flat.learners.get(step, {}).keys() == set(names) and step.kind == kind
        ]
        if first and not owned:
            return ""
        self.owners.update((name, _PENDING) for name in names if not first)
        others = {p for x, _ in given if isinstance(x, Constant) for p in x.params}
        inputs = [self.shaping(others, inputs[0]), *inputs[1:]]
        value = self.add(kind, inputs, self.title(names[0] if names else ""), **fields)
        if not owned:
            self.owners.update(dict.fromkeys(names, self.flat.steps[-1]))
        self.flat.learns({name: self.sizes_of[name] for name in names})
        return value


_PENDING = Step("", "", {}, [])


def _around(path: str) -> Iterable[str]:
    """Return the paths of the modules that a path leads through, the network's own left out."""
    parts = path.split(".")
    return (".".join(parts[:k]) for k in range(1, len(parts)))


def computed_from(params: Iterable[str]) -> str:
    """Return the note of a row that counts the parameters that other weights are computed from."""
    return ("weights are computed from " + ", ".join(name.rpartition(".")[2] for name in params))[:200]


def stated(r: Reading, tensors: Iterable[Any], sizes: Sequence[int], why: str) -> View:
    """Add a row without multiplications, of tensors and lists of them, that gives a tensor of these sizes."""
    given = list(tensors_in(tensors))
    constants = [x for x in given if isinstance(x, Constant)]
    views = [x for x in given if isinstance(x, View)] or [r.constant(constants[0])]
    rank, order = len(sizes), [k for k, n in enumerate(sizes) if n > 1]
    first, *others = views
    alike = not others and first.sizes == tuple(sizes)
    value = first.value
    if others:
        values = [r.shaped(one, [prod(r.dims(one))]) for one in dict.fromkeys(x.value for x in views)]
        value = r.add("concat", values, r.within("concat")) if len(values) > 1 else first.value
    value = r.shaping((p for x in constants for p in x.params), value)
    shape = None if alike else [sizes[k] for k in order] or [1]
    y = r.add("custom", [value], shape=shape, note=f"{r.operation}: {why}")
    return r.same(first, y) if alike else r.placed(y, order, rank)


def tensors_in(values: Iterable[Any]) -> Iterable[View | Constant]:
    """Return the tensors among values, and in lists of them."""
    for value in values:
        if isinstance(value, View | Constant):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def in_place(operation: str) -> bool:
    """Say whether an operation works in place: `add_`, not `__and__`."""
    word = operation.partition(".")[0]
    return word.endswith("_") and not word.endswith("__")


def storage_of(node: Any) -> Any:
    """Return the memory that a node's tensor lies in, of several the first one's; the node where it has none."""
    made = node.meta.get("val")
    made = made[0] if isinstance(made, list | tuple) and made else made
    return torch_compat.memory(made) if hasattr(made, "untyped_storage") else node


def operation_of(node: Any) -> str:
    """Return the name of a node's operation, with its overload: `add.Tensor`, `getitem`."""
    return name_of(node.target)


def name_of(target: Any) -> str:
    """Return the name of an operation of PyTorch, with its overload; of another function its own."""
    signature = torch_compat.schema(target)
    if signature is None:
        return str(getattr(target, "__name__", target))
    space, _, name = signature.name.partition("::")
    overload = f"{name}.{signature.overload_name or 'default'}"
    return overload if space == "aten" else f"{space}::{overload}"


def path_of(node: Any) -> str:
    """Return the path of the module that a node is in; empty for the network itself."""
    stack = torch_compat.modules(node)
    return stack[-1][0] if stack else ""


def arguments_of(node: Any) -> dict[str, Datum]:
    """Return the arguments that a node was given, by name; the tensor that it works on is called x."""
    signature = torch_compat.schema(node.target)
    names = [one.name for one in signature.arguments] if signature else [f"a{k}" for k in range(len(node.args))]
    given = dict(zip(names, node.args, strict=False)) | node.kwargs
    return {"x" if key in ("self", "input") else key: value for key, value in given.items()}
