"""What an operator is: declared fields, tiny pure rules, worked examples. One class, one definition.

Everything else reads the class: validation, the JSON Schema, the reference page, `explain`, the
counts, sweeps, the PyTorch twin. The operators themselves are in `costcalc/operators/families/`, a file a family,
which is imported when one of them is asked for (`homes` says where each is). Another package adds operators through
the entry point group `costcalc.operators`: each entry names a module that defines `Op` classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

from costcalc.base import Datum
from costcalc.base.errors import Fault, first_line, stop
from costcalc.numbers.num import Dim, Dims
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators.families.homes import HOMES, ROLES
from costcalc.operators.fields import MODIFIERS, REQUIRED, Field, Role, counted_axes
from costcalc.operators.receptive import SAME, Reaches

FAMILIES = "costcalc.operators.families"  # the package of costcalc's own

# What a row holds. Parameters are counted once where weights are shared, work each time.
PARAMETERS = ("weights", "biases", "norm_params", "buffers")
LEARNABLE = frozenset(("weights", "biases", "norm_params"))
WORK = ("macs", "bias_adds", "elementwise")

# What an operator does to storage: it writes a new tensor; its output is its input under another shape, or a part
# of it; it may write over an operand of the same size that nothing needs any more, as PyTorch too can; or it may
# where a compiler folds it into what comes before, which PyTorch does not.
NEW, VIEW, INPLACE, FOLDED, STORED = "new", "view", "inplace", "folded", "stored"
COMPONENTS = PARAMETERS + WORK


class Saved(NamedTuple):
    """What PyTorch's autograd keeps of an operator for the backward pass, beside parameters."""

    operands: tuple[int, ...] = ()  # those of its inputs that it keeps, by number
    result: bool = False  # whether it keeps its output
    elements: Dim = 0  # numbers that it makes for the purpose, as wide as an activation: a mask, a padded copy
    bytes: Dim = 0  # and what is as wide as it is: indices, statistics
    learned: tuple[int, ...] = ()  # inputs that it keeps only where its own weights learn
    fixed: Dim = 0  # bytes that do not grow with the batch: statistics over the batch


class Op:
    """One layer type. A subclass declares `kind`, fields, `shape`, and the components it costs.

    Rules are pure and take the input and output shapes (x, y): `x` is one Shape where `inputs`
    is 1, else a tuple of them; `y` is one Shape, or a tuple where `shape` returns one. They use
    `+ - * //` and the helpers of `costcalc.numbers.num` only, so that they run on ints, arrays, symbols.

    rule (or attribute)     unless told       to be told where
    ---------------------   ---------------   ---------------------------------------------------------------
    inputs, axes            1, any            it takes several tensors (None: branches), or only so many axes
    results                 part0, part1 ...  of several outputs the first flows on, and the others have names
    reads_as, gives_as      activations       a tensor holds indices (8 bytes each) or truths (1)
    settle                  nothing           a field follows from others; begin with super().settle()
    shape, check            the input's, -    the output differs; fields and input may not go together
    weights, biases, norm_params, buffers, macs, bias_adds, elementwise: 0 of what it has none
    real_macs               macs              it pads: no product with a zero of the padding is real
    tensors                 the three sums    as many parameters can have other shapes: 1x9 and 3x3 kernels
    saved (keeps)           nothing           PyTorch keeps an input, the output or a copy for the backward pass
    scratch                 0                 PyTorch makes and drops tensors beside the output
    storage (stores)        NEW               it is a view, or writes over its input; inplace: PyTorch's word for it
    plane                   None              it can run channel by channel over its own input
    reach (reads_all)       the same place    it slides, or reads all; among, begins: of one of several tensors
    type                    kind              breakdowns tell its kernels apart: conv 3x3
    filter_shape            ""                it has a kernel, which the tables of papers draw
    family                  other             pictures draw it in the colour of its kind: pooling, norm
    grouping, sliding       dense, None       hardware has other rates for it: depthwise; Winograd takes it
    is_act, norm_word       False, ""         it may stand in `act:`, or in `norm:` by that word
    derived                 True              its numbers are stated by the spec
    torch                   -                 always: the tests hold all of the above to it, over drawn fields
    """

    kind: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    family: ClassVar[str] = "other"  # of layer types, whose colour it has in pictures: `reports/colours`
    fields: ClassVar[dict[str, Field]] = {}
    inputs: ClassVar[int | None] = 1  # how many tensors it takes; None: as many as there are branches
    joins: ClassVar[bool] = False  # whether it takes several tensors, which may be its branches
    axes: ClassVar[tuple[int, ...] | None] = None  # the numbers of spatial axes it takes; None: any
    results: ClassVar[tuple[str, ...]] = ()  # of several outputs, of which the first flows on: their names
    reads_as: ClassVar[dict[int, int]] = {}  # inputs that are no activations -> bytes of an element: an index has 8
    gives_as: ClassVar[dict[int, int]] = {}  # the same of its outputs: an index has 8, a truth 1
    is_act: ClassVar[bool] = False  # may stand in `act:`
    inplace: bool = False  # whether PyTorch writes its result over its input where nothing else reads that
    norm_word: ClassVar[str] = ""  # the word by which it stands in `norm:`
    derived: ClassVar[bool] = True  # False: its numbers are stated, not derived (custom)
    roles: ClassVar[tuple[str, ...]] = ()  # its fields that stand for operators which follow, in their order
    required: ClassVar[tuple[str, ...]] = ()  # its fields that must be given
    settled: ClassVar[dict[int, dict[str, Datum]]] = {}  # number of axes -> the values of the others
    checks: ClassVar[bool] = False  # whether it has a `check` of its own
    counted: ClassVar[tuple[str, ...]] = ()  # the components that this class defines
    lacks: ClassVar[dict[str, Datum]] = {}  # and the others, of which it has none
    learned: ClassVar[tuple[str, ...]] = ()  # those it defines that are learnable numbers
    stores: ClassVar[str] = (
        NEW  # what `storage`, `saved` and `reach` give, where that is the same for all fields and shapes
    )
    keeps: ClassVar[Saved] = Saved()
    reads_all: ClassVar[bool] = False
    examples: ClassVar[Sequence[Example]] = ()

    def __init_subclass__(cls, kind: str = "", aliases: tuple[str, ...] = (), **extra: Any) -> None:
        super().__init_subclass__(**extra)
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
        for name, value in own.items():
            value.attr, value.name = name, value.name or name
            delattr(cls, name)  # an instance holds plain values; nothing is left in between
        cls.fields = _ordered(cls.fields, {field.name: field for field in own.values()})
        cls.roles = tuple(name for name, field in cls.fields.items() if isinstance(field, Role))
        cls.required = tuple(name for name, field in cls.fields.items() if field.default is REQUIRED)
        cls.settled = {}
        cls.joins = cls.inputs not in (0, 1)
        cls.checks = cls.check is not Op.check
        cls.counted = tuple(n for n in COMPONENTS if getattr(cls, n) is not getattr(Op, n))
        cls.lacks = {n: {} if n == "elementwise" else 0 for n in COMPONENTS if n not in cls.counted}
        cls.learned = tuple(n for n in cls.counted if n in LEARNABLE)
        if kind:
            cls.kind, cls.aliases = kind, aliases
            _register(cls)

    def __init__(self, axes: int = 0, /, **values: Datum) -> None:
        """Take the fields' values for an input with so many spatial axes; raise Fault for a bad one."""
        self.__dict__.update(self.parsed(axes, values, self.defaults(axes)))
        for name in self.required:
            if name not in values:
                raise Fault(f"{self.kind} needs '{name}' ({self.fields[name].doc})")
        self.settle()

    @classmethod
    def of(cls, attributes: dict[str, Datum]) -> Op:
        """Return the operator of attributes that are parsed; raise Fault where they do not go together."""
        op = cls.__new__(cls)
        op.__dict__.update(attributes)
        op.settle()
        return op

    @classmethod
    def parsed(cls, axes: int, values: Mapping[str, Datum], others: Mapping[str, Datum]) -> dict[str, Datum]:
        """Return the attributes that fields' values are, beside others of them; raise Fault for a bad one."""
        found = {**others}
        for name, value in values.items():
            field = cls.fields[name]
            one = field.parse(value)
            found[field.attr] = field.settle(one, axes) if field.settles else one
        return found

    @classmethod
    def defaults(cls, axes: int) -> dict[str, Datum]:
        """Return the fields that need not be given, as attributes; worked out once for each number of axes."""
        if axes not in cls.settled:
            optional = [field for field in cls.fields.values() if field.default is not REQUIRED]
            cls.settled[axes] = {field.attr: field.settle(field.default, axes) for field in optional}
        return cls.settled[axes]

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(f'{n}={v!r}' for n, v in vars(self).items())})"

    # ---- rules -----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Resolve fields that depend on others (padding `half` on the kernel)."""

    def shape(self, x: Shapes) -> Shapes:
        """Return the output shape, or a tuple of shapes; raise Fault where there is none."""
        return x

    def check(self, x: Shapes, y: Shapes) -> None:
        """Raise Fault for what is wrong although the output's shape is known."""

    def weights(self, x: Shapes, y: Shapes) -> Dim:
        """Return how many numbers the kernels hold."""
        return 0

    def biases(self, x: Shapes, y: Shapes) -> Dim:
        """Return how many biases there are."""
        return 0

    def norm_params(self, x: Shapes, y: Shapes) -> Dim:
        """Return the learnable numbers that are neither kernel nor bias: gamma, beta, slopes, offsets."""
        return 0

    def buffers(self, x: Shapes, y: Shapes) -> Dim:
        """Return the stored numbers that are not learned: running mean and variance."""
        return 0

    def macs(self, x: Shapes, y: Shapes) -> Dim:
        """Return the multiply-accumulates of one image."""
        return 0

    def real_macs(self, x: Shapes, y: Shapes) -> Dim:
        """Return the multiply-accumulates whose factor is a pixel of the input, none of the padding's zeros."""
        return self.macs(x, y)

    def bias_adds(self, x: Shapes, y: Shapes) -> Dim:
        """Return the additions of a bias, one an output element."""
        return 0

    def elementwise(self, x: Shapes, y: Shapes) -> dict[str, Dim]:
        """Return the other operations by kind: add, mul, div, compare, exp, sqrt."""
        return {}

    def grouping(self, x: Shapes) -> str:
        """Return how its multiply-accumulates lie: dense, grouped or depthwise; hardware has a rate for each."""
        return "dense"

    def sliding(self, x: Shapes) -> Dims | None:
        """Return the kernel of a dense convolution of stride 1, which fast algorithms take; None for all else."""
        return None

    def storage(self, x: Shapes, y: Shapes) -> str:
        """Return what it does to storage: NEW, VIEW, INPLACE, FOLDED or STORED."""
        return self.stores

    def scratch(self, x: Shapes, y: Shapes) -> Dim:
        """Return the bytes that PyTorch makes beside the output and drops: statistics, indices."""
        return 0

    def plane(self, x: Shapes, y: Shapes) -> Dim | None:
        """Return the elements that are needed to run it channel by channel over its own input; None if it can't."""
        return None

    def reach(self, x: Shape, y: Shape, number: int = 0) -> Reaches:
        """Return which places of an operand each output reads, axis by axis of space; None for all of them.

        x, y: the operand's shape and the output's; number: which operand it is. Unknown where nobody knows.
        """
        return (SAME,) * len(x.space) if x.space == y.space and not self.reads_all else None

    def among(self, x: tuple[Shape, ...], y: Shape, number: int) -> Reaches:
        """Return the same of one operand among several, where it matters which the others are."""
        return self.reach(x[number], y, number)

    def begins(self, x: Shape, y: tuple[Shape, ...], part: int) -> tuple[int, ...]:
        """Return where, axis by axis of space, one of several outputs begins in the input."""
        return (0,) * len(x.space)

    def saved(self, x: Shapes, y: Shapes) -> Saved:
        """Return what PyTorch's autograd keeps of it for the backward pass."""
        return self.keeps

    def apart(self) -> Op:
        """Return the operator as it is where something else reads its input: it does not write over that."""
        if not self.inplace:
            return self
        from copy import copy

        found = copy(self)
        found.inplace = False
        return found

    def type(self, x: Shapes) -> str:
        """Return the layer type that breakdowns go by: `conv dw 3x3`."""
        return self.kind

    def filter_shape(self, x: Shapes, y: Shapes) -> str:
        """Return its kernel as the tables of papers draw it, `3 x 3 x 32 x 64`; nothing of what has none."""
        return ""

    def tensors(self, x: Shapes, y: Shapes) -> Dims:
        """Return what must be equal for two layers to share their weights."""
        return (self.weights(x, y), self.biases(x, y), self.norm_params(x, y))

    def torch(self, torch: Any, x: Shapes, y: Shapes) -> Any:
        """Return a module or function that does the same in PyTorch (which is handed in)."""
        raise NotImplementedError(f"{self.kind} has no PyTorch twin")

    # ---- helpers for shape rules -------------------------------------------------------------------

    def spatial(self, x: Shape, *counts: int) -> None:
        """Raise Fault unless the input has one of these numbers of spatial axes; those of `axes` unless given."""
        counts = counts or self.axes or (len(x.space),)
        if len(x.space) not in counts:
            raise Fault(
                f"{self.kind} takes {counted_axes(counts)}, but the input is {x}",
                "flatten and global_avg_pool take the space away: what they give, fc takes" if not x.space else "",
            )


def part_names(op: Op, count: int) -> list[str]:
    """Return the names of so many outputs, `part0` and on unless they have their own."""
    return list(op.results) or [f"part{k}" for k in range(count)]


def _ordered(above: dict[str, Field], own: dict[str, Field]) -> dict[str, Field]:
    """Return a family's fields and a member's: first what must be given, the member's own before the others."""
    required = {name: field for name, field in (own | above).items() if field.default is REQUIRED}
    return required | above | own


class Example:
    """A worked example: fields, input and output shape, and every component that is not zero."""

    __slots__ = ("counts", "fields", "note", "x", "y")

    def __init__(self, fields: dict[str, Datum], x: Dims, y: Dims, note: str = "", **counts: Datum) -> None:
        self.fields = fields
        self.x = x
        self.y = y
        self.note = note
        self.counts = counts

    def mistake(self, cls: type[Op]) -> str:
        """Return what an operator's rules give otherwise than this example says, or an empty string."""
        for what, given, known in (("fields", self.fields, cls.fields), ("counts", self.counts, COMPONENTS)):
            if unknown := [name for name in given if name not in known]:
                return f"'{unknown[0]}' is none of its {what}: {', '.join(known)}"
        x, said = _shaped(self.x), _shaped(self.y)
        op = cls(len((x if isinstance(x, Shape) else x[0]).space) if x else 0, **self.fields)
        y = op.shape(x)
        op.check(x, y)
        if y != said:
            return f"shape gives {y!r:.60}, the example says {said!r}"
        for name in COMPONENTS:
            wanted = self.counts.get(name, None if name == "elementwise" else 0)
            found = getattr(op, name)(x, y)
            if wanted is not None and (found != wanted or type(found) is not type(wanted)):
                return f"{name} gives {found!r:.60}, the example says {wanted!r}"
        return ""


def _shaped(dims: tuple[Datum, ...]) -> Shapes:
    """Return an example's numbers as a Shape, or as a tuple of them where there are several tensors."""
    return tuple(_shaped(one) for one in dims) if not dims or isinstance(dims[0], tuple) else Shape(*dims)


# What every operator has, so that no field can be called so; `inplace` is there to be made a field.
_RULES = frozenset(name for name in vars(Op) if not name.startswith("_")) - {"inplace"}


class WrongDefinition(TypeError):
    """A mistake in an operator's class, which shows at import."""


class Registry(Mapping[str, type[Op]]):
    """The operators by kind and alias. Those of costcalc are imported when one of their family is asked for."""

    def __init__(self) -> None:
        self.defined: dict[str, type[Op]] = {}  # filled by defining a class

    def __getitem__(self, name: str) -> type[Op]:
        if name not in self.defined and name in HOMES:
            import_module(f"{FAMILIES}.{HOMES[name]}")
        return self.defined[name]

    def __contains__(self, name: object) -> bool:
        return name in self.defined or name in HOMES

    def __iter__(self) -> Iterator[str]:
        yield from HOMES
        yield from (name for name in [*self.defined] if name not in HOMES)

    def __len__(self) -> int:
        return len(HOMES.keys() | self.defined.keys())


REGISTRY = Registry()


def _register(cls: type[Op]) -> None:
    """Enter a class under its kind and aliases; raise WrongDefinition, with nothing entered, for a mistake in it."""
    if not cls.__module__.startswith(FAMILIES):  # costcalc's own are held to these rules by the tests
        require_well_defined(cls)
    REGISTRY.defined.update(dict.fromkeys((cls.kind, *cls.aliases), cls))


def require_well_defined(cls: type[Op]) -> None:
    """Raise WrongDefinition for a mistake in an operator's class, or a name that another has."""
    if not cls.__doc__:
        raise WrongDefinition(f"{cls.__name__} needs a docstring: its first line is the reference's entry")
    for field in cls.fields.values():
        _check_field(cls, field)
    for name in (cls.kind, *cls.aliases):
        if not name.isidentifier() or name != name.lower():
            said = f"an operator is called like blur_pool, in small letters, not '{name}'"
            raise WrongDefinition(f"{cls.__name__}: {said}")
        if name in REGISTRY and _home(REGISTRY[name]) != _home(cls):
            raise WrongDefinition(f"two operators are called '{name}': {_home(REGISTRY[name])} and {_home(cls)}")
    for other in REGISTRY.values() if cls.norm_word else ():
        if other.norm_word == cls.norm_word and _home(other) != _home(cls):
            raise WrongDefinition(f"two operators are 'norm: {cls.norm_word}': {_home(other)} and {_home(cls)}")


def _home(cls: type[Op]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _check_field(cls: type[Op], field: Field) -> None:
    """Raise WrongDefinition for a field whose name is taken, or whose default is no value of it."""
    if field.attr in _RULES:
        raise WrongDefinition(f"{cls.__name__}.{field.attr}: every operator has this already; call the field otherwise")
    if field.name in MODIFIERS:
        raise WrongDefinition(f"{cls.__name__}.{field.name}: stands beside every operator ({MODIFIERS[field.name]})")
    if field.default is REQUIRED or field.default is None:
        return
    try:
        field.parse(field.default)
    except Fault as fault:
        raise WrongDefinition(f"{cls.__name__}: the default of {fault.message}") from None


_packages: list[str] = []  # whether those of other packages are loaded
_proved: set[type[Op]] = set()  # that may count: costcalc's own are held to their examples by the tests


def operators() -> Registry:
    """Return all operators of costcalc, and those of packages that are loaded, by kind and alias."""
    return REGISTRY


def find(word: str) -> type[Op] | None:
    """Return the operator of that name; packages' entry points are read when one is not found here.

    Raises SpecError where a package can't be loaded, or an operator's rules do not give what its examples say.
    """
    found = REGISTRY.defined.get(word) or REGISTRY.get(word)
    if found is None:
        load_packages()
        found = REGISTRY.get(word)
    if found is not None and found not in _proved:
        if not found.__module__.startswith("costcalc."):
            _prove(found)
        _proved.add(found)
    return found


def load_packages() -> None:
    """Load the operators of other packages, once; raise SpecError where one can't be loaded, or defines ours anew."""
    if _packages:
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group="costcalc.operators"):
        try:
            entry.load()
        except Exception as error:
            own = isinstance(error, WrongDefinition)
            said = first_line(error) if own else f"{type(error).__name__}: {first_line(error)}"
            hint = 'each operator has a name of its own: kind="my_conv"' if said.startswith("two operators") else ""
            package = f"the package of operators '{entry.name}' ({entry.value})"
            raise stop(f"{package} can't be loaded: {said}", hint=hint) from error
    _packages.append("all")


def _prove(cls: type[Op]) -> None:
    """Hold an operator of another package to its examples before it counts anything; SpecError where it differs."""
    called = f"the operator '{cls.kind}' ({_home(cls)})"
    examples = vars(cls).get("examples")
    if not examples:
        hint = "examples = [Example({}, (64, 112, 112), (64, 56, 56), macs=1806336)]: fields, input, output, counts"
        raise stop(f"{called} needs an example that is counted by hand", hint=hint)
    for example in examples:
        try:
            mistake = example.mistake(cls)
        except Exception as error:
            said = f"{type(error).__name__}: {first_line(error)}"
            raise stop(f"{called} does not give its example: {said}") from error
        if mistake:
            raise stop(f"{called} does not give its example: {mistake}")


def role_words(role: str, asked: str = "") -> dict[str, str]:
    """Return the words that `norm:` or `act:` takes, each with the kind of its operator.

    asked: the word that is looked for; where it is none of ours, other packages are read.
    """
    words = _role_words(role, len(REGISTRY.defined))
    if asked and asked not in words:
        load_packages()
        words = _role_words(role, len(REGISTRY.defined))
    return words


@lru_cache(maxsize=8)
def _role_words(role: str, known: int) -> dict[str, str]:
    """Return the words of a role; asked for every layer, so kept until another operator is defined."""
    del known
    others = {name: op for name, op in REGISTRY.defined.items() if name not in HOMES}
    if role == "norm":
        return ROLES[role] | {op.norm_word: op.kind for op in others.values() if op.norm_word}
    return ROLES[role] | {name: op.kind for name, op in others.items() if op.is_act}
