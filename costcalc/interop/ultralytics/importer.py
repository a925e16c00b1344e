"""Ultralytics' model files -> a spec: a row is an item, its module a block of blocks.yaml.

What rows, scales and keys mean is what `parse_model` of ultralytics 8.4 makes of them; nothing is run. Every value of
the spec keeps the place that it comes from, so that a mistake which shapes show is told with the file's own line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from costcalc.base import Data, Datum
from costcalc.base.errors import Mark, Problems, SpecError, nearest, stop
from costcalc.interop.options import wrong
from costcalc.interop.ultralytics import modules
from costcalc.interop.ultralytics.rows import ModuleRow, Seen
from costcalc.language.document import INPUT, VERSION
from costcalc.language.source import YamlNode, parse
from costcalc.language.yaml_text import spec_text

MOST_ROWS = 1_000
_KEYS = (
    "nc scales depth_multiple width_multiple activation end2end reg_max kpt_shape backbone head channels ch text_model "
    "scale names task yaml_file anchors"
).split()
_NOTHING = (None, "None", "none", "null")


def read(text: str, path: str, scale: str = "", name: str = "") -> BlockSpec:
    """Return the network of a model file's text.

    path: the file's name, for messages, the network's name, and the scale that it says. scale: which of the file's
    scales instead. Raises SpecError, with file, line and column, for what Ultralytics would refuse, or costcalc can't
    express.
    """
    root, problems = parse(text, path)
    if root is None or not root.is_map:
        raise problems.error() if problems else stop(f"{path} is no model file: it has no keys")
    file = _File(root, path, scale, problems)
    if problems:
        raise problems.error()
    return file.network(name or file.stem)


class BlockSpec:
    """A network that was read: its spec as nodes, each with the place that it comes from."""

    unused = 0

    def __init__(self, name: str, root: YamlNode, blocks: list[str]) -> None:
        self.name = name
        self.root = root
        self.blocks = blocks

    def data(self) -> Data:
        """Return the spec as data."""
        found: Data = self.root.plain()
        return {**found, "name": self.name}

    def text(self) -> str:
        """Return the spec's text, its blocks as they are written in blocks.yaml."""
        own = {key: value for key, value in self.data().items() if key != "blocks"}
        before, layers = spec_text(own).split("\nlayers:\n")
        lines, places = modules.library()
        chunks = ["\n".join(lines[slice(*places[one])]).rstrip() for one in self.blocks]
        kept = [re.sub(r"\n\s*# ---- .*", "", chunk) for chunk in chunks]
        return "\n".join([before, "blocks:", "\n\n".join(kept), "", "layers:", layers])


class _File:
    """A file's keys, and its rows as items."""

    def __init__(self, root: YamlNode, path: str, scale: str, problems: Problems) -> None:
        self.top: Mapping[str, YamlNode] = root.value
        self.path = path
        self.problems = problems
        self.mark = Mark(path, root.mark.text, 0)
        self.stem = os.path.splitext(os.path.basename(path))[0]
        for key in self.top:
            if key not in _KEYS:
                hint = nearest(key, _KEYS) or "Ultralytics passes it over: remove it, or make it a comment"
                self.problems.note(f"unknown key '{key:.60}'", root.keys[key], hint)
        self.scales = self.read_scales()
        self.scale = self.chosen(scale)
        self.classes = self.whole("nc", 80)
        self.channels = self.whole("channels", self.whole("ch", 3))
        self.activation, self.slope = self.read_activation()
        classes, reg_max = self.classes, self.whole("reg_max", 16)
        points, end2end = self.top.get("kpt_shape"), self.truth("end2end")
        self.seen = Seen(classes, reg_max, points, scales=bool(self.scales), end2end=end2end)
        self.seen.anchors = self.top.get("anchors")
        self.items: list[YamlNode] = []
        self.read: list[ModuleRow] = []
        for node in self.rows():
            try:
                self.item(node)
            except SpecError as error:
                for problem in error.problems:
                    self.problems.add(problem)
                self.seen.put("mistaken")

    # ---- keys ------------------------------------------------------------------------------------

    def whole(self, key: str, default: int, least: int = 1) -> int:
        """Return a key's whole number."""
        node = self.top.get(key)
        if node is None or node.value in _NOTHING:
            return default
        if isinstance(node.value, bool) or not isinstance(node.value, int) or not least <= node.value < 10**6:
            self.problems.note(f"{key} is a whole number from {least}, not {node.spoken}", node.mark)
            return default
        return node.value

    def truth(self, key: str) -> bool:
        """Return whether a key is true."""
        node = self.top.get(key)
        if node is None or node.value in _NOTHING:
            return False
        if not isinstance(node.value, bool):
            self.problems.note(f"{key} is true or false, not {node.spoken}", node.mark)
        return node.value is True

    def read_scales(self) -> dict[str, tuple[float, float, float]]:
        """Return each scale's factors of depth and of width, and the most channels."""
        node = self.top.get("scales")
        if node is None or node.value in _NOTHING:
            found = [self.factor(self.top.get(key), key) for key in ("depth_multiple", "width_multiple")]
            return {} if found == [1, 1] else {"": (found[0], found[1], 0)}
        if not node.is_map or not node.value:
            self.problems.note("scales is a mapping, n: [depth, width, max_channels]", node.mark)
            return {}
        scales = {}
        for name, mark, value in node.entries():
            if not value.is_list or len(value.value) != 3:
                self.problems.note(f"scale {name:.20} is a list, [depth, width, max_channels]", mark)
            elif not re.fullmatch(r"[A-Za-z]\w{0,20}", name):
                self.problems.note(f"'{name:.20}' is no name of a scale", mark, "it is a word: n, s, m")
            else:
                depth, width, most = (self.factor(part, f"scale {name}") for part in value.value)
                scales[name] = (depth, width, most)
        return scales

    def factor(self, node: YamlNode | None, what: str) -> float:
        """Return a number above 0."""
        if node is None:
            return 1
        if isinstance(node.value, bool) or not isinstance(node.value, int | float) or not 0 < node.value < 10**6:
            self.problems.note(f"{what}: {node.spoken} is no factor", node.mark, "it is a number above 0")
            return 1
        number: float = node.value
        return number

    def chosen(self, asked: str) -> str:
        """Return the scale that is asked for, or that the file's name says, or the first."""
        known = [name for name in self.scales if name]
        if asked:
            if asked not in known:
                hint = f"its scales: {', '.join(known)}" if known else "it has no scales"
                raise stop(f"{self.path} has no scale '{asked:.20}'", hint=nearest(asked, known) or hint)
            return asked
        said = re.search(r"yolo(e-)?v?\d+([nslmx])", self.stem)
        if said and known and said[2] not in known:
            hint = f"its scales: {', '.join(known)}; name one: {self.path}@scale={known[0]}"
            raise stop(f"{self.path} is called as scale {said[2]}, which is none of the file's", hint=hint)
        return said[2] if said and known else next(iter(known), "")

    def read_activation(self) -> tuple[str, dict[str, Datum]]:
        """Return what follows a norm, as an operator with its number: `torch.nn.LeakyReLU(0.1)`."""
        node = self.top.get("activation")
        if node is None or node.value in _NOTHING:
            return "silu", {}
        found = activation(str(node.value))
        if found is None:
            hint = f"it is one of PyTorch's: nn.{', nn.'.join(modules.ACTIVATIONS)}"
            self.problems.note(f"activation {node.spoken} can't be expressed", node.mark, hint)
            return "silu", {}
        return found

    # ---- rows ------------------------------------------------------------------------------------

    def rows(self) -> list[YamlNode]:
        """Return the rows of backbone and head that have four parts."""
        found: list[YamlNode] = []
        for key in ("backbone", "head"):
            node = self.top[key] if key in self.top else YamlNode(None, self.mark)
            if not node.is_list:
                self.problems.note(f"{key} is a list of rows, [from, repeats, module, args]", node.mark)
                continue
            found += node.value
        if len(found) > MOST_ROWS:
            raise stop(f"{self.path} has {len(found):,} rows", hint=f"the limit is {MOST_ROWS:,}")
        if not found:
            self.problems.note("there is no row", self.mark, "a row is [from, repeats, module, args]")
        return found

    def item(self, node: YamlNode) -> None:
        """Read a row: put its item to the others."""
        if not node.is_list or len(node.value) != 4:
            said = f"{len(node.value)} parts" if node.is_list else "no list"
            raise wrong(f"a row has four parts, and this has {said}", node.mark, "write [from, repeats, module, args]")
        row = ModuleRow(self.seen, node)
        self.read.append(row)
        made = row.made()
        if row.source and "from" not in made and row.source != self.seen.flow:
            made["from"] = row.source
        made["name"] = self.seen.put(row.module)
        self.items.append(at(made, node.mark))

    # ---- the spec --------------------------------------------------------------------------------

    def network(self, name: str) -> BlockSpec:
        """Return the spec that was read."""
        own = set[str]().union(*map(_words, self.items))
        blocks = modules.needed(own)
        parsed = parse(modules.text_of(blocks), modules.WHERE)[0] if blocks else None
        body = parsed.value["blocks"] if parsed else at({}, self.mark)
        words = own | _words(body)
        size = 224 if self.items[-1].value.keys() & {"Classify"} else 640
        knobs: Data = {"classes": self.classes, "fused": False, "activation": self.activation}
        knobs = {key: value for key, value in knobs.items() if key in words}
        define: Data = {}
        if self.scales:
            used = {key: value for key, value in self.factors(self.scale).items() if key in self.wanted(own)}
            knobs = {**used, **knobs}
            ch = "min(c, max_channels)" if "max_channels" in used else "c"
            define = {"ch(c)": f"ceil({ch} * width / 8) * 8", "times(n)": "max(round(n * depth), 1)",
                      "parts(n)": "int(max(round(min(n, max_channels // 64)) * width, 1))"}  # fmt: skip
            define = {key: value for key, value in define.items() if key[: key.index("(")] in own}
        source = f"{os.path.basename(self.path)}, as Ultralytics reads it"
        top: Data = {"costcalc": VERSION, "name": name, "source": source}
        if functions := self.functions(own):
            top["reference"] = {"from": "ultralytics", "functional": functions}
        top |= {"knobs": {**knobs, "resolution": size}, "variants": self.variants(knobs), "define": define}
        top[INPUT] = [self.channels, "resolution", "resolution"]
        top["defaults"] = {self.activation: self.slope} if self.slope else {}
        top = {key: value for key, value in top.items() if value != {}}
        if idle := self.idle():
            top["outputs"] = [*idle, self.seen.names[-1]]
        root = at(top, self.mark)
        root.value |= {"blocks": body, "layers": YamlNode([*self.begun(), *self.items], self.mark)}
        root.keys |= {"blocks": self.mark, "layers": self.mark}
        if not blocks:
            del root.value["blocks"]
        return BlockSpec(name, root, blocks)

    def functions(self, words: set[str]) -> list[str]:
        """Return the rows that Ultralytics calls as functions, which tools that hook modules do not see.

        words: of the rows. The softmax within PyTorch's attention is its module's own, and counted with it.
        """
        shares = words & {"A2C2f", "C2PSA", "C2fPSA", "PSA", "Classify", "ImagePoolingAttn", "RTDETRDecoder"}
        distances = self.seen.reg_max > 1 and words & {*modules.DETECTING}
        found = {"softmax": shares or distances, "avg_pool": words & {"AConv", "ADown"}, "larger": words & {"Depth"}}
        return [f"*/{name}*" for name, there in found.items() if there]

    def idle(self) -> list[str]:
        """Return the rows, but for the last, whose results no other takes: they are run all the same."""
        names = self.seen.names
        taken = {name for row in self.read for name in row.sources[: 1 if row.module == "SemanticSegment" else None]}
        return [name for name in names[:-1] if name not in taken and not name.startswith("ImagePoolingAttn_")]

    def begun(self) -> list[YamlNode]:
        """Return the item before all rows: the features of the classes' names, which another network makes."""
        if not any("text" in node.words() for node in self.items):
            return []
        first = self.items[0]
        first.value["from"], first.keys["from"] = at(INPUT, first.mark), first.mark
        return [at({"parameter": {"shape": [512, "classes"], "store": "none"}, "name": "text"}, self.mark)]

    def wanted(self, words: set[str]) -> set[str]:
        """Return the knobs of a scale that something reads."""
        by = {"ch": {"width", "max_channels"}, "times": {"depth"}, "parts": {"width", "max_channels"}}
        return words.union(*(knobs for word, knobs in by.items() if word in words))

    def factors(self, scale: str) -> Data:
        """Return a scale's knobs: its factors, and what modules do at some scales only."""
        depth, width, most = self.scales[scale]
        found: Data = {"depth": depth, "width": width}
        if most:
            found["max_channels"] = most
        return {**found, "large": scale in ("m", "l", "x"), "residual": scale in ("l", "x")}

    def variants(self, knobs: Data) -> Data:
        """Return each scale's values of the knobs that there are."""
        if len(self.scales) < 2:
            return {}
        found = {name: {k: v for k, v in self.factors(name).items() if k in knobs} for name in self.scales}
        return found if all(found.values()) else {}


def activation(text: str) -> tuple[str, dict[str, Datum]] | None:
    """Return PyTorch's activation as an operator with its number; None for what is none."""
    found = re.fullmatch(r"(?:torch\.)?(?:nn\.)?(\w+)\(\s*([0-9.e-]*)\s*(?:inplace\s*=\s*\w+)?\s*\)", text.strip())
    kind = modules.ACTIVATIONS.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    fields = {"leaky_relu": "slope", "elu": "alpha", "celu": "alpha"}
    if not found[2]:
        return kind, {}
    try:
        return (kind, {fields[kind]: float(found[2])}) if kind in fields else None
    except ValueError:
        return None


def at(value: Datum, mark: Mark) -> YamlNode:
    """Return data as nodes of one place."""
    if isinstance(value, Mapping):
        return YamlNode({key: at(part, mark) for key, part in value.items()}, mark, dict.fromkeys(value, mark))
    return YamlNode([at(part, mark) for part in value] if isinstance(value, list) else value, mark)


def _words(node: YamlNode) -> set[str]:
    """Return the words of all texts and keys below."""
    keys = re.findall(r"\w+", " ".join(node.value)) if node.is_map else []
    return {*keys, *node.words()}.union(*(_words(part) for part in node.children))
