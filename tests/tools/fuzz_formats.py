"""Spoil files of other tools by the thousand: `python tests/tools/fuzz_formats.py onnx 20000`, a seed.

Small valid ONNX models lose, exchange and double nodes, names, attributes, shapes and types; TFLite's files (tflite)
operators, tensors, options and bytes; Darknet's and Caffe's texts (text) lines, words and numbers; Hugging Face's
configs (huggingface) keys and values. Each file is read and counted, or refused with a SpecError whose words are
costcalc's, in two seconds. Anything else is printed, and ends the run with 1. Of ONNX it says how many of the models
that were read ONNX's own checker refuses, and why.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent
sys.path[:0] = [str(FOLDER), str(FOLDER / "interop")]

import costcalc  # noqa: E402
from costcalc.base.errors import SpecError  # noqa: E402
from costcalc.interop.caffe.importer import read as read_caffe  # noqa: E402
from costcalc.interop.darknet.importer import read as read_darknet  # noqa: E402

SECONDS = 2.0
PYTHONS = re.compile(r"makes no sense to costcalc|NoneType|object has no|Traceback|<class|unpack|Error\b|out of range")
NUMBERS = [0, 1, -1, 2, 3, 7, 2**31, 2**62, -(2**63)]


# ---- ONNX ----------------------------------------------------------------------------------------


def models() -> list[Any]:
    """Return the valid models that are spoiled: those of the tests."""
    import test_import_onnx as tests
    from onnx import helper

    found = [tests.small()]
    for op, stores, attributes, *_ in tests.OPERATORS:
        found.append(tests.model([tests.node(op, "x", *(s.name for s in stores), **attributes)], stores, tests.X))
    for _, nodes, stores, given, *_ in tests.GRAPHS:
        found.append(tests.model(nodes, stores, given))
    for made in found:
        made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return found


class Spoiler:
    """Changes models a little, at random."""

    def __init__(self, seed: int) -> None:
        import onnx

        self.onnx = onnx
        self.draw = random.Random(seed)
        self.bases = models()
        self.ops = sorted({schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain})
        self.changes: list[Callable[[Any], object]] = [
            self.attribute, self.attribute, self.inputs, self.inputs, self.outputs, self.store, self.store, self.shape,
            self.order, self.operator, self.version, self.ends, self.borrow, self.function, self.nested,
        ]  # fmt: skip

    def model(self) -> Any:
        """Return a model with one to three changes."""
        made = self.onnx.ModelProto()
        made.CopyFrom(self.draw.choice(self.bases))
        for _ in range(self.draw.choice((1, 1, 1, 2, 3))):
            self.draw.choice(self.changes)(made)
        return made

    def node(self, made: Any) -> Any:
        """Return a node, now and then of a graph in one."""
        nodes = list(made.graph.node) or [made.graph.node.add()]
        node = self.draw.choice(nodes)
        held = [a.g for a in node.attribute if a.HasField("g") and a.g.node]
        return self.draw.choice(self.draw.choice(held).node) if held and self.draw.random() < 0.5 else node

    def names(self, made: Any) -> list[str]:
        given = [out for node in made.graph.node for out in node.output]
        return ["", "none", *given, *(t.name for t in made.graph.initializer), *(i.name for i in made.graph.input)]

    def value(self) -> Any:
        """Return something that an attribute may hold, or may not."""
        whole = [self.draw.choice(NUMBERS) for _ in range(self.draw.randrange(6))]
        odd = [float("nan"), float("inf"), -0.5, 1e30, "", "SAME_UPPER", "é", b"\xff", [0.5, -1.0], ["a"]]
        return self.draw.choice([*NUMBERS, whole, whole, *odd])

    def attribute(self, made: Any) -> None:
        node = self.node(made)
        schema = self.onnx.defs.get_schema(node.op_type) if self.onnx.defs.has(node.op_type) else None
        known = sorted(schema.attributes) if schema else []
        name = self.draw.choice([*known, *(a.name for a in node.attribute), "odd"])
        kept = [a for a in node.attribute if a.name != name or self.draw.random() < 0.1]
        del node.attribute[:]
        node.attribute.extend(kept)
        value = self.value()
        if self.draw.random() < 0.85 and value != []:
            node.attribute.append(self.onnx.helper.make_attribute(name, value))

    def inputs(self, made: Any) -> None:
        node, chance = self.node(made), self.draw.random()
        if node.input and chance < 0.6:
            node.input[self.draw.randrange(len(node.input))] = self.draw.choice(self.names(made))
        elif node.input and chance < 0.8:
            del node.input[self.draw.randrange(len(node.input))]
        else:
            node.input.extend([self.draw.choice(self.names(made))] * self.draw.choice((1, 1, 100)))

    def outputs(self, made: Any) -> None:
        node, chance = self.node(made), self.draw.random()
        if node.output and chance < 0.6:
            node.output[self.draw.randrange(len(node.output))] = self.draw.choice(self.names(made))
        elif node.output and chance < 0.8:
            del node.output[self.draw.randrange(len(node.output))]
        else:
            node.output.append(self.draw.choice(self.names(made)))

    def store(self, made: Any) -> None:
        if not made.graph.initializer:
            return
        tensor, chance = self.draw.choice(made.graph.initializer), self.draw.random()
        if chance < 0.4 and tensor.dims:
            tensor.dims[self.draw.randrange(len(tensor.dims))] = self.draw.choice(NUMBERS)
        elif chance < 0.6:
            dims = list(tensor.dims)[::-1] if self.draw.random() < 0.5 else list(tensor.dims)[1:]
            del tensor.dims[:]
            tensor.dims.extend(dims)
        elif chance < 0.75:
            tensor.data_type = self.draw.randrange(26)
        elif chance < 0.9 and tensor.int64_data:
            tensor.int64_data[self.draw.randrange(len(tensor.int64_data))] = self.draw.choice(NUMBERS)
        else:
            tensor.name = self.draw.choice(self.names(made))

    def shape(self, made: Any) -> None:
        if not made.graph.input:
            return
        tensor = made.graph.input[0].type.tensor_type
        chance, dims = self.draw.random(), tensor.shape.dim
        if chance < 0.6 and dims:
            self.draw.choice(dims).dim_value = self.draw.choice(NUMBERS)
        elif chance < 0.7:
            dims.add().dim_value = self.draw.choice(NUMBERS)
        elif chance < 0.8 and dims:
            del dims[-1]
        elif chance < 0.9:
            tensor.elem_type = self.draw.randrange(20)
        else:
            made.graph.input.add().CopyFrom(made.graph.input[0])

    def order(self, made: Any) -> None:
        nodes = list(made.graph.node)
        chance = self.draw.random()
        if chance < 0.4:
            self.draw.shuffle(nodes)
        elif chance < 0.7 and nodes:
            nodes.append(self.draw.choice(nodes))
        elif nodes:
            nodes.remove(self.draw.choice(nodes))
        del made.graph.node[:]
        made.graph.node.extend(nodes)

    def operator(self, made: Any) -> None:
        node = self.node(made)
        node.op_type = self.draw.choice(self.ops)
        node.domain = self.draw.choice(["", "", "", "ai.onnx", "com.microsoft", "costcalc", "own"])

    def version(self, made: Any) -> None:
        self.draw.choice(made.opset_import).version = self.draw.choice([*range(1, 28), *NUMBERS])

    def ends(self, made: Any) -> None:
        for value in made.graph.output[:1]:
            value.name = self.draw.choice(self.names(made))

    def borrow(self, made: Any) -> None:
        """Put a node of another model behind."""
        other = self.draw.choice(self.bases)
        node = made.graph.node.add()
        node.CopyFrom(self.draw.choice(other.graph.node))
        for k in range(len(node.input)):
            node.input[k] = self.draw.choice(self.names(made))
        for k in range(len(node.output)):
            node.output[k] = f"more{self.draw.randrange(5)}"

    def function(self, made: Any) -> None:
        """Make the nodes those of a function, and call it, or let it call itself."""
        opset = [self.onnx.helper.make_opsetid("", 21), self.onnx.helper.make_opsetid("own", 1)]
        inputs = [*(i.name for i in made.graph.input), *(t.name for t in made.graph.initializer)]
        outputs = [o.name for o in made.graph.output]
        call = self.onnx.helper.make_node("F", inputs[self.draw.randrange(2) :], outputs, domain="own")
        nodes = [*made.graph.node, *([call] if self.draw.random() < 0.2 else [])]
        made.functions.append(self.onnx.helper.make_function("own", "F", inputs, outputs, nodes, opset))
        del made.graph.node[:]
        made.graph.node.append(call)
        made.opset_import.append(opset[1])

    def nested(self, made: Any) -> None:
        """Put the nodes into the branch of a condition, or the body of a loop."""
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        body = self.onnx.GraphProto()
        body.CopyFrom(made.graph)
        del body.input[:], body.initializer[:]
        outputs = [o.name for o in made.graph.output]
        truth = helper.make_tensor("truth", kinds.BOOL, [], [self.draw.random() < 0.7])
        count = helper.make_tensor("count", kinds.INT64, [], [self.draw.choice([0, 1, 3, 2**40])])
        made.graph.initializer.extend([truth, count])
        if self.draw.random() < 0.5:
            node = helper.make_node("If", ["truth"], outputs, then_branch=body, else_branch=body)
        else:
            body.output.insert(0, helper.make_tensor_value_info("truth", kinds.BOOL, []))
            node = helper.make_node("Loop", ["count", "truth"], outputs, body=body)
        del made.graph.node[:]
        made.graph.node.append(node)


def onnx_files(seed: int) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Yield spoiled models without end, each with what reads it."""
    from costcalc.interop.onnx.importer import read

    spoiler, path = Spoiler(seed), Path(tempfile.mkdtemp()) / "m.onnx"
    while True:
        made = spoiler.model()
        path.write_bytes(made.SerializeToString())
        opaque = spoiler.draw.random() < 0.2
        yield made, lambda opaque=opaque: read(str(path), opaque=opaque)


def unheeded(made: Any) -> str:
    """Return why ONNX's checker refuses a model that was read, in short; nothing where it does not."""
    from onnx import checker

    for value in made.graph.output:
        value.type.tensor_type.shape.SetInParent()  # the checker asks for one
    try:
        checker.check_model(made)
    except Exception as error:  # noqa: BLE001
        return re.sub(r"\(.*?\)|'[^']*'|\d+", "_", str(error).split("\n")[0])[:90]
    return ""


# ---- texts ---------------------------------------------------------------------------------------


def text_files(seed: int) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Yield spoiled texts of Darknet and of Caffe without end, each with what reads it."""
    import test_import_caffe as caffe
    import test_import_darknet as darknet

    sections = [darknet.NET.format(12, 8) + row[0] for row in darknet.SECTIONS]
    both = [(read_darknet, [*sections, darknet.yolov3(), darknet.yolov1()]), (read_caffe, [*caffe.TEXTS, caffe.ssd()])]
    # now and then a line of another text comes where it does not belong
    endless = [(read, darknet.spoiled([mixed(text, texts) for text in texts], 10**9, seed)) for read, texts in both]
    while True:
        for read, texts in endless:
            text = next(texts)
            yield text, lambda read=read, text=text: read(text, opaque=len(text) % 4 == 0)


def mixed(text: str, others: list[str]) -> str:
    """Return a text with a line of another behind it, if its length is a multiple of 7."""
    lines = others[len(text) % len(others)].splitlines()
    return f"{text.rstrip()}\n{lines[-1]}" if len(lines) > 1 and len(text) % 7 == 0 else text


# ---- TFLite --------------------------------------------------------------------------------------


def tflite_files(seed: int) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Yield spoiled TFLite files without end, each with what reads it: graphs that are changed, and bytes."""
    import test_import_tflite as tests
    import tflite_file

    from costcalc.interop.format import ReadOptions
    from costcalc.interop.tflite.read import read

    draw, path = random.Random(seed), Path(tempfile.mkdtemp()) / "m.tflite"
    while True:
        graphs = draw.choice(tests.EVERY)()
        for _ in range(draw.choice([0, 0, 1, 1, 2, 3])):
            tflite_file.spoil(draw.choice(graphs), draw)
        made = tflite_file.damaged(tflite_file.model(*graphs), draw, draw.choice([0, 1, 1, 2, 4]))
        path.write_bytes(made)
        opaque, steps = draw.random() < 0.2, draw.choice([0, 0, 3])
        yield made, lambda opaque=opaque, steps=steps: read(str(path), ReadOptions(None, opaque, "", {"steps": steps}))


# ---- Hugging Face --------------------------------------------------------------------------------

VALUES = [None, True, 0, -1, 1, 2, 7, 0.5, 1e308, 10**9, 10**30, "", "relu", "x" * 300, [], [1], [[1]], {}, {"a": 1}]


def config_files(seed: int) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """Give configs whose keys went, came or hold another's value, or whose text is cut, and what reads each."""
    from test_import_huggingface import rows

    from costcalc.interop.format import ReadOptions
    from costcalc.interop.huggingface.read import read

    draw = random.Random(seed)
    bases = [row.values[0] for row in rows()]
    every = sorted({key for base in bases for key in base})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.json"
        while True:
            config = dict(draw.choice(bases))
            for _ in range(draw.choice((1, 1, 2, 5))):
                kept = ("model_type", "architectures") if draw.random() < 0.95 else ()
                key = draw.choice([*(key for key in config if key not in kept), draw.choice(every)])
                config[key] = draw.choice([*VALUES, altered(config.get(key), draw), altered(config.get(key), draw)])
            text = json.dumps(config)
            if draw.random() < 0.1:
                text = text[: draw.randrange(len(text))]
            path.write_text(text, encoding="utf-8")
            yield text, lambda: read(str(path), ReadOptions())


def altered(value: Any, draw: random.Random) -> Any:
    """Return a value a little changed: a number larger or smaller, a list longer, shorter, or with one part changed."""
    if isinstance(value, list) and value:
        at = draw.randrange(len(value))
        return draw.choice([value[:at], value + value, [*value[:at], altered(value[at], draw), *value[at + 1 :]]])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return draw.choice([value + 1, value - 1, value * 2, value // 2, -value, value * 1000, value + 0.5])
    return draw.choice(VALUES)


# ---- the run -------------------------------------------------------------------------------------


def spoil(kind: str, number: int, seed: int) -> int:
    """Read so many spoiled files; print those that are neither read nor refused as they should, and return how many."""
    kinds = {"onnx": onnx_files, "tflite": tflite_files, "text": text_files, "huggingface": config_files}
    files = kinds[kind](seed)
    slowest, counts, why = 0.0, Counter[str](), Counter[str]()
    faults: dict[str, Any] = {}  # by what is said, a file
    for _, (made, read) in zip(range(number), files, strict=False):
        start, said = time.process_time(), ""
        try:
            costcalc.count(read().data())
        except SpecError as error:
            said, cause = str(error), error.__cause__
            while "makes no sense" in said and cause is not None:  # what Python said, for whoever mends it
                said, cause = f"{said} <- {type(cause).__name__}: {cause}".replace("\n", " "), cause.__cause__
        except Exception as error:  # noqa: BLE001
            faults[f"{type(error).__name__}: {str(error)[:80]}"] = made
        taken = time.process_time() - start
        slowest = max(slowest, taken)
        if taken > SECONDS or PYTHONS.search(said):
            faults[re.sub(r"[0-9]+", "#", f"{'slow' * (taken > SECONDS)} {said}".split("\n")[0])] = made
        counts["refused" if said else "read"] += 1
        if kind == "onnx" and not said and (reason := unheeded(made)):
            why[reason] += 1
    print(f"{number:,} files, {counts['read']:,} of them read; the slowest took {slowest:.2f} s; {len(faults)} faults")
    for reason, times in why.most_common(20):
        print(f"  {times:5,} were read that ONNX's checker refuses: {reason}")
    for said, made in list(faults.items())[:20]:
        print(f"---- {said}\n{short(made)}")
    return len(faults)


def short(made: Any) -> str:
    """Return a file as it is printed, long lists of numbers cut."""
    return re.sub(r"(?m)(^ *(\w+_data: .*\n)){4,}", "...\n", str(made))[:3000]


if __name__ == "__main__":
    given = [*sys.argv[1:], *("onnx", "20000", "0")[len(sys.argv) - 1 :]]
    sys.exit(1 if spoil(given[0], int(given[1]), int(given[2])) else 0)
