"""A flat network as a tree of its modules: what `blocks` looks for repeated structure in.

Module paths make the tree (`layer1.0.conv1` is in `layer1.0`, in `layer1`). A layer takes in the norm and
the activation that follow it alone; a module of one tensor in and one out is a group, any other is dissolved
in the module around it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby

from costcalc.base import Datum, grouped
from costcalc.base.errors import Fault
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat, Step, common_fields
from costcalc.numbers.shape import Shape
from costcalc.operators import op as ops

HALF = "half"
JOINED = "concat"
CONTAINERS = ("", "Sequential", "ModuleList", "ModuleDict")  # classes that say nothing of what is inside


class Free(str):
    """A padding that may be written `half` or left away: it comes to the same."""

    __slots__ = ()


class TreeItem:
    """One item of a list of layers: a step with what it takes in, or the call of a block."""

    __slots__ = ("fields", "inputs", "kind", "outputs", "path", "repeat", "share", "span", "x", "y")

    def __init__(self, kind: Datum, fields: dict[str, Datum], inputs: list[str], outputs: list[str], path: str) -> None:
        self.kind = kind  # an operator's word, or a block
        self.fields = fields  # or the block's arguments
        self.inputs = inputs  # names of the flat network's values
        self.outputs = outputs
        self.path = path
        self.share = ""
        self.repeat = 1
        self.span = (0, 0)  # the steps that it stands for
        self.x: Shape | None = None  # what enters, where that is one tensor
        self.y: Shape | None = None  # what leaves, likewise

    @property
    def channels(self) -> int:
        """The channels that leave."""
        assert self.y is not None
        return int(self.y.c)

    @property
    def cls(self) -> type[ops.Op] | None:
        """The operator's class; None of a call."""
        return ops.operators()[self.kind] if isinstance(self.kind, str) else None

    @property
    def joins(self) -> bool:
        """Whether it takes several tensors."""
        return self.cls is not None and self.cls.joins


class Group:
    """A module: its parts, the steps that it spans, and the one tensor that enters and the one that leaves."""

    __slots__ = ("call", "family", "parts", "path", "share", "span")

    def __init__(self, path: str, parts: Sequence[TreeItem | Group]) -> None:
        self.path = path
        self.parts = list(parts)
        self.span: tuple[int, int] = (parts[0].span[0], parts[-1].span[1])
        self.share = ""
        self.family: Datum = None
        self.call: TreeItem | None = None  # what stands for it once its block is known

    @property
    def outputs(self) -> list[str]:
        """The values that its last layer gives."""
        return self.parts[-1].outputs

    def flat(self) -> Iterator[TreeItem]:
        """Yield the parts, those of groups inside it too."""
        for part in self.parts:
            yield from part.flat() if isinstance(part, Group) else (part,)


class Tree:
    """The modules of a flat network, and what its values feed."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        self.steps = chained(flat.steps)
        self.users = grouped((value, number) for number, step in enumerate(self.steps) for value in step.inputs)
        self.given = {value: number for number, step in enumerate(self.steps) for value in step.outputs}
        self.results = set(flat.outputs or (self.steps[-1].outputs if self.steps else ()))
        self.fields: dict[str, dict[str, Datum]] = {}  # of norms and activations: `defaults` for all of the network
        parts = [self.part(step, number) for number, step in enumerate(self.steps)]
        self.common(parts)
        self.root = Group("", self.grown(parts, 0, "") or parts)
        self.shares()

    def part(self, step: Step, number: int) -> TreeItem:
        part = TreeItem(step.kind, {}, step.inputs, step.outputs, step.name)
        part.span, part.share = (number, number + 1), step.share
        part.x = self.flat.shapes[step.inputs[0]] if len(step.inputs) == 1 else None
        part.y = self.flat.shapes[step.outputs[0]]
        part.fields = self.least(part.kind, self.axes(step.inputs), step.fields)
        return part

    def axes(self, inputs: list[str]) -> int:
        return len(self.flat.shapes[inputs[0]].space) if inputs else 0

    def least(self, kind: str, axes: int, fields: dict[str, Datum]) -> dict[str, Datum]:
        """Return the fields that must be said, the padding `half` where that says the same."""
        return _halved(ops.operators()[kind], axes, self.flat.least(kind, axes, fields))

    def common(self, parts: list[TreeItem]) -> None:
        """Take the fields that all norms or activations of one kind have to the network's defaults."""
        self.fields = common_fields((part.kind, part.fields) for part in parts)
        for part in parts:
            part.fields = {} if part.kind in self.fields else part.fields

    # ---- the tree --------------------------------------------------------------------------------

    def grown(self, parts: list[TreeItem], depth: int, path: str) -> list[TreeItem | Group]:
        """Return the parts of one module: layers, and a group for each module inside it."""
        found: list[TreeItem | Group] = []
        for key, run in groupby(parts, key=lambda part: _key(part, depth)):
            inner = list(run)
            if len(inner) == 1:
                found.append(inner[0])
                continue
            below = f"{path}.{key}" if path else str(key)
            children = self.grown(inner, depth + 1, below)
            found += self.module(below, children)
        return self.sound(self.moved(self.fused(found)))

    def module(self, path: str, parts: list[TreeItem | Group]) -> list[TreeItem | Group]:
        """Return a module as its parent holds it: one that is a wrapper only is what it holds."""
        if len(parts) == 1:
            only = parts[0]
            known = self.flat.classes
            if isinstance(only, Group) and known.get(only.path, "") in CONTAINERS:
                only.path = path
            return [only]
        if all(isinstance(part, TreeItem) and self.role(part) for part in parts):
            return parts
        return [Group(path, parts)]

    def role(self, part: TreeItem) -> str:
        """Return `norm` or `act` if a part may be said by the layer before it, else nothing."""
        if part.fields:
            return ""
        if part.kind in ops.role_words("norm").values():
            return "norm"
        return "act" if part.kind in ops.role_words("act") else ""

    def fused(self, parts: list[TreeItem | Group]) -> list[TreeItem | Group]:
        """Let layers take in the norm and the activation that follow."""
        found: list[TreeItem | Group] = []
        for part in parts:
            last = found[-1] if found else None
            joined = self.joined(last, part) if isinstance(last, TreeItem) and isinstance(part, TreeItem) else None
            if joined:
                found[-1] = joined
            else:
                found.append(part)
        return found

    def joined(self, layer: TreeItem, part: TreeItem) -> TreeItem | None:
        """Return a layer with the norm or activation after it, or None where that would say something else."""
        role, cls = self.role(part), layer.cls
        if not role or cls is None or role not in cls.roles or part.inputs != layer.outputs:
            return None
        later = cls.roles[cls.roles.index(role) :]
        if any(layer.fields.get(name, "none") != "none" for name in later) or not self.inner(layer.outputs[0]):
            return None
        if (layer.share or part.share) and (role == "norm" or part.share):
            return None
        word = part.kind if role == "act" else _inverse(ops.role_words("norm"))[part.kind]
        step = self.steps[layer.span[0]]
        given = {**_settled(step), **step.fields, role: word}
        given |= {name: layer.fields[name] for name in cls.roles if name in layer.fields}
        both = TreeItem(layer.kind, {}, layer.inputs, part.outputs, layer.path)
        both.fields = self.least(layer.kind, self.axes(step.inputs), given)
        both.span, both.share = (layer.span[0], part.span[1]), layer.share
        both.x, both.y = layer.x, part.y
        return both

    def inner(self, value: str) -> bool:
        """Say whether a value feeds one step, and is no result of the network."""
        return len(self.users.get(value, ())) == 1 and value not in self.results

    def moved(self, parts: list[TreeItem | Group]) -> list[TreeItem | Group]:
        """Move a join of what enters and what leaves a module into it, from the head of what comes after.

        A DenseNet's layer is written so by people: it ends with the concatenation of its input and its output.
        """
        found: list[TreeItem | Group] = []
        for part in parts:
            before = found[-1] if found else None
            head = part.parts[0] if isinstance(part, Group) else part
            if isinstance(before, Group) and isinstance(head, TreeItem) and self.closes(before, head):
                before.parts.append(head)
                before.span = (before.span[0], head.span[1])
                if isinstance(part, TreeItem):
                    continue
                part.parts, part.span = part.parts[1:], (head.span[1], part.span[1])
                found += self.module(part.path, part.parts)
            else:
                found.append(part)
        return found

    def closes(self, group: Group, join: TreeItem) -> bool:
        entering, leaving = self.ends(group)
        if len(entering) != 1 or len(leaving) != 1 or not join.joins or join.share:
            return False
        return join.inputs in ([*entering, *leaving], [*leaving, *entering]) and self.inner(leaving[0])

    def sound(self, parts: list[TreeItem | Group]) -> list[TreeItem | Group]:
        """Dissolve the modules that take or give several tensors."""
        found: list[TreeItem | Group] = []
        for part in parts:
            if isinstance(part, TreeItem) or self.single(part):
                found.append(part)
            else:
                found += part.parts
        return found

    def single(self, group: Group) -> bool:
        entering, leaving = self.ends(group)
        return len(entering) == 1 and leaving == group.outputs

    def ends(self, group: Group) -> tuple[list[str], list[str]]:
        """Return the values that enter a group and those that leave it."""
        first, last = group.span
        entering: dict[str, None] = {}
        leaving = []
        for step in self.steps[first:last]:
            for value in step.inputs:
                if value == INPUT or not first <= self.given[value] < last:
                    entering[value] = None
            for value in step.outputs:
                if value in self.results or any(not first <= user < last for user in self.users.get(value, ())):
                    leaving.append(value)
        return list(entering), leaving

    # ---- shared weights --------------------------------------------------------------------------

    def shares(self) -> None:
        """Say of whole modules that they share their weights; dissolve those of which only a part does.

        Inside a block a `share` holds for one call of it: layers that share with others outside can't stand there.
        """
        where: dict[str, set[int]] = {}
        for number, step in enumerate(self.steps):
            if step.share:
                where.setdefault(step.share, set()).add(number)
        if not where:
            return
        covered: dict[tuple[str, ...], set[int]] = {}
        for group in groups(self.root):
            words = self.words(group)
            covered.setdefault(words, set()).update(n for n in range(*group.span) if self.steps[n].share)
        self.root.parts = self.lifted(self.root.parts, where, covered)

    def words(self, group: Group) -> tuple[str, ...]:
        """Return the words under which all weights of a group are shared; nothing where some are its own."""
        steps = self.steps[slice(*group.span)]
        if any(not step.share and learned(step) for step in steps):
            return ()
        return tuple(step.share for step in steps if step.share)

    def lifted(
        self, parts: list[TreeItem | Group], where: dict[str, set[int]], covered: dict[tuple[str, ...], set[int]]
    ) -> list[TreeItem | Group]:
        found: list[TreeItem | Group] = []
        for part in parts:
            if isinstance(part, TreeItem):
                found.append(part)
                continue
            span, words = set(range(*part.span)), self.words(part)
            inside = {step.share for step in self.steps[slice(*part.span)] if step.share}
            if all(where[word] <= span for word in inside):
                part.parts = self.lifted(part.parts, where, covered)
                found.append(part)
            elif words and all(where[word] <= covered[words] for word in words):
                part.share = words[0]
                _cleared(part)
                found.append(part)
            else:
                found += self.lifted(part.parts, where, covered)
        return found


def _cleared(group: Group) -> None:
    """Take the words of sharing off a group's layers: the group itself says it."""
    for part in group.parts:
        part.share = ""
        if isinstance(part, Group):
            _cleared(part)


def groups(group: Group) -> Iterator[Group]:
    """Yield all groups inside a group, the inner ones first."""
    for part in group.parts:
        if isinstance(part, Group):
            yield from groups(part)
            yield part


def _key(part: TreeItem, depth: int) -> Datum:
    """Return the module that a part is in, at a depth of its path; itself where the path ends."""
    keys = part.path.split(".")
    return keys[depth] if depth < len(keys) else part.span


def _settled(step: Step) -> dict[str, Datum]:
    """Return the truth values that follow from what comes after a layer where it does not say them: its bias."""
    op = step.op
    values = {name: getattr(op, field.attr) for name, field in op.fields.items() if field.default is None}
    return {name: value for name, value in values.items() if isinstance(value, bool)}


def learned(step: Step) -> bool:
    """Say whether a step has weights."""
    parts = (n for part in step.op.tensors(step.x, step.y) for n in (part if isinstance(part, tuple) else (part,)))
    return any(parts)


def _inverse(words: dict[str, str]) -> dict[str, str]:
    return {kind: word for word, kind in words.items()}


def _halved(cls: type[ops.Op], axes: int, fields: dict[str, Datum]) -> dict[str, Datum]:
    """Return the fields with the padding `half` where it says the same: free where nothing need be said."""
    padding = cls.fields.get("padding")
    if padding is None or HALF not in padding.words:
        return fields
    halved = {**fields, "padding": HALF if "padding" in fields else Free(HALF)}
    with suppress(Fault):
        return halved if vars(cls(axes, **halved)) == vars(cls(axes, **fields)) else fields
    return fields


def chained(steps: Iterable[Step]) -> list[Step]:
    """Return the steps with each concatenation that goes on an earlier one fed by that: [a, b, c] by [ab, c]."""
    known: dict[tuple[str, ...], str] = {}
    found = []
    for step in steps:
        if step.kind == JOINED and not step.fields:
            inputs = tuple(step.inputs)
            known.setdefault(inputs, step.outputs[0])
            length = next((n for n in range(len(inputs) - 1, 1, -1) if inputs[:n] in known), 0)
            if length:
                step = _fed(step, [known[inputs[:length]], *inputs[length:]])  # noqa: PLW2901
        found.append(step)
    return found


def _fed(step: Step, inputs: list[str]) -> Step:
    fed = Step(step.name, step.kind, step.fields, inputs)
    fed.share, fed.x, fed.y, fed.outputs = step.share, step.x, step.y, step.outputs
    return fed
