"""One setting has one number, whoever is asked: each function and command gives it, or refuses it in the same words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import costcalc
from costcalc import SpecError, estimates
from costcalc.cli import group
from costcalc.measures.metric import find
from costcalc.numbers.num import LARGEST_TOTAL

SPECS = {
    "plain": """
        costcalc: 1
        knobs: {c: 8, n: 16}
        input: [3, n, n]
        layers:
          - conv: {out: c, kernel: 3, padding: 1, norm: batch, act: relu}
          - dwconv: {kernel: 3, padding: 1}
          - conv: {out: 2 * c, kernel: 1}
          - global_avg_pool
          - fc: {out: 10}
        """,
    "deep": """
        costcalc: 1
        knobs: {c: 8, n: 4}
        input: [c, 32, 32]
        layers:
          - conv: {out: "c if n > 3 else 2 * c", kernel: 3, bias: false}
          - {conv: {out: c_in, kernel: 1}, repeat: "min(n, 5)"}
          - custom: {macs: c * n + 7, params: c + n, note: stated}
        """,
    "no MACs": "{costcalc: 1, knobs: {c: 4, n: 8}, input: [c, n, n],\n layers: [relu, {max_pool: {kernel: 2}}]}",
}
CHANNELS = (1, 3, 8, 64, 1000, 10**5, 10**7, 10**9)
LENGTHS = (1, 2, 4, 7, 32, 224, 10**4, 10**6)
BATCHES = (1, 1, 2, 3, 1000, 10**9, 2 * 10**10, 10**14, 10**15, 2**63, 10**30)
# What is counted, and by what name.
CONVENTIONS = (("costcalc", "macs"), ("costcalc", "macs"), ("costcalc:flops", "flops"), ("fvcore", "operations"))
TRIES = 60


def core(error: SpecError) -> set[str]:
    """Return what a refusal says, without the setting that a sweep names."""
    return {re.sub(r"^at [^:]*: ", "", problem.message) for problem in error.problems}


def asked(answer: Callable[[], Any]) -> Any:
    try:
        return answer()
    except SpecError as error:
        return core(error)


def told(*words: str) -> dict[str, Any]:
    """Return the JSON of a command; raise its refusal."""
    result = CliRunner().invoke(group, [*words, "--format", "json"])
    if isinstance(result.exception, SpecError):
        raise result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def breached(answer: costcalc.comparisons.budgets.Checked) -> tuple[int, ...]:
    return tuple(breach.value for breach in answer.breaches)


@pytest.mark.parametrize("seed", range(TRIES))
def test_one_setting_has_one_number(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    path = tmp_path / "net.yaml"
    path.write_text(SPECS[draw.choice(sorted(SPECS))].strip("\n"))
    at = {"c": draw.choice(CHANNELS), "n": draw.choice(LENGTHS)}
    batch, (convention, called) = draw.choice(BATCHES), draw.choice(CONVENTIONS)
    spec, given = str(path), {"batch": batch, "convention": convention}
    word = f"{spec}@c={at['c']},n={at['n']}"
    options = ("--batch", str(batch), "--convention", convention)
    lists = {name: [value] for name, value in at.items()}
    nothing = {"params": 0, called: 0}

    def of(table: Any) -> tuple[int, ...]:
        return tuple(int(table[name].sum()) for name in ("params", called))

    def totals(data: dict[str, Any]) -> tuple[int, ...]:
        return data["params"], data["operations"]

    def counted() -> tuple[int, ...]:
        result = costcalc.count(spec, **given, **at)
        return result.params, result.operations

    wanted = asked(counted)
    budgets = ("--max", f"{called}=0")
    answers: dict[str, Callable[[], Any]] = {
        "report": lambda: totals(told("report", spec, "--c", str(at["c"]), "--n", str(at["n"]), *options)["totals"]),
        "metrics": lambda: tuple(
            costcalc.count(spec, **given, **at).metric(name).total for name in ("params", called)
        ),
        "sweep": lambda: of(costcalc.sweep(spec, **given, **lists)),
        "sweep of metrics": lambda: of(costcalc.sweep(spec, **given, **lists, columns=f"{called},params")),
        "sweep by layer": lambda: of(costcalc.sweep(spec, **given, **lists, per="layer")),
        "arrays": lambda: of(costcalc.sweep_arrays(spec, **given, **lists).totals),
        "compare": lambda: of(costcalc.compare(word, **given)),
        "diff": lambda: totals(costcalc.diff(word, word, **given).to_dict()["before"]),
        "check": lambda: breached(costcalc.check(word, limits=nothing, **given)),
        "check, as a command": lambda: tuple(
            one["value"] for one in told("check", word, "--max-params", "0", *budgets, *options)["breaches"]
        ),
    }  # fmt: skip
    if isinstance(wanted, tuple):
        limits = {"params": wanted[0], called: wanted[1]}
        answers["solve"] = lambda: of(costcalc.solve(spec, lists, limits=limits, **given))
        if 0 in wanted:
            del answers["check"], answers["check, as a command"]  # which is within a budget of nothing
    found = {name: asked(answer) for name, answer in answers.items()}
    assert found == dict.fromkeys(answers, wanted)
    if convention == "costcalc":
        one = ("--c", str(at["c"]), "--n", str(at["n"]), "--batch", str(batch))
        for command in (("latency", spec, "--device", "pixel1_big_core"), ("training", spec), ("energy", spec)):
            data = asked(lambda command=command: told(*command, *one))  # type: ignore[misc]
            # What is bounded besides (energy, bytes of training) may be too large where the MACs are not.
            assert data == wanted if isinstance(wanted, set) else isinstance(data, dict) or "too large" in str(data)
            if isinstance(data, dict) and command[0] == "training":
                assert totals(data["totals"]) == wanted


@pytest.mark.parametrize("seed", range(12))
def test_a_sweep_of_many_settings_is_each_by_itself(seed: int) -> None:
    draw = random.Random(seed)
    spec, batch = SPECS[draw.choice(sorted(SPECS))], draw.choice(BATCHES[:8])
    axes = {"c": draw.sample(CHANNELS[:7], 3), "n": draw.sample(LENGTHS, 3)}
    each = {
        (c, n): asked(lambda c=c, n=n: costcalc.count(spec, batch=batch, c=c, n=n).macs)  # type: ignore[misc]
        for c in axes["c"]
        for n in axes["n"]
    }
    refused = [at for at, number in each.items() if isinstance(number, set)]
    if refused:
        with pytest.raises(SpecError) as error:
            costcalc.sweep(spec, batch=batch, **axes)
        named = [re.match(r"at c (\d+), n (\d+): ", problem.message) for problem in error.value.problems]
        (at,) = {(int(one[1]), int(one[2])) for one in named if one}
        assert core(error.value) == each[at]
        return
    table = costcalc.sweep(spec, batch=batch, **axes)
    assert dict(zip(zip(table["c"], table["n"], strict=True), table["macs"], strict=True)) == each


# ---- the numbers themselves, by hand ------------------------------------------------------------------------

# 568,740,352 MACs of MobileNet times the batch; 2 FLOPs each.
BY_HAND = [
    (10**9, "costcalc", 568_740_352_000_000_000),
    (8 * 10**8, "costcalc:flops", 2 * 568_740_352 * 8 * 10**8),
    (15_840_001, "costcalc", 568_740_352 * 15_840_001),  # above 2^53: float64 would lose the last digits
]
TOO_LARGE = [
    (2 * 10**10, "costcalc", "11,374,807,040,000,000,000 MACs"),
    (10**9, "costcalc:flops", "1,137,480,704,000,000,000 FLOPs"),
]


@pytest.mark.parametrize(("batch", "convention", "number"), BY_HAND)
def test_large_totals_are_exact(batch: int, convention: str, number: int) -> None:
    given: dict[str, Any] = {"batch": batch, "convention": convention}
    assert costcalc.count("mobilenet_v1", **given).operations == number
    called = "flops" if "flops" in convention else "macs"
    assert costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], **given)[called][1] == number
    assert costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], resolution=[128, 224], **given)[called][3] == number


@pytest.mark.parametrize(("batch", "convention", "number"), TOO_LARGE)
def test_too_large_totals_are_refused_with_their_setting(batch: int, convention: str, number: str) -> None:
    given: dict[str, Any] = {"batch": batch, "convention": convention}
    said = f"a total of {number} is too large"
    for function in (
        costcalc.count,
        costcalc.compare,
        lambda *a, **k: costcalc.check(*a, limits={"params": "1G"}, **k),
    ):
        with pytest.raises(SpecError, match=f"^{said}"):
            function("mobilenet_v1", **given)  # type: ignore[operator]
    swept: list[Callable[..., Any]] = [costcalc.sweep, costcalc.sweep_arrays, partial(costcalc.sweep, per="type")]
    for sweep in (*swept, partial(costcalc.sweep, columns="operations")):
        with pytest.raises(SpecError, match=f"^at width 1.0, resolution 224: {said}"):
            sweep("mobilenet_v1", width=[0.25, 1.0], resolution=[32, 224], **given)


def test_a_search_leaves_out_what_is_too_large() -> None:
    """The numbers of width 0.25 at batch 10^10, 41 M MACs as MobileNet's table prints; at width 1 5.7 · 10^18."""
    table = costcalc.solve("mobilenet_v1", {"width": [0.25, 1.0]}, limits={"macs": 10**18}, batch=10**10)
    assert table["width"].tolist() == [0.25]
    assert table["macs"].tolist() == [costcalc.count("mobilenet_v1", width=0.25).macs * 10**10]


def test_conditions_do_not_wrap() -> None:
    """Above 10^20 both, which int64 can't hold: 14,949,708,800 and 56,874,035,200 by themselves."""
    table = costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], batch=100, where="macs * macs > 10 ** 14 * 10 ** 6")
    assert table["width"].tolist() == [0.5, 1.0]


def test_conditions_and_fronts_are_exact_above_float64() -> None:
    """Totals that float64 can't tell apart: 16 times 9 · 10^14, and one more."""
    text = (
        "{costcalc: 1, knobs: {k: 0}, input: [1, 8],\n layers: [{custom: {macs: 2 ** 49 + k, params: 9 - k, note: a}}]}"
    )
    given: dict[str, Any] = {"batch": 2**5, "k": [0, 1]}
    assert costcalc.sweep(text, **given)["macs"].tolist() == [2**54, 2**54 + 32]
    whole = (
        "{costcalc: 1, knobs: {k: 0}, input: [1, 8],\n"
        "layers: [{repeat: 16, custom: {macs: 9 * 10 ** 14, note: a}}, {custom: {macs: k, note: b}}]}"
    )
    assert costcalc.sweep(whole, k=[0, 1])["macs"].tolist() == [144 * 10**14, 144 * 10**14 + 1]
    assert costcalc.sweep(whole, k=[0, 1], where=f"macs <= {144 * 10**14}.0")["k"].tolist() == [0]
    assert costcalc.sweep(whole, k=[1, 0], pareto="macs")["k"].tolist() == [0]
    assert LARGEST_TOTAL < 2**63


# ---- two ways to ask for the same ---------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["mobilenet_v1", "squeezenet1_0_pruned", "densenet121"])
@pytest.mark.parametrize("batch", [1, 3])
def test_estimates_are_the_metrics(network: str, batch: int) -> None:
    result = costcalc.count(network, batch=batch)
    for device in ("pixel1_big_core", "nvidia_t4"):
        time = estimates.latency(result, device)
        least, most = (result.metric(name, device=device) for name in ("latency", "latency_most"))
        assert time.milliseconds == (least.total, most.total)
        assert [row["ms_least"] for row in time.records()] == least.rows
        assert [row["ms_most"] for row in time.records()] == most.rows
    for options in ({}, {"dtype": "int8", "onchip": 10**6}):
        energy = estimates.energy(result, **options)
        assert energy.total == result.metric("energy", **options).total
        assert energy.total == sum(energy.of(place) for place in ("compute", "onchip", "dram"))
        for place in ("compute", "onchip", "dram"):
            uses = find(f"energy_{place}").uses  # the energy of compute depends on no memory
            found = result.metric(f"energy_{place}", **{name: options[name] for name in options if name in uses})
            assert energy.of(place) == found.total
            assert [row[place] for row in energy.records()] == found.rows
    spilt = estimates.latency(result, "coral_edgetpu").spill  # type: ignore[union-attr]
    assert spilt == result.metric("spill", device="coral_edgetpu").total
    assert estimates.size(result).effective_macs == result.metric("effective_macs").total


@pytest.mark.parametrize("bits", [1, 3, 4, 8, 32])
def test_sizes_are_the_metrics(bits: int) -> None:
    result = costcalc.count("shufflenet_v2_x1_0")
    last = estimates.size(result, bits).forms[-1]
    assert last.least == last.most == result.metric("bytes", bits=bits).total
    assert last.most == result.metric("compressed_bytes", bits=bits).total


# ---- what would be passed over ------------------------------------------------------------------------------

FACTORS, BUDGET = {"width": 1.1}, {"macs": "1G"}
SMALL = costcalc.count("alexnet", input=(3, 64, 64))
IGNORED: list[tuple[Callable[[], Any], str]] = [
    (lambda: costcalc.solve("mobilenet_v1", compound=FACTORS, limits=BUDGET), "has no knob 'compound'"),
    (lambda: costcalc.scale_compound("mobilenet_v1", FACTORS, vary="width", limits=BUDGET), "has no knob 'vary'"),
    (lambda: costcalc.solve("mobilenet_v1", rounding="zzz", limits=BUDGET), "has no knob 'rounding'"),
    (lambda: costcalc.load("mobilenet_v1", input=(3, 128, 128)), "give it where the spec is counted"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], by="macs"), "top how many"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], by="macs", per="type"), "top how many"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], top=-1), "top is a whole number from 1, not -1"),
    (lambda: costcalc.sweep_arrays("mobilenet_v1", width=[0.5, 1.0], top=0), "has no knob 'top'"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], top=1.5), "top is a whole number from 1, not 1.5"),  # type: ignore[arg-type]
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], options={"bits": 8}), "bits is about metrics"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], batch=-1, per="type"), "a batch is a whole number from 1"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], columns="macs", options={"bits": 8}), "bits does not matter"),
    (lambda: costcalc.sweep("mobilenet_v1", width=[0.5], options={"batch": 8}), "batch is an argument of its own"),
    (lambda: costcalc.solve("mobilenet_v1", limits=BUDGET, options={"bits": 8}), "does not matter to params, macs"),
    (lambda: costcalc.scale_width("alexnet", limits=BUDGET, options={"bits": 8}), "bits does not matter to"),
    (lambda: costcalc.solve("mobilenet_v1", limits=BUDGET, options={"batch": 8}), "batch is an argument of its own"),
    (lambda: costcalc.check("mobilenet_v1", limits=BUDGET, options={"mode": "mcu"}), "mode does not matter to macs"),
    (lambda: costcalc.check("mobilenet_v1", limits=BUDGET, options={"batch": 8}), "batch is an argument of its own"),
    (lambda: costcalc.compare("mobilenet_v1", columns="params", options={"bits": 8}), "it is about activation_bytes"),
    (lambda: costcalc.compare("mobilenet_v1", options={"optimizer": "adam"}), "optimizer does not matter to"),
    (lambda: costcalc.count("mobilenet_v1").to_dict(columns="params,macs", freeze="conv"), "freeze does not matter to"),
    (lambda: costcalc.count("mobilenet_v1").metric("macs", bits=8), "bits does not matter to macs"),
    (lambda: costcalc.count("alexnet").metric("energy_compute", onchip=1), "onchip does not matter to energy_compute"),
    (lambda: costcalc.count("mobilenet_v1", resolution=160, input=(3, 128, 128)), "only says what the input is"),
    (lambda: costcalc.sweep("mobilenet_v1", resolution=[160, 224], input=(3, 128, 128)), "only says what the input is"),
    (lambda: costcalc.count("mobilenet_v1").to_pandas(columns="peak_memory", amp=True), "amp does not matter to"),
    (lambda: costcalc.reconcile("mobilenet_v1", "569M", top=-3), "top is a whole number from 1"),
    (lambda: costcalc.count("mobilenet_v1").to_dict(bits=8), "bits is about metrics"),
    (lambda: costcalc.count("mobilenet_v1").to_pandas(bits=8), "bits is about metrics"),
    (lambda: costcalc.compare("mobilenet_v1", batch=0), "a batch is a whole number from 1"),
    (lambda: costcalc.check("mobilenet_v1", limits=BUDGET, tolerance="1%"), "a tolerance is about a baseline"),
    (lambda: costcalc.check("mobilenet_v1", baseline="x.json", batch=2), "holds the costs of one image"),
    (lambda: costcalc.check(SMALL, limits=BUDGET, input=(3, 99, 99)), "input changes nothing"),
    (lambda: estimates.latency("mobilenet_v1", "coral_edgetpu", fusion="eager"), "fusion is about times"),
]  # fmt: skip
COMMANDS = [
    ("report mobilenet_v1 --format json --by block", "by and fold are for tables"),
    ("sweep mobilenet_v1 --width 0.5,1 --sort params", "top how many"),
    ("sweep mobilenet_v1 --width 0.5,1 --per type --jobs 2", "without --jobs"),
    ("sweep mobilenet_v1 --width 0.5,1 --per type --resume x", "without --resume"),
    ("sweep mobilenet_v1 --width 0.5,1 --jobs 2 --dask x", "two ways to count"),
    ("diff alexnet vgg16 --top 3 --format csv", "csv has every change"),
    ("latency alexnet --device nvidia_t4 --by type --format csv", "csv has every row"),
    ("latency alexnet --device coral_edgetpu --fold 1", "of an NPU is told what fits"),
    ("energy alexnet --fold 1 --format json", "json has every row"),
    ("size alexnet --link 1M --format csv", "--link is for tables"),
    ("size alexnet --gap 7", "a relative index is of pruned weights, and none is pruned"),
    ("size alexnet --bits 8 --gap 7", "a relative index is of pruned weights"),
    ("size alexnet --density 0.3 --scales channel", "scales are of quantized weights"),
    ("size alexnet --by layer --format csv", "csv has a line a form"),
    ("training alexnet --memory 1G --format csv", "--memory's largest batch"),
    ("conventions --batch 2", "are about a SPEC"),
    ("check mobilenet_v1 --max-macs 100M --max macs=1G", "the budget of macs is given twice: 100,000,000 and"),
    ("check mobilenet_v1 --max macs=100M --max macs=1G", "the budget of macs is given twice"),
    ("check mobilenet_v1 --max-macs 1G --mode mcu", "mode does not matter to macs"),
    ("solve mobilenet_v1 --vary width --max-macs 150M --max macs=1G", "the budget of macs is given twice"),
    ("solve mobilenet_v1 --vary width --max-macs 150M --bits 8", "bits does not matter to macs"),
    ("report mobilenet_v1 --columns macs --bits 8", "bits does not matter to macs"),
    ("report mobilenet_v1 --memory --ignore-se", "ignore_se does not matter to"),
    ("sweep mobilenet_v1 --width 0.5 --columns macs --bits 8", "bits does not matter to macs"),
    ("compare mobilenet_v1 --columns macs,params --onchip 1000", "onchip does not matter to macs, params"),
    ("report mobilenet_v1 --width 0.25 -k width=0.5", "the knob 'width' is given twice"),
    ("report mobilenet_v1 -k width=0.25 -k width=0.5", "the knob 'width' is given twice"),
    ("sweep mobilenet_v1 --width 0.25 --width 0.5", "a sweep takes several values so: --width 1,2"),
    ("check alexnet --max-macs 1G --tolerance 1%", "a tolerance is about a baseline"),
    ("report mobilenet_v1 --resolution 160 --input 3x128x128", "resolution only says what the input is"),
    ("compare mobilenet_v1@resolution=160,input=3x128x128", "resolution only says what the input is"),
    ("solve mobilenet_v1 --vary resolution --max-macs 1G --input 3x128x128", "resolution only says what the input is"),
]


@pytest.mark.parametrize(("call", "said"), IGNORED, ids=[str(number) for number in range(len(IGNORED))])
def test_arguments_are_not_passed_over(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(SpecError) as found:
        call()
    assert said in str(found.value)


@pytest.mark.parametrize(("words", "said"), COMMANDS)
def test_options_are_not_passed_over(words: str, said: str) -> None:
    result = CliRunner().invoke(group, words.split())
    assert isinstance(result.exception, SpecError)
    assert said in str(result.exception)


def test_check_counts_as_compare_does() -> None:
    """The same network, batch and input by a word, by arguments and on the command line."""
    given: dict[str, Any] = {"batch": 2}
    twice = costcalc.compare("mobilenet_v1@input=3x192x192", **given)["macs"][0]
    checked = costcalc.check("mobilenet_v1", input=(3, 192, 192), limits={"macs": 0}, **given)
    assert (checked.breaches[0].value, checked.breaches[0].network) == (twice, "mobilenet_v1@input=3x192x192")
    words = "check mobilenet_v1 --batch 2 --input 3x192x192 --max-macs 0 --format json"
    data = json.loads(CliRunner().invoke(group, words.split()).stdout)
    assert (data["breaches"][0]["value"], data["batch"]) == (twice, 2)
