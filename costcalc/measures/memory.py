"""Activation memory: what is alive while each row runs, and where the most is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache, reduce

from costcalc.base import Data
from costcalc.base.errors import stop
from costcalc.base.hints import option, said
from costcalc.graph.graph import Graph
from costcalc.measures._order import BEAM, best
from costcalc.measures._patches import Patched, patched
from costcalc.measures._storage import Moment, Storages, moments, storages
from costcalc.measures.metric import Setup
from costcalc.measures.sizes import InBytes, activation_bits
from costcalc.numbers import num
from costcalc.numbers.num import Dim, or_none


class Schedule:
    """A graph's rows in an order, with what is alive while each runs."""

    def __init__(self, found: Storages, order: Sequence[int], *, exact: bool = False) -> None:
        self.found = found
        self.order = order
        self.exact = exact  # whether no order has a smaller peak for certain
        self.moments = moments(found, order)

    @cached_property
    def bytes(self) -> list[Dim]:
        """The bytes that are alive while each row runs, in the graph's order."""
        made: list[Dim] = [0] * len(self.order)
        for index, moment in zip(self.order, self.moments, strict=True):
            made[index] = moment.total(self.found.sizes)
        return made

    @property
    def peak(self) -> Moment:
        """The first moment at which the most is alive."""
        return max(self.moments, key=lambda moment: moment.total(self.found.sizes))

    def alive(self, moment: Moment) -> list[tuple[str, str, Dim]]:
        """Return the tensors that are alive then: what wrote each, its shape and bytes, the largest first."""
        found = self.found
        made = [(name(found, place), str(found.shapes[place]), found.sizes[place]) for place in moment.alive]
        return sorted(made, key=lambda one: -one[2])


def name(found: Storages, place: int) -> str:
    """Return what a storage is called: the row that wrote it, or the input that it is."""
    maker = found.makers[place]
    return [*found.graph.inputs][place] if maker is None else maker.name  # they are the first


@lru_cache(maxsize=8)
def scheduled(graph: Graph, setup: Setup) -> Schedule:
    """Return a graph's rows in the order that the setup asks for."""
    found = storages(graph, setup)
    if setup.order == "best":
        if setup.mode == "eager":
            raise stop(
                "PyTorch runs a network in the order of its code",
                hint=said("{} is for the other modes", option(order="best")),
            )
        order, exact = best(found)
        return Schedule(found, order, exact=exact)
    return Schedule(found, range(len(found.steps)))


@lru_cache(maxsize=8)
def in_patches(graph: Graph, setup: Setup) -> Patched | None:
    """Return a network whose first rows run in patches; None where none are asked for, or none can."""
    if not setup.patches:
        return None
    if setup.order == "best" or setup.mode == "eager":
        raise stop(
            "patches are for the listed order, and not for PyTorch",
            hint=said("leave {} and {} out", option(order="best"), option(mode="eager")),
        )
    schedule = scheduled(graph, setup)
    return patched(schedule.found, schedule.moments, setup.patches)


class PeakMemory(InBytes, name="peak_memory"):
    """Bytes of activations that are alive at once: a row's operands, its result, and what waits for later rows."""

    title = "peak memory"
    source = "docs/memory.md; MCUNetV2 prints 1372 kB of MobileNetV2, which mode mcu gives"
    uses = ("mode", "order", "patches", "bits", "batch")

    def says(self, setup: Setup) -> str:
        patches = f", {setup.patches}x{setup.patches} patches" if setup.patches else ""
        return f"{setup.mode}, {setup.order} order{patches}, {super().says(setup)}"

    def vectorises(self, setup: Setup) -> bool:
        return bool(setup.order == "listed" and not setup.patches)

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        made = in_patches(graph, setup)
        return made.bytes if made else scheduled(graph, setup).bytes

    def fold(self, values: Sequence[Dim]) -> Dim:
        """Return the most at once."""
        return reduce(num.maximum, values) if values else None

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        if not graph.nodes:
            return []
        if setup.patches:
            return self.of_patches(graph, setup)
        schedule = scheduled(graph, setup)
        moment = schedule.peak
        node, total = moment.step.node, moment.total(schedule.found.sizes)
        said = [f"at {node.name} ({node.op.type(node.x)}): {total / 1024:,.1f} KiB"]
        said += [f"  {who} {shape}: {size:,}" for who, shape, size in schedule.alive(moment)]
        if moment.beside:
            said.append(f"  beside them: {moment.beside:,}")
        if moment.over is not None:
            said.append(f"  {node.name} writes over {name(schedule.found, moment.over)}")
        if setup.order == "best":
            listed = self.total(graph, setup.but(order="listed"))
            sure = "no order has less" if schedule.exact else f"a beam of {BEAM} found no order with less"
            said.append(f"{sure}; the listed order has {listed:,}")
        return said

    def of_patches(self, graph: Graph, setup: Setup) -> list[str]:
        """Return what is to be said of a network that runs in patches."""
        made, whole = in_patches(graph, setup), max(scheduled(graph, setup).bytes)
        if made is None:
            return ["its first rows can't run in patches"]
        at = graph.nodes[made.bytes.index(max(made.bytes))]
        return [
            f"at {at.name} ({at.op.type(at.x)}): {max(made.bytes) / 1024:,.1f} KiB; without patches {whole:,}",
            f"in patches run {made.rows} rows, up to {graph.nodes[made.rows - 1].name}",
            f"halos add {_share(made.more)} MACs; the image itself is not counted beyond a patch",
        ]

    def details(self, graph: Graph, setup: Setup) -> Data:
        if not graph.nodes:
            return {}
        if setup.patches:
            cut = in_patches(graph, setup)
            rows, more = (cut.rows, cut.more) if cut else (0, 0)
            return {
                "in_patches": [node.name for node in graph.nodes[:rows]],
                "more_macs": None if more is None else float(more),
            }
        schedule = scheduled(graph, setup)
        moment = schedule.peak
        found = [{"name": who, "shape": shape, "bytes": size} for who, shape, size in schedule.alive(moment)]
        beside, bits = or_none(moment.beside), activation_bits(setup)
        made = {"at": moment.step.node.name, "alive": found, "beside": beside, "bits": bits}
        if setup.order == "best":
            made |= {"exact": schedule.exact, "order": [graph.nodes[index].name for index in schedule.order]}
        return made


def _share(part: Dim) -> str:
    return "unknown" if part is None else f"{float(100 * part):.1f} %"
