"""What holds for every spec: sums, the second road, round trips, sweeps, and no mistake without a message."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
import strategies
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.base.errors import Fault
from costcalc.costs import conventions
from costcalc.costs.rows import rows
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph, Tensor
from costcalc.graph.scope import Binding, Frame, Scope
from costcalc.language import zoo
from costcalc.language.document import DependsOnMistake
from costcalc.language.expr import Expr, parse
from costcalc.numbers.num import LARGEST
from costcalc.numbers.shape import Shape
from costcalc.operators.op import operators
from costcalc.reports.lines import VIEWS
from costcalc.reports.result import Result

SECONDS = 2.0  # the most that any text may take


def steady(examples: int) -> Any:
    """Return settings under which every run draws the same examples."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def counted(source: Any) -> Result:
    return Result(expand(source), conventions.get(conventions.DEFAULT))


# ---- specs -----------------------------------------------------------------------------------------


@steady(150)
@given(strategies.specs())
def test_rows_sum_to_totals(data: dict[str, Any]) -> None:
    result = costcalc.count(data)
    parts = rows(result.graph)
    assert result.params == sum(row.weights + row.biases + row.norm_params for row in parts)
    assert result.macs == sum(row.macs for row in parts)
    for view in VIEWS:
        shown = result.lines(view)
        assert sum(line.cost.params for line in shown) == result.params
        assert sum(line.cost.operations for line in shown) == result.macs
        assert sorted(id(row) for line in shown for row in line.rows) == sorted(map(id, result.rows))
    twice = costcalc.count(data, batch=2)
    assert (twice.params, twice.macs) == (result.params, 2 * result.macs)


# ---- the second road -------------------------------------------------------------------------------


LONGEST = 16  # steps of a sequence


def by_both_roads(data: dict[str, Any]) -> Graph:
    """Return the graph of a spec that costs by PyTorch what it costs by our rules."""
    from costcalc.interop.torch.verify import verify

    graph = expand(zoo.load(data))
    if any(node.op.kind in strategies.IN_STEPS and node.inputs[0].shape.space[-1] > LONGEST for node in graph.nodes):
        return graph  # PyTorch's counter runs each step by itself, for minutes; the twins are held over short ones
    found = verify(graph)
    assert found.agrees, [check.to_dict() for check in found.differing]
    return graph


@pytest.mark.slow
def test_the_second_road() -> None:
    """Two thousand random graphs agree; and they are graphs, in which every operator occurs."""
    pytest.importorskip("torch")
    sizes, joined, found = [], 0, Counter[str]()

    @steady(2000)
    @given(strategies.specs())
    def check(data: dict[str, Any]) -> None:
        nonlocal joined
        nodes = by_both_roads(data).nodes
        sizes.append(len(nodes))
        joined += any(len(node.inputs) > 1 for node in nodes)
        found.update({node.op.kind for node in nodes})

    check()
    assert len(sizes) >= 2000
    assert median(sizes) >= 8
    assert joined >= len(sizes) / 2
    rare = {cls.kind: found[cls.kind] for cls in operators().values() if found[cls.kind] < 20}
    assert not rare


@steady(40)
@given(strategies.specs())
def test_networks_run_forward_and_backward(data: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    torch.manual_seed(0)
    graph = expand(zoo.load(data))
    if any(node.op.reads_as or node.op.gives_as or node.op.kind == "zeros" for node in graph.nodes):
        return  # random numbers are places that no table has; truths, places and what is zero have no slope
    if any(node.op.kind == "instance_norm" and node.y.pixels == 1 for node in graph.nodes):
        return  # PyTorch does not train a norm over one number
    (shape,) = graph.input_shapes.values()
    network = build(graph)
    image = torch.rand(2, *shape.dims, requires_grad=True)
    outputs = network(image)
    loss = sum(out.square().mean() for out in (outputs if isinstance(outputs, tuple) else (outputs,)))
    # What is only stated gives zeros, whatever enters; and some numbers do no work on the image.
    if any(not node.op.derived for node in graph.nodes):
        return
    loss.backward()
    assert image.grad is not None
    working = [network.nodes[node.index] for node in graph.nodes if node.op.kind != "weight_params"]
    assert all(weight.grad is not None for module in working for weight in module.parameters())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("specs")


@steady(100)
@given(data=strategies.specs())
def test_a_dict_and_its_yaml_count_the_same(folder: Any, data: dict[str, Any]) -> None:
    path = folder / "drawn.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    ours, theirs = costcalc.count(data), costcalc.count(costcalc.load(path))
    assert ours.to_dict() == theirs.to_dict()


# ---- sweeps ----------------------------------------------------------------------------------------

MOBILENET = """
costcalc: 1
name: chain
knobs: {width: 1.0, resolution: 224, classes: 1000}
define:
  ch(c): int(c * width)
  wide(c): divisible(c * width, 8)
input: [3, resolution, resolution]
defaults:
  conv: {padding: half, norm: batch, act: relu}
  dwconv: {padding: half, norm: batch, act: relu}
blocks:
  separable(out, stride=1):
    - dwconv: {kernel: 3, stride: stride}
    - conv: {out: out, kernel: 1}
  gated(ratio=4):
    - global_avg_pool
    - fc: {out: "max(c_in // ratio, 1)", act: relu}
    - fc: {out: c_of(input), act: sigmoid}
    - multiply: [input, []]
layers:
  - conv: {out: ch(32), kernel: 3, stride: 2}
  - table:
      - [c, s, n]
      - [64, 1, 1]
      - [128, 2, 2]
      - [256, 2, 2]
      - [512, 2, 6]
      - [1024, 2, 2]
    do:
      - separable: [ch(c), "s if i == 0 else 1"]
        repeat: n
  - add: [[], {conv: {out: c_in, kernel: 1}}]
  - gated
  - concat: [[], {avg_pool: {kernel: 3, stride: 1, padding: same}}]
  - conv: {out: wide(300), kernel: [1, 3], padding: same}
  - conv_transpose: {out: wide(100), kernel: 2, stride: 2}
  - max_pool: {kernel: 3, stride: 2, ceil_mode: true}
  - global_avg_pool
  - fc: {out: classes}
"""
AXES: dict[str, list[Any]] = {
    "width": [0.25, 0.5, 0.75, 1.0, 1.3],
    "resolution": [96, 128, 177, 224],
    "classes": [10, 1000],
}


def swept(loaded: Any, axes: dict[str, list[Any]]) -> Graph:
    """Return the graph of a whole sweep, each knob along an axis of its own."""
    shaped = {}
    for k, (name, values) in enumerate(axes.items()):
        shaped[name] = np.array(values).reshape([-1 if k == axis else 1 for axis in range(len(axes))])
    return expand(loaded, shaped)


@pytest.mark.parametrize("names", [["width"], ["resolution"], ["width", "resolution"], list(AXES)])
def test_a_sweep_is_the_single_counts(names: list[str]) -> None:
    loaded = zoo.load_text(MOBILENET)
    axes = {name: AXES[name] for name in names}
    result = Result(swept(loaded, axes), conventions.get(conventions.DEFAULT))
    size = tuple(len(values) for values in axes.values())
    macs, params = (np.broadcast_to(total, size) for total in (result.macs, result.params))
    for index in np.ndindex(*size):
        one = costcalc.count(loaded, **{name: axes[name][k] for name, k in zip(axes, index, strict=True)})
        assert (macs[index], params[index]) == (one.macs, one.params)
        for ours, theirs in zip(result.rows, one.rows, strict=True):
            assert np.broadcast_to(ours.macs, size)[index] == theirs.macs, ours.name
            assert np.broadcast_to(ours.params, size)[index] == theirs.params, ours.name


# ---- texts -----------------------------------------------------------------------------------------

INLINE = [
    MOBILENET,
    """
costcalc: 1
knobs: {depth: 2, block: plain, widths: [4, 8]}
input: [3, 32, 24]
blocks:
  plain(out): [{conv: {out: out, kernel: 3, padding: half, norm: batch}}, relu]
  pair:
    inputs: [a, b]
    layers: [{add: [a, b], name: sum}, {relu, name: out}]
    outputs: [sum, out]
layers:
  - table: {c: widths}
    name: stage(row)
    do: [{block: {out: c}, repeat: depth}, {max_pool: {kernel: 2}, if: row > 0}]
  - {conv: {out: 8, kernel: 1}, name: left}
  - {conv: {out: 8, kernel: 1}, name: right, from: stage(1)}
  - {pair, from: [left, right], name: both}
  - {identity, from: both.sum}
  - concat: {sum: both.sum, out: both.out, gate: [global_avg_pool, {multiply: [[], both.out]}],
             more: {conv: {out: 4, kernel: 1}, from: left}}
""",
    """
costcalc: 1
input: [3, 64, 64]
layers:
  - include: {spec: resnet18, until: stage1, as: trunk, knobs: {width: 0.5, classes: 10}}
  - {conv: {out: 16, kernel: 3, padding: same}, bits: 8, density: 0.5}
  - {split: {parts: 2}, name: halves}
  - {conv: {out: 4, kernel: 1}, from: halves.part0, name: a, share: heads}
  - {conv: {out: 4, kernel: 1}, from: halves.part1, name: b, share: heads}
outputs: [a, b]
min_resolution: 16
published: {source: none, rows: [{where: here, macs: 1M, params: 2.5K, top1: 70}]}
""",
    """
costcalc: 1
name: chosen
knobs: {first: true, taps: [a, b], kind: relu, n: 3}
input: [6, 9, 9]
define:
  either(x, y): x if first else y
defaults: {conv: {padding: half}}
blocks:
  root(kids, skip=none):
    - concat: kids + [input]
    - {conv: {out: c_of(input), kernel: 1}, name: made}
    - add: [[], skip]
    - {relu, sets: made, if: skip != none}
  grown(k):
    - {do: [], into: kids}
    - do:
        - concat: kids
        - {conv: {out: k, kernel: 3}, into: kids}
      repeat: n
    - concat: kids
layers:
  - {conv: {out: 6, kernel: 3}, name: a}
  - {relu, name: b, from: a if n > 1 else input}
  - {identity, from: "either(a, b) if first else b"}
  - concat: [taps, []]
  - grown: [4]
  - {split: {parts: 2}, name: h}
  - add: ["h[0]", "h[1] if first else h.part1"]
  - {root: {kids: "[a, b]", skip: "[a, b][0] if n > 4 else none"}, name: r}
  - concat: [[conv: {out: c_of(joined) // 2, kernel: 1}], relu, kind, none]
  - {conv: {out: c_of(r), kernel: 1}, name: e}
  - {add: {broadcast: true}, from: "[r, e]", name: d}
  - add: ["d if first else r", conv: {out: c_in, kernel: 1}]
  - global_avg_pool
  - {fc: {out: "int(log2(c_in)) + sum([size_of(a, 0), h_of(b)])"}, name: fc_}
outputs: [a, fc_ if first else b]
""",
]
TEXTS = INLINE + [Path(path).read_text(encoding="utf-8") for path in zoo.files()]


@pytest.fixture(scope="module", autouse=True)
def _frozen() -> Iterator[None]:
    """Keep the garbage collector from walking over what earlier tests left, in the seconds of a spec."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def timed(run: Any, *args: Any) -> Any:
    begun = time.process_time()
    try:
        return run(*args)
    finally:
        spent = time.process_time() - begun
        assert spent < SECONDS, f"{spent:.1f} s"


def read(text: str) -> Result | None:
    try:
        return counted(zoo.load_text(text))
    except costcalc.SpecError as error:
        refused = error
    assert refused.problems
    assert all(problem.message for problem in refused.problems)
    assert str(refused)
    assert "no mistake was found" not in str(refused)  # what depends on a mistake is unknown, and that is told
    return None


@pytest.mark.parametrize("text", INLINE)
def test_inline_specs_are_right(text: str) -> None:
    assert read(text) is not None


@steady(700)
@given(strategies.mutated(TEXTS))
def test_a_spoilt_text_is_counted_or_refused(text: str) -> None:
    timed(read, text)


@steady(150)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(strategies.TOKENS), max_size=40).map("".join)))
def test_any_text_is_refused(text: str) -> None:
    assert timed(read, text) is None


def spec(layers: str, head: str = "input: [3, 8, 8]") -> str:
    return f"costcalc: 1\n{head}\nlayers: [{layers}]\n"


def chained(section: str, first: str, step: str, number: int) -> str:
    """Return a section whose entries each use the one before: `{0}` is an entry's number, `{1}` the last one's."""
    return f"input: [3, 8, 8]\n{section}:\n  {first}\n" + "".join(
        f"  {step.format(k, k - 1)}\n" for k in range(1, number)
    )


# Small texts that ask for much: depth, time, or memory.
HOSTILE = {
    "deep lists": "[" * 5000,
    "deep maps": "layers: " + "{a: " * 3000 + "}" * 3000,
    "many aliases": "a0: &a0 [x, x]\n" + "".join(f"a{k}: &a{k} [{f'*a{k - 1}, ' * 9}]\n" for k in range(1, 20)),
    "minus signs": spec(f"{{conv: {{out: {'-' * 390}1, kernel: 1}}}}"),
    "lists of lists": "costcalc: 1\ninput: [8]\ndefine: {f(x): '[x, x]'}\nblocks: {b(x): [fc: {out: len(x)}]}\n"
    f"layers: [b: ['{'f(' * 38}1{')' * 38}']]",
    "lists through blocks": "costcalc: 1\ninput: [8]\nblocks:\n  b0(x): [fc: {out: len(x)}]\n"
    + "".join(f"  b{k}(x): [b{k - 1}: [[x, x]]]\n" for k in range(1, 29))
    + "layers: [b28: [1]]",
    "powers": spec("{conv: {out: 9 ** 9 ** 9 ** 9, kernel: 1}}"),
    "powers of a float": spec("{conv: {out: 1e300 ** 9, kernel: 1}}"),
    "repeats of repeats": spec("{do: [{do: [relu], repeat: 9999}], repeat: 9999}"),
    "repeats of nothing": spec("{do: [], repeat: 9999}, {relu, repeat: 10001}"),
    "a huge input": spec("relu, flatten", "input: [999999999999999, 99999999999999, 9999999999999]"),
    "many axes": spec("{transpose, repeat: 9999}", f"input: [{'1, ' * 3000}1]"),
    "wide branches": spec("{add: [" + "[], " * 60000 + "[]]}"),
    "wide branches again and again": spec("{add: [" + "[], " * 500 + "[]], repeat: 9999}, {relu: 1}"),
    "a split again and again": spec(
        "{do: [{split: {parts: 256}, name: s}, {conv: {out: 256, kernel: 1}, from: s.part0}], repeat: 9999}",
        "input: [256, 8, 8]",
    ),
    "a device": spec("{include: /dev/zero}, {include: ../x.yaml}"),
    "many includes": spec(", ".join(f"{{include: {{spec: z{k}, as: a{k}}}}}" for k in range(2000))),
    "a circle of words": spec("b", "knobs: {b: f}\ninput: [3, 8, 8]\nblocks: {f: [b]}"),
    "growing blocks": spec("b19", chained("blocks", "b0: [relu, relu]", "b{0}: [b{1}, b{1}, b{1}]", 20)),
    "growing functions": spec(
        "{conv: {out: f21(1), kernel: 1}}", chained("define", "f0(x): x + 1", "f{0}(x): f{1}(f{1}(x))", 22)
    ),
    "growing lists": spec("{conv: {out: f59, kernel: 1}}", chained("define", "f0: [1]", "f{0}: [f{1}, f{1}]", 60)),
    "growing numbers": spec("{conv: {out: f39, kernel: 1}}", chained("define", "f0: 9999", "f{0}: f{1} * f{1}", 40)),
    "growing channels": spec("{concat: [[], []], repeat: 100}"),
    "many constants": spec("{zz}", chained("define", "f0: 1", "f{0}: f{1} + 1", 10000)),
    "many unknown names": spec("".join(f"{{name_of_no_layer{k}: 1}}, " for k in range(15000))),
    "too few arguments": spec("{conv: {out: ch(), kernel: 1}}", "input: [3, 8, 8]\ndefine: {ch(c): c}"),
    "no index": spec("{relu, name: p(0)}, {conv: {out: c_of(p()), kernel: 1}}"),
    "a function alone": spec("{conv: {out: twice, kernel: 1}}", "input: [3, 8, 8]\ndefine: {twice(x): 2 * x}"),
    "no branches": spec("{add: []}"),
    "a table without do": spec("{table: {depths: depths}}", "input: [3, 8, 8]\nknobs: {depths: [6, 6]}"),
    "a knob without a space": spec("block", "input: [3, 8, 8]\nknobs: {n: 1, block:relu me}"),
    "an input of its own": spec("conv", "input: [3 if c_in else n]"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused(name: str) -> None:
    assert timed(read, HOSTILE[name]) is None


# ---- expressions -----------------------------------------------------------------------------------


def scope() -> Scope:
    """Return a scope with a variable of every sort."""
    loaded = zoo.load_text(spec("relu", "input: [3, 8, 8]\ndefine: {twice(x): 2 * x}"))
    source = Tensor(Shape(3, 8, 8))
    found = Scope(Frame(loaded, {}, source), {}, source)
    found.vars |= {"k": 3, "f": 2.5, "text": "relu", "list": [1, 2], "nothing": None, "a": 7, "b": 12, "c": 0}
    layers = found.frame.layers
    layers["layer"] = layers["p3"] = Binding(Tensor(Shape(16, 4, 4)), None, (), skipped=False)
    return found


@steady(1500)
@given(strategies.expressions())
def test_an_expression_has_a_value_or_a_fault(text: str) -> None:
    # What a reader of specs refuses never runs: a function's name alone, or with too few arguments.
    with suppress(Fault, *([DependsOnMistake] if "twice" in text else [])):
        timed(lambda: ready(text).run(scope()))


def ready(text: str) -> Expr:
    found = parse(text)
    if any(count != 1 for name, _, count in found.calls if name in {"p", "twice"}):
        raise Fault("they take one argument")
    return found


@steady(600)
@given(strategies.arithmetic(), st.tuples(*[st.integers(-1000, 1000)] * 3))
def test_arithmetic_is_pythons(text: str, values: tuple[int, int, int]) -> None:
    names = dict(zip("abc", values, strict=True))
    within = scope()
    within.vars |= names
    try:
        wanted = eval(text, {"min": min, "max": max, "int": int}, names)
    except (ZeroDivisionError, OverflowError):
        wanted = None
    if wanted is None:
        with pytest.raises(Fault):
            parse(text).run(within)
        return
    with suppress(TooLarge):
        found = small_enough(lambda: parse(text).run(within))
        assert found == wanted
        assert type(found) is type(wanted)


class TooLarge(Exception):
    """A number beyond what costcalc counts with, which it may refuse."""


def small_enough(run: Callable[[], Any]) -> Any:
    try:
        found = run()
    except Fault as fault:
        if "large" in fault.message:
            raise TooLarge from None
        raise
    if abs(found) >= LARGEST:
        raise TooLarge
    return found
