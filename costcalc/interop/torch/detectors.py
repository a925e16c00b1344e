"""torchvision's detectors up to their heads, over a stated number of regions.

How many regions a detector looks at, and on which map of its pyramid each lies, depends on what the image shows; all
else has a fixed cost. So while such a network is traced, the steps that choose among boxes are others: the likeliest
boxes, so many of them, all of them on the first map. What those steps leave out (thresholds, the suppression of boxes
that overlap) multiplies nothing. How many regions there are is a knob of the spec: the network is traced at two numbers
of them, and what differs is a multiple of theirs, or of the detections that they lead to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from costcalc.base.errors import Fault, SpecError, stop
from costcalc.base.hints import argument, said
from costcalc.base.optional import need

if TYPE_CHECKING:
    from costcalc.language.flat import Flat


@contextmanager
def steady(module: Any, regions: int) -> Iterator[None]:
    """Let a detector's steps that depend on the image be others, which do not, while it is traced."""
    replaced = [(part, name, make(part, regions)) for part in module.modules() for name, make in _steps(part).items()]
    inner = need("torchvision.models.detection.roi_heads", "torchvision") if replaced else None
    places = getattr(inner, "keypointrcnn_inference", None)
    try:
        for part, name, step in replaced:
            setattr(part, name, step)
        if inner is not None:
            inner.keypointrcnn_inference = lambda logits, _: ([logits], [logits])
        yield
    finally:
        for part, name, _ in replaced:
            part.__dict__.pop(name, None)
        if inner is not None:
            inner.keypointrcnn_inference = places


def regions_of(module: Any) -> int:
    """Return how many regions a detector looks at, at most; 0 of what looks at none."""
    most = (part._post_nms_top_n["testing"] for part in module.modules() if REGIONAL in _kinds(part))
    return int(next(most, 0))


def over_regions(read: Callable[[int], Flat], module: Any, regions: int) -> Flat:
    """Return a detector as it is read at so many regions, with a knob that says how many; read: reads it at others.

    Where what differs between two numbers of regions is no multiple of them, there is no knob, and the source says how
    many they are.
    """
    flat = read(regions)
    most = next((part.detections_per_img for part in module.modules() if "RoIHeads" in _kinds(part)), 0)
    # On the other side of the most detections, so that what they stop at shows; a prime, so that nothing else is it.
    other = next(n for n in (97, 13, 251, 1009) if (n < most) == (regions >= most) or not most)
    amounts = {"regions": [regions, other], f"min({most}, regions)": [min(most, regions), min(most, other)]}
    with suppress(SpecError, Fault):
        flat.others, flat.knobs, flat.amounts = [read(other)], {"regions": regions}, amounts
        flat.data()
        return flat
    flat.others, flat.knobs = [], {}
    flat.source += f"; {regions:,} regions"
    return flat


def _kinds(part: Any) -> set[str]:
    """Return the names of torchvision's classes that a module is of."""
    return {kind.__name__ for kind in type(part).__mro__ if kind.__module__.startswith("torchvision.")}


def _steps(part: Any) -> dict[str, Callable[..., Any]]:
    """Return the methods of a module that are others, each with what makes it."""
    return {name: make for kind in _kinds(part) for name, make in STEPS.get(kind, {}).items()}


# ---- the steps: each is made of the module that has it, and the number of regions -----------------------


def _proposals(_: Any, regions: int) -> Callable[..., Any]:
    """Make the network of proposals give so many: those of the largest objectness."""

    def filter_proposals(proposals: Any, objectness: Any, *__: Any) -> Any:
        scores = objectness.reshape(-1)
        if regions > len(scores):
            hint = said("give at most {}", argument(regions=len(scores)))
            raise stop(f"{regions:,} regions: there are {len(scores):,} anchors", hint=hint)
        found, places = scores.topk(regions)
        return [proposals.reshape(-1, 4)[places]], [found]

    return filter_proposals


def _detections(part: Any, regions: int) -> Callable[..., Any]:
    """Make the heads of regions give their most detections: those of the largest scores."""

    def postprocess_detections(logits: Any, offsets: Any, proposals: Any, *_: Any) -> Any:
        classes = logits.shape[-1]
        scores = logits.softmax(-1)[:, 1:].reshape(-1)
        boxes = part.box_coder.decode(offsets, proposals)[:, 1:].reshape(-1, 4)
        found, places = scores.topk(min(part.detections_per_img, regions))
        return [boxes[places]], [found], [places % (classes - 1) + 1]

    return postprocess_detections


def _pool(part: Any, _: int) -> Callable[..., Any]:
    """Make a pool of regions over a pyramid take all of them on its first map."""

    def forward(maps: Any, boxes: Any, sizes: Any) -> Any:
        roi_align = need("torchvision.ops", "torchvision").roi_align
        first = next(maps[name] for name in part.featmap_names if name in maps)
        scale = first.shape[-2] / max(size[0] for size in sizes)
        return roi_align(first, boxes, part.output_size, scale, part.sampling_ratio)

    return forward


def _heads(_: Any, __: int) -> Callable[..., Any]:
    """Make a detector without regions give what its heads give."""
    return lambda outputs, *_: [outputs]


def _as_it_is(_: Any, __: int) -> Callable[..., Any]:
    """Leave detections at the size at which the network has found them."""
    return lambda found, *_: found


REGIONAL = "RegionProposalNetwork"
STEPS: dict[str, dict[str, Callable[..., Any]]] = {
    REGIONAL: {"filter_proposals": _proposals},
    "RoIHeads": {"postprocess_detections": _detections},
    "MultiScaleRoIAlign": {"forward": _pool},
    "GeneralizedRCNNTransform": {"postprocess": _as_it_is},
    **{kind: {"postprocess_detections": _heads} for kind in ("RetinaNet", "FCOS", "SSD")},
}
