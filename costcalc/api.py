"""The Python interface: `costcalc.load`, `costcalc.count`, and what reads other frameworks' models."""

from __future__ import annotations

import builtins
import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from costcalc import conventions, zoo
from costcalc.conventions import Convention
from costcalc.document import Spec
from costcalc.errors import stop
from costcalc.expand import expand
from costcalc.grids import axes_of, checked, known
from costcalc.result import Result

if TYPE_CHECKING:
    import pandas as pd

    from costcalc.budgets import Checked
    from costcalc.diffing import Diff
    from costcalc.interop.flat import Flat
    from costcalc.reconciling import Answer
    from costcalc.swept import Arrays
    from costcalc.transforms.whatif import WhatIf

IMAGE = (3, 224, 224)  # the input of a model that is given none


def load(spec: Any, input: Iterable[int] | None = None) -> Spec:  # noqa: A002 - the spec language's own word
    """Return the spec for a zoo name, a path, `-` (standard input), YAML's dict, or a loaded spec.

    A text `module:name` (`torchvision.models:resnet50`) imports that Python module, calls the name and
    reads the PyTorch model, over an input of (3, 224, 224), what a timm model states, or the shape given.

    >>> load("mobilenet_v1").knobs
    {'width': 1.0, 'resolution': 224, 'classes': 1000}

    Raises SpecError with every mistake found, each with its file, line and column.
    """
    if isinstance(spec, str) and is_target(spec):
        return zoo.load_text(traced(spec, None if input is None else checked_shape(input)).text(), spec)
    found = zoo.load(spec)
    if found.problems:
        expand(found)  # tells the mistakes of shapes too, all at once
    return found


def count(
    spec: Any,
    *,
    convention: str | Convention = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    **knobs: Any,
) -> Result:
    """Return what a network costs: parameters, MACs, and every component, row by row.

    spec: a zoo name, a path, YAML's dict, or a loaded spec. convention: what is counted, by name.
    input: another input shape, (channels, *space). batch: images at once; operations and
    activations grow with it, parameters do not. knobs: the spec's own, `width=0.5`.

    >>> count("mobilenet_v1").macs
    568740352

    Raises SpecError, a ValueError, with every mistake found.
    """
    if type(batch) is not int or batch < 1:
        raise stop(f"a batch is a whole number from 1, not {batch}")
    shape = None if input is None else checked_shape(input)
    found = load(spec, shape) if isinstance(spec, str) and is_target(spec) else zoo.load(spec)
    return Result(expand(found, knobs, shape), conventions.get(convention), batch)


def sweep(
    spec: Any,
    *more: Any,
    convention: str = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    as_array: bool = False,
    zip: bool = False,  # noqa: A002 - what it does
    per: str = "",
    where: str = "",
    top: int | None = None,
    by: str | Iterable[str] = "-macs",
    pareto: str | Iterable[str] = (),
    **knobs: Any,
) -> pd.DataFrame | Arrays:
    """Return what networks cost at every combination of knobs: a DataFrame, a row a setting.

    knobs: a list of values each, or one; `zip` takes them together. as_array: arrays with an axis a knob.
    per: "layer" or "type", a row for each. where: "macs < 300M". top: the best so many by `by` (a `-`
    before a name where more is better). pareto: only what no other beats in all of these names.

    >>> sweep("mobilenet_v1", width=[0.5, 1.0])["macs"].tolist()
    [149497088, 568740352]

    Raises SpecError, which names the setting, where one is refused.
    """
    from costcalc import swept
    from costcalc.walking import Question, Task, listed

    names = [str(one) for one in (spec, *more)]
    specs = [(name, load(one)) for name, one in builtins.zip(names, (spec, *more), strict=True)]
    columns = {name: _values(specs[0][1], name, values) for name, values in knobs.items()}
    axes = axes_of(columns, zipped=zip)
    shape = None if input is None else checked_shape(input)
    question = Question(where, top, listed(by), listed(pareto))
    if not as_array:
        return swept.sweep(specs, axes, question, convention=convention, shape=shape, batch=batch, view=per)
    if len(specs) > 1 or per or question.folds:
        raise stop("arrays are of one network and all settings: without per, where, top, pareto")
    return swept.as_arrays(Task(specs[0][1], axes, convention=convention, shape=shape, batch=batch))


def solve(
    spec: Any,
    vary: str | Iterable[str] | Mapping[str, Iterable[Any]] = "width",
    *,
    max_macs: float | str | None = None,
    max_params: float | str | None = None,
    compound: Mapping[str, float] | None = None,
    scale_width: bool = False,
    rounding: str = "8",
    convention: str = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    **knobs: Any,
) -> pd.DataFrame:
    """Return the largest setting of a network that meets a budget; of several knobs, those no other exceeds in all.

    vary: the knobs to choose, by name, or with the values to try. max_macs, max_params: `150e6` or "150M".
    compound: instead, factors by knob, each scaled by its factor to the power phi. scale_width: instead, the
    channels of every hidden layer, made multiples of `rounding` (8, 4:nearest, 1:down).

    >>> solve("mobilenet_v1", vary="width", max_macs=150e6)
       width   params       macs
    0  0.501  1333888  149561298

    Raises SpecError where nothing meets the budget, with the least that there is.
    """
    from costcalc import budgets, solving

    most = budgets.limits(params=max_params, macs=max_macs)
    given: dict[str, Any] = {"fixed": knobs, "convention": convention, "batch": batch}
    given["shape"] = None if input is None else checked_shape(input)
    if scale_width:
        from costcalc.transforms.budget import solve as scaled

        return scaled(load(spec), most, **given, rounding=rounding)
    if compound is not None:
        return solving.compound(load(spec), compound, most, **given)
    names = [vary] if isinstance(vary, str) else vary
    tried = {name: list(names[name]) if isinstance(names, Mapping) else [] for name in names}
    return solving.solve(load(spec), tried, most, **given)


def compare(network: Any, *more: Any, convention: str | None = None, batch: int | None = None) -> pd.DataFrame:
    """Return networks side by side: a DataFrame, a row a network, with ratios to the first.

    network, more: as for `count`, with knobs behind the name (`mobilenet_v1@width=0.5,resolution=160`), or what
    `count` returned. convention: costcalc's, or that of the results given. bytes: of the parameters, at 32 bits or
    what the spec's `bits` and `density` leave. top1: what a source prints for these very knobs.

    >>> compare("mobilenet_v1", "mobilenet_v1@width=0.5")[["network", "macs"]]
                      network       macs
    0            mobilenet_v1  568740352
    1  mobilenet_v1@width=0.5  149497088

    Raises SpecError with every mistake found, and where results were counted under different conventions.
    """
    from costcalc import comparing, references

    return comparing.frame(references.all_asked([network, *more], load, convention, batch))


def diff(before: Any, after: Any, *, convention: str | None = None, batch: int | None = None) -> Diff:
    """Return which layers make one network cost more than another, and each one's part of the difference.

    before, after, convention, batch: as for `compare`. What comes back is true where there is a difference; it has
    `.changes`, `.params`, `.macs`, `.share(part, "macs")` in per cent, `.to_dict()`, and shows itself in a notebook.

    >>> diff("resnet18", "resnet34")
    <resnet18 → resnet34: layers: 32 added, 39 the same>

    Raises SpecError as `compare` does.
    """
    from costcalc import references
    from costcalc.diffing import Diff

    return Diff(*references.all_asked([before, after], load, convention, batch))


def check(
    *networks: Any,
    max_params: Any = None,
    max_macs: Any = None,
    max_activations: Any = None,
    max_size: Any = None,
    baseline: str | None = None,
    update: bool = False,
    tolerance: str = "0%",
    convention: str = conventions.DEFAULT,
) -> Checked:
    """Return whether networks are within their budgets: true or false, and `.breaches` with the reasons.

    networks: as for `compare`; without any, those that the baseline names. max_...: numbers, or texts (`"5M"`);
    max_size is in bytes. baseline: a JSON file with what the networks may cost; update writes it.

    >>> bool(check("mobilenet_v1", max_params="5M", max_macs="600M"))
    True
    >>> print(check("mobilenet_v1", max_params="4M").breaches[0].reason)
    4,231,976 params, over the budget of 4,000,000 by 231,976 (5.8 %)

    Raises SpecError for a network, budget or file that is wrong.
    """
    from costcalc import baselines, budgets, references

    limits = budgets.limits(params=max_params, macs=max_macs, activations=max_activations, bytes=max_size)
    rule = conventions.get(convention)
    held = baselines.opened(baseline, rule, update=update)
    found = references.all_asked(networks or baselines.words(held), load, convention, batch=1)
    if update and baseline:
        held, _ = baselines.updated(found, baseline, rule)
    return baselines.check(found, limits, held, baselines.tolerated(tolerance))


def whatif(
    spec: Any,
    *steps: Any,
    convention: str | Convention = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    **knobs: Any,
) -> WhatIf:
    """Return a network before and after transformations, and what each layer contributes to the difference.

    steps: each a name and what it takes: `("depthwise_separable", "conv 3x3")`, `("spatial_svd", 64, "stage2/*")`,
    `"pool_classifier"`; without a selector, all layers. The others as for `count`.

    >>> whatif("vgg16", ("depthwise_separable", "conv 3x3")).after.macs
    1910551552

    Raises SpecError where one can't be carried out.
    """
    from costcalc.transforms.whatif import WhatIf

    return WhatIf(count(spec, convention=convention, input=input, batch=batch, **knobs), steps)


def reconcile(spec: Any, number: str, *, most: int = 10, **knobs: Any) -> Answer:
    """Return which settings make a network cost a claimed number, simplest first: `.matches`, else `.nearest`.

    number: as it is printed, "4.12G": its digits are its tolerance. Tried are the conventions, what may be counted
    besides or left out, 10^9 or 2^30, rounding, and the network's usual resolutions, widths and variants.

    >>> reconcile("googlenet", "1.5G").matches[0].number
    1498376192

    Raises SpecError for what is no number.
    """
    from costcalc import reconciling
    from costcalc.binder import with_knobs

    name = spec if isinstance(spec, str) and spec in zoo.names() else ""
    return reconciling.reconcile(with_knobs(load(spec), knobs), number, name=name, most=most)


def _values(spec: Spec, name: str, values: Any) -> list[Any]:
    """Return the values of an axis: those of a list, or the one given."""
    default = known(spec, name)
    if isinstance(values, str) or not isinstance(values, Iterable):
        return checked(spec, name, [values])
    found = list(values)
    one = isinstance(default, list) and not all(isinstance(value, list | tuple) for value in found)
    return checked(spec, name, [found] if one else found)


def from_torch(
    module: Any, input_shape: Iterable[int], *, name: str = "", blocks: bool = False, opaque: bool = False
) -> Spec:
    """Return the spec of a PyTorch model, read through `torch.export`: its rows are called as its modules.

    module: a `torch.nn.Module`, or `module:name`, which is imported and called. input_shape: (channels, *space).
    blocks: write repeated structure as blocks. opaque: write what costcalc does not know as rows of unknown cost.
    The spec's text is `.text`.

    Raises SpecError that names the module and the operation which can't be expressed.
    """
    from costcalc.interop import torch_import

    shape = checked_shape(input_shape)
    if isinstance(module, str):
        flat = traced(module, shape, name=name, opaque=opaque)
    else:
        flat = torch_import.from_torch(module, shape, name=name, opaque=opaque)
    return _written(flat, blocks=blocks)


def from_onnx(
    path: str,
    input_shape: Iterable[int] | None = None,
    *,
    name: str = "",
    blocks: bool = False,
    opaque: bool = False,
) -> Spec:
    """Return the spec of an ONNX graph, whose weights are not loaded; arguments and errors as `from_torch`.

    input_shape: (channels, *space), where the graph leaves it open.
    """
    from costcalc.interop import onnx_import

    flat = onnx_import.read(path, None if input_shape is None else checked_shape(input_shape), opaque=opaque)
    flat.name = name or flat.name
    return _written(flat, blocks=blocks)


def is_target(text: str) -> bool:
    """Say whether a text names a Python object, `module:name`, and no file is called so."""
    return bool(re.match(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z", text)) and not os.path.exists(text)


def traced(target: str, shape: tuple[int, ...] | None = None, *, name: str = "", opaque: bool = False) -> Flat:
    """Import `module:name`, call it, and return the network that it is; this runs the module's Python code."""
    from costcalc.interop import torch_import
    from costcalc.interop.torch_target import load_target, usual_input

    module = load_target(target)
    shape = shape or usual_input(module) or IMAGE
    return torch_import.from_torch(module, shape, name=name or target.rpartition(":")[2], opaque=opaque)


def _written(flat: Flat, *, blocks: bool) -> Spec:
    """Return a network that was read elsewhere as a loaded spec."""
    if not blocks:
        return zoo.load_text(flat.text(), flat.name)
    from costcalc.interop.blocks.folding import folded
    from costcalc.interop.flat import spec_text

    return zoo.load_text(spec_text(folded(flat)), flat.name)


def checked_shape(dims: Iterable[int]) -> tuple[int, ...]:
    """Return an input's shape (channels, *space) as a tuple; raise SpecError where it is none."""
    shape = tuple(dims)
    if not shape or not all(isinstance(d, int) and d >= 1 for d in shape):
        said = "x".join(str(d) for d in shape)
        raise stop(f"'{said}' is no input shape", hint="give channels, height, width: 3x224x224")
    return shape
