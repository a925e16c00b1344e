"""Whether a network costs what we count: it is built in PyTorch, run once, and compared row by row.

The two sides know nothing of each other. `measure` reads the built module's tensors and PyTorch's own counter
of operations, never an operator's rules or fields; `verify` puts what the rules say beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costcalc.base import Data, Datum
from costcalc.base.errors import first_line
from costcalc.base.optional import need
from costcalc.base.text import plural
from costcalc.base.torch_compat import in_steps, unsaved
from costcalc.costs.rows import Row, rows
from costcalc.graph.graph import Graph
from costcalc.graph.widths import widths
from costcalc.interop.torch.build import REFUSALS, build
from costcalc.numbers import num
from costcalc.numbers.shape import listed

QUANTITIES = ("output", "params", "buffers", "macs")
DEVICES = ("meta", "cpu")
BATCH = 2  # images that the network is run on: two, so that a batch is not mistaken for something else

AGREES, DIFFERS, STATED, UNKNOWN, REFUSED, IDLE = "agrees", "differs", "stated", "unknown", "refused", "not run"


class Observed:
    """What a module, or a whole network, was seen to do: shapes given, with the batch; numbers held; operations.

    Parameters and buffers count where they are met first; a multiplication with its addition is two operations.
    """

    __slots__ = ("buffers", "flops", "params", "shapes")

    def __init__(self, given: Any, params: int, buffers: int, flops: int) -> None:
        self.shapes = [tuple(tensor.shape) for tensor in (given if isinstance(given, tuple) else (given,))]
        self.params = params
        self.buffers = buffers
        self.flops = flops


class Measurement:
    """A run of a network: what each of its modules did, in order, and the whole; or why PyTorch stopped."""

    def __init__(self) -> None:
        self.parts: list[Observed] = []
        self.whole: Observed | None = None
        self.refusal = ""


def measure(network: Any, *images: Any) -> Measurement:
    """Run a built network once, and return what its modules gave, held and did.

    MACs are read off PyTorch's FlopCounterMode, which sees the calls that are made, not the modules.
    """
    torch = need("torch", "torch")
    counter = need("torch.utils.flop_counter", "torch").FlopCounterMode(display=False)
    found = Measurement()
    seen: set[int] = set()
    done = 0

    def note(module: Any, _: Any, given: Any) -> None:
        nonlocal done
        params, buffers = _held(module, seen)
        found.parts.append(Observed(given, params, buffers, counter.get_total_flops() - done))
        done = counter.get_total_flops()

    hooks = [module.register_forward_hook(note) for module in network.nodes]
    try:
        with torch.no_grad(), in_steps(torch), counter:
            given = network(*images)
        found.whole = Observed(given, *_held(network, set()), counter.get_total_flops())
    except REFUSALS as error:
        found.refusal = first_line(error)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _held(module: Any, seen: set[int]) -> tuple[int, int]:
    """Return how many learned, and how many stored, numbers a module holds that were not seen before."""
    return _elements(module.parameters(), seen), _elements(_stored(module), seen)


def _stored(module: Any) -> Iterable[Any]:
    """Return the buffers that are saved with a module; others are constants."""
    for part in module.modules():
        constants = unsaved(part)
        yield from (tensor for name, tensor in part.named_buffers(recurse=False) if name not in constants)


def _elements(tensors: Iterable[Any], seen: set[int]) -> int:
    """Return how many numbers the tensors hold that were not seen before."""
    new = {id(tensor): tensor for tensor in tensors if id(tensor) not in seen}
    seen.update(new)
    return sum(tensor.numel() for tensor in new.values())


class Check:
    """One row by both roads, or the whole network: numbers by quantity, those of one image.

    `theirs` is empty where PyTorch did not come so far. What is in `open` was not compared: it is stated
    by the spec, or unknown.
    """

    __slots__ = ("name", "open", "ours", "refusal", "theirs", "type")

    def __init__(self, name: str, type_: str, ours: dict[str, Datum], theirs: dict[str, Datum]) -> None:
        self.name = name
        self.type = type_
        self.ours = ours
        self.theirs = theirs
        self.open: tuple[str, ...] = ()
        self.refusal = ""

    @property
    def differing(self) -> list[str]:
        """The quantities in which the two roads differ."""
        return [q for q in self.theirs if q not in self.open and self.ours[q] != self.theirs[q]]

    @property
    def verdict(self) -> str:
        """What is to be said of the row, in a word."""
        if self.refusal:
            return REFUSED
        if not self.theirs:
            return IDLE
        if self.differing:
            return DIFFERS
        if any(unknown(value) for value in self.ours.values()):
            return UNKNOWN
        return STATED if self.open else AGREES

    def to_dict(self) -> Data:
        """Return both roads' numbers as plain data."""
        record: dict[str, Datum] = {"row": self.name, "type": self.type, "verdict": self.verdict}
        for quantity in QUANTITIES:
            record[quantity] = said(self.ours[quantity])
            record[f"torch_{quantity}"] = self.theirs.get(quantity)
        return record | {"refusal": self.refusal or None}


class Verification:
    """A network by both roads: a check for each row, and one of the whole (none where PyTorch stopped)."""

    def __init__(self, checks: list[Check], whole: Check) -> None:
        self.checks = checks
        self.whole = whole

    @property
    def differing(self) -> list[Check]:
        """The checks that fail, the whole network's last."""
        return [check for check in (*self.checks, self.whole) if check.verdict in (DIFFERS, REFUSED)]

    @property
    def agrees(self) -> bool:
        """Whether the network ran and nothing that can be compared differs."""
        return not self.differing

    def count(self, verdict: str) -> int:
        """Return how many rows have a verdict."""
        return sum(check.verdict == verdict for check in self.checks)


def verify(graph: Graph, device: str = "meta") -> Verification:
    """Build a network, run it once, and compare shapes, parameters, buffers and MACs, by row and in total.

    device: `meta` computes nothing and takes no memory, `cpu` really computes. Rows whose numbers the spec
    states (custom) or that are unknown are checked for their shapes only. Raises SpecError where torch is
    missing, or an operator has no twin that PyTorch takes.
    """
    torch = need("torch", "torch")
    counted = rows(graph)
    with torch.device(device):
        network = build(graph).eval()
        indices = widths(graph)
        images = [
            (torch.zeros if tensor in indices else torch.rand)(BATCH, *graph.input_shapes[name].dims)
            for name, tensor in graph.inputs.items()
        ]
        found = measure(network, *images)
    parts: list[Observed | None] = [*found.parts, *[None] * (len(counted) - len(found.parts))]
    checks = [_check(row, part) for row, part in zip(counted, parts, strict=True)]
    whole = _whole(graph, checks, found)
    if found.refusal:
        (checks[len(found.parts)] if len(found.parts) < len(checks) else whole).refusal = found.refusal
    return Verification(checks, whole)


def _check(row: Row, part: Observed | None) -> Check:
    ours = {
        "output": listed(row.node.y, " "),
        "params": row.learnable,
        "buffers": row.buffers,
        "macs": row.macs,
    }
    check = Check(row.name, row.type, ours, _numbers(part) if part else {})
    check.open = tuple(q for q in QUANTITIES[1:] if not row.node.op.derived or unknown(ours[q]))
    return check


def _whole(graph: Graph, checks: list[Check], found: Measurement) -> Check:
    """Return the check of the totals, each over the rows of which it was compared."""
    ours: dict[str, Datum] = {"output": listed([tensor.shape for tensor in graph.outputs], " ")}
    theirs = _numbers(found.whole) if found.whole else {}
    for quantity in QUANTITIES[1:]:
        ours[quantity] = sum(check.ours[quantity] for check in checks if quantity not in check.open)
        if theirs:
            theirs[quantity] -= sum(check.theirs[quantity] for check in checks if quantity in check.open)
    left = sum(bool(check.open) for check in checks)
    name = f"total, {plural(left, 'row')} left out" if left else "total"
    return Check(name, "", ours, theirs)


def _numbers(part: Observed) -> dict[str, Datum]:
    """Return what was measured as the quantities of one image."""
    macs, rest = divmod(part.flops, 2 * BATCH)
    return {
        "output": " ".join(_dims(shape) for shape in part.shapes),
        "params": part.params,
        "buffers": part.buffers,
        "macs": part.flops / (2 * BATCH) if rest else macs,
    }


def _dims(shape: tuple[int, ...]) -> str:
    """Return a shape without the batch; one that does not begin with the batch as it is."""
    if shape[:1] != (BATCH,):
        return f"{list(shape)}, not {BATCH} images"
    return "x".join(str(n) for n in shape[1:])


def unknown(value: Datum) -> bool:
    """Say whether a number is one that nobody knows (of a layer that costcalc can't express)."""
    return value is num.UNKNOWN


def said(value: Datum) -> Any:
    """Return a number as plain data: a word where it is unknown."""
    return UNKNOWN if unknown(value) else value
