"""What other formats call costcalc's operators: one table, where a word of one means the same in the other.

Importers read and exporters write by it; what is not one for one (fields that move, weights, several steps) is code of
theirs. A test looks each word up in its format. `-` is none, or one that says less or more.
"""

from __future__ import annotations

ATEN, ONNX, KERAS, CAFFE, DARKNET = FORMATS = ("aten", "onnx", "keras", "caffe", "darknet")


class Words:
    """Rows of words: ours, then each format's."""

    def __init__(self, text: str) -> None:
        self.rows = [line.split() for line in text.strip().splitlines()]

    def read(self, form: str) -> dict[str, str]:
        """Return a format's words with ours."""
        at = FORMATS.index(form) + 1
        return {row[at]: row[0] for row in self.rows if row[at] != "-"}

    def write(self, form: str) -> dict[str, str]:
        """Return our words with a format's."""
        return {ours: word for word, ours in self.read(form).items()}


# Activations. Keras: keras.activations. ATen composes softsign of others. Darknet's leaky has a slope of its own.
ACTIVATIONS = Words("""
    relu          relu          Relu          relu          ReLU         relu
    relu6         relu6         -             relu6         ReLU6        relu6
    leaky_relu    leaky_relu    LeakyRelu     leaky_relu    -            -
    elu           elu           Elu           elu           ELU          elu
    celu          celu          Celu          celu          -            -
    selu          selu          Selu          selu          SeLu         selu
    sigmoid       sigmoid       Sigmoid       sigmoid       Sigmoid      logistic
    hard_sigmoid  hardsigmoid   HardSigmoid   hard_sigmoid  HardSigmoid  -
    log_sigmoid   log_sigmoid   -             log_sigmoid   -            -
    tanh          tanh          Tanh          tanh          TanH         tanh
    hard_tanh     -             -             hard_tanh     -            hardtan
    swish         silu          Swish         silu          Swish        swish
    hard_swish    hardswish     HardSwish     hard_silu     HardSwish    -
    gelu          gelu          Gelu          gelu          -            gelu
    mish          mish          Mish          mish          Mish         mish
    softplus      softplus      Softplus      softplus      BNLL         -
    softsign      -             Softsign      softsign      -            -
""")

# What a format calls the number of an activation: operator and field, with the words in the place of ours.
NUMBERS = Words("""
    leaky_relu.slope  leaky_relu.negative_slope  LeakyRelu.alpha  leaky_relu.negative_slope  -          -
    elu.alpha         elu.alpha                  Elu.alpha        elu.alpha                  ELU.alpha  -
    celu.alpha        celu.alpha                 Celu.alpha       celu.alpha                 -          -
""")

# What `arithmetic` does to each element alone. Keras: keras.ops.
ALONE = Words("""
    negative       neg         Neg         negative    -       -
    absolute       abs         Abs         absolute    AbsVal  -
    exp            exp         Exp         exp         Exp     -
    log            log         Log         log         Log     -
    sqrt           sqrt        Sqrt        sqrt        -       -
    rsqrt          rsqrt       -           rsqrt       -       -
    square         square      -           square      -       -
    reciprocal     reciprocal  Reciprocal  reciprocal  -       -
    erf            erf         Erf         erf         -       -
    sin            sin         Sin         sin         -       -
    cos            cos         Cos         cos         -       -
    round_down     floor       Floor       floor       -       -
    round_nearest  round       Round       round       -       -
    sign           sign        Sign        sign        -       -
""")

# Joins of tensors, and what `arithmetic` calls the same with a number. Keras: keras.layers.
JOINS = Words("""
    add       add      Add  Add       SUM   -
    subtract  sub      Sub  Subtract  -     -
    multiply  mul      Mul  Multiply  PROD  -
    divide    div      Div  -         -     -
    maximum   maximum  Max  Maximum   MAX   -
    minimum   minimum  Min  Minimum   -     -
""")

# What `arithmetic` calls them where the number stands first.
TURNED = {"subtract": "subtract_from", "divide": "divide_into"}

# What `reduce_axes` does. Keras: keras.ops.
REDUCTIONS = Words("""
    mean     mean                ReduceMean  mean  -  -
    sum      sum                 ReduceSum   sum   -  -
    maximum  amax                ReduceMax   max   -  -
    minimum  amin                ReduceMin   min   -  -
    norm     linalg_vector_norm  ReduceL2    norm  -  -
""")

# The modes of `pad`. ATen: those of `pad`.
BORDERS = Words("""
    zeros      constant   constant  -  -  -
    reflect    reflect    reflect   -  -  -
    replicate  replicate  edge      -  -  -
    circular   circular   wrap      -  -  -
""")


def numbers(form: str) -> dict[str, dict[str, str]]:
    """Return, by our activations, their fields with a format's names for them."""
    pairs = ((ours.split("."), word.split(".")) for ours, word in NUMBERS.write(form).items())
    return {kind: {field: theirs} for (kind, field), (_, theirs) in pairs}
