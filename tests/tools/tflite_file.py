"""TFLite files for tests: a small writer of flatbuffers, by the numbers of TensorFlow's schema (tests/data)."""

from __future__ import annotations

import csv
import random
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data" / "tflite_schema.csv"
CODES = {"FLOAT32": "f", "FLOAT16": "e", "INT32": "i", "INT8": "b", "BOOL": "?", "INT64": "q"}


@cache
def schema() -> dict[tuple[str, str], dict[str, str]]:
    """Return the schema's rows: operators and types by name, options by operator and name."""
    with DATA.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["kind"], ".".join(filter(None, (row["name"], row["option"])))): row for row in rows}


def number(kind: str, name: str) -> int:
    """Return a number of the schema."""
    return int(schema()[kind, name]["number"])


class Writer:
    """Bytes with tables whose parts stand behind them: offsets only lead forward, but to a vtable."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0\0\0\0TFL3")

    def table(self, fields: dict[int, tuple[str, Any]]) -> int:
        """Write a table of (code, value) by field; "T": a table, "[T": tables, "s": text, "[B": bytes, "[i": ints."""
        self.align()
        vtable = len(self.data)
        most = max(fields, default=-1) + 1
        slots, at = [0] * most, 4
        for field, (code, _) in sorted(fields.items()):
            size = struct.calcsize(f"<{code}") if len(code) == 1 and code not in "Ts" else 4
            at += -at % size
            slots[field], at = at, at + size
        self.data += struct.pack(f"<{most + 2}H", 4 + 2 * most, at, *slots)
        self.align()
        start = len(self.data)
        self.data += struct.pack("<i", start - vtable) + bytes(at - 4)
        for field, (code, value) in fields.items():
            place = start + slots[field]
            if len(code) == 1 and code not in "Ts":
                struct.pack_into(f"<{code}", self.data, place, value)
            else:
                struct.pack_into("<I", self.data, place, self.part(code, value) - place)
        return start

    def part(self, code: str, value: Any) -> int:
        """Write what a field leads to, and return where it begins."""
        if code == "T":
            return self.table(value)
        self.align()
        start = len(self.data)
        if code == "[B":
            self.data += struct.pack("<I", len(value)) + value
        elif code == "s":
            text = value.encode()
            self.data += struct.pack("<I", len(text)) + text + b"\0"
        elif code == "[T":
            self.data += struct.pack("<I", len(value)) + bytes(4 * len(value))
            for k, one in enumerate(value):
                place = start + 4 + 4 * k
                struct.pack_into("<I", self.data, place, self.table(one) - place)
        else:
            self.data += struct.pack(f"<I{len(value)}{code[1]}", len(value), *value)
        return start

    def align(self) -> None:
        """Go on at the next multiple of 8."""
        self.data += bytes(-len(self.data) % 8)


class Graph:
    """A graph of a model: tensors and operators in their order; each method returns the number of what it adds."""

    def __init__(self, buffers: list[bytes] | None = None) -> None:
        self.buffers = buffers if buffers is not None else [b""]
        self.tensors: list[dict[int, tuple[str, Any]]] = []
        self.operators: list[tuple[str, list[int], list[int], dict[str, Any], str]] = []
        self.inputs: list[int] = []
        self.outputs: list[int] = []

    def tensor(
        self,
        shape: Sequence[int],
        kind: str = "FLOAT32",
        *,
        signature: Sequence[int] = (),
        scale: float = 0,
        **more: Any,
    ) -> int:
        """Add a tensor that an operator gives."""
        name = more.get("name", f"t{len(self.tensors)}")
        fields: dict[int, tuple[str, Any]] = {0: ("[i", list(shape)), 1: ("b", number("type", kind)), 3: ("s", name)}
        fields[2] = ("I", more.get("buffer", 0))
        if scale:
            fields[4] = ("T", {2: ("[f", [scale]), 3: ("[q", [0])})
        if more.get("variable"):
            fields[5] = ("b", 1)
        if signature:
            fields[7] = ("[i", list(signature))
        self.tensors.append(fields)
        return len(self.tensors) - 1

    def input(self, shape: Sequence[int], kind: str = "FLOAT32", **more: Any) -> int:
        """Add what enters."""
        self.inputs.append(self.tensor(shape, kind, **more))
        return self.inputs[-1]

    def const(
        self, shape: Sequence[int], values: Sequence[Any] | None = None, kind: str = "FLOAT32", **more: Any
    ) -> int:
        """Add what is stored: these numbers, or as many ones."""
        size = 1
        for n in shape:
            size *= n
        self.buffers.append(struct.pack(f"<{size}{CODES[kind]}", *([1] * size if values is None else values)))
        return self.tensor(shape, kind, buffer=len(self.buffers) - 1, **more)

    def whole(self, *values: int) -> int:
        """Add whole numbers in a row, as shapes and axes are stored."""
        return self.const([len(values)], values, "INT32")

    def op(
        self, word: str, inputs: Sequence[int], /, *shapes: Sequence[int], kind: str = "FLOAT32", **options: Any
    ) -> int:
        """Add an operator that gives tensors of these shapes, and return the first."""
        outputs = [self.tensor(shape, kind, scale=options.get("scale", 0)) for shape in shapes]
        custom = options.pop("custom", "")
        options.pop("scale", None)
        self.operators.append((word, list(inputs), outputs, options, custom))
        return outputs[0] if outputs else -1

    def fields(self, codes: list[tuple[str, str]]) -> dict[int, tuple[str, Any]]:
        """Return the graph as a table."""
        found = []
        for name, inputs, outputs, options, custom in self.operators:
            if (name, custom) not in codes:
                codes.append((name, custom))
            one = {0: ("I", codes.index((name, custom))), 1: ("[i", inputs), 2: ("[i", outputs)}
            rows = {word: schema()["option", f"{name}.{word}"] for word in options}
            if rows:
                late = name.startswith("STABLEHLO")
                own = {int(row["number"]): (row["code"].replace("*", "[i"), options[k]) for k, row in rows.items()}
                one |= {11 if late else 3: ("B", number("options", name)), 12 if late else 4: ("T", own)}
            found.append(one)
        last = self.operators[-1][2] if self.operators else []
        return {0: ("[T", self.tensors), 1: ("[i", self.inputs), 2: ("[i", self.outputs or last), 3: ("[T", found)}


def model(*graphs: Graph) -> bytes:
    """Return a file of graphs, of which the first is the network; all have one list of buffers."""
    codes: list[tuple[str, str]] = []
    tables = [graph.fields(codes) for graph in graphs]
    kinds = [
        {0: ("b", min(number("operator", name), 127)), 1: ("s", custom), 3: ("i", number("operator", name))}
        for name, custom in codes
    ]
    buffers = [{0: ("[B", data)} if data else {} for data in graphs[0].buffers]
    writer = Writer()
    root = writer.table({0: ("I", 3), 1: ("[T", kinds), 2: ("[T", tables), 4: ("[T", buffers)})
    struct.pack_into("<I", writer.data, 0, root)
    return bytes(writer.data)


# ---- files that are spoiled ------------------------------------------------------------------------

ODD = [0, 1, 2, 3, -1, -2, 7, 255, 1000, 2**15, 2**16, 2**31 - 1, -(2**31)]


def spoil(graph: Graph, draw: random.Random) -> None:
    """Change something of a graph: an operator, what it takes, its options, a shape, a type, numbers, its ends."""
    operators, tensors = graph.operators, graph.tensors
    at = draw.randrange(len(operators)) if operators else 0
    one = operators[at] if operators else ("RELU", [], [], {}, "")
    match draw.randrange(10):
        case 0:
            operators[at : at + 1] = [(draw.choice(["RELU", "ADD", "RESHAPE", "CONV_2D", "PACK"]), *one[1:3], {}, "")]
        case 1 if one[1]:
            one[1][draw.randrange(len(one[1]))] = draw.choice([-1, draw.randrange(len(tensors)), 10**6])
        case 2 if one[3]:
            word = draw.choice([*one[3]])
            code = schema()["option", f"{one[0]}.{word}"]["code"]
            one[3][word] = (
                draw.randrange(-128, 128) if code == "b" else draw.choice(ODD) if code in "if" else one[3][word]
            )
        case 3:
            tensor = draw.choice(tensors)
            shape = [*tensor[0][1]]
            shape[draw.randrange(len(shape) + 1) :] = draw.choice([[], [draw.choice(ODD)], [4, 4]])
            tensor[0] = ("[i", [max(-(2**31), min(n, 2**31 - 1)) for n in shape])
        case 4:
            draw.choice(tensors)[1] = ("b", draw.randrange(22))
        case 5 if len(graph.buffers) > 1:
            k = draw.randrange(1, len(graph.buffers))
            graph.buffers[k] = struct.pack("<i", draw.choice(ODD)) * (len(graph.buffers[k]) // 4)
        case 6 if len(graph.buffers) > 1:
            k = draw.randrange(1, len(graph.buffers))
            graph.buffers[k] = graph.buffers[k][: draw.randrange(len(graph.buffers[k]) + 1)]
        case 7:
            graph.outputs = [draw.randrange(len(tensors))]
        case 8 if operators:
            operators.insert(draw.randrange(len(operators)), operators.pop(at))
        case _:
            draw.choice(tensors)[2] = ("I", draw.choice([0, 1, len(graph.buffers), 10**9]))


def damaged(data: bytes, draw: random.Random, times: int) -> bytes:
    """Return a file with some of its bytes changed, or cut."""
    found = bytearray(data)
    for _ in range(times):
        at, cut = draw.randrange(len(found)), draw.randrange(200) == 0
        word = at - at % 4
        offset = struct.pack("<i", draw.choice([*ODD, draw.randrange(len(found)), -at]))
        short = struct.pack("<H", draw.choice([0, 1, 4, 6, 8, 65535]))
        other = bytes(found[at // 2 : at // 2 + 8])
        where, new = draw.choice([(at, bytes([at % 256])), (word, offset), (at - at % 2, short), (word, other)])
        if where + len(new) <= len(found):
            found[where : where + len(new)] = new
        if cut:
            del found[max(8, at) :]
    return bytes(found)
