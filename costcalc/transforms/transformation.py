"""What a transformation is, which steps a selector means, and how a change is carried out."""

from __future__ import annotations

from typing import ClassVar

from costcalc.base import Datum, grouped
from costcalc.base.errors import nearest, stop
from costcalc.costs.layer_patterns import EVERYTHING, means
from costcalc.language.flat import Step
from costcalc.transforms.network import Action, EditableNetwork, Rewrite


class Outcome:
    """What a transformation did: the new network, the paths it changed, those it left and why, words on layers."""

    def __init__(self, network: EditableNetwork) -> None:
        self.network = network
        self.changed: list[str] = []
        self.skipped: dict[str, str] = {}  # path -> the reason
        self.notes: dict[str, str] = {}  # layer of the first network -> what is to be said of it


class Transformation:
    """One way to change a network. A subclass says what it can change, and into what."""

    word: ClassVar[str] = ""  # as the command line spells it
    says: ClassVar[str] = ""  # its help: one line
    argument: ClassVar[str] = ""  # what it takes before the selector
    selects: ClassVar[bool] = True  # whether it takes a selector
    kinds: ClassVar[tuple[str, ...]] = ()  # what it changes
    things: ClassVar[str] = "convolution"  # what that is called

    def candidates(self, network: EditableNetwork, selected: list[Step]) -> list[Step]:
        """Return the steps among those selected that may be changed."""
        return [step for step in selected if step.kind in self.kinds]

    def refuses(self, network: EditableNetwork, step: Step) -> str:
        """Return why a candidate can't be changed, or an empty text."""
        return self.unfit(step)

    def unfit(self, step: Step) -> str:
        """Return why a step can't be changed whatever stands around it, or an empty text."""
        return ""

    def plan(self, network: EditableNetwork, step: Step) -> dict[str, Action]:
        """Return what is to be done, by the names of the steps to which it is done."""
        return {step.name: self.act}

    def act(self, rewrite: Rewrite, step: Step) -> str:
        """Put something else in the place of a step, and return the value that it gives."""
        raise NotImplementedError

    def note(self, step: Step) -> str:
        """Return what is to be said of a step that is changed."""
        return ""

    def run(self, network: EditableNetwork, selector: str = EVERYTHING) -> Outcome:
        """Return the network with everything changed that the selector means and that can be changed.

        Raises SpecError where the selector means nothing, or nothing that it means can be changed.
        """
        found = self.candidates(network, select(network, selector))
        if not found:
            raise stop(f"{self.word}: there is no {self.things} in '{selector}'", hint=_types(network, selector))
        refused = {step.name: self.refuses(network, step) for step in found}
        taken = [step for step in found if not refused[step.name]]
        taken = _whole(network, taken, refused)
        reasons = {network.path(step): refused[step.name] for step in found if refused[step.name]}
        if not taken:
            raise stop(f"{self.word}: nothing in '{selector}' can be changed: {told(reasons)[0]}")
        actions: dict[str, Action] = {}
        for step in taken:
            actions |= self.plan(network, step)
        outcome = Outcome(Rewrite(network).run(actions))
        outcome.changed = [network.path(step) for step in taken]
        outcome.skipped = reasons
        notes = {network.origins[step.name]: self.note(step) for step in taken}
        outcome.notes = {layer: note for layer, note in notes.items() if note}
        return outcome


def _whole(network: EditableNetwork, taken: list[Step], refused: dict[str, str]) -> list[Step]:
    """Return the steps without those that share weights with one that stays as it is."""
    names = {step.name for step in taken}
    kept = []
    for step in taken:
        others = [one for one in network.steps if step.share and one.share == step.share and one.kind == step.kind]
        stays = next((one for one in others if one.name not in names), None)
        if stays is None:
            kept.append(step)
        else:
            refused[step.name] = f"shares its weights with {network.path(stays)}, which stays as it is"
    return kept


def select(network: EditableNetwork, selector: str) -> list[Step]:
    """Return the steps that a selector means: a layer type as reports print it, a path, a group's path, or a pattern.

    Raises SpecError, which names the nearest, where there is none.
    """
    if selector == EVERYTHING:
        return list(network.steps)
    found = [step for step in network.steps if means(selector, network.path(step), network.type(step))]
    if not found:
        raise stop(f"'{selector}' is no layer, group or layer type of {network.name}", hint=_types(network, selector))
    return found


def _types(network: EditableNetwork, selector: str) -> str:
    """Return a hint: the nearest path or type, else the types that there are."""
    types = dict.fromkeys(network.type(step) for step in network.steps)
    groups = {path.rsplit("/", k)[0] for path in network.paths.values() for k in range(path.count("/") + 1)}
    named = selector in groups or selector in types or selector == EVERYTHING
    near = "" if named else nearest(selector, (*types, *groups))
    return near or f"its layer types: {', '.join(types)}"


def told(reasons: dict[str, str]) -> list[str]:
    """Return reasons in words, each once: what is the matter, and with which layers."""
    groups = grouped((reason, path) for path, reason in reasons.items())
    return [f"{_listed(paths)}: {reason}" for reason, paths in groups.items()]


def _listed(paths: list[str]) -> str:
    return ", ".join(paths) if len(paths) < 4 else f"{paths[0]} and {len(paths) - 1} more layers"


class Window:
    """A convolution's numbers, which transformations ask for: channels, groups, kernel and what goes with it."""

    def __init__(self, step: Step) -> None:
        op = step.op
        self.c_in: int = step.x.c
        self.out: int = step.y.c
        self.kernel: tuple[int, ...] = op.kernel
        self.stride: tuple[int, ...] = op.stride
        self.dilation: tuple[int, ...] = op.dilation
        self.padding: Datum = op.padding  # "same", or (before, after) for each axis
        self.depthwise = "groups" not in step.fields and "out" not in step.fields
        self.groups: int = self.c_in if self.depthwise else op.groups
        self.bias = {"bias": False} if not op.bias else {}


def share_or_rank(text: str | float, what: str) -> float:
    """Return a rank: a whole number from 1, or a share between 0 and 1; raise SpecError for anything else."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if number >= 1 and number.is_integer():
        return int(number)
    if 0 < number < 1:
        return number
    raise stop(f"{what}: '{text}' is neither a whole number from 1 nor a share between 0 and 1")
