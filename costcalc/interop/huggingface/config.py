"""A config.json, key by key: what becomes a knob's value, what changes no cost, what is refused."""

from __future__ import annotations

import json
import math
import os
import re

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, Mark, Problem, Problems, SpecError, nearest, stop
from costcalc.base.files import read as read_text
from costcalc.base.hints import Hint
from costcalc.base.json_text import LARGEST
from costcalc.base.json_text import parse as parsed
from costcalc.interop.format import ReadOptions
from costcalc.interop.huggingface.families import ACTIVATIONS, BACKBONES, FAMILIES, HEADS, IDLE, LENGTHS, WITHIN, Family
from costcalc.language.source import parse
from costcalc.language.yaml_text import inline

_HIGHEST = 10**9  # of any number in a config
_CLASS = re.compile(r"(For[A-Z]\w*|Model|ModelWithProjection|Backbone)$")
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:|"(?:[^"\\]|\\.)*"|[][{}]')  # a key with its colon, a text, a bracket
_READ = ("model_type", "architectures", "id2label", "num_labels", "label2id")
_HERE = os.path.join(os.path.dirname(__file__), "families")


class Configured:
    """A family's spec with a config's values for its knobs: the file's own text, each knob's line with its value."""

    unused = 0

    def __init__(self, spec: str) -> None:
        """Take a family's spec, by the name of its file."""
        self.spec = read_text(os.path.join(_HERE, f"{spec}.yaml"))
        self.knobs: Data = self.data()["knobs"]
        self.name = ""

    def data(self) -> Data:
        """Return the spec as data."""
        root, problems = parse(self.spec, "spec")
        assert root is not None
        assert not problems
        found: Data = root.plain()
        return found

    def text(self) -> str:
        """Return the spec's text."""
        return self.spec

    def settle(self, knobs: Data, name: str) -> None:
        """Put values for knobs into the text, and a name, if there is one."""
        self.knobs |= knobs
        lines = self.spec.splitlines()
        first, last = lines.index("knobs:"), next(n for n, line in enumerate(lines) if line.startswith("input:"))
        for number, line in enumerate(lines[:last]):
            key, comment = line.split(":")[0].strip(), line.partition("  # ")[2]
            if key == "name" and name:
                lines[number] = f"name: {inline(name)}"
            elif number > first and line.startswith("  ") and key in self.knobs:
                said = f"  {key}: {inline(self.knobs[key])}"
                lines[number] = f"{said:<40}  # {comment}" if comment else said
        self.spec = "\n".join(lines) + "\n"


class Config:
    """One config.json. Every mistake is collected, each with its place."""

    def __init__(self, path: str) -> None:
        """Read a file, or the config.json of a folder."""
        self.path = os.path.join(path, "config.json") if os.path.isdir(path) else path
        self.text = read_text(self.path, largest=LARGEST)
        found = parsed(self.text, self.path)
        if not isinstance(found, dict):
            raise stop(f"{self.path}: a config is a mapping of keys, in braces")
        self.keys: Data = found
        self.problems = Problems()

    def mark(self, key: str) -> Mark:
        """Return where a key of the outermost mapping stands."""
        depth = 0
        for token in _TOKEN.finditer(self.text):
            depth += (token[0] in "{[") - (token[0] in "}]")
            if depth == 1 and token[1] == json.dumps(key)[1:-1]:
                line, start = self.text.count("\n", 0, token.start()), self.text.rfind("\n", 0, token.start()) + 1
                return Mark(self.path, self.text, line, token.start() - start, len(token[0].rstrip(": \n")))
        return Mark(self.path)

    def wrong(self, key: str, message: str, hint: str = "") -> None:
        """Note a mistake at a key."""
        self.problems.note(f"{key}: {message}", self.mark(key), hint)

    def network(self, options: ReadOptions) -> Configured:
        """Return the network; raise SpecError with every mistake."""
        family = self.family()
        found = Configured(self.spec(family))
        told = {"classes": self.classes(family), "head": self.head(family, options)}
        knobs = {**found.knobs, **family.knobs} | {key: value for key, value in told.items() if key in found.knobs}
        for key, value in self.keys.items():
            self.put(key, value, knobs, family)
        for key, of in LENGTHS.items():
            if self.keys.get(key) is not None and self.keys[key] != len(knobs.get(of, ())):
                self.wrong(key, f"{json.dumps(self.keys[key])[:60]} where {of} has {len(knobs.get(of, ()))} values")
        if self.problems:
            raise self.problems.error()
        knobs |= {key: of(knobs) for key, of in family.derived.items() if self.keys.get(key) is None}
        found.settle(knobs, options.name or self.name)
        return found

    def spec(self, family: Family) -> str:
        """Return the name of the family's spec: UperNet has one for each backbone."""
        backbone = self.keys.get("backbone_config")
        kind = backbone.get("model_type") if family.spec == "upernet_resnet" and isinstance(backbone, dict) else None
        return f"upernet_{kind}" if kind in ("convnext", "swin") else family.spec

    def family(self) -> Family:
        """Return what is known of the config's model type."""
        said = self.keys.get("model_type")
        if isinstance(said, str) and said in FAMILIES:
            return FAMILIES[said]
        if not isinstance(said, str):
            raise stop(f"{self.path}: a config has a model_type, a word")
        if said == "timm_wrapper":
            what, target = "it is timm's", f"timm:{self.keys.get('architecture')!s:.60}"
        else:
            what, target = "transformers builds it, which runs its code", f"hf:{self.path}"
        way = Hint(f'{what}: costcalc.from_torch("{target}", (3, 224, 224))', f"{what}: costcalc report {target}")
        meant = nearest(said, FAMILIES)
        hint = Hint(meant, meant) + " Else " + way if meant else way
        raise SpecError([Problem(f"model type '{said[:60]}' is not known here", self.mark("model_type"), hint)])

    @property
    def name(self) -> str:
        """What the network is called, by the repository that the file names; empty where it names none."""
        said = self.keys.get("_name_or_path")
        last = said.rstrip("/").rpartition("/")[2] if isinstance(said, str) else ""
        return last[:80] if re.fullmatch(r"\w[\w.+-]*", last) else ""

    def classes(self, family: Family) -> int:
        """Return how many classes there are: files carry their names, and seldom their number."""
        labels, number = self.keys.get("id2label"), self.keys.get("num_labels")
        if isinstance(labels, dict):
            return len(labels)
        if number is None:
            return family.classes
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _HIGHEST:
            self.wrong("num_labels", "is a whole number")
            return 2
        return number

    def head(self, family: Family, options: ReadOptions) -> str:
        """Return what stands on the backbone: as it is asked for, else as `architectures` says, else the family's."""
        asked = options.more.get("head")
        if asked is not None:
            return options.word("head", family.heads[0], family.heads)
        said = self.keys.get("architectures")
        if not said:
            return family.heads[0]
        name = said[0] if isinstance(said, list) else said
        found = _CLASS.search(name) if isinstance(name, str) else None
        head = HEADS.get(found[0], "") if found else ""
        if head not in family.heads:
            known = f"its heads: {', '.join(family.heads)}"
            self.wrong("architectures", f"{str(name)[:60]} is not known here", f"ask for another by head; {known}")
        return head

    def put(self, key: str, value: Datum, knobs: Data, family: Family) -> None:
        """Take one key: into the knob that is called so, or over, or as a mistake."""
        key = family.called.get(key, key)
        allowed = family.only.get(key)
        if key in family.nested:
            self.nest(key, value, knobs, family.nested[key])
        elif key in _READ or (key in knobs and value is None and allowed is None):
            return
        elif allowed is not None and not any(value == one and type(value) is type(one) for one in allowed):
            shown = " or ".join("null" if one is None else inline(one) for one in allowed)
            self.wrong(key, f"only {shown} can be expressed, not {json.dumps(value)[:60]}")
        elif key in knobs and value is not None:
            try:
                knobs[key] = fitted(value, knobs[key], activation=key in family.activations)
            except Fault as fault:
                self.wrong(key, fault.message)
        elif key not in knobs and key not in IDLE and key not in family.idle and key not in LENGTHS and allowed is None:
            self.wrong(key[:60], "is not known here, and may change the network", nearest(key, knobs))

    def nest(self, key: str, value: Datum, knobs: Data, kinds: tuple[str, ...]) -> None:
        """Take the keys of a config within this one, or those that a name of timm's stands for."""
        if value is None:
            return
        inside = {"model_type": "timm_backbone", "backbone": value} if isinstance(value, str) else value
        kind = inside.get("model_type") if isinstance(inside, dict) else None
        if kind not in kinds:
            self.wrong(key, f"only a config of {' or '.join(kinds)} can be expressed")
        elif kind == "timm_backbone":
            name = str(inside.get("backbone"))
            if name not in BACKBONES or inside.get("output_stride"):
                self.wrong(key, f"of timm's only {', '.join(BACKBONES)} can be expressed, at their own strides")
            knobs |= BACKBONES.get(name, {})
        else:
            inner = FAMILIES[WITHIN.get(str(kind), str(kind))]
            for word, one in inside.items():
                if word not in IDLE and word not in inner.idle:
                    self.put(word, one, knobs, inner)
            said = inside.get("out_features") or inside.get("out_indices") or ()
            if "out_indices" in knobs and said:
                knobs["out_indices"] = self.places(key, said, knobs)
            if "pool_scales" in knobs and not len(said) == len(knobs["depths"]) == 4:
                self.wrong(key, "only a backbone of four stages, with all of them in out_features, can be expressed")

    def places(self, key: str, said: Datum, knobs: Data) -> Datum:
        """Return which layers of a backbone, from 1, give their results: `stage9`, 9, or -1 for the last."""
        texts = [str(one).removeprefix("stage") for one in said] if isinstance(said, list) else []
        deep = knobs["num_hidden_layers"]
        found = [int(text) % (deep + 1) for text in texts if re.fullmatch(r"-?\d{1,4}", text)]
        if len(found) != len(knobs["neck_hidden_sizes"]) or not all(found):
            self.wrong(key, f"out_features is a list of {len(knobs['neck_hidden_sizes'])} of its stages, from stage1")
        return found


def fitted(value: Datum, default: Datum, *, activation: bool = False) -> Datum:
    """Return a config's value as a value for the knob with this default; raise Fault with what is wrong."""
    if activation:
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise Fault(f"an activation is one of {', '.join(ACTIVATIONS)}, not {json.dumps(value)[:60]}")
        return ACTIVATIONS[value]
    if isinstance(default, list):
        if not isinstance(value, list) or len(value) > 200:
            raise Fault("is a list of at most 200 values")
        likes = default if len(default) == len(value) else (default or [0])[:1] * len(value)
        return [fitted(one, like) for one, like in zip(value, likes, strict=True)]
    if isinstance(default, int | float) and not isinstance(default, bool):
        return _number(value)
    if type(value) is not type(default):
        raise Fault(f"is {'true or false' if isinstance(default, bool) else 'a word'}")
    return value[:100].lower() or "empty" if isinstance(value, str) else value


def _number(value: Datum) -> int | float:
    """Return a number; of a pair (height and width) that is equal, the one."""
    if isinstance(value, list) and value and all(one == value[0] for one in value):
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Fault("sides that differ can't be expressed" if isinstance(value, list) else "is a number")
    if not (math.isfinite(value) and -_HIGHEST < value < _HIGHEST):
        raise Fault(f"is a number below {_HIGHEST:,}")
    return value
