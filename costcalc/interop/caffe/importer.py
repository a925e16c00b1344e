"""Caffe's network definitions (`.prototxt`) -> a spec.

The meaning of layers and fields is that of https://github.com/BVLC/caffe (caffe.proto), with layers that
SSD, DeepLab and ShuffleNet added. The network is the one of the phase TEST: layers of another phase, and
those that compute losses and accuracies, are left out, and fillers, learning rates and engines are without effect.
"""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import Mark
from costcalc.interop.caffe.file import DATA, CaffeLayer, included, sources
from costcalc.interop.caffe.layers import CaffeNetwork
from costcalc.interop.caffe.prototxt import parse
from costcalc.interop.guard import guarded
from costcalc.interop.options import MOST_LAYERS, Declared, wrong

NET = frozenset(("force_backward", "debug_info", "state", "phase"))


def read(
    text: str,
    name: str = "",
    where: str = "network.prototxt",
    shape: Sequence[int] | None = None,
    *,
    opaque: bool = False,
) -> Declared:
    """Return the network of a `.prototxt`'s text, in the phase TEST.

    name: what the spec is called, by default the network's own name. where: the file's name, for messages.
    shape: the input's (channels, *space), where the file does not say it, or another. opaque: make a layer that can't
    be read, but gives what its first blob is like, a row of unknown cost.

    Raises SpecError with file, line and column for broken files, unknown layers and fields, and for what costcalc
    can't express.
    """
    return guarded(where, lambda: _read(text, name, where, shape, opaque=opaque), mark=Mark(where), hint="")


def _read(text: str, name: str, where: str, shape: Sequence[int] | None, *, opaque: bool) -> Declared:
    net = parse(text, where)
    groups = [*net.groups("layer"), *net.groups("layers")]
    if not groups:
        raise wrong("there is no layer", net.mark, "is this a network definition?")
    if len(groups) > MOST_LAYERS:
        raise wrong(f"more than {MOST_LAYERS:,} layers", groups[MOST_LAYERS].mark)
    layers = [layer for layer in map(CaffeLayer, groups) if included(layer)]
    inputs = sources(net, layers, shape)
    flat = Declared(name or net.word("name") or "caffe", next(iter(inputs.values())))
    network = CaffeNetwork(flat, inputs, net.mark, opaque=opaque)
    net.asked.add("name")
    net.finish(NET)
    return network.build(layer for layer in layers if layer.type not in DATA)
