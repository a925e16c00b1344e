"""Activations. Each states its operations an element (N elements), as one would write it by hand."""

from __future__ import annotations

from typing import Any, ClassVar

from costcalc.numbers import num
from costcalc.operators import FOLDED, INPLACE, Dim, Example, Fault, Op, Saved, Shape, flag, real


class Activation(Op):
    """What activations share: any shape, unchanged; they may stand in `act:`."""

    family = "activation"
    stores = FOLDED
    keeps = Saved((0,))
    is_act = True
    per_element: ClassVar[dict[str, int]] = {}  # its operations on each element
    module: ClassVar[str] = ""  # its class in torch.nn, which takes its numbers in their order

    def elementwise(self, x: Shape, y: Shape) -> dict[str, Dim]:
        return {operation: count * x.size for operation, count in self.per_element.items()}

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        numbers = (getattr(self, field.attr) for name, field in self.fields.items() if name != "inplace")
        return getattr(torch.nn, self.module)(*numbers)


class InPlace(Activation):
    """What activations share whose module in PyTorch has an `inplace`."""

    inplace: bool = flag("write over the input, as PyTorch's module does with inplace=True", True)
    keeps_result = False  # whether PyTorch then keeps the result; else it keeps a copy of the input, as large

    def storage(self, x: Shape, y: Shape) -> str:
        return INPLACE if self.inplace else FOLDED

    def saved(self, x: Shape, y: Shape) -> Saved:
        return Saved(result=True) if self.inplace and self.keeps_result else self.keeps


class Relu(InPlace, kind="relu"):
    """Rectifier, max(x, 0): one comparison an element."""

    keeps = Saved(result=True)
    per_element = {"compare": 1}
    module = "ReLU"

    examples = [
        Example({}, (32, 112, 112), (32, 112, 112), "one comparison an element", elementwise={"compare": 401408})
    ]


class Relu6(InPlace, kind="relu6"):
    """Rectifier with a ceiling, min(max(x, 0), 6): two comparisons an element."""

    per_element = {"compare": 2}
    module = "ReLU6"

    examples = [Example({}, (8, 4, 4), (8, 4, 4), "2 * 8 * 4 * 4", elementwise={"compare": 256})]


class LeakyRelu(InPlace, kind="leaky_relu"):
    """Rectifier with a slope below zero, max(x, slope * x): a comparison and a multiplication an element."""

    per_element = {"compare": 1, "mul": 1}
    module = "LeakyReLU"
    keeps_result = True
    slope: float = real("slope below zero", 0.01)

    examples = [
        Example(
            {"slope": 0.1},
            (32, 13, 13),
            (32, 13, 13),
            "Darknet: 32 * 13 * 13 = 5,408 elements",
            elementwise={"compare": 5408, "mul": 5408},
        )
    ]


class PRelu(Activation, kind="prelu"):
    """Rectifier with a learned slope below zero: one for all channels, or one for each.

    A comparison and a multiplication an element.
    """

    per_element = {"compare": 1, "mul": 1}
    per_channel: bool = flag("learn a slope for each channel", False)

    def norm_params(self, x: Shape, y: Shape) -> Dim:
        return x.c if self.per_channel else 1

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        return torch.nn.PReLU(self.norm_params(x, y))

    examples = [
        Example({}, (16, 4, 4), (16, 4, 4), "one slope", norm_params=1, elementwise={"compare": 256, "mul": 256}),
        Example({"per_channel": True}, (16, 9), (16, 9), "a slope a channel: 16", norm_params=16),
    ]


class Elu(InPlace, kind="elu"):
    """Exponential linear unit: x above zero, alpha * (e^x - 1) below.

    An element takes a comparison, and is counted as if below zero: exp, add, mul.
    """

    per_element = {"compare": 1, "exp": 1, "add": 1, "mul": 1}
    module = "ELU"
    keeps_result = True
    alpha: float = real("limit below zero, as a positive number", 1.0)

    examples = [
        Example(
            {},
            (8, 5, 5),
            (8, 5, 5),
            "8 * 5 * 5 = 200 elements",
            elementwise={"compare": 200, "exp": 200, "add": 200, "mul": 200},
        )
    ]


class Sigmoid(Activation, kind="sigmoid"):
    """Logistic function, 1 / (1 + e^-x): exp, add, div an element."""

    keeps = Saved(result=True)
    per_element = {"exp": 1, "add": 1, "div": 1}
    module = "Sigmoid"

    examples = [
        Example(
            {},
            (96,),
            (96,),
            "the gate of a squeeze-and-excite",
            elementwise={"exp": 96, "add": 96, "div": 96},
        )
    ]


class HardSigmoid(InPlace, kind="hard_sigmoid"):
    """Logistic function in straight lines, relu6(x + 3) / 6.

    An element takes an addition, two comparisons, and a multiplication by the constant 1/6.
    """

    per_element = {"add": 1, "compare": 2, "mul": 1}
    module = "Hardsigmoid"

    examples = [Example({}, (72,), (72,), "72 elements", elementwise={"add": 72, "compare": 144, "mul": 72})]


class Tanh(Activation, kind="tanh"):
    """Hyperbolic tangent, 2 / (1 + e^(-2x)) - 1: mul, exp, div and two additions an element."""

    keeps = Saved(result=True)
    per_element = {"mul": 1, "exp": 1, "add": 2, "div": 1}
    module = "Tanh"

    examples = [
        Example(
            {},
            (6, 28, 28),
            (6, 28, 28),
            "LeNet: 6 * 28 * 28 = 4,704 elements",
            elementwise={"mul": 4704, "exp": 4704, "add": 9408, "div": 4704},
        )
    ]


class Swish(InPlace, kind="swish", aliases=("silu",)):
    """Swish or SiLU, x * sigmoid(x): exp, add, div and mul an element."""

    per_element = {"exp": 1, "add": 1, "div": 1, "mul": 1}
    module = "SiLU"

    examples = [
        Example(
            {},
            (32, 10, 10),
            (32, 10, 10),
            "3,200 elements",
            elementwise={"exp": 3200, "add": 3200, "div": 3200, "mul": 3200},
        )
    ]


class HardSwish(InPlace, kind="hard_swish"):
    """Swish in straight lines, x * relu6(x + 3) / 6.

    An element takes an addition, two comparisons, and two multiplications (one by the constant 1/6).
    """

    per_element = {"add": 1, "compare": 2, "mul": 2}
    module = "Hardswish"

    examples = [
        Example(
            {},
            (16, 112, 112),
            (16, 112, 112),
            "MobileNetV3: 16 * 112 * 112 = 200,704 elements",
            elementwise={"add": 200704, "compare": 401408, "mul": 401408},
        )
    ]


class Gelu(Activation, kind="gelu"):
    """Gaussian error linear unit, x * Phi(x).

    No kind of operation here is the error function, so it is counted in its sigmoid form,
    x * sigmoid(1.702 * x): two multiplications, exp, add and div an element.
    """

    per_element = {"mul": 2, "exp": 1, "add": 1, "div": 1}
    module = "GELU"

    examples = [
        Example(
            {},
            (384, 7, 7),
            (384, 7, 7),
            "384 * 7 * 7 = 18,816 elements",
            elementwise={"mul": 37632, "exp": 18816, "add": 18816, "div": 18816},
        )
    ]


class Mish(InPlace, kind="mish"):
    """Mish, x * tanh(ln(1 + e^x)).

    With e = e^x and w = e * (e + 2) it is x * w / (w + 2): exp, two additions, two multiplications
    and a division an element.
    """

    per_element = {"exp": 1, "add": 2, "mul": 2, "div": 1}
    module = "Mish"

    examples = [
        Example(
            {},
            (4, 5, 5),
            (4, 5, 5),
            "100 elements",
            elementwise={"exp": 100, "add": 200, "mul": 200, "div": 100},
        )
    ]


class Softplus(Activation, kind="softplus"):
    """Softplus, ln(1 + e^x): an exponential, an addition, and a logarithm that counts as an exponential."""

    per_element = {"exp": 2, "add": 1}
    module = "Softplus"

    examples = [Example({}, (4, 5, 5), (4, 5, 5), "100 elements", elementwise={"exp": 200, "add": 100})]


class Softsign(Activation, kind="softsign"):
    """Softsign, x / (1 + |x|): a comparison, an addition and a division an element."""

    per_element = {"compare": 1, "add": 1, "div": 1}
    module = "Softsign"

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input, and 1 + |x|, by which it is divided."""
        return Saved((0,), elements=x.size)

    examples = [Example({}, (10,), (10,), "ten elements", elementwise={"compare": 10, "add": 10, "div": 10})]


class Selu(InPlace, kind="selu"):
    """Scaled exponential linear unit: that of `elu` with fixed constants, and one multiplication more."""

    per_element = {"compare": 1, "exp": 1, "add": 1, "mul": 2}
    module = "SELU"
    keeps_result = True

    examples = [
        Example({}, (8, 5), (8, 5), "40 elements", elementwise={"compare": 40, "exp": 40, "add": 40, "mul": 80})
    ]


class Celu(InPlace, kind="celu"):
    """Continuous exponential linear unit: x above zero, alpha * (e^(x / alpha) - 1) below: as `elu`, and a division."""

    per_element = {"compare": 1, "exp": 1, "add": 1, "mul": 1, "div": 1}
    module = "CELU"
    keeps_result = True
    alpha: float = real("limit below zero, as a positive number", 1.0)

    def settle(self) -> None:
        if num.any_of(self.alpha == 0):
            raise Fault("celu divides by alpha, which is 0", field="alpha")

    examples = [
        Example(
            {},
            (4, 5),
            (4, 5),
            "20 elements",
            elementwise={"compare": 20, "exp": 20, "add": 20, "mul": 20, "div": 20},
        )
    ]


class HardTanh(InPlace, kind="hard_tanh"):
    """Hyperbolic tangent in straight lines, min(max(x, least), most): two comparisons an element."""

    per_element = {"compare": 2}
    module = "Hardtanh"
    least: float = real("the smallest value", -1.0)
    most: float = real("the largest value", 1.0)

    def settle(self) -> None:
        if num.any_of(self.least >= self.most):
            raise Fault(f"hard_tanh: least {self.least} is not below most {self.most}", field="least")

    examples = [Example({"least": 0.0, "most": 4.0}, (8, 4, 4), (8, 4, 4), "2 * 128", elementwise={"compare": 256})]


class LogSigmoid(Activation, kind="log_sigmoid"):
    """Logarithm of the logistic function, -ln(1 + e^-x): two additions and, with the logarithm, two exponentials."""

    per_element = {"exp": 2, "add": 2}
    module = "LogSigmoid"

    def saved(self, x: Shape, y: Shape) -> Saved:
        """Return the input and e^-|x|."""
        return Saved((0,), elements=x.size)

    examples = [Example({}, (10,), (10,), "ten elements", elementwise={"exp": 20, "add": 20})]
