"""Caffe's .prototxt: published networks with their published numbers, each layer by hand, and broken files."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from test_import_darknet import hold, spoiled

import costcalc
from costcalc.base.errors import SpecError
from costcalc.interop.caffe.importer import read

DATA = Path(__file__).parent.parent / "data" / "caffe"
INPUT = 'input: "data" input_shape {{ dim: 1 dim: {} dim: {} dim: {} }}\n'


def layer(kind: str, name: str, bottom: str, top: str = "", **groups: str) -> str:
    bottoms = "".join(f' bottom: "{one}"' for one in bottom.split())
    tops = "".join(f' top: "{one}"' for one in (top or name).split())
    return f'layer {{ name: "{name}" type: "{kind}"{bottoms}{tops} ' + _groups(groups) + "}\n"


def _groups(groups: dict[str, str]) -> str:
    return "".join(f"{key} {{ {fields} }} " for key, fields in groups.items())


def conv(name: str, bottom: str, out: int, kernel: int, more: str = "", *, act: bool = True) -> str:
    fields = f"num_output: {out} kernel_size: {kernel} {more}"
    text = layer("Convolution", name, bottom, convolution_param=fields)
    return text + (layer("ReLU", f"{name}_relu", name, name) if act else "")


def pool(name: str, bottom: str, kernel: int, stride: int, more: str = "pool: MAX") -> str:
    return layer("Pooling", name, bottom, pooling_param=f"{more} kernel_size: {kernel} stride: {stride}")


def dense(name: str, bottom: str, out: int, *, act: bool = True) -> str:
    text = layer("InnerProduct", name, bottom, inner_product_param=f"num_output: {out}")
    return text + (layer("ReLU", f"{name}_relu", name, name) if act else "")


def vgg16() -> str:
    """Configuration D (arXiv:1409.1556, Table 1)."""
    text, last = INPUT.format(3, 224, 224), "data"
    for stage, (out, number) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for k in range(1, number + 1):
            text += conv(f"conv{stage}_{k}", last, out, 3, "pad: 1")
            last = f"conv{stage}_{k}"
        text += pool(f"pool{stage}", last, 2, 2)
        last = f"pool{stage}"
    return text + dense("fc6", last, 4096) + dense("fc7", "fc6", 4096) + dense("fc8", "fc7", 1000, act=False)


def resnet50(*, squeezed: bool = False) -> str:
    """Normalization and its scale are two layers, the sum is Eltwise (arXiv:1512.03385, Table 1).

    squeezed: channels are weighed by a sixteenth of them, and scaled in the sum, Axpy (arXiv:1709.01507, Table 1).
    """

    def normed(name: str, bottom: str, out: int, kernel: int, stride: int = 1, *, act: bool = True) -> str:
        more = f"stride: {stride} pad: {kernel // 2} bias_term: false"
        text = conv(name, bottom, out, kernel, more, act=False)
        text += layer("BatchNorm", f"bn_{name}", name, name, batch_norm_param="use_global_stats: true")
        text += layer("Scale", f"scale_{name}", name, name, scale_param="bias_term: true")
        return text + (layer("ReLU", f"{name}_relu", name, name) if act else "")

    text, last = INPUT.format(3, 224, 224) + normed("conv1", "data", 64, 7, 2) + pool("pool1", "conv1", 3, 2), "pool1"
    for stage, (width, number) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), 2):
        for k in range(number):
            name, stride = f"res{stage}{chr(97 + k)}", 2 if stage > 2 and k == 0 else 1
            short = last
            if k == 0:
                short = f"{name}_branch1"
                text += normed(short, last, 4 * width, 1, stride, act=False)
            text += normed(f"{name}_2a", last, width, 1, stride) + normed(f"{name}_2b", f"{name}_2a", width, 3)
            text += normed(f"{name}_2c", f"{name}_2b", 4 * width, 1, act=False)
            if squeezed:
                text += layer("Pooling", f"{name}_pool", f"{name}_2c", pooling_param="pool: AVE global_pooling: true")
                text += conv(f"{name}_down", f"{name}_pool", width // 4, 1)
                text += conv(f"{name}_up", f"{name}_down", 4 * width, 1, act=False)
                text += layer("Sigmoid", f"{name}_prob", f"{name}_up", f"{name}_up")
                text += layer("Axpy", name, f"{name}_up {name}_2c {short}")
            else:
                text += layer("Eltwise", name, f"{short} {name}_2c")
            text += layer("ReLU", f"{name}_relu", name, name)
            last = name
    text += pool("pool5", last, 7, 1, "pool: AVE") + dense("fc1000", "pool5", 1000, act=False)
    return text + layer("Softmax", "prob", "fc1000")


INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip


def googlenet() -> str:
    """Without its auxiliary classifiers (arXiv:1409.4842, Table 1)."""
    text = INPUT.format(3, 224, 224) + conv("conv1", "data", 64, 7, "pad: 3 stride: 2") + pool("pool1", "conv1", 3, 2)
    text += layer("LRN", "norm1", "pool1", lrn_param="local_size: 5") + conv("reduce2", "norm1", 64, 1)
    text += conv("conv2", "reduce2", 192, 3, "pad: 1") + layer("LRN", "norm2", "conv2") + pool("pool2", "norm2", 3, 2)
    last = "pool2"
    for name, (one, reduce3, three, reduce5, five, proj) in INCEPTIONS.items():
        text += conv(f"{name}/1x1", last, one, 1) + conv(f"{name}/3x3r", last, reduce3, 1)
        text += conv(f"{name}/3x3", f"{name}/3x3r", three, 3, "pad: 1") + conv(f"{name}/5x5r", last, reduce5, 1)
        text += conv(f"{name}/5x5", f"{name}/5x5r", five, 5, "pad: 2")
        text += pool(f"{name}/pool", last, 3, 1, "pad: 1") + conv(f"{name}/proj", f"{name}/pool", proj, 1)
        text += layer("Concat", f"{name}/out", f"{name}/1x1 {name}/3x3 {name}/5x5 {name}/proj")
        last = f"{name}/out"
        if name in ("3b", "4e"):
            text += pool(f"{name}/down", last, 3, 2)
            last = f"{name}/down"
    text += pool("pool5", last, 7, 1, "pool: AVE") + layer("Dropout", "drop", "pool5", "pool5")
    return text + dense("classifier", "pool5", 1000, act=False)


def ssd() -> str:
    """A head of SSD300 (arXiv:1512.02325, Section 2) on 38x38 pixels: four boxes a pixel, of 21 classes."""
    text = INPUT.format(3, 300, 300) + conv("one", "data", 64, 8, "stride: 8 pad: 4")  # 38x38
    text += conv("loc", "one", 16, 3, "pad: 1", act=False) + conv("conf", "one", 84, 3, "pad: 1", act=False)
    for name in ("loc", "conf"):
        order = "order: 0 order: 2 order: 3 order: 1"
        text += layer("Permute", f"{name}_p", name, permute_param=order)
        text += layer("Flatten", f"{name}_f", f"{name}_p", flatten_param="axis: 1")
    text += layer("Reshape", "conf_r", "conf_f", reshape_param="shape { dim: 0 dim: -1 dim: 21 }")
    text += layer("Softmax", "conf_s", "conf_r", softmax_param="axis: 2")
    text += layer("Flatten", "conf_o", "conf_s", flatten_param="axis: 1")
    boxes = "min_size: 30 max_size: 60 aspect_ratio: 2 flip: true clip: false variance: 0.1 step: 8 offset: 0.5"
    text += layer("PriorBox", "boxes", "one data", prior_box_param=boxes)
    return text + layer("DetectionOutput", "out", "loc_f conf_o boxes", detection_output_param="num_classes: 21")


def test_the_boxes_of_ssd_are_outputs_and_their_decoding_is_left_out() -> None:
    flat = read(ssd())
    dims = {value: flat.shapes[value].dims for value in flat.outputs}
    assert dims == {"loc_f": (38 * 38 * 4 * 4,), "conf_o": (38 * 38 * 4 * 21,), "boxes": (2, 38 * 38 * 4 * 4)}
    assert costcalc.count(flat.data()).params == 64 * 193 + (16 + 84) * (64 * 9 + 1)


# Parameters as torchvision (VGG, ResNet), the SqueezeNet repository and Caffe's model zoo give them; the MACs of the
# same network in the zoo, which are checked against torch and published figures.
PUBLISHED = [
    ("alexnet_v1", (DATA / "alexnet_v1.prototxt").read_text(), 60_965_224, "alexnet_grouped"),
    ("squeezenet", (DATA / "squeezenet1_0_train_val.prototxt").read_text(), 1_248_424, "squeezenet1_0"),
    ("vgg16", vgg16(), 138_357_544, "vgg16"),
    ("resnet50", resnet50(), 25_557_032, "resnet50_v1"),
    ("googlenet", googlenet(), 6_998_552, "googlenet_caffe"),
]


@pytest.mark.parametrize(("name", "text", "params", "zoo"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_published_networks(name: str, text: str, params: int, zoo: str) -> None:
    flat = read(text, name)
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (params, costcalc.count(zoo).macs)
    again = costcalc.count(flat.text())
    assert (again.params, again.macs, len(again.rows)) == (result.params, result.macs, len(result.rows))


# SE-ResNet-50's are those of the published file (https://github.com/hujie-frank/SENet), counted by hand below: those
# of ResNet-50, and for each block of C channels two layers, C to C / 16 and back, with biases.
def test_se_resnet50_has_the_published_numbers() -> None:
    blocks = [(256, 3), (512, 4), (1024, 6), (2048, 3)]
    more = sum(number * (2 * c * c // 16 + c + c // 16) for c, number in blocks)
    macs = sum(number * 2 * c * c // 16 for c, number in blocks)
    result = costcalc.count(read(resnet50(squeezed=True)).data())
    assert (result.params, result.macs) == (28_088_024, 3_860_488_192)
    assert (result.params, result.macs) == (25_557_032 + more, 3_857_973_248 + macs)


def test_the_phase_test_is_imported() -> None:
    flat = read((DATA / "squeezenet1_0_train_val.prototxt").read_text())
    assert flat.shapes["input"].dims == (3, 224, 224)  # 227 in the phase TRAIN
    assert (flat.outputs, flat.name) == (["pool10"], "SqueezeNet_v1.0")  # no loss, no accuracy


# A layer of the blob `data` (8x12x10), the shape it gives, its parameters and its MACs, by hand.
LAYERS = [
    ("Convolution", "convolution_param { num_output: 4 kernel_size: 3 }", "4x10x8", 4 * 8 * 9 + 4, 80 * 288),
    ("Convolution", "convolution_param { num_output: 4 kernel_size: 3 bias_term: false }", "4x10x8", 288, 80 * 288),
    ("Convolution", "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 pad_h: 1 }", "4x12x10", 100, 11520),
    ("Convolution", "convolution_param { num_output: 4 kernel_size: [3, 5] stride: 2 pad: 1 }", "4x6x4", 484, 24 * 480),
    ("Convolution", "convolution_param { num_output: 8 kernel_size: 3 group: 4 dilation: 2 }", "8x8x6", 152, 48 * 144),
    ("DepthwiseConvolution", "convolution_param { num_output: 8 kernel_size: 3 pad: 1 }", "8x12x10", 80, 120 * 72),
    ("Deconvolution", "convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }", "4x24x20", 516, 120 * 512),
    # 2 * 11 + 5 - 2 rows, 2 * 9 + 5 - 2 columns: the kernel spans 2 * (3 - 1) + 1; 8 * (4 / 2) * 9 weights.
    ("Deconvolution", "convolution_param { num_output: 4 kernel_size: 3 stride: 2 pad: 1 group: 2 dilation: 2 }",
     "4x25x21", 148, 120 * 144),
    ("Convolution", "convolution_param { num_output: 4 kernel_size: 3 pad: 2 dilation: 2 stride: 2 }",
     "4x6x5", 292, 30 * 288),
    ("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", "8x6x5", 0, 0),  # ceil(9 / 2) + 1 = 6, ceil(7 / 2) + 1
    ("Pooling", "pooling_param { kernel_size: 3 }", "8x10x8", 0, 0),
    ("Pooling", "pooling_param { kernel_size: 3 stride: 2 round_mode: FLOOR }", "8x5x4", 0, 0),
    ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 3 pad: 1 }", "8x5x4", 0, 0),  # ceil(11 / 3) + 1
    ("Pooling", "pooling_param { kernel_size: 2 stride: 4 pad: 1 }", "8x4x3", 0, 0),  # a fourth would begin at 11
    ("Pooling", "pooling_param { pool: AVE global_pooling: true }", "8x1x1", 0, 0),
    ("InnerProduct", "inner_product_param { num_output: 5 }", "5", 960 * 5 + 5, 4800),
    ("InnerProduct", "inner_product_param { num_output: 5 bias_term: false }", "5", 4800, 4800),
    ("BatchNorm", "", "8x12x10", 0, 0),
    ("BatchNorm", "batch_norm_param { scale_bias: true }", "8x12x10", 16, 0),
    ("Scale", "", "8x12x10", 8, 0),
    ("Scale", "scale_param { bias_term: true }", "8x12x10", 16, 0),
    ("Normalize", "norm_param { across_spatial: false channel_shared: false }", "8x12x10", 8, 0),
    ("LRN", "lrn_param { local_size: 3 alpha: 5e-05 beta: .75 }", "8x12x10", 0, 0),
    # 1 + alpha * the mean of 3x3 squares, to the power of -beta, times x: Caffe's own composition of five layers
    ("LRN", "lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }", "8x12x10", 0, 0),
    ("BN", "bn_param { slope_filler { value: 1 } bias_filler { value: 0 } bn_mode: INFERENCE }", "8x12x10", 16, 0),
    ("MVN", "", "8x12x10", 0, 0),
    ("MVN", "mvn_param { across_channels: true }", "8x12x10", 0, 0),
    ("MVN", "mvn_param { normalize_variance: false eps: 1e-9 }", "8x12x10", 0, 0),
    ("SeLu", "", "8x12x10", 0, 0),
    ("Softmax", "softmax_param { axis: -1 }", "8x12x10", 0, 0),
    ("Flatten", "flatten_param { axis: -2 }", "8x120", 0, 0),
    # a border of more than half the window: 12 + 4 - 3 + 1; ceil(13 / 2) + 1 = 8 of which one begins at 14
    ("Pooling", "pooling_param { kernel_size: 3 pad: 2 }", "8x14x12", 0, 0),
    ("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 2 }", "8x7x6", 0, 0),
    ("ReLU", "relu_param { negative_slope: 0.1 }", "8x12x10", 0, 0),
    ("PReLU", "", "8x12x10", 8, 0),
    ("PReLU", "prelu_param { channel_shared: true }", "8x12x10", 1, 0),
    ("ELU", "elu_param { alpha: 1 }", "8x12x10", 0, 0),
    ("Sigmoid", "", "8x12x10", 0, 0),
    ("TanH", "", "8x12x10", 0, 0),
    ("AbsVal", "", "8x12x10", 0, 0),
    ("Power", "power_param { power: 2 scale: 0.5 shift: -1 }", "8x12x10", 0, 0),
    ("Softmax", "", "8x12x10", 0, 0),
    ("Flatten", "", "960", 0, 0),
    ("Reshape", "reshape_param { shape { dim: 0 dim: 4 dim: -1 } }", "4x240", 0, 0),
    ("Reshape", "reshape_param { shape { dim: 0 dim: 0 dim: -1 } }", "8x120", 0, 0),
    ("Permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }", "12x10x8", 0, 0),
    ("ShuffleChannel", "shuffle_channel_param { group: 4 }", "8x12x10", 0, 0),
    ("Interp", "interp_param { height: 30 width: 20 }", "8x30x20", 0, 0),
    ("Interp", "interp_param { zoom_factor: 8 }", "8x89x73", 0, 0),  # 12 + 11 * 7, 10 + 9 * 7
    ("Upsample", "upsample_param { scale: 2 }", "8x24x20", 0, 0),
    ("Dropout", "dropout_param { dropout_ratio: 0.4 }", "8x12x10", 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "group", "shape", "params", "macs"), LAYERS, ids=[" ".join(row[:2]) for row in LAYERS]
)
def test_layers(kind: str, group: str, shape: str, params: int, macs: int) -> None:
    text = f'layer {{ name: "one" type: "{kind}" bottom: "data" top: "one" {group} }}'
    flat = read(INPUT.format(8, 12, 10) + text)
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (params, macs)
    assert [str(flat.shapes[value]) for value in flat.outputs] == [shape]
    assert costcalc.count(flat.text()).params == params


SHARE = 'param { name: "w" } param { name: "b" }'

# Several layers, the shapes of the network's outputs, and its parameters.
GRAPHS = [
    # in place: the sum takes the rectified blob
    (conv("a", "data", 8, 1) + layer("Eltwise", "s", "a data"), "8x12x10", 72),
    (conv("a", "data", 8, 1) + layer("Eltwise", "s", "a data", eltwise_param="operation: PROD"), "8x12x10", 72),
    (conv("a", "data", 8, 1) + layer("Eltwise", "s", "a data", eltwise_param="coeff: 1 coeff: -1"), "8x12x10", 72),
    (conv("a", "data", 8, 1) + layer("Eltwise", "s", "a data", eltwise_param="operation: MAX"), "8x12x10", 72),
    (conv("a", "data", 8, 1) + layer("Eltwise", "s", "a data", eltwise_param="coeff: .17 coeff: 1"), "8x12x10", 72),
    (layer("Pooling", "g", "data", pooling_param="pool: AVE global_pooling: true")
     + layer("Axpy", "s", "g data data"), "8x12x10", 0),
    (layer("InnerProduct", "g", "data", inner_product_param="num_output: 8 bias_term: false")
     + layer("Axpy", "s", "g data data"), "8x12x10", 7680),
    # SegNet: what is pooled goes back to where it was
    (layer("Pooling", "p", "data", "p mask", pooling_param="kernel_size: 2 stride: 2")
     + layer("Upsample", "u", "p mask", upsample_param="scale: 2"), "8x12x10", 0),
    (layer("Pooling", "p", "data", "p mask", pooling_param="kernel_size: 2 stride: 2")
     + layer("Upsample", "u", "p mask", upsample_param="upsample_h: 11 upsample_w: 9"), "8x11x9", 0),
    (conv("a", "data", 4, 3) + layer("Interp", "c", "a data"), "4x12x10", 292),
    (conv("a", "data", 4, 1) + layer("Concat", "c", "data a"), "12x12x10", 36),
    (conv("a", "data", 8, 1) + layer("Concat", "c", "data a", concat_param="axis: 2"), "8x24x10", 72),
    (layer("Slice", "s", "data", "a b", slice_param="slice_point: 3"), "3x12x10 5x12x10", 0),
    (layer("Slice", "s", "data", "a b c", slice_param="axis: 2"), "8x4x10 8x4x10 8x4x10", 0),
    (layer("Split", "s", "data", "a b") + conv("c", "a", 4, 1), "4x12x10", 36),
    (conv("a", "data", 4, 3) + layer("Crop", "c", "data a", crop_param="offset: 1"), "8x10x8 4x10x8", 292),
    (layer("Pooling", "g", "data", pooling_param="pool: AVE global_pooling: true") + conv("e", "g", 8, 1)
     + layer("Scale", "s", "data e", scale_param="axis: 0"), "8x12x10", 72),
    (conv("a", "data", 8, 1).replace("convolution_param", SHARE + " convolution_param")
     + conv("b", "a", 8, 1).replace("convolution_param", SHARE + " convolution_param"), "8x12x10", 72),
    (conv("a", "data", 8, 1).replace("convolution_param", SHARE + " convolution_param"), "8x12x10", 72),
    (conv("a", "data", 4, 1) + layer("Silence", "quiet", "a").replace('top: "quiet"', "")
     + conv("b", "data", 2, 1), "2x12x10 4x12x10", 36 + 18),
    (conv("a", "data", 4, 1) + 'layer { name: "t" type: "Nothing" bottom: "a" top: "t" include { phase: TRAIN } }',
     "4x12x10", 36),
    (conv("a", "data", 4, 1) + 'layer { name: "t" type: "Nothing" bottom: "a" top: "t" exclude { phase: TEST } }',
     "4x12x10", 36),
    (conv("a", "data", 4, 1) + 'layer { name: "t" type: "Nothing" bottom: "a" top: "t" include { stage: "x" } }',
     "4x12x10", 36),
    (conv("a", "data", 4, 1) + conv("a", "a", 2, 1).replace('top: "a"', 'top: "b"', 1), "2x12x10 4x12x10", 36 + 10),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shapes", "params"), GRAPHS, ids=range(len(GRAPHS)))
def test_graphs(text: str, shapes: str, params: int) -> None:
    flat = read(INPUT.format(8, 12, 10) + text)
    assert sorted(str(flat.shapes[value]) for value in flat.outputs) == sorted(shapes.split())
    assert costcalc.count(flat.data()).params == costcalc.count(flat.text()).params == params


# How a file states its input, and the shape.
INPUTS = [
    ('input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9', (3, 8, 9)),
    ('input: "data" input: "label" input_shape { dim: 1 dim: 3 dim: 8 dim: 9 }', (3, 8, 9)),
    ('layer { name: "d" type: "Input" top: "data" input_param { shape: { dim: 5 dim: 3 dim: 8 dim: 9 } } }', (3, 8, 9)),
    ('layer { type: "Data" top: "data" top: "label" transform_param { crop_size: 8 } }', (3, 8, 8)),
    ('layer { type: "Data" top: "data" transform_param { crop_size: 8 force_gray: true } }', (1, 8, 8)),
    ('layers { type: IMAGE_DATA top: "data" image_data_param { new_height: 8 new_width: 9 } }', (3, 8, 9)),
    ('layer { type: "MemoryData" top: "data" memory_data_param { channels: 2 height: 8 width: 9 } }', (2, 8, 9)),
    ('layer { type: "DummyData" top: "data" dummy_data_param { shape { dim: 5 dim: 3 dim: 8 } } }', (3, 8)),
]


@pytest.mark.parametrize(("text", "shape"), INPUTS, ids=[row[0][:70] for row in INPUTS])
def test_inputs(text: str, shape: tuple[int, ...]) -> None:
    flat = read(text + layer("ReLU", "r", "data"))
    assert flat.shapes["input"].dims == shape
    other = (4, 5, 6)[: len(shape)]
    assert read(text + layer("ReLU", "r", "data"), shape=other).shapes["input"].dims == other
    with pytest.raises(SpecError, match=f"does not fit: the spec's input has {len(shape)} axes"):
        read(text + layer("ReLU", "r", "data"), shape=(4, 5, 6, 7))


def test_further_inputs_are_tensors_beside_the_image() -> None:
    text = (
        'input: "a" input: "b" input_shape { dim: 1 dim: 3 dim: 8 dim: 9 } input_shape { dim: 1 dim: 3 dim: 8 dim: 9 }'
    )
    flat = read(text + conv("c", "a", 4, 1) + conv("d", "b", 4, 1) + layer("Eltwise", "e", "c d"))
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (2 * 16, 2 * 12 * 72)
    assert [(step.kind, step.y.dims) for step in flat.steps[:1]] == [("parameter", (3, 8, 9))]


# What follows the line of the input, the piece of it that is told to be wrong (its first), and what is said.
WRONG = [
    (layer("LSTM", "l", "data"), "type", "layer 'l' has type 'LSTM', which costcalc can't express"),
    (layer("Convolutoin", "l", "data"), "type", "did you mean 'Convolution'?"),
    ('layer { name: "l" bottom: "data" }', "layer", "layer 'l' has type ''"),
    (
        conv("b", "data", 4, 3) + layer("ReLU", "r", "no"),
        'type: "ReLU" bottom: "no',
        "no layer before it gives the blob 'no'",
    ),
    (conv("a", "data", 4, 3, "strides: 2"), "strides", "'strides' is not known here"),
    (layer("ReLU", "r", "data", relu6_param="x: 1"), "relu6_param", "'relu6_param' is not known here"),
    (layer("Convolution", "c", "data", convolution_param="kernel_size: 3"), "convolution_param", "needs 'num_output'"),
    (conv("a", "data", 4, 30), "type", "a window of 30 does not fit"),
    (conv("a", "data", 4, 3, "axis: 2"), "axis", "axis 2 can't be expressed"),
    (conv("a", "data", 4, 3, "kernel_h: 2"), "kernel_size", "both 'kernel_size' and 'kernel_h'"),
    (conv("a", "data", 4, 3, "pad: -1"), "pad", "'pad' is at least 0, not -1"),
    (pool("p", "data", 2, 2, "pool: STOCHASTIC"), "pool: S", "pool STOCHASTIC can't be expressed"),
    (pool("p", "data", 1, 4), "type", "gives 8x4x4, which costcalc can't express: 8x3x3"),
    (layer("Eltwise", "e", "data data", eltwise_param="coeff: 0.5"), "coeff", "1 factors for 2 blobs"),
    (layer("Eltwise", "e", "data data", eltwise_param="operation: MIN"), "operation", "operation MIN is not known"),
    (layer("Eltwise", "e", "data data", eltwise_param="operation: MAX coeff: 1"), "coeff", "factors of MAX"),
    (layer("PriorBox", "p", "data data", prior_box_param="max_size: 3"), "prior_box_param", "needs a min_size"),
    (layer("Softmax", "s", "data", softmax_param="axis: 4"), "axis", "axis is one of 1 to 3, behind the batch"),
    (layer("Eltwise", "e", "data"), "type", "takes 2 blobs, not 1"),
    (layer("ReLU", "r", "data", "a b"), "type", "gives 1 blobs, not 2"),
    (conv("a", "data", 4, 3) + layer("TanH", "t", "data", "a"), 'type: "TanH', "the blob 'a' is there already"),
    (layer("Slice", "s", "data", "a b", slice_param="slice_point: 9"), "type", "the slice points don't rise up to 8"),
    (layer("Permute", "p", "data", permute_param="order: 1"), "type", "not an order of 4 axes"),
    (layer("Flatten", "f", "data", flatten_param="axis: 0"), "axis", "axis is one of 1 to 3, behind the batch"),
    (layer("PReLU", "p", "data", param='name: "w"'), "param", "costcalc can't share its weights"),
    (
        conv("a", "data", 4, 3).replace("convolution_param", 'param { name: "w" } convolution_param'),
        "param",
        "shares only a part of its weights",
    ),
    ('layer { name: "x', '"x', "is a quote not closed?"),
    ('layer { name: "x" ', "layer", "'layer' is never closed"),
    ("layer { name: }", "name", "'name' needs a value"),
    ("layer { name }", "name", "'name' needs a value, or braces"),
    ("layer }", "layer", "'layer' needs a value, or braces"),
    ("layer < > }", "}", "a field's name belongs here, not '}'"),
    ("layer { 3: 4 }", "3", "a field's name belongs here, not '3'"),
    ("layer < type: 'ReLU' }", "}", "a field's name belongs here, not '}'"),
    ("layer: 3", "layer", "'layer' is a group in braces"),
    ("@", "@", "'@' has no place here"),
    ("b { " * 39 + "a { c: 1 }", "a {", "messages are nested more than 40 deep"),
]


@pytest.mark.parametrize(("text", "piece", "said"), WRONG, ids=[row[2] for row in WRONG])
def test_mistakes_have_a_place(text: str, piece: str, said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        read(INPUT.format(8, 12, 10).rstrip() + "\n" + text, where="a.prototxt")
    before = text[: text.index(piece)].split("\n")
    assert str(caught.value).startswith(f"a.prototxt:{len(before) + 1}:{len(before[-1]) + 1}: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: 'x'",
        layer("ReLU", "r", "data"),
        'layer { type: "Data" top: "data" }' + layer("ReLU", "r", "data"),
        'input: "a" input: "b"' + layer("Eltwise", "e", "a b"),
        'input: "data" input_dim: 1 input_dim: 0' + layer("ReLU", "r", "data"),
        'input: "data" input_dim: 1 input_dim: 3' + "\nforce: 1" + layer("ReLU", "r", "data"),
    ],
)
def test_no_network(text: str) -> None:
    with pytest.raises(SpecError):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        "a:1 " * 240_000,
        "a{" * 400_000,
        "layer{}" * 140_000,
        '"' * 900_000,
        "a:[" + "1," * 400_000,
        "a:" + "''" * 400_000,
    ],
)
def test_huge_files_are_refused_in_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(SpecError):
        read(INPUT.format(8, 12, 10) + text)
    assert time.process_time() - start < 5


TEXTS = [
    (DATA / "alexnet_v1.prototxt").read_text(),
    *(INPUT.format(8, 12, 10) + layer(kind, "one", "data")[:-2] + group + "\n}" for kind, group, *_ in LAYERS),
    *(INPUT.format(8, 12, 10) + row[0].replace("{", "{\n") for row in GRAPHS),
]


def test_spoiled_files_give_a_network_or_a_mistake() -> None:
    good = [hold(text, read) for text in spoiled(TEXTS, 300)]
    assert 20 < sum(good) < 280
