"""Hugging Face's config.json -> the spec of its model type, with the file's sizes as the values of its knobs.

A config says a model type and sizes, and no graph. What the layers are stands in specs of ours, a file a family, in
`families`: their knobs are called as the config's keys, and have the values that transformers takes for a key that is
left out. So reading is: each key is a knob, or is known to change no cost, or is refused.
"""

from __future__ import annotations

from costcalc.interop.format import Format, Model, ReadOptions

FORMAT = Format(
    name="huggingface",
    what="a Hugging Face config",
    suffixes=(".json",),
    told_by="JSON with a `model_type`",
    is_it=lambda head: head.text.lstrip().startswith("{") and '"model_type"' in head.text,
    options=("head",),
    lacks="model types that are not in its table",
)


def read(path: str, options: ReadOptions) -> Model:
    """Return the network that a config describes.

    options: `head` says what stands on the backbone (classification, segmentation, ... or model, the backbone alone),
    where it is not as `architectures` says. Raises SpecError for a model type that is not known, for keys that are not
    known to change no cost, and for values that can't be expressed.
    """
    from costcalc.interop.huggingface.config import Config

    return Config(path).network(options)
