"""A row of a model file as an item of a spec: what its module takes, and which block it is."""

from __future__ import annotations

import re
from collections.abc import Callable

from costcalc.base import Data, Datum
from costcalc.base.errors import nearest
from costcalc.base.text import plural
from costcalc.interop.options import wrong
from costcalc.interop.ultralytics import modules
from costcalc.language.source import YamlNode
from costcalc.numbers.num import LARGEST

_NOTHING = (None, "None", "none", "null")


class Seen:
    """What a row sees of its file: keys that modules read, and the rows before it."""

    def __init__(self, classes: int, reg_max: int, kpt_shape: YamlNode | None, *, scales: bool, end2end: bool) -> None:
        self.classes = classes
        self.reg_max = reg_max
        self.kpt_shape = kpt_shape
        self.scales = scales  # whether channels and repeats are multiplied
        self.end2end = end2end
        self.anchors: YamlNode | None = None  # of a file for ultralytics/yolov5
        self.names: list[str] = []  # of the rows before, each the name of what it gives
        self.flow = ""  # the row whose output flows on; none after one that gives no map
        self.text = "text"  # what holds the features of the classes' names
        self.parts: dict[str, int] = {}  # of a CBLinear, by its name
        self.lighter = False  # whether a module stood before after which a head's branches for classes are depthwise

    def put(self, module: str) -> str:
        """Note a row, and return the name that it gets."""
        name = f"{module.rpartition('.')[2]}_{len(self.names)}"
        self.names.append(name)
        self.flow = name
        if module == "ImagePoolingAttn":
            self.flow, self.text = "", name
        self.lighter |= module in modules.LIGHTER
        return name

    def reach(self, node: YamlNode, place: int) -> str:
        """Return the name of an earlier row by its number, of the image for -1 in the first; `place` is the own row."""
        index = node.value
        if isinstance(index, bool) or not isinstance(index, int):
            raise wrong(f"from: {node.spoken} is no number of a row", node.mark, "-1 is the row before")
        number = index + place if index < 0 else index
        if (place, index) == (0, -1):
            return ""
        if not 0 <= number < place:
            hint = (
                f"this is row {place}, after 0 to {place - 1}; -1 is the one before"
                if place
                else "this is the first row"
            )
            raise wrong(f"from: there is no row {index} before this one", node.mark, hint)
        if self.names[number].startswith("ImagePoolingAttn_"):
            raise wrong(f"from: row {number} gives features of words, and no map", node.mark, "name a row of maps")
        return self.names[number]


class ModuleRow:
    """One row: where it takes its input, how often its module stands, the module, its arguments."""

    def __init__(self, seen: Seen, node: YamlNode) -> None:
        self.seen = seen
        self.mark = node.mark
        source, count, module, args = node.value
        if not isinstance(module.value, str):
            raise wrong(f"the module is a word, not {module.spoken}", module.mark)
        self.module: str = module.value.replace("torch.nn.", "nn.", 1)
        self.module_mark = module.mark
        known = [*modules.SCALED, *modules.AS_GIVEN, *modules.DETECTING, *modules.OTHERS, *_PLAIN]
        if self.module not in known:
            hint = nearest(self.module, known) or "costcalc reads the modules that the package's own files have"
            raise wrong(f"unknown module '{self.module:.60}'", module.mark, hint)
        place = len(seen.names)
        parts = source.value if source.is_list else [source]
        self.sources = [seen.reach(part, place) for part in parts]
        self.source_mark = source.mark
        if not self.sources:
            raise wrong("from is a row's number, or a list of them, and this is empty", source.mark)
        self.several = source.is_list
        self.image = place == 0
        self.args: list[YamlNode] = args.value if args.is_list else [args] if args.value is not None else []
        self.args_mark = args.mark
        self.repeats = self.times(count)

    def times(self, node: YamlNode) -> Datum:
        """Return how often the module stands, or repeats a part of it."""
        count = node.value
        if isinstance(count, bool) or not isinstance(count, int) or not 0 < count <= 10_000:
            raise wrong(f"repeats: a whole number from 1 to 10,000, not {node.spoken}", node.mark)
        return f"times({count})" if count > 1 and self.seen.scales else count

    @property
    def source(self) -> str:
        """The one row that feeds this; none of what takes several, or the image."""
        return "" if self.several or self.image else self.sources[0]

    def made(self) -> Data:
        """Return the row as an item, without its name and what feeds it."""
        item = self.one()
        return item if self.module in _REPEATS or self.repeats == 1 else {**item, "repeat": self.repeats}

    def one(self) -> Data:
        """Return the row's module, standing once."""
        if self.module in modules.DETECTING:
            return self.detecting()
        own = _PLAIN.get(self.module) or _OWN.get(self.module)
        if own is None:
            self.one_source()
            return self.scaled() if self.module in modules.SCALED else self.as_given()
        return own(self)

    def one_source(self) -> None:
        """Refuse several rows where one feeds the module; a list of one is that one."""
        if len(self.sources) > 1:
            raise wrong(f"{self.module} takes one row, and from names {len(self.sources)}", self.source_mark)
        self.several = False
        if not self.seen.flow and not self.image and not self.sources[0]:
            raise wrong(f"{self.module} takes a map", self.source_mark)

    # ---- arguments -------------------------------------------------------------------------------

    def most(self, known: list[str]) -> None:
        """Refuse more arguments than there are."""
        if len(self.args) > len(known):
            said = f"its arguments: {', '.join(known)}" if known else "write []"
            message = f"{self.module} takes {plural(len(known), 'argument')}, and this is one more"
            raise wrong(message, self.args[len(known)].mark, said)

    def word(self, node: YamlNode) -> Datum:
        """Return an argument's value: a word of the file's keys is what stands there."""
        value = node.value
        if value in _NOTHING and not isinstance(value, bool):
            return None
        if value in ("True", "False"):
            return bool(value == "True")
        keys: dict[str, Datum] = {"nc": self.seen.classes, "reg_max": self.seen.reg_max}
        if isinstance(value, str) and value in keys:
            return keys[value]
        return node.plain()

    def number(self, at_: int, what: str, default: int | None = None, least: int = 0) -> int:
        """Return an argument that is a whole number."""
        if at_ >= len(self.args) or (default is not None and self.word(self.args[at_]) is None):
            if default is None:
                raise wrong(f"{self.module} needs {what}", self.args_mark, f"its arguments begin with {what}")
            return default
        value = self.word(self.args[at_])
        return self.checked(value, self.args[at_], what, least)

    def checked(self, value: Datum, node: YamlNode, what: str, least: int = 0) -> int:
        """Return a whole number; raise SpecError for anything else."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < LARGEST:
            raise wrong(f"{self.module}: {what} is a whole number from {least}, not {node.spoken}", node.mark)
        return value

    def argument(self, name: str, node: YamlNode) -> Datum:
        """Return an argument of a block, of the kind that its name says."""
        value, kind = self.word(node), modules.KINDS.get(name, "")
        if kind == modules.ACT:
            if value is True:
                return "activation"
            if value in (False, None) or isinstance(value, str):
                return "none"  # a text is no activation to Ultralytics, and none follows
            raise wrong(f"{self.module}: {name} is true or false, not {node.spoken}", node.mark)
        if kind == modules.TRUTH:
            if not isinstance(value, bool | int):
                raise wrong(f"{self.module}: {name} is true or false, not {node.spoken}", node.mark)
            return bool(value)
        if value is None:
            return "none"
        if kind == modules.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**6:
                raise wrong(f"{self.module}: {name} is a number above 0, not {node.spoken}", node.mark)
            return value
        if kind == modules.WHOLES and isinstance(value, list) and 0 < len(value) < 9:
            return [self.checked(part.value, part, name) for part in node.value]
        return self.checked(value, node, name, -1 if name == "area" else 0)

    def channels(self, node: YamlNode) -> Datum:
        """Return channels that the scale multiplies."""
        value = self.checked(self.word(node), node, "the number of channels", 1)
        return f"ch({value})" if self.seen.scales else -(-value // 8) * 8

    def call(self, given: dict[str, Datum], order: list[str]) -> Data:
        """Return a call of the module's block: by position as far as arguments follow one another."""
        leading = []
        for name in order:
            if name not in given:
                break
            leading.append(given[name])
        block = self.module.rpartition(".")[2]
        if len(leading) == len(given) and len(leading) <= 4:
            return {block: leading}
        return {block: given}

    # ---- kinds of modules ------------------------------------------------------------------------

    def scaled(self) -> Data:
        """A module whose first argument is channels."""
        if not self.args:
            raise wrong(f"{self.module} needs its number of channels", self.args_mark)
        order = arguments(self.module)
        text = order[:1] == ["text"]
        order = [name for name in order if name != "text"]
        own = [name for name in order if not (name == "n" and self.module in modules.REPEATING)]
        if self.module == "C2fAttn":
            own = ["c", "ec", *own[1:]]  # ec is what the block's width makes it
        if self.module == "Bottleneck":
            own = ["c", "shortcut", "g", "k", "e"]
        self.most(own)
        given: dict[str, Datum] = {"c": self.channels(self.args[0])}
        given |= {name: self.argument(name, node) for name, node in zip(own[1:], self.args[1:], strict=False)}
        given.pop("ec", None)
        self.special(given)
        if self.module in modules.REPEATING:
            given["n"] = self.repeats
        if text:
            given["text"] = self.seen.text
        given = {name: given[name] for name in arguments(self.module) if name in given}
        return self.call(given, arguments(self.module))

    def special(self, given: dict[str, Datum]) -> None:
        """Change what some modules do with their arguments."""
        k = given.get("k")
        if self.module == "Bottleneck" and "k" in given:
            pair = given.pop("k")
            given |= dict(zip(("k1", "k2"), pair if isinstance(pair, list) else [pair] * 2, strict=False))
        elif (
            isinstance(k, list)
            and self.module in ("Conv", "Focus", "GhostConv", "DWConv")
            and given.get("p", "none") == "none"
        ):
            given["p"] = [part // 2 for part in k]
        if self.module == "C3k2" and self.seen.scales:
            given["whole"] = True if given.get("whole") else "large"
        if self.module == "A2C2f" and self.seen.scales:
            given |= {name: given.get(name, value) for name, value in
                      {"res": "residual", "ratio": "1.2 if residual else 2"}.items()}  # fmt: skip
        if self.module == "C2fAttn" and isinstance(given.get("nh"), int) and self.seen.scales and given["nh"] > 1:
            given["nh"] = f"parts({given['nh']})"
        if self.module == "SPPF" and len(self.args) < 3:
            given["act"] = "activation"  # files from before YOLO26, whose first convolution lost its activation

    def as_given(self) -> Data:
        """A module whose arguments are taken as they are."""
        order = arguments(self.module)
        own = [name for name in order if not (name == "n" and self.module == "HGBlock")]
        self.most(own)
        given = {name: self.argument(name, node) for name, node in zip(own, self.args, strict=False)}
        if self.module == "HGBlock":
            given["n"] = self.repeats
        for name in ("cm", "c") if self.module != "AIFI" else ():
            if name not in given:
                raise wrong(f"{self.module} needs {name}", self.args_mark, f"its arguments: {', '.join(own)}")
        given = {name: given[name] for name in order if name in given}
        return self.call(given, order)

    def detecting(self) -> Data:
        """A head that finds boxes on several levels."""
        if self.module == "Detect" and self.seen.anchors and len(self.args) == 2:
            return self.anchored(self.seen.anchors)
        names = modules.DETECTING[self.module].split()
        self.most(names)
        if len(self.args) < 1:
            raise wrong(f"{self.module} needs nc", self.args_mark, f"its arguments: {', '.join(names)}")
        given: dict[str, Datum] = {"levels": self.sources}
        for name, node in zip(names, self.args, strict=False):
            given |= self.of_head(name, node)
        if "kpt_shape" in names and len(self.args) < 2:
            given |= self.points(self.seen.kpt_shape)
        seen = self.seen
        if self.module == "v10Detect":
            given |= {"end2end": True, "heavy": False}
        else:
            given |= {"reg_max": seen.reg_max} if seen.reg_max != 16 else {}
            given |= {"end2end": True} if seen.end2end else {}
            given |= {"heavy": False} if seen.lighter and self.module != "WorldDetect" else {}
        if self.module == "WorldDetect" and given.pop("end2end", False):
            raise wrong("WorldDetect has no end2end", self.module_mark, "leave the key out")
        if self.module in ("WorldDetect", "YOLOEDetect", "YOLOESegment", "YOLOESegment26"):
            given["text"] = "text"
        block = {"v10Detect": "Detect", "OBB26": "OBB", "YOLOESegment26": "YOLOESegment"}.get(self.module, self.module)
        given |= {"OBB26": {"bounded": False}, "YOLOESegment26": {"all_levels": True}}.get(self.module, {})
        if block.startswith("YOLOE") and len(self.sources) != 3:
            raise wrong(f"{self.module} takes three rows", self.source_mark)
        return {block: given}

    def anchored(self, node: YamlNode) -> Data:
        """The head of ultralytics/yolov5: [nc, anchors], of which the key says how many there are, or which."""
        levels = node.value if node.is_list else []
        sizes = {len(level.value) for level in levels if level.is_list}
        count = next(iter(sizes), 0) // 2 if node.is_list else node.value
        if self.args[1].value != "anchors" or len(sizes) > 1 or not isinstance(count, int) or not 0 < count < 100:
            raise wrong("anchors is a number, or a list of widths and heights for each level", node.mark)
        if levels and len(levels) != len(self.sources):
            raise wrong(
                f"there are anchors for {len(levels)} levels, and from names {len(self.sources)}", self.source_mark
            )
        given = self.of_head("nc", self.args[0])
        return {"AnchorDetect": {"levels": self.sources, "anchors": count, **given}}

    def of_head(self, name: str, node: YamlNode) -> Data:
        """Return an argument of a head as the block's."""
        if name == "kpt_shape":
            return self.points(self.seen.kpt_shape if node.value == "kpt_shape" else node)
        if name == "nc":
            value = self.checked(self.word(node), node, "nc", 1)
            return {} if node.value == "nc" else {"nc": value}
        if name == "npr" and self.seen.scales:
            return {"npr": self.channels(node)}
        return {name: self.argument(name, node)}

    def points(self, node: YamlNode | None) -> Data:
        """Return how many points there are, and numbers of each."""
        if node is None:
            return {}
        if not node.is_list or len(node.value) != 2:
            raise wrong("kpt_shape is [points, 2 or 3]", node.mark)
        points, dims = (self.checked(part.value, part, "kpt_shape", 1) for part in node.value)
        if dims not in (2, 3):
            raise wrong("a point of kpt_shape has 2 or 3 numbers", node.mark)
        return {"points": points, "dims": dims}

    # ---- modules of their own kind -----------------------------------------------------------------

    def classify(self) -> Data:
        """A classifier over one map, or several side by side."""
        order = arguments("Classify")
        self.most(order)
        if not self.args:
            raise wrong("Classify needs nc", self.args_mark)
        given = self.of_head("nc", self.args[0])
        given |= {name: self.argument(name, node) for name, node in zip(order[1:], self.args[1:], strict=False)}
        if len(self.sources) > 1:
            return {"do": [{"concat": self.sources}, {"Classify": given} if given else "Classify"]}
        self.several = False
        return {"Classify": given or None}

    def concat(self) -> Data:
        """Maps side by side."""
        self.most(["dimension"])
        axis = self.number(0, "the dimension", 1, least=1)
        if not self.several:
            raise wrong("Concat takes several rows", self.source_mark, "write a list: [-1, 6]")
        if axis != 1:
            return {"concat": {"axis": axis - 1}, "from": self.sources}
        return {"concat": [[] if name == self.seen.flow else name for name in self.sources]}

    def linear(self) -> Data:
        """CBLinear: a convolution whose channels are dealt out."""
        self.most(["channels", "k", "s", "p", "g"])
        self.one_source()
        node = self.args[0] if self.args else YamlNode(None, self.args_mark)
        if not node.is_list or not node.value:
            raise wrong("CBLinear needs a list of channels", node.mark, "write [[64, 128]]")
        sizes = [self.checked(part.value, part, "the number of channels", 1) for part in node.value]
        k, s = self.number(1, "k", 1, 1), self.number(2, "s", 1, 1)
        p, g = self.number(3, "p", k // 2), self.number(4, "g", 1, 1)
        conv = {"out": sum(sizes), "kernel": k, "stride": s, "padding": p, "groups": g}
        self.seen.parts[f"CBLinear_{len(self.seen.names)}"] = len(sizes)
        return {"conv": conv} if len(sizes) == 1 else {"do": [{"conv": conv}, {"split": {"sizes": sizes}}]}

    def fuse(self) -> Data:
        """CBFuse: parts of CBLinears, each made as large as the last row, and their sum."""
        self.most(["indices"])
        node = self.args[0] if self.args else YamlNode(None, self.args_mark)
        if not node.is_list or len(node.value) != len(self.sources) - 1:
            raise wrong("CBFuse needs a part's number for each row but the last", node.mark, "write [[0, 0]]")
        parts = []
        for name, part in zip(self.sources, node.value, strict=False):
            if name not in self.seen.parts:
                raise wrong(f"CBFuse takes parts of CBLinear, and {name or 'the image'} is none", self.source_mark)
            index, count = self.checked(part.value, part, "a part"), self.seen.parts[name]
            if index >= count:
                raise wrong(f"{name} has {count} parts, and none is number {index}", part.mark, "they count from 0")
            parts.append(name if count == 1 else f"{name}[{index}]")
        return {"CBFuse": {"maps": parts, "to": self.sources[-1]}, "from": self.sources[-1]}

    def resnet(self) -> Data:
        """ResNetLayer: [c1, c2, s, is_first, n, e]."""
        names = ["c1", "c", "s", "first", "n", "e"]
        self.most(names)
        self.one_source()
        if len(self.args) < 2:
            raise wrong("ResNetLayer needs c1, c2", self.args_mark, "its arguments: c1, c2, s, is_first, n, e")
        c, s = self.number(1, "c2", least=1), self.number(2, "s", 1, 1)
        first = bool(self.word(self.args[3])) if len(self.args) > 3 else False
        n, e = self.number(4, "n", 1, 1), self.number(5, "e", 4, 1)
        given: dict[str, Datum] = {"c": c, "s": s, "first": first, "n": n, "e": e}
        least: dict[str, Datum] = {"s": 1, "first": False, "n": 1, "e": 4}
        return {"ResNetLayer": {name: value for name, value in given.items() if least.get(name) != value}}

    def pooled(self) -> Data:
        """ImagePoolingAttn: features of words, changed by what the image shows."""
        names = ["ec", "ct", "nh", "k"]
        self.most(names)
        given = {name: self.argument(name, node) for name, node in zip(names, self.args, strict=False)}
        return {"ImagePoolingAttn": {"text": self.seen.text, "levels": self.sources, **given}}

    def decoder(self) -> Data:
        """RTDETRDecoder."""
        names = "nc hd nq ndp nh ndl d_ffn".split()
        self.most(names)
        given: Data = {"levels": self.sources}
        for name, node in zip(names, self.args, strict=False):
            given |= self.of_head(name, node)
        return {"RTDETRDecoder": given}

    def semantic(self) -> Data:
        """SemanticSegment."""
        self.most(["nc"])
        given = self.of_head("nc", self.args[0]) if self.args else {}
        return {"SemanticSegment": {"levels": self.sources, **given}}

    def depth(self) -> Data:
        """Depth."""
        self.most(["c_mid"])
        return {"Depth": {"levels": self.sources, "c": self.number(0, "c_mid", 256, 4)}}

    def torchvision(self) -> Data:
        """A residual network of torchvision up to its last stage."""
        self.most(["c", "model", "weights", "unwrap", "truncate", "split"])
        values = [self.word(node) for node in self.args]
        model = str(values[1]) if len(values) > 1 else ""
        ours = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "wide_resnet50_2", "resnext50_32x4d")
        if model not in ours or values[3:] not in ([], [True], [True, 2], [True, 2, False]):
            hint = f"costcalc reads {', '.join(ours)}, unwrapped and without its last 2 parts"
            raise wrong(f"TorchVision {model:.40} can't be expressed so", self.module_mark, hint)
        if not self.image:
            raise wrong("TorchVision takes the image: it is the first row", self.module_mark)
        return {"include": {"spec": model, "until": "stage4"}}

    # ---- PyTorch's own -----------------------------------------------------------------------------

    def upsample(self) -> Data:
        """nn.Upsample: [size, scale_factor, mode]."""
        self.most(["size", "scale_factor", "mode", "align_corners"])
        self.one_source()
        values = [self.word(node) for node in self.args]
        size, factor, mode = (values + [None] * 3)[:3]
        given: dict[str, Datum] = {}
        if size is not None:
            given["size"] = self.argument("k", self.args[0])
        elif isinstance(factor, int | float) and not isinstance(factor, bool):
            given["scale"] = factor
        else:
            raise wrong("nn.Upsample needs a size or a factor", self.args_mark, 'write [None, 2, "nearest"]')
        if mode not in (None, "nearest"):
            given["mode"] = mode
        return {"upsample": given}

    def pool(self) -> Data:
        """nn.MaxPool2d and nn.AvgPool2d: [kernel, stride, padding]."""
        self.most(["kernel_size", "stride", "padding"])
        self.one_source()
        names = zip(("kernel", "stride", "padding"), self.args, strict=False)
        given = {name: self.argument("k", node) for name, node in names if self.word(node) is not None}
        if "kernel" not in given:
            raise wrong(f"{self.module} needs its kernel_size", self.args_mark)
        given.setdefault("stride", given["kernel"])
        return {"max_pool" if "Max" in self.module else "avg_pool": given}

    def pad(self) -> Data:
        """nn.ZeroPad2d: [[left, right, top, bottom]]."""
        self.most(["padding"])
        self.one_source()
        value = self.argument("k", self.args[0]) if self.args else 0
        if isinstance(value, list):
            if len(value) != 4:
                raise wrong("padding is [left, right, top, bottom]", self.args[0].mark)
            value = [*value[2:], *value[:2]]
        return {"pad": {"padding": value}}

    def transposed(self) -> Data:
        """nn.ConvTranspose2d: [channels, kernel, stride, padding]."""
        names = ["out", "kernel", "stride", "padding"]
        self.most(names)
        self.one_source()
        if len(self.args) < 2:
            raise wrong(f"{self.module} needs channels and kernel_size", self.args_mark)
        given: dict[str, Datum] = {"out": self.channels(self.args[0])}
        given |= {name: self.argument("k", node) for name, node in zip(names[1:], self.args[1:], strict=False)}
        return {"conv_transpose": given}

    def alone(self) -> Data:
        """A layer without arguments that change its cost."""
        self.one_source()
        kind = _ALONE[self.module]
        return {kind: None}


def arguments(block: str) -> list[str]:
    """Return the names of a block's arguments."""
    inside = modules.head_of(block).partition("(")[2][:-1]
    return re.findall(r"(?:^|, )(\w+)(?==|,|$)", inside)


_REPEATS = (*modules.REPEATING, "HGBlock")  # whose row says how often a part of theirs stands
_ALONE = {
    "nn.Identity": "identity", "nn.BatchNorm2d": "batch_norm", "nn.Flatten": "flatten", "nn.Dropout": "dropout",
    **{f"nn.{name}": kind for name, kind in modules.ACTIVATIONS.items() if kind != "none"},
}  # fmt: skip
_PLAIN: dict[str, Callable[[ModuleRow], Data]] = {
    "nn.Upsample": ModuleRow.upsample, "nn.MaxPool2d": ModuleRow.pool, "nn.AvgPool2d": ModuleRow.pool,
    "nn.ZeroPad2d": ModuleRow.pad,
    "nn.ConvTranspose2d": ModuleRow.transposed, **dict.fromkeys(_ALONE, ModuleRow.alone),
}  # fmt: skip
_OWN: dict[str, Callable[[ModuleRow], Data]] = {
    "Classify": ModuleRow.classify, "Concat": ModuleRow.concat, "CBLinear": ModuleRow.linear, "CBFuse": ModuleRow.fuse,
    "ResNetLayer": ModuleRow.resnet, "ImagePoolingAttn": ModuleRow.pooled, "RTDETRDecoder": ModuleRow.decoder,
    "SemanticSegment": ModuleRow.semantic, "Depth": ModuleRow.depth, "TorchVision": ModuleRow.torchvision,
}  # fmt: skip
