"""Fully connected layers and products of two tensors."""

from __future__ import annotations

from typing import Any

from costcalc.numbers import num
from costcalc.numbers.shape import drawn, listed
from costcalc.operators import UNKNOWN, Dim, Dims, Example, Fault, Op, Saved, Shape, flag, integer, role, text
from costcalc.operators.families._twin import channels_last
from costcalc.operators.fields import REQUIRED


class FullyConnected(Op, kind="fc"):
    """Fully connected (linear, dense) layer: every output is a weighted sum of all input channels.

    C_i * C_o multiply-accumulates. With `per_position` the same layer is applied at each position
    of a larger tensor, and counted at each, as a 1x1 convolution is.
    """

    family = "fully connected"
    keeps = Saved(learned=(0,))
    out: int = integer("outputs, C_o", symbol="C_o")
    per_position: bool = flag("apply it to the channels of each position of a larger tensor", False)
    bias: bool = flag("one number added per output; by default where no norm follows", None)
    norm: str = role("norm", "the normalization that follows")
    act: str = role("act", "the activation that follows")

    def settle(self) -> None:
        """Add a bias unless a norm follows, which has its own; a value given wins."""
        if self.bias is None:
            self.bias = self.norm == "none"

    def shape(self, x: Shape) -> Shape:
        if x.space and not self.per_position:
            raise Fault(
                f"fc takes channels only, but the input is {x}",
                "put flatten or global_avg_pool before it, or say per_position: true",
            )
        return x.with_channels(self.out)

    def weights(self, x: Shape, y: Shape) -> Dim:
        return x.c * self.out

    def biases(self, x: Shape, y: Shape) -> Dim:
        return self.out if self.bias else 0

    def macs(self, x: Shape, y: Shape) -> Dim:
        return y.pixels * self.weights(x, y)

    def bias_adds(self, x: Shape, y: Shape) -> Dim:
        return y.size if self.bias else 0

    def filter_shape(self, x: Shape, y: Shape) -> str:
        return drawn((x.c, self.out))

    def tensors(self, x: Shape, y: Shape) -> Dims:
        return (x.c, self.out, self.bias)

    def torch(self, torch: Any, x: Shape, y: Shape) -> Any:
        linear = torch.nn.Linear(x.c, self.out, bias=self.bias)
        if not x.space:
            return linear
        return channels_last(linear)

    examples = [
        Example(
            {"out": 1000},
            (1024,),
            (1000,),
            "the classifier of MobileNetV1: 1024 * 1000 weights, each used once",
            weights=1024000, biases=1000, macs=1024000, bias_adds=1000,
        ),
        Example(
            {"out": 512, "norm": "batch"},
            (256,),
            (512,),
            "no bias before a norm: 256 * 512",
            weights=131072, macs=131072,
        ),
        Example(
            {"out": 48, "per_position": True},
            (16, 7, 7),
            (48, 7, 7),
            "16 * 48 weights at 7 * 7 positions",
            weights=768, biases=48, macs=37632, bias_adds=2352,
        ),
    ]  # fmt: skip


class MatMul(Op, kind="matmul"):
    """Product of two matrices that are both data: [.., M, K] times [.., K, N] gives [.., M, N].

    M * K * N multiply-accumulates, for each of the leading axes (an attention's heads). The
    channels are the first axis: the product of [M, K] and [K, N] is one of two-axis tensors.
    """

    family = "products"
    keeps = Saved((0, 1))
    reads_all = True
    inputs = 2

    def shape(self, x: tuple[Shape, Shape]) -> Shape:
        a, b = (one.dims for one in x)
        if len(a) < 2 or len(a) != len(b):
            raise Fault(
                f"matmul takes two tensors of equally many axes, two or more, not {x[0]} and {x[1]}",
                "flatten with start: 1 gives [C, pixels]",
            )
        if num.any_of(a[-1] != b[-2]):
            raise Fault(
                f"matmul of {x[0]} and {x[1]}: the inner sizes {a[-1]} and {b[-2]} differ",
                "transpose swaps the last two axes",
            )
        if any(num.any_of(m != n) for m, n in zip(a[:-2], b[:-2], strict=True)):
            raise Fault(f"matmul of {x[0]} and {x[1]}: the leading axes differ")
        return Shape(*a[:-1], b[-1])

    def macs(self, x: tuple[Shape, Shape], y: Shape) -> Dim:
        return y.size * x[0].dims[-1]

    def torch(self, torch: Any, x: tuple[Shape, Shape], y: Shape) -> Any:
        return lambda a, b: torch.matmul(a, b)  # noqa: PLW0108 - looked up when it runs: counters replace it

    examples = [
        Example(
            {},
            ((196, 64), (64, 196)),
            (196, 196),
            "the scores of one attention head: 196 * 64 * 196",
            macs=2458624,
        ),
        Example(
            {},
            ((8, 49, 49), (8, 49, 32)),
            (8, 49, 32),
            "eight heads' scores times their values: 8 * 49 * 49 * 32",
            macs=614656,
        ),
    ]  # fmt: skip


class Attention(Op, kind="attention"):
    """Scaled dot-product attention of queries [.., M, K], keys [.., N, K] and values [.., N, V]; gives [.., M, V].

    softmax(q k^T / sqrt(K)) v: M * N * K and M * N * V multiply-accumulates for each of the leading
    axes (heads, windows). A score takes a multiplication, an exponential and a division, and but for
    one of a query's an addition (Vaswani et al. 2017, equation 1).
    """

    family = "products"
    reads_all = True
    inputs = 3

    def shape(self, x: tuple[Shape, Shape, Shape]) -> Shape:
        q, k, v = (one.dims for one in x)
        if len({len(q), len(k), len(v)}) > 1 or len(q) < 2:
            raise Fault(f"attention takes three tensors of equally many axes, two or more, not {listed(x)}")
        if any(num.any_of(m != n) for m, n in zip((*q[:-2], q[-1]), (*k[:-2], k[-1]), strict=True)):
            raise Fault(f"attention of {listed(x)}: queries and keys differ in more than their number")
        if any(num.any_of(m != n) for m, n in zip(k[:-1], v[:-1], strict=True)):
            raise Fault(f"attention of {listed(x)}: there must be a value for each key")
        return Shape(*q[:-1], v[-1])

    def macs(self, x: tuple[Shape, Shape, Shape], y: Shape) -> Dim:
        return self.scores(x) * (x[0].dims[-1] + x[2].dims[-1])

    def scores(self, x: tuple[Shape, Shape, Shape]) -> Dim:
        """Return how many scores there are: M * N, for each of the leading axes."""
        return num.prod(x[0].dims[:-1]) * x[1].dims[-2]

    def elementwise(self, x: tuple[Shape, Shape, Shape], y: Shape) -> dict[str, Dim]:
        scores = self.scores(x)
        return {"mul": scores, "exp": scores, "add": scores - num.prod(x[0].dims[:-1]), "div": scores}

    def scratch(self, x: tuple[Shape, Shape, Shape], y: Shape) -> Dim:
        """Return the bytes of the scores before and after their softmax, 32 bits each."""
        return 8 * self.scores(x)

    def saved(self, x: tuple[Shape, Shape, Shape], y: Shape) -> Saved:
        return Saved((0, 1, 2), elements=self.scores(x))

    def torch(self, torch: Any, x: tuple[Shape, Shape, Shape], y: Shape) -> Any:
        scale = float(x[0].dims[-1]) ** -0.5
        return lambda q, k, v: torch.matmul(torch.softmax(torch.matmul(q, k.transpose(-1, -2)) * scale, -1), v)

    examples = [
        Example(
            {},
            ((12, 197, 64), (12, 197, 64), (12, 197, 64)),
            (12, 197, 64),
            "ViT-B/16: 12 heads of 197 * 197 scores, each 64 + 64",
            macs=59610624, elementwise={"mul": 465708, "exp": 465708, "add": 463344, "div": 465708},
        ),
        Example(
            {},
            ((10, 8), (6, 8), (6, 4)),
            (10, 4),
            "one head; 10 queries, 6 keys: 60 scores of 8 + 4",
            macs=720, elementwise={"mul": 60, "exp": 60, "add": 50, "div": 60},
        ),
    ]  # fmt: skip


class Einsum(Op, kind="einsum"):
    """Product of one or two tensors whose axes have letters: `ck,kl->cl`, channels first, without the batch.

    Each letter is a length. Of two tensors that share a letter which the result lacks, the product of all letters'
    lengths are multiply-accumulates; where none is summed over, they are multiplications. A letter that one tensor
    alone has, and not the result, is summed over first, an addition an element but the first; so it is with one tensor.
    """

    family = "products"
    inputs = None
    reads_all = True
    equation: str = text("letters of each tensor's axes, of the result's: hik,hkj->hij", REQUIRED)

    def settle(self) -> None:
        inputs, arrow, out = self.equation.replace(" ", "").partition("->")
        self.letters = [*inputs.split(","), out]
        fits = arrow and len(self.letters) <= 3 and all(one.isalpha() for one in self.letters)
        alone = all(len(set(one)) == len(one) for one in self.letters)
        if not fits or not alone or not set(out) <= set(inputs):
            raise Fault(
                f"equation: '{self.equation[:60]}' is none of one or two tensors, each letter once in each",
                "hik,hkj->hij: letters of the axes, channels first, without the batch",
                field="equation",
            )

    def lengths(self, x: tuple[Shape, ...]) -> dict[str, Dim]:
        """Return the length that each letter stands for; raise Fault where there are two, or the axes don't fit."""
        found: dict[str, Dim] = {}
        if len(x) != len(self.letters) - 1:
            raise Fault(f"einsum {self.equation} takes {len(self.letters) - 1} tensors, and has {len(x)}")
        for one, letters in zip(x, self.letters, strict=False):
            if len(one.dims) != len(letters):
                raise Fault(f"einsum {self.equation}: '{letters}' has {len(letters)} axes, and the tensor is {one}")
            for letter, n in zip(letters, one.dims, strict=True):
                if num.any_of(found.setdefault(letter, n) != n):
                    raise Fault(f"einsum {self.equation}: '{letter}' is {found[letter]} and {n}")
        return found

    def shape(self, x: tuple[Shape, ...]) -> Shape:
        lengths = self.lengths(x)
        return Shape(*(lengths[letter] for letter in self.letters[-1]))

    def summed(self) -> tuple[list[str], str]:
        """Return the letters of each tensor that stay after what it alone is summed over, and those both lack then."""
        *given, out = self.letters
        others = [out + "".join(given[:k] + given[k + 1 :]) for k in range(len(given))]
        left = ["".join(c for c in one if c in other) for one, other in zip(given, others, strict=True)]
        return left, "".join(sorted(set(left[0]) - set(out))) if len(left) > 1 else ""

    def macs(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        lengths, (left, inner) = self.lengths(x), self.summed()
        return num.prod(lengths[c] for c in sorted(set("".join(left)))) if inner else 0

    def elementwise(self, x: tuple[Shape, ...], y: Shape) -> dict[str, Dim]:
        lengths, (left, inner) = self.lengths(x), self.summed()
        kept = [num.prod(lengths[c] for c in one) for one in left]
        sums = sum(one.size - size for one, size in zip(x, kept, strict=True))
        return {"add": sums} | ({"mul": y.size} if len(x) > 1 and not inner else {})

    def scratch(self, x: tuple[Shape, ...], y: Shape) -> Dim:
        """Return that nobody knows: which copies PyTorch makes depends on the order of the letters."""
        return UNKNOWN

    def saved(self, x: tuple[Shape, ...], y: Shape) -> Saved:
        """Return what is multiplied: each tensor, or its sums where something of it is summed over first."""
        if len(x) < 2:
            return Saved()
        lengths, (left, _) = self.lengths(x), self.summed()
        whole = tuple(k for k, one in enumerate(left) if one == self.letters[k])
        sums = [num.prod(lengths[c] for c in one) for k, one in enumerate(left) if k not in whole]
        return Saved(whole, elements=sum(sums, 0))

    def torch(self, torch: Any, x: tuple[Shape, ...], y: Shape) -> Any:
        batch = next(c for c in "zyxwvutsrqponmlkjihgfedcba" if c not in self.equation)
        said = ",".join(batch + one for one in self.letters[:-1]) + f"->{batch}{self.letters[-1]}"
        return lambda *tensors: torch.einsum(said, *tensors)

    examples = [
        Example(
            {"equation": "hik,hjk->hij"},
            ((8, 49, 32), (8, 49, 32)),
            (8, 49, 49),
            "eight heads' scores: 8 * 49 * 49 * 32",
            macs=614656, elementwise={"add": 0},
        ),
        Example(
            {"equation": "chw,chw->chw"},
            ((4, 3, 3), (4, 3, 3)),
            (4, 3, 3),
            "nothing is summed over: 36 multiplications",
            elementwise={"add": 0, "mul": 36},
        ),
        Example(
            {"equation": "cl->c"}, ((4, 10),), (4,), "one tensor: nine additions a channel", elementwise={"add": 36}
        ),
    ]  # fmt: skip
