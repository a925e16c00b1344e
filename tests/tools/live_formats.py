"""Model files beside the libraries that write them, run here and now: `.ci/live` makes environments for it.

    python -m pytest -n 0 tests/tools/live_formats.py [-k ultralytics]

What is not installed is skipped, and pytest takes this file only when it is named. Every model file of Ultralytics'
package at every scale, as it is trained and as it is deployed; every application of Keras 3 and of tf_keras; TFLite
files that TensorFlow converts on the spot, float, half precision and int8; OpenVINO's of torchvision's networks,
floating point and quantized by nncf. The numbers are the library's own: `numel`, PyTorch's FlopCounterMode, shapes of
kernels and outputs, tensors that TensorFlow's interpreter lists.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import importlib.util
import io
import os
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import pytest

import costcalc

pytestmark = pytest.mark.filterwarnings("ignore")  # of other libraries
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "YOLO_VERBOSE": "false", "YOLO_OFFLINE": "true"}


def folder_of(package: str) -> Path | None:
    """Return where a package lies, without importing it; None where it is not installed."""
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


# ---- Ultralytics -------------------------------------------------------------------------------------------

ULTRALYTICS = folder_of("ultralytics")
MODELS = ULTRALYTICS / "cfg" / "models" if ULTRALYTICS else Path()
FILES = sorted(str(path.relative_to(MODELS)) for path in MODELS.rglob("*.yaml")) if ULTRALYTICS else []
CLASSES = {  # the last row's module -> which model the package builds of it
    "Classify": "ClassificationModel",
    "RTDETRDecoder": "RTDETRDetectionModel",
    "WorldDetect": "WorldModel",
    "YOLOEDetect": "YOLOEModel",
    "Segment": "SegmentationModel",
    "Pose": "PoseModel",
    "OBB": "OBBModel",
    "YOLOESegment": "YOLOESegModel",
    "SemanticSegment": "Semantic",
    "Depth": "Depth",
}


def scales_of(file: str) -> list[str]:
    """Return the scales that a model file names, one that has no name where it names none."""
    yaml = importlib.import_module("yaml")
    return list(yaml.safe_load((MODELS / file).read_text(encoding="utf-8")).get("scales") or [""])


def built(path: Path, scale: str) -> tuple[Any, int]:
    """Return the package's model of a file at a scale, without data, and the pixels of a side that it is counted at."""
    tasks = importlib.import_module("ultralytics.nn.tasks")
    config = tasks.yaml_model_load(path)
    config |= {"scale": scale} if scale else {}
    head = config["head"][-1][2].removesuffix("26")
    word = CLASSES.get(head, "DetectionModel")
    name = next(name for name in dir(tasks) if name.startswith(word) and name.endswith("Model"))
    torch = importlib.import_module("torch")
    with contextlib.redirect_stdout(io.StringIO()), torch.device("meta"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "tensor", partial(torch.tensor, device="cpu"))  # strides, of which heads take numbers
        return getattr(tasks, name)(config, ch=3, verbose=False).eval(), 224 if head == "Classify" else 640


def of_module(module: Any, *shape: int) -> tuple[int, int]:
    """Return the parameters and MACs of a PyTorch module, over tensors without data."""
    torch = importlib.import_module("torch")
    from torch.utils.flop_counter import FlopCounterMode

    moved = copy.deepcopy(module)
    stride = getattr(moved.model[-1], "stride", None) if hasattr(moved, "model") else None
    moved = moved.to("meta").eval()
    if stride is not None:
        moved.model[-1].stride = stride  # of which the package's heads take numbers
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        moved(torch.zeros(1, *shape, device="meta"))
    return sum(p.numel() for p in module.parameters()), counted.get_total_flops() // 2


@pytest.mark.skipif(not FILES, reason="needs ultralytics")
@pytest.mark.parametrize(("file", "scale"), [(file, scale) for file in FILES for scale in scales_of(file)])
def test_ultralytics_own_files(file: str, scale: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = importlib.import_module("torch")
    monkeypatch.setattr(torch.backends.mha, "get_fastpath_enabled", lambda: False)  # which hides products
    model, size = built(MODELS / file, scale)
    wanted = of_module(model, 3, size, size)
    with contextlib.redirect_stdout(io.StringIO()), torch.device("meta"):
        deployed = of_module(model.fuse(verbose=False), 3, size, size)
    network = f"{MODELS / file}@scale={scale}" if scale else str(MODELS / file)
    whole, fused = costcalc.count(network), costcalc.count(network, fused=True)
    assert (whole.params, whole.macs) == wanted
    assert (fused.params, fused.macs) == deployed


# ---- Keras -------------------------------------------------------------------------------------------------


def applications(package: str) -> list[Any]:
    """Return each network of a Keras' applications, by its name in the folder's files."""
    if not folder_of(package):
        return []
    found = importlib.import_module(f"{package}.applications")
    return [(package, name) for name in dir(found) if name[0].isupper() and callable(getattr(found, name))]


def kernel_macs(model: Any) -> int:
    """Return the MACs of a Keras model's convolutions and dense layers: each kernel's size, times the pixels of it."""
    total = 0
    for layer in model.layers:
        kind = type(layer).__name__
        if kind in ("Functional", "Sequential"):
            total += kernel_macs(layer)
        elif kind in ("Conv2D", "DepthwiseConv2D", "SeparableConv2D"):
            kernels = [prod(weight.shape) for weight in layer.trainable_weights if len(weight.shape) == 4]
            total += prod(layer.output.shape[1:3]) * sum(kernels)
        elif kind == "Dense":
            total += prod(layer.output.shape[1:-1]) * prod(layer.kernel.shape)
    return total


def numbers(weights: Any) -> int:
    return sum(prod(weight.shape) for weight in weights)


@pytest.mark.parametrize(("package", "name"), [*applications("keras"), *applications("tf_keras")])
def test_applications_of_keras(package: str, name: str, tmp_path: Path) -> None:
    keras = importlib.import_module(package)
    more = {"input_shape": (224, 224, 3)} if "MobileNetV3" in name else {}
    model = getattr(keras.applications, name)(weights=None, **more)
    path = tmp_path / "model.json"
    path.write_text(model.to_json(), encoding="utf-8")
    rows, columns, channels = model.inputs[0].shape[1:]
    result = costcalc.count(str(path), input=(channels, rows, columns))
    stored = sum(row.buffers for row in result.rows)
    wanted = (numbers(model.trainable_weights), kernel_macs(model), numbers(model.non_trainable_weights))
    assert (result.params, result.macs, stored) == wanted


# ---- TFLite ------------------------------------------------------------------------------------------------

# A network of Keras' applications, its side, and how it is quantized.
CONVERTED = [
    (name, side, mode)
    for name, side in (("MobileNet", 128), ("MobileNetV2", 224), ("ResNet50", 224), ("EfficientNetB0", 224))
    for mode in ("float", "half", "dynamic", "int8")
]


@pytest.mark.parametrize(("name", "side", "mode"), CONVERTED)
def test_tflite_conversions(name: str, side: int, mode: str, tmp_path: Path) -> None:
    """The MACs are Keras'; the parameters those of the tensors that TensorFlow's interpreter says are weights."""
    tensorflow = pytest.importorskip("tensorflow")
    keras = importlib.import_module("keras")
    keras.utils.set_random_seed(1)
    model = getattr(keras.applications, name)(weights=None, input_shape=(side, side, 3))
    for weight in model.weights:  # as if trained: no bias is zero, and no two are equal, which a file holds once
        if len(weight.shape) == 1:
            weight.assign(keras.random.uniform(weight.shape, 0.1, 0.2))
    path = tmp_path / "model.tflite"
    path.write_bytes(converted(tensorflow, model, mode))
    result = costcalc.count(str(path))
    assert (result.params, result.macs) == (interpreted(tensorflow, path), kernel_macs(model))


def converted(tensorflow: Any, model: Any, mode: str) -> bytes:
    """Return what TensorFlow converts a Keras model to."""
    import numpy as np

    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    if mode != "float":
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    if mode == "half":
        converter.target_spec.supported_types = [tensorflow.float16]
    if mode == "int8":
        image = np.random.default_rng(0).random((1, *model.inputs[0].shape[1:]), dtype=np.float32)
        converter.representative_dataset = lambda: iter([[image]])
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tensorflow.int8
    made: bytes = converter.convert()
    return made


def interpreted(tensorflow: Any, path: Path) -> int:
    """Return the numbers in kernels and biases, each tensor once, as the interpreter of TensorFlow lists them."""
    options = {
        "experimental_op_resolver_type": tensorflow.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    }
    reader = tensorflow.lite.Interpreter(str(path), **options)
    sizes = {tensor["index"]: prod(tensor["shape"]) for tensor in reader.get_tensor_details()}
    weights: set[int] = set()
    behind: dict[int, int] = {}  # half-precision weights stand behind DEQUANTIZE
    for op in reader._get_ops_details():
        taken = [int(index) for index in op["inputs"]]
        if op["op_name"] == "DEQUANTIZE":
            behind[int(op["outputs"][0])] = taken[0]
        elif op["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights |= {behind.get(index, index) for index in taken[1:3] if index >= 0}
    return sum(sizes[index] for index in weights)


# ---- OpenVINO ----------------------------------------------------------------------------------------------

NETWORKS = ["resnet18", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "convnext_tiny", "densenet121"]


@pytest.mark.parametrize("quantized", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_conversions(name: str, quantized: bool, tmp_path: Path) -> None:
    """The MACs are PyTorch's, of what OpenVINO converts and nncf quantizes."""
    openvino, torch = pytest.importorskip("openvino"), pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = getattr(models, name)().eval()
        for parameter in network.parameters():  # as if trained: OpenVINO leaves biases out that are zero
            if parameter.dim() == 1:
                torch.nn.init.uniform_(parameter, 0.1, 0.2)
        image = torch.rand(1, 3, 224, 224)
        model = openvino.convert_model(network, example_input=image, input=[(1, 3, 224, 224)])
        if quantized:
            nncf = pytest.importorskip("nncf")
            model = nncf.quantize(model, nncf.Dataset([image.numpy()]), subset_size=1)
    openvino.save_model(model, str(tmp_path / "model.xml"))
    result = costcalc.count(str(tmp_path / "model.xml"))
    params, macs = of_module(network, 3, 224, 224)
    folded = sum(module.weight.numel() for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d))
    assert result.macs == macs
    assert params - folded <= result.params <= params
