"""Networks that several tensors enter, named: how they are read, counted, given other shapes and refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import in_process
import pytest

import costcalc
from costcalc.base.errors import SpecError
from costcalc.comparisons.networks import label_of
from costcalc.graph.expand import expand

# Koch, Zemel and Salakhutdinov 2015, Figure 4. Its layers by hand: 64(100 + 1) + 128(64 * 49 + 1) + 128(128 * 16 + 1)
# + 256(128 * 16 + 1) + 4096(9216 + 1) + 4097 = 38,951,745 parameters; the towers' products, twice, and 4,096.
SIAMESE = """
costcalc: 1
name: Siamese
knobs: {size: 105}
input: {left: [1, size, size], right: [1, size, size]}
blocks:
  tower:
    - conv: {out: 64, kernel: 10, act: relu}
    - max_pool: {kernel: 2, stride: 2}
    - conv: {out: 128, kernel: 7, act: relu}
    - max_pool: {kernel: 2, stride: 2}
    - conv: {out: 128, kernel: 4, act: relu}
    - max_pool: {kernel: 2, stride: 2}
    - conv: {out: 256, kernel: 4, act: relu}
    - flatten
    - fc: {out: 4096, act: sigmoid}
layers:
  - subtract:
    - [{tower: {}, from: left, share: tower}]
    - [{tower: {}, from: right, share: tower}]
  - fc: {out: 1, act: sigmoid}
"""
TOWER = 100 * 64 * 96**2 + 64 * 49 * 128 * 42**2 + 128 * 16 * 128 * 18**2 + 128 * 16 * 256 * 6**2 + 9216 * 4096

TWO = """
costcalc: 1
name: two
input: {image: [3, 8, 8], mask: [1, 8, 8]}
layers:
  - concat
  - conv: {out: 4, kernel: 3, padding: same}
  - add: [{conv: {out: 4, kernel: 1}, from: mask}, []]
"""


def test_towers_that_share_their_weights_are_counted_once_and_run_twice() -> None:
    result = costcalc.count(SIAMESE)
    assert (result.params, result.macs) == (38_951_745, 2 * TOWER + 4096)


def test_the_first_item_gets_all_in_their_order() -> None:
    graph = costcalc.count(TWO).graph
    assert [str(shape) for shape in graph.input_shapes.values()] == ["3x8x8", "1x8x8"]
    assert str(graph.nodes[0].y) == "4x8x8"


def test_the_numbers_agree_with_pytorch() -> None:
    pytest.importorskip("torch")
    from costcalc.interop.torch.verify import verify

    found = verify(expand(costcalc.load(SIAMESE)), "meta")
    assert found.agrees
    assert found.whole.theirs["macs"] == 2 * TOWER + 4096


def test_memory_holds_all_of_them() -> None:
    # While the first convolution runs: its operand and result, 4 * 64 numbers each, and image and mask, of 3 * 64 and
    # 64, which the caller holds. `fused` holds nothing for a caller: the image is dead by then, the mask is not.
    result = costcalc.count(TWO)
    assert result.metric("peak_memory", mode="eager").total == 4 * 64 * (4 + 4 + 3 + 1)
    assert result.metric("peak_memory", mode="fused").total == 4 * 64 * (4 + 4 + 1)


def test_an_onnx_graph_has_them_all() -> None:
    pytest.importorskip("onnx")
    from costcalc.interop.onnx.write import model

    made = model(expand(costcalc.load(SIAMESE)))
    assert [value.name for value in made.graph.input] == ["left", "right"]


def test_a_flat_network_names_them() -> None:
    from costcalc.transforms.network import flattened

    again = costcalc.count(flattened(costcalc.load(SIAMESE)).text())
    assert (again.params, again.macs) == (38_951_745, 2 * TOWER + 4096)


@pytest.mark.parametrize(
    ("given", "shapes", "said"),
    [
        ({"left": (1, 90, 90), "right": (1, 90, 90)}, ["1x90x90", "1x90x90"], "@left=1x90x90,right=1x90x90"),
        ({}, ["1x105x105", "1x105x105"], ""),
    ],
)
def test_other_shapes(given: dict[str, Any], shapes: list[str], said: str) -> None:
    result = costcalc.count(SIAMESE, input=given or None)
    assert [str(shape) for shape in result.graph.input_shapes.values()] == shapes
    assert label_of(result) == f"Siamese{said}"


def test_a_network_s_own_shapes_stand_above_those_for_all(tmp_path: Path) -> None:
    path = tmp_path / "siamese.yaml"
    path.write_text(SIAMESE, encoding="utf-8")
    graph = costcalc.count(f"{path}@left=1x90x90", input={"right": (1, 90, 90)}).graph
    assert [str(shape) for shape in graph.input_shapes.values()] == ["1x90x90", "1x90x90"]
    with pytest.raises(SpecError, match="input changes nothing"):
        costcalc.count(f"{path}@left=1x90x90", input={"left": (1, 80, 80)})
    done = in_process.costcalc("compare", f"{path}@left=1x90x90", "--input", "left=1x80x80")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("--input changes nothing: the network says its own")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((1, 90, 90), r"Siamese has 2 inputs \(left, right\)\n *say whose shape it is: input={'left': \(1, 90, 90\)}"),
        ({"lef": (1, 90, 90)}, "Siamese has no input 'lef'\n *did you mean 'left'"),
        ({"left": (1, 90)}, "left: 1x90 does not fit: the spec's input has 3 axes\n *write 1x90x90"),
        ({"left": "1x90x90"}, "an input is a shape, not the text '1x90x90'"),
        ({"left": (1, 0, 90)}, "'1x0x90' is no input shape"),
        ({1: (1, 90, 90)}, "inputs are shapes by their names"),
        ({}, "inputs are shapes by their names"),
    ],
)
def test_shapes_that_are_refused(given: Any, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        costcalc.count(SIAMESE, input=given)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            "8]}\nlayers:\n  - concat\n",
            "8], other: [2]}\nlayers:\n  - concat: [image, mask]\n",
            "nothing uses the input 'other'",
        ),
        ("mask: [1, 8, 8]}", "mask: 8}", "'mask' must be a list"),
        ("mask: [1, 8, 8]}", "i: [1, 8, 8]}", "an input cannot be called 'i'"),
        ("mask: [1, 8, 8]}", "conv: [1, 8, 8]}", "an input cannot be called 'conv'"),
        ("{image: [3, 8, 8], mask: [1, 8, 8]}", "{}", "'input' is empty"),
        ("- concat\n", "- relu\n", r"2 tensors flow in here \(image, mask\)\n.*\n.*\n +say which with from: image"),
        ("{image: [3, 8, 8], mask: [1, 8, 8]}", "[[3, 8, 8], [1, 8, 8]]", "several inputs stand under their names"),
        ("- concat\n", "- concat:\n    name: mask\n", "two layers are called 'mask'"),
        ("from: mask}, []]", "from: mask}, [{relu: {}, from: input}]]", r"2 tensors flow in here \(image, mask\)"),
    ],
)
def test_specs_that_are_refused(before: str, after: str, words: str) -> None:
    assert before in TWO
    with pytest.raises(SpecError, match=words):
        costcalc.count(TWO.replace(before, after))


def test_a_difference_tells_which_input_feeds_a_layer() -> None:
    after = TWO.replace("- concat\n", "- concat: [mask, image]\n")
    found = [change.fields for change in costcalc.diff(TWO, after).changes if change.fields]
    assert [fields["from"] for fields in found] == [("image + mask", "mask + image")]


def test_a_receptive_field_in_pixels_of_inputs_that_differ_is_refused() -> None:
    text = TWO.replace("mask: [1, 8, 8]", "mask: [1, 16, 16]").replace("- concat\n", "- {relu: {}, from: image}\n")
    text = text.replace("{conv: {out: 4, kernel: 1}", "{conv: {out: 4, kernel: 2, stride: 2}")
    with pytest.raises(SpecError, match=re.escape("the inputs differ in size: image 3x8x8, mask 1x16x16")):
        costcalc.count(text).metric("receptive_field")
