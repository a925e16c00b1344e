"""What the commands over several networks share: `mobilenet_v1@width=0.5`, and knobs given for all of them."""

from __future__ import annotations

import click

from costcalc.asked import without_options
from costcalc.base import Data, InputShape
from costcalc.base.arguments import above
from costcalc.base.errors import stop
from costcalc.cli import common
from costcalc.comparisons.networks import Network, Reference, counted, cut, shape_said
from costcalc.language import zoo


def networks(ctx: click.Context, words: tuple[str, ...], options: Data) -> list[Network]:
    """Return the networks counted; a knob of the command line is for all, and gives way to a network's own."""
    shape = common.input_shape(options["input_"])
    shared = common.given(ctx, options["pairs"])
    references = [cut(text) for text in words]
    variant = ctx.meta.get(common.VARIANT)
    names = [one.name if not variant or zoo.says_variant(one.name) else f"{one.name}@{variant}" for one in references]
    specs = [common.loaded(name, one.shape or shape, one.texts) for name, one in zip(names, references, strict=True)]
    own = [shape_said(one, spec) for one, spec in zip(references, specs, strict=True)]
    refuse_idle(references, own, shared, shape, variant)
    found = []
    for one, name, its, spec in zip(references, names, own, specs, strict=True):
        reference = one._replace(name=name, shape=above(its, shape))
        texts = without_options(shared, spec, specs)
        knobs = {knob: common.knob_value(ctx, spec, knob, value) for knob, value in texts.items()}
        common.tell_channels(spec, knobs, reference.shape)
        found.append(counted(reference, spec, options["convention"], options.get("batch", 1), knobs))
    return found


def refuse_idle(
    references: list[Reference],
    own: list[InputShape | None],
    shared: dict[str, str],
    shape: InputShape | None,
    variant: str | None,
) -> None:
    """Refuse what is given for all networks where each says its own: it would change nothing."""
    idle = [f"--{knob}" for knob in shared if all(knob in one.texts for one in references)]
    idle += ["--input"] if shape and all(above(one, shape) == one for one in own) else []
    idle += ["--variant"] if variant and all(zoo.says_variant(one.name) for one in references) else []
    if idle and references:
        said = "the network says its own" if len(references) == 1 else "each network says its own"
        raise stop(f"{idle[0]} changes nothing: {said}", hint="leave one of them out")
