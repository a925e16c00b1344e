"""A graph -> rows: what each operator costs, by component; totals are sums of rows, always."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

from costcalc import num
from costcalc.conventions import LEARNABLE, Convention
from costcalc.errors import Fault, Mark, Problem, SpecError, stop
from costcalc.formulas import evaluate
from costcalc.graph import ABSENT, Graph, Node
from costcalc.num import UNKNOWN
from costcalc.op import COMPONENTS, PARAMETERS
from costcalc.shape import Shape

if TYPE_CHECKING:
    from costcalc.expr import Expr


class Row:
    """What one operator costs, for one image: its components, as numbers of elements or operations.

    A component that an operator does not have is 0. `elementwise` maps a kind (add, mul, div,
    compare, exp, sqrt) to its number of operations.
    """

    node: Node
    weights: Any = 0
    biases: Any = 0
    norm_params: Any = 0
    buffers: Any = 0
    macs: Any = 0
    bias_adds: Any = 0
    elementwise: dict[str, Any] = {}

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.name}: {self.type}, {self.learnable} parameters, {self.macs} MACs>"

    @property
    def name(self) -> str:
        """The row's path in the network: `stage1/bottleneck2/conv1`."""
        return self.node.name

    @property
    def kind(self) -> str:
        """The operator's kind: `conv`."""
        return self.node.op.kind

    @property
    def type(self) -> str:
        """The layer type that breakdowns go by: `conv dw 3x3`."""
        return self.node.op.type(self.node.x)

    @property
    def inputs(self) -> Any:
        """How many elements enter."""
        x = self.node.x
        return x.size if isinstance(x, Shape) else sum(s.size for s in x)

    @property
    def outputs(self) -> Any:
        """How many elements leave."""
        y = self.node.y
        return y.size if isinstance(y, Shape) else sum(s.size for s in y)

    @property
    def learnable(self) -> Any:
        """All learnable numbers: weights, biases and those of norms."""
        return self.weights + self.biases + self.norm_params


def rows(graph: Graph, components: Container[str] = COMPONENTS) -> list[Row]:
    """Return a row for every node. Weights shared with an earlier row are counted there only.

    components: those to count, all unless told; the others are left 0.
    """
    result = []
    for node in graph.nodes:
        row = Row(node)
        op, x, y, values = node.op, node.x, node.y, row.__dict__
        for name in op.counted:
            if name in components and (node.shared is None or name not in PARAMETERS):
                values[name] = getattr(op, name)(x, y)
        result.append(row)
    return result


class Cost:
    """What one row, or a sum of rows, costs under a convention; MACs and activations for a batch."""

    __slots__ = ("macs", "params")

    def __init__(self, params: Any = 0, macs: Any = 0) -> None:
        self.params = params
        self.macs = macs

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cost) and (self.params, self.macs) == (other.params, other.macs)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Cost(params={self.params}, macs={self.macs})"


def cost(row: Row, convention: Convention, batch: int = 1) -> Cost:
    """Return what a row costs under a convention, its operations for a whole batch.

    Raises SpecError where the convention's formula gives no number for it, or says nothing of its MACs.
    """
    if convention.tool and row.node.call == ABSENT:
        return Cost()  # the tool's users run an implementation that has no such step
    params, macs = (convention.formula(row.kind, quantity) for quantity in ("params", "macs"))
    # The two formulas that nearly all conventions use are read off directly: they are run for
    # every row of every report.
    params_ = row.learnable if params.text == LEARNABLE else _evaluated(params, row, convention)
    macs_ = row.macs if macs.text == "macs" else _operations(macs, row, convention)
    return Cost(params_, macs_ * batch)


def _operations(formula: Expr, row: Row, convention: Convention) -> Any:
    """Return a row's operations: unknown where its MACs are; refused where they are nobody's business."""
    if row.macs is UNKNOWN:
        return UNKNOWN
    if not formula.names and row.kind not in convention.of_kind and num.any_of(row.macs != 0):
        raise stop(
            f"{row.name}: the convention '{convention.name}' says nothing of '{row.kind}', which has MACs: "
            f"its {convention.count} are {formula.text} for every operator without a rule",
            hint=f"add a rule to it: {{of: {row.kind}, {convention.count}: ...}}",
        )
    return _evaluated(formula, row, convention)


def _evaluated(formula: Expr, row: Row, convention: Convention) -> Any:
    """Return what a formula gives for a row."""
    try:
        return evaluate(formula, row)
    except Fault as fault:
        said = f"{formula.text} gives no number for {row.name} ({row.kind}): {fault.message}"
        mark = convention.marks.get(formula.text, Mark(convention.name))
        raise SpecError([Problem(said, mark, fault.hint)]) from None


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs."""
    params: Any = 0
    macs: Any = 0
    for part in costs:
        params, macs = params + part.params, macs + part.macs
    return Cost(params, macs)
