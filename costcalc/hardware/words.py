"""The words that hardware is asked with: types of numbers, fusions, how products are grouped."""

from __future__ import annotations

FLOAT = 32  # bits of a number unless told
# Bytes of a number.
DTYPES = {"fp32": 4, "fp16": 2, "int8": 1}
FUSIONS = {
    "eager": "every norm, activation and join is a pass of its own (PyTorch as it stands)",
    "pointwise": "element-wise operators in a row are one pass (torch.compile)",
    "ideal": "element-wise operators are done as the layer before writes (TFLite, TensorRT)",
}
GROUPINGS = ("dense", "grouped", "depthwise")
