"""Whatever goes wrong while one node of another format is read, it is told by name and in words, or is opaque."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from costcalc.base.errors import Fault, SpecError
from costcalc.interop.blocks import folding
from costcalc.interop.caffe import layers as caffe_layers
from costcalc.interop.caffe.importer import read as read_caffe
from costcalc.interop.darknet import importer as darknet
from costcalc.language.flat import Flat

CFG = """
[net]
channels=3
height=8
width=8

[convolutional]
filters=4
"""
PROTOTXT = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 1 } }
"""
RAISED = [KeyError("secret"), IndexError("tuple index out of range"), TypeError("secret"), RecursionError("secret"),
          AssertionError(), MemoryError(), ZeroDivisionError("secret"), AttributeError("secret")]  # fmt: skip

Plant = Callable[[pytest.MonkeyPatch, Callable[..., Any]], None]
Read = Callable[[Path, bool], Flat]


def by_torch(folder: Path, opaque: bool) -> Flat:
    from costcalc.interop.torch.importer import from_torch

    torch = pytest.importorskip("torch")
    return from_torch(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1)), (3, 8, 8), opaque=opaque)


def by_onnx(folder: Path, opaque: bool) -> Flat:
    from costcalc.interop.onnx.importer import read

    onnx = pytest.importorskip("onnx")
    make = onnx.helper
    x, y = (make.make_tensor_value_info(name, 1, [1, 3, 8, 8]) for name in "xy")
    weight = make.make_tensor("w", 1, [3, 3, 1, 1], [0.0] * 9)
    node = make.make_node("Conv", ["x", "w"], ["y"], name="c")
    onnx.save(make.make_model(make.make_graph([node], "g", [x], [y], [weight])), folder / "m.onnx")
    return read(str(folder / "m.onnx"), opaque=opaque)


def in_torch(patch: pytest.MonkeyPatch, broken: Callable[..., Any]) -> None:
    from costcalc.interop.torch.importer import HANDLERS

    patch.setitem(HANDLERS, "conv2d", broken)


def in_onnx(patch: pytest.MonkeyPatch, broken: Callable[..., Any]) -> None:
    from costcalc.interop.tensors.net import RULES

    patch.setitem(RULES, "Conv", broken)


def in_caffe(patch: pytest.MonkeyPatch, broken: Callable[..., Any]) -> None:
    patch.setitem(caffe_layers._LAYERS, "Convolution", ("convolution_param", 1, 1, broken))


def in_darknet(patch: pytest.MonkeyPatch, broken: Callable[..., Any]) -> None:
    patch.setitem(darknet._LAYERS, "convolutional", broken)


# An importer, where it is broken, what names the node, and its place.
IMPORTERS: dict[str, tuple[Read, Plant, str]] = {
    "torch": (by_torch, in_torch, "0: conv2d.default: "),
    "onnx": (by_onnx, in_onnx, "c (Conv): "),
    "caffe": (lambda *_: read_caffe(PROTOTXT, where="n.prototxt"), in_caffe,
              "n.prototxt:3:19: layer 'c' (Convolution): "),
    "darknet": (lambda *_: darknet.read(CFG, where="n.cfg"), in_darknet, "n.cfg:7:1: convolutional0: "),
}  # fmt: skip


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", IMPORTERS)
def test_what_python_raises_gets_words_and_a_name(
    name: str, raised: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read, plant, named = IMPORTERS[name]

    def broken(*_: Any, **__: Any) -> Any:
        raise raised

    plant(monkeypatch, broken)
    with pytest.raises(SpecError) as caught:
        read(tmp_path, False)
    (problem,) = caught.value.problems
    assert problem.head == f"{named}makes no sense to costcalc as it stands here"
    assert problem.hint.endswith("please report it: costcalc should have words for it")
    assert ("opaque=True" in problem.hint) == (name in ("torch", "onnx"))


@pytest.mark.parametrize("name", IMPORTERS)
def test_a_fault_gets_the_name_and_a_mistake_passes(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, plant, named = IMPORTERS[name]
    for raised, said in ((Fault("is odd", "do this"), f"{named}is odd"), (SpecError([]), "")):

        def broken(*_: Any, raised: Exception = raised, **__: Any) -> Any:
            raise raised

        plant(monkeypatch, broken)
        with pytest.raises(SpecError) as caught:
            read(tmp_path, False)
        assert [problem.head for problem in caught.value.problems] == ([said] if said else [])


@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_where_it_was_asked_for_it_becomes_opaque(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read, plant, _ = IMPORTERS[name]

    def broken(*_: Any, **__: Any) -> Any:
        raise TypeError

    plant(monkeypatch, broken)
    (step,) = read(tmp_path, True).steps
    assert step.kind == "opaque"
    assert step.fields["params"] == {"torch": 16, "onnx": 9}[name]


RELU = """layer { name: "r" type: "ReLU" bottom: "c" top: "r" relu_param { odd: 1 } }"""
ODD = """layer { name: "r" type: "Deformed" bottom: "c" top: "r" }"""


def test_of_caffe_what_keeps_its_shape_becomes_opaque() -> None:
    with pytest.raises(SpecError, match="'odd' is not known here"):
        read_caffe(PROTOTXT + RELU)
    flat = read_caffe(PROTOTXT + RELU, opaque=True)
    assert [(step.kind, str(step.y)) for step in flat.steps] == [("conv", "4x8x8"), ("opaque", "4x8x8")]
    with pytest.raises(SpecError, match="does not say what shape it gives, so that it can't be opaque either"):
        read_caffe(PROTOTXT + ODD, opaque=True)


def test_of_darknet_an_activation_becomes_opaque() -> None:
    with pytest.raises(SpecError, match="activation 'stair' can't be expressed"):
        darknet.read(CFG + "activation=stair")
    flat = darknet.read(CFG + "activation=stair", opaque=True)
    assert [(step.kind, str(step.y)) for step in flat.steps] == [("conv", "4x8x8"), ("opaque", "4x8x8")]
    with pytest.raises(SpecError, match="sway 1 can't be expressed"):
        darknet.read(CFG + "sway=1", opaque=True)


def test_the_blocks_of_a_network_are_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Flat) -> Any:
        raise TypeError

    monkeypatch.setattr(folding, "search", broken)
    flat = darknet.read(CFG)
    with pytest.raises(SpecError, match="the blocks of darknet: makes no sense") as caught:
        folding.folded(flat)
    assert "without blocks=True" in str(caught.value)
