"""One grammar for all Python functions: each pair of arguments is used by both, or refused in words; never ignored."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pytest

import costcalc
from costcalc import SpecError, estimates, plots

SPEC = """\
costcalc: 1
name: tiny
knobs: {c: 8, n: 1, k: 3}
variants:
  wide: {c: 16, n: 3, k: 5}
input: [3, 8, 8]
layers:
  - conv: {out: c, kernel: k, padding: half}
  - {conv: {out: 8, kernel: 3, padding: half}, repeat: n}
  - flatten
  - fc: {out: 10}
"""
OTHER = SPEC.replace("name: tiny", "name: other").replace("kernel: 3", "kernel: 5")
SEARCHED = SPEC.replace("input:", "search: {c: [4, 8, 16], n: [1, 3], k: [3, 5]}\ninput:")

TENSORS = {
    "conv.weight": np.zeros((8, 3, 3, 3)), "conv.bias": np.zeros(8), "conv_2.weight": np.zeros((8, 8, 3, 3)),
    "conv_2.bias": np.zeros(8), "fc.weight": np.zeros((10, 512)), "fc.bias": np.zeros(10),
}  # fmt: skip

# The words of the grammar, each with a value that changes what is counted.
WORDS: dict[str, Any] = {
    "knobs": {"c": 6},
    "input": (3, 10, 10),
    "batch": 2,
    "convention": "flops",
    "options": {"bits": 8},
    "limits": {"operations": 40, "activation_bytes": 40},
    "variant": "wide",
}


class Function(NamedTuple):
    """A function: what it is called with, other values of its arguments, and what of the grammar it does not take."""

    call: Callable[..., Any]
    first: tuple[Any, ...]
    given: dict[str, Any]
    own: dict[str, Any]
    not_taken: str = ""


BOUNDS = {"operations": 10**5, "activation_bytes": 10**5}
SWEPT = {"c": [4, 8, 6], "n": [1, 2, 3]}
OTHERS = {"c": [4, 5, 6], "n": [1, 2, 3]}
FUNCTIONS = {
    "load": Function(costcalc.load, (SPEC,), {}, {}, "input batch convention options limits"),
    "count": Function(costcalc.count, (SPEC,), {}, {}, "options limits"),
    "sweep": Function(
        costcalc.sweep,
        (SPEC,),
        {"knobs": SWEPT},
        {
            "knobs": OTHERS, "zip": True, "columns": "macs,activation_bytes", "per": "layer",
            "where": "macs > 60K and macs < 110K", "top": 1, "by": "c", "pareto": "macs,-c",
        },
        "limits",
    ),
    "sweep_arrays": Function(
        costcalc.sweep_arrays,
        (SPEC,),
        {"knobs": SWEPT},
        {"knobs": OTHERS, "zip": True, "columns": "macs,activation_bytes"},
        "limits",
    ),
    "solve": Function(
        costcalc.solve, (SPEC,), {"vary": {"c": [2, 3, 4]}, "limits": BOUNDS}, {"knobs": {"n": 2}, "vary": {"c": [1]}}
    ),
    "space": Function(
        costcalc.space, (SEARCHED,), {"columns": "params,macs,bytes"}, {"columns": "params,activations"}, "limits"
    ),
    "netadapt": Function(
        costcalc.netadapt,
        (SPEC,),
        {"target": 0.3, "metric": "bytes", "step": 0.25, "divisor": 1},
        {
            "target": 0.45, "metric": "macs", "step": 0.15, "decay": 0.2, "by": "share",
            "scores": {"conv": 1.0, "conv_2": 0.1, "conv_3": 0.2, "conv_4": 0.3}, "divisor": 4,
        },
        "limits",
    ),
    "scale_compound": Function(
        costcalc.scale_compound, (SPEC,), {"factors": {"c": 1.5}, "limits": BOUNDS},
        {"knobs": {"n": 2}, "factors": {"c": 1.6}},
    ),
    "scale_width": Function(
        costcalc.scale_width, (SPEC,), {"limits": BOUNDS}, {"knobs": {"n": 2}, "rounding": "1:down"}
    ),
    "compare": Function(costcalc.compare, (SPEC, OTHER), {}, {"columns": "macs,activation_bytes"}),
    "explore": Function(costcalc.explore, (SPEC,), {}, {"vary": "k"}, "limits"),
    "diff": Function(costcalc.diff, (SPEC, OTHER), {}, {}, "options limits"),
    "check": Function(
        costcalc.check, (SPEC, OTHER), {"limits": {"operations": 1, "activation_bytes": 1}}, {"tolerance": "1%"}
    ),
    "whatif": Function(costcalc.whatif, (SPEC, ("depthwise_separable", "conv 3x3")), {}, {}, "options limits"),
    "verify_weights": Function(costcalc.verify_weights, (SPEC, TENSORS), {}, {}, "batch convention options limits"),
    "reconcile": Function(costcalc.reconcile, (SPEC, "60K"), {}, {"top": 1}, "batch convention options limits"),
    "size": Function(
        estimates.size, (SPEC,), {}, {"bits": 4, "density": 0.5, "gap": 5, "pattern": "2:4", "scales": "channel"},
        "convention options limits",
    ),
    "latency": Function(
        estimates.latency, (SPEC, "nvidia_t4"), {}, {"dtype": "int8", "fusion": "eager"}, "convention options limits"
    ),
    "energy": Function(
        estimates.energy, (SPEC,), {}, {"table": "eyeriss", "dtype": "int8", "fusion": "eager", "onchip": 3000},
        "convention options limits",
    ),
}  # fmt: skip

# What is the same on purpose: function, word, what it stands beside ("" for anything), and why.
SAME = {
    ("compare", "convention", "columns"): "activation_bytes are the same; macs of both conventions are macs",
}


def digest(found: Any) -> Any:
    """Return what was found, as something that can be compared."""
    if hasattr(found, "attrs"):  # a DataFrame
        return str((found.to_dict("list"), found.attrs))
    if isinstance(found, costcalc.Spec):
        return str((found.knobs, found.variant))
    if isinstance(found, costcalc.Result):
        return str(found.to_dict())
    if hasattr(found, "after"):
        return digest(found.before) + digest(found.after)
    if hasattr(found, "totals"):  # arrays
        return str(
            ({name: np.asarray(one).tolist() for name, one in found.totals.items()}, found.axes, found.convention)
        )
    if hasattr(found, "breaches"):
        return str([breach.to_dict() for breach in found.breaches])
    return str(found.to_dict() if hasattr(found, "to_dict") else found)


def outcome(one: Function, given: dict[str, Any]) -> Any:
    """Return what a call gives, or None where it is refused in words."""
    try:
        return digest(one.call(*one.first, **{**copy.deepcopy(one.given), **given}))
    except SpecError:
        return None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_argument_is_ignored_beside_another(name: str) -> None:
    one = FUNCTIONS[name]
    values = {**WORDS, **one.own}
    alone = {word: outcome(one, {word: value}) for word, value in values.items()}
    plain = outcome(one, {})
    assert plain is not None
    for word in one.not_taken.split():
        assert alone[word] is None, f"{name}({word}=) is taken"
    for word in values.keys() - {*one.not_taken.split()}:
        assert alone[word] != plain, f"{name}({word}=) changes nothing"
    used = 0
    for first, second in combinations(values, 2):
        both = outcome(one, {first: values[first], second: values[second]})
        if both is None:
            continue
        used += 1
        assert not {first, second} & {*one.not_taken.split()}, f"{name}({first}=, {second}=) is taken"
        for word, other in ((first, second), (second, first)):
            if (name, word, other) not in SAME:
                assert both != alone[other], f"{name}({word}=) changes nothing beside {other}="
    assert used >= len(values) - len(one.not_taken.split()) - 1


def test_every_public_function_is_in_the_table() -> None:
    """Those left have no network, or need PyTorch or matplotlib: they are tried below."""
    functions = {name for name in costcalc.__all__ if name[0].islower()}
    assert functions - FUNCTIONS.keys() == {
        "conventions", "devices", "from_onnx", "from_torch", "metrics", "networks",
    }  # fmt: skip
    assert {"size", "latency", "energy"} <= FUNCTIONS.keys()


# ---- a network, whatever stands for it ------------------------------------------------------------------

FORMS: list[Callable[[], Any]] = [
    lambda: SPEC,
    lambda: costcalc.load(SPEC),
    lambda: costcalc.load(SPEC, c=8),
    lambda: costcalc.count(SPEC),
    lambda: costcalc.count(SPEC, knobs={"n": 1}),
    lambda: costcalc.count(costcalc.load(SPEC, variant="wide"), c=8, n=1, k=3),
]
# By hand: 3 * 9 * 8 + 8, 8 * 9 * 8 + 8, 8 * 64 * 10 + 10.
PARAMS = 224 + 584 + 5130


@pytest.mark.parametrize("form", FORMS)
def test_a_network_may_be_whatever_stands_for_one(form: Callable[[], Any]) -> None:
    network = form()
    assert costcalc.count(network).params == PARAMS
    assert costcalc.count(costcalc.load(network)).params == PARAMS
    assert costcalc.compare(network)["params"].tolist() == [PARAMS]
    assert not costcalc.diff(network, SPEC)
    assert costcalc.check(network, limits={"params": PARAMS})
    assert not costcalc.check(network, limits={"params": PARAMS - 1})
    assert costcalc.whatif(network, ("depthwise_separable", "conv 3x3")).before.params == PARAMS
    assert estimates.size(network).forms[0].least == 4 * PARAMS
    assert costcalc.reconcile(network, str(PARAMS)).matches[0].number == PARAMS
    assert np.asarray(costcalc.sweep_arrays(network).params).tolist() == PARAMS


def test_a_result_is_counted_as_it_was_unless_told() -> None:
    """Twice the MACs of one image of 10 x 10: 100 * 216 + 100 * 576 + 8 * 100 * 10."""
    result = costcalc.count(SPEC, input=(3, 10, 10), batch=2, c=8)
    macs = 100 * 216 + 100 * 576 + 8000
    assert result.macs == 2 * macs
    assert costcalc.count(result) is result
    assert costcalc.count(result, batch=3).macs == 3 * macs
    assert costcalc.count(result, convention="flops", batch=1).flops > 2 * macs - 1
    assert costcalc.sweep(result, n=[1, 2])["macs"].tolist() == [2 * macs, 2 * (macs + 57600)]
    assert costcalc.sweep(result, n=[1], batch=1)["macs"].tolist() == [macs]
    other = costcalc.sweep(costcalc.count(SPEC, convention="costcalc:flops"), n=[1])
    assert other.attrs["convention"] == "costcalc:flops"
    for call in (lambda: costcalc.count(result, input=(3, 8, 8)), lambda: costcalc.load(result)):
        with pytest.raises(SpecError, match="input"):
            call()


def test_a_module_is_read_over_the_input_given() -> None:
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.Flatten(), torch.nn.Linear(512, 10))
    for input_ in ((3, 8, 8), [3, 8, np.int64(8)], np.array([3, 8, 8])):
        assert costcalc.count(module, input=input_).params == 224 + 5130
    assert costcalc.load(module, input=(3, 8, 8)).name == "Sequential"
    assert costcalc.compare(module, SPEC, input=(3, 8, 8))["params"].tolist() == [224 + 5130, PARAMS]
    assert estimates.size(module, input=(3, 8, 8)).forms[0].least == 4 * (224 + 5130)
    with pytest.raises(SpecError, match="a PyTorch module is read over an input"):
        costcalc.count(module)
    built = costcalc.torch.build(SPEC, c=6, variant="wide", input=(3, 10, 10))  # 5 x 5 x 3 x 6 + 6, then thrice 3 x 3
    assert sum(one.numel() for one in built.parameters()) == 456 + (432 + 8) + 2 * (576 + 8) + 8010
    with pytest.raises(SpecError, match="batch is nothing that is asked here"):
        costcalc.torch.build(SPEC, batch=2)


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: costcalc.count("torchvision.models:resnet18"), "names a Python object, and to read it runs Python code"),
    (lambda: costcalc.load("os:getcwd"), 'costcalc.from_torch("os:getcwd", (3, 224, 224))'),
    (lambda: costcalc.compare(SPEC, "os:getcwd@c=3"), "names a Python object"),
    (lambda: costcalc.count(SPEC, knobs={"c": 4}, c=5), "the knob 'c' is given twice"),
    (lambda: costcalc.count(SPEC, knobs=[("c", 4)]), "knobs are values by name, not a list"),
    (lambda: costcalc.count(SPEC, knobs={"c": [4, 5]}), "takes a number, not"),
    (lambda: costcalc.count(costcalc.load(SPEC, c=4), c=5), "the knob 'c' is given twice: the network itself says 4"),
    (lambda: costcalc.count(SPEC, limits={"macs": 3}), "limits is nothing that is asked here"),
    (lambda: costcalc.load(SPEC, options={"bits": 8}), "options is nothing that is asked here"),
    (
        lambda: costcalc.count(SPEC, bits=8),
        'bits is an option of metrics, no knob\n        write options={"bits": ...}',
    ),
    (lambda: costcalc.count(SPEC, zip=True), "tiny has no knob 'zip'"),
    (lambda: costcalc.count(SPEC, zip=True), "it is an argument of costcalc.sweep"),
    (lambda: costcalc.count(SPEC, columns="macs"), "it is an argument of costcalc.count(...).table"),
    (lambda: costcalc.count(SPEC, by="type"), "it is an argument of costcalc.count(...).table"),
    (lambda: costcalc.count(SPEC, max_macs="3M"), 'it is written limits={"macs": ...}, for costcalc.check'),
    (lambda: costcalc.compare(SPEC, unit="flops"), 'in Python it is convention="costcalc:flops"'),
    (lambda: costcalc.diff(SPEC, OTHER, sort="macs"), "in Python it is by, of costcalc.sweep"),
    (lambda: costcalc.whatif(SPEC), "nothing is to be changed"),
    (lambda: costcalc.check(SPEC, limits=["macs"]), "limits are values by name, not a list"),
    (lambda: costcalc.check(SPEC, limits={"mac": 3}), "there is no metric 'mac'"),
    (lambda: costcalc.sweep(SPEC, SPEC, costcalc.count(SPEC, input=(3, 9, 9)), c=[1]), "counted on one input"),
    (lambda: costcalc.compare(costcalc.count(SPEC), costcalc.count(SPEC, batch=2)), "for a batch of 2, not 1"),
    (lambda: plots.layers(SPEC, limits={"macs": 1}), "limits is nothing that is asked here"),
    (lambda: plots.shapes(SPEC, batch=2), "batch is nothing that is asked here"),
    (lambda: plots.accuracy(limits={"latency": 1}), "latency"),
]


@pytest.mark.parametrize(("call", "said"), REFUSED, ids=map(str, range(len(REFUSED))))
def test_what_is_refused(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        call()
    assert said in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    given: dict[str, Any] = {"knobs": {"c": np.int64(8)}, "batch": np.int32(2), "input": np.array([3, 10, 10])}
    assert costcalc.count(SPEC, **given).macs == 2 * (100 * 216 + 100 * 576 + 8000)
    limits = {"params": np.int64(PARAMS), "macs": np.float64(1e6)}
    assert costcalc.check(SPEC, limits=limits)
    assert costcalc.solve(SPEC, vary={"c": np.array([4, 8, 16])}, limits=limits)["c"].tolist() == [8]
    assert costcalc.sweep(
        SPEC, c=np.arange(4, 9, 4), options={"bits": np.int8(8)}, columns="activation_bytes"
    ).shape == (2, 2)
    assert len(costcalc.reconcile(SPEC, str(PARAMS), top=np.int64(1)).matches) == 1
    assert estimates.size(SPEC, bits=np.int64(8)).forms[1].least


def test_the_rows_of_a_result() -> None:
    result = costcalc.count(SPEC)
    assert [row.name for row in result] == ["conv1", "conv2", "flatten", "fc"]
    assert (len(result), result["conv1"].params, "fc" in result, "fc1" in result) == (4, 224, True, False)
    assert result["fc"] in result
    for name, said in (("con1", "tiny has no row 'con1'\n        did you mean 'conv1'?"), (0, "tiny has no row 0")):
        with pytest.raises(SpecError) as caught:
            result[name]  # type: ignore[index]
        assert said in str(caught.value)


def test_options_of_a_result_may_stand_together() -> None:
    """6,184 bytes at 32 bits a number, of which there are a fourth at 8."""
    result = costcalc.count(SPEC)
    whole, eighth = (result.metric("activation_bytes", **given).total for given in ({}, {"options": {"bits": 8}}))
    assert whole == 4 * eighth == 4 * result.to_dict("activation_bytes", options={"bits": 8})["metrics"][0]["total"]
    for given, said in (({"options": {"bits": 8}, "bits": 4}, "is given twice"), ({"options": [8]}, "values by name")):
        with pytest.raises(SpecError, match=said):
            result.metric("activation_bytes", **given)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="bits does not matter to macs"):
        result.metrics("macs", options={"bits": 8})


def test_what_there_is() -> None:
    lists = (costcalc.networks, costcalc.metrics, costcalc.conventions, costcalc.devices)
    for found, one in zip(lists, ("resnet18", "peak_memory", "thop", "pixel1_big_core"), strict=True):
        names = found()
        assert isinstance(names, list)
        assert one in names
        assert len({*names}) == len(names)
