"""OpenVINO's IR: each layer by hand, with the numbers that follow from its shapes; hostile files; the live package."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import costcalc
from costcalc import SpecError

KINDS = {
    "float32": "f32",
    "float16": "f16",
    "int64": "i64",
    "int32": "i32",
    "int8": "i8",
    "uint8": "u8",
    "bool": "boolean",
}
IMAGE = (1, 4, 8, 8)


class Ir:
    """A model that is written layer by layer, as OpenVINO writes it."""

    def __init__(self, **inputs: tuple[int, ...]) -> None:
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.data = b""
        self.shapes: dict[tuple[int, int], tuple[int, ...]] = {}
        self.named: dict[str, tuple[int, int]] = {}
        for name, shape in inputs.items():
            said = ",".join("?" if n < 0 else str(n) for n in shape)
            self.named[name] = self.add("Parameter", name, [], [shape], shape=said, element_type="f32")[0]

    def add(
        self, kind: str, name: str, inputs: list[Any], outputs: list[tuple[int, ...]], **data: object
    ) -> list[tuple[int, int]]:
        """Add a layer that takes ports, names of inputs, or arrays, which are stored; return its output ports."""
        version = str(data.pop("version", "opset1"))
        body = str(data.pop("body", ""))
        taken = [self.taken(one, f"Constant_{len(self.layers)}{k}") for k, one in enumerate(inputs)]
        number = len(self.layers)
        ports = [_ports("input", [self.shapes[one] for one in taken], 0), _ports("output", outputs, len(taken))]
        attributes = " ".join(f'{key.replace("__", "-")}="{value}"' for key, value in data.items())
        self.layers.append(
            f'<layer id="{number}" name="{name}" type="{kind}" version="{version}">'
            f"<data {attributes}/>{''.join(ports)}{body}</layer>"
        )
        for port, source in enumerate(taken):
            self.edges.append(
                f'<edge from-layer="{source[0]}" from-port="{source[1]}" to-layer="{number}" to-port="{port}"/>'
            )
        made = [(number, len(taken) + k) for k in range(len(outputs))]
        self.shapes.update(zip(made, outputs, strict=True))
        return made

    def taken(self, one: Any, name: str) -> tuple[int, int]:
        if isinstance(one, str):
            return self.named[one]
        if isinstance(one, tuple):
            return one  # type: ignore[return-value]
        own, array = one if isinstance(one, list) else (name, one)
        at = len(self.data)
        self.data += array.tobytes()
        data = {"element_type": KINDS[str(array.dtype)], "shape": ", ".join(map(str, array.shape)), "offset": at}
        return self.add("Const", own, [], [array.shape], size=array.nbytes, **data)[0]

    def inner(self) -> str:
        return f"<layers>{''.join(self.layers)}</layers><edges>{''.join(self.edges)}</edges>"

    def result(self, port: tuple[int, int]) -> None:
        self.add("Result", f"result{port[0]}", [port], [])

    def write(self, folder: Path, name: str = "model", *, weights: bool = True, version: int = 11) -> str:
        (folder / f"{name}.xml").write_text(
            f'<?xml version="1.0"?>\n<net name="m" version="{version}">{self.inner()}</net>'
        )
        if weights:
            (folder / f"{name}.bin").write_bytes(self.data)
        return str(folder / f"{name}.xml")


def _ports(side: str, shapes: list[tuple[int, ...]], first: int) -> str:
    each = (
        f'<port id="{first + k}" precision="FP32">{"".join(f"<dim>{n}</dim>" for n in shape)}</port>'
        for k, shape in enumerate(shapes)
    )
    return f"<{side}>{''.join(each)}</{side}>" if shapes else ""


def weight(*shape: int, kind: str = "float32") -> Any:
    return np.arange(1, 1 + int(np.prod(shape))).reshape(shape).astype(kind)


def named(name: str, *shape: int, kind: str = "float32") -> list[Any]:
    return [name, weight(*shape, kind=kind)]


def ints(*numbers: int) -> Any:
    return np.asarray(numbers, np.int64)


def number(value: float) -> Any:
    return np.asarray(value, np.float32)


WINDOW = {"strides": "1, 1", "dilations": "1, 1", "pads_begin": "1, 1", "pads_end": "1, 1", "auto_pad": "explicit"}
NONE = WINDOW | {"pads_begin": "0, 0", "pads_end": "0, 0"}
SAME = (1, 4, 8, 8)

# Each layer over an image [1, 4, 8, 8] (or what else is said): its inputs behind the image, what it gives, its
# attributes; the parameters and MACs that follow from the shapes by hand, and the kinds of its rows.
Row = tuple[str, tuple[int, ...], list[Any], list[tuple[int, ...]], dict[str, object], int, int, str]
LAYERS: list[Row] = [
    ("Convolution", IMAGE, [weight(6, 4, 3, 3)], [(1, 6, 8, 8)], WINDOW, 216, 216 * 64, "conv"),
    ("RegionYolo", IMAGE, [], [(1, 4, 8, 8)], {"anchors": "1,2"}, 0, 0, "custom"),
    ("PSROIPooling", IMAGE, [weight(5, 5)], [(5, 1, 2, 2)], {"output_dim": 1, "group_size": 2}, 0, 0, "custom"),
    ("DetectionOutput", (1, 80), [weight(1, 60), weight(1, 2, 80)], [(1, 1, 200, 7)], {"top_k": 200}, 0, 0, "custom"),
    ("Convolution", IMAGE, [weight(6, 4, 3, 3)], [(1, 6, 4, 4)], WINDOW | {"strides": "2, 2",
     "auto_pad": "same_upper"}, 216, 216 * 16, "conv"),
    ("Convolution", (1, 4, 8), [weight(6, 4, 3)], [(1, 6, 6)], {"strides": "1", "dilations": "1", "pads_begin": "0",
     "pads_end": "0"}, 72, 72 * 6, "conv"),
    ("GroupConvolution", IMAGE, [weight(2, 3, 2, 3, 3)], [(1, 6, 8, 8)], WINDOW, 108, 108 * 64, "conv"),
    ("ConvolutionBackpropData", IMAGE, [weight(4, 6, 2, 2)], [(1, 6, 16, 16)], NONE | {"strides": "2, 2"}, 96,
     96 * 64, "conv_transpose"),
    ("GroupConvolutionBackpropData", IMAGE, [weight(2, 2, 3, 2, 2)], [(1, 6, 16, 16)], NONE | {"strides": "2, 2"},
     48, 48 * 64, "conv_transpose"),
    ("ConvolutionBackpropData", IMAGE, [weight(4, 6, 4, 4), ints(16, 16)], [(1, 6, 16, 16)], {"strides": "2, 2",
     "dilations": "1, 1", "auto_pad": "same_upper"}, 384, 384 * 64, "conv_transpose"),
    ("MaxPool", IMAGE, [], [(1, 4, 4, 4)], NONE | {"kernel": "2, 2", "strides": "2, 2", "rounding_type": "floor"}, 0,
     0, "max_pool"),
    ("AvgPool", IMAGE, [], [(1, 4, 8, 8)], WINDOW | {"kernel": "3, 3", "exclude__pad": "true"}, 0, 0, "avg_pool"),
    ("AdaptiveAvgPool", IMAGE, [ints(2, 2)], [(1, 4, 2, 2)], {}, 0, 0, "adaptive_avg_pool"),
    ("ReduceMean", IMAGE, [ints(2, 3)], [(1, 4, 1, 1)], {"keep_dims": "true"}, 0, 0, "adaptive_avg_pool"),
    ("ReduceMax", IMAGE, [ints(1)], [(1, 8, 8)], {"keep_dims": "false"}, 0, 0, "reduce_axes"),
    ("ReLU", IMAGE, [], [SAME], {}, 0, 0, "relu"),
    ("HSwish", IMAGE, [], [SAME], {"version": "opset4"}, 0, 0, "hard_swish"),
    ("Swish", IMAGE, [number(1)], [SAME], {"version": "opset4"}, 0, 0, "swish"),
    ("Clamp", IMAGE, [], [SAME], {"min": "0", "max": "6"}, 0, 0, "relu6"),
    ("PReLU", IMAGE, [["self.act.weight", weight(4)]], [SAME], {}, 4, 0, "prelu"),
    ("PReLU", IMAGE, [["Constant_12", weight(1) / 100]], [SAME], {}, 0, 0, "leaky_relu"),
    ("SoftMax", IMAGE, [], [SAME], {"axis": "1", "version": "opset8"}, 0, 0, "softmax"),
    ("Interpolate", IMAGE, [ints(16, 16), number(0).reshape(1), ints(2, 3)], [(1, 4, 16, 16)], {"mode": "nearest",
     "shape_calculation_mode": "sizes", "version": "opset4"}, 0, 0, "upsample"),
    ("Interpolate", IMAGE, [weight(2) * 0 + 2, ints(2, 3)], [(1, 4, 16, 16)], {"mode": "linear_onnx",
     "shape_calculation_mode": "scales", "version": "opset11"}, 0, 0, "upsample"),
    ("Interpolate", IMAGE, [ints(16, 16)], [(1, 4, 16, 16)], {"mode": "nearest", "axes": "2, 3"}, 0, 0, "upsample"),
    ("Pad", IMAGE, [ints(0, 0, 1, 1), ints(0, 0, 1, 2)], [(1, 4, 10, 11)], {"pad_mode": "reflect"}, 0, 0, "pad"),
    ("StridedSlice", IMAGE, [ints(0, 1), ints(0, 3), ints(1, 1)], [(1, 2, 8, 8)], {"begin_mask": "1, 0",
     "end_mask": "1, 0"}, 0, 0, "slice"),
    ("StridedSlice", IMAGE, [ints(0, 0, 1), ints(0, 0, 2), ints(1, 1, 1)], [(1, 4, 8)], {"begin_mask": "1, 0, 0",
     "end_mask": "1, 0, 0", "ellipsis_mask": "0, 1, 0", "shrink_axis_mask": "0, 0, 1"}, 0, 0, "slice reshape"),
    ("Slice", IMAGE, [ints(0), ints(8), ints(2), ints(3)], [(1, 4, 8, 4)], {"version": "opset8"}, 0, 0, "slice"),
    ("Transpose", IMAGE, [ints(0, 2, 3, 1)], [(1, 8, 8, 4)], {}, 0, 0, "permute"),
    ("Reshape", IMAGE, [ints(0, -1)], [(1, 256)], {"special_zero": "true"}, 0, 0, "flatten"),
    ("Squeeze", (1, 4, 1, 8), [ints(2)], [(1, 4, 8)], {}, 0, 0, "reshape"),
    ("Broadcast", (1, 4, 1, 1), [ints(1, 4, 8, 8)], [SAME], {"mode": "numpy"}, 0, 0, "broadcast_to"),
    ("Tile", IMAGE, [ints(1, 2, 1, 1)], [(1, 8, 8, 8)], {}, 0, 0, "concat"),
    ("DepthToSpace", IMAGE, [], [(1, 1, 16, 16)], {"block_size": "2", "mode": "depth_first"}, 0, 0, "pixel_shuffle"),
    ("SpaceToDepth", IMAGE, [], [(1, 16, 4, 4)], {"block_size": "2", "mode": "depth_first"}, 0, 0, "space_to_depth"),
    ("ShuffleChannels", IMAGE, [], [SAME], {"axis": "1", "group": "2"}, 0, 0, "reshape permute reshape"),
    ("MVN", (1, 7, 16), [ints(2)], [(1, 7, 16)], {"version": "opset6", "normalize_variance": "true"}, 0, 0,
     "permute layer_norm permute"),
    ("MVN", IMAGE, [ints(2, 3)], [SAME], {"version": "opset6", "normalize_variance": "true"}, 0, 0, "instance_norm"),
    ("NormalizeL2", IMAGE, [ints(1)], [SAME], {"eps": "1e-6"}, 0, 0, "reduce_axes divide"),
    ("LRN", IMAGE, [ints(1)], [SAME], {"size": "5"}, 0, 0, "lrn"),
    ("GroupNormalization", IMAGE, [weight(4), weight(4)], [SAME], {"version": "opset12", "num_groups": "2"}, 8, 0,
     "group_norm"),
    ("BatchNormInference", IMAGE, [weight(4), weight(4), weight(4), weight(4)], [SAME], {"version": "opset5"}, 8, 0,
     "batch_norm"),
    ("MatMul", (1, 7, 16), [weight(5, 16)], [(1, 7, 5)], {"transpose_b": "true"}, 80, 560, "permute fc permute"),
    ("MatMul", (1, 16), [weight(16, 5)], [(1, 5)], {}, 80, 80, "fc"),
    ("Einsum", (1, 7, 16), [weight(1, 16, 5)], [(1, 7, 5)], {"equation": "bij,bjk->bik", "version": "opset7"}, 80,
     560, "parameter reshape reshape matmul reshape"),
    ("TopK", (1, 10), [ints(3)], [(1, 3), (1, 3)], {"axis": "1", "version": "opset11"}, 0, 0, "topk"),
    ("CumSum", (1, 10), [ints(1)], [(1, 10)], {"version": "opset3"}, 0, 0, "cumsum"),
    ("Roll", IMAGE, [ints(2, 2), ints(2, 3)], [SAME], {"version": "opset7"}, 0, 0, "roll"),
    ("Add", IMAGE, [number(3)], [SAME], {}, 0, 0, "arithmetic"),
    ("Multiply", IMAGE, [named("self.gamma", 1, 4, 1, 1)], [SAME], {}, 0, 0, "parameter multiply"),
    ("SquaredDifference", IMAGE, [number(3)], [SAME], {}, 0, 0, "arithmetic multiply"),
    ("FakeQuantize", IMAGE, [number(0), number(6), number(0), number(6)], [SAME], {"levels": "256"}, 0, 0, "identity"),
    ("LSTMSequence", (1, 10, 16), [weight(1, 1, 8) * 0, weight(1, 1, 8) * 0, ints(10), weight(1, 32, 16), weight(1,
     32, 8), weight(1, 32)], [(1, 1, 10, 8), (1, 1, 8), (1, 1, 8)], {"hidden_size": "8", "direction": "forward",
     "version": "opset5"}, 32 * 24 + 32, 10 * 32 * 24, "permute lstm permute reshape permute"),
    ("GRUSequence", (1, 10, 16), [weight(1, 2, 8) * 0, ints(10), weight(2, 24, 16), weight(2, 24, 8), weight(2, 32)],
     [(1, 2, 10, 8), (1, 2, 8)], {"hidden_size": "8", "direction": "bidirectional", "version": "opset5"},
     2 * (24 * 24 + 32), 10 * 2 * 24 * 24, "permute weight_params gru permute reshape permute"),
    ("LSTMCell", (1, 16), [weight(1, 8) * 0, weight(1, 8) * 0, weight(32, 16), weight(32, 8), weight(32)], [(1, 8),
     (1, 8)], {"hidden_size": "8", "version": "opset4"}, 32 * 24 + 32, 32 * 24,
     "parameter parameter weight_params lstm_cell"),
    ("ScaledDotProductAttention", (1, 2, 9, 8), [weight(1, 2, 9, 8), weight(1, 2, 9, 8)], [(1, 2, 9, 8)],
     {"version": "opset13"}, 0, 2 * 9 * 9 * 16, "parameter parameter attention"),
]  # fmt: skip


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: f"{row[0]} {row[-1]}")
def test_layers(row: Row, tmp_path: Path) -> None:
    kind, image, inputs, outputs, data, params, macs, rows = row
    ir = Ir(x=image)
    for port in ir.add(kind, "layer", ["x", *inputs], outputs, **data):
        ir.result(port)
    result = costcalc.count(ir.write(tmp_path))
    assert (result.params, result.macs) == (params, macs)
    assert " ".join(one.node.op.kind for one in result.rows) == rows


def chain(folder: Path, **how: Any) -> str:
    """Write conv, bias, relu, mean, fc, bias, of 4 * 3 * 9 + 4 and 4 * 5 + 5 weights."""
    kind = how.get("kind", "float32")
    ir = Ir(x=how.get("shape", (1, 3, 8, 8)))
    side = -1 if -1 in how.get("shape", ()) else 8
    stored: list[Any] = [
        named(f"self.conv.weight{how.get('suffix', '')}", 4, 3, 3, 3, kind=kind),
        named("Reshape_77", 1, 4, 1, 1, kind=kind),
    ]
    if kind == "float16":
        stored = [
            ir.add("Convert", one[0].removesuffix("_compressed"), [one], [one[1].shape], destination_type="f32")[0]
            for one in stored
        ]
    made = ir.add(
        "Convolution", "__module.conv/aten::_convolution/Convolution", ["x", stored[0]], [(1, 4, side, side)], **WINDOW
    )[0]
    made = ir.add("Add", "__module.conv/aten::_convolution/Add", [made, stored[1]], [(1, 4, side, side)])[0]
    made = ir.add("ReLU", "__module.act/aten::relu/ReLU", [made], [(1, 4, side, side)])[0]
    made = ir.add("ReduceMean", "__module.mean/aten::mean/ReduceMean", [made, ints(2, 3)], [(1, 4)], keep_dims="false")[
        0
    ]
    made = ir.add(
        "MatMul", "__module.fc/aten::linear/MatMul", [made, named("self.fc.weight", 5, 4)], [(1, 5)], transpose_b="true"
    )[0]
    ir.result(ir.add("Add", "__module.fc/aten::linear/Add", [made, named("Constant_9", 1, 5)], [(1, 5)])[0])
    return ir.write(folder, weights=how.get("weights", True), version=how.get("version", 11))


TOTALS = (4 * 3 * 9 + 4 + 4 * 5 + 5, 64 * 4 * 3 * 9 + 4 * 5)


@pytest.mark.parametrize("how", [{}, {"version": 10}, {"kind": "float16", "suffix": "_compressed"}, {"weights": False}])
def test_biases_are_their_layers_and_names_are_the_modules(how: dict[str, Any], tmp_path: Path) -> None:
    result = costcalc.count(chain(tmp_path, **how))
    assert (result.params, result.macs) == TOTALS
    assert [row.name for row in result.rows] == ["conv", "act", "mean", "fc"]


def test_an_open_shape_is_asked_for(tmp_path: Path) -> None:
    path = chain(tmp_path, shape=(-1, 3, -1, -1))
    with pytest.raises(
        SpecError, match=r"x \(Parameter\): the file leaves the input's shape open: 3x\?x\?\n +give it: input="
    ):
        costcalc.count(path)
    assert costcalc.count(path, input=(3, 8, 8)).macs == TOTALS[1]
    with pytest.raises(SpecError, match="an input of 4x8x8 does not fit the file's: 3x"):
        costcalc.count(path, input=(4, 8, 8))


def test_several_inputs_go_by_their_names(tmp_path: Path) -> None:
    ir = Ir(left=(1, 3, 8, 8), right=(1, 3, 8, 8))
    ir.result(ir.add("Add", "sum", ["left", "right"], [(1, 3, 8, 8)])[0])
    assert [str(row.node.op.kind) for row in costcalc.count(ir.write(tmp_path)).rows] == ["add"]


def test_bits_of_weights_that_are_stored_as_whole_numbers(tmp_path: Path) -> None:
    ir = Ir(x=(1, 16))
    whole = ir.add("Convert", "w", [["w.u8", weight(5, 16, kind="uint8")]], [(5, 16)], destination_type="f32")[0]
    less = ir.add("Subtract", "w.zero", [whole, weight(5, 1)], [(5, 16)])[0]
    scaled = ir.add("Multiply", "w.scale", [less, weight(5, 1)], [(5, 16)])[0]
    made = ir.add("MatMul", "fc", ["x", scaled], [(1, 5)], transpose_b="true")[0]
    levels = ir.add(
        "FakeQuantize", "q", [weight(3, 5), number(0), number(1), number(0), number(1)], [(3, 5)], levels="15"
    )[0]
    ir.result(ir.add("MatMul", "last", [made, levels], [(1, 3)], transpose_b="true")[0])
    result = costcalc.count(ir.write(tmp_path))
    assert (result.params, result.macs) == (80 + 15, 80 + 15)
    assert [row.to_dict()["bits"] for row in result.rows] == [8, 4]


def test_norms_take_the_scale_and_the_bias_that_follow(tmp_path: Path) -> None:
    ir = Ir(x=(1, 7, 16))
    made = ir.add("MVN", "__module.ln/aten::layer_norm/MVN", ["x", ints(2)], [(1, 7, 16)], normalize_variance="true")[0]
    made = ir.add("Multiply", "m", [made, named("Constant_5", 1, 1, 16)], [(1, 7, 16)])[0]
    ir.result(ir.add("Add", "a", [made, named("Constant_6", 1, 1, 16)], [(1, 7, 16)])[0])
    result = costcalc.count(ir.write(tmp_path))
    assert [(row.node.op.kind, row.params) for row in result.rows if row.params] == [("layer_norm", 32)]


def loop(folder: Path, kind: str, **more: Any) -> str:
    """Write a loop of 5 turns over the steps of [1, 5, 16]: a product with 16 * 16 weights is added to the state."""
    body = Ir(step=(1, 1, 16), state=(1, 16))
    flat = body.add("Squeeze", "flat", ["step", ints(1)], [(1, 16)])[0]
    made = body.add("MatMul", "fc", [flat, weight(16, 16)], [(1, 16)], transpose_b="true")[0]
    made = body.add("Add", "sum", [made, "state"], [(1, 16)])[0]
    body.result(made)
    going = body.add("Result", "going", [np.asarray(True)], []) or len(body.layers) - 1
    result = going - 2
    ir = Ir(x=(1, 5, 16))
    ir.data = body.data
    first = 2 if kind == "Loop" else 0
    ports = (
        f'<port_map><input axis="1" external_port_id="{first}" internal_layer_id="0" part_size="1" stride="1"/>'
        f'<input external_port_id="{first + 1}" internal_layer_id="1"/>'
        f'<output external_port_id="{first + 2}" internal_layer_id="{result}"/></port_map>'
        f'<back_edges><edge from-layer="{result}" to-layer="1"/></back_edges><body>{body.inner()}</body>'
    )
    count = more.get("count", 5)
    front = [ints(count), np.asarray([True])] if kind == "Loop" else []
    ir.result(ir.add(kind, "loop", [*front, "x", weight(1, 16) * 0], [(1, 16)], body=ports)[0])
    return ir.write(folder, more.get("name", "model"))


@pytest.mark.parametrize("kind", ["TensorIterator", "Loop"])
def test_turns_of_a_loop_share_their_weights(kind: str, tmp_path: Path) -> None:
    result = costcalc.count(loop(tmp_path, kind))
    assert (result.params, result.macs) == (256, 5 * 256)


def test_a_loop_without_a_number_of_turns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"loop \(Loop\): the file does not say how many turns it has"):
        costcalc.count(loop(tmp_path, "Loop", count=-1))


def test_binary_kernels_have_one_bit(tmp_path: Path) -> None:
    """6 kernels of 4 x 3 x 3 bits, which are stored in 27 bytes."""
    ir = Ir(x=IMAGE)
    ir.data = bytes(27)
    stored = ir.add("Const", "w", [], [(6, 4, 3, 3)], element_type="u1", shape="6, 4, 3, 3", offset=0, size=27)[0]
    ir.result(ir.add("BinaryConvolution", "b", ["x", stored], [(1, 6, 8, 8)], **WINDOW, mode="xnor-popcount")[0])
    result = costcalc.count(ir.write(tmp_path))
    assert (result.params, result.macs) == (216, 216 * 64)
    assert result.metric("bytes", bits=32).total == 216 // 8


def test_a_state_is_stored_and_what_is_assigned_is_a_result(tmp_path: Path) -> None:
    ir = Ir(x=(1, 8))
    old = ir.add("ReadValue", "old", [weight(1, 8) * 0], [(1, 8)], variable_id="s")[0]
    new = ir.add("MatMul", "new", [ir.add("Add", "sum", ["x", old], [(1, 8)])[0], weight(8, 8)], [(1, 8)])[0]
    ir.add("Assign", "kept", [new], [(1, 8)], variable_id="s")
    ir.result(ir.add("ReLU", "act", ["x"], [(1, 8)])[0])
    result = costcalc.count(ir.write(tmp_path))
    assert (result.params, result.macs, sum(row.buffers for row in result.rows)) == (64, 64, 8)


def test_boxes_whose_number_depends_on_the_image_are_refused(tmp_path: Path) -> None:
    ir = Ir(x=(1, 20, 4))
    ir.result(ir.add("NonMaxSuppression", "nms", ["x", weight(1, 3, 20)], [(-1, 3)])[0])
    with pytest.raises(SpecError, match=r"nms \(NonMaxSuppression\): the file leaves open what shape it gives"):
        costcalc.count(ir.write(tmp_path))


def test_what_is_not_known_is_refused_or_opaque(tmp_path: Path) -> None:
    ir = Ir(x=IMAGE)
    ir.result(ir.add("Bucketize", "head", ["x"], [(1, 4, 8, 8)])[0])
    path = ir.write(tmp_path)
    with pytest.raises(
        SpecError, match=r"head \(Bucketize\): costcalc has no counterpart of OpenVINO's Bucketize\n +opaque=True"
    ):
        costcalc.count(path)
    assert costcalc.count(path, opaque=True).rows[0].node.op.kind == "opaque"


def test_a_shape_that_the_file_states_is_held_to(tmp_path: Path) -> None:
    ir = Ir(x=IMAGE)
    ir.result(ir.add("ReLU", "act", ["x"], [(1, 4, 8, 9)])[0])
    with pytest.raises(
        SpecError, match=r"act \(ReLU\): costcalc finds a shape of \[1, 4, 8, 8\], the file states \[1, 4, 8, 9\]"
    ):
        costcalc.count(ir.write(tmp_path))


NET = '<net name="m" version="11">'
INPUT = '<layers><layer id="0" type="Parameter"><data shape="{}"/></layer></layers></net>'
ACT = '<layer id="{}" type="ReLU"><input><port id="0"/></input><output><port id="1"/></output></layer>'
EDGE = '<edge from-layer="{}" from-port="1" to-layer="{}" to-port="0"/>'
HOSTILE = {
    '<?xml version="1.0"?><!DOCTYPE net [<!ENTITY a "aa">]><net ><layers>&a;</layers></net>': "has a document type",
    NET + "<layers>": "is no XML, or a part of one",
    NET + "<layers></layers></net>": "has 0 layers",
    NET + "<layers>" + "<layer>" * 200 + "</layer>" * 200 + "</layers></net>": "elements stand more than 100 deep",
    '<net version="7"><layers/></net>': "is an IR of version 7: versions 10 and 11 are read",
    NET + INPUT.format("1,999999999999999999999"): "is no length of an axis",
    NET + INPUT.format("1,99999999999,999999999"): "none that can be counted",
    NET + f"<layers>{ACT.format(0) * 2}</layers></net>": "two layers have one id",
    NET + f"<layers>{ACT.format(0)}</layers><edges>{EDGE.format(0, 1)}</edges></net>":
        "port 0 of layer 1, which there is not",
    NET + f"<layers>{ACT.format(0)}{ACT.format(1)}</layers><edges>{EDGE.format(0, 1)}{EDGE.format(1, 0)}</edges></net>":
        "takes what is computed from what it gives",
    NET + "<layers>" + ACT.format(0) + "</layers></net>": "the model has no input",
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=list(HOSTILE.values()))
def test_hostile_files_are_refused_in_words(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.xml").write_text(text)
    with pytest.raises(SpecError, match=re.escape(HOSTILE[text])):
        costcalc.count(str(tmp_path / "model.xml"))


def test_weights_of_another_model_are_told(tmp_path: Path) -> None:
    path = chain(tmp_path)
    (tmp_path / "model.bin").write_bytes(b"")
    with pytest.raises(SpecError, match=r"model.bin ends before its numbers do\n +it belongs to another model"):
        costcalc.count(path)


def spoilt(text: str, draw: random.Random) -> str:
    """Return a file with a few parts changed: cut, doubled, turned round, other numbers and words."""
    for _ in range(draw.randint(1, 3)):
        parts = re.split(r"(\"[^\"]*\"|>[^<]*<|<[^>]*>)", text)
        at = draw.randrange(len(parts))
        other = draw.choice(
            ['"-1"', '"99999999999999"', '""', '"a"', '"0"', ">-1<", "><", ">0<", draw.choice(parts), "<layer>"]
        )
        cut = draw.random()
        parts[at : at + 1] = [] if cut < 0.2 else [parts[at]] * 2 if cut < 0.3 else [other]
        text = "".join(parts)
        text = text[: draw.randrange(len(text) + 1)] if draw.random() < 0.05 else text
    return text


def test_spoilt_files_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(7)
    texts = [Path(chain(tmp_path)).read_text(), Path(loop(tmp_path, "Loop")).read_text()]
    for _ in range(150):
        (tmp_path / "model.xml").write_text(spoilt(draw.choice(texts), draw))
        try:
            costcalc.count(str(tmp_path / "model.xml"))
        except SpecError as error:
            assert error.problems  # noqa: PT017


@pytest.mark.filterwarnings("ignore")  # OpenVINO traces modules in a way that PyTorch will drop
def test_the_live_package_agrees(tmp_path: Path) -> None:
    """Networks that OpenVINO converts itself: the MACs of PyTorch's, the parameters without folded scales."""
    ov = pytest.importorskip("openvino")
    torch = pytest.importorskip("torch")
    nn = torch.nn
    with torch.random.fork_rng():
        torch.manual_seed(0)
        conv = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, groups=8)
        )
        nn.init.uniform_(conv[1].bias, 0.3, 0.9)
        model = ov.convert_model(conv.eval(), example_input=torch.rand(1, 3, 16, 16), input=[(1, 3, 16, 16)])
    ov.save_model(model, str(tmp_path / "model.xml"))
    result = costcalc.count(str(tmp_path / "model.xml"))
    assert (result.params, result.macs) == (216 + 8 + 72 + 8, 216 * 64 + 72 * 36)


@pytest.mark.parametrize(("sines", "params"), [(False, 9 * 16), (True, 0)])
def test_positions_without_a_name_are_learned_unless_they_are_sines(sines: bool, params: int, tmp_path: Path) -> None:
    angles = np.arange(9)[:, None] / 10.0 ** np.arange(8)
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1) if sines else weight(9, 16)
    ir = Ir(x=(1, 9, 16))
    ir.result(ir.add("Add", "sum", ["x", ["Constant_8", table[None].astype("float32")]], [(1, 9, 16)])[0])
    assert costcalc.count(ir.write(tmp_path)).params == params
