"""Programs that torch.export has saved: read without running anything, row by row what the module itself is."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.base.errors import SpecError

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from costcalc.interop.format import ReadOptions  # noqa: E402
from costcalc.interop.pt2.read import read  # noqa: E402
from costcalc.interop.torch.importer import from_torch  # noqa: E402

GRAPH = "models/model.json"


class Parts(nn.Module):
    """What is hard to say in a file: tied weights, writes into parts, several results, constants, a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(n, 4, 1) for n in (3, 4, 4))
        self.c.weight = self.b.weight
        self.norm, self.lstm = nn.BatchNorm2d(4), nn.LSTM(4, 5, batch_first=True)
        self.scale = nn.Buffer(torch.ones(4, 1, 1))

    def forward(self, x: Any, y: Any) -> Any:
        z = self.norm(self.c(self.b(self.a(x))) * self.scale)
        z[:, :2].relu_()
        first, second = torch.split(z.flatten(2).transpose(1, 2), 18, 1)
        first = torch.cat([first, torch.arange(4.0).expand(1, 1, 4)], 1)
        return self.lstm(first)[0], second * 2, y.chunk(2, 1)[1] * 2


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 4, 4, bias=False), nn.GELU())
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Any) -> Any:
        return self.head(self.layer(self.stem(x).flatten(2).transpose(1, 2)).mean(1))


def classifier() -> Any:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(inplace=True), nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5),
    )  # fmt: skip


MODULES: dict[str, tuple[Any, dict[str, tuple[int, ...]]]] = {
    "a classifier": (classifier, {"input": (3, 16, 16)}),
    "parts": (Parts, {"x": (3, 6, 6), "y": (4, 5)}),
    "attention": (Attention, {"x": (3, 16, 16)}),
    "indices": (lambda: nn.Embedding(10, 4), {"input": (7,)}),
}


@lru_cache
def saved(name: str) -> bytes:
    """Return what torch.export writes of a module."""
    make, shapes = MODULES[name]
    dtype = torch.long if name == "indices" else None
    given = tuple(torch.zeros(1, *shape, dtype=dtype) for shape in shapes.values())
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(make().eval(), given, strict=False), file)
    return file.getvalue()


def graph_of(name: str) -> Any:
    """Return the JSON that torch.export writes of a module's graph."""
    with zipfile.ZipFile(io.BytesIO(saved(name))) as archive:
        (found,) = [one for one in archive.namelist() if one.endswith(GRAPH)]
        return json.loads(archive.read(found))


def pack(path: Path, graph: Any) -> bytes:
    """Write a program of this graph, without weights, and return what is written."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/archive_format", "pt2")
        archive.writestr(f"m/{GRAPH}", json.dumps(graph))
    return path.read_bytes()


@pytest.mark.parametrize("name", MODULES)
def test_a_program_is_read_as_its_module(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    path.write_bytes(saved(name))
    make, shapes = MODULES[name]
    module = from_torch(make(), shapes if len(shapes) > 1 else next(iter(shapes.values())))
    program = read(str(path), ReadOptions())
    assert [(step.name, step.kind, str(step.y)) for step in program.steps] == [
        (step.name, step.kind, str(step.y)) for step in module.steps
    ]
    result, other = costcalc.count(str(path)), costcalc.count(module.data())
    assert (result.name, result.params, result.macs) == ("net", other.params, other.macs)


def test_weights_and_pickles_are_not_needed(tmp_path: Path) -> None:
    pack(tmp_path / "bare.pt2", graph_of("a classifier"))
    assert costcalc.count(str(tmp_path / "bare.pt2")).params == 216 + 16 + 45


def open_batch(graph: Any) -> None:
    graph["graph_module"]["graph"]["tensor_values"]["input"]["sizes"][0] = {"as_expr": {"expr_str": "s0", "hint": None}}


def two_images(graph: Any) -> None:
    graph["graph_module"]["graph"]["tensor_values"]["input"]["sizes"][0] = {"as_int": 2}


def another_function(graph: Any) -> None:
    graph["graph_module"]["graph"]["nodes"][2]["target"] = "torch.hub.load"


def another_shape(graph: Any) -> None:
    graph["graph_module"]["graph"]["tensor_values"]["conv2d"]["sizes"][1] = {"as_int": 9}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (open_batch, "the shape of input is open\n.*without dynamic_shapes"),
        (two_images, "is said to be of another shape|a batch above one"),
        (another_function, "2: torch.hub.load is not known"),
        (another_shape, "conv2d is said to be of another shape than conv2d.default gives"),
    ],
)
def test_what_is_not_one_image_of_known_operations_is_told(change: Any, said: str, tmp_path: Path) -> None:
    graph = graph_of("a classifier")
    change(graph)
    pack(tmp_path / "odd.pt2", graph)
    with pytest.raises(SpecError, match=said):
        costcalc.load(str(tmp_path / "odd.pt2"))
