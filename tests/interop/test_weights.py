"""Files of weights beside a spec: each format by hand, what is told of other weights, hostile files."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import Run

import costcalc
from costcalc import SpecError
from costcalc.graph.expand import expand
from costcalc.interop.weights import files
from costcalc.interop.weights.compare import compare

SPEC = """
costcalc: 1
name: small
input: [3, 16, 16]
layers:
  - {conv: {out: 8, kernel: [1, 3], norm: batch}, name: stem}
  - {conv: {out: 8, kernel: 3}, name: body}
  - {conv: {out: 8, kernel: 3}, name: more}
  - global_avg_pool
  - {fc: {out: 10}, name: head}
"""
# The same as PyTorch stores it, by names of its own, and out of order.
TENSORS: dict[str, tuple[int, ...]] = {
    "head.weight": (10, 8), "head.bias": (10,), "conv1.weight": (8, 3, 1, 3), "bn1.weight": (8,), "bn1.bias": (8,),
    "bn1.running_mean": (8,), "bn1.running_var": (8,), "bn1.num_batches_tracked": (), "conv2.weight": (8, 8, 3, 3),
    "conv2.bias": (8,), "conv3.weight": (8, 8, 3, 3), "conv3.bias": (8,),
}  # fmt: skip
KERAS = {
    "stem/kernel": (1, 3, 3, 8), "norm/gamma": (8,), "norm/beta": (8,), "norm/moving_mean": (8,),
    "body/kernel": (3, 3, 8, 8),
    "body/bias": (8,), "more/kernel": (3, 3, 8, 8), "more/bias": (8,), "head/kernel": (8, 10), "head/bias": (10,),
}  # fmt: skip


def safetensors(tensors: dict[str, tuple[int, ...]], kind: str = "F32") -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, shape in tensors.items():
        own = "I64" if name.endswith("tracked") else kind
        size = int(np.prod(shape)) * {"F32": 4, "F16": 2, "I64": 8}[own]
        header[name] = {"dtype": own, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


def npz(tensors: dict[str, tuple[int, ...]]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **{name: np.zeros(shape, np.float32) for name, shape in tensors.items()})
    return file.getvalue()


def against(folder: Path, data: bytes, name: str = "w.safetensors") -> Any:
    (folder / name).write_bytes(data)
    return compare(expand(costcalc.load(SPEC)), files.read(str(folder / name)))


PARAMS = 72 + 16 + 2 * 584 + 90  # 8*3*1*3, gamma and beta, 8*8*9 + 8 each, 8*10 + 10


@pytest.mark.parametrize("tensors", [TENSORS, KERAS, dict(sorted(TENSORS.items()))], ids=["torch", "keras", "sorted"])
@pytest.mark.parametrize("write", [safetensors, npz])
def test_the_same_weights_match(tensors: dict[str, tuple[int, ...]], write: Any, tmp_path: Path) -> None:
    found = against(tmp_path, write(tensors))
    assert (found.agrees, found.ours, found.theirs) == (True, PARAMS, PARAMS)
    assert found.said() == f"{PARAMS:,} parameters in 5 layers: all match"


def without(*names: str, **more: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    changed = {name.replace("__", "."): shape for name, shape in more.items()}
    return {name: shape for name, shape in TENSORS.items() if name not in names} | changed


OTHERS = {
    "another number of classes": (
        without(head__weight=(7, 8), head__bias=(7,)),
        "1 layer differs, the first: head (fc): 90 numbers, not 63: head: weight [7, 8], bias [7]",
    ),
    "another width": (
        without(conv2__weight=(4, 8, 3, 3), conv2__bias=(4,), conv3__weight=(8, 4, 3, 3)),
        "2 layers differ, the first: body (conv 3x3): 584 numbers, not 292: conv2: weight [4, 8, 3, 3], bias [4]",
    ),
    "another kernel of as many numbers": (
        without(conv1__weight=(8, 3, 3, 1)),
        "1 layer differs, the first: stem (conv 1x3): 72 numbers, in another shape: conv1: weight [8, 3, 3, 1]",
    ),
    "a layer is missing": (
        without("head.weight", "head.bias"),
        "1 layer differs, the first: head (fc): its 90 numbers are not in the file",
    ),
    "a layer too many": (
        without(tail__weight=(3, 3)),
        "1 layer differs, the first: tail: weight [3, 3]: no layer of the spec has these 9 numbers",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_first_difference_is_told(name: str, tmp_path: Path) -> None:
    tensors, said = OTHERS[name]
    found = against(tmp_path, safetensors(tensors))
    assert (found.agrees, found.said()) == (False, said)


def test_types_and_statistics_stand_apart(tmp_path: Path) -> None:
    found = against(tmp_path, safetensors(TENSORS, "F16"))
    assert found.kinds == {"F16": PARAMS}
    assert [one.name for one in found.statistics] == ["bn1.running_mean", "bn1.running_var", "bn1.num_batches_tracked"]


def test_an_index_names_several_files(tmp_path: Path) -> None:
    names = list(TENSORS)
    for number, part in enumerate((names[:5], names[5:])):
        (tmp_path / f"{number}.safetensors").write_bytes(safetensors({name: TENSORS[name] for name in part}))
    places = {name: "0.safetensors" if name in names[:5] else "1.safetensors" for name in names}
    assert against(tmp_path, json.dumps({"weight_map": places}).encode(), "w.index.json").agrees
    for wrong, said in (("../w", "does not lie beside it"), ("2.safetensors", "does not lie beside it")):
        with pytest.raises(SpecError, match=said):
            against(tmp_path, json.dumps({"weight_map": places | {"head.bias": wrong}}).encode(), "w.index.json")


def test_state_dicts_are_read_and_code_is_not(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    held = {name: torch.zeros(shape) for name, shape in TENSORS.items()}
    for number, what in enumerate((held, {"state_dict": held, "epoch": 3})):
        torch.save(what, tmp_path / f"{number}.pt")
        assert compare(expand(costcalc.load(SPEC)), files.read(str(tmp_path / f"{number}.pt"))).agrees
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    with pytest.raises(SpecError, match=r"holds more than tensors, which would run code: none of it is read"):
        files.read(str(tmp_path / "module.pt"))


def header(text: str, room: int = 0) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode() + bytes(room)


def zipped(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


HOSTILE = {
    "a length that lies": (struct.pack("<Q", 2**60) + b"{}", "its header would have 1,152,921,504,606,846,976 bytes"),
    "a header that is cut": (safetensors(TENSORS)[:60], "its header would have"),
    "numbers that are not there": (safetensors(TENSORS)[:-1], "has 32 bytes, which its shape does not take"),
    "a shape without end": (header('{"w": {"dtype": "F32", "shape": [99999999999, 999999999]}}'), "shape that is none"),
    "a shape below zero": (header('{"w": {"dtype": "F32", "shape": [-1]}}'), "shape that is none"),
    "a type that is none": (header('{"w": {"dtype": "F77", "shape": []}}'), "has no element type that is known"),
    "a type that is a list": (header('{"w": {"dtype": ["F32"], "shape": []}}'), "has no element type that is known"),
    "a header deep in lists": (header('{"w": ' + "[" * 5_000 + "]" * 5_000 + "}"), "200 deep"),
    "a name that stands twice": (header('{"w": 1, "w": 2}'), "stands twice"),
    "JSON of something else": (b'{"a": 1}', "no index of weights"),
    "a zip of something else": (zipped("a.txt", b"a"), "is a zip, but no file of PyTorch"),
    "an array that is none": (zipped("w.npy", b"a" * 2_000), "'w.npy' is no array of numbers"),
    "a bomb": (zipped("w.npy", bytes(10**8)), "'w.npy' is no array of numbers"),
    "a text": (b"hello", "is no file of weights that is read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_words(name: str, tmp_path: Path) -> None:
    if "zip" in name:
        pytest.importorskip("torch")
    data, said = HOSTILE[name]
    with pytest.raises(SpecError) as caught:
        against(tmp_path, data)
    assert said in str(caught.value)


def test_spoilt_files_are_read_or_refused(tmp_path: Path) -> None:
    draw, whole = random.Random(3), [safetensors(TENSORS), npz(TENSORS)]
    for _ in range(200):
        data = bytearray(draw.choice(whole))
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(data))
            data[at : at + draw.choice((0, 1, 1, 8))] = bytes(
                draw.choice(b'\x00\xff{}[]",:09-') for _ in range(draw.choice((0, 1, 1, 8)))
            )
        try:
            against(tmp_path, bytes(data))
        except SpecError as error:
            assert error.problems  # noqa: PT017


def test_the_function(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(safetensors(TENSORS))
    for weights in (
        tmp_path / "w.safetensors",
        str(tmp_path / "w.safetensors"),
        {k: np.zeros(v) for k, v in TENSORS.items()},
    ):
        found = costcalc.verify_weights(SPEC, weights)
        assert (bool(found), found.differing, found.to_dict()["params"]) == (True, [], 1_346)
        assert repr(found) == "<1,346 parameters in 5 layers: all match>"
    found = costcalc.verify_weights(SPEC, {k: np.zeros(v) for k, v in OTHERS["another number of classes"][0].items()})
    assert (bool(found), [pair.verdict for pair in found.differing]) == (False, ["differs"])
    torch = pytest.importorskip("torch")
    assert costcalc.verify_weights(SPEC, {k: torch.zeros(v) for k, v in TENSORS.items()})


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (3, "weights are a file, or tensors by their names, not 3"),
        ({}, "weights are a file, or tensors by their names"),
        ({"a": [1, 2]}, "'a' is no tensor, but "),
        ("nowhere.safetensors", "nowhere.safetensors is no regular file"),
    ],
)
def test_what_is_no_weights_is_told(weights: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        costcalc.verify_weights(SPEC, weights)
    assert said in str(caught.value)


def test_the_command(tmp_path: Path, run: Run) -> None:
    (tmp_path / "net.yaml").write_text(SPEC)
    (tmp_path / "w.safetensors").write_bytes(safetensors(TENSORS))
    (tmp_path / "other.safetensors").write_bytes(safetensors(OTHERS["another number of classes"][0]))
    spec, weights = str(tmp_path / "net.yaml"), str(tmp_path / "w.safetensors")
    code, out, _ = run("verify", spec, "--weights", weights)
    assert (code, "1,346 parameters in 5 layers: all match" in out) == (0, True)
    code, out, _ = run("verify", spec, "--weights", str(tmp_path / "other.safetensors"))
    assert (code, "head (fc): 90 numbers, not 63" in out) == (1, True)
    code, _, err = run("report", weights)
    assert (code, f"costcalc verify SPEC --weights {weights} compares both" in err) == (2, True)
    assert run("verify", spec, spec, "--weights", weights)[0] == 2
