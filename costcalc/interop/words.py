"""What other formats call costcalc's operators: one table, where a word of one means the same in the other.

Importers read and exporters write by it; what is not one for one (fields that move, weights, several steps) is code of
theirs. A test looks each word up in its format. `-` is none, or one that says less or more.
"""

from __future__ import annotations

ATEN, ONNX, KERAS, CAFFE, DARKNET, TFLITE = FORMATS = ("aten", "onnx", "keras", "caffe", "darknet", "tflite")


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
    relu          relu          Relu          relu          ReLU         relu      RELU
    relu6         relu6         -             relu6         ReLU6        relu6     RELU6
    leaky_relu    leaky_relu    LeakyRelu     leaky_relu    -            -         LEAKY_RELU
    elu           elu           Elu           elu           ELU          elu       ELU
    celu          celu          Celu          celu          -            -         -
    selu          selu          Selu          selu          SeLu         selu      -
    sigmoid       sigmoid       Sigmoid       sigmoid       Sigmoid      logistic  LOGISTIC
    hard_sigmoid  hardsigmoid   HardSigmoid   hard_sigmoid  HardSigmoid  -         -
    log_sigmoid   log_sigmoid   -             log_sigmoid   -            -         -
    tanh          tanh          Tanh          tanh          TanH         tanh      TANH
    hard_tanh     -             -             hard_tanh     -            hardtan   RELU_N1_TO_1
    swish         silu          Swish         silu          Swish        swish     -
    hard_swish    hardswish     HardSwish     hard_silu     HardSwish    -         HARD_SWISH
    gelu          gelu          Gelu          gelu          -            gelu      GELU
    mish          mish          Mish          mish          Mish         mish      -
    softplus      softplus      Softplus      softplus      BNLL         -         -
    softsign      -             Softsign      softsign      -            -         -
""")

# What a format calls the number of an activation: operator and field, with the words in the place of ours.
NUMBERS = Words("""
    leaky_relu.slope  leaky_relu.negative_slope  LeakyRelu.alpha  leaky_relu.negative_slope  -          -  -
    elu.alpha         elu.alpha                  Elu.alpha        elu.alpha                  ELU.alpha  -  -
    celu.alpha        celu.alpha                 Celu.alpha       celu.alpha                 -          -  -
""")

# What `arithmetic` does to each element alone. Keras: keras.ops.
ALONE = Words("""
    negative       neg         Neg         negative    -       -  NEG
    absolute       abs         Abs         absolute    AbsVal  -  ABS
    exp            exp         Exp         exp         Exp     -  EXP
    log            log         Log         log         Log     -  LOG
    sqrt           sqrt        Sqrt        sqrt        -       -  SQRT
    rsqrt          rsqrt       -           rsqrt       -       -  RSQRT
    square         square      -           square      -       -  SQUARE
    reciprocal     reciprocal  Reciprocal  reciprocal  -       -  -
    erf            erf         Erf         erf         -       -  -
    sin            sin         Sin         sin         -       -  SIN
    cos            cos         Cos         cos         -       -  COS
    round_down     floor       Floor       floor       -       -  FLOOR
    round_nearest  round       Round       round       -       -  ROUND
    sign           sign        Sign        sign        -       -  SIGN
""")

# Joins of tensors, and what `arithmetic` calls the same with a number. Keras: keras.layers.
JOINS = Words("""
    add       add      Add  Add       SUM   -  ADD
    subtract  sub      Sub  Subtract  -     -  SUB
    multiply  mul      Mul  Multiply  PROD  -  MUL
    divide    div      Div  -         -     -  DIV
    maximum   maximum  Max  Maximum   MAX   -  MAXIMUM
    minimum   minimum  Min  Minimum   -     -  MINIMUM
""")

# What `arithmetic` calls them where the number stands first.
TURNED = {"subtract": "subtract_from", "divide": "divide_into"}

# What `reduce_axes` does. Keras: keras.ops.
REDUCTIONS = Words("""
    mean     mean                ReduceMean  mean  -  -  MEAN
    sum      sum                 ReduceSum   sum   -  -  SUM
    maximum  amax                ReduceMax   max   -  -  REDUCE_MAX
    minimum  amin                ReduceMin   min   -  -  REDUCE_MIN
    norm     linalg_vector_norm  ReduceL2    norm  -  -  -
""")

# The modes of `pad`. ATen: those of `pad`.
BORDERS = Words("""
    zeros      constant   constant  -  -  -  -
    reflect    reflect    reflect   -  -  -  -
    replicate  replicate  edge      -  -  -  -
    circular   circular   wrap      -  -  -  -
""")


def numbers(form: str) -> dict[str, dict[str, str]]:
    """Return, by our activations, their fields with a format's names for them."""
    pairs = ((ours.split("."), word.split(".")) for ours, word in NUMBERS.write(form).items())
    return {kind: {field: theirs} for (kind, field), (_, theirs) in pairs}
