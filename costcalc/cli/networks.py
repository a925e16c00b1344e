"""What the commands over several networks share: `mobilenet_v1@width=0.5`, and knobs given for all of them."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli import common
from costcalc.comparisons.networks import Network, counted, cut


def networks(ctx: click.Context, words: tuple[str, ...], options: dict[str, Any]) -> list[Network]:
    """Return the networks counted; a knob of the command line is for all, and gives way to a network's own."""
    shape = common.input_shape(options["input_"])
    shared = common.given(ctx, options["pairs"])
    found = []
    for text in words:
        reference = cut(text)
        reference = reference._replace(shape=reference.shape or shape)
        spec = common.loaded(reference.name, reference.shape)
        knobs = {knob: common.knob_value(ctx, spec, knob, value) for knob, value in shared.items()}
        common.tell_channels(spec, knobs, reference.shape)
        found.append(counted(reference, spec, options["convention"], options.get("batch", 1), knobs))
    return found
