"""Darknet's network definitions (`.cfg`) -> a spec.

The meaning of sections and keys is that of the parser of https://github.com/AlexeyAB/darknet and of
https://github.com/pjreddie/darknet, on which it builds. What acts in training only is without effect.
Detection heads (yolo, region, detection) decode boxes and have no weights: they become identities
that carry their names, so that the outputs are seen. Cost layers compute a loss and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from costcalc.base import Datum
from costcalc.base.errors import Mark, nearest
from costcalc.interop.darknet.words import ACTIVATIONS, ANY, CONV, HEAD, NET, SHORT, UNKNOWN
from costcalc.interop.guard import guarded
from costcalc.interop.options import MOST_LAYERS, Declared, Options, wrong
from costcalc.language.document import INPUT
from costcalc.language.flat import Step, alike, halves, pool_over, window_fields


def read(text: str, name: str = "darknet", where: str = "network.cfg", *, opaque: bool = False) -> Declared:
    """Return the network of a `.cfg`'s text. Layers are called by their section and index: `convolutional0`.

    name: what the spec is called. where: the file's name, for messages. opaque: make an activation that is not known a
    row of unknown cost. Raises SpecError with file, line
    and column for what Darknet would refuse, for what costcalc can't express, and for unknown words.
    """
    return guarded(where, lambda: _read(text, name, where, opaque=opaque), mark=Mark(where), hint="")


def _read(text: str, name: str, where: str, *, opaque: bool) -> Declared:
    sections = parse(text, where)
    if not sections or sections[0].what != "net":
        mark = sections[0].mark if sections else Mark(where)
        raise wrong("a network begins with a [net] section", mark, "is this a Darknet configuration?")
    return _Network(name, sections, opaque=opaque).build()


def parse(text: str, where: str) -> list[Options]:
    """Return the sections of a text; `what` is the section's word in full, with its index but for [net]."""
    sections: list[Options] = []
    for number, line in enumerate(text.splitlines()):
        body = line.partition("#")[0].strip()
        mark = Mark(where, text, number, len(line) - len(line.lstrip()), max(1, len(body)))
        if not body or body[0] == ";":
            continue
        if body[0] == "[":
            sections.append(_head(body, mark, len(sections)))
            continue
        key, equals, value = (part.strip() for part in body.partition("="))
        if not sections or not equals or not key:
            raise wrong("neither a [section] nor key=value", mark)
        if not value:
            raise wrong(f"'{key[:60]}' has no value", mark)
        sections[-1].put(key, value, mark)
    return sections


def _head(body: str, mark: Mark, number: int) -> Options:
    found = re.fullmatch(r"\[\s*(\w+)\s*\]", body, re.ASCII)
    if not found:
        raise wrong("a section is one word in brackets", mark)
    if number > MOST_LAYERS:
        raise wrong(f"more than {MOST_LAYERS:,} layers", mark)
    kind = SHORT.get(found[1], found[1])
    if (kind == "net") != (number == 0):
        raise wrong("[net] is the first section" if number == 0 else "a second [net]", mark)
    if kind != "net" and kind not in _LAYERS:
        lacks = f": {UNKNOWN[kind]}" if kind in UNKNOWN else ""
        raise wrong(f"section [{kind[:60]}] can't be expressed{lacks}", mark, "" if lacks else nearest(kind, _LAYERS))
    return Options(kind if number == 0 else f"{kind}{number - 1}", mark)


class _Network:
    """Turns sections into steps. `values` holds what each layer gives, by its index."""

    def __init__(self, name: str, sections: list[Options], *, opaque: bool) -> None:
        self.opaque = opaque
        net, *self.sections = sections
        shape = [net.whole(key, least=1) for key in ("channels", "height", "width")]
        net.asked.add("inputs")
        net.finish(NET)
        self.flat = Declared(name, shape)
        self.flat.mark = net.mark
        self.values: list[str] = []
        self.heads: list[str] = []
        self.convs: dict[int, list[Step]] = {}  # a convolution's index -> the steps that learn its weights
        self.flow = INPUT

    def build(self) -> Declared:
        """Run all sections."""
        for section in self.sections:
            guarded(section.what, partial(self.run, section), mark=section.mark, hint="")
        self.flat.outputs = list(dict.fromkeys([*self.heads, *self.flat.ends()]))
        return self.flat

    def run(self, section: Options) -> None:
        """Run one section, whose value is what flows from here on."""
        self.flat.mark = section.mark
        self.flow = _LAYERS[section.what.rstrip("0123456789")](self, section)
        section.finish(ANY)
        self.values.append(self.flow)

    # ---- helpers ---------------------------------------------------------------------------------

    def image(self, section: Options) -> tuple[int, int, int]:
        """Return channels, height and width of what flows; raise SpecError where it is no image."""
        dims = self.flat.shapes[self.flow].dims
        if len(dims) != 3:
            raise wrong(f"{section.what} takes an image, but the layer before gives a vector", section.mark)
        return dims

    def activated(self, section: Options, value: str, default: str) -> str:
        """Return a value after the activation that the section names."""
        word = section.word("activation", default)
        if word == "linear":
            return value
        if word in ("ramp", "loggy"):
            return self.composed(value, word, f"{section.what}.{word}")
        if word not in ACTIVATIONS and self.opaque:
            return self.flat.hidden([value], f"{section.what}.{word}", f"Darknet's activation {word}")
        if word not in ACTIVATIONS:
            hint = nearest(word, ACTIVATIONS) or f"known: linear, ramp, loggy, {', '.join(ACTIVATIONS)}"
            raise wrong(
                f"{section.what}: activation '{word[:40]}' can't be expressed", section.place("activation"), hint
            )
        kind, fields = ACTIVATIONS[word]
        return self.flat.one(kind, [value], f"{section.what}.{word}", **fields)

    def composed(self, value: str, word: str, name: str) -> str:
        """Return an activation that is several steps: ramp, relu(x) + x / 10, and loggy, 2 / (1 + e^-x) - 1."""
        one = self.flat.one
        if word == "ramp":
            part = one("arithmetic", [value], f"{name}.part", op="multiply", by=0.1)
            return one("add", [one("relu", [value], f"{name}.relu"), part], name)
        double = one("arithmetic", [one("sigmoid", [value], f"{name}.sigmoid")], f"{name}.times2", op="multiply", by=2)
        return one("arithmetic", [double], name, op="subtract", by=1)

    def normed(self, section: Options, value: str) -> str:
        """Return a value after the batch normalization, if the section asks for one."""
        wanted = section.flag("batch_normalize") | section.flag("cbn")
        return self.flat.one("batch_norm", [value], f"{section.what}.batch_normalize") if wanted else value

    def strides(self, section: Options) -> tuple[int, int]:
        """Return the strides of height and width."""
        stride = section.whole("stride", 1, least=1)
        return section.whole("stride_y", stride, least=1), section.whole("stride_x", stride, least=1)

    def padding(self, section: Options, size: int) -> int:
        """Return a convolution's padding: half of its size where `pad` is not 0, else what `padding` says."""
        stated = section.whole("padding", 0)
        return size // 2 if section.whole("pad", 0) else stated

    def layers(self, section: Options, key: str) -> list[str]:
        """Return the values of the layers that a list of indices names; negative ones count back from here."""
        found, here = section.one(key), len(self.values)
        if found is None:
            raise wrong(f"{section.what} needs '{key}'", section.mark)
        values = []
        for part in found.value.rstrip(",").split(","):
            if not re.fullmatch(r"[-+]?[0-9]{1,6}", part.strip(), re.ASCII):
                raise wrong(f"{section.what}: '{part.strip()[:40]}' is no layer's number", found.mark)
            index = int(part) + here if int(part) < 0 else int(part)
            if not 0 <= index < here:
                raise wrong(f"{section.what}: there is no layer {part.strip()} before it", found.mark)
            values.append(self.values[index])
        return values

    def nought(self, section: Options, *keys: str) -> None:
        """Refuse keys of another value than 0."""
        for key in keys:
            section.only(key, ("0", "0.0"), "costcalc has no operator for it")

    # ---- layers, each returns what it gives ------------------------------------------------------

    def convolutional(self, section: Options) -> str:
        self.image(section)
        self.nought(section, *"sway rotate stretch stretch_sway coordconv antialiasing".split())
        size = section.whole("size", 1, least=1)
        dilation = section.whole("dilation", 1, least=1) if size > 1 else 1
        # Darknet's output has (n + 2 * padding - size) / stride + 1 pixels, whatever the dilation: what the dilated
        # kernel spans more is border. With `pad=1` and an odd size that is size // 2 * dilation on each side.
        border = 2 * self.padding(section, size) + (dilation - 1) * (size - 1)
        section.asked |= CONV
        out, groups = section.whole("filters", 1, least=1), section.whole("groups", 1, least=1)
        normed = section.flag("batch_normalize") or section.flag("cbn")
        fields = window_fields([size], self.strides(section), [halves(border)] * 2, [dilation])
        before = len(self.flat.steps)
        value = self.flat.one("conv", [self.flow], section.what, out=out, **fields, groups=groups, bias=not normed)
        if section.flag("xnor") | section.flag("binary"):
            self.flat.steps[-1].beside["bits"] = 1  # of each weight; what is computed is the same
        section.asked.add("bin_output")
        value = self.normed(section, value)
        self.convs[len(self.values)] = self.flat.steps[before:]
        self.shared(section)
        return self.activated(section, value, "logistic")

    def shared(self, section: Options) -> None:
        """Let a convolution, and its norm, use the weights of the one that `share_index` names."""
        found, here = section.one("share_index"), len(self.values)
        if found is None:
            return
        index = section.number("share_index", found, least=-here)
        owners, own = self.convs.get(index + here if index < 0 else index, []), self.convs[here]
        alike = [(step.kind, step.op.weights(step.x, step.y), step.y.c) for step in own]
        if owners is own or alike != [(step.kind, step.op.weights(step.x, step.y), step.y.c) for step in owners]:
            said = f"{section.what}: layer {index} before it is no convolution with the same weights"
            raise wrong(said, section.place("share_index"))
        for owner, step in zip(owners, own, strict=True):
            owner.share = step.share = owner.share or owner.name

    def deconvolutional(self, section: Options) -> str:
        self.image(section)
        size = section.whole("size", 1, least=1)
        out, stride = section.whole("filters", 1, least=1), section.whole("stride", 1, least=1)
        fields: dict[str, Datum] = {"kernel": size, "stride": stride, "padding": self.padding(section, size)}
        fields |= {"out": out, "bias": not section.flag("batch_normalize")}
        value = self.flat.one("conv_transpose", [self.flow], section.what, **fields)
        return self.activated(section, self.normed(section, value), "logistic")

    def local(self, section: Options) -> str:
        """A convolution whose weights are not shared between pixels: its numbers are stated."""
        c, *space = self.image(section)
        out, size = section.whole("filters", 1, least=1), section.whole("size", 1, least=1)
        stride, pad = section.whole("stride", 1, least=1), section.whole("pad", 0)
        h, w = ((n - (1 if pad else size)) // stride + 1 for n in space)
        if h < 1 or w < 1:
            raise wrong(f"{section.what}: a window of {size} does not fit", section.place("size"))
        macs = h * w * out * c * size * size
        note = f"locally connected {size}x{size}, weights of their own at each of {h}x{w} pixels"
        fields: dict[str, Datum] = {"shape": [out, h, w], "params": macs + h * w * out, "macs": macs, "note": note}
        return self.activated(section, self.flat.one("custom", [self.flow], section.what, **fields), "logistic")

    def connected(self, section: Options) -> str:
        value, out = self.flow, section.whole("output", 1, least=1)
        if self.flat.shapes[value].space:
            value = self.flat.one("flatten", [value], f"{section.what}.flatten")
        value = self.flat.one("fc", [value], section.what, out=out, bias=not section.flag("batch_normalize"))
        return self.activated(section, self.normed(section, value), "logistic")

    def maxpool(self, section: Options) -> str:
        self.nought(section, "maxpool_depth", "antialiasing", "maxpool_zero_nonmax")
        section.asked.add("out_channels")
        return self.pooled(section, "max_pool")

    def local_avgpool(self, section: Options) -> str:
        return self.pooled(section, "avg_pool", count_include_pad=False)

    def pooled(self, section: Options, kind: str, **more: Datum) -> str:
        """Pool windows: `padding` cells in all, size - 1 by default, of which the smaller half lies before."""
        c, *space = self.image(section)
        strides = self.strides(section)
        size = section.whole("size", section.whole("stride", 1, least=1), least=1)
        padding = section.whole("padding", size - 1)
        out = [(n + padding - size) // s + 1 for n, s in zip(space, strides, strict=True)]
        if min(out) < 1:
            raise wrong(f"{section.what}: a window of {size} does not fit", section.place("size"))
        pads = []
        for n, s, windows in zip(space, strides, out, strict=True):
            # What lies behind the last window changes nothing: it is left out, so that plain pools read plainly.
            pads.append((padding // 2, max(0, (windows - 1) * s + size - n - padding // 2)))
        fields = {"kernel": (size,) * 2, "stride": strides, "pads": pads, "dilation": (1, 1)}
        value = pool_over(self.flat.one, kind, self.flow, section.what, space, out, **fields, **more)
        self.flat.same(section.what, value, (c, *out))
        return value

    def avgpool(self, section: Options) -> str:
        self.image(section)
        return self.flat.one("adaptive_avg_pool", [self.flow], section.what, size=1)

    def route(self, section: Options) -> str:
        values = self.layers(section, "layers")
        half = section.what.startswith("route_lhalf")  # of some forks: the first half of each layer's channels
        groups, part = 2 if half else section.whole("groups", 1, least=1), 0 if half else section.whole("group_id", 0)
        if groups > 1:
            values = [self.part(section, value, groups, part) for value in values]
        return self.flat.one("concat", values, section.what) if len(values) > 1 else values[0]

    def part(self, section: Options, value: str, groups: int, part: int) -> str:
        """Return one of the groups of a value's channels."""
        c = self.flat.shapes[value].c
        if c % groups or part >= groups:
            raise wrong(f"{section.what}: {c} channels have no part {part} of {groups}", section.place("group_id"))
        c //= groups
        return self.flat.one("slice", [value], f"{section.what}.group_id", start=part * c, stop=(part + 1) * c)

    def shortcut(self, section: Options) -> str:
        section.only("weights_type", ("none",), "costcalc has no sum with learned factors")
        section.asked.add("weights_normalization")
        values = self.layers(section, "from")
        alike = all(self.flat.shapes[value] == self.flat.shapes[self.flow] for value in values)
        if len(values) == 1 and not alike:
            sum_ = self.common(section, values[0])
        else:
            sum_ = self.flat.one("add", [self.flow, *values], section.what, broadcast=alike)
        return self.activated(section, sum_, "linear")

    def common(self, section: Options, other: str) -> str:
        """Add what images of unequal shapes have in common, as Darknet does: the first channels, every n-th pixel."""
        c, h, w = self.image(section)
        c_other, *space = self.flat.shapes[other].dims
        step = space[-1] // w if len(space) == 2 else 0
        if step < 1 or space != [step * h, step * w]:
            return self.flat.one("add", [self.flow, other], section.what, broadcast=False)  # which refuses it
        if step > 1:
            other = self.flat.one("subsample", [other], f"{section.what}.stride", stride=step)
        if c_other > c:
            other = self.flat.one("slice", [other], f"{section.what}.from", stop=c)
        if c_other >= c:
            return self.flat.one("add", [self.flow, other], section.what)
        first, rest = self.flat.add("split", [self.flow], f"{section.what}.common", sizes=[c_other, c - c_other])
        sum_ = self.flat.one("add", [first, other], section.what)
        return self.flat.one("concat", [sum_, rest], f"{section.what}.whole")

    def gated(self, section: Options) -> str:
        """scale_channels and sam: another layer's output, multiplied by what flows."""
        section.asked.add("scale_wh")
        (value,) = self.layers(section, "from")[:1]
        gated = self.flat.one("multiply", [value, self.flow], section.what)
        self.flat.same(section.what, gated, self.flat.shapes[value].dims)
        return self.activated(section, gated, "linear")

    def upsample(self, section: Options) -> str:
        self.image(section)
        section.only("scale", ("1", "1.0", "1."), "the values would be multiplied")
        return self.flat.one("upsample", [self.flow], section.what, scale=section.whole("stride", 2, least=1))

    def reorg(self, section: Options) -> str:
        self.image(section)
        kind = "pixel_shuffle" if section.flag("reverse") else "space_to_depth"
        return self.flat.one(kind, [self.flow], section.what, scale=section.whole("stride", 1, least=1))

    def softmax(self, section: Options) -> str:
        section.only("groups", ("1",), "costcalc's softmax has no groups")
        section.only("tree", ("",), "costcalc has no softmax over a tree")
        section.asked |= {"temperature", "noloss"}
        value, spatial = self.flow, section.flag("spatial")
        if self.flat.shapes[value].pixels > 1 and not spatial:
            value = self.flat.one("flatten", [value], f"{section.what}.flatten")
        return self.flat.one("softmax", [value], section.what)

    def crop(self, section: Options) -> str:
        self.image(section)
        size = [section.whole(key, 1, least=1) for key in ("crop_height", "crop_width")]
        section.asked |= set("flip angle saturation exposure shift".split())
        value = self.flat.one("crop", [self.flow], section.what, size=alike(size))
        if section.flag("noadjust"):
            return value
        value = self.flat.one("arithmetic", [value], f"{section.what}.times2", op="multiply", by=2)
        return self.flat.one("arithmetic", [value], f"{section.what}.minus1", op="subtract", by=1)

    def dropout(self, section: Options) -> str:
        section.asked |= set("dropblock dropblock_size_rel dropblock_size_abs".split())
        return self.flat.one("dropout", [self.flow], section.what, p=section.real("probability", 0.5))

    def normalization(self, section: Options) -> str:
        section.asked |= {"alpha", "beta", "kappa"}
        return self.flat.one("lrn", [self.flow], section.what, size=section.whole("size", 5, least=1))

    def batchnorm(self, section: Options) -> str:
        return self.flat.one("batch_norm", [self.flow], section.what)

    def activation(self, section: Options) -> str:
        return self.activated(section, self.flow, "linear")

    def logistic(self, section: Options) -> str:
        return self.flat.one("sigmoid", [self.flow], section.what)

    def cost(self, section: Options) -> str:
        section.asked |= set("type scale ratio noobject_scale thresh".split())
        return self.flow

    def empty(self, section: Options) -> str:
        return self.flow

    def yolo(self, section: Options) -> str:
        """A head over anchors: its input has (classes + 5) channels an anchor (Gaussian: + 9)."""
        masks = section.word("mask").rstrip(",")
        anchors = len(masks.split(",")) if masks else section.whole("num", 1, least=1)
        more = 9 if "gaussian" in section.what else 5
        return self.head(section, anchors * (section.whole("classes", 20) + more))

    def region(self, section: Options) -> str:
        """YOLOv2's head: coordinates, objectness and classes of each anchor."""
        anchor = section.whole("coords", 4) + 1 + section.whole("classes", 20)
        return self.head(section, section.whole("num", 1, least=1) * anchor)

    def head(self, section: Options, channels: int) -> str:
        c, *_ = self.image(section)
        if c != channels:
            raise wrong(f"{section.what} takes {channels} channels, but the layer before gives {c}", section.mark)
        return self.ended(section)

    def detection(self, section: Options) -> str:
        """YOLOv1's head: side * side cells of classes and of num boxes with coords and a confidence."""
        box = (1 + section.whole("coords", 1)) * section.whole("num", 1, least=1)
        wanted = section.whole("side", 7, least=1) ** 2 * (section.whole("classes", 1) + box)
        size = self.flat.shapes[self.flow].size
        if size != wanted:
            raise wrong(f"{section.what} takes {wanted} numbers, but the layer before gives {size}", section.mark)
        return self.ended(section)

    def ended(self, section: Options) -> str:
        """Return an output that carries the head's name; its other keys tell how boxes are read and trained."""
        section.asked |= HEAD
        self.heads.append(self.flat.one("identity", [self.flow], section.what))
        return self.heads[-1]


_LAYERS: dict[str, Callable[[_Network, Options], str]] = {
    word: getattr(_Network, word)
    for word in "convolutional deconvolutional local connected maxpool local_avgpool avgpool route shortcut upsample "
    "reorg softmax crop dropout normalization batchnorm activation logistic cost empty yolo region detection".split()
} | {
    "route_lhalf": _Network.route,
    "scale_channels": _Network.gated, "sam": _Network.gated, "reorg3d": _Network.reorg, "gaussian_yolo": _Network.yolo,
}  # fmt: skip
