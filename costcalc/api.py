"""The functions of `import costcalc`: each takes a network, and words that mean the same in all (`costcalc.asked`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from costcalc.asked import Asked, NetworkLike, agreed, asked, several
from costcalc.base import Datum, GivenShape, arguments
from costcalc.base.errors import stop
from costcalc.costs.convention import Convention
from costcalc.costs.conventions import get
from costcalc.graph.knobs import with_knobs
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.measures.metric import names as metric_names
from costcalc.reports.result import Result

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from costcalc.comparisons.budgets import Checked
    from costcalc.comparisons.diffing import Diff
    from costcalc.explanations.reconciling import Answer
    from costcalc.explorer.pages import Explorer
    from costcalc.interop.weights.compare import Compared
    from costcalc.language.flat import Flat
    from costcalc.spaces.space import Space
    from costcalc.sweeps.tables import Arrays
    from costcalc.transforms.netadapt import NetAdapt
    from costcalc.transforms.whatif import WhatIf

Shape: TypeAlias = "GivenShape | None"
Knobs = Mapping[str, Datum] | None
Rule = str | Convention | None
Options = Mapping[str, Datum] | None
Limits = Mapping[str, Datum] | None


def load(
    network: NetworkLike, /, *, knobs: Knobs = None, input: Shape = None, variant: str = "", **more: Datum
) -> Spec:
    """Return the spec for a zoo name, a path, `-` (standard input), YAML's dict, a PyTorch module, or a loaded spec.

    knobs, or each by its name: values to be in force, `width=0.5`. variant: one of the file's own; the same as
    `load("vit.yaml@vit_small")`. input: (channels, *space) that a module is read over.

    >>> load("mobilenet_v1").knobs
    {'width': 1.0, 'resolution': 224, 'classes': 1000}

    Raises SpecError with every mistake found, each with its file, line and column.
    """
    found = asked(network, more, knobs, input, variant=variant)
    if found.shape is not None:
        hint = "give it where the spec is counted: costcalc.count(spec, input=(3, 128, 128))"
        raise stop("a spec is loaded with the input that it states: another is for a module only", hint=hint)
    return with_knobs(found.in_force, arguments.setting(found.knobs)) if found.knobs else found.in_force


def count(
    network: NetworkLike,
    /,
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    variant: str = "",
    **more: Datum,
) -> Result:
    """Return what a network costs: parameters, operations, and every component, row by row.

    network: a zoo name, `mobilenet_v1@width=0.5` with knobs, a path, YAML's dict, a loaded spec, a Result, or a
    `torch.nn.Module`. knobs, or each by its name: `width=0.5`. input: another input shape, (channels, *space), which
    a module is read over. batch: images at once, one unless told; operations and activations grow with it, parameters
    do not. convention: what is counted, by name. variant: one of the spec's own.

    >>> count("mobilenet_v1").macs
    568740352

    Raises SpecError, a ValueError, with every mistake found.
    """
    return asked(network, more, knobs, input, batch, convention, variant).result


def sweep(
    network: NetworkLike,
    /,
    *networks: NetworkLike,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    variant: str = "",
    zip: bool = False,
    columns: str | Iterable[str] = (),
    per: str = "",
    where: str = "",
    top: int | None = None,
    by: str | Iterable[str] = (),
    pareto: str | Iterable[str] = (),
    jobs: int = 1,
    resume: str | None = None,
    **more: Datum,
) -> pd.DataFrame:
    """Return what networks cost at every combination of knobs: a DataFrame, a line a setting.

    knobs: values each, or one; `zip` takes them together. columns, options: metrics instead of params and
    operations, and theirs, `{"bits": 8}`. per: a line a layer or type. where: "macs < 300M". top: the best so many by
    `by` (`-`: more is better), most operations unless told. pareto: what no other beats in these names. jobs:
    processes that count. resume: a file that keeps what is found, from which the same sweep goes on; NAME.parquet is a
    folder of Parquet files, a block each. The others as for `count`.

    Raises SpecError, which names the setting, where one is refused.

    >>> sweep("mobilenet_v1", width=[0.5, 1.0])["macs"].tolist()
    [149497088, 568740352]
    """
    from costcalc.sweeps import mappers, parquet, tables
    from costcalc.sweeps.chunks import Question, Task

    found = several([network, *networks], more, knobs, input, batch, convention, variant)
    specs = [(one.said, one.in_force) for one in found]
    given = _counted(found[0], options) | {"columns": metric_names(columns, found[0].convention)}
    if any(one.shape != found[0].shape for one in found):
        raise stop("the networks of a sweep are counted on one input", hint="input=(3, 160, 160) is for all of them")
    axes = _axes(found[0], zip=zip)
    question = Question(
        arguments.text(where, "where", 'where="macs < 300M"'),
        top,
        arguments.texts(by, "by", 'by="-macs"'),
        arguments.texts(pareto, "pareto", 'pareto="params,macs"'),
    )
    processes, file = arguments.whole(jobs), None if resume is None else arguments.path(resume, "resume")
    if processes is None or processes < 1:
        raise stop(f"jobs is a whole number from 1, not {arguments.said(jobs)}")
    if (processes > 1 or file is not None) and per:
        raise stop("what is told per layer is counted in this process, at once", hint="without jobs, resume")
    mapper = mappers.processes(processes) if processes > 1 else mappers.here
    view = arguments.text(per, "per", 'per="layer"')
    if file is not None and file.endswith(".parquet"):
        if len(specs) > 1:
            raise stop("part files hold the sweep of one network", hint="sweep each into a folder of its own")
        return parquet.table(Task(specs[0][1], axes, question, **given), file, mapper)
    return tables.sweep(
        specs, axes, question, **given, view=view, folded=lambda task: parquet.folded(task, mapper, file)
    )


def sweep_arrays(
    network: NetworkLike,
    /,
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    variant: str = "",
    zip: bool = False,
    columns: str | Iterable[str] = (),
    **more: Datum,
) -> Arrays:
    """Return what a network costs at every combination of knobs as arrays of int64, an axis a knob in their order.

    `.params`, `.macs`, `.totals` (of every metric in `columns`), `.axes`. Arguments and errors as for `sweep`.

    >>> sweep_arrays("mobilenet_v1", width=[0.5, 1.0], resolution=[128, 160, 224]).macs.shape
    (2, 3)
    """
    from costcalc.sweeps import tables
    from costcalc.sweeps.chunks import Task

    found = asked(network, more, knobs, input, batch, convention, variant)
    spec, axes, named = found.in_force, _axes(found, zip=zip), metric_names(columns, found.convention)
    return tables.as_arrays(Task(spec, axes, **_counted(found, options), columns=named))


def solve(
    network: NetworkLike,
    /,
    vary: str | Iterable[str] | Mapping[str, Iterable[Datum]] = "width",
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    limits: Limits = None,
    variant: str = "",
    **more: Datum,
) -> pd.DataFrame:
    """Return the largest setting of a network that meets a budget; of several knobs, those no other exceeds in all.

    vary: the knobs to choose, by name, or with the values to try; "search": all that the spec's search may choose,
    then the network of the most within one limit. limits: the most of any metrics, `150e6` or "150M";
    options: theirs, `{"bits": 8}`. knobs: the values of others. The others as for `count`.

    >>> solve("mobilenet_v1", vary="width", limits={"macs": 150e6})
       width   params       macs
    0  0.501  1333888  149561298

    Raises SpecError where nothing meets the budget, with the least that there is.
    """
    from costcalc.comparisons.budgets import of_metrics
    from costcalc.spaces import solving

    found = asked(network, more, knobs, input, batch, convention, variant)
    return solving.solve(found.in_force, _tried(vary), of_metrics(limits), **_searched(found, options))


def space(
    network: NetworkLike,
    /,
    columns: str | Iterable[str] = (),
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    lut: str = "",
    variant: str = "",
    **more: Datum,
) -> Space:
    """Return the search space of a spec's `search`: how many networks it has, what they cost, which fit a budget.

    columns: the metrics that are asked for, parameters and operations unless told; options: theirs, `{"bits": 8}`.
    lut: a CSV file of measured layers, whose times are one metric more, `lut_us`. knobs: values that are fixed, and
    chosen no more. The others as for `count`.

    >>> space("ofa_mobilenet_v3").size
    21758655492572485851

    Raises SpecError for a spec that searches nothing, and for one whose choices hang together too closely.
    """
    from costcalc.hardware.lut import load
    from costcalc.measures.metric import Setup, refuse_idle
    from costcalc.spaces.additive import LookedUp
    from costcalc.spaces.space import Space

    found = asked(network, more, knobs, input, batch, convention, variant)
    setup = Setup(found.convention, batch=found.batch, **dict(options or {}))
    names = metric_names(columns, found.convention) or ("params", setup.convention.called)
    refuse_idle([*names, *(["latency"] if lut else [])], dict(options or {}))
    table = LookedUp(load(lut), lut, setup) if lut else None
    return Space(found.in_force, found.settings, found.shape, setup, names, table)


def netadapt(
    network: NetworkLike,
    /,
    target: float,
    metric: str = "macs",
    *,
    step: float = 0.02,
    decay: float = 1.0,
    by: str = "params",
    scores: Mapping[str, float] | None = None,
    divisor: int = 8,
    lut: str = "",
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    variant: str = "",
    **more: Datum,
) -> NetAdapt:
    """Return a network from which channels are taken layer by layer, as NetAdapt does, until it costs a share.

    target: of what it costs in a metric that is a sum of layers. step: the share that an iteration saves, times decay
    from one to the next. by: which proposal is taken, that of the largest saving a parameter (params), or of the least
    share of channels (share); scores: by layer, in place of it. divisor: of channels. lut: a CSV file of measured
    layers, in place of the metric; options: the metric's, `{"device": ...}`. The others as for `count`.

    >>> netadapt("mobilenet_v1", 0.9, step=0.05).to_pandas()[["layer", "channels", "left"]].values.tolist()
    [['conv', 32, 8], ['separable1/conv', 64, 8]]

    Raises SpecError where no layer by itself saves a step, and for a metric that is no sum of layers.
    """
    from costcalc.hardware.lut import load
    from costcalc.measures.metric import Setup, refuse_idle
    from costcalc.spaces.additive import LookedUp, additive
    from costcalc.transforms.netadapt import NetAdapt

    found = asked(network, more, knobs, input, batch, convention, variant)
    told = _options(options)
    refuse_idle(["latency" if lut else metric], told)
    setup = Setup(found.convention, batch=found.batch, **told)
    table = LookedUp(load(lut), lut, setup) if lut else None
    cost = additive(metric, setup) if table is None else table.additive()
    shares = {"target": target, "step": step, "decay": decay}
    given = {name: arguments.number(share, name) for name, share in shares.items()}
    channels = arguments.whole(divisor)
    if channels is None or channels < 1:
        raise stop(f"divisor is a whole number from 1, not {arguments.said(divisor)}")
    ranks = None if scores is None else arguments.named(scores, "scores", 'scores={"conv": 0.9}')
    made = NetAdapt(found.result, cost.rows, metric=cost.name, **given, rule=by, scores=ranks, divisor=channels)
    if table is not None:
        table.notes()  # which refuses layers that are not in the table
    return made


def scale_compound(
    network: NetworkLike,
    /,
    factors: Mapping[str, float],
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    limits: Limits = None,
    variant: str = "",
    **more: Datum,
) -> pd.DataFrame:
    """Return the largest phi within a budget where each knob is its value times its factor to the power phi.

    factors: by knob, above 1. The others as for `solve`: knobs are where the scaling starts.

    >>> scale_compound("efficientnet_b0", {"depth": 1.2, "width": 1.1, "resolution": 1.15}, limits={"macs": "1G"})
        phi     depth    width  resolution   params       macs
    0  1.03  1.206582  1.10315         259  9120826  993797968

    Raises SpecError as `solve`.
    """
    from costcalc.comparisons.budgets import of_metrics
    from costcalc.sweeps import solving

    found = asked(network, more, knobs, input, batch, convention, variant)
    grown = arguments.named(factors, "factors", 'write {"width": 1.1, "depth": 1.2}')
    return solving.compound(found.in_force, grown, of_metrics(limits), **_searched(found, options))


def scale_width(
    network: NetworkLike,
    /,
    rounding: str = "8",
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    limits: Limits = None,
    variant: str = "",
    **more: Datum,
) -> pd.DataFrame:
    """Return the largest factor for every hidden layer's channels that meets a budget; it needs no knob.

    rounding: what channels are multiples of, and how: 8, 4:nearest, 1:down. The others as for `solve`.

    >>> scale_width("mobilenet_v1", "1:down", limits={"macs": "150M"})
       scale_width   params       macs
    0        0.501  1333888  149561298

    Raises SpecError as `solve`.
    """
    from costcalc.comparisons.budgets import of_metrics
    from costcalc.transforms import budget

    found = asked(network, more, knobs, input, batch, convention, variant)
    by = arguments.text(rounding, "rounding", 'rounding="8", "4:nearest" or "1:down"')
    return budget.solve(found.in_force, of_metrics(limits), **_searched(found, options), rounding=by)


def compare(
    network: NetworkLike,
    /,
    *networks: NetworkLike,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    variant: str = "",
    columns: str | Iterable[str] = (),
    **more: Datum,
) -> pd.DataFrame:
    """Return networks side by side: a DataFrame, a line a network, with ratios to the first.

    network, networks: as for `count`; what one says itself (`mobilenet_v1@width=0.5,resolution=160`) stands above
    what is said for all. Results are counted as they were unless `convention` and `batch` say otherwise. bytes: of the
    parameters, at 32 bits or what the spec's `bits` and `density` leave. top1: what a source prints for these very
    knobs; top1_mark where its sources print another cost than ours (≠) or none (°), top1_cost what they print. columns:
    these metrics instead, each with a ratio; options are theirs: `{"bits": 8}`.

    >>> compare("mobilenet_v1", "mobilenet_v1@width=0.5")[["network", "macs"]]
                      network       macs
    0            mobilenet_v1  568740352
    1  mobilenet_v1@width=0.5  149497088

    Raises SpecError with every mistake found, and where results were counted under different conventions.
    """
    from costcalc.comparisons.comparing import frame

    found = several([network, *networks], more, knobs, input, batch, convention, variant)
    return frame([one.network for one in found], metric_names(columns, found[0].convention), **_options(options))


def explore(
    network: NetworkLike,
    /,
    *networks: NetworkLike,
    vary: str | Iterable[str] = (),
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    variant: str = "",
    **more: Datum,
) -> Explorer:
    """Return a page that shows where the cost of networks goes, and moves with their knobs: it opens offline.

    network, networks: as for `compare`. A knob of several values is a slider where these are numbers that leave the
    structure as it is, else a list; where none is given several, usual ones slide. vary: knobs, or `"variant"`, all
    whose values the page holds too. convention, batch, options (device, dtype, mode, bits): where the page begins.

    >>> explore("mobilenet_v1", width=[0.5, 0.75, 1.0])  # .save("page.html") writes it
    <explorer of mobilenet_v1>

    Raises SpecError with every mistake found, and for a page that would be too large.
    """
    from costcalc.explorer.pages import Shown, explored

    found = several([network, *networks], more, knobs, input, batch, convention, variant)
    told = arguments.texts(vary, "knobs to vary", 'vary="variant"')
    values = [{name: _values(one.spec, name, given) for name, given in one.knobs.items()} for one in found]
    shown = [Shown(one.said, one.in_force, its, told, one.shape) for one, its in zip(found, values, strict=True)]
    return explored(shown, found[0].convention, found[0].batch, _options(options))


def diff(
    before: NetworkLike,
    after: NetworkLike,
    /,
    *,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    variant: str = "",
    **more: Datum,
) -> Diff:
    """Return which layers make one network cost more than another, and each one's part of the difference.

    Arguments and errors as for `compare`. What comes back is true where there is a difference; it has `.changes`,
    `.params`, `.operations`, `.share(part, "operations")` in per cent, `.to_dict()`, and shows itself in a notebook.

    >>> diff("resnet18", "resnet34")
    <resnet18 → resnet34: layers: 32 added, 39 the same>
    """
    from costcalc.comparisons.diffing import Diff

    return Diff(*(one.network for one in several([before, after], more, knobs, input, batch, convention, variant)))


def check(
    *networks: NetworkLike,
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    options: Options = None,
    limits: Limits = None,
    variant: str = "",
    baseline: str | None = None,
    update: bool = False,
    tolerance: str = "0%",
    **more: Datum,
) -> Checked:
    """Return whether networks are within their budgets: true or false, and `.breaches` with the reasons.

    networks: as for `compare`; without any, those that the baseline names. limits: the most of any metrics, numbers
    or texts (`"5M"`); options: theirs, `{"mode": "mcu"}`. baseline: a JSON file with what the networks may cost, one
    image at a time; update writes it, tolerance says how much above it is no breach. The others as for `compare`.

    >>> bool(check("mobilenet_v1", limits={"params": "5M", "macs": "600M"}))
    True
    >>> print(check("mobilenet_v1", limits={"params": "4M"}).breaches[0].reason)
    4,231,976 params, over the budget of 4,000,000 by 231,976 (5.8 %)

    Raises SpecError for a network, budget or file that is wrong.
    """
    from costcalc.comparisons import baselines, budgets

    bounds, settled = budgets.of_metrics(limits), _options(options)
    told, images = agreed(networks, convention, batch)
    rule = get(told)
    share = baselines.tolerance_of(arguments.text(tolerance, "a tolerance", 'tolerance="1%"'))
    baselines.refuse_unused(baseline, share, batch=images, update=arguments.flag(update, "update"))
    held = baselines.opened(baseline, rule, update=update)
    found = [
        one.network for one in several(networks or baselines.words(held), more, knobs, input, images, told, variant)
    ]
    if update and baseline:
        held, _ = baselines.updated(found, baseline, rule)
    return baselines.check(found, bounds, held, share, **settled)


def whatif(
    network: NetworkLike,
    /,
    *steps: str | Sequence[Datum],
    knobs: Knobs = None,
    input: Shape = None,
    batch: int | None = None,
    convention: Rule = None,
    variant: str = "",
    **more: Datum,
) -> WhatIf:
    """Return a network before and after transformations, and what each layer contributes to the difference.

    steps: each a name and what it takes: `("depthwise_separable", "conv 3x3")`, `("spatial_svd", 64, "stage2/*")`,
    `"pool_classifier"`; without a selector, all layers. The others as for `count`.

    >>> whatif("vgg16", ("depthwise_separable", "conv 3x3")).after.macs
    1910551552

    Raises SpecError where one can't be carried out.
    """
    from costcalc.transforms.whatif import TRANSFORMATIONS, WhatIf

    if not steps:
        known = ", ".join(word.replace("-", "_") for word in TRANSFORMATIONS)
        raise stop("nothing is to be changed", hint=f'say what: ("depthwise_separable", "conv 3x3"); known: {known}')
    return WhatIf(asked(network, more, knobs, input, batch, convention, variant).result, steps)


def reconcile(
    network: NetworkLike,
    /,
    number: str,
    *,
    knobs: Knobs = None,
    input: Shape = None,
    variant: str = "",
    top: int = 10,
    **more: Datum,
) -> Answer:
    """Return which settings make a network cost a claimed number, simplest first: `.matches`, else `.nearest`.

    number: as it is printed, "4.12G": its digits are its tolerance. Tried are the conventions, what may be counted
    besides or left out, 10^9 or 2^30, rounding, and the network's usual resolutions, widths and variants. top: how
    many are told. The others as for `count`.

    >>> reconcile("googlenet", "1.5G").matches[0].number
    1498376192

    Raises SpecError for what is no number.
    """
    from costcalc.explanations import reconciling

    claimed = arguments.text(number, "the number", 'as it is printed, which says how exact it is: "569M"')
    found = asked(network, more, knobs, input, variant=variant)
    spec = found.in_force if found.shape is None else found.graph.spec  # which tells what is wrong with the input
    if found.settings or found.shape is not None:
        spec = with_knobs(spec, found.settings, found.shape)
    name = network if isinstance(network, str) and network in zoo.names() else ""
    return reconciling.reconcile(spec, claimed, name=name, top=top)


def verify_weights(
    network: NetworkLike,
    /,
    weights: str | os.PathLike[str] | Mapping[str, Any],
    *,
    knobs: Knobs = None,
    input: Shape = None,
    variant: str = "",
    **more: Datum,
) -> Compared:
    """Return whether tensors are a network's weights: true or false, and `.differing` with what is not, layer by layer.

    weights: a file of safetensors, the index of several, a state dict of PyTorch, `.npz` of numpy, of which no number
    is read and no code run; or the tensors by their names, as `module.state_dict()` gives them. The others as for
    `count`. `.pairs` are the layers beside their tensors, `.statistics` what is stored and not learned, `.ours` and
    `.theirs` how many numbers there are; `.said()` tells all in a line, `.to_dict()` gives it as plain data.

    >>> verify_weights("lenet5", "lenet5.safetensors").differing  # doctest: +SKIP
    []

    Raises SpecError for a file that is none of these, broken or too large.
    """
    from costcalc.interop.weights import compare, files

    found = asked(network, more, knobs, input, variant=variant)
    stored = files.read(os.fspath(weights)) if isinstance(weights, str | os.PathLike) else files.of(weights)
    return compare.compare(found.graph, stored)


def from_torch(
    module: str | torch.nn.Module,
    input: GivenShape,
    *,
    name: str = "",
    blocks: bool = False,
    opaque: bool = False,
    regions: int | None = None,
) -> Spec:
    """Return the spec of a PyTorch model, read through `torch.export`: its rows are called as its modules.

    module: a `torch.nn.Module`, or `module:name`, which is imported and called: that runs its code. input: (channels,
    *space), or several by the names of forward's arguments. blocks: write repeated structure as blocks. opaque: write
    what costcalc does not know as rows of unknown cost. regions: how many a detector of torchvision looks at, unless
    told as many as it does at most. The spec's text is `.text`.

    Raises SpecError that names the module and the operation which can't be expressed.
    """
    from costcalc.interop.format import ReadOptions
    from costcalc.interop.torch.target import traced

    more = {} if regions is None else {"regions": regions}
    return _written(traced(module, ReadOptions(arguments.shapes(input), opaque, name, more)), blocks=blocks)


def from_onnx(
    path: str,
    input: Shape = None,
    *,
    name: str = "",
    blocks: bool = False,
    opaque: bool = False,
) -> Spec:
    """Return the spec of an ONNX graph, whose weights are not loaded; arguments and errors as `from_torch`.

    input: (channels, *space), where the graph leaves it open.
    """
    from costcalc.interop.onnx import importer as onnx_import

    path = arguments.path(path, "an ONNX file's path")
    flat = onnx_import.read(path, None if input is None else arguments.shape(input), opaque=opaque)
    flat.name = name or flat.name
    return _written(flat, blocks=blocks)


def networks() -> list[str]:
    """Return the names of the zoo's networks, files and variants.

    >>> "mobilenet_v1" in networks()
    True
    """
    return zoo.names()


def metrics() -> list[str]:
    """Return the names of the metrics, as `columns=` and `limits=` take them.

    >>> "peak_memory" in metrics()
    True
    """
    from costcalc.measures.metric import metrics as found

    return [*found()]


def devices() -> list[str]:
    """Return the names of the devices that costcalc brings, as `estimates.latency` takes them.

    >>> "pixel1_big_core" in devices()
    True
    """
    from costcalc.hardware.device import FOLDER
    from costcalc.hardware.reading import named

    return named(FOLDER)


def conventions() -> list[str]:
    """Return the names of the conventions that costcalc brings, the default first.

    >>> conventions()[0]
    'costcalc'
    """
    from costcalc.costs.conventions import names

    return [*names()]


# ---- what several of them share ------------------------------------------------------------------------


def _axes(found: Asked, *, zip: bool) -> list[dict[str, list[Datum]]]:
    """Return the axes of a sweep: a knob each, or one of all together."""
    from costcalc.sweeps.grids import axes_of

    values = {name: _values(found.spec, name, given) for name, given in found.knobs.items()}
    return axes_of(values, zipped=arguments.flag(zip, "zip"))


def _values(spec: Spec, name: str, values: Datum) -> list[Datum]:
    """Return the values of an axis: those of a list, or the one given."""
    from costcalc.sweeps.grids import require_knob, require_values

    default = require_knob(spec, name)
    if isinstance(values, str) or not isinstance(values, Iterable):
        return require_values(spec, name, [values])
    found = list(values)
    one = isinstance(default, list) and not all(isinstance(value, list | tuple) for value in found)
    return require_values(spec, name, [found] if one else found)


def _counted(found: Asked, options: Options) -> dict[str, Datum]:
    """Return how settings are counted, as sweeps and searches take it."""
    told = {"convention": found.convention, "shape": found.shape, "batch": found.batch}
    return {**told, "setup": _options(options)}


def _searched(found: Asked, options: Options) -> dict[str, Datum]:
    """Return how a search counts: the values of the knobs that it leaves alone, too."""
    return {**_counted(found, options), "fixed": arguments.setting(found.knobs)}


def _tried(vary: str | Iterable[str] | Mapping[str, Iterable[Datum]]) -> dict[str, list[Datum]]:
    """Return the knobs to choose, each with the values to try (none: the usual ones)."""
    if not isinstance(vary, Mapping):
        hint = 'vary="width", or vary={"width": [0.5, 1.0]}'
        return {name: [] for name in arguments.texts(vary, "knobs to vary", hint)}
    return {name: _several(vary[name], f"the values of {name}") for name in arguments.named(vary, "knobs to vary")}


def _several(values: Datum, what: str) -> list[Datum]:
    """Return several values as a list."""
    found = arguments.listed(values)
    if found is None:
        raise stop(f"{what} are several, not {arguments.said(values)}", hint="write a list: [0.5, 1.0]")
    return found


def _options(options: Options) -> dict[str, Datum]:
    """Return the options of metrics; the batch is none of them, since what is no metric depends on it too."""
    given = arguments.named(options, "options of metrics", 'options={"bits": 8}')
    if "batch" in given:
        raise stop("the batch is an argument of its own", hint="batch=8, not options={'batch': 8}")
    return given


def _written(flat: Flat, *, blocks: bool) -> Spec:
    """Return a network that was read elsewhere as a loaded spec."""
    if not blocks:
        return zoo.load_text(flat.text(), flat.name)
    from costcalc.interop.blocks.folding import folded
    from costcalc.language.yaml_text import spec_text

    return zoo.load_text(spec_text(folded(flat)), flat.name)
