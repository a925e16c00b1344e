"""Every operator against its worked examples, PyTorch, arrays, symbols, and mistakes in its fields."""

from __future__ import annotations

import ast
import csv
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.base.errors import Fault
from costcalc.base.torch_compat import in_steps
from costcalc.numbers import num
from costcalc.numbers.shape import Shape
from costcalc.numbers.symbolic import Symbol, value_of
from costcalc.operators.op import COMPONENTS, Example, Op, operators, role_words

CLASSES = sorted({cls.kind: cls for cls in operators().values()}.items())
OPERATIONS = {"add", "mul", "div", "compare", "exp", "sqrt"}

# Cases that are no use as documentation; counts are compared with PyTorch only.
MORE = [
    ("conv", {"out": 6, "kernel": 3, "groups": 3, "padding": "valid"}, (9, 7, 6), (6, 5, 4)),
    ("conv", {"out": 6, "kernel": 1, "groups": 6, "norm": "batch"}, (6, 4), (6, 4)),
    ("dwconv", {"kernel": 4, "padding": "same"}, (5, 9), (5, 9)),
    ("conv_transpose", {"out": 4, "kernel": 3, "stride": 2, "padding": [1, 0, 0, 1]}, (6, 5, 4), (4, 10, 8)),
    ("conv_transpose", {"out": 4, "kernel": 3, "stride": 2, "padding": [1, 0]}, (6, 5), (4, 10)),
    (
        "conv_transpose",
        {"out": 4, "kernel": 3, "stride": 3, "padding": [1, 0], "output_padding": 2},
        (6, 5),
        (4, 16),
    ),
    ("conv_transpose", {"out": 4, "kernel": 3, "dilation": 2, "padding": "half"}, (6, 5), (4, 5)),
    ("fc", {"out": 3, "per_position": True}, (5,), (3,)),
    ("fc", {"out": 3, "per_position": True, "bias": False}, (5, 4), (3, 4)),
    ("matmul", {}, ((2, 3, 4, 5), (2, 3, 5, 6)), (2, 3, 4, 6)),
    ("max_pool", {"kernel": 3, "stride": 2, "dilation": 2, "padding": "same"}, (3, 9, 9), (3, 5, 5)),
    ("max_pool", {"kernel": 2, "ceil_mode": True}, (3, 1), (3, 1)),
    ("avg_pool", {"kernel": 3, "padding": [1, 0], "count_include_pad": False}, (3, 8), (3, 3)),
    ("global_avg_pool", {}, (3, 4, 5, 6), (3,)),
    ("batch_norm", {}, (3, 4, 5, 6), (3, 4, 5, 6)),
    ("layer_norm", {"over": "all", "affine": False}, (3, 4), (3, 4)),
    ("instance_norm", {}, (3, 4, 5, 6), (3, 4, 5, 6)),
    ("lrn", {"size": 3}, (7,), (7,)),
    ("softmax", {}, (3, 4, 5, 6), (3, 4, 5, 6)),
    ("flatten", {"start": 2}, (3, 4, 5, 6), (3, 4, 30)),
    ("multiply", {}, ((3, 1, 1), (3, 4, 5)), (3, 4, 5)),
    ("multiply", {}, ((3, 4, 1), (3, 1, 5)), (3, 4, 5)),
    ("split", {"parts": 1}, (3,), ((3,),)),
    ("pad", {"padding": [1, 2, 3]}, (3, 4, 5, 6), (3, 6, 9, 12)),
    ("shift", {"kernel": [3, 1], "stride": [1, 2]}, (2, 5, 5), (2, 5, 3)),
]


def shapes(dims: Any) -> Any:
    """Return a Shape, or a tuple of them where several tensors are given."""
    return tuple(shapes(d) for d in dims) if not dims or isinstance(dims[0], tuple) else Shape(*dims)


def each(x: Any) -> tuple[Shape, ...]:
    return x if isinstance(x, tuple) else (x,)


def made(cls: type[Op], fields: dict[str, Any], x: Any) -> Op:
    return cls(len(each(x)[0].space) if x else 0, **fields)


def counts(op: Op, x: Any, y: Any) -> dict[str, Any]:
    return {name: getattr(op, name)(x, y) for name in COMPONENTS}


DOCUMENTED = [
    pytest.param(cls, example, id=f"{kind}-{i}") for kind, cls in CLASSES for i, example in enumerate(cls.examples)
]
EVERY_CASE = DOCUMENTED + [
    pytest.param(operators()[kind], Example(fields, x, y), id=f"{kind}-more{i}")
    for i, (kind, fields, x, y) in enumerate(MORE)
]


@pytest.mark.parametrize(("cls", "example"), DOCUMENTED)
def test_example(cls: type[Op], example: Example) -> None:
    x = shapes(example.x)
    op = made(cls, example.fields, x)
    y = op.shape(x)
    op.check(x, y)
    assert y == shapes(example.y)
    found = counts(op, x, y)
    if "elementwise" not in example.counts:
        del found["elementwise"]
    assert found == {name: example.counts.get(name, 0) for name in found}
    assert all(type(n) is int or n is num.UNKNOWN for name, n in found.items() if name != "elementwise")


@pytest.mark.parametrize(("cls", "example"), EVERY_CASE)
def test_general_rules(cls: type[Op], example: Example) -> None:
    x = shapes(example.x)
    op = made(cls, example.fields, x)
    y = op.shape(x)
    op.check(x, y)
    operations = op.elementwise(x, y)
    assert set(operations) <= OPERATIONS
    assert all(n is num.UNKNOWN if cls.kind == "opaque" else type(n) is int and n >= 0 for n in operations.values())
    assert y == shapes(example.y)
    assert op.type(x).split()[0] in (op.kind, "conv")
    assert op.tensors(x, y) == made(cls, example.fields, x).tensors(x, y)
    assert op.kind in repr(op)


# ---- the second road ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "example"), EVERY_CASE)
def test_torch_twin(cls: type[Op], example: Example) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    x = shapes(example.x)
    op = made(cls, example.fields, x)
    y = op.shape(x)
    module = op.torch(torch, x, y)
    tensors = [torch.rand(2, *shape.dims) for shape in each(x)] or [torch.rand(2, 3)]  # where nothing enters: an image
    with torch.no_grad(), in_steps(torch), FlopCounterMode(display=False) as flops:
        out = module(*tensors)
    out = out if isinstance(out, tuple) else (out,)
    assert [tuple(t.shape) for t in out] == [(2, *shape.dims) for shape in each(y)]
    if op.derived and "macs" in op.counted:
        assert flops.get_total_flops() == 2 * 2 * op.macs(x, y)
    parameters = list(module.parameters()) if isinstance(module, torch.nn.Module) else []
    buffers = list(module.buffers()) if isinstance(module, torch.nn.Module) else []
    learned = op.weights(x, y) + op.biases(x, y) + op.norm_params(x, y)
    assert sum(p.numel() for p in parameters) == learned
    assert sum(b.numel() for b in buffers) == op.buffers(x, y)


def windows(x: Any, op: Any, shape: Shape, y: Shape) -> Any:
    """Yield each output of a one-axis pool with the cells that its window holds, None outside all padding."""
    ((before, after),) = op.pads(shape)
    (n,) = shape.space
    for i in range(y.w):
        at = [i * op.stride[0] - before + t * op.dilation[0] for t in range(op.kernel[0])]
        yield i, [float(x[p]) if 0 <= p < n else (0.0 if -before <= p < n + after else None) for p in at], at


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 12),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.one_of(st.just("same"), st.lists(st.integers(0, 2), min_size=1, max_size=2)),
    ceil=st.booleans(),
    include=st.booleans(),
    maximum=st.booleans(),
)
def test_pools_give_what_the_words_say(
    n: int, kernel: int, stride: int, padding: Any, ceil: bool, include: bool, maximum: bool
) -> None:
    torch = pytest.importorskip("torch")
    fields = {"kernel": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil}
    if not maximum:
        fields["count_include_pad"] = include
    op = made(operators()["max_pool" if maximum else "avg_pool"], fields, shape := Shape(1, n))
    try:
        y = op.shape(shape)
        op.check(shape, y)
    except Fault:
        return
    x = -1 - torch.rand(n)  # below zero, so that a padded zero would win
    out = op.torch(torch, shape, y)(x.reshape(1, 1, n))[0, 0]
    for i, cells, at in windows(x, op, shape, y):
        inside = [c for c, p in zip(cells, at, strict=True) if 0 <= p < n]
        counted = [c for c in cells if c is not None] if include and padding != "same" else inside
        expected = max(inside) if maximum else sum(counted) / len(counted)
        assert float(out[i]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
@pytest.mark.parametrize("padding", ["same", [1, 0, 0, 1], 1])
def test_pools_keep_a_constant_on_two_axes(kind: str, padding: Any) -> None:
    torch = pytest.importorskip("torch")
    shape = Shape(3, 7, 8)
    fields: dict[str, Any] = {"kernel": 3, "stride": 2, "padding": padding}
    op = made(operators()[kind], fields | ({"count_include_pad": False} if kind == "avg_pool" else {}), shape)
    out = op.torch(torch, shape, op.shape(shape))(torch.full((1, 3, 7, 8), -2.0))
    assert torch.allclose(out, torch.tensor(-2.0))


@pytest.mark.parametrize("kernel", [3, 5, [1, 3]])
def test_shift_moves_each_channel_by_an_offset_inside_the_kernel(kernel: Any) -> None:
    torch = pytest.importorskip("torch")
    shape = Shape(30, 9, 8)
    op = made(operators()["shift"], {"kernel": kernel}, shape)
    x = torch.rand(1, *shape.dims)
    moved = op.torch(torch, shape, shape)(x)
    reach = [range(-(k // 2), k // 2 + 1) for k in op.kernel]  # type: ignore[attr-defined]
    seen = set()
    for c in range(shape.c):
        padded = torch.nn.functional.pad(x[0, c], (4, 4, 4, 4))
        matches = [
            (dy, dx)
            for dy, dx in itertools.product(*reach)
            if torch.equal(moved[0, c], padded[4 + dy : 4 + dy + shape.h, 4 + dx : 4 + dx + shape.w])
        ]
        assert len(matches) == 1
        seen.update(matches)
    assert seen == set(itertools.product(*reach))


def test_active_shift_moves_by_its_offset_in_pixels() -> None:
    torch = pytest.importorskip("torch")
    shape = Shape(2, 5, 6)
    module = made(operators()["active_shift"], {}, shape).torch(torch, shape, shape)
    x = torch.rand(3, *shape.dims)
    assert torch.allclose(module(x), x, atol=1e-5)
    with torch.no_grad():
        module.offset[:] = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    moved = module(x)
    assert torch.allclose(moved[:, 0, :-1], x[:, 0, 1:], atol=1e-5)
    assert torch.allclose(moved[:, 1, :, :-2], x[:, 1, :, 2:], atol=1e-5)


def test_crop_is_centred() -> None:
    torch = pytest.importorskip("torch")
    shape = Shape(1, 9, 8)
    op = made(operators()["crop"], {"size": [5, 3]}, shape)
    out = op.torch(torch, shape, op.shape(shape))(torch.arange(72).reshape(1, 1, 9, 8))
    assert out[0, 0, 0, 0] == 2 * 8 + 2
    assert out[0, 0, -1, -1] == 6 * 8 + 4


def test_layer_norm_normalizes_the_channels_of_a_pixel() -> None:
    torch = pytest.importorskip("torch")
    shape = Shape(16, 3, 4)
    out = made(operators()["layer_norm"], {}, shape).torch(torch, shape, shape)(torch.rand(2, *shape.dims))
    assert torch.allclose(out.mean(1), torch.zeros(2, 3, 4), atol=1e-5)


def test_zero_pad_channels_and_slices_take_the_right_channels() -> None:
    torch = pytest.importorskip("torch")
    shape, x = Shape(6, 2), torch.rand(1, 6, 2)
    padded = made(operators()["zero_pad_channels"], {"out": 8}, shape).torch(torch, shape, Shape(8, 2))(x)
    assert torch.equal(padded[:, :6], x)
    assert not padded[:, 6:].any()
    piece = made(operators()["slice"], {"start": 2, "stop": 5}, shape).torch(torch, shape, Shape(3, 2))(x)
    assert torch.equal(piece, x[:, 2:5])
    shuffled = made(operators()["shuffle"], {"groups": 2}, shape).torch(torch, shape, shape)(x)
    assert torch.equal(shuffled, x[:, [0, 3, 1, 4, 2, 5]])


RECURRENT = [
    row
    for row in csv.DictReader((Path(__file__).parents[1] / "data" / "recurrent.csv").read_text().splitlines())
    if row["code"].startswith("nn.")
]


@pytest.mark.parametrize("row", RECURRENT, ids=lambda row: row["name"])
def test_recurrent_layers_cost_what_a_loop_of_their_steps_does(row: dict[str, str]) -> None:
    """The code that was counted, `nn.LSTM(40,64,num_layers=2,bias=False)`, is the operator with these fields."""
    call = ast.parse(row["code"], mode="eval").body
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)
    channels, hidden = (ast.literal_eval(argument) for argument in call.args)
    said = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg != "batch_first"}
    fields = {"layers" if name == "num_layers" else name: value for name, value in said.items()} | {"hidden": hidden}
    steps = int(row["input"].split("x")[row["layout"].index("T") // 2])
    x = Shape(channels, steps)
    op = made(operators()[call.func.attr.lower()], fields, x)
    y = op.shape(x)
    assert op.weights(x, y) + op.biases(x, y) == int(row["params"])
    assert op.macs(x, y) == int(row["macs"])
    assert y[0].c == int(row["output"].split("x")[2])


@pytest.mark.parametrize("masked", [False, True])
def test_a_deformed_convolution_that_is_not_deformed_is_one(masked: bool) -> None:
    torch = pytest.importorskip("torch")
    fields = {"out": 6, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0], "groups": 2, "offset_groups": 2}
    offsets = [Shape(4, 9, 8), Shape(24, 5, 7), Shape(12, 5, 7)][: 3 if masked else 2]
    op = made(operators()["deform_conv"], fields, tuple(offsets))
    module = op.torch(torch, tuple(offsets), op.shape(tuple(offsets))).double()
    torch.nn.init.uniform_(module.weight)
    x = torch.rand(2, 4, 9, 8, dtype=torch.double)
    moved = [torch.zeros(2, 24, 5, 7, dtype=torch.double), torch.ones(2, 12, 5, 7, dtype=torch.double)]
    plain = torch.nn.functional.conv2d(x, module.weight, module.bias, (2, 1), (1, 0), groups=2)
    assert torch.allclose(module(x, *moved[: len(offsets) - 1]), plain)
    # one pixel down and to the right, where all that is read lies inside
    moved[0][:] = 1
    inside = module(x, *moved[: len(offsets) - 1])[:, :, 1:4, :5]
    assert torch.allclose(
        inside, torch.nn.functional.conv2d(x[:, :, 2:, 1:], module.weight, module.bias, (2, 1), groups=2)[:, :, :3, :5]
    )


def test_regions_are_read_where_their_boxes_lie() -> None:
    """Of a map that rises evenly a region's windows have the values at their middles."""
    torch = pytest.importorskip("torch")
    shapes_ = (Shape(2, 12, 16), Shape(4, 3))
    op = made(operators()["roi_align"], {"size": [2, 4]}, shapes_)
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    boxes = torch.tensor([[2.0, 3.0, 4.0], [1.0, 2.0, 5.0], [10.0, 7.0, 12.0], [9.0, 4.0, 6.0]])
    found = op.torch(torch, shapes_, op.shape(shapes_))(torch.stack([rows, columns])[None], boxes[None])[0]
    for k, (left, top, right, bottom) in enumerate(boxes.T.tolist()):
        middles = [
            [low + (high - low) * (i + 0.5) / n - 0.5 for i in range(n)]
            for low, high, n in ((top, bottom, 2), (left, right, 4))
        ]
        assert found[0, :, 0, k].tolist() == pytest.approx(middles[0], abs=1e-4)
        assert found[1, 0, :, k].tolist() == pytest.approx(middles[1], abs=1e-4)


WINDOW = {"max_pool": {"kernel": 2, "stride": [2, 1], "padding": [0, 1]}}
LINES: dict[str, Any] = {"lstm": {"hidden": 256, "bidirectional": True}}
CRNN: dict[str, Any] = {
    "costcalc": 1,
    "knobs": {"width": 100},
    "input": [1, 32, "width"],
    "defaults": {"conv": {"padding": 1, "act": "relu", "bias": True}, "fc": {"per_position": True}},
    "layers": [
        {"conv": {"out": 64, "kernel": 3}}, {"max_pool": {"kernel": 2}},
        {"conv": {"out": 128, "kernel": 3}}, {"max_pool": {"kernel": 2}},
        {"conv": {"out": 256, "kernel": 3, "norm": "batch"}}, {"conv": {"out": 256, "kernel": 3}}, WINDOW,
        {"conv": {"out": 512, "kernel": 3, "norm": "batch"}}, {"conv": {"out": 512, "kernel": 3}}, WINDOW,
        {"conv": {"out": 512, "kernel": 2, "padding": 0, "norm": "batch"}}, {"reshape": {"shape": [512, -1]}},
        LINES, {"fc": {"out": 256}}, LINES, {"fc": {"out": 37}},
    ],
}  # fmt: skip


@pytest.mark.parametrize("width", [100, 256])
def test_a_crnn_costs_what_pytorchs_own_does(width: int) -> None:
    """Shi et al. 2015, arXiv:1507.05717, with two linear layers between: as counted in PyTorch."""
    rows = csv.DictReader((Path(__file__).parents[1] / "data" / "recurrent.csv").read_text().splitlines())
    row = next(row for row in rows if row["name"] == f"crnn_32x{width}")
    found = costcalc.count(CRNN, width=width)
    assert (found.params, found.macs) == (int(row["params"]), int(row["macs"]))
    assert f"{found.rows[-1].node.y.w}x1x37" == row["output"]


# ---- one formula, three kinds of numbers -------------------------------------------------------------


def symbolic(value: Any, name: str = "n") -> Any:
    """Return a field's value with its whole numbers made symbols."""
    if type(value) is int:
        return Symbol(value, name)
    if isinstance(value, tuple):
        return tuple(symbolic(v, name) for v in value)
    return value


@pytest.mark.parametrize(("cls", "example"), EVERY_CASE)
@pytest.mark.parametrize("with_fields", [False, True])
def test_symbols_count_as_ints_do(cls: type[Op], example: Example, with_fields: bool) -> None:
    x = shapes(example.x)
    op = made(cls, example.fields, x)
    y = op.shape(x)
    plain = counts(op, x, y)
    named = tuple(Shape(*(Symbol(d, "abcde"[i]) for i, d in enumerate(one.dims))) for one in each(x))
    given = named if isinstance(x, tuple) else named[0]
    if with_fields:
        op.__dict__.update({name: symbolic(value, name) for name, value in vars(op).items()})
    out = op.shape(given)
    op.check(given, out)
    assert [[value_of(d) for d in one.dims] for one in each(out)] == [list(one.dims) for one in each(y)]
    for name, value in counts(op, given, out).items():
        plainly = {k: value_of(n) for k, n in value.items()} if name == "elementwise" else value_of(value)
        assert plainly == plain[name]
    op.type(given)


CHANNELS = np.array([[1], [2], [3]])
PIXELS = {"more": lambda n: n + np.array([[0, 1, 2]]), "times": lambda n: n * np.array([[1, 2, 3]])}


def swept(example: Example, pixels: Any) -> Any:
    """Return the input with channels along the first axis of an array, all else along the second."""
    first = each(shapes(example.x))[0].c

    def one(dims: Any) -> Shape:
        return Shape(*(d * CHANNELS if d == first else pixels(d) for d in dims))

    return tuple(one(d) for d in example.x) if isinstance(example.x[0], tuple) else one(example.x)


def at(value: Any, i: int, j: int) -> Any:
    """Return one element of an array (broadcast), tuple, Shape or dict of them, as plain ints."""
    if isinstance(value, Shape):
        return Shape(*(at(d, i, j) for d in value.dims))
    if isinstance(value, tuple):
        return tuple(at(v, i, j) for v in value)
    if isinstance(value, dict):
        return {k: at(v, i, j) for k, v in value.items()}
    return value if value is num.UNKNOWN else int(np.broadcast_to(value, (3, 3))[i, j])


def rules(cls: type[Op], fields: dict[str, Any], x: Any) -> tuple[Any, dict[str, Any]] | None:
    """Return the shape and the counts, None for a Fault."""
    try:
        op = made(cls, fields, x)
        y = op.shape(x)
        op.check(x, y)
    except Fault:
        return None
    return y, counts(op, x, y)


def agree(cls: type[Op], example: Example, pixels: Any) -> bool:
    """Compare an array run with nine int runs; say whether all of them gave a result."""
    x = swept(example, pixels)
    swell = [name for name, field in cls.fields.items() if field.symbol == "C_o"]
    whole = rules(cls, example.fields | {name: example.fields[name] * CHANNELS for name in swell}, x)
    singles = {
        (i, j): rules(cls, example.fields | {name: example.fields[name] * (i + 1) for name in swell}, at(x, i, j))
        for i in range(3)
        for j in range(3)
    }
    assert (whole is None) == any(single is None for single in singles.values())
    if whole is not None:
        for (i, j), single in singles.items():
            assert (at(whole[0], i, j), at(whole[1], i, j)) == single
    return whole is not None


# Their examples state the size of what comes out, or of a state (or the kernel is a tensor): no other input fits.
OF_ONE_SIZE = {
    "broadcast_to", "deform_conv", "dynamic_conv", "fold", "grid_sample", "gru_cell", "lstm_cell", "roi_align",
    "roi_pool",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "cls"), [case for case in CLASSES if case[1].inputs != 0])
def test_arrays_count_as_ints_do(kind: str, cls: type[Op]) -> None:
    cases = [*cls.examples, *(Example(f, x, y) for k, f, x, y in MORE if k == kind)]
    whole = [agree(cls, case, pixels) for case in cases for pixels in PIXELS.values()]
    assert any(whole) != (kind in OF_ONE_SIZE)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_drawn_fields_agree_between_arrays_and_ints(data: Any) -> None:
    kind = data.draw(
        st.sampled_from(["conv", "dwconv", "conv_transpose", "max_pool", "avg_pool", "subsample", "shift"])
    )
    cls = operators()[kind]
    small = st.integers(1, 4)
    fields = {name: data.draw(small) for name in ("kernel", "stride", "dilation") if name in cls.fields}
    if "padding" in cls.fields:
        words = sorted(cls.fields["padding"].words)
        fields["padding"] = data.draw(st.one_of(st.integers(0, 2), st.sampled_from(words)))
    if "ceil_mode" in cls.fields:
        fields["ceil_mode"] = data.draw(st.booleans())
    if "out" in cls.fields:
        fields["out"] = 2 * data.draw(small)
    dims = data.draw(st.tuples(small, st.integers(5, 15), st.integers(5, 15)))
    agree(cls, Example(fields, dims, dims), PIXELS["more"])


def test_a_sweep_splits_where_the_structure_changes() -> None:
    with pytest.raises(num.Mixed):
        made(operators()["flatten"], {"start": np.array([0, 1])}, Shape(3, 4)).shape(Shape(3, 4))
    with pytest.raises(num.Mixed):
        made(operators()["split"], {"parts": np.array([1, 2])}, Shape(4)).shape(Shape(4))


# ---- what is declared --------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "cls"), CLASSES)
def test_every_operator_is_documented(kind: str, cls: type[Op]) -> None:
    first, *rest = (cls.__doc__ or "").strip().splitlines()
    assert first.endswith((".", "..."))
    assert not rest or not rest[0].strip()
    assert cls.examples
    assert all(example.note for example in cls.examples)
    assert all(field.doc and not field.doc.endswith(".") for field in cls.fields.values())
    assert all(name == field.name for name, field in cls.fields.items())
    assert all(set(example.fields) <= set(cls.fields) for example in cls.examples)
    assert all(set(example.counts) <= set(COMPONENTS) for example in cls.examples)
    shown = {name for example in cls.examples for name in example.counts}
    assert set(cls.counted) <= shown | {"elementwise"}


def test_the_words_that_follow_a_layer() -> None:
    assert role_words("norm") == {
        "batch": "batch_norm", "group": "group_norm", "instance": "instance_norm", "layer": "layer_norm",
        "rms": "rms_norm",
    }  # fmt: skip
    assert set(role_words("act")) == {
        "celu",
        "elu",
        "gelu",
        "hard_sigmoid",
        "hard_swish",
        "hard_tanh",
        "leaky_relu",
        "log_sigmoid",
        "log_softmax",
        "mish",
        "prelu",
        "relu",
        "relu6",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "softsign",
        "swish",
        "tanh",
    }
    assert role_words("act")["silu"] == "swish"


# ---- mistakes ----------------------------------------------------------------------------------------

FAULTS: list[tuple[str, dict[str, Any], Any, str]] = [
    ("conv", {"kernel": 3}, (3, 8, 8), "conv needs 'out' (output channels, C_o)"),
    ("conv", {"out": 2.5, "kernel": 3}, (3, 8, 8), "out: 2.5 is not a whole number"),
    ("conv", {"out": 0, "kernel": 3}, (3, 8, 8), "out: must be at least 1, not 0"),
    (
        "conv",
        {"out": 4, "kernel": [3, 3]},
        (3, 8),
        "kernel: 2 numbers given, but the input has 1 spatial axis",
    ),
    (
        "conv",
        {"out": 4, "kernel": 2, "padding": "half"},
        (3, 8, 8),
        "padding half needs an odd kernel, and this one spans 2",
    ),
    ("conv", {"out": 4, "kernel": 3, "padding": "smae"}, (3, 8, 8), "padding: 'smae' is not a padding"),
    (
        "conv",
        {"out": 4, "kernel": 3, "padding": [1, 2, 3]},
        (3, 8, 8),
        "padding: 3 numbers given, but the input has 2 spatial axes",
    ),
    (
        "conv",
        {"out": 6, "kernel": 1, "groups": 3},
        (32, 8, 8),
        "32 input channels can't be split into 3 groups",
    ),
    (
        "conv",
        {"out": 8, "kernel": 1, "groups": 3},
        (6, 8, 8),
        "8 output channels can't be split into 3 groups",
    ),
    ("conv", {"out": 4, "kernel": 7}, (3, 5, 9), "a window of 7 does not fit into 5"),
    (
        "conv",
        {"out": 4, "kernel": 7, "padding": [0, 1, 0, 0]},
        (3, 5, 9),
        "a window of 7 does not fit into 5 + 0 + 1 of padding",
    ),
    ("conv", {"out": 4, "kernel": 1}, (3,), "conv takes 1, 2 or 3 spatial axes, but the input is 3"),
    (
        "conv_transpose",
        {"out": 4, "kernel": 1, "padding": 4},
        (3, 8, 8),
        "the padding cuts the whole output away",
    ),
    (
        "conv_transpose",
        {"out": 4, "kernel": 2, "stride": 2, "output_padding": 2},
        (3, 8, 8),
        "output_padding 2 must be smaller than the stride 2 or the dilation 1",
    ),
    (
        "conv_transpose",
        {"out": 4, "kernel": 2, "padding": "same"},
        (3, 8, 8),
        "padding: 'same' is not a padding",
    ),
    ("fc", {"out": 10}, (512, 7, 7), "fc takes channels only, but the input is 512x7x7"),
    ("fc", {"out": 10, "bias": "yes"}, (512,), "bias: 'yes' is neither true nor false"),
    ("fc", {"out": 10, "act": 3}, (512,), "act: 3 is no act"),
    ("matmul", {}, ((4,), (4,)), "matmul takes two tensors of equally many axes, two or more, not 4 and 4"),
    (
        "matmul",
        {},
        ((4, 5), (2, 4, 5)),
        "matmul takes two tensors of equally many axes, two or more, not 4x5 and 2x4x5",
    ),
    ("matmul", {}, ((4, 5), (6, 7)), "matmul of 4x5 and 6x7: the inner sizes 5 and 6 differ"),
    ("matmul", {}, ((2, 4, 5), (3, 5, 6)), "matmul of 2x4x5 and 3x5x6: the leading axes differ"),
    ("max_pool", {"kernel": 3, "padding": 2}, (8, 9, 9), "padding 2 is more than half of the kernel 3"),
    ("max_pool", {"kernel": 3}, (8, 2, 2), "a window of 3 does not fit into 2"),
    (
        "max_pool",
        {"kernel": 5, "ceil_mode": True, "stride": 2},
        (8, 2, 2),
        "a window of 5 does not fit into 2",
    ),
    (
        "avg_pool",
        {"kernel": 2, "padding": [0, 2]},
        (8, 9, 9),
        "padding 2 is more than half of the kernel 2",
    ),
    ("avg_pool", {"kernel": 2}, (8, 2, 2, 2, 2), "avg_pool takes 1, 2 or 3 spatial axes, but the input is 8x2x2x2x2"),
    ("global_avg_pool", {}, (64,), "global_avg_pool takes space away, but the input has none: 64"),
    ("global_max_pool", {}, (64,), "global_max_pool takes space away, but the input has none: 64"),
    (
        "adaptive_avg_pool",
        {"size": 1},
        (64,),
        "adaptive_avg_pool takes 1, 2 or 3 spatial axes, but the input is 64",
    ),
    (
        "adaptive_max_pool",
        {"size": [1, 2]},
        (64, 9),
        "size: 2 numbers given, but the input has 1 spatial axis",
    ),
    ("group_norm", {}, (48, 8, 8), "48 channels can't be split into 32 groups"),
    ("instance_norm", {}, (64,), "instance_norm normalizes over space, but the input has none: 64"),
    ("layer_norm", {"over": "pixels"}, (64, 8), "over: 'pixels' is not known here"),
    ("lrn", {"size": 0}, (64, 8), "size: must be at least 1, not 0"),
    ("lrn", {"over": "space", "size": 4}, (64, 8), "lrn over space needs an odd size, not 4"),
    ("lrn", {"over": "space"}, (64,), "lrn takes 1, 2 or 3 spatial axes, but the input is 64"),
    ("leaky_relu", {"slope": "steep"}, (8,), "slope: 'steep' is not a number"),
    ("prelu", {"per_channel": 1}, (8,), "per_channel: 1 is neither true nor false"),
    ("dropout", {"p": 1.5}, (8,), "p: 1.5 is not between 0 and 1"),
    ("dropout", {"p": True}, (8,), "p: true is not a number"),
    ("flatten", {"start": 3}, (8, 4, 4), "start 3 is past the last axis of 8x4x4: 2"),
    ("flatten", {"start": -1}, (8, 4, 4), "start: must be at least 0, not -1"),
    ("shuffle", {"groups": 3}, (64, 8, 8), "64 channels can't be split into 3 groups"),
    ("slice", {"start": 16, "stop": 40}, (32, 8, 8), "slice up to 40, but the input has 32 channels"),
    ("slice", {"start": 8, "stop": 8}, (32, 8, 8), "slice from 8 up to 8 takes none of 32 channels"),
    ("slice", {"start": 32}, (32, 8, 8), "slice from 32 up to 32 takes none of 32 channels"),
    ("split", {}, (32,), "split needs 'parts' or 'sizes', and has neither"),
    ("split", {"parts": 2, "sizes": [16, 16]}, (32,), "split needs 'parts' or 'sizes', and has both"),
    ("split", {"parts": 3}, (32,), "32 channels can't be split into 3 equal parts"),
    ("split", {"sizes": [8, 16]}, (32,), "the sizes sum to 24, but the input has 32 channels"),
    ("split", {"parts": 2048}, (4096,), "parts: at most 1,024 are taken, not 2048"),
    ("split", {"sizes": []}, (32,), "sizes: a list of 0 is not a list of whole numbers"),
    ("transpose", {}, (32,), "transpose needs two axes, but the input is 32"),
    ("upsample", {}, (8, 4, 4), "upsample needs 'scale' or 'size', and has neither"),
    ("upsample", {"scale": 2, "size": 8}, (8, 4, 4), "upsample needs 'scale' or 'size', and has both"),
    (
        "upsample",
        {"scale": 2, "mode": "bilinear"},
        (8, 4),
        "bilinear is over 2 spatial axes, but the input is 8x4",
    ),
    (
        "upsample",
        {"scale": 2, "mode": "linear"},
        (8, 4, 4),
        "linear is over 1 spatial axis, but the input is 8x4x4",
    ),
    (
        "upsample",
        {"scale": 2, "mode": "trilinear"},
        (8, 4, 4),
        "trilinear is over 3 spatial axes, but the input is 8x4x4",
    ),
    ("upsample", {"scale": 2}, (8,), "upsample takes 1, 2 or 3 spatial axes, but the input is 8"),
    ("conv", {"out": 4, "kernel": 1}, (3, 2, 2, 2, 2), "conv takes 1, 2 or 3 spatial axes, but the input is 3x2x2x2x2"),
    ("conv", {"out": 4, "kernel": [3, 3]}, (3, 4, 4, 4), "kernel: 2 numbers given, but the input has 3 spatial axes"),
    ("conv", {"out": 4, "kernel": [3, 1, 1]}, (3, 2, 4, 4), "a window of 3 does not fit into 2"),
    ("unfold", {"kernel": 2}, (3, 4, 4, 4), "unfold takes 2 spatial axes, but the input is 3x4x4x4"),
    ("space_to_depth", {"scale": 2}, (3, 4, 4, 4), "space_to_depth takes 2 spatial axes, but the input is 3x4x4x4"),
    (
        "concat",
        {},
        ((4, 4, 8, 8), (4, 2, 8, 8)),
        "concat needs equal lengths of all axes but 0, but the branches give 4x4x8x8 and 4x2x8x8",
    ),
    ("upsample", {"scale": 2, "mode": "bilinar"}, (8, 4, 4), "mode: 'bilinar' is not known here"),
    ("upsample", {"scale": 1.5}, (8, 4, 4), "scale: 1.5 is not a whole number"),
    ("pixel_shuffle", {"scale": 2}, (6, 4, 4), "6 channels are not a multiple of 4"),
    ("pixel_shuffle", {"scale": 2}, (8, 4), "pixel_shuffle takes 2 spatial axes, but the input is 8x4"),
    ("space_to_depth", {"scale": 2}, (8, 4, 5), "5 columns are not a multiple of 2"),
    ("space_to_depth", {"scale": 2}, (8, 3, 4), "3 rows are not a multiple of 2"),
    (
        "pad",
        {},
        (8, 4, 4),
        "pad needs 'padding' (pixels: a number, one an axis, or [top, bottom, left, right])",
    ),
    ("pad", {"padding": "same"}, (8, 4, 4), "padding: 'same' is not a padding"),
    ("pad", {"padding": 1}, (8,), "pad takes 1, 2 or 3 spatial axes, but the input is 8"),
    ("crop", {}, (8, 4, 4), "crop needs 'size' or 'border', and has neither"),
    ("crop", {"size": 6}, (8, 4, 9), "a crop to 6 is larger than the input's 4"),
    ("crop", {"border": 2}, (8, 4, 9), "a border of 2 and 2 leaves nothing of 4"),
    ("crop", {"size": 2}, (8,), "crop takes 1, 2 or 3 spatial axes, but the input is 8"),
    ("zero_pad_channels", {"out": 16}, (32, 8, 8), "out 16 is below the input's 32 channels"),
    ("subsample", {"stride": 2}, (8,), "subsample takes 1, 2 or 3 spatial axes, but the input is 8"),
    ("shift", {"kernel": 2}, (8, 4, 4), "shift needs an odd kernel, not 2"),
    ("active_shift", {}, (8, 4), "active_shift takes 2 spatial axes, but the input is 8x4"),
    (
        "add",
        {},
        ((64, 56, 56), (256, 56, 56)),
        "add needs equal shapes, but the branches give 64x56x56 and 256x56x56",
    ),
    ("add", {}, ((64,),), "add needs two or more branches, and has 1"),
    ("add", {}, ((64, 56, 56), (32,)), "add needs equal shapes, but the branches give 64x56x56 and 32"),
    ("add", {"broadcast": False}, ((64, 7, 7), (64,)), "add needs equal shapes, but the branches give 64x7x7 and 64"),
    (
        "concat",
        {},
        ((64, 56, 56), (64, 28, 28)),
        "concat needs equal height and width, but the branches give 64x56x56 and 64x28x28",
    ),
    (
        "concat",
        {},
        ((64, 56, 56), (64,)),
        "concat needs equal height and width, but the branches give 64x56x56 and 64",
    ),
    (
        "multiply",
        {},
        ((64, 56, 56), (32,)),
        "multiply needs equal shapes or a gate of [C] or [1, H, W], but the branches give 64x56x56 and 32",
    ),
    (
        "multiply",
        {},
        ((64, 56, 56), (64, 28, 28)),
        "multiply needs equal shapes or a gate of [C] or [1, H, W], but the branches give 64x56x56 and 64x28x28",
    ),
    (
        "multiply",
        {},
        ((64, 56), (64, 28, 28)),
        "multiply needs equal shapes or a gate of [C] or [1, H, W], but the branches give 64x56 and 64x28x28",
    ),
    ("multiply", {}, ((64, 8),), "multiply needs two or more branches, and has 1"),
    ("custom", {"shape": [0]}, (8,), "shape: must be at least 1, not 0"),
    ("custom", {"params": -1}, (8,), "params: must be at least 0, not -1"),
    ("custom", {"macs": "many"}, (8,), "macs: 'many' is not a whole number"),
    (
        "add",
        {"broadcast": True},
        ((8, 4), (8, 5)),
        "add needs equal shapes, but the branches give 8x4 and 8x5",
    ),
    (
        "subtract",
        {},
        ((8, 4), (9, 4)),
        "subtract needs equal shapes or a gate of [C] or [1, H, W], but the branches give 8x4 and 9x4",
    ),
    ("maximum", {}, ((8,),), "maximum needs two or more branches, and has 1"),
    (
        "concat",
        {"axis": 1},
        ((8, 4), (8,)),
        "concat needs equal lengths of all axes but 1, but the branches give 8x4 and 8",
    ),
    ("concat", {"axis": 2}, ((8, 4), (8, 4)), "axis 2 is past the last axis of 8x4: 1"),
    ("hard_tanh", {"least": 0, "most": 0}, (8,), "hard_tanh: least 0 is not below most 0"),
    ("celu", {"alpha": 0}, (8,), "celu divides by alpha, which is 0"),
    ("softmax", {"axis": 2}, (8, 4), "axis 2 is past the last axis of 8x4: 1"),
    ("lstm", {"hidden": 4}, (3, 8, 8), "lstm takes 1 spatial axis, but the input is 3x8x8"),
    ("lstm", {"hidden": 4, "projection": 4}, (3, 8), "projection 4 must be below hidden, 4"),
    ("rnn", {"hidden": 4, "nonlinearity": "sigmoid"}, (3, 8), "nonlinearity: 'sigmoid' is not known here"),
    (
        "lstm_cell",
        {"hidden": 4},
        ((3,), (4,), (5,)),
        "lstm_cell takes channels only, and then its state, [4] and [4], but the tensors are 3, 4, 5",
    ),
    (
        "gru_cell",
        {"hidden": 4},
        ((3, 2), (4,)),
        "gru_cell takes channels only, and then its state, [4], but the tensors are 3x2, 4",
    ),
    ("compare", {}, ((8,),), "compare takes two tensors, or one and a number, not 1"),
    ("compare", {"by": 0}, ((8,), (8,)), "compare takes two tensors, or one and a number, not 2 and one"),
    ("compare", {"op": "above"}, ((8,), (8,)), "op: 'above' is not known here"),
    ("where", {}, ((8,), (8,)), "where takes a condition and two tensors, or one and a number, not 2 tensors"),
    (
        "where",
        {"otherwise": 0},
        ((8,), (8,), (8,)),
        "where takes a condition and two tensors, or one and a number, not 3 tensors and a number",
    ),
    (
        "where",
        {},
        ((8, 4), (8, 5), (8, 4)),
        "where needs equal shapes or a gate of [C] or [1, H, W], but the branches give 8x4 and 8x5",
    ),
    ("argmax", {"axis": 2}, (8, 4), "axis 2 is past the last axis of 8x4: 1"),
    ("topk", {"count": 9}, (8, 4), "count 9 is more than the 8 there are"),
    ("cumsum", {"axis": 2}, (8, 4), "axis 2 is past the last axis of 8x4: 1"),
    ("einsum", {}, ((8, 4),), "einsum needs 'equation' (letters of each tensor's axes, of the result's: hik,hkj->hij)"),
    (
        "einsum",
        {"equation": "ij,jk,kl->il"},
        ((8, 4), (4, 4), (4, 4)),
        "equation: 'ij,jk,kl->il' is none of one or two tensors, each letter once in each",
    ),
    ("einsum", {"equation": "ij,jk->ik"}, ((8, 4), (5, 4)), "einsum ij,jk->ik: 'j' is 4 and 5"),
    ("einsum", {"equation": "ij,jk->ik"}, ((8, 4),), "einsum ij,jk->ik takes 2 tensors, and has 1"),
    ("einsum", {"equation": "ijk->ij"}, ((8, 4),), "einsum ijk->ij: 'ijk' has 3 axes, and the tensor is 8x4"),
    (
        "scan",
        {},
        ((8, 6), (8, 4, 6), (4, 6), (5, 6)),
        "scan takes x [D, L], a [D, N, L], b [N, L] and c [N, L], but the tensors are 8x6, 8x4x6, 4x6, 5x6",
    ),
    (
        "grid_sample",
        {},
        ((3, 8, 8), (8, 8, 2)),
        "grid_sample takes a map and a grid of [2, height, width], not 3x8x8, 8x8x2",
    ),
    ("roi_align", {"size": 7}, ((3, 8, 8), (5, 4)), "roi_align takes a map and boxes of [4, regions], not 3x8x8, 5x4"),
    ("roi_align", {"size": 7, "ratio": 0}, ((3, 8, 8), (4, 5)), "ratio: must be at least 1, not 0"),
    ("roi_pool", {"size": 7}, ((3, 8), (4, 5)), "roi_pool takes 2 spatial axes, but the input is 3x8"),
    (
        "deform_conv",
        {"out": 4, "kernel": 3},
        ((8, 8, 8),),
        "deform_conv takes a map and offsets, or these and a mask, not 1 tensors",
    ),
    (
        "deform_conv",
        {"out": 4, "kernel": 3},
        ((8, 8, 8), (9, 6, 6)),
        "deform_conv over 8x8x8 takes offsets of 18x6x6, not 9x6x6",
    ),
    (
        "deform_conv",
        {"out": 4, "kernel": 3},
        ((8, 8, 8), (18, 6, 6), (18, 6, 6)),
        "deform_conv over 8x8x8 takes a mask of 9x6x6, not 18x6x6",
    ),
    (
        "deform_conv",
        {"out": 4, "kernel": 1, "offset_groups": 3},
        ((8, 8, 8), (6, 8, 8)),
        "8 input channels can't be split into 3 groups",
    ),
    ("lookup", {"axis": 1}, ((8,), (4,)), "axis 1 is past the last axis of 8: 0"),
    ("glu", {}, (7,), "glu takes two halves, but axis 0 of 7 has 7 elements"),
    ("reshape", {"shape": [3, -1]}, (8, 4), "8x4 has 32 elements, which can't be 3x?"),
    ("reshape", {"shape": [5, 4]}, (8, 4), "8x4 has 32 elements, which can't be 5x4"),
    ("reshape", {"shape": [-1, -1]}, (8, 4), "shape: only one entry can be -1"),
    ("reshape", {"shape": [0, 4]}, (8, 4), "shape: an axis has at least one element"),
    ("permute", {"axes": [0, 0]}, (8, 4), "axes: each of the 2 axes of 8x4 must be named once"),
    ("roll", {"by": [1], "axes": [0, 1]}, (8, 4), "roll has 1 numbers in 'by' and 2 in 'axes'"),
    ("flip", {"axes": [0, 0]}, (8, 4), "axes: an axis is named twice"),
    ("broadcast_to", {"shape": [8, 9]}, (8, 4), "8x4 can't be expanded to 8x9"),
    ("fold", {"size": [4], "kernel": [2, 2]}, (8, 9), "size: two numbers are needed, height and width"),
    (
        "fold",
        {"size": [4, 4], "kernel": [2, 2]},
        (8, 5),
        "fold needs 9 columns of a multiple of 4 numbers, but the input is 8x5",
    ),
    ("arithmetic", {"op": "power"}, (8,), "arithmetic: 'power' needs a number"),
    ("arithmetic", {"op": "sqrt", "by": 2}, (8,), "arithmetic: 'sqrt' takes no number"),
    ("reduce_axes", {"axes": [0, 0]}, (8, 4), "axes: an axis is named twice"),
    ("pad", {"padding": 4, "mode": "reflect"}, (3, 4, 9), "reflect padding of 4 is more than 4 pixels give"),
    ("pad", {"padding": 5, "mode": "circular"}, (3, 4, 9), "circular padding of 5 is more than 4 pixels give"),
    (
        "dynamic_conv",
        {"kernel": 3},
        ((4, 8, 8), (8, 4, 2, 2)),
        "dynamic_conv over 4x8x8 takes weights of 8x4x3x3, not 8x4x2x2",
    ),
    (
        "dynamic_conv",
        {"kernel": 3, "groups": 3},
        ((4, 8, 8), (8, 4, 3, 3)),
        "4 input channels can't be split into 3 groups",
    ),
    (
        "attention",
        {},
        ((4, 8), (5, 7), (5, 8)),
        "attention of 4x8, 5x7, 5x8: queries and keys differ in more than their number",
    ),
    ("attention", {}, ((4, 8), (5, 8), (6, 8)), "attention of 4x8, 5x8, 6x8: there must be a value for each key"),
    (
        "attention",
        {},
        ((8,), (8,), (8,)),
        "attention takes three tensors of equally many axes, two or more, not 8, 8, 8",
    ),
    ("split", {"parts": 3, "axis": 1}, (6, 8), "8 elements on axis 1 can't be split into 3 equal parts"),
    ("slice", {"axis": 1, "stop": 9}, (6, 8), "slice up to 9, but the input has 8 elements on axis 1"),
]


@pytest.mark.parametrize(("kind", "fields", "x", "message"), FAULTS)
def test_fault(kind: str, fields: dict[str, Any], x: Any, message: str) -> None:
    with pytest.raises(Fault) as caught:
        op = made(operators()[kind], fields, shapes(x))
        op.check(shapes(x), op.shape(shapes(x)))
    assert caught.value.message == message
    assert caught.value.field in ("", *operators()[kind].fields)


def test_a_join_of_nothing_is_a_fault() -> None:
    with pytest.raises(Fault, match="concat needs at least one branch"):
        operators()["concat"]().shape(())
