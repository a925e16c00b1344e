"""What an operator is, and all operators: the one definition that everything else reads.

Imports `base` and `numbers`. A new layer type is a class in a file of `families/`; an operator of one's own, in a
package of one's own, imports what stands in `__all__` from here, and is found through the entry point group
`costcalc.operators`.
"""

from costcalc.base.errors import Fault
from costcalc.numbers.num import UNKNOWN, Dim, Dims, any_of, ceil_div, every, maximum, minimum, out_len, prod
from costcalc.numbers.shape import Shape
from costcalc.operators.fields import flag, integer, integers, padding, per_axis, real, role, text, word
from costcalc.operators.op import FOLDED, INPLACE, NEW, STORED, VIEW, Example, Op, Saved
from costcalc.operators.window import Windowed

__all__ = [
    "FOLDED",
    "INPLACE",
    "NEW",
    "STORED",
    "UNKNOWN",
    "VIEW",
    "Dim",
    "Dims",
    "Example",
    "Fault",
    "Op",
    "Saved",
    "Shape",
    "Windowed",
    "any_of",
    "ceil_div",
    "every",
    "flag",
    "integer",
    "integers",
    "maximum",
    "minimum",
    "out_len",
    "padding",
    "per_axis",
    "prod",
    "real",
    "role",
    "text",
    "word",
]
