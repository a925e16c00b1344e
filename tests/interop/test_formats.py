"""One way in: a file of any format where a spec may stand, told by its content, or refused in words that name a way."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError
from costcalc.interop.formats import formats, recognized

sys.path.insert(0, str(Path(__file__).parent))  # whose tables are the fuzzer's samples
from fuzz_files import SAMPLES, outcome
from fuzz_files import run as fuzzed

CFG = "# small\n[net]\nwidth=32\nheight=32\nchannels=3\n[convolutional]\nfilters=16\nsize=3\npad=1\nactivation=leaky\n"
CAFFE = """name: "small"
input: "data"
layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }
"""

# A file that begins so is of this format, whatever it is called.
BEGINNINGS: list[tuple[str, bytes]] = [
    ("onnx", b"\x08\x07\x12\x07pytorch\x1a\x052.1.0"),
    ("tflite", b"\x1c\0\0\0TFL3\x14\0\x20\0"),
    ("keras", b'{"module": "keras.src.models.functional", "class_name": "Functional", "config": {}}'),
    ("keras", b'{"class_name": "Sequential", "config": {"name": "a"}, "keras_version": "2.4.0"}'),
    ("keras", b'"{\\"class_name\\": \\"Sequential\\", \\"config\\": {}}"'),
    ("darknet", b"# YOLO\n[net]\nwidth=416\n"),
    ("darknet", b"; YOLO\n\n[network]\nwidth=416\n"),
    ("caffe", b'name: "x"\nlayer {\n  name: "a"\n}\n'),
    ("caffe", b'name: "x"\ninput: "data"\nlayers {\n}\n'),
    ("huggingface", b'{\n  "architectures": ["ViTModel"],\n  "model_type": "vit"\n}\n'),
]
# What has no reader, and what is said of it.
BY_ONNX = 'costcalc does not read it; exported to ONNX it does: costcalc.count("model.onnx")'
AS_KERAS = 'save it as model.save("model.keras"), or as the text of model.to_json()'
REFUSED: dict[str, tuple[bytes, str]] = {
    "zip.pt": (
        b"PK\3\4\0\0archive/data.pkl",
        "is a file of PyTorch, no spec\n        give the model itself, beside input=",
    ),
    "old.pth": (b"\x80\x02\x8a\nl\xfc", "is a file of PyTorch, no spec"),
    "model.h5": (b"\x89HDF\r\n\x1a\n\0\0", f"is a Keras model in HDF5, no spec\n        {AS_KERAS}"),
    "model.mlmodel": (b"\x08\x04\x12\x10\x0a\x06", f"is a Core ML model, no spec\n        {BY_ONNX}"),
    "model.mlpackage/Manifest.json": (b"{}", f"is a Core ML model, no spec\n        {BY_ONNX}"),
    "w.npy": (b"\x93NUMPY\1\0", "is a file of weights"),
    "w.safetensors": (
        b'\x40\0\0\0\0\0\0\0{"conv": {}}',
        "is a file of weights, no spec\n        it says nothing of the layers",
    ),
    "solver.prototxt": (
        b'net: "net.prototxt"\nbase_lr: 0.01\n',
        "is a Caffe solver, no spec\n        give the network that it trains",
    ),
    "mine.py": (
        b"import torch\n\nclass Net: ...\n",
        'is a Python module, no spec\n        costcalc.from_torch("mine:NAME", (3, 224, 224)) reads',
    ),
    "notes.yaml": (b"a: 1\n", "unknown top-level key 'a'"),
    "spec.txt": (b"costcalc: 1\ninput: [3]\nlayers: [relo]\n", "did you mean 'relu'?"),
    "saved/saved_model.pb": (b"\x08\x01", "is a TensorFlow model"),
    "folder/a.yaml": (b"", "is a directory, no spec\n        give a file: "),
    "empty/a.txt": (b"", "is a directory\n        give the path of a YAML file"),
}


@pytest.mark.parametrize(("name", "text"), BEGINNINGS)
def test_content_tells_the_format(name: str, text: bytes, tmp_path: Path) -> None:
    for suffix in ("", ".yaml", ".bin", ".json", *(suffix for form in formats().values() for suffix in form.suffixes)):
        path = tmp_path / f"file{suffix}"
        path.write_bytes(text)
        found = recognized(str(path))
        assert found is not None
        assert found.name == name


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_reader_is_refused_with_a_way(name: str, tmp_path: Path) -> None:
    text, said = REFUSED[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text)
    with pytest.raises(SpecError) as caught:
        costcalc.load(path.parent if path.parent != tmp_path else path)
    assert said in str(caught.value)


def test_a_script_of_pytorchs_is_told_from_a_file_of_weights(tmp_path: Path) -> None:
    for inner, said in (("ts/code/a.py", "a model of TorchScript"), ("ts/data/0", "a file of PyTorch")):
        with zipfile.ZipFile(tmp_path / "x.bin", "w") as archive:
            archive.writestr("ts/data.pkl", b"")
            archive.writestr(inner, b"")
        with pytest.raises(SpecError, match=f"is {said}, no spec"):
            costcalc.load(tmp_path / "x.bin")


def test_a_text_of_ours_is_no_other_format_whatever_stands_in_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "mine.cfg"
    path.write_text("# [net]\n# layer {\ncostcalc: 1\ninput: [3, 8, 8]\nlayers: [conv: {out: 4, kernel: 1}]\n")
    assert costcalc.count(path).params == 4 * 3 + 4


COMMANDS = [
    "report WORD",
    "compare WORD mobilenet_v1",
    "diff WORD mobilenet_v1",
    "check WORD --max-params 5M",
    "size WORD",
    "explain WORD LAYER",
    "export onnx WORD -o out.onnx",
    "training WORD",
    "whatif WORD --depthwise-separable LAYER",
    "energy WORD",
    "conventions WORD",
    "latency WORD --device pixel1_big_core",
    "plot shapes WORD -o out.svg",
    "plot layers WORD -o out.svg",
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("name", "text", "given", "layer"),
    [("small.cfg", CFG, [], "convolutional0"), ("small.prototxt", CAFFE, ["--input", "3x32x32"], "c")],
)
def test_a_file_stands_wherever_a_spec_may(
    command: str, name: str, text: str, given: list[str], layer: str, tmp_path: Path, run: Run
) -> None:
    (tmp_path / name).write_text(text)
    words = [{"WORD": name, "LAYER": layer}.get(word, word) for word in command.split()]
    if words[0] == "export" or "plot" in words:
        pytest.importorskip("onnx" if words[0] == "export" else "matplotlib")
    done = run(*words, *given, folder=tmp_path)
    assert done.code == 0, done.err
    assert not done.err


def test_a_word_says_the_options_of_a_reader(tmp_path: Path, run: Run) -> None:
    (tmp_path / "odd.cfg").write_text(CFG.replace("leaky", "stair"))
    assert "stair" in run("report", "odd.cfg", folder=tmp_path).err
    for words in (["odd.cfg", "--opaque"], ["odd.cfg@opaque=true"], ["odd.cfg", "-k", "opaque=true"]):
        done = run("compare", *words, "mobilenet_v1", folder=tmp_path)
        assert done.code == 0
        assert "odd.cfg@opaque=true" in done.out
    path = str(tmp_path / "odd.cfg")
    assert "odd.cfg@opaque=true" in costcalc.compare(path, "mobilenet_v1", opaque=True)["network"][0]
    assert costcalc.load(path, opaque=True).read_with == {"opaque": True}
    with pytest.raises(SpecError, match="has no knob 'opaque'"):
        costcalc.count("mobilenet_v1", opaque=True)
    with pytest.raises(SpecError, match="opaque is true or false, not '3'"):
        costcalc.count(path, opaque=3)


def test_what_a_reader_must_be_told_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "small.prototxt"
    path.write_text(CAFFE)
    with pytest.raises(SpecError, match=r"small.prototxt:2:\d+: the shape of 'data' is not in the file"):
        costcalc.count(path)
    assert costcalc.count(path, input=(3, 32, 32)).params == 4 * 3 * 9 + 4


def test_a_file_that_keeps_its_places_is_shown_and_read_anew_as_a_spec(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "own.yaml").write_bytes(SAMPLES["ultralytics"]()[0])
    sweep = ("sweep", "own.yaml", "--classes", "3:30", "--top", "3", "--format", "csv")
    assert run(*sweep, "--jobs", "2", folder=tmp_path).out == run(*sweep, folder=tmp_path).out != ""
    variant = next(iter(costcalc.load(tmp_path / "own.yaml").variants))
    for word in ("own.yaml", f"own.yaml@{variant}"):
        (tmp_path / "shown.yaml").write_text(run("show", word, folder=tmp_path).out)
        found, whole = (
            run("report", one, "--by", "type", "--format", "csv", folder=tmp_path) for one in ("shown.yaml", word)
        )
        assert found.out == whole.out != ""
    done = run("import", f"own.yaml@{variant}", folder=tmp_path)
    assert f"costcalc show own.yaml@{variant} writes a variant" in done.err


def test_every_function_takes_a_file_by_its_path(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    path = tmp_path / "small.cfg"
    path.write_text(CFG)
    for one in (path, str(path)):
        assert costcalc.load(one).name == "small"
        assert costcalc.count(one).params == 16 * 27 + 16
        assert costcalc.compare(one, "mobilenet_v1")["params"].tolist()[0] == 448
        assert costcalc.diff(one, one).changes == []
        assert costcalc.check(one, limits={"params": "1K"})
        assert costcalc.whatif(one, ("depthwise_separable", "*")).before.params == 448
        assert "448" in str(costcalc.reconcile(one, "448"))
        with pytest.raises(SpecError, match="small has no knob 'width'"):
            costcalc.sweep(one, width=[0.5])


@pytest.mark.parametrize("name", formats())
def test_spoilt_files_are_counted_or_refused_in_words(name: str, tmp_path: Path) -> None:
    """`tests/tools/fuzz_files.py` does the same for thousands of each format."""
    if extra := formats()[name].extra:
        pytest.importorskip(extra)
    path = tmp_path / f"file{formats()[name].suffixes[0]}"
    samples = SAMPLES[name]()
    assert sum(outcome(data, path, 0) == ("", "") for data in samples) > 0.75 * len(samples)
    assert fuzzed(name, 100, 0, tmp_path) == 0
