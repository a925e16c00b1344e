"""A Caffe network file's layers, and what of it is the network: its phase, and its input."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import Fault, Mark
from costcalc.interop.options import Options, wrong
from costcalc.numbers.shape import refuse_other_axes

# The names that the first version of the format had for types: words in capitals.
FIRST = {
    "ABSVAL": "AbsVal", "BNLL": "BNLL", "CONCAT": "Concat", "CONVOLUTION": "Convolution", "DATA": "Data",
    "DECONVOLUTION": "Deconvolution", "DROPOUT": "Dropout", "DUMMY_DATA": "DummyData", "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss", "EXP": "Exp", "FLATTEN": "Flatten", "HDF5_DATA": "HDF5Data",
    "HINGE_LOSS": "HingeLoss", "IMAGE_DATA": "ImageData", "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct", "LRN": "LRN", "MEMORY_DATA": "MemoryData", "POWER": "Power",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss", "POOLING": "Pooling", "RELU": "ReLU",
    "SIGMOID": "Sigmoid", "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss", "SILENCE": "Silence",
    "SLICE": "Slice", "SOFTMAX": "Softmax", "SOFTMAX_LOSS": "SoftmaxWithLoss", "SPLIT": "Split", "TANH": "TanH",
    "WINDOW_DATA": "WindowData", "ACCURACY": "Accuracy", "CONTRASTIVE_LOSS": "ContrastiveLoss",
}  # fmt: skip
DATA = frozenset("Data ImageData HDF5Data MemoryData DummyData WindowData Input AnnotatedData DenseImageData".split())
# What ends a network, and is left out: losses, accuracies, and the decoding of boxes.
LOSSES = frozenset(
    "Accuracy SoftmaxWithLoss EuclideanLoss HingeLoss InfogainLoss MultinomialLogisticLoss SigmoidCrossEntropyLoss "
    "ContrastiveLoss SmoothL1Loss CenterLoss TripletLoss MultiBoxLoss DetectionEvaluate DetectionOutput HDF5Output "
    "Silence".split()
)


class CaffeLayer:
    """A layer of the file: its settings, its name, its type in the second version's words, and its blobs."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.name = options.word("name", "layer")
        word = options.word("type")
        self.type = FIRST.get(word, word)
        options.what = f"layer '{self.name[:60]}' ({self.type[:40]})"
        self.mark = options.place("type")
        self.bottoms = self.blobs("bottom")
        self.tops = self.blobs("top")

    def blobs(self, key: str) -> list[str]:
        """Return the names of the blobs that it takes or gives."""
        for found in self.options.all(key):
            if not isinstance(found.value, str):
                raise wrong(f"{self.options.what}: '{key}' is a blob's name", found.mark)
        return [found.value for found in self.options.all(key)]

    def group(self, key: str) -> Options:
        """Return a group of parameters, which messages call by the layer too."""
        group = self.options.group(key)
        group.what = f"{self.options.what}: {key}"
        return group


# ---- the input -----------------------------------------------------------------------------------


def sources(net: Options, layers: list[CaffeLayer], shape: Sequence[int] | None) -> dict[str, list[int]]:
    """Return the inputs' blobs and shapes, the image first; labels, which only losses take, are none.

    shape: the first's, where the file does not say it, or another.
    """
    declared = _inputs(net)
    for layer in layers:
        if layer.type in DATA:
            for number, top in enumerate(layer.tops):
                declared[top] = (_fed(layer, number), layer.mark)
    used = {blob for layer in layers if layer.type not in LOSSES for blob in layer.bottoms}
    found: dict[str, list[int]] = {}
    for blob in (blob for blob in declared if blob in used):
        said, mark = declared[blob]
        chosen = said if shape is None or found else _given(shape, said, mark)
        if not chosen:
            hint = "it is not the first input, whose shape --input gives" if found else "give it: --input 3x224x224"
            raise wrong(f"the shape of '{blob[:60]}' is not in the file", mark, hint)
        if min(chosen) < 1:
            raise wrong(f"the input's shape {chosen} has a length below 1", mark)
        found[blob] = chosen
    if not found:
        hint = "a network has an input field, an Input layer or a data layer"
        raise wrong("no input that a layer takes", net.mark, hint)
    return found


def _given(shape: Sequence[int], said: list[int], mark: Mark) -> list[int]:
    """Return the input's shape that is asked for; raise SpecError where the file's has other axes."""
    try:
        refuse_other_axes(shape, said)
    except Fault as other:
        raise wrong(other.message, mark, other.hint) from None
    return list(shape)


def _inputs(net: Options) -> dict[str, tuple[list[int], Mark]]:
    """Return the blobs of the network's own `input` fields, with their shapes without the batch."""
    names, shapes = net.all("input"), [_dims(group) for group in net.groups("input_shape")]
    numbers = net.wholes("input_dim", least=1)
    shapes = shapes or [numbers[k + 1 : k + 4] for k in range(0, len(numbers), 4)]
    shapes += [[]] * (len(names) - len(shapes))
    return {str(one.value): (shape, one.mark) for one, shape in zip(names, shapes, strict=False)}


def _dims(group: Options) -> list[int]:
    """Return a BlobShape without its first number, the batch."""
    return group.wholes("dim", least=1)[1:]


def _fed(layer: CaffeLayer, number: int) -> list[int]:
    """Return the shape of a data layer's top, as far as the file tells it; empty where it does not."""
    if layer.type in ("Input", "DummyData"):
        shapes = layer.group("input_param" if layer.type == "Input" else "dummy_data_param").groups("shape")
        return _dims(shapes[number if number < len(shapes) else 0]) if shapes else []
    if number:
        return []  # a label
    if layer.type == "MemoryData":
        group = layer.group("memory_data_param")
        return [group.whole(key, least=1) for key in ("channels", "height", "width")]
    transform, image = layer.group("transform_param"), layer.group("image_data_param")
    channels = 1 if transform.flag("force_gray") else 3
    size = transform.whole("crop_size", 0) or layer.group("window_data_param").whole("crop_size", 0)
    space = [size, size] if size else [image.whole("new_height", 0), image.whole("new_width", 0)]
    return [channels, *space] if all(space) else []


def included(layer: CaffeLayer) -> bool:
    """Say whether a layer is part of the network in the phase TEST, at level 0 and in no stage."""
    include, exclude = layer.options.groups("include"), layer.options.groups("exclude")
    if include:
        return any(_met(rule) for rule in include)
    return not any(_met(rule) for rule in exclude)


def _met(rule: Options) -> bool:
    """Say whether a rule of inclusion holds in the phase TEST, at level 0, with no stages."""
    phase = rule.word("phase", "TEST")
    low, high = (rule.number(key, one) if (one := rule.one(key)) else 0 for key in ("min_level", "max_level"))
    stages = rule.all("stage")
    rule.finish(("not_stage",))
    return phase == "TEST" and low <= 0 <= high and not stages
