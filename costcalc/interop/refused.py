"""Files of other tools that no reader reads: told by what is in them, and refused in words that name a way."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.base.hints import Hint
from costcalc.interop.format import Head


class Foreign(NamedTuple):
    """What a file is, and what to do with it; `{path}` and `{stem}` stand for its name with and without suffix."""

    what: str
    hint: str
    python: str = ""  # the same as Python spells it


_GIVEN = "give the model itself, beside input=(3, 224, 224)"
SOLVER = Foreign("a Caffe solver", "give the network that it trains, which it names under net:")
PYTHON = Foreign(
    "a Python module",
    "costcalc report {module}:NAME counts the PyTorch model that NAME in it is, or makes",
    'costcalc.from_torch("{module}:NAME", (3, 224, 224)) reads the PyTorch model that NAME in it is, or makes',
)
_BY_ONNX = (
    "costcalc does not read it; exported to ONNX it does: costcalc report {stem}.onnx",
    'costcalc does not read it; exported to ONNX it does: costcalc.count("{stem}.onnx")',
)
TORCH = Foreign(
    "a file of PyTorch",
    "give the code that makes the model, as MODULE:NAME: torchvision.models:resnet18, or save it by torch.export: .pt2",
    f"{_GIVEN}, or save it by torch.export: .pt2",
)
SCRIPT = Foreign(
    "a model of TorchScript", "give the code that it was made from, as MODULE:NAME, or its export to ONNX", _GIVEN
)
WEIGHTS = Foreign(
    "a file of weights",
    "it says nothing of the layers: give the model's definition; costcalc verify SPEC --weights {path} compares both",
)
KERAS = Foreign("a Keras model in HDF5", 'save it as model.save("{stem}.keras"), or as the text of model.to_json()')
TENSORFLOW = Foreign("a TensorFlow model", "converted to TFLite or ONNX it is read: costcalc report {stem}.tflite")
CORE_ML = Foreign("a Core ML model", *_BY_ONNX)
HUGGING_FACE = Foreign(
    "a configuration of Hugging Face", "give the model as MODULE:NAME, a function that makes it", _GIVEN
)

_SUFFIXES = {
    ".pt": TORCH, ".pth": TORCH, ".h5": KERAS, ".hdf5": KERAS, ".pkl": TORCH, ".mlmodel": CORE_ML,
    ".pb": TENSORFLOW, ".caffemodel": WEIGHTS, ".weights": WEIGHTS, ".safetensors": WEIGHTS, ".bin": WEIGHTS,
    ".npz": WEIGHTS, ".npy": WEIGHTS, ".ckpt": WEIGHTS, ".py": PYTHON,
}  # fmt: skip
_BYTES: list[tuple[Callable[[Head], object], Foreign]] = [
    (lambda head: head.data.startswith(b"\x89HDF\r\n"), KERAS),
    (lambda head: any(re.search(r"(^|/)(constants\.pkl|code/)", name) for name in head.names), SCRIPT),
    (lambda head: head.data.startswith(b"PK\3\4") and b"data.pkl" in head.data, TORCH),
    (lambda head: re.match(rb"\x80[\2-\5]", head.data), TORCH),
    (lambda head: head.data[8:10] == b'{"', WEIGHTS),
    (lambda head: head.data.startswith(b"\x93NUMPY"), WEIGHTS),
    (lambda head: re.match(rb"\x08[\1-\x0a]\x12", head.data) and head.suffix == ".mlmodel", CORE_ML),
]
_TEXTS = [  # what stands in it, all of it
    ((r"^\s*(train_net|test_net|net)\s*:\s*\"", r"^\s*(base_lr|lr_policy|max_iter|solver_mode)\s*:"), SOLVER),
    ((r"\A\s*\{", '"(model_type|architectures)"'), HUGGING_FACE),
    ((r"^(import|from) \w+", r"^(class|def) \w+"), PYTHON),
]


def by_content(head: Head) -> Foreign | None:
    """Return what a file is by how it begins."""
    known = next((foreign for test, foreign in _BYTES if test(head)), None)
    told = (foreign for parts, foreign in _TEXTS if all(re.search(part, head.text, re.MULTILINE) for part in parts))
    return known or next(told, None)


def by_suffix(head: Head) -> Foreign | None:
    """Return what a file most likely is by its name."""
    return _SUFFIXES.get(head.suffix)


def folder(path: str) -> Foreign | None:
    """Return what a folder is."""
    names = sorted(os.listdir(path)) if os.access(path, os.R_OK | os.X_OK) else []
    if "saved_model.pb" in names:
        return TENSORFLOW
    if path.rstrip("/").endswith((".mlpackage", ".mlmodelc")):
        return CORE_ML
    specs = [name for name in names if name.endswith((".yaml", ".yml"))]
    given = ", ".join(os.path.join(path, name).replace("{", "{{").replace("}", "}}") for name in specs[:3])
    return Foreign("a directory", f"give a file: {given}") if specs else None


def refuse(path: str, found: Foreign | None) -> None:
    """Raise SpecError for a file or folder of another tool: what it is, and what to do with it."""
    if found is None:
        return
    stem = os.path.splitext(os.path.basename(path.rstrip("/")))[0]
    python, shell = (text.format(path=path, stem=stem, module=stem) for text in (found.python, found.hint))
    raise stop(f"{path} is {found.what}, no spec", hint=Hint(python or shell, shell))
