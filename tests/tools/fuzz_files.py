"""Spoil whole files of any format: `python tests/tools/fuzz_files.py tflite 5000`, and a seed; `all` for every format.

A format's samples (small, and of all that it has) are cut, their bytes and words exchanged, doubled and removed, their
numbers made odd, their lists deep, their graphs cyclic; a zip is packed anew with what is spoilt in it, a bomb, a name
twice; XML gets entities. Each file is given where a spec may stand, and is counted, or refused with a SpecError in
words, in 2 s of CPU time and 500 MB. Anything else is a fault: it is kept in a folder and printed, and the run gives 1.
What is refused in words that a reader has not chosen ("makes no sense to costcalc") is kept and printed too.
"""

from __future__ import annotations

import io
import json
import random
import re
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER), str(FOLDER / "interop"), str(FOLDER / "tools")]

import costcalc  # noqa: E402
from costcalc.base.errors import SpecError  # noqa: E402

SECONDS, MEGABYTES = 2.0, 500
PYTHONS = re.compile(r"makes no sense to costcalc|NoneType|object has no|Traceback|<class|unpack|Error\b|out of range")
NUMBERS = [0, -1, 2, 3, 7, 10**6, 2**31, 2**62, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")]
ODD: list[Any] = [*NUMBERS, None, True, "", "x", "é\0", [], {}, [[]], [None], "a" * 10_000, {"": 1}]


# ---- samples: files that are read as they are, a format each ------------------------------------------------


def caffe() -> list[bytes]:
    """Return texts of Caffe."""
    import test_import_caffe as tests

    return [text.encode() for text in (*tests.TEXTS, tests.ssd())]


def darknet() -> list[bytes]:
    """Return texts of Darknet."""
    import test_import_darknet as tests

    return [(tests.NET.format(12, 8) + row[0]).encode() for row in tests.SECTIONS]


def onnx() -> list[bytes]:
    """Return models of ONNX."""
    from fuzz_formats import models

    return [model.SerializeToString() for model in models()]


def huggingface() -> list[bytes]:
    """Return configurations of Hugging Face."""
    import test_import_huggingface as tests

    return [json.dumps(row.values[0]).encode() for row in tests.rows()]


def tflite() -> list[bytes]:
    """Return models of TFLite."""
    import test_import_tflite as tests
    from tflite_file import model

    return [model(*graphs()) for graphs in tests.EVERY]


def keras() -> list[bytes]:
    """Return models of Keras: JSON of layers one by one and of a graph, and a zip."""
    import test_import_keras as tests

    texts = [json.dumps(model) for model in (tests.SMALL, tests.resnet50(), *(case["model"] for case in tests.LAYERS))]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
        archive.writestr("config.json", texts[0])
        archive.writestr("model.weights.h5", b"\x89HDF")
    return [packed.getvalue()] * 20 + [text.encode() for text in texts]


def ultralytics() -> list[bytes]:
    """Return Ultralytics' model files."""
    import test_import_ultralytics as tests

    found = []
    for row in tests.measured("own.csv"):
        text = (tests.DATA / f"{row['file']}.yaml").read_text(encoding="utf-8").replace("HEAD", row["head"])
        found.append((text + row["keys"].replace("; ", "\n") + "\n").encode())
    return found


def openvino() -> list[bytes]:
    """Return models of OpenVINO, without the files of their weights."""
    import test_import_openvino as tests

    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, image, inputs, outputs, data, *_ in tests.LAYERS:
            ir = tests.Ir(x=image)
            for port in ir.add(kind, "layer", ["x", *inputs], outputs, **data):
                ir.result(port)
            found.append(Path(ir.write(Path(folder), weights=False)).read_bytes())
        written = [tests.chain(Path(folder)), tests.loop(Path(folder), "TensorIterator", name="loop")]
        return found + [Path(path).read_bytes() for path in written]


def pt2() -> list[bytes]:
    """Return programs of torch.export, without their weights."""
    import test_import_pt2 as tests

    with tempfile.TemporaryDirectory() as folder:
        graphs = [*map(tests.graph_of, tests.MODULES), tests.opened(2, (0,)), tests.opened(2, (0, 2, 3))]
        return [tests.pack(Path(folder) / "m.pt2", graph) for graph in graphs]


SAMPLES: dict[str, Callable[[], list[bytes]]] = {
    one.__name__: one for one in (caffe, darknet, huggingface, keras, onnx, openvino, pt2, tflite, ultralytics)
}


# ---- how files are spoilt ------------------------------------------------------------------------------------


class Spoiler:
    """Spoils files of one format at random; parts of one sample come into another."""

    def __init__(self, samples: list[bytes], seed: int) -> None:
        self.draw = random.Random(seed)
        self.samples = samples

    def file(self) -> bytes:
        """Return a file with one to three changes."""
        data = self.draw.choice(self.samples)
        for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
            data = self.spoilt(data)
        return data

    def spoilt(self, data: bytes) -> bytes:
        """Return a file with one change, by what is in it."""
        if data.startswith(b"PK\3\4") and self.draw.random() < 0.8:
            return self.zipped(data)
        ways: list[Callable[[bytes], bytes]] = [self.bytes]
        if b"\0" not in data and len(data) < 2**20:  # else, of a bomb that is spoilt again, this tool takes the memory
            ways = [self.bytes, self.text, self.text, self.text]
            ways += [self.json] * 6 if data.lstrip()[:1] in (b"{", b"[") else []
            ways += [self.xml] * 2 if data.lstrip()[:1] == b"<" else []
        return self.draw.choice(ways)(data)

    def span(self, size: int, most: int = 64) -> slice:
        """Return a part of so many things."""
        start = self.draw.randrange(size + 1)
        return slice(start, min(size, start + self.draw.randrange(most)))

    def bytes(self, data: bytes) -> bytes:
        """Return bytes cut, flipped, doubled, exchanged, or with a number of four bytes made odd."""
        found, part, chance = bytearray(data), self.span(len(data)), self.draw.random()
        if chance < 0.15:
            return data[: part.start]
        if chance < 0.55:
            for _ in range(self.draw.choice((1, 1, 2, 8))):
                if found:
                    found[self.draw.randrange(len(found))] = self.draw.choice(
                        (0, 1, 127, 128, 255, self.draw.randrange(256))
                    )
        elif chance < 0.75:
            number = self.draw.choice((0, 1, 4, len(data), 2**31 - 1, 2**32 - 1, 2**31, 2**16))
            found[part.start : part.start + 4] = number.to_bytes(4, "little")
        elif chance < 0.85:
            del found[part]
        elif chance < 0.95:
            found[part.start : part.start] = found[self.span(len(data))] * self.draw.choice((1, 2, 100))
        else:
            other = self.draw.choice(self.samples)
            found[part] = other[self.span(len(other))]
        return bytes(found)

    def text(self, data: bytes) -> bytes:
        """Return a text with a word, a number or lines changed, or lists that stand deep."""
        text, chance = data.decode("utf-8", "replace"), self.draw.random()
        words = [*re.finditer(r"\w+|[^\w\s]", text)]
        if chance < 0.35 and words:
            one, other = self.draw.choice(words), self.draw.choice(words)[0]
            odd = self.draw.choice(
                (other, str(self.draw.choice(NUMBERS)), "", "é", "[" * 500, "{" * 5000, "&a [*a]", "9" * 5000)
            )
            return f"{text[: one.start()]}{odd}{text[one.end() :]}".encode()
        if chance < 0.6 and (numbers := [*re.finditer(r"\d+", text)]):
            one = self.draw.choice(numbers)
            return f"{text[: one.start()]}{self.draw.choice(NUMBERS)}{text[one.end() :]}".encode()
        lines = text.splitlines(keepends=True)
        part = self.span(len(lines), 8)
        if chance < 0.7:
            del lines[part]
        elif chance < 0.8:
            lines[part] = lines[part] * min(self.draw.choice((2, 2, 1000)), 2**20 // (len(data) + 1))
        elif chance < 0.9:
            self.draw.shuffle(lines)
        else:
            other = self.draw.choice(self.samples).decode("utf-8", "replace").splitlines(keepends=True)
            lines[part] = other[self.span(len(other), 8)]
        return "".join(lines).encode()[: 2**22]

    def json(self, data: bytes) -> bytes:
        """Return JSON in which a value is another, one of another place, deep, or gone; now and then a key twice."""
        try:
            made = json.loads(data)
        except (ValueError, RecursionError):
            return self.text(data)
        places = [*within(made)]
        if not places:
            return b"[]"
        held, key = self.draw.choice(places)
        other, place = self.draw.choice(places)
        chance = self.draw.random()
        if chance < 0.3:
            held[key] = self.draw.choice(ODD)
        elif chance < 0.55:
            held[key] = json.loads(json.dumps(other[place]))
        elif chance < 0.65:
            del held[key]
        elif chance < 0.75 and isinstance(held, dict):
            held[str(self.draw.choice(("odd", key, place)))] = held.pop(key)
        elif chance < 0.85 and isinstance(held[key], list | dict):
            held[key] = held[key] * self.draw.choice((0, 2, 50)) if isinstance(held[key], list) else {}
        elif chance < 0.92:
            return self.deep(json.dumps(made), self.draw.choice((30, 150, 5000)))
        else:
            return re.sub(
                r"\{", '{"name": "a", "name": 3, ', json.dumps(made), count=self.draw.randrange(1, 9)
            ).encode()
        return json.dumps(made).encode()[: 2**23]

    def deep(self, text: str, levels: int) -> bytes:
        """Return a text one of whose values stands in so many lists or mappings."""
        numbers = [*re.finditer(r"\d+", text)] or [re.match("", text)]
        one = self.draw.choice(numbers)
        assert one is not None
        first, last = self.draw.choice((("[", "]"), ('{"a": ', "}")))
        return f"{text[: one.start()]}{first * levels}1{last * levels}{text[one.end() :]}".encode()

    def xml(self, data: bytes) -> bytes:
        """Return XML with entities, a document type, deep or many elements, or an attribute of another element."""
        text, chance = data.decode("utf-8", "replace"), self.draw.random()
        body = re.sub(r"\A\s*<\?xml.*?\?>", "", text, flags=re.DOTALL)
        if chance < 0.2:
            laughs = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 10))
            return f'<!DOCTYPE net [<!ENTITY l0 "ha">{laughs}]>{body.replace(">", ">&l9;", 1)}'.encode()
        if chance < 0.3:
            return f'<!DOCTYPE net SYSTEM "file:///etc/passwd">{body}'.encode()
        elements = [*re.finditer(r"<\w[^<>]*>", text)]
        if chance < 0.4 and elements:
            one = self.draw.choice(elements)
            return f"{text[: one.start()]}{'<a>' * self.draw.choice((5, 500, 50_000))}{text[one.start() :]}".encode()
        values = [*re.finditer(r'"[^"<>]*"', text)]
        if chance < 0.8 and values:
            one, other = self.draw.choice(values), self.draw.choice(values)[0]
            odd = self.draw.choice((other, f'"{self.draw.choice(NUMBERS)}"', '""'))
            return f"{text[: one.start()]}{odd}{text[one.end() :]}".encode()
        if elements:
            one, other = self.draw.choice(elements), self.draw.choice(elements)[0]
            return f"{text[: one.start()]}{other}{text[one.end() :]}".encode()
        return data

    def zipped(self, data: bytes) -> bytes:
        """Return a zip packed anew: one of its files spoilt, a bomb, packed otherwise, left out or twice, or many."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                files = {name: archive.read(name) for name in archive.namelist()}
        except Exception:  # noqa: BLE001 - it has been spoilt before
            return self.bytes(data)
        if len(files) > 1_000:  # it has been made of many, which takes its time
            return self.bytes(data)
        name = self.draw.choice([*files]) if files else "config.json"
        content = files.pop(name, b"")
        how = self.draw.randrange(11)
        odd: list[tuple[str, bytes, int | None]] = []  # of 9 nothing: it is left out
        if how < 6:
            odd = [(name, self.spoilt(content), None)]
        elif how == 6:
            odd = [(name, self.draw.choice((b" ", b"[", b"0", b"\0")) * 2**25, None)]
        elif how == 7:
            odd = [(name, content, self.draw.choice((zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))]
        elif how == 8:
            odd = [(name, content, None)] * 2
        elif how == 10:
            odd = [(f"../{name}{place}", b"", None) for place in range(self.draw.choice((100, 100, 100, 30_000)))]
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a name that is there twice
            for one, what, packed in [*((one, what, None) for one, what in files.items()), *odd]:
                archive.writestr(one, what, packed)
        found = bytearray(made.getvalue())
        found[6] |= self.draw.random() < 0.05  # encrypted
        return bytes(found)


def within(data: Any) -> list[tuple[Any, Any]]:
    """Return every place in JSON's data: a list or mapping, and an index or key."""
    places: list[tuple[Any, Any]] = []
    rest = [data]
    while rest:
        held = rest.pop()
        keys = list(held) if isinstance(held, dict) else range(len(held)) if isinstance(held, list) else ()
        for key in keys:
            places.append((held, key))
            rest.append(held[key])
    return places


# ---- the run -------------------------------------------------------------------------------------------------


def memory() -> float:
    """Return the most megabytes that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def run(name: str, number: int, seed: int, folder: Path) -> int:
    """Spoil and read so many files of a format; print the faults, and return how many."""
    from costcalc.interop.formats import formats

    samples = SAMPLES[name]()
    path = folder / f"file{formats()[name].suffixes[0]}"
    for data in samples:  # all is imported, and its memory taken
        outcome(data, path, seed=0)
    spoiler, before = Spoiler(samples, seed), memory()
    kept: dict[str, bytes] = {}
    counts, slowest, faults = Counter[str](), 0.0, 0
    for turn in range(number):
        made = memory()
        data = spoiler.file()
        before += memory() - made  # what making a file takes is not the reader's
        start = time.process_time()
        said, fault = outcome(data, path, turn)
        taken = time.process_time() - start
        slowest = max(slowest, taken)
        counts["refused" if said or fault else "counted"] += 1
        if taken > SECONDS:
            fault = f"slow, {taken:.1f} s: {said}"
        if memory() - before > MEGABYTES:
            fault, before = f"large, {memory() - before:,.0f} MB: {said}", memory()
        faults += bool(fault)
        if fault or PYTHONS.search(said):
            kept.setdefault(re.sub(r"[0-9]+", "#", (fault or said).splitlines()[0])[:300], data)
    print(
        f"{name}: {number:,} files, {counts['counted']:,} of them counted; the slowest took {slowest:.2f} s, "
        f"{memory() - before:,.0f} MB more were taken; {faults} faults"
    )
    for place, (said, data) in enumerate(kept.items()):
        file = folder / f"{name}{place}{path.suffix}"
        file.write_bytes(data)
        print(f"---- {said}\n     {file}")
    return faults


def outcome(data: bytes, path: Path, seed: int) -> tuple[str, str]:
    """Return what is said of a file that is refused; and what is raised instead."""
    path.write_bytes(data)
    given: dict[str, Any] = {1: {"input": (3, 32, 32)}, 2: {"opaque": True}}.get(seed % 4, {})
    try:
        costcalc.count(path, **given)
    except SpecError as error:
        said, cause = str(error), error.__cause__
        while "makes no sense" in said and cause is not None:  # what Python said, for whoever mends it
            said, cause = f"{said} <- {type(cause).__name__}: {cause}".replace("\n", " "), cause.__cause__
        return said, ""
    except Exception as error:  # noqa: BLE001
        return "", f"{type(error).__name__}: {error}"
    return "", ""


def main() -> int:
    """Run what the command line asks for."""
    name, number, seed = [*sys.argv[1:], *("all", "5000", "0")[len(sys.argv) - 1 :]]
    names = [*SAMPLES] if name == "all" else [name]
    folder = Path(tempfile.mkdtemp())
    return 1 if sum(run(one, int(number), int(seed), folder) for one in names) else 0


if __name__ == "__main__":
    sys.exit(main())
