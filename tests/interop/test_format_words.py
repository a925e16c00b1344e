"""The table of words: each is looked up in its format, and whoever claims to read or to write one does."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from costcalc.base.errors import SpecError
from costcalc.interop import words
from costcalc.interop.caffe import layers as caffe_layers
from costcalc.interop.darknet import words as darknet_words
from costcalc.interop.words import ATEN, CAFFE, DARKNET, FORMATS, KERAS, ONNX, Words
from costcalc.operators.op import operators

TABLES = {name: getattr(words, name) for name in ("ACTIVATIONS", "NUMBERS", "ALONE", "JOINS", "REDUCTIONS", "BORDERS")}
DATA = Path(__file__).parent.parent / "data" / "words.csv"


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_one_for_one(name: str) -> None:
    table: Words = TABLES[name]
    assert all(len(row) == 1 + len(FORMATS) for row in table.rows)
    for column in zip(*table.rows, strict=True):
        said = [word for word in column if word != "-"]
        assert len(said) == len(set(said))


def test_our_words_are_the_languages() -> None:
    activations = {kind for kind, cls in operators().items() if cls.is_act and kind == cls.kind}
    ours = {name: [row[0] for row in table.rows] for name, table in TABLES.items()}
    assert activations - set(ours["ACTIVATIONS"]) == {"prelu", "softmax", "log_softmax"}  # weights; an axis
    assert set(ours["JOINS"]) <= set(operators())
    for kind, field in (word.split(".") for word in ours["NUMBERS"]):
        assert field in operators()[kind].fields
    calls = [*ours["ALONE"], *ours["JOINS"], *words.TURNED.values()]
    for word in calls:
        operators()["arithmetic"](0, op=word, **({} if word in ours["ALONE"] else {"by": 2}))
    for word in ours["REDUCTIONS"]:
        operators()["reduce_axes"](0, op=word, axes=[0])
    for word in ours["BORDERS"]:
        operators()["pad"](2, padding=1, mode=word)


def test_the_words_of_onnx_are_its_own() -> None:
    onnx = pytest.importorskip("onnx")
    for name in ("ACTIVATIONS", "ALONE", "JOINS", "REDUCTIONS"):
        for word in TABLES[name].read(ONNX):
            assert onnx.defs.has(word), word
    for word, ours in words.NUMBERS.read(ONNX).items():
        (op, attribute), (kind, field) = word.split("."), ours.split(".")
        given = onnx.defs.get_schema(op).attributes[attribute].default_value
        assert round(given.f, 7) == operators()[kind].fields[field].default
    modes = onnx.defs.get_schema("Pad").doc
    assert all(f"`{mode}`" in modes for mode in words.BORDERS.read(ONNX))


def test_the_words_of_aten_are_its_own() -> None:
    torch = pytest.importorskip("torch")
    for name in ("ACTIVATIONS", "ALONE", "JOINS", "REDUCTIONS"):
        for word in TABLES[name].read(ATEN):
            assert hasattr(torch.ops.aten, word), word
    for word, ours in words.NUMBERS.read(ATEN).items():
        (op, argument), (kind, field) = word.split("."), ours.split(".")
        (found,) = (a for a in getattr(torch.ops.aten, op).default._schema.arguments if a.name == argument)
        assert found.default_value == operators()[kind].fields[field].default
    for mode in words.BORDERS.read(ATEN):
        torch.nn.functional.pad(torch.zeros(1, 1, 4, 4), [1, 1, 1, 1], mode)


@pytest.mark.parametrize("form", [KERAS, CAFFE, DARKNET])
def test_the_words_of_others_are_in_their_lists(form: str) -> None:
    with DATA.open(encoding="utf-8") as file:
        listed = {row["word"] for row in csv.DictReader(file) if row["format"] == form}
    assert {word for name in TABLES if name != "BORDERS" for word in TABLES[name].read(form)} <= listed


def test_who_claims_to_read_a_word_reads_it() -> None:
    for word in words.ACTIVATIONS.read(CAFFE):
        assert word in caffe_layers._LAYERS
    assert set(words.ACTIVATIONS.read(DARKNET)) < set(darknet_words.ACTIVATIONS)
    pytest.importorskip("onnx")
    from costcalc.interop.onnx.write import _RULES as WRITTEN
    from costcalc.interop.tensors.reading import RULES

    for name in ("ACTIVATIONS", "ALONE", "JOINS", "REDUCTIONS"):
        assert set(TABLES[name].read(ONNX)) <= set(RULES), name
    assert set(words.ACTIVATIONS.write(ONNX)) | set(words.JOINS.write(ONNX)) <= set(WRITTEN)


def test_the_reader_of_pytorch_reads_its_words() -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.importer import from_torch

    class One(torch.nn.Module):
        def __init__(self, call: object, tensors: int) -> None:
            super().__init__()
            self.call, self.tensors = call, tensors

        def forward(self, x: object) -> object:
            return self.call(*[x] * self.tensors)

    unread = []
    for name, table in TABLES.items():
        for word, ours in () if name in ("NUMBERS", "BORDERS") else table.read(ATEN).items():
            call = getattr(torch.ops.aten, word)
            if name == "REDUCTIONS":
                call = lambda x, call=call: call(x, dim=[1])  # noqa: E731
            try:
                (step,) = from_torch(One(call, 2 if name == "JOINS" else 1), (3, 4, 4)).steps
            except SpecError as error:
                unread.append((word, str(error)))
                continue
            assert ours in (step.kind, getattr(step.op, "op", "")), word
    assert unread == []
