"""The Python interface: `costcalc.load`, `costcalc.count`, and what reads other frameworks' models."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from costcalc.base import arguments
from costcalc.base.errors import stop
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.graph.expand import expand
from costcalc.graph.knobs import refuse_twice
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.metrics.metric import checked_batch
from costcalc.metrics.metric import names as metric_names
from costcalc.reports.result import Result
from costcalc.sweeps.grids import axes_of, checked, known

if TYPE_CHECKING:
    import pandas as pd

    from costcalc.comparisons.budgets import Checked
    from costcalc.comparisons.diffing import Diff
    from costcalc.explanations.reconciling import Answer
    from costcalc.language.writing import Flat
    from costcalc.sweeps.tables import Arrays
    from costcalc.transforms.whatif import WhatIf

IMAGE = (3, 224, 224)  # the input of a model that is given none


def load(
    spec: Any,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    *,
    variant: str = "",
) -> Spec:
    """Return the spec for a zoo name, a path, `-` (standard input), YAML's dict, or a loaded spec.

    A text `module:name` (`torchvision.models:resnet50`) imports that Python module, calls the name and
    reads the PyTorch model, over an input of (3, 224, 224), what a timm model states, or the shape given.
    variant: one of the file's own, `load("vit.yaml", variant="vit_small")`, the same as `load("vit.yaml@vit_small")`.

    >>> load("mobilenet_v1").knobs
    {'width': 1.0, 'resolution': 224, 'classes': 1000}

    Raises SpecError with every mistake found, each with its file, line and column.
    """
    shape = None if input is None else checked_shape(input)
    if shape is not None and not (isinstance(spec, str) and is_target(spec)):
        hint = "give it where the spec is counted: costcalc.count(spec, input=(3, 128, 128))"
        raise stop("a spec is loaded with the input that it states: another is for module:name only", hint=hint)
    return loaded(spec, shape, variant)


def loaded(spec: Any, shape: tuple[int, ...] | None = None, variant: str = "") -> Spec:
    """Return a spec that is then counted over an input; a `module:name` is read over it."""
    if isinstance(spec, str) and is_target(spec):
        return _chosen(zoo.load_text(traced(spec, shape).text(), spec), variant)
    found = _chosen(_read(spec), variant)
    if found.problems:
        expand(found)  # tells the mistakes of shapes too, all at once
    if shape is not None and len(shape) != len(found.input):
        expand(found, shape=shape)  # tells once, not for each setting, that its axes are others
    return found


def _chosen(spec: Spec, variant: str) -> Spec:
    """Return a spec with the knobs of one of its variants, if one is asked for."""
    arguments.text(variant, "a variant", 'variant="vit_small"')
    return zoo.chosen(spec, variant) if variant else spec


def _read(spec: Any) -> Spec:
    """Return the spec that something stands for; a word may say knobs: `mobilenet_v1@width=0.5`."""
    if not isinstance(spec, str) or "@" not in spec or "\n" in spec:
        return zoo.load(spec)
    from costcalc.comparisons.networks import spec_of

    return spec_of(spec, zoo.load)


def count(
    spec: Any,
    *,
    convention: str | Convention = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    variant: str = "",
    **knobs: Any,
) -> Result:
    """Return what a network costs: parameters, MACs, and every component, row by row.

    spec: a zoo name, a path, YAML's dict, or a loaded spec. convention: what is counted, by name.
    input: another input shape, (channels, *space). batch: images at once; operations and
    activations grow with it, parameters do not. variant: one of the spec's own. knobs: the spec's own, `width=0.5`.

    >>> count("mobilenet_v1").macs
    568740352

    Raises SpecError, a ValueError, with every mistake found.
    """
    checked_batch(batch)
    shape = None if input is None else checked_shape(input)
    found = loaded(spec, shape, variant) if isinstance(spec, str) and is_target(spec) else _chosen(_read(spec), variant)
    refuse_twice(found, knobs)
    knobs = arguments.setting(knobs)
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
    by: str | Iterable[str] = (),
    pareto: str | Iterable[str] = (),
    columns: str | Iterable[str] = (),
    setup: Mapping[str, Any] | None = None,
    jobs: int = 1,
    resume: str | None = None,
    variant: str = "",
    **knobs: Any,
) -> pd.DataFrame | Arrays:
    """Return what networks cost at every combination of knobs: a DataFrame, a row a setting.

    knobs: values each, or one; `zip` takes them together. as_array: an axis a knob. per: a row a layer or type. where:
    "macs < 300M". top: the best so many by `by` (`-`: more is better), "-macs" unless told. pareto: what no other
    beats in these names. columns, setup: metrics instead of params and MACs, and their options. jobs: processes that
    count. resume: a file that keeps what is found, from which the same sweep goes on. variant: as for `count`.

    Raises SpecError, which names the setting, where one is refused.

    >>> sweep("mobilenet_v1", width=[0.5, 1.0])["macs"].tolist()
    [149497088, 568740352]
    """
    from costcalc.sweeps import mappers, tables
    from costcalc.sweeps.chunks import Question, Task
    from costcalc.sweeps.parquet import folded

    given = _given(convention, input, batch, setup) | {"columns": metric_names(columns)}
    specs = [(str(one), loaded(one, given["shape"], variant)) for one in (spec, *more)]
    zipped = arguments.flag(zip, "zip")
    axes = axes_of({name: _values(specs[0][1], name, values) for name, values in knobs.items()}, zipped=zipped)
    question = Question(
        arguments.text(where, "where", 'where="macs < 300M"'),
        top,
        arguments.texts(by, "by", 'by="-macs"'),
        arguments.texts(pareto, "pareto", 'pareto="params,macs"'),
    )
    processes, file = arguments.whole(jobs), None if resume is None else arguments.path(resume, "resume")
    if processes is None or processes < 1:
        raise stop(f"jobs is a whole number from 1, not {arguments.said(jobs)}")
    if (processes > 1 or file is not None) and (per or as_array):
        raise stop(
            "what is told per layer, or as arrays, is counted in this process, at once", hint="without jobs, resume"
        )
    if not arguments.flag(as_array, "as_array"):
        mapper = mappers.processes(processes) if processes > 1 else mappers.here
        view = arguments.text(per, "per", 'per="layer"')
        return tables.sweep(specs, axes, question, **given, view=view, folded=lambda task: folded(task, mapper, file))
    question.refuse_idle()
    if len(specs) > 1 or per or question.folds:
        raise stop("arrays are of one network and all settings: without per, where, top, pareto")
    return tables.as_arrays(Task(specs[0][1], axes, **given))


def solve(
    spec: Any,
    vary: str | Iterable[str] | Mapping[str, Iterable[Any]] | None = None,
    *,
    max_macs: float | str | None = None,
    max_params: float | str | None = None,
    max_peak_memory: float | str | None = None,
    most: Mapping[str, Any] | None = None,
    setup: Mapping[str, Any] | None = None,
    compound: Mapping[str, float] | None = None,
    scale_width: bool = False,
    rounding: str | None = None,
    convention: str = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    variant: str = "",
    **knobs: Any,
) -> pd.DataFrame:
    """Return the largest setting of a network that meets a budget; of several knobs, those no other exceeds in all.

    vary: the knobs to choose, by name, or with the values to try; `width` unless told. max_...: `150e6` or "150M";
    most: of any metrics; setup: their options, `{"bits": 8}`. compound: instead, factors by knob, each scaled by its
    factor to the power phi. scale_width: instead, every hidden layer's channels, multiples
    of `rounding` (8, 4:nearest, 1:down). variant: as for `count`.

    >>> solve("mobilenet_v1", vary="width", max_macs=150e6)
       width   params       macs
    0  0.501  1333888  149561298

    Raises SpecError where nothing meets the budget, with the least that there is.
    """
    from costcalc.sweeps import solving
    from costcalc.transforms import budget

    limits = _limits(most, params=max_params, macs=max_macs, peak_memory=max_peak_memory)
    given = _given(convention, input, batch, setup) | {"fixed": arguments.setting(knobs)}
    searches = {"vary": vary is not None, "compound": compound is not None, "scale_width": scale_width}
    solving.refuse_clashes([name for name, asked in searches.items() if asked], rounding)
    found = loaded(spec, given["shape"], variant)
    if arguments.flag(scale_width, "scale_width"):
        return budget.solve(found, limits, **given, rounding=rounding or "8")
    if compound is not None:
        factors = arguments.named(compound, "factors", 'compound={"width": 1.1, "depth": 1.2}')
        return solving.compound(found, factors, limits, **given)
    return solving.solve(found, _tried("width" if vary is None else vary), limits, **given)


def _tried(vary: str | Iterable[str] | Mapping[str, Iterable[Any]]) -> dict[str, list[Any]]:
    """Return the knobs to choose, each with the values to try (none: the usual ones)."""
    if not isinstance(vary, Mapping):
        hint = 'vary="width", or vary={"width": [0.5, 1.0]}'
        return {name: [] for name in arguments.texts(vary, "knobs to vary", hint)}
    return {name: _several(vary[name], f"the values of {name}") for name in arguments.named(vary, "knobs to vary")}


def _several(values: Any, what: str) -> list[Any]:
    """Return several values as a list."""
    found = arguments.listed(values)
    if found is None:
        raise stop(f"{what} are several, not {arguments.said(values)}", hint="write a list: [0.5, 1.0]")
    return found


def _given(convention: str, shape: Iterable[int] | None, batch: int, setup: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how settings are counted, as sweeps and searches take it."""
    dims = None if shape is None else checked_shape(shape)
    return {"convention": convention, "shape": dims, "batch": batch, "setup": _options(setup)}


def _options(setup: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the options of metrics; the batch is none of them, since what is no metric depends on it too."""
    options = arguments.named(setup, "options of metrics", 'setup={"bits": 8}')
    if "batch" in options:
        raise stop("the batch is an argument of its own", hint="batch=8, not setup={'batch': 8}")
    return options


def _limits(most: Mapping[str, Any] | None, **named: Any) -> dict[str, int]:
    """Return budgets, of any metrics and of those that have an argument, as numbers."""
    from costcalc.comparisons import budgets

    others = budgets.limits(**budgets.of_metrics(arguments.named(most, "budgets", 'most={"peak_memory": "320K"}')))
    return budgets.together(budgets.limits(**named), others)


def compare(
    network: Any,
    *more: Any,
    convention: str | None = None,
    batch: int | None = None,
    columns: str | Iterable[str] = (),
    **options: Any,
) -> pd.DataFrame:
    """Return networks side by side: a DataFrame, a row a network, with ratios to the first.

    network, more: as for `count`, with knobs behind the name (`mobilenet_v1@width=0.5,resolution=160`), or what
    `count` returned. convention: costcalc's, or that of the results given. bytes: of the parameters, at 32 bits or
    what the spec's `bits` and `density` leave. top1: what a source prints for these very knobs. columns: these
    metrics instead, each with a ratio; options are theirs: `bits=8`.

    >>> compare("mobilenet_v1", "mobilenet_v1@width=0.5")[["network", "macs"]]
                      network       macs
    0            mobilenet_v1  568740352
    1  mobilenet_v1@width=0.5  149497088

    Raises SpecError with every mistake found, and where results were counted under different conventions.
    """
    from costcalc.comparisons.comparing import frame
    from costcalc.comparisons.networks import all_asked

    found = all_asked([network, *more], loaded, convention, batch)
    return frame(found, metric_names(columns), **options)


def diff(before: Any, after: Any, *, convention: str | None = None, batch: int | None = None) -> Diff:
    """Return which layers make one network cost more than another, and each one's part of the difference.

    before, after, convention, batch: as for `compare`. What comes back is true where there is a difference; it has
    `.changes`, `.params`, `.macs`, `.share(part, "macs")` in per cent, `.to_dict()`, and shows itself in a notebook.

    >>> diff("resnet18", "resnet34")
    <resnet18 → resnet34: layers: 32 added, 39 the same>

    Raises SpecError as `compare` does.
    """
    from costcalc.comparisons.diffing import Diff
    from costcalc.comparisons.networks import all_asked

    return Diff(*all_asked([before, after], loaded, convention, batch))


def check(
    *networks: Any,
    max_params: Any = None,
    max_macs: Any = None,
    max_activations: Any = None,
    max_size: Any = None,
    max_peak_memory: Any = None,
    most: Mapping[str, Any] | None = None,
    setup: Mapping[str, Any] | None = None,
    baseline: str | None = None,
    update: bool = False,
    tolerance: str = "0%",
    convention: str = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int | None = None,
) -> Checked:
    """Return whether networks are within their budgets: true or false, and `.breaches` with the reasons.

    networks: as for `compare`; without any, those that the baseline names. max_...: numbers, or texts (`"5M"`);
    max_size and max_peak_memory are in bytes. most: any metrics, each with the most that it may be; setup: their
    options, `{"mode": "mcu"}`. baseline: a JSON file with what the networks may cost, one image at a time; update
    writes it. input, batch: as for `count`, for all networks that say no other.

    >>> bool(check("mobilenet_v1", max_params="5M", max_macs="600M"))
    True
    >>> print(check("mobilenet_v1", max_params="4M").breaches[0].reason)
    4,231,976 params, over the budget of 4,000,000 by 231,976 (5.8 %)

    Raises SpecError for a network, budget or file that is wrong.
    """
    from costcalc.comparisons import baselines
    from costcalc.comparisons.networks import agreed, all_asked

    named = {"params": max_params, "macs": max_macs, "activations": max_activations, "bytes": max_size}
    limits = _limits(most, **named, peak_memory=max_peak_memory)
    rule, images = agreed(networks, convention, batch)
    share = baselines.tolerated(arguments.text(tolerance, "a tolerance", 'tolerance="1%"'))
    baselines.refuse_unused(baseline, share, batch=images, update=arguments.flag(update, "update"))
    held = baselines.opened(baseline, rule, update=update)
    shape = None if input is None else checked_shape(input)
    found = all_asked(networks or baselines.words(held), loaded, rule, images, shape)
    if update and baseline:
        held, _ = baselines.updated(found, baseline, rule)
    return baselines.check(found, limits, held, share, **_options(setup))


def whatif(
    spec: Any,
    *steps: Any,
    convention: str | Convention = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    variant: str = "",
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

    return WhatIf(count(spec, convention=convention, input=input, batch=batch, variant=variant, **knobs), steps)


def reconcile(spec: Any, number: str, *, most: int = 10, variant: str = "", **knobs: Any) -> Answer:
    """Return which settings make a network cost a claimed number, simplest first: `.matches`, else `.nearest`.

    number: as it is printed, "4.12G": its digits are its tolerance. Tried are the conventions, what may be counted
    besides or left out, 10^9 or 2^30, rounding, and the network's usual resolutions, widths and variants.

    >>> reconcile("googlenet", "1.5G").matches[0].number
    1498376192

    Raises SpecError for what is no number.
    """
    from costcalc.explanations import reconciling
    from costcalc.graph.knobs import with_knobs

    name = spec if isinstance(spec, str) and spec in zoo.names() else ""
    knobs = arguments.setting(knobs)
    claimed = arguments.text(number, "the number", 'as it is printed, which says how exact it is: "569M"')
    return reconciling.reconcile(with_knobs(load(spec, variant=variant), knobs), claimed, name=name, most=most)


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
    from costcalc.interop.torch import read as torch_import

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
    from costcalc.interop.onnx import read as onnx_import

    path = arguments.path(path, "an ONNX file's path")
    flat = onnx_import.read(path, None if input_shape is None else checked_shape(input_shape), opaque=opaque)
    flat.name = name or flat.name
    return _written(flat, blocks=blocks)


def is_target(text: str) -> bool:
    """Say whether a text names a Python object, `module:name`, and no file is called so."""
    return bool(re.match(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z", text)) and not os.path.exists(text)


def traced(target: str, shape: tuple[int, ...] | None = None, *, name: str = "", opaque: bool = False) -> Flat:
    """Import `module:name`, call it, and return the network that it is; this runs the module's Python code."""
    from costcalc.interop.torch import read as torch_import
    from costcalc.interop.torch.target import load_target, usual_input

    module = load_target(target)
    shape = shape or usual_input(module) or IMAGE
    return torch_import.from_torch(module, shape, name=name or target.rpartition(":")[2], opaque=opaque)


def _written(flat: Flat, *, blocks: bool) -> Spec:
    """Return a network that was read elsewhere as a loaded spec."""
    if not blocks:
        return zoo.load_text(flat.text(), flat.name)
    from costcalc.interop.blocks.folding import folded
    from costcalc.language.writing import spec_text

    return zoo.load_text(spec_text(folded(flat)), flat.name)


def checked_shape(dims: Iterable[int]) -> tuple[int, ...]:
    """Return an input's shape (channels, *space) as a tuple; raise SpecError where it is none."""
    parts = arguments.listed(dims)
    if parts is None:
        raise stop(f"an input is a shape, not {arguments.said(dims)}", hint="write (3, 224, 224)")
    shape = [arguments.whole(part) for part in parts]
    if not shape or not all(axis is not None and axis >= 1 for axis in shape):
        said = "x".join(f"{part!s:.20}" for part in parts[:10])
        raise stop(f"'{said}' is no input shape", hint="give channels, height, width: (3, 224, 224)")
    return tuple(axis for axis in shape if axis is not None)
