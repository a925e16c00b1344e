"""Random search spaces, small enough to be run setting by setting: every question has the answer of brute force.

    python tests/tools/fuzz_spaces.py 500 0

draws 500 specs from seed 0 on. Brute force expands each setting by itself, with knobs that note what is read of them:
settings of which the same is read, with the same values, are one network.
"""

from __future__ import annotations

import itertools
import random
import re
import sys
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np

import costcalc
from costcalc.base.errors import SpecError
from costcalc.graph.expand import Expansion
from costcalc.language import zoo
from costcalc.spaces import components
from costcalc.spaces.space import Space

MOST_SETTINGS = 800
LARGEST_PARTS = (
    components.MOST_SETTINGS,
    2,
    8,
)  # of a seed each in turn: the smaller, the more is taken apart in cases


class NotedList(list):
    """A list that notes which of its elements are read."""

    __hash__ = None

    def __init__(self, values: Any, name: str, read: set[tuple[str, int | None]]) -> None:
        super().__init__(values)
        self.name, self.read = name, read

    def __getitem__(self, place: int) -> Any:
        self.read.add((self.name, range(len(self))[place]))
        return super().__getitem__(place)

    def __iter__(self) -> Any:
        return (self[place] for place in range(len(self)))


class NotedNames(dict):
    """Variables that note which of the names searched are read."""

    def __init__(self, values: Any, names: set[str], read: set[tuple[str, int | None]]) -> None:
        super().__init__(values)
        self.names, self.read = names, read

    def __getitem__(self, name: str) -> Any:
        if name in self.names:
            self.read.add((name, None))
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401

    def copy(self) -> NotedNames:
        return NotedNames(self, self.names, self.read)

    def __or__(self, others: Any) -> NotedNames:
        found = NotedNames(self, self.names - {*others}, self.read)
        found.update(others)
        return found


def drawn(seed: int) -> dict[str, Any]:  # noqa: C901
    """Return a random spec with a search."""
    r = random.Random(seed)
    kernels, depths = r.randint(1, 3), r.randint(1, 2)
    knobs: dict[str, Any] = {"ks": [1] * kernels, "w": 8, "flag": True, "word": "conv", "ds": [1] * depths, "g": 1}
    words = [["conv", "dwconv", "max_pool"], ["dwconv", "max_pool", "avg_pool"], ["b1", "b2", "dwconv"]]
    search: dict[str, Any] = {}
    for name, share, values in (
        ("ks", 0.8, {"each": r.sample([1, 3, 5], r.randint(2, 3))}),
        ("w", 0.5, r.sample([8, 16, 24], 2)),
        ("flag", 0.4, [True, False]),
        ("word", 0.4, r.choice(words)),
        ("ds", 0.6, {"each": r.sample([0, 1, 2, 3], r.randint(2, 3))}),
        ("g", 0.3, [1, 2, 3]),
    ):
        if r.random() < share:
            search[name] = values
            first = (values["each"] if isinstance(values, dict) else values)[0]
            knobs[name] = [first] * len(knobs[name]) if isinstance(values, dict) else first

    def one_of(*texts: str) -> str:
        return r.choice(texts)

    def width() -> str:
        return one_of("w", "2 * w", "c_in", "8", "16", "w if flag else 8", f"8 * ks[{r.randrange(kernels)}]")

    def kernel() -> str:
        return one_of(f"ks[{r.randrange(kernels)}]", "3", "1", "ks[0] if flag else 3")

    def depth() -> str:
        return f"ds[{r.randrange(depths)}]"

    def item(level: int) -> dict[str, Any]:
        conv = {"out": width(), "kernel": kernel(), "padding": "half", "groups": r.choice([1, 1, 1, "g"])}
        kinds: list[dict[str, Any]] = [
            {"conv": conv},
            {"relu": None},
            {"dwconv": {"kernel": kernel(), "padding": "half", "stride": r.choice([1, 1, 2])}},
            {"b": {"k": kernel(), "o": width()}},
            {"concat": [[{"conv": {"out": width(), "kernel": 1}}], []]},
            {"add": [[{"conv": {"out": "c_in", "kernel": kernel(), "padding": "half"}}], []]},
        ]
        if level < 2:
            kinds.append({"do": [item(level + 1) for _ in range(r.randint(1, 2))]})
        found = r.choice([kinds[0], *kinds])
        if r.random() < 0.25:
            found["repeat"] = one_of(depth(), "2", f"{depth()} + 1", "1 if flag else 2")
        if r.random() < 0.25:
            found["if"] = one_of("flag", f"{depth()} > 1", "w == 8", "not flag and w > 8", "c_in > 8")
        return found

    layers: list[Any] = [{"conv": {"out": 8, "kernel": 1}}, *(item(0) for _ in range(r.randint(2, 5)))]
    if "word" in search:
        layers.append({"word": {"kernel": 3} if search["word"][0] != "conv" else {"kernel": "ks[0]", "out": "8"}})
    if r.random() < 0.4:
        layers += [{"conv": {"out": "w", "kernel": 1}, "name": "q"}, "relu", {"conv": {"out": width()}, "if": "flag"}]
        layers[-1]["conv"]["kernel"] = 1
        layers.append({r.choice(["add", "concat"]): ["q", []]})
    blocks = {
        "b(k, o)": [
            {"conv": {"out": "o", "kernel": "k", "padding": "half"}},
            {"conv": {"out": one_of("w", "o", "2 * o"), "kernel": 1}, "if": one_of("flag", "k > 1", "w > 8")},
        ],
        "b1(kernel)": [{"dwconv": {"kernel": "kernel", "padding": "half"}}, {"conv": {"out": "w", "kernel": "ks[0]"}}],
        "b2(kernel)": [{"conv": {"out": "2 * w", "kernel": 1}}],
    }
    used = "'b'" in repr(layers), "b1" in search.get("word", ()), "b1" in search.get("word", ())
    blocks = {head: body for (head, body), there in zip(blocks.items(), used, strict=True) if there}
    text = repr(layers) + repr(blocks)
    knobs = {name: value for name, value in knobs.items() if re.search(rf"\b{name}\b", text)}
    search = {name: values for name, values in search.items() if name in knobs}
    data = {"costcalc": 1, "name": "drawn", "input": [3, 8, 8], "knobs": knobs, "search": search, "layers": layers}
    return {key: value for key, value in data.items() if value} | ({"blocks": blocks} if blocks else {})


def brute(space: Space) -> tuple[dict[frozenset[tuple[int, int]], tuple[int, int]], int]:
    """Return what each network costs, by the values of the choices that it reads; and how many settings are refused."""
    spec, refused = space.spec, 0
    found: dict[frozenset[tuple[int, int]], tuple[int, int]] = {}
    for places in itertools.product(*(range(len(choice.values)) for choice in space.choices)):
        read: set[tuple[str, int | None]] = set()
        knobs: dict[str, Any] = {k: list(v) if isinstance(v, list) else v for k, v in spec.knobs.items()}
        for choice, place in zip(space.choices, places, strict=True):
            if choice.place is None:
                knobs[choice.knob] = choice.values[place]
            else:
                knobs[choice.knob][choice.place] = choice.values[place]
        of_lists = {choice.knob for choice in space.choices if choice.place is not None}
        lists = {name: NotedList(knobs[name], name, read) for name in of_lists}
        names = {choice.knob for choice in space.choices if choice.place is None}
        try:
            graph = Expansion(spec, NotedNames(knobs | lists, names, read)).network({})
        except SpecError:
            refused += 1
            continue
        key = frozenset(
            (choice.number, place)
            for choice, place in zip(space.choices, places, strict=True)
            if (choice.knob, choice.place) in read
        )
        counted = costcalc.count(spec, knobs=knobs)
        assert len(counted.rows) == len(graph.nodes)
        cost = counted.params, counted.macs
        assert found.setdefault(key, cost) == cost
    return found, refused


def compared(seed: int, most: int = MOST_SETTINGS) -> str:
    """Raise AssertionError where a space answers otherwise than brute force; say what was compared."""
    data = drawn(seed)
    if "search" not in data:
        return "nothing is searched"
    try:
        spec = zoo.load(data)
        costcalc.count(spec)
    except SpecError:
        return "the spec is refused"
    components.MOST_SETTINGS = LARGEST_PARTS[seed % len(LARGEST_PARTS)]
    space = Space(spec)
    if space.settings > most:
        return "too large"
    networks, refused = brute(space)
    assert (space.size, space.refused) == (len(networks), refused), (seed, space.size, len(networks), refused)
    costs = np.array(list(networks.values()))
    r = random.Random(seed)
    for column, name in enumerate(space.metrics):
        mine = np.sort(costs[:, column])
        assert space.mean(name) == Fraction(int(mine.sum()), len(mine))
        for share in (0, 0.1, 0.5, 0.77, 1):
            rank = max(1, -(-len(mine) * Fraction(share).limit_denominator(10**9) // 1))
            assert space.quantile(name, share) == mine[rank - 1], (seed, name, share)
        for bound in (*(int(r.choice(mine)) for _ in range(2)), int(mine[0]) - 1):
            for sign, fits in (
                ("<=", costs[:, column] <= bound),
                ("<", costs[:, column] < bound),
                (">=", costs[:, column] >= bound),
                (">", costs[:, column] > bound),
            ):
                under(space, networks, costs, fits, f"{name} {sign} {bound}", seed)
    both(space, costs, r, seed)
    return "equal, with settings that are refused" if refused else "equal"


def under(space: Space, networks: Any, costs: Any, fits: Any, where: str, seed: int) -> None:
    """Compare what is asked under one condition; `fits` says which networks meet it."""
    assert space.count(where) == fits.sum(), (seed, where)
    for column, name in enumerate(space.metrics):
        for found, best in ((space.least(name, where), min), (space.most(name, where), max)):
            assert (found is None) == (not fits.any()), (seed, where, name)
            if found is not None:
                assert found.costs[name] == best(costs[fits, column]), (seed, where, name, best)
                again(space, found.knobs, found.costs)
    drawn_ones = space.sample(3, where, seed)
    assert len(drawn_ones) == (3 if fits.any() else 0)
    for row in drawn_ones.to_dict("records"):
        metrics = {name: row.pop(name) for name in space.metrics}
        again(space, row, metrics)
    spread = {(row.choice, row.value): row.networks for row in space.spread_of(where).itertuples()}
    for choice in space.choices:
        for place, value in enumerate(choice.values):
            wanted = sum((choice.number, place) in key for key, fit in zip(networks, fits, strict=True) if fit)
            assert spread[choice.name, value] == wanted, (seed, where, choice.name, value)


def both(space: Space, costs: Any, r: random.Random, seed: int) -> None:
    """Compare what is asked under limits on both metrics."""
    for _ in range(4):
        where, fits = [], np.ones(len(costs), bool)
        for column, name in enumerate(space.metrics):
            low, high = sorted(int(r.choice(costs[:, column])) for _ in range(2))
            kind = r.randrange(3)
            where += [f"{name} >= {low}"] if kind else []
            where += [f"{name} <= {high}"] if kind != 1 else []
            fits &= (costs[:, column] >= low) if kind else True
            fits &= (costs[:, column] <= high) if kind != 1 else True
        said = " and ".join(where)
        assert space.count(said) == fits.sum(), (seed, said, space.count(said), fits.sum())
        if fits.any():
            for row in space.sample(3, said, seed).to_dict("records"):
                metrics = {name: row.pop(name) for name in space.metrics}
                assert tuple(metrics.values()) in {tuple(cost) for cost in costs[fits].tolist()}, (seed, said)
                again(space, row, metrics)


def again(space: Space, knobs: dict[str, Any], costs: dict[str, int]) -> None:
    """Hold a network's costs against those that it has where it is counted by itself."""
    counted = costcalc.count(space.spec, knobs=knobs)
    assert {"params": counted.params, "macs": counted.macs} == costs


if __name__ == "__main__":
    number, start = (int(word) for word in (sys.argv[1:] + ["500", "0"][len(sys.argv) - 1 :]))
    print(dict(Counter(compared(seed) for seed in range(start, start + number))))
