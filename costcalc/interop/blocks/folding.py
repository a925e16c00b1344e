"""A flat network written with blocks: repeated module structure is found and said once.

The counts of the folded spec are those of the flat one, row by row; where nothing repeats, or nothing gets
shorter, the flat spec is the answer. `docs/formats.md` says what is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from costcalc.base import Datum, grouped
from costcalc.base.errors import Fault, SpecError
from costcalc.base.hints import argument, said
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.interop.blocks.arguments import ABSENT, ENTERS, Fitter, FoundBlock, Ref, WrittenItem, fixed, free, same
from costcalc.interop.blocks.text import defaulted, written
from costcalc.interop.blocks.tree import CONTAINERS, Group, Tree, TreeItem, chained, groups, learned
from costcalc.interop.guard import guarded
from costcalc.language import zoo
from costcalc.language.document import INPUT, VERSION
from costcalc.language.flat import Flat, Step, part_of
from costcalc.language.yaml_text import spec_text
from costcalc.operators import op as ops

MOST_ROUNDS = 12  # blocks that prove too small are dissolved, and the search begun anew
MOST_OPTIONAL = 3  # items that one variant of a block has and another has not


def folded(flat: Flat) -> dict[str, Datum]:
    """Return the spec of a flat network as data, with blocks and repeats for what its modules repeat.

    Its rows are those of the flat spec in number, order, shapes and costs. Names of layers inside blocks are
    costcalc's own; `flat.classes` (module path -> class name) names the blocks, else the paths do. The flat
    spec is returned where nothing repeats or the result would be no shorter.
    """
    return guarded(
        f"the blocks of {flat.name}",
        lambda: _varied(flat),
        hint=said("without {} it is a flat list", argument(blocks=True)),
    )


def _varied(flat: Flat) -> dict[str, Datum]:
    with suppress(Fault):  # other blocks at another value of a knob
        return flat.varied(_folded)
    return flat.data()


def _folded(flat: Flat) -> dict[str, Datum]:
    plain = flat.fixed()
    folder = search(flat)
    data = folder.data()
    shorter = spec_text(data).count("\n") < spec_text(plain).count("\n")
    return data if folder.repeats and shorter and _equal(flat, data) else plain


def search(flat: Flat) -> Folder:
    """Return the blocks of a flat network, those left out that save no line."""
    dissolved = set[tuple[int, int]]()
    folder = Folder(flat, dissolved)
    for _ in range(MOST_ROUNDS):
        poor = folder.poor()
        if not poor:
            break
        dissolved |= poor
        folder = Folder(flat, dissolved)
    return folder


class Folder:
    """Finds the blocks of a flat network, the innermost modules first."""

    def __init__(self, flat: Flat, dissolved: set[tuple[int, int]]) -> None:
        self.flat = flat
        self.dissolved = dissolved
        self.tree = Tree(flat)
        self.blocks: list[FoundBlock] = []
        self.members: dict[FoundBlock, list[Group]] = {}
        self.names = set[str]()  # of blocks
        self.variables = set[str]()  # the names of their arguments
        for family in self.families():
            self.family(family)
        self.root = self.opened(self.tree.root)
        self.items = [
            WrittenItem(part, refs, part.path) for part, refs in zip(self.root, self.refs(self.root), strict=True)
        ]

    @property
    def repeats(self) -> bool:
        """Whether anything was found."""
        return bool(self.blocks) or any(item.repeat > 1 for item in self.items)

    # ---- which modules may be instances of one block -------------------------------------------------

    def families(self) -> list[list[Group]]:
        """Return the groups by class, or by path without its numbers; those that hold others come later."""
        height: dict[int, int] = {}
        inside: dict[int, set[Datum]] = {}
        for group in groups(self.tree.root):
            below = [part for part in group.parts if isinstance(part, Group)]
            height[id(group)] = 1 + max((height[id(part)] for part in below), default=0)
            group.family = self.kin(group)
            inside[id(group)] = {part.family for part in below}.union(*(inside[id(part)] for part in below))
        everyone = list(groups(self.tree.root))
        nested = {group.family for group in everyone if group.family in inside[id(group)]}
        keys = [(one.family, height[id(one)]) if one.family in nested else one.family for one in everyone]
        found = grouped(zip(keys, everyone, strict=True))
        return sorted(found.values(), key=lambda family: max(height[id(group)] for group in family))

    def kin(self, group: Group) -> Datum:
        known = self.flat.classes.get(group.path, "")
        return ("class", known) if known not in CONTAINERS else re.sub(r"\d+([a-z]?(?=\.|\Z))?", "#", group.path)

    def family(self, family: list[Group]) -> None:
        """Make blocks of the structures that a family's groups have."""
        kinds: dict[Datum, list[Group]] = {}
        for group in family:
            group.parts = list(self.opened(group))
            if len(group.parts) > 1 and group.span not in self.dissolved:
                kinds.setdefault(self.structure(group), []).append(group)
        patterns: list[Pattern] = []
        for (marks, refs), members in sorted(kinds.items(), key=lambda kind: -len(kind[0][0])):
            if not any(
                pattern.take(marks, refs, members, strict=strict) for strict in (True, False) for pattern in patterns
            ):
                patterns.append(Pattern(marks, refs, members))
        for pattern in patterns:
            if len(pattern.rows) > 1:
                self.block(pattern)

    def opened(self, group: Group) -> list[TreeItem]:
        """Return a group's parts, calls in place of the groups inside it, equal ones in a row as one."""
        found: list[TreeItem] = []
        for part in group.parts:
            if isinstance(part, Group):
                found += [part.call] if part.call else self.opened(part)
            else:
                found.append(part)
        merged: list[TreeItem] = []
        for part in found:
            if merged and self.again(merged[-1], part):
                last = merged[-1]
                last.repeat += part.repeat
                last.outputs, last.y = part.outputs, part.y
                last.span = (last.span[0], part.span[1])
            else:
                merged.append(part)
        return merged

    def again(self, last: TreeItem, part: TreeItem) -> bool:
        """Say whether a part is the one before once more, fed by that alone."""
        alike = last.kind == part.kind and last.share == part.share and same(last.fields, part.fields)
        chained = len(part.inputs) == 1 and part.inputs == last.outputs and len(part.outputs) == 1
        if not alike or not chained or last.outputs[0] in self.tree.results:
            return False
        return all(part.span[0] <= user < part.span[1] for user in self.tree.users[last.outputs[0]])

    # ---- structure -------------------------------------------------------------------------------------

    def structure(self, group: Group) -> tuple[Datum, Datum]:
        """Return what must be equal in the instances of a block: the items' kinds, and what feeds them."""
        parts = [part for part in group.parts if isinstance(part, TreeItem)]
        words: dict[str, int] = {}
        shares = [words.setdefault(part.share, len(words)) if part.share else None for part in parts]
        marks = [(part.kind, fixed(part), share, len(part.outputs)) for part, share in zip(parts, shares, strict=True)]
        return tuple(marks), tuple(self.refs(parts))

    def refs(self, parts: list[TreeItem]) -> list[tuple[Ref, ...]]:
        """Return for each part the places of those that feed it."""
        places: dict[str, Ref] = {}
        found = []
        for number, part in enumerate(parts):
            found.append(tuple(places.get(value, ENTERS) for value in part.inputs))
            places.update({value: (number, part_of(part.outputs, k)) for k, value in enumerate(part.outputs)})
        return found

    def block(self, pattern: Pattern) -> None:
        """Make a block of a pattern, and calls of its instances."""
        rows = sorted(pattern.rows, key=lambda row: row[0].span)
        first = rows[0][0]
        items = []
        for place, refs in enumerate(pattern.refs):
            group, part = next((group, row[place]) for group, row in rows if row[place])
            assert part is not None
            items.append(WrittenItem(part, refs, part.path.removeprefix(f"{group.path}.")))
        ends = [tuple(self.flat.shapes[values[0]] for values in self.tree.ends(group)) for group, _ in rows]
        fitter = Fitter([row for _, row in rows], [x.c for x, _ in ends], [y.c for _, y in ends])
        block = fitter.block(items, first.path, self.names)
        self.variables |= {argument.name for argument in block.arguments}
        block.name = free(self.title(first), self.names | self.variables)
        self.names.add(block.name)
        self.blocks.append(block)
        self.members[block] = [group for group, _ in rows]
        for number, (group, _) in enumerate(rows):
            entering, leaving = self.tree.ends(group)
            call = group.call = TreeItem(block, block.call(number), entering, leaving, group.path)
            call.span, call.share = group.span, group.share
            call.x, call.y = ends[number]

    def title(self, group: Group) -> str:
        """Return a block's name: its class's in snake case, or what its path says."""
        known = self.flat.classes.get(group.path, "")
        if known not in CONTAINERS:
            return snake(known)
        words = [re.sub(r"\d+[a-z]?\Z", "", word).strip("_") for word in group.path.split(".")]
        stem = snake(next((word for word in reversed(words) if word), "")) or "block"
        if not words[-1] and any(part.cls is None for part in _parts(group)):
            return "stage"
        return f"{stem}_block" if not words[-1] and "block" not in stem else stem

    # ---- what came of it -------------------------------------------------------------------------------

    def poor(self) -> set[tuple[int, int]]:
        """Return the groups whose blocks save no line: called once, or too small."""
        sites: dict[FoundBlock, list[WrittenItem]] = {block: [] for block in self.blocks}
        for items in (self.items, *(block.items for block in self.blocks)):
            for item in items:
                if isinstance(item.kind, FoundBlock):
                    sites[item.kind].append(item)
        poor = {block for block, calls in sites.items() if _saves_nothing(block, calls)}
        within = {item.kind for block in poor for item in block.items}  # may be called more often once those are gone
        return {group.span for block in poor - within for group in self.members[block]}

    def data(self) -> dict[str, Datum]:
        """Return the spec as data."""
        flat = self.flat
        head: dict[str, Datum] = {"costcalc": VERSION, "name": flat.name, "source": flat.source}
        head |= {"input": flat.entering}
        bodies = {block.head: written(block.items, block, self.names)[0] for block in self.blocks}
        places = {value: (n, k) for n, part in enumerate(self.root) for k, value in enumerate(part.outputs)}
        results = [self.place(places[value]) for value in flat.outputs if value in places]
        layers, outputs = written(self.items, None, self.names | self.variables, results)
        defaults = defaulted([*bodies.values(), layers]) | self.tree.fields
        head |= {"defaults": defaults, "blocks": bodies, "layers": layers, "outputs": outputs}
        return {key: value for key, value in head.items() if value not in ("", [], {})}

    def place(self, place: tuple[int, int]) -> Ref:
        number, k = place
        return (number, part_of(self.root[number].outputs, k))


class Pattern:
    """The structure of a block, of which an instance may lack an item or two."""

    def __init__(self, marks: Datum, refs: Datum, members: list[Group]) -> None:
        self.marks = marks
        self.refs = refs
        self.first = members[0]
        self.rows: list[tuple[Group, list[TreeItem | None]]] = [(group, list(_parts(group))) for group in members]

    def take(self, marks: Datum, refs: Datum, members: list[Group], *, strict: bool) -> bool:
        """Take groups of another structure in, if it is this one without some items that can be left out.

        strict: the items that stay have equal windows, norms and activations too.
        """
        found = self.matched(marks, refs, list(_parts(members[0])), strict=strict)
        if found is None:
            return False
        for group in members:
            parts = list(_parts(group))
            self.rows.append((group, [None if k is None else parts[k] for k in found]))
        return True

    def matched(self, marks: Datum, refs: Datum, parts: list[TreeItem], *, strict: bool) -> list[int | None] | None:
        """Return for each item of the pattern its place in a shorter structure, None for one that is left out."""
        found: list[int | None] = []
        values: list[Datum] = []  # what flows out of each item, as the shorter structure names it
        mine = list(_parts(self.first))
        for k, mark in enumerate(self.marks):
            taken = len(found) - found.count(None)
            fed = tuple(ENTERS if n < 0 else _sent(values[n], part) for n, part in self.refs[k])
            fits = taken < len(marks) and marks[taken] == mark and refs[taken] == fed
            if fits and not (strict and looks(mine[k]) != looks(parts[taken])):
                found.append(taken)
                values.append((taken, None))
            elif len(mine[k].outputs) > 1 or (mine[k].joins and (mine[k].fields or not k)):
                return None
            else:
                found.append(None)
                values.append(fed[0] if len(fed) == 1 else values[-1] if values else ENTERS)
        left = found.count(None)
        whole = left + len(marks) == len(found) and values[-1] == (len(marks) - 1, None)
        return found if whole and left <= min(MOST_OPTIONAL, len(marks)) else None


def _saves_nothing(block: FoundBlock, calls: list[WrittenItem]) -> bool:
    """Say whether a spec would be no longer without a block; a call that repeats or is optional keeps it."""
    body = len(block.items)
    kept = any(not same(item.repeat, 1) or item.flag for item in calls)
    return not kept and len(calls) * body <= 1 + body + len(calls)


def _parts(group: Group) -> Iterator[TreeItem]:
    return (part for part in group.parts if isinstance(part, TreeItem))


def _sent(value: Ref, part: str | None) -> Ref:
    return (value[0], part) if part is not None else value


def looks(part: TreeItem) -> tuple[str, ...]:
    """Return what two layers should have in common to be taken for one: window, norm, activation."""
    if part.cls is None:
        return ()
    return tuple(repr(part.fields.get(name, ABSENT)) for name in ("kernel", *part.cls.roles))


def snake(name: str) -> str:
    """Return a class's name in snake case: `InvertedResidual` is `inverted_residual`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"\W+", "_", name).strip("_0123456789")


def _equal(flat: Flat, data: dict[str, Datum]) -> bool:
    """Say whether a spec is the flat network, row by row: operators and fields, shapes, wiring, shared weights."""
    try:
        graph = expand(zoo.load(data))
    except SpecError:
        return False
    return _rows(graph) == _rows_of(chained(flat.steps))


def _rows(graph: Graph) -> list[Datum]:
    found = []
    for node in graph.nodes:
        fed = [(t.node.index, t.node.outputs.index(t)) if t.node else None for t in node.inputs]
        found.append((_said(node.op), node.y, fed, node.shared.index if node.shared else None))
    return found


def _rows_of(steps: list[Step]) -> list[Datum]:
    found: list[Datum] = []
    places: dict[str, Datum] = {INPUT: None}
    shared: dict[str, int] = {}
    for number, step in enumerate(steps):
        places.update({value: (number, k) for k, value in enumerate(step.outputs)})
        fed = [places[value] for value in step.inputs]
        first = shared.setdefault(step.share, number) if step.share and learned(step) else number
        found.append((_said(step.op), step.y, fed, None if first == number else first))
    return found


def _said(op: ops.Op) -> tuple[str, dict[str, Datum]]:
    """Return an operator and its fields, less the norm and the activation, which have rows of their own."""
    return op.kind, {name: value for name, value in vars(op).items() if name not in op.roles}
