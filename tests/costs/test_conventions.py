"""Conventions as data: their files, hashes, units, and how a reference implementation calls rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.base.errors import SpecError
from costcalc.costs import conventions
from costcalc.explanations import tool_differences

TINY: dict[str, Any] = {
    "costcalc": 1,
    "name": "tiny",
    "input": [3, 8, 8],
    "reference": {"from": "a library", "functional": ["*/relu"], "absent": ["drop*"]},
    "layers": [
        {"conv": {"out": 4, "kernel": 3, "padding": 1, "norm": "batch", "act": "relu"}, "name": "first"},
        "dropout",
        "global_avg_pool",
        {"fc": {"out": 10}, "name": "last"},
    ],
}
OWN = """\
costcalc_convention: 1
name: own
says: {params: kernels, macs: all that there is}
source: a test
headline: macs
params: weights
macs: 0
"""


def own(folder: Path, *more: str, text: str = OWN) -> str:
    path = folder / "own.yaml"
    path.write_text(text + "\n".join(more) + "\n", encoding="utf-8")
    return str(path)


# ---- formulas: each a rule for certain operators, and what it gives for the whole of TINY -------------------------

RULES = [
    # conv: 4 * 3 * 9 weights at 8 * 8 pixels; batch_norm and relu: 256 elements; fc: 40 weights
    ("{of: [conv, fc], macs: macs}", 6912 + 40),
    ("{of: [conv, fc], macs: macs + bias_adds}", 6912 + 40 + 10),
    ("{of: [conv, fc], macs: weights if kind == 'fc' else taps * strides}", 40 + 9),
    ("{of: [conv, fc], macs: c_in * c_out * pixels_out}", 3 * 4 * 64 + 40),
    ("{of: [conv, fc], macs: 'space_in[0] + space_out[1] if rank == 2 else rank'}", 16),
    ("{of: conv, macs: 'kernel[0] * out + padding[0][1] * 1000'}\n  - {of: fc, macs: 0}", 12 + 1000),
    ("{of: [conv, fc], macs: 0}\n  - {of: batch_norm, macs: 2 * outputs if affine else outputs}", 512),
    ("{of: [conv, fc], macs: 0}\n  - {of: relu, macs: 'inputs if call == ''functional'' else 0'}", 256),
    ("{of: [conv, fc], macs: 0}\n  - {of: relu, macs: 'compares if after == ''batch_norm'' else 0'}", 256),
    ("{of: [conv, fc], macs: 0}\n  - {of: [global_avg_pool], macs: adds + divs + first + branches}", 252 + 4 + 256 + 1),
]


@pytest.mark.parametrize(("rule", "macs"), RULES, ids=[row[0] for row in RULES])
def test_a_rule_counts_the_rows_of_its_operators(rule: str, macs: int, tmp_path: Path) -> None:
    result = costcalc.count(TINY, convention=own(tmp_path, "rules:", f"  - {rule}"))
    assert (result.operations, result.params, result.unit) == (macs, 108 + 40, "MACs")


def test_what_the_reference_does_not_have_a_tool_does_not_count(tmp_path: Path) -> None:
    more = ("rules:", "  - {of: [conv, fc], macs: 0}", "  - {of: dropout, macs: outputs}")
    assert costcalc.count(TINY, convention=own(tmp_path, *more)).operations == 256
    assert costcalc.count(TINY, convention=own(tmp_path, "tool: true", *more)).operations == 0


def test_a_convention_may_count_macs_and_flops(tmp_path: Path) -> None:
    path = own(tmp_path, "flops: 0", "rules:", "  - {of: [conv, fc], macs: macs, flops: 2 * macs + bias_adds}")
    result = costcalc.count(TINY, convention=path)
    assert (result.operations, result.unit, result.macs, result.flops) == (6952, "MACs", 6952, 13914)
    flops = costcalc.count(TINY, convention=f"{path}:flops")
    assert (flops.operations, flops.unit, flops.convention.name) == (13914, "FLOPs", "own:flops")


UNITS = [
    ("costcalc", "MACs", 6952, 13904),
    ("costcalc:flops", "FLOPs", 6952, 13904),
    ("flops", "FLOPs", 6952, 13904),
]


@pytest.mark.parametrize(("name", "unit", "macs", "flops"), UNITS, ids=[row[0] for row in UNITS])
def test_macs_and_flops_of_costcalc(name: str, unit: str, macs: int, flops: int) -> None:
    result = costcalc.count(TINY, convention=name)
    assert (result.unit, result.macs, result.flops) == (unit, macs, flops)


def test_unit_is_an_option(run: Run) -> None:
    assert "2.079 K FLOPs" not in run("report", "mobilenet_v1").out
    done = run("report", "mobilenet_v1", "--unit", "flops", "--by", "type")
    assert "flops: 1,137,480,704\nelementwise: 15,182,239 operations" in done.out


# ---- what is counted has its own name, in every output: macs are MACs ---------------------------------------------

MACS, CONVS = 568_740_352, 568_740_352 - 1024 * 1000  # of MobileNet (docs/conventions.md), and without its fc

# What each convention's count is called: of macs and flops what MobileNet has (tf: a bias, the pool's inputs and five
# for each output of softmax besides), and whether it has the other count, too. What no row names are `operations`.
CALLED: dict[str, tuple[str, int | None, dict[str, int]]] = {
    **dict.fromkeys(("bytes", "mobilenet", "no-norm", "pruned", "weights"), ("macs", MACS, {})),
    **dict.fromkeys(("shufflenet-table1", "vgg"), ("macs", CONVS, {})),
    **dict.fromkeys(("costcalc", "flops:macs", "onnxsim"), ("macs", MACS, {"flops": 2 * MACS})),
    **dict.fromkeys(("costcalc:flops", "flops", "onnxsim:flops"), ("flops", 2 * MACS, {"macs": MACS})),
    "torch": ("flops", 2 * MACS, {}),
    "darknet": ("flops", 2 * CONVS, {}),
    "tf": ("flops", 2 * MACS + 1000 + 49 * 1024 + 5000, {}),
    # MACs and what a tool counts besides.
    **dict.fromkeys(("torchscan", "ultralytics", "keras-flops"), ("flops", None, {})),
    "calflops": ("flops", None, {"macs": MACS}),
    "torchscan:macs": ("operations", None, {"flops": 0}),
    "calflops:macs": ("macs", MACS, {"flops": 0}),
}
EVERY = [one.name for name in conventions.names() for one in conventions.get(name).others.values()]
COSTS = ("operations", "macs", "flops")
NET = "mobilenet_v1"


def true(has: Any) -> dict[str, int]:
    """Return what a result, a row or arrays have; a name that is not theirs is refused in words."""
    found = {}
    for name in COSTS:
        with suppress(SpecError):
            value = getattr(has, name)
            found[name] = int(value[-1] if getattr(value, "shape", None) else value)
    return found


def kept(record: Mapping[str, Any], end: str = "") -> dict[str, int]:
    """Return the costs of a record by their names, without what these end in."""
    return {name.removesuffix(end): int(record[name]) for name in (f"{cost}{end}" for cost in COSTS) if name in record}


def summed(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    return dict(sum(map(Counter, parts), Counter()))


@pytest.mark.parametrize("convention", EVERY)
def test_what_is_counted_has_its_own_name_in_every_output(convention: str) -> None:
    pytest.importorskip("pandas")
    called, number, others = CALLED.get(convention, ("operations", None, {}))
    result = costcalc.count(NET, convention=convention)
    number = result.operations if number is None else number
    one, other = {called: number}, f"{NET}@width=0.5"
    every = {"operations": number} | one | {name: value or result.of(name) for name, value in others.items()}
    given: dict[str, Any] = {"convention": convention}
    diff, whatif = costcalc.diff(other, NET, **given), costcalc.whatif(NET, ("scale_width", "0.5"), **given)
    less = costcalc.count(NET, width=0.5, **given).operations
    told = result.to_dict()
    assert true(result) == summed(map(true, result.rows)) == every
    assert result.unit == told["totals"]["unit"] == result.to_pandas().attrs["unit"]
    assert kept(told["totals"]) == {"operations": number} | one
    assert [summed(map(kept, told[part])) for part in ("rows", "by_type")] == [{"operations": number}] * 2
    tables = {
        "frame": result.to_pandas().to_dict("records"),
        "CSV": csv.DictReader(io.StringIO(result.page().written("csv"))),
        "CSV by type": csv.DictReader(io.StringIO(result.page("type").written("csv"))),
        "sweep": costcalc.sweep(NET, width=[1.0], **given).to_dict("records"),
        "sweep by layer": costcalc.sweep(NET, width=[1.0], per="layer", **given).to_dict("records"),
        "compare": costcalc.compare(NET, **given).to_dict("records"),
        "solve": costcalc.solve(NET, {"width": [1.0]}, limits={called: number}, **given).to_dict("records"),
        "best": costcalc.sweep(NET, width=[0.5, 1.0], top=1, **given).to_dict("records"),
    }
    assert {name: summed(map(kept, records)) for name, records in tables.items()} == dict.fromkeys(tables, one)
    assert summed(map(kept, diff.records())) == {called: number - less}
    assert [kept(part) for part in (diff.to_dict()["after"], diff.to_dict()["difference"])] == [
        {"operations": number}, {"operations": number - less}
    ]  # fmt: skip
    assert kept(whatif.records()[-1], "_before") == one
    assert kept(whatif.to_dict(), "_before") == {"operations": number}
    arrays = costcalc.sweep_arrays(NET, width=[0.5, 1.0], **given)
    assert true(arrays) == {"operations": number} | one


# What a question, a budget or a column names, under what convention, and what is said of a name that is not its own.
MISNAMED: list[tuple[str, Callable[..., Any], str]] = [
    ("torch", lambda **k: costcalc.sweep(NET, width=[0.5, 1.0], where="macs < 300M", **k), "counts no MACs"),
    ("torch", lambda **k: costcalc.sweep(NET, width=[0.5, 1.0], pareto="-width,macs", **k), "called flops"),
    ("flops", lambda **k: costcalc.sweep(NET, width=[0.5, 1.0], top=1, by="macs", **k), "counts flops, not macs"),
    ("costcalc", lambda **k: costcalc.sweep(NET, width=[0.5, 1.0], where="flops < 1G", **k), "counts macs, not flops"),
    ("costcalc", lambda **k: costcalc.sweep(NET, width=[0.5], top=1, by="operations", **k), "ask by macs"),
    ("thop", lambda **k: costcalc.sweep(NET, width=[0.5], columns="macs", **k), "counts no plain MACs"),
    ("thop", lambda **k: costcalc.check(NET, limits={"macs": "600M"}, **k), "called operations, its unit MACs"),
    ("fvcore", lambda **k: costcalc.solve(NET, limits={"flops": "600M"}, **k), "counts no plain FLOPs"),
    ("tf", lambda **k: costcalc.scale_width(NET, limits={"macs": "600M"}, **k), "called flops"),
    ("tf", lambda **k: costcalc.compare(NET, columns="params,macs", **k), "called flops"),
    ("tf", lambda **k: costcalc.count(NET, **k).metric("macs"), "called flops"),
    ("tf", lambda **k: costcalc.count(NET, **k).rows[0].macs, "called flops"),
]


@pytest.mark.parametrize(("convention", "asked", "said"), MISNAMED)
def test_a_name_that_a_convention_does_not_count_is_refused_with_the_right_one(
    convention: str, asked: Callable[..., Any], said: str
) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(SpecError) as error:
        asked(convention=convention)
    assert said in str(error.value)


def test_both_counts_of_a_convention_may_be_columns() -> None:
    pytest.importorskip("pandas")
    table = costcalc.sweep(NET, width=[0.5, 1.0], columns="macs,flops", where="flops > 1G")
    assert table[["macs", "flops"]].to_numpy().tolist() == [[MACS, 2 * MACS]]


# ---- what is wrong with a file: the text that is replaced, by what, and what is said --------------------------------

WRONG = [
    ("costcalc_convention: 1", "costcalc_convention: 2", "'costcalc_convention: 1' is missing"),
    ("source: a test\n", "", "'source' is missing"),
    ("headline: macs", "headline: flops", "it does not say how operations are counted"),
    ("macs: 0", "macs: 0\nmcas: 1", "'mcas' means nothing here"),
    ("macs: 0", "macs: macs +", "is no expression"),
    ("macs: 0", "macs: outptus", "did you mean 'outputs'?"),
    ("macs: 0", "macs: kernel[0]", "a formula knows no 'kernel' here"),
    ("macs: 0", "macs: ch(3)", "a formula knows no 'ch' here"),
    ("macs: 0", "macs: 0\nrules: [{of: convv, macs: 1}]", "did you mean 'conv'?"),
    ("macs: 0", "macs: 0\nrules: [{of: conv, macs: 1}, {of: [fc, conv], macs: 2}]", "'conv' stands in two rules"),
    ("macs: 0", "macs: 0\nrules: [{of: [conv, relu], macs: groups}]", "a formula knows no 'groups' here"),
    ("macs: 0", "macs: 0\nrules: [{of: conv, flops: 1}]", "'flops' has no formula for all other rows"),
    ("macs: 0", "macs: 0\nrules: [{macs: 1}]", "a rule needs 'of'"),
    ("macs: 0", "macs: 0\nrules: {of: conv}", "a list belongs here"),
    ("macs: 0", "macs: 0\nrules: [conv]", "a rule is a mapping"),
    ("macs: 0", "macs: 0\ntool: yes please", "true or false belongs here"),
    ("macs: 0", "macs: 0\nnotes: [[a]]", "a text belongs here"),
    ("macs: 0", "macs: 0", "says nothing of 'conv', which has MACs"),
    ("macs: 0", "macs: macs / 5", "is not a whole number"),
    ("macs: 0", "macs: true", "true is not a whole number"),
    ("macs: 0", "macs: -5", "-5 is no number of operations or parameters"),
    ("macs: 0", "macs: -outputs", "own.yaml:7:7: -outputs gives no number for first (conv): it is -"),
    (
        "macs: 0",
        "macs: macs\nrules: [{of: fc, macs: macs - 41}]",
        "8:24: macs - 41 gives no number for last (fc): it is -",
    ),
    ("params: weights", "params: 10 - weights", "10 - weights gives no number for first (conv): it is -98"),
    ("macs: 0", "macs: [1]", "a formula belongs here"),
    ("macs: 0", "macs: macs // 0", "own.yaml:7:7: macs // 0 gives no number for first (conv)"),
    ("macs: 0", "macs: 0\nrules: [{of: [[conv]], macs: 1}]", "the name of an operator belongs here"),
    ("name: own", "name: thop", "calls itself 'thop', as one of costcalc's own does"),
    (OWN, "- 1", "is no convention"),
]


@pytest.mark.parametrize(("old", "new", "said"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_file_is_told_with_its_place(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in OWN
    with pytest.raises(SpecError) as caught:
        costcalc.count(TINY, convention=own(tmp_path, text=OWN.replace(old, new)))
    assert said in str(caught.value)


ONCE = [
    ("macs: 0", "macs: 0\nmacs: 1", ["'macs' stands here twice"]),
    ("source: a test", "sources: a test", ["'sources' means nothing here"]),
    ("costcalc_convention: 1", "costcalc_convenion: 1", ["'costcalc_convenion' means nothing here"]),
    ("macs: 0", "macs: 0\nrules: [{on: conv, macs: 1}]", ["a rule needs 'of'", "'on' means nothing here"]),  # no hint
    (
        "macs: 0",
        "macs: 0" + "".join(f"\n{k}: 1" for k in range(300)),
        [f"'{k}' means nothing here" for k in range(100)],
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), ONCE, ids=[row[2][0] for row in ONCE])
def test_one_mistake_is_told_once(old: str, new: str, said: list[str], tmp_path: Path) -> None:
    assert old in OWN
    with pytest.raises(SpecError) as caught:
        costcalc.count(TINY, convention=own(tmp_path, text=OWN.replace(old, new)))
    told = [problem.message for problem in caught.value.problems]
    assert len(told) == len(said)
    assert all(message.startswith(start) for message, start in zip(told, said, strict=True))


WIDE = TINY | {"knobs": {"w": 1}, "layers": [{"conv": {"out": "4 * w", "kernel": 3}}, "flatten", {"fc": {"out": 2}}]}
# Of w = 1 the fully connected layer has 4 * 6 * 6 * 2 = 288 products, of w = 2 576.
BELOW = [("macs - 400", "at w 1: macs - 400 gives no number for fc (fc)"), ("macs - 100", ""), ("macs / 2", "")]


@pytest.mark.parametrize(("formula", "said"), BELOW)
def test_a_sweep_counts_nothing_below_zero(formula: str, said: str, tmp_path: Path) -> None:
    text = OWN.replace("macs: 0", f"macs: macs\nrules: [{{of: fc, macs: {formula}}}]")
    rule = own(tmp_path, text=text)
    if said:
        with pytest.raises(SpecError) as caught:
            costcalc.sweep(WIDE, w=[1, 2], convention=rule)
        assert said in str(caught.value)
    else:
        singly = [costcalc.count(WIDE, w=w, convention=rule).operations for w in (1, 2)]
        assert costcalc.sweep(WIDE, w=[1, 2], convention=rule)["operations"].tolist() == singly


def test_a_sweep_follows_a_convention_whose_file_changes(tmp_path: Path) -> None:
    found = []
    for formula in ("macs", "2 * macs"):
        rule = own(tmp_path, text=OWN.replace("macs: 0", f"macs: {formula}"))
        found.append(costcalc.sweep(WIDE, w=[1, 2], convention=rule).iloc[:, -1].tolist())
    assert found[1] == [2 * macs for macs in found[0]]


def test_what_reads_an_unknown_number_is_unknown(tmp_path: Path) -> None:
    spec = TINY | {"layers": [{"opaque": {"shape": [10], "params": 7}}]}
    rule = own(tmp_path, text=OWN.replace("params: weights", "params: weights + macs"))
    assert str(costcalc.count(spec, convention=rule).params) == "unknown"


def test_no_file_and_no_name() -> None:
    with pytest.raises(SpecError, match="there is no such file"):
        conventions.get("none.yaml")
    with pytest.raises(SpecError, match="did you mean 'lecture'"):
        conventions.get("lectur")
    with pytest.raises(SpecError, match="counts MACs only"):
        conventions.get("vgg:flops")
    with pytest.raises(SpecError, match="a convention is a name or a path, not 3"):
        conventions.get(3)  # type: ignore[arg-type]


def test_a_path_may_be_one(tmp_path: Path) -> None:
    assert conventions.get(Path(own(tmp_path))).name == "own"


def test_a_unit_that_contradicts_the_convention_is_refused(run: Run) -> None:
    done = run("report", "mobilenet_v1", "--convention", "costcalc:flops", "--unit", "macs")
    assert "contradict each other" in done.err


def test_unknown_costs_stay_unknown_side_by_side() -> None:
    spec = TINY | {"layers": [*TINY["layers"], {"opaque": {"shape": [10]}}]}
    result = costcalc.count(spec, convention="thop")
    rules = [conventions.get("costcalc"), conventions.get("thop")]
    assert tool_differences.records(result, rules)[-1]["op"] == "opaque"
    assert set(list(tool_differences.records(result, rules)[-1].values())[2:]) == {None}
    assert any("1 row of unknown cost" in line for line in tool_differences.told(result, rules[1]))
    assert "unknown" in tool_differences.table(result, rules).totals


# ---- hashes ---------------------------------------------------------------------------------------------------------


def test_conventions_that_count_alike_have_one_hash(tmp_path: Path) -> None:
    alike = [("weights", "mobilenet"), ("costcalc:flops", "flops")]
    for one, other in alike:
        assert conventions.get(one).stamp == conventions.get(other).stamp
    stamps = {name: conventions.get(name).stamp for name in conventions.names()}
    same = {name for name, stamp in stamps.items() if list(stamps.values()).count(stamp) > 1}
    assert same <= {"weights", "mobilenet", "vgg", "shufflenet-table1"}
    before = conventions.get(own(tmp_path)).stamp
    assert conventions.get(own(tmp_path, "tool: true")).stamp != before  # what the reference has not costs nothing
    assert conventions.get(own(tmp_path, "rules: [{of: relu, macs: 1}]")).stamp != before
    assert conventions.get(own(tmp_path, "rules: [{of: relu, macs: 0}]")).stamp == before
    assert conventions.get(own(tmp_path, "notes: [words change nothing]")).stamp == before


def test_results_of_another_hash_are_not_compared(tmp_path: Path) -> None:
    first = costcalc.count(TINY, convention=own(tmp_path, "rules:", "  - {of: [conv, fc], macs: macs}"))
    second = costcalc.count(TINY, convention=own(tmp_path, "rules:", "  - {of: [conv, fc], macs: 2 * macs}"))
    with pytest.raises(SpecError, match="cannot be compared"):
        costcalc.compare(first, second)


def test_a_table_for_machines_says_what_its_columns_count(run: Run) -> None:
    head = run("conventions", "alexnet", "--only", "costcalc,calflops", "--format", "csv").out.splitlines()[0]
    assert head == "op,rows,costcalc 9c528e MACs,calflops 43b118 FLOPs"


def test_explain_tells_a_layers_parameters_too(run: Run) -> None:
    """64 * 3 * 7 * 7 = 9,408 weights without a bias, 2 * 64 of the norm; an activation has none."""
    out = run("explain", "resnet18", "conv", "--convention", "thop").out
    assert "  thop: weights + biases + norm_params = 9,408 params (weights 9,408, biases 0, norm_params 0)" in out
    assert "= 128 params (weights 0, biases 0, norm_params 128)" in out
    assert out.count("thop: weights") == 2


# ---- what `reference` says ------------------------------------------------------------------------------------------


def test_rows_are_called_as_the_reference_calls_them() -> None:
    calls = {row.name: row.node.call for row in costcalc.count(TINY).rows}
    assert calls == {
        "first": "module", "first/batch_norm": "module", "first/relu": "functional", "dropout": "absent",
        "global_avg_pool": "module", "last": "module",
    }  # fmt: skip


REFERENCES = [
    ("torchvision", "'reference' must be a mapping"),
    ({"from": "torchvision", "functinal": ["*"]}, "did you mean 'functional'?"),
    ({"functional": [1]}, "a pattern of row names belongs here"),
]


@pytest.mark.parametrize(("reference", "said"), REFERENCES, ids=[row[1] for row in REFERENCES])
def test_a_wrong_reference(reference: Any, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        costcalc.load(TINY | {"reference": reference})
    assert said in str(caught.value)


def test_a_pattern_that_names_no_row_is_a_mistake(run: Run, tmp_path: Path) -> None:
    """Rows are named in a variant, or under a truth value turned; the zoo's files are held to it too (`validate`)."""
    text = (
        "costcalc: 1\ninput: [3, 8, 8]\nknobs: {aux: false}\n"
        "reference: {functional: [relu, more], absent: [rleu], held: [pool*]}\n"
        "layers: [relu, {conv: {out: 3, kernel: 1}, name: more, if: aux}]\n"
    )
    (tmp_path / "own.yaml").write_text(text)
    code, _, err = run("validate", str(tmp_path / "own.yaml"))
    assert (code, err.count("names no row")) == (2, 2)
    assert "own.yaml:4:48: 'rleu' names no row" in err
    assert "did you mean 'relu'?" in err
    assert "own.yaml:4:62: 'pool*' names no row" in err
