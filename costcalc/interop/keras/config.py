"""The settings of one Keras layer, as its `get_config()` gives them: each is asked for by name, the rest refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault, nearest
from costcalc.numbers.num import LARGEST

# What changes no cost at inference: names, training, and what is learned from the input's shape.
NEUTRAL = frozenset(
    "name trainable dtype batch_input_shape batch_shape build_input_shape input_shape input_dim input_length sparse "
    "ragged optional dynamic autocast seed noise_shape momentum epsilon synchronized virtual_batch_size "
    "renorm_momentum beta_constraint dropout recurrent_dropout unroll stateful implementation unit_forget_bias "
    "zero_output_for_mask reset_dropout_masks use_cudnn force_generator rng_type flash_attention fused mean "
    "variance".split()
)
ENDINGS = ("_initializer", "_regularizer", "_constraint")


class LayerConfig:
    """The settings of a layer. What nobody has asked for, and that may change its cost, is refused by `finish`."""

    def __init__(self, settings: Any) -> None:
        if not isinstance(settings, dict):
            raise Fault("its config is no mapping of settings", "a layer is a class_name and a config")
        self.settings = settings
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a setting; the default where it is missing, or null."""
        self.asked.add(key)
        found = self.settings.get(key)
        return default if found is None else found

    def whole(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """Return a whole number, at least `least`; raise Fault for anything else."""
        found = self.get(key, default)
        if found is None:
            raise Fault(f"needs '{key}'")
        return whole(found, key, least)

    def wholes(self, key: str, count: int, default: int | None = None, *, least: int = 1) -> list[int]:
        """Return so many whole numbers: a list, or one for all."""
        found = self.get(key, default)
        if found is None:
            raise Fault(f"needs '{key}'")
        given = found if isinstance(found, list) else [found] * count
        if len(given) != count:
            raise Fault(f"'{key}' is {count} numbers, not {len(given)}")
        return [whole(one, key, least) for one in given]

    def number(self, key: str, default: float | None = None) -> float:
        """Return a number, of single precision's digits."""
        found = number(self.get(key, default))
        if found is None:
            raise Fault(f"'{key}' is one number")
        return found

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return whether a setting is true."""
        found = self.get(key, default)
        if not isinstance(found, bool):
            raise Fault(f"'{key}' is true or false, not {said(found)}")
        return found

    def word(self, key: str, default: str, known: Sequence[str] = ()) -> str:
        """Return a word, of those that are known where they are given."""
        found = self.get(key, default)
        if not isinstance(found, str) or (known and found not in known):
            hint = nearest(str(found)[:40], known) or (f"known: {', '.join(known)}" if known else "")
            raise Fault(f"{key} {said(found)} can't be expressed", hint)
        return found

    def pairs(self, key: str, axes: int, default: int = 0) -> list[tuple[int, int]]:
        """Return numbers before and after on each axis: one for all, one an axis, or a pair an axis."""
        found = self.get(key, default)
        if axes == 1 and isinstance(found, list) and len(found) == 2 and not any(isinstance(n, list) for n in found):
            found = [found]
        given = found if isinstance(found, list) else [found] * axes
        if len(given) != axes:
            raise Fault(f"'{key}' is a number or a pair for each of {axes} axes")
        each = [one if isinstance(one, list) else [one, one] for one in given]
        if any(len(pair) != 2 for pair in each):
            raise Fault(f"'{key}' is a number or a pair for each of {axes} axes")
        return [(whole(before, key, 0), whole(after, key, 0)) for before, after in each]

    def finish(self) -> None:
        """Refuse a setting that nobody asked for; those that are null, false or empty say that something is not."""
        policy = self.settings.get("dtype")
        if isinstance(policy, dict) and "Quantized" in str(policy.get("class_name")):
            raise Fault("is quantized, which stores scales beside its weights", "save the model before quantize()")
        for key, value in self.settings.items():
            if key in self.asked or key in NEUTRAL or str(key).endswith(ENDINGS):
                continue
            if value not in (None, False) and value not in ([], {}):
                raise Fault(f"'{str(key)[:60]}' is not known here", nearest(str(key)[:60], sorted(self.asked)))


def said(value: Any) -> str:
    """Return a value as messages show it."""
    return f"'{str(value)[:40]}'"


def whole(value: Any, what: str, least: int = 1) -> int:
    """Return a whole number; raise Fault for anything else, or where it is too small or large."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Fault(f"'{what}' is a whole number, not {said(value)}")
    if not least <= value < LARGEST:
        raise Fault(f"'{what}' is at least {least}, and not so large, but is {said(value)}")
    return value


def plain(value: Any) -> Any:
    """Return what a serialized array, tuple or constant holds."""
    while isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__array__", "__tuple__", "TensorShape"):
        inner = value.get("config", value.get("items"))
        value = inner.get("value") if isinstance(inner, dict) else inner
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def number(value: Any) -> float | None:
    """Return a number as a spec writes it, whole where it is; None for what is none, or is too large."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LARGEST:
        return None
    short = float(f"{value:.7g}")
    return int(short) if short.is_integer() else short if math.isfinite(short) else None


Given = dict[str, Datum]
