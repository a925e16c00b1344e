"""Layers that go through a sequence step by step, each step fed by the one before: recurrent layers, their cells."""

from __future__ import annotations

from typing import Any, ClassVar

from costcalc.base.errors import Fault
from costcalc.numbers import num
from costcalc.numbers.shape import listed
from costcalc.operators import UNKNOWN, Dim, Dims, Example, Op, Saved, Shape, flag, integer, word

SIGMOID, TANH = {"exp": 1, "add": 1, "div": 1}, {"mul": 1, "exp": 1, "add": 2, "div": 1}


def _summed(*parts: tuple[int, dict[str, int]]) -> dict[str, int]:
    """Return operations added up, each part so many times."""
    found: dict[str, int] = {}
    for times, part in parts:
        for name, count in part.items():
            found[name] = found.get(name, 0) + times * count
    return found


# What a step does to each of its H numbers, beside its matrix products: their gates, and the operations.
_LSTM = _summed((3, SIGMOID), (2, TANH), (1, {"mul": 3, "add": 1}))  # f * c + i * g, o * tanh(c)
_GRU = _summed((2, SIGMOID), (1, TANH), (1, {"mul": 3, "add": 3}))  # W x + r * (U h), (1 - z) * n + z * h


class Recurrent(Op):
    """What layers of one axis share: of each layer and direction a product with the step's input, one with its state.

    Subclasses say how many `gates` there are, and what each step does beside.
    """

    family = "recurrent"
    axes = (1,)
    gates: ClassVar[int]
    nn: ClassVar[str]  # the class of torch.nn
    states: ClassVar[int] = 1
    reads_all = True
    hidden: Dim = integer("numbers of a step's state, H", symbol="H")
    layers: Dim = integer("layers, each over what the one before gives", 1)
    bidirectional: bool = flag("go through the sequence backwards too, with weights of its own", False)
    bias: bool = flag("two numbers added to each gate, one beside each product, as in PyTorch and cuDNN", True)
    one_bias: bool = flag("one number added to each gate, as Keras has it, not two", False)

    def settle(self) -> None:
        if self.one_bias and not self.bias:
            raise Fault("one_bias has no effect without a bias", "leave out bias: false", field="one_bias")

    @property
    def directions(self) -> int:
        """1, or 2 where the sequence is gone through backwards too."""
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> Dim:
        """How many numbers a direction gives at each step."""
        return self.hidden

    def step(self) -> dict[str, int]:
        """Return the operations of each of a step's H numbers beside its products."""
        raise NotImplementedError

    def kept(self, steps: Dim) -> Dim:
        """Return the numbers that PyTorch keeps of a direction's steps, beside their input."""
        raise NotImplementedError

    def shape(self, x: Shape) -> tuple[Shape, ...]:
        self.spatial(x, 1)
        state = [Shape(self.layers * self.directions, n) for n in (self.width, self.hidden)]
        return (Shape(self.directions * self.width, *x.space), *state[: self.states])

    def entering(self, x: Shape) -> Dim:
        """Return how many numbers enter a step of all layers: of each but the first what all directions give."""
        if num.truth(self.layers == 1):
            return x.c
        return x.c + (self.layers - 1) * self.directions * self.width

    def weights(self, x: Shape, y: tuple[Shape, ...]) -> Dim:
        each = self.gates * self.hidden
        return self.directions * each * (self.entering(x) + self.layers * self.width) + self.projecting()

    def projecting(self) -> Dim:
        """Return the weights of the products that make what a step gives of its state: none, unless it is projected."""
        return 0

    def biases(self, x: Shape, y: tuple[Shape, ...]) -> Dim:
        each = 1 if self.one_bias else 2
        return each * self.layers * self.directions * self.gates * self.hidden if self.bias else 0

    def macs(self, x: Shape, y: tuple[Shape, ...]) -> Dim:
        return x.w * self.weights(x, y)

    def bias_adds(self, x: Shape, y: tuple[Shape, ...]) -> Dim:
        return x.w * self.biases(x, y)

    def elementwise(self, x: Shape, y: tuple[Shape, ...]) -> dict[str, Dim]:
        numbers = x.w * self.layers * self.directions * self.hidden
        return {name: count * numbers for name, count in self.step().items()}

    def saved(self, x: Shape, y: tuple[Shape, ...]) -> Saved:
        """Return what PyTorch's own steps keep: a copy of the input, step by step, for each direction; what follows.

        A fused kernel (oneDNN's, cuDNN's) keeps a workspace of its own size instead.
        """
        once = num.truth(x.w == 1)
        inner = (self.layers - 1) * self.directions * self.width * x.w
        steps = self.layers * self.directions * self.kept(x.w)
        return Saved((0,) if once else (), elements=(0 if once else self.directions * x.size) + inner + steps)

    def scratch(self, x: Shape, y: tuple[Shape, ...]) -> Dim:
        """Return that nobody knows: it depends on which kernel PyTorch finds."""
        return UNKNOWN

    def tensors(self, x: Shape, y: tuple[Shape, ...]) -> Dims:
        given = self.directions * self.width  # enters each layer but the first
        alike = num.truth(self.layers == 1) or num.truth(x.c == given)
        sets = (self.directions * self.layers, 0) if alike else (self.directions, self.layers)
        return (x.c, self.hidden, self.width, self.bias, self.one_bias, *sets)

    def options(self) -> dict[str, Any]:
        """Return what PyTorch's class is told beside what all have."""
        return {}

    def torch(self, torch: Any, x: Shape, y: tuple[Shape, ...]) -> Any:
        module = getattr(torch.nn, self.nn)(
            x.c, self.hidden, self.layers, bias=self.bias, batch_first=True, bidirectional=self.bidirectional,
            **self.options(),
        )  # fmt: skip
        for name in [name for name, _ in module.named_parameters() if self.one_bias and name.startswith("bias_hh")]:
            zeros = torch.zeros_like(getattr(module, name)).detach()
            delattr(module, name)
            setattr(module, name, zeros)

        def given(_: Any, __: Any, result: Any) -> Any:
            out, states = result
            several = states if isinstance(states, tuple) else (states,)
            return (out.movedim(-1, 1), *(state.movedim(1, 0) for state in several))

        module.register_forward_pre_hook(lambda _, given: (given[0].movedim(1, -1),))
        module.register_forward_hook(given)
        return module


class Lstm(Recurrent, kind="lstm"):
    """Long short-term memory over a sequence [C, L]: gives what each step gives, `h` and `c` the last step's states.

    Each layer and direction takes, at each step, 4 * H * (C_i + H) multiply-accumulates: the products of four gates
    with the step's input and with the state before. With a projection the state is of P numbers, and a product of
    P * H more (arXiv:1402.1128). Beside them three sigmoids, two tanh, three multiplications and an addition for each
    of H (Hochreiter & Schmidhuber 1997; PyTorch's equations). What flows on is [directions * H, L].
    """

    gates, nn, states = 4, "LSTM", 2
    results = ("out", "h", "c")
    projection: Dim = integer("numbers of what a step gives, P; 0: all H of its state", 0, least=0)

    def settle(self) -> None:
        super().settle()
        if num.any_of(self.projection >= self.hidden):
            raise Fault(
                f"projection {self.projection} must be below hidden, {self.hidden}",
                "leave it out: a step then gives all of its state",
                field="projection",
            )

    @property
    def width(self) -> Dim:
        return self.projection if num.truth(self.projection > 0) else self.hidden

    def projecting(self) -> Dim:
        return 0 if self.width is self.hidden else self.layers * self.directions * self.projection * self.hidden

    def step(self) -> dict[str, int]:
        return _LSTM

    def kept(self, steps: Dim) -> Dim:
        return (7 * self.hidden + self.projection) * steps

    def options(self) -> dict[str, Any]:
        return {"proj_size": self.projection}

    examples = [
        Example(
            {"hidden": 64},
            (40, 10),
            ((64, 10), (1, 64), (1, 64)),
            "4 * 64 * (40 + 64) weights, used at each of 10 steps; two biases of 4 * 64",
            weights=26624, biases=512, macs=266240, bias_adds=5120,
            elementwise={"exp": 3200, "add": 5120, "div": 3200, "mul": 3200},
        ),
        Example(
            {"hidden": 48, "layers": 3, "bidirectional": True, "bias": False},
            (33, 7),
            ((96, 7), (6, 48), (6, 48)),
            "both directions: 2 * 4 * 48 * ((33 + 48) + 2 * (96 + 48)), at each of 7 steps",
            weights=141696, macs=991872,
        ),
        Example(
            {"hidden": 8, "projection": 3, "bias": False},
            (5, 6),
            ((3, 6), (1, 3), (1, 8)),
            "a state of 3: 4 * 8 * (5 + 3) and 3 * 8",
            weights=280, macs=1680,
        ),
        Example(
            {"hidden": 64, "one_bias": True},
            (40, 10),
            ((64, 10), (1, 64), (1, 64)),
            "Keras': 4 * 64 * (40 + 64) weights, a bias of 4 * 64",
            weights=26624, biases=256, macs=266240, bias_adds=2560,
        ),
    ]  # fmt: skip


class Gru(Recurrent, kind="gru"):
    """Gated recurrent units over a sequence [C, L]: gives what each step gives, and as `h` the last step's state.

    Each layer and direction takes, at each step, 3 * H * (C_i + H) multiply-accumulates, and for each of H two
    sigmoids, a tanh, three multiplications and three additions (Cho et al. 2014, in PyTorch's form: the reset gate is
    applied to the product with the state). What flows on is [directions * H, L].
    """

    gates, nn = 3, "GRU"
    results = ("out", "h")

    def step(self) -> dict[str, int]:
        return _GRU

    def kept(self, steps: Dim) -> Dim:
        return 7 * self.hidden * steps

    examples = [
        Example(
            {"hidden": 64},
            (40, 10),
            ((64, 10), (1, 64)),
            "3 * 64 * (40 + 64) weights, used at each of 10 steps; two biases of 3 * 64",
            weights=19968, biases=384, macs=199680, bias_adds=3840,
            elementwise={"exp": 1920, "add": 4480, "div": 1920, "mul": 2560},
        ),
        Example(
            {"hidden": 800, "layers": 5, "bidirectional": True, "bias": False},
            (1312, 50),
            ((1600, 50), (10, 800)),
            "Deep Speech 2's: 2 * 3 * 800 * ((1312 + 800) + 4 * (1600 + 800)), at each of 50 steps",
            weights=56217600, macs=2810880000,
        ),
    ]  # fmt: skip


class Rnn(Recurrent, kind="rnn"):
    """Plain recurrence over a sequence [C, L], h = tanh(W x + U h): gives each step's state, and as `h` the last.

    Each layer and direction takes, at each step, H * (C_i + H) multiply-accumulates, and a tanh (or a comparison) for
    each of H (Elman 1990). What flows on is [directions * H, L].
    """

    gates, nn = 1, "RNN"
    results = ("out", "h")
    nonlinearity: str = word("what each step ends with", "tanh", ("tanh", "relu"))

    def step(self) -> dict[str, int]:
        return TANH if self.nonlinearity == "tanh" else {"compare": 1}

    def kept(self, steps: Dim) -> Dim:
        return (steps + 1) * self.hidden

    def options(self) -> dict[str, Any]:
        return {"nonlinearity": self.nonlinearity}

    examples = [
        Example(
            {"hidden": 64},
            (40, 10),
            ((64, 10), (1, 64)),
            "64 * (40 + 64) weights, used at each of 10 steps; two biases of 64; 640 tanh",
            weights=6656, biases=128, macs=66560, bias_adds=1280,
            elementwise={"mul": 640, "exp": 640, "add": 1280, "div": 640},
        ),
        Example(
            {"hidden": 48, "layers": 3, "bidirectional": True, "nonlinearity": "relu"},
            (33, 7),
            ((96, 7), (6, 48)),
            "2 * 48 * ((33 + 48) + 2 * (96 + 48)), at each of 7 steps",
            weights=35424, biases=576, macs=247968, bias_adds=4032, elementwise={"compare": 2016},
        ),
    ]  # fmt: skip


class Cell(Op):
    """What the cells share: one step, whose input and state are tensors of channels alone."""

    family = "recurrent"
    gates: ClassVar[int]
    nn: ClassVar[str]
    hidden: Dim = integer("numbers of the state, H", symbol="H")
    bias: bool = flag("two numbers added to each gate, one beside each product", True)

    def refuse_others(self, x: tuple[Shape, ...]) -> None:
        """Raise Fault unless the input has channels alone, and each state is of the cell's size."""
        if any(one.space for one in x) or any(num.any_of(one.c != self.hidden) for one in x[1:]):
            states = " and ".join([f"[{self.hidden}]"] * (len(x) - 1))
            raise Fault(
                f"{self.kind} takes channels only, and then its state, {states}, but the tensors are {listed(x)}",
                f"zeros: {{shape: [{self.hidden}]}} makes a first state",
            )

    def weights(self, x: tuple[Shape, ...], y: Any) -> Dim:
        return self.gates * self.hidden * (x[0].c + self.hidden)

    def biases(self, x: tuple[Shape, ...], y: Any) -> Dim:
        return 2 * self.gates * self.hidden if self.bias else 0

    def macs(self, x: tuple[Shape, ...], y: Any) -> Dim:
        return self.weights(x, y)

    def bias_adds(self, x: tuple[Shape, ...], y: Any) -> Dim:
        return self.biases(x, y)

    def scratch(self, x: tuple[Shape, ...], y: Any) -> Dim:
        """Return the bytes of the products with the input and with the state, 32 bits each."""
        return 4 * 2 * self.gates * self.hidden

    def tensors(self, x: tuple[Shape, ...], y: Any) -> Dims:
        return (x[0].c, self.hidden, self.bias)


class LstmCell(Cell, kind="lstm_cell"):
    """One step of `lstm`: takes its input, [C], and the states `h` and `c`; gives the next `h`, and `c`."""

    gates, nn = 4, "LSTMCell"
    inputs = 3
    results = ("h", "c")

    def shape(self, x: tuple[Shape, Shape, Shape]) -> tuple[Shape, Shape]:
        self.refuse_others(x)
        return Shape(self.hidden), Shape(self.hidden)

    def elementwise(self, x: tuple[Shape, ...], y: Any) -> dict[str, Dim]:
        return {name: count * self.hidden for name, count in _LSTM.items()}

    def saved(self, x: tuple[Shape, ...], y: Any) -> Saved:
        """Return what enters, and of each of H the four gates and the tanh."""
        return Saved((0, 1, 2), elements=5 * self.hidden)

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Any) -> Any:
        cell = torch.nn.LSTMCell(x[0].c, self.hidden, self.bias)
        cell.register_forward_pre_hook(lambda _, given: (given[0], given[1:]))
        return cell

    examples = [
        Example(
            {"hidden": 32},
            ((20,), (32,), (32,)),
            ((32,), (32,)),
            "4 * 32 * (20 + 32) weights, each used once; two biases of 4 * 32",
            weights=6656, biases=256, macs=6656, bias_adds=256,
            elementwise={"exp": 160, "add": 256, "div": 160, "mul": 160},
        ),
    ]  # fmt: skip


class GruCell(Cell, kind="gru_cell"):
    """One step of `gru`: takes its input, [C], and the state; gives the next state."""

    gates, nn = 3, "GRUCell"
    inputs = 2

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        self.refuse_others(x)
        return Shape(self.hidden)

    def elementwise(self, x: tuple[Shape, ...], y: Any) -> dict[str, Dim]:
        return {name: count * self.hidden for name, count in _GRU.items()}

    def saved(self, x: tuple[Shape, ...], y: Any) -> Saved:
        """Return what enters, and of each of H the gates, the product with the state, and the state before."""
        return Saved((0, 1), elements=6 * self.hidden)

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Any) -> Any:
        return torch.nn.GRUCell(x[0].c, self.hidden, self.bias)

    examples = [
        Example(
            {"hidden": 32},
            ((20,), (32,)),
            (32,),
            "3 * 32 * (20 + 32) weights, each used once; two biases of 3 * 32",
            weights=4992, biases=192, macs=4992, bias_adds=192,
            elementwise={"exp": 96, "add": 224, "div": 96, "mul": 128},
        ),
    ]  # fmt: skip


class Scan(Op, kind="scan"):
    """The core of a state-space model: h = a * h + b * x, y = c h at each of L steps, a state of N for each channel.

    It takes x [D, L], a [D, N, L], b [N, L] and c [N, L], all computed before it (Mamba's a is exp of a step's length
    times a learned matrix; arXiv:2312.00752), and gives [D, L]. c h takes L * D * N multiply-accumulates; a * h, b * x
    and their sum are 3 * L * D * N operations on single elements. The state begins with zeros.
    """

    family = "recurrent"
    inputs = 4
    reads_all = True

    def shape(self, x: tuple[Shape, Shape, Shape, Shape]) -> Shape:
        given, decay, inward, outward = x
        self.spatial(given, 1)
        wanted = (given.c, decay.space[0] if decay.space else 0, given.w)
        fits = len(decay.dims) == 3 and all(len(one.dims) == 2 for one in (inward, outward))
        if not fits or any(
            num.any_of(m != n)
            for one, dims in ((decay, wanted), (inward, wanted[1:]), (outward, wanted[1:]))
            for m, n in zip(one.dims, dims, strict=True)
        ):
            raise Fault(
                f"scan takes x [D, L], a [D, N, L], b [N, L] and c [N, L], but the tensors are {listed(x)}",
                "write from: [x, a, b, c] beside it",
            )
        return given

    def states(self, x: tuple[Shape, ...]) -> Dim:
        """Return the numbers of the state at all steps: L * D * N."""
        return x[1].size

    def macs(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        return self.states(x)

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        return {"mul": 2 * self.states(x), "add": self.states(x)}

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Return what enters, and the state before each step and after the last: as a loop keeps it."""
        return Saved((0, 1, 2, 3), elements=self.states(x) + x[1].c * x[1].space[0])

    def scratch(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Return that nobody knows: a fused kernel keeps the state to itself."""
        return UNKNOWN

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        def run(given: Any, decay: Any, inward: Any, outward: Any) -> Any:
            state, found = given.new_zeros(len(given), *x[1].dims[:2]), []
            for step in range(y.w):
                entered = given[:, :, step, None] * inward[:, None, :, step]
                state = decay[..., step] * state + entered
                found.append(torch.matmul(state, outward[:, :, step, None])[..., 0])
            return torch.stack(found, -1)

        return run

    examples = [
        Example(
            {},
            ((8, 6), (8, 4, 6), (4, 6), (4, 6)),
            (8, 6),
            "6 steps of 8 channels with a state of 4 each: 192",
            macs=192, elementwise={"mul": 384, "add": 192},
        ),
    ]  # fmt: skip
