"""Every hidden channel times a factor, for a network without a knob for it."""

from __future__ import annotations

import math
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.costs.layer_patterns import EVERYTHING
from costcalc.language.flat import Step
from costcalc.numbers import num
from costcalc.numbers.shape import Shape, listed
from costcalc.transforms.network import EditableNetwork, Rewrite, flattened
from costcalc.transforms.transformation import Outcome, Transformation

ROUNDINGS = ("divisible", "nearest", "down", "up")

# Their numbers are stated for the channels that they were written for.
STATED = ("custom", "opaque", "weight_params", "broadcast_to")
CUTTERS, CUTS = ("slice", "split"), ("start", "stop", "sizes")
MOST = 1000  # times the channels


def scaled(network: Any, *, width: float, divisor: int = 8, rounding: str = "divisible") -> EditableNetwork:
    """Return a graph, or a spec at its own knobs, with `width` times the channels of every hidden layer.

    Hidden are all layers but those that give an output: classes stay, and so does the input. Depthwise convolutions
    follow their input; other groups stay as many. The new number is rounded to a multiple of `divisor`, and of the
    groups that such channels are split into anywhere: `divisible` as MobileNetV2 (nearest, never below 90 %),
    `nearest`, `down` or `up`. It is at least that multiple; but one channel stays one, and at width 1 nothing changes.

    Raises SpecError, which names the layer, where one forbids it.
    """
    old = network if isinstance(network, EditableNetwork) else flattened(network)
    return ScaleWidth(width, divisor=divisor, rounding=rounding).run(old).network


class ScaleWidth(Transformation):
    """Every hidden layer's channels times a factor: MobileNet's width multiplier, for any network.

    A text says the divisor and the rounding too: `0.5:4`, `0.5:1:down`.
    """

    word = "scale-width"
    says = "Hidden channels: 0.5, or 0.5:4 in fours."
    argument = "FACTOR"
    selects = False

    def __init__(self, width: str | float, *, divisor: int = 8, rounding: str = "divisible") -> None:
        if isinstance(width, str):
            width, *rest = width.split(":", 2)
            divisor = int(rest[0]) if rest and rest[0].isdecimal() and len(rest[0]) < 10 else 0 if rest else divisor
            rounding = rest[1] if rest[1:] else rounding
        self.width = _factor(width)
        if rounding not in ROUNDINGS:
            raise stop(f"there is no rounding '{rounding}'", hint=f"known: {', '.join(ROUNDINGS)}")
        if type(divisor) is not int or divisor < 1:
            raise stop("channels are made a multiple of a whole number from 1: 0.5:8")
        self.divisor = divisor
        self.rounding = rounding

    def run(self, network: EditableNetwork, selector: str = EVERYTHING) -> Outcome:
        if self.width == 1:
            return Outcome(network)
        kept = last_layers(network)
        hidden = [step for step in network.steps if "out" in step.fields and step.name not in kept]
        multiples = grouped(network)
        outs = {step.name: self.rounded(step.y.c, multiples.get(step.y.c, 1)) for step in hidden if not depthwise(step)}

        def act(rewrite: Rewrite, step: Step) -> str:
            fields: dict[str, Datum] = {"out": outs[step.name]} if step.name in outs else {}
            try:
                return rewrite.copy(step, **(fields | followed(rewrite, step)))
            except Fault as fault:
                raise stop(f"{self.word} {self.width:g}: {rewrite.old.path(step)}: {fault.message}") from None
            except SpecError as error:
                hint = f"channels are rounded to multiples of {self.divisor}: another divisor, or rounding, may fit"
                raise stop(f"{self.word} {self.width:g}: {error.problems[0].message}", hint=hint) from None

        outcome = Outcome(Rewrite(network).run({step.name: act for step in network.steps}))
        outcome.changed = [network.path(step) for step in hidden]
        self.kept(network, outcome.network)
        return outcome

    def kept(self, old: EditableNetwork, new: EditableNetwork) -> None:
        """Raise SpecError where an output would have another shape: channels that have become space."""
        for value, now in zip(old.outputs, new.outputs, strict=True):
            if old.shapes[value] != new.shapes[now]:
                change = f"from {old.shapes[value]} to {new.shapes[now]}"
                raise stop(f"{self.word} {self.width:g}: the output of '{value}' would change {change}")

    def rounded(self, channels: int, groups: int) -> int:
        """Return so many channels scaled, and rounded to a multiple of the divisor and of the groups.

        The divisor gives way where the two together are coarser than half of what is wanted.
        """
        if channels == 1:
            return 1
        number, by = channels * self.width, math.lcm(self.divisor, groups)
        by = groups if groups > 1 and 2 * by > number else by
        if self.rounding == "divisible":
            return int(num.divisible(number, by))
        turn = {"nearest": num.nearest, "down": num.floor, "up": num.ceil}[self.rounding]
        return max(by, int(turn(number / by)) * by)


def grouped(network: EditableNetwork) -> dict[int, int]:
    """Return for each number of channels that stands before or after something in groups what must divide it.

    Layers of equal channels stay equal so, and what joins them stays legal.
    """
    found: dict[int, int] = {}
    for step in network.steps:
        groups = step.fields.get("groups") or step.fields.get("parts") or 1
        if groups > 1 and not depthwise(step):
            entering = step.x[0] if isinstance(step.x, tuple) else step.x
            for channels in {entering.c, step.y.c} if "out" in step.fields else {entering.c}:
                found[channels] = math.lcm(found.get(channels, 1), groups)
    return found


def _factor(text: str | float) -> float:
    try:
        width = float(text)
    except ValueError:
        width = 0.0
    if not 0 < width < MOST:
        raise stop(f"a width is a number above 0 and below {MOST}, not '{text}'")
    return width


def depthwise(step: Step) -> bool:
    """Say whether a layer's channels are groups of their own, so that its output follows its input."""
    return step.fields.get("groups", 1) == step.x.c if "groups" in step.fields and "out" in step.fields else False


def last_layers(network: EditableNetwork) -> set[str]:
    """Return the names of the layers that set an output's channels, and of those that share weights with one."""
    values, found = list(network.outputs), set[str]()
    seen = set(values)
    while values:
        step = network.producer(values.pop())
        if step is None:
            continue
        if "out" in step.fields and not depthwise(step):
            found.add(step.name)
        else:
            values += [value for value in step.inputs if value not in seen]
            seen.update(step.inputs)
    shares = {step.share for step in network.steps if step.name in found and step.share}
    return found | {step.name for step in network.steps if step.share in shares}


def followed(rewrite: Rewrite, step: Step) -> dict[str, Datum]:
    """Return the fields of a step that stand for its input's channels, for those that it has now.

    Raises Fault where they are stated otherwise.
    """
    now = [rewrite.new.shapes[value] for value in rewrite.inputs(step)]
    before = [rewrite.old.shapes[value] for value in step.inputs]
    if now == before:
        return {}
    if step.kind in STATED:
        raise Fault(f"what it states holds for {listed(before)} only, not for {listed(now)}")
    if depthwise(step):
        return {"groups": now[0].c, "out": now[0].c * (step.y.c // step.x.c)}
    if step.kind == "reshape":
        return {"shape": _reshaped(step, now[0])}
    if step.fields.get("axis", 0) != 0:
        return {}
    cut = {name: step.fields[name] for name in CUTS if step.kind in CUTTERS and name in step.fields}
    return {name: _cut(step, numbers, now[0].c) for name, numbers in cut.items()}


def _cut(step: Step, numbers: Datum, channels: int) -> Datum:
    """Return places in the channels (start, stop, sizes) as the same shares of the new ones."""
    several = isinstance(numbers, list)
    places = [number * channels for number in (numbers if several else [numbers])]
    if any(place % step.x.c for place in places):
        raise Fault(f"cuts {step.x.c} channels at {numbers}, and {channels} can't be cut alike")
    found = [place // step.x.c for place in places]
    return found if several else found[0]


def _reshaped(step: Step, now: Shape) -> list[int]:
    """Return a reshape's numbers where its first stands for the channels and the others for the pixels."""
    first, *others = step.fields["shape"]
    if first in {-1, step.x.c} and -1 not in others and num.prod(others) == step.x.pixels == now.pixels:
        return [now.c, *others]
    numbers = ", ".join(str(number) for number in step.fields["shape"])
    raise Fault(f"reshapes {step.x} to [{numbers}], which does not scale")
