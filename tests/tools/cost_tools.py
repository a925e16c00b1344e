"""Other cost tools, each asked for what it counts of a PyTorch network: an adapter a tool."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

Counts = dict[str, int]


def _fvcore(model: Any, image: Any) -> Counts:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    found = FlopCountAnalysis(model, image).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return {"macs": int(found.total()), "params": parameter_count(model)[""]}


def _thop(model: Any, image: Any) -> Counts:
    from thop import profile

    macs, params = profile(model, (image,), verbose=False)
    return {"macs": int(macs), "params": int(params)}


def _ptflops(model: Any, image: Any, backend: str = "pytorch") -> Counts:
    from ptflops import get_model_complexity_info

    macs, params = get_model_complexity_info(
        model, tuple(image.shape[1:]), as_strings=False, print_per_layer_stat=False, backend=backend
    )
    return {"macs": int(macs), "params": int(params)}


def _ptflops_aten(model: Any, image: Any) -> Counts:
    return _ptflops(model, image, "aten")


def _torchinfo(model: Any, image: Any) -> Counts:
    from torchinfo import summary

    found = summary(model, input_data=image, verbose=0)
    return {"macs": found.total_mult_adds, "params": found.total_params}


def _calflops(model: Any, image: Any) -> Counts:
    from calflops import calculate_flops

    flops, macs, params = calculate_flops(
        model, input_shape=tuple(image.shape), print_results=False, output_as_string=False
    )
    return {"flops": int(flops), "macs": int(macs), "params": int(params)}


def _torch(model: Any, image: Any) -> Counts:
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter:
        model(image)
    return {"flops": counter.get_total_flops()}


def _torchscan(model: Any, image: Any) -> Counts:
    from torchscan import crawl_module

    found = crawl_module(model, args=(image,))["totals"]
    names = {"flops": "module_flops", "macs": "macs", "params": "parameters"}
    # Where a module is unknown to it, it gives no value, only what it knows.
    return {ours: found[theirs].get("known_value", found[theirs]["value"]) for ours, theirs in names.items()}


def _torchprofile(model: Any, image: Any) -> Counts:
    from torchprofile import profile_macs

    return {"macs": int(profile_macs(model, image))}


def _flopth(model: Any, image: Any) -> Counts:
    from flopth import flopth

    macs, params = flopth(model, inputs=(image,), bare_number=True)
    return {"macs": int(macs), "params": int(params)}


def _exported(model: Any, image: Any) -> str:
    import torch

    path = os.path.join(tempfile.gettempdir(), f"live_tools_{os.getpid()}.onnx")
    torch.onnx.export(model, (image,), path, dynamo=False)
    return path


def _onnx_tool(model: Any, image: Any) -> Counts:
    import onnx_tool

    found = onnx_tool.Model(_exported(model, image), {"verbose": False})
    found.graph.shape_infer({next(iter(found.graph.input)): image.numpy()})
    found.graph.profile()
    return {"macs": int(found.graph.macs[0])}


def _onnxsim(model: Any, image: Any) -> Counts:
    import onnx
    from onnxsim.model_info import ModelInfo

    macs = int(ModelInfo(onnx.load(_exported(model, image))).macs)
    return {"macs": macs, "flops": 2 * macs}


class Tool(NamedTuple):
    """A tool: the package that must be there, and what it counts of a network."""

    package: str
    count: Callable[[Any, Any], Counts]


TOOLS = {
    "fvcore": Tool("fvcore", _fvcore),
    "thop": Tool("thop", _thop),
    "ptflops": Tool("ptflops", _ptflops),
    "ptflops-aten": Tool("ptflops", _ptflops_aten),
    "torchinfo": Tool("torchinfo", _torchinfo),
    "calflops": Tool("calflops", _calflops),
    "torch": Tool("torch", _torch),
    "torchscan": Tool("torchscan", _torchscan),
    "torchprofile": Tool("torchprofile", _torchprofile),
    "flopth": Tool("flopth", _flopth),
    "onnx-tool": Tool("onnx-tool", _onnx_tool),
    "onnxsim": Tool("onnxsim", _onnxsim),
}


def installed() -> dict[str, str]:
    """Return the tools whose packages are there, with their versions."""
    found = {}
    for name, tool in TOOLS.items():
        try:
            found[name] = metadata.version(tool.package)
        except metadata.PackageNotFoundError:
            continue
    return found
