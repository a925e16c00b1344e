"""Programs that torch.export has saved: read without running anything, row by row what the module itself is."""

from __future__ import annotations

import copy
import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.base.errors import SpecError

torch = pytest.importorskip("torch")
import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from costcalc.interop.format import ReadOptions  # noqa: E402
from costcalc.interop.pt2.read import read  # noqa: E402
from costcalc.interop.pt2.sizes import OpenSizes  # noqa: E402
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


class Sized(nn.Module):
    """What asks its input's size: views, attention over its places, a division by its height."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.qkv, self.head = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 24), nn.Linear(128, 5)

    def forward(self, x: Any) -> Any:
        y = self.stem(x)
        b, c, h, w = y.shape
        tokens = self.qkv(y.view(b, c, h * w).transpose(1, 2))
        q, k, v = tokens.reshape(b, h * w, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        y = ((q @ k.transpose(-1, -2)).softmax(-1) @ v).transpose(1, 2).reshape(b, h * w, c).transpose(1, 2)
        y = F.interpolate(y.reshape(b, c, h, w), scale_factor=2)
        return self.head(F.adaptive_avg_pool2d(y, 4).flatten(1)), y.mean((2, 3)) / h


@lru_cache
def opened(batch: int, axes: tuple[int, ...]) -> Any:
    """Return the graph of the same over such a batch, with axes that are open."""
    given = torch.zeros(batch, 3, 32, 40)
    file, dims = io.BytesIO(), dict.fromkeys(axes, torch.export.Dim.AUTO)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(Sized().eval(), (given,), strict=False, dynamic_shapes=(dims,)), file)
    with zipfile.ZipFile(file) as archive:
        (found,) = [one for one in archive.namelist() if one.endswith(GRAPH)]
        return json.loads(archive.read(found))


OPENED = [
    (2, (0,), None, (3, 32, 40)), (2, (0,), (3, 32, 40), (3, 32, 40)), (2, (0, 2, 3), (3, 64, 48), (3, 64, 48)),
    (1, (2, 3), (3, 33, 47), (3, 33, 47)), (2, (0, 3), (3, 32, 8), (3, 32, 8)),
]  # fmt: skip


@pytest.mark.parametrize(("batch", "axes", "given", "shape"), OPENED)
def test_sizes_that_are_open_are_those_of_the_input(
    batch: int, axes: tuple[int, ...], given: Any, shape: tuple[int, ...], tmp_path: Path
) -> None:
    pack(tmp_path / "net.pt2", opened(batch, axes))
    one, other = (
        costcalc.count(str(tmp_path / "net.pt2"), input=given),
        costcalc.count(from_torch(Sized(), shape).data()),
    )
    assert [(r.name, str(r.node.y), r.macs) for r in one.rows] == [(r.name, str(r.node.y), r.macs) for r in other.rows]


@pytest.mark.parametrize(
    ("batch", "axes", "given", "said"),
    [
        (1, (2, 3), None, r"the input x is of 3x\?x\?, where \? is open\n +give it, input="),
        (
            2,
            (0,),
            (3, 64, 64),
            "the input x is of 3x32x40 in the file, not 3x64x64\n +export it anew, with dynamic_shapes",
        ),
        (2, (0,), (3, 32), "the input x has 3 axes beside the batch: 3x32x40"),
        (2, (0,), (2, 3, 32, 40), "a batch above one\n.*an open batch .* is counted as one image"),
        (2, (), None, "a batch above one"),
    ],
)
def test_sizes_that_no_input_says_are_told(batch: int, axes: Any, given: Any, said: str, tmp_path: Path) -> None:
    pack(tmp_path / "net.pt2", opened(batch, axes))
    with pytest.raises(SpecError, match=said):
        costcalc.count(str(tmp_path / "net.pt2"), input=given)


S = "Symbol('s0', positive=True, integer=True)"
EXPRESSIONS = [
    ("Integer(7)", 7), (S, 5), (f"Add(Mul(Integer(2), FloorDiv(Add({S}, Integer(-1)), Integer(2))), Integer(2))", 6),
    (f"Mod({S}, Integer(3))", 2), (f"CeilDiv({S}, Integer(2))", 3), (f"Max(Integer(9), Min({S}, Integer(3)))", 9),
    (f"Pow({S}, Integer(2))", 25), (f"TruncToInt(IntTrueDiv({S}, Integer(2)))", 2), (f"CleanDiv({S}, Integer(5))", 1),
    ("Integer(-3)", -3), ("Rational(1, 2)", 0.5), ("Float('0.5', precision=53)", 0.5), (S.replace("s0", "s1"), None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "found"), EXPRESSIONS)
def test_a_size_is_an_expression(text: str, found: float | None) -> None:
    sizes = OpenSizes()
    sizes.symbols["s0"] = 5
    assert sizes.number({"as_expr": {"expr_str": text}}) == found


@pytest.mark.parametrize(
    "text",
    [
        "s0", "__import__('os')", "Add.__class__(1)", "Pow(Integer(10), Integer(9))", "Pow(Integer(10**9), Integer(8))",
        "Float('nan')", "Erf(Integer(1))", "Mul(Integer(999999999), Integer(999999999), Integer(999999999))",
    ],
)  # fmt: skip
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SpecError):
        OpenSizes().number({"as_expr": {"expr_str": text}})


@pytest.mark.parametrize(
    "text", ["-" * 9_000 + "1", "(" * 9_000, "Add(" * 4_000, "9" * 9_000, "A" * 30_000, "1 +", "Symbol()"]
)
def test_an_expression_that_makes_no_sense_is_told(text: str, tmp_path: Path) -> None:
    graph = copy.deepcopy(graph_of("a classifier"))
    graph["graph_module"]["graph"]["tensor_values"]["conv2d"]["sizes"][0] = {
        "as_expr": {"expr_str": text, "hint": None}
    }
    pack(tmp_path / "odd.pt2", graph)
    with pytest.raises(SpecError):
        costcalc.load(str(tmp_path / "odd.pt2"))


def open_batch(graph: Any) -> None:
    size = {"as_expr": {"expr_str": S, "hint": None}}
    graph["graph_module"]["graph"]["tensor_values"]["conv2d"]["sizes"][0] = size


def two_images(graph: Any) -> None:
    graph["graph_module"]["graph"]["tensor_values"]["input"]["sizes"][0] = {"as_int": 2}


def another_function(graph: Any) -> None:
    graph["graph_module"]["graph"]["nodes"][2]["target"] = "torch.hub.load"


def another_shape(graph: Any) -> None:
    graph["graph_module"]["graph"]["tensor_values"]["conv2d"]["sizes"][1] = {"as_int": 9}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (open_batch, "the shape of conv2d is open, and no input says it\n.*export it for one image"),
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


@pytest.mark.parametrize("trace", ["a" * 2**24, "\\n" * 2**23], ids=["letters", "escapes"])
def test_a_long_trace_takes_no_memory(trace: str, tmp_path: Path) -> None:
    """The reader alone, in a process of its own: it had taken 2 GB."""
    with zipfile.ZipFile(tmp_path / "long.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"m/{GRAPH}", '{"stack_trace": "' + trace + '"}')
    pack(tmp_path / "plain.pt2", graph_of("indices"))
    code = """if True:
        import costcalc, resource, sys
        from costcalc.base.errors import SpecError
        costcalc.count("plain.pt2")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            costcalc.load("long.pt2")
        except SpecError as error:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    root = Path(costcalc.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)}
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert int(run.stdout) < 500 * (2**20 if sys.platform == "darwin" else 2**10)
