"""Keras models, as `to_json()` and `.keras` files hold them, become specs: layers, graphs, shapes; what is refused."""

from __future__ import annotations

import copy
import csv
import json
import random
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc import SpecError
from costcalc.interop.format import ReadOptions
from costcalc.interop.keras.read import read

DATA = Path(__file__).parent.parent / "data" / "keras"
LAYERS = [json.loads(line) for line in (DATA / "layers.jsonl").read_text().splitlines()]


def held(tmp_path: Path, model: Any, name: str = "model.json") -> str:
    """Write a model, and return its path."""
    path = tmp_path / name
    path.write_text(json.dumps(model))
    return str(path)


def layer(kind: str, name: str, *taken: str, **config: Any) -> dict[str, Any]:
    """Return a layer of Keras 2's style that takes the first outputs of others."""
    nodes = [[[one, 0, 0, {}] for one in taken]] if taken else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def functional(*layers: dict[str, Any], shape: Any = (None, 8, 8, 3), **more: Any) -> dict[str, Any]:
    """Return a functional model over one input, `x`, that gives what its last layer gives."""
    entering = layer("InputLayer", "x", batch_input_shape=list(shape))
    config = {
        "name": "small",
        "layers": [entering, *layers],
        "input_layers": [["x", 0, 0]],
        "output_layers": [[layers[-1]["name"] if layers else "x", 0, 0]],
    }
    return {"class_name": "Functional", "config": config | more, "keras_version": "2.15.0"}


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: f"{case['name']}-{case['keras']}")
def test_layers_are_what_keras_says(case: dict[str, Any], tmp_path: Path) -> None:
    """Parameters, stored numbers and outputs are the live library's; MACs were counted by hand, or of its kernels."""
    model = case["model"] if case["keras"] == 3 else case["model"] | {"keras_version": "2.21.0"}
    network: Any = read(held(tmp_path, model), ReadOptions())
    result = costcalc.count(network.text())
    stored = sum(row.buffers for row in result.rows)
    assert (result.params, result.macs, stored) == (case["params"], case["macs"], case["stored"])
    given = [sorted(network.shapes[value].dims) for value in network.outputs]
    for dims in case["outputs"]:
        assert None in dims or sorted(dims or [1]) in given


# ---- graphs --------------------------------------------------------------------------------------

CONV = layer("Conv2D", "c", "x", filters=4, kernel_size=3, activation="relu")
SMALL = functional(CONV, layer("Flatten", "f", "c"), layer("Dense", "d", "f", units=5))
TEXT = """\
costcalc: 1
name: small
input: [3, 8, 8]

layers:
  - {conv: {out: 4, kernel: 3}, name: c}
  - {relu, name: c.relu}
  - {flatten, name: f}
  - {fc: {out: 5}, name: d}
"""


def test_a_model_is_read_as_a_person_would_write_it(tmp_path: Path) -> None:
    network: Any = read(held(tmp_path, SMALL), ReadOptions())
    assert network.text() == TEXT


def test_it_may_be_quoted_twice_zipped_or_a_list_of_layers(tmp_path: Path) -> None:
    """`json.dump(model.to_json(), file)` quotes the text again; Keras 1 and 2.2 wrote Sequential's layers alone."""
    wanted = costcalc.count(held(tmp_path, SMALL)).params
    assert wanted == 3 * 9 * 4 + 4 + 4 * 36 * 5 + 5
    assert costcalc.count(held(tmp_path, json.dumps(SMALL), "quoted.json")).params == wanted
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.4.0"}))
        archive.writestr("config.json", json.dumps(SMALL))
        archive.writestr("model.weights.h5", b"\x89HDF")
    assert costcalc.count(str(tmp_path / "a.keras")).params == wanted
    steps = [one | {"inbound_nodes": []} for one in SMALL["config"]["layers"][1:]]
    steps[0]["config"] = steps[0]["config"] | {"batch_input_shape": [None, 8, 8, 3]}
    assert costcalc.count(held(tmp_path, {"class_name": "Sequential", "config": steps}, "list.json")).params == wanted


def test_layers_may_stand_in_any_order(tmp_path: Path) -> None:
    turned = copy.deepcopy(SMALL)
    turned["config"]["layers"].reverse()
    assert costcalc.count(held(tmp_path, turned)).macs == costcalc.count(held(tmp_path, SMALL)).macs


def bottleneck(name: str, entering: str, width: int, stride: int = 1, *, project: bool = False) -> list[dict[str, Any]]:
    """Return the layers of ResNet-50's block, as Keras has them: the stride is on the first convolution."""
    found, last = [], entering
    if project:
        found += conv_bn(f"{name}_0", entering, 4 * width, 1, stride)
    for number, (out, kernel, step) in enumerate([(width, 1, stride), (width, 3, 1), (4 * width, 1, 1)], 1):
        found += conv_bn(f"{name}_{number}", last, out, kernel, step)
        last = f"{name}_{number}_bn"
        if number < 3:
            found.append(layer("Activation", f"{name}_{number}_relu", last, activation="relu"))
            last = f"{name}_{number}_relu"
    found.append(layer("Add", f"{name}_add", f"{name}_0_bn" if project else entering, last))
    return [*found, layer("Activation", f"{name}_out", f"{name}_add", activation="relu")]


def conv_bn(name: str, entering: str, out: int, kernel: int, stride: int) -> list[dict[str, Any]]:
    """Return a convolution with a bias, and its norm."""
    fields: dict[str, Any] = {"filters": out, "kernel_size": [kernel] * 2, "strides": [stride] * 2, "padding": "same"}
    return [
        layer("Conv2D", f"{name}_conv", entering, **fields),
        layer("BatchNormalization", f"{name}_bn", f"{name}_conv"),
    ]


def resnet50() -> dict[str, Any]:
    """Return ResNet-50 as Keras builds it."""
    stem: dict[str, Any] = {"filters": 64, "kernel_size": 7, "strides": 2}
    found = [
        layer("ZeroPadding2D", "pad", "x", padding=[[3, 3], [3, 3]]),
        layer("Conv2D", "conv1", "pad", **stem),
        layer("BatchNormalization", "bn1", "conv1"),
        layer("Activation", "relu1", "bn1", activation="relu"),
        layer("ZeroPadding2D", "pad2", "relu1", padding=[[1, 1], [1, 1]]),
        layer("MaxPooling2D", "pool1", "pad2", pool_size=[3, 3], strides=[2, 2]),
    ]
    last = "pool1"
    for stage, (width, count) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], 2):
        for number in range(1, count + 1):
            name = f"conv{stage}_block{number}"
            found += bottleneck(name, last, width, 2 if stage > 2 and number == 1 else 1, project=number == 1)
            last = f"{name}_out"
    pool = layer("GlobalAveragePooling2D", "avg_pool", last)
    return functional(*found, pool, layer("Dense", "head", "avg_pool", units=1000), shape=[None, None, None, 3])


def test_resnet50_is_what_keras_has(tmp_path: Path) -> None:
    """The truth of the table; its size is asked for, channels first, and another one given as it may be."""
    with open(DATA / "applications.csv", encoding="utf-8") as file:
        rows = {(row["keras_name"], row["kwargs"]): row for row in csv.DictReader(file)}
    row, path = rows["ResNet50", "{}"], held(tmp_path, resnet50())
    result = costcalc.count(path, input=(3, 224, 224))
    assert (result.params, result.macs) == (int(row["params"]), int(row["macs"]))
    assert sum(one.buffers for one in result.rows) == int(row["nontrainable_bn_stats"])
    with pytest.raises(
        SpecError, match=r"does not say all of the shape of the input 'x': \?x\?x3\s+give it, channels first"
    ):
        costcalc.count(path)
    with pytest.raises(SpecError, match=r"has 3 channels, not 224\s+channels come first here: input=\(3, 224, 224\)"):
        costcalc.count(path, input=(224, 224, 3))


def test_every_application_of_keras_is_exact(tmp_path: Path) -> None:
    """Those of the table, where Keras is there."""
    pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    with open(DATA / "applications.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        model = getattr(keras.applications, row["keras_name"])(weights=None, **json.loads(row["kwargs"]))
        path = tmp_path / "model.json"
        path.write_text(model.to_json())
        _, *space, channels = map(int, row["input"].split("x"))
        result = costcalc.count(str(path), input=(channels, *space))
        stored = sum(one.buffers for one in result.rows)
        found = (row["keras_name"], result.params, result.macs, stored)
        assert found == (row["keras_name"], int(row["params"]), int(row["macs"]), int(row["nontrainable_params"]))


# ---- what is refused -----------------------------------------------------------------------------

SECRET = {"class_name": "Secret", "name": "s", "config": {"name": "s"}, "inbound_nodes": [[["x", 0, 0, {}]]]}
REFUSED: list[tuple[Any, str]] = [
    (
        functional(layer("Lambda", "l", "x", function=["4wEAAA==", None, None])),
        "layer 'l' (Lambda): costcalc does not know",
    ),
    (functional(SECRET), "layer 's' (Secret): costcalc does not know this class of layers"),
    (
        functional(SECRET | {"class_name": "Conv2D", "module": "my.layers"}),
        "layer 's' (Conv2D): costcalc does not know",
    ),
    (
        functional(SECRET | {"class_name": "Dense", "registered_name": "my>Dense"}),
        "layer 's' (Dense): costcalc does not know",
    ),
    ({"class_name": "MyModel", "config": {"units": 3}}, "holds no graph of 'MyModel'"),
    (
        functional(layer("Conv2D", "c", "x", filters=4, kernel_size=3, padding="odd")),
        "padding 'odd' can't be expressed",
    ),
    (functional(layer("Conv2D", "c", "x", kernel_size=3)), "layer 'c' (Conv2D): needs 'filters'"),
    (functional(layer("Conv2D", "c", "x", filters=-4, kernel_size=3)), "'filters' is at least 1"),
    (functional(layer("Conv2D", "c", "x", filters=4, kernel_size=3, twist=2)), "'twist' is not known here"),
    (functional(layer("Dense", "d", "x", units=4, activation="grelu")), "activation 'grelu' can't be expressed"),
    (
        functional(layer("Dense", "d", "nobody", units=4)),
        "layer 'd' (Dense) takes 'nobody', and there is no such layer",
    ),
    (functional(layer("Dense", "d", "x", units=4, lora_rank=2)), "'lora_rank' is not known here"),
    (
        functional(layer("Dense", "a", "b", units=4), layer("Dense", "b", "a", units=4)),
        "its layers go in a circle: a, b",
    ),
    (functional(CONV, CONV), "two layers are called 'c'"),
    (functional(layer("Reshape", "r", "x", target_shape=[7, 7])), "gives 7x7 of 8x8x3"),
    (functional(layer("Softmax", "s", "x", axis=0)), "works along the batch"),
    (functional(CONV, output_layers=[["c", 3, 0]]), "layer 'c' (Conv2D) has no call 3"),
    (functional(CONV, output_layers=[["c", 0, 3]]), "layer 'c' gives 1 tensors, and none of number 3"),
    ({"class_name": "Sequential", "config": {"layers": []}}, "a Sequential model has a list of layers"),
    (
        functional(layer("RNN", "r", "x", cell={"class_name": "MyCell", "config": {}})),
        "has a cell that costcalc does not",
    ),
]


@pytest.mark.parametrize(("model", "said"), REFUSED, ids=lambda value: value[:50] if isinstance(value, str) else "")
def test_what_cannot_be_read_is_refused_in_words(model: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        costcalc.count(held(tmp_path, model))
    assert said in str(caught.value)


def test_what_the_file_states_is_held_against_what_is_found(tmp_path: Path) -> None:
    """Keras 3 writes the shape of each tensor: 5 steps enter the second convolution, and not 6."""
    case = next(case for case in LAYERS if case["name"] == "norms")
    model = copy.deepcopy(case["model"])
    taken = model["config"]["layers"][2]["inbound_nodes"][0]["args"][0]["config"]
    taken["shape"][1] += 1
    with pytest.raises(SpecError, match=r"gives 6x5x8, but the file says that it gives 7x5x8"):
        costcalc.count(held(tmp_path, model))


def test_opaque_makes_a_row_of_a_layer_that_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="file does not say what shape it gives"):
        costcalc.count(held(tmp_path, functional(SECRET)), opaque=True)
    model = copy.deepcopy(next(case for case in LAYERS if case["name"] == "norms")["model"])
    model["config"]["layers"][2] |= {"class_name": "Secret"}
    network: Any = read(held(tmp_path, model), ReadOptions(opaque=True))
    assert [step.kind for step in network.steps][:2] == ["batch_norm", "opaque"]
    own = functional(layer("Conv2D", "c", "x", filters=4, kernel_size=3, activation="mine"))
    rows = costcalc.count(held(tmp_path, own), opaque=True).rows
    assert [row.type for row in rows] == ["conv 3x3", "opaque"]


# ---- hostile files -------------------------------------------------------------------------------


def spoiled(model: Any, rng: random.Random) -> str:
    """Return a model's text with something in it wrong: cut, or a value that is another, missing, huge, or a circle."""
    text = json.dumps(model)
    if rng.random() < 0.2:
        place = rng.randrange(len(text))
        return text[:place] + rng.choice(["", "{", "\x00", "1e400", '"']) + text[place + rng.randrange(4) :]
    data = json.loads(text)
    for _ in range(rng.choice([1, 1, 2, 4])):
        places = list(inner(data))
        where, key = rng.choice(places)
        others = [one[key_] for one, key_ in rng.sample(places, min(3, len(places)))]
        values = [None, -1, 0, 1, 10**9, 10**30, 1.5, True, "", "x", [], {}, [[]], [None] * 3, *others]
        if rng.random() < 0.15 and isinstance(where, dict):
            del where[key]
        else:
            where[key] = copy.deepcopy(rng.choice(values))
    return json.dumps(data)


def inner(data: Any) -> Any:
    """Yield each list and mapping with each of its keys."""
    for key, value in list(data.items() if isinstance(data, dict) else enumerate(data)):
        yield data, key
        if isinstance(value, dict | list):
            yield from inner(value)


@pytest.mark.parametrize("seed", range(300))
def test_a_spoiled_file_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    path = tmp_path / "model.json"
    path.write_text(spoiled(rng.choice(LAYERS)["model"], rng))
    with suppress(SpecError):
        assert costcalc.count(read(str(path), ReadOptions(opaque=rng.random() < 0.3)).data()).rows is not None
