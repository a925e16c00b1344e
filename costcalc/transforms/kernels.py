"""Convolutions in other forms: depthwise separable, smaller kernels one after another, groups and a shuffle.

What follows the convolution, its norm and its activation, stands between the parts too.
"""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.language.flat import Step, window_fields
from costcalc.operators.fields import counted_axes
from costcalc.transforms.network import Action, EditableNetwork, Rewrite
from costcalc.transforms.transformation import Transformation, Window

Pads = Datum  # "same", or (before, after) for each axis


class DepthwiseSeparable(Transformation):
    """K x K over all channels -> K x K for each channel, then 1 x 1 over all (Howard et al. 2017, section 3.1).

    Weights and MACs: C_i * K_h * K_w + C_i * C_o instead of C_i * C_o * K_h * K_w, that is 1 / C_o + 1 / (K_h * K_w)
    of them.
    """

    word = "depthwise-separable"
    says = "Convolutions -> depthwise, then 1x1."
    kinds = ("conv", "dwconv")

    def unfit(self, step: Step) -> str:
        window = Window(step)
        if window.groups > 1:
            return "it has groups already"
        return "its kernel is 1x1 already" if set(window.kernel) == {1} else ""

    def act(self, rewrite: Rewrite, step: Step) -> str:
        fields = {name: value for name, value in step.fields.items() if name != "out"}
        value = rewrite.add(step, "depthwise", "dwconv", *rewrite.inputs(step), **fields)
        value = rewrite.follow(step, "depthwise", value)
        return rewrite.add(step, "pointwise", "conv", value, out=step.y.c, kernel=1, **Window(step).bias)


class Stack(Transformation):
    """K x K -> (K - 1) / 2 of 3 x 3: two see 5 x 5, three see 7 x 7 (Simonyan and Zisserman 2014, section 2.3).

    The first one changes the channels, and has the stride; with a stride the stack therefore sees more than K x K.
    """

    word = "stack-3x3"
    says = "5x5, 7x7, ... -> two, three, ... of 3x3."
    kinds = ("conv", "dwconv")

    def unfit(self, step: Step) -> str:
        window = Window(step)
        size = window.kernel[0]
        if len(set(window.kernel)) > 1:
            return "its kernel is not square"
        if size < 5 or size % 2 == 0:
            return f"its kernel is {size}x{size}: stacks stand for 5x5, 7x7, ..."
        half = tuple((d * (size // 2),) * 2 for d in window.dilation)
        if set(window.stride) != {1} and window.padding not in ("same", half):
            return "it has a stride, and not padding half: the stack's output would be smaller"
        return ""

    def act(self, rewrite: Rewrite, step: Step) -> str:
        window = Window(step)
        count = window.kernel[0] // 2
        value = rewrite.inputs(step)[0]
        for k in range(count):
            label = f"conv{k + 1}"
            pads = window.padding if window.padding == "same" else _part(window.padding, k, count)
            numbers = {"kernel": [3], "stride": window.stride if k == 0 else [1], "dilation": window.dilation}
            value = _like(rewrite, step, label, value, pads=pads, **numbers)
            if k < count - 1:
                value = rewrite.follow(step, label, value)
        return value


class Factorize(Transformation):
    """K_h x K_w -> 1 x K_w, then K_h x 1 (Szegedy et al. 2015, arXiv:1512.00567, section 3.2).

    The first one changes the channels; each has the stride, padding and dilation of its own axis.
    """

    word = "factorize"
    says = "k x k -> 1 x k, then k x 1."
    kinds = ("conv", "dwconv")

    def unfit(self, step: Step) -> str:
        return not_two_axes(Window(step))

    def act(self, rewrite: Rewrite, step: Step) -> str:
        high, wide = axis_parts(step)
        value = _like(rewrite, step, "horizontal", *rewrite.inputs(step), **wide)
        value = rewrite.follow(step, "horizontal", value)
        return _like(rewrite, step, "vertical", value, **high)


class GroupShuffle(Transformation):
    """1 x 1 over all channels -> 1 x 1 in G groups, and then the channels dealt out anew (arXiv:1707.01083).

    Weights and MACs are divided by G. The shuffle stands after the convolution's norm and activation.
    """

    word = "group-shuffle"
    says = "1x1 -> in groups, then a channel shuffle."
    argument = "GROUPS"
    kinds = ("conv", "dwconv")

    def __init__(self, groups: str | int) -> None:
        text = str(groups)
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 1):
            raise stop(f"{self.word}: '{text}' is no number of groups: a whole number from 2")
        self.groups = int(text)

    def unfit(self, step: Step) -> str:
        window = Window(step)
        if set(window.kernel) != {1}:
            return "its kernel is not 1x1"
        if window.groups > 1:
            return "it has groups already"
        for channels, what in ((window.c_in, "input"), (window.out, "output")):
            if channels % self.groups:
                return f"its {channels} {what} channels can't be split into {self.groups} groups"
        return ""

    def plan(self, network: EditableNetwork, step: Step) -> dict[str, Action]:
        followers = network.followers(step)
        grouped: dict[str, Action] = {step.name: self.grouped}
        return grouped | {(followers or [step])[-1].name: self.shuffled if followers else self.both}

    def grouped(self, rewrite: Rewrite, step: Step) -> str:
        return rewrite.copy(step, groups=self.groups)

    def shuffled(self, rewrite: Rewrite, step: Step) -> str:
        return rewrite.add(step, "shuffle", "channel_shuffle", rewrite.copy(step), groups=self.groups)

    def both(self, rewrite: Rewrite, step: Step) -> str:
        return rewrite.add(step, "shuffle", "channel_shuffle", self.grouped(rewrite, step), groups=self.groups)


def not_two_axes(window: Window) -> str:
    """Return why a kernel can't be split into one along the height and one along the width."""
    if len(window.kernel) != 2:
        return f"it has {counted_axes([len(window.kernel)])}"
    return f"its kernel is {'x'.join(map(str, window.kernel))} already" if 1 in window.kernel else ""


def axis_parts(step: Step) -> tuple[dict[str, Datum], dict[str, Datum]]:
    """Return the fields of a convolution's part along the height and of that along the width."""
    window = Window(step)
    parts = []
    for axis in (0, 1):
        one = [1, 1]
        numbers = {"kernel": list(one), "stride": list(one), "dilation": list(one)}
        for name, values in numbers.items():
            values[axis] = getattr(window, name)[axis]
        pads: Pads = window.padding
        if pads != "same":
            pads = tuple(pair if axis == k else (0, 0) for k, pair in enumerate(pads))
        parts.append({**numbers, "pads": pads})
    return parts[0], parts[1]


def _part(pads: Pads, k: int, count: int) -> Pads:
    """Return the padding of the k-th of so many convolutions which pad as much as one: the first ones the most."""
    return tuple((_share(before, k, count), _share(after, k, count)) for before, after in pads)


def _share(whole: int, k: int, count: int) -> int:
    return whole // count + (1 if k < whole % count else 0)


def _like(rewrite: Rewrite, step: Step, label: str, value: str, **window: Datum) -> str:
    """Add a convolution as the old one, with another window; one fed by the old one's input changes the channels."""
    old = Window(step)
    fields = window_fields(**window) | old.bias
    if not old.depthwise:
        fields["out"] = old.out
        fields["groups"] = old.groups
    elif "multiplier" in step.fields and value in rewrite.inputs(step):
        fields["multiplier"] = step.fields["multiplier"]
    return rewrite.add(step, label, step.kind, value, **fields)
