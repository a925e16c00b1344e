"""`costcalc import FORMAT`: a model of another framework becomes a spec."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from costcalc.base import Datum
from costcalc.base.arguments import sole
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.language.flat import Flat
from costcalc.language.yaml_text import spec_text

F = TypeVar("F", bound=Callable[..., Any])

_INPUT = click.option("--input", "input_", metavar="C,H,W", help="The input's shape, without the batch: 3,224,224.")
_NAME = click.option("--name", default="", metavar="NAME", help="What the network is called.")
_OUTPUT = common.output("Write the spec to a file.")
_BLOCKS = click.option("--blocks", is_flag=True, help="Write what repeats as blocks, not as a flat list.")
_OPAQUE = click.option("--opaque", is_flag=True, help="What costcalc does not know: rows of unknown cost.")


@click.group(
    cls=usage.Commands,
    epilog="""
    costcalc import darknet yolov3-tiny.cfg
    costcalc import torch torchvision.models:resnet18 -o resnet18.yaml
    """,
)
def command() -> None:
    """Write a model of another framework as a spec.

    The spec goes to FILE or stdout, and what it costs to stderr.
    """


def options(*chosen: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that declares several options."""

    def declare(function: F) -> F:
        for option in reversed(chosen):
            function = option(function)
        return function

    return declare


@command.command(
    epilog="""
    costcalc import torch torchvision.models:resnet18 --blocks -o resnet18.yaml
    """,
)
@click.argument("target", metavar="MODULE:NAME")
@options(_INPUT, _NAME, _BLOCKS, _OPAQUE, _OUTPUT)
def torch(target: str, input_: str | None, **given: Datum) -> None:
    """Import a PyTorch model: my.package:Net.

    Others are torchvision.models:resnet50 and timm:convnext_tiny. MODULE is imported and NAME called without
    arguments: this runs the module's Python code. The input is 3,224,224, or what a timm model states, unless
    told. Needs torch.
    """
    from costcalc.interop.torch.target import traced

    common.here()
    flat = traced(target, common.input_shape(input_), name=given["name"], opaque=given["opaque"])
    finish(flat, **given)


@command.command(
    epilog="""
    costcalc import onnx model.onnx -o model.yaml
    """,
)
@click.argument("model", metavar="MODEL.onnx")
@options(_INPUT, _NAME, _BLOCKS, _OPAQUE, _OUTPUT)
def onnx(model: str, input_: str | None, **given: Datum) -> None:
    """Import an ONNX graph; weights are not loaded. Needs onnx."""
    from costcalc.interop.onnx import importer as onnx_import

    refuse_spec(model)
    finish(onnx_import.read(model, sole(common.input_shape(input_)), opaque=given["opaque"]), **given)


@command.command(
    epilog="""
    costcalc import darknet yolov3-tiny.cfg --blocks
    """,
)
@click.argument("network", metavar="NETWORK.cfg")
@options(_NAME, _BLOCKS, _OPAQUE, _OUTPUT)
def darknet(network: str, **given: Datum) -> None:
    """Import a Darknet definition."""
    from costcalc.base.files import read
    from costcalc.interop.darknet import importer

    refuse_spec(network)
    name = given["name"] or stem(network)
    finish(importer.read(read(network), name, network, opaque=given["opaque"]), **given)


@command.command(
    epilog="""
    costcalc import caffe squeezenet1_0_train_val.prototxt -o squeezenet.yaml
    """,
)
@click.argument("network", metavar="NETWORK.prototxt")
@options(_INPUT, _NAME, _BLOCKS, _OPAQUE, _OUTPUT)
def caffe(network: str, input_: str | None, **given: Datum) -> None:
    """Import a Caffe definition, as it is in the test phase."""
    from costcalc.base.files import read
    from costcalc.interop.caffe import importer

    refuse_spec(network)
    shape = sole(common.input_shape(input_))
    finish(importer.read(read(network), given["name"], network, shape, opaque=given["opaque"]), **given)


def refuse_spec(path: str) -> None:
    """Raise SpecError for a file that is a spec already."""
    held = ""
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:  # what can't be read tells itself
        held = file.read(2000) if os.path.isfile(path) else ""
    if re.search(r"^costcalc *:", held, re.MULTILINE):
        raise stop(f"{path} is a spec already", hint=f"costcalc report {path}")


def stem(path: str) -> str:
    """Return a file's name without folder and suffix."""
    return os.path.splitext(os.path.basename(path))[0]


def finish(flat: Flat, *, name: str, output: str | None, blocks: bool, **_: Datum) -> None:
    """Write the spec, and tell what it costs."""
    from costcalc.api import count

    flat.name = name or flat.name
    data = flat.data()
    if blocks:
        from costcalc.interop.blocks.folding import folded

        data = folded(flat)
    text = spec_text(data)
    result = count(text)  # before anything is written: what can't be counted is no spec
    common.write(text.rstrip("\n"), output)
    common.tell(f"{result.name}: {plural(len(result.rows), 'row')}, {result.said()}")
    if flat.unused:
        common.tell(f"note: {flat.unused:,} parameters that inference does not use are left out")
