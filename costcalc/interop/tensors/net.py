"""The network that is being read: its spec so far, the values of the other graph, and who learns what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault, stop
from costcalc.interop.rules import entering
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.origin import UNLEARNED, UNSTORED, Origin, Root, is_learned
from costcalc.interop.tensors.values import MOST_AXES, Const, Data, Dims
from costcalc.language.flat import Flat, Step
from costcalc.numbers.num import LARGEST, prod

MOST_STEPS = 100_000
ALONE = "export the model with a batch of 1, or a symbolic one"
# What has weights: what it gives is no image any more.
WEIGHTED = frozenset(
    "Conv ConvTranspose Gemm MatMul Einsum QLinearConv QLinearMatMul BatchNormalization InstanceNormalization "
    "GroupNormalization LayerNormalization RMSNormalization PRelu ConvInteger MatMulInteger FusedConv FusedGemm "
    "LSTM GRU RNN DeformConv".split()
)
_NUMBERS = (Origin.CONSTANT, Origin.MADE, Origin.WHOLE)  # of lone ones: `x + 3`, not a bias


class Call:
    """A node of the graph: its operator and attributes, as ONNX has them, and the values that it takes."""

    __slots__ = ("attributes", "inputs", "name", "op", "outputs")

    def __init__(
        self,
        op: str,
        name: str,
        attributes: dict[str, Datum],
        inputs: list[Const | Data | None],
        outputs: Sequence[str],
    ) -> None:
        self.op = op
        self.name = name
        self.attributes = attributes
        self.inputs = inputs
        self.outputs = list(outputs)

    def attr(self, name: str, default: Datum = None) -> Any:
        """Return an attribute, or the default where the node has none of this name."""
        return self.attributes.get(name, default)

    def value(self, place: int) -> Const | Data | None:
        """Return what stands at an input's place; None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def const(self, place: int) -> Const | None:
        """Return the constant at an input's place; None where it is left out. Raises Fault for data."""
        value = self.value(place)
        if isinstance(value, Data):
            raise Fault(f"input {place} depends on the image; costcalc takes a constant here")
        return value

    def known(self, place: int) -> Any:
        """Return the known value of a constant input as a numpy array; None where it is left out."""
        const = self.const(place)
        if const is None:
            return None
        array = const.array()
        if array is None:
            raise Fault(f"input {place} is too long to be read here, or is stored in another file")
        return array

    def first_data(self) -> Data | None:
        """Return the first input that is data; None where all are constants."""
        return next((value for value in self.inputs if isinstance(value, Data)), None)

    def numbers(self, name: str, place: int) -> list[int] | None:
        """Return whole numbers that are an attribute in old versions of an operator, and an input in new ones."""
        if name in self.attributes:
            given = self.attributes[name]
            return [int(n) for n in given] if isinstance(given, list | tuple) else [int(given)]
        array = self.known(place)
        return None if array is None else [int(n) for n in array.reshape(-1)]


class Net:
    """The spec under construction, and the values of the graph by their names in it.

    A tensor of the spec has the axes of the graph's without the batch, which is axis 0 of all that begin with it;
    a tensor that begins otherwise (windows of one image side by side) keeps all its axes.
    """

    def __init__(self, flat: Flat, batch: int, version: int, uses: Counter[str]) -> None:
        self.flat = flat
        self.batch = batch
        self.version = version  # of ONNX's operators
        self.uses = uses  # how often each value is taken
        self.values: dict[str, Const | Data] = {}
        self._origin: dict[str, tuple[str, str, list[int]]] = {}  # a moved value: how, of which, by what
        self._parts: dict[frozenset[Root], Dims] = {}  # the roots of a layer's weights, and the shape that it used
        self.rounded: dict[str, list[int]] = {}  # pools that round up, and the pads with which they need not
        self._named: Counter[str] = Counter()
        self._parameters: dict[int, tuple[Const, Data]] = {}

    def take_back(self, count: int) -> None:
        """Take back the steps after the first so many, and what is known of them, as if they had never been added."""
        self.flat.take_back(count)
        left = self.flat.shapes
        self._origin = {value: moved for value, moved in self._origin.items() if value in left}
        self._parameters = {key: held for key, held in self._parameters.items() if held[1].name in left}

    # ---- shapes ----------------------------------------------------------------------------------

    def lead(self, shape: Dims) -> int:
        """Return how many axes in front the spec leaves out: 1 if the tensor begins with the batch."""
        return 1 if shape and shape[0] == self.batch else 0

    def dims(self, shape: Dims) -> Dims:
        """Return the axes that the spec's tensor has."""
        return shape[self.lead(shape) :] or (1,)

    def shape_of(self, value: str) -> Dims:
        """Return the shape of a value of the spec."""
        return self.flat.shapes[value].dims

    # ---- steps -----------------------------------------------------------------------------------

    def add(self, kind: str, inputs: Sequence[str], name: str, **fields: Datum) -> str:
        """Add a step, and return its value, or the first that it gives."""
        return self.add_all(kind, inputs, name, fields)[0]

    def add_all(self, kind: str, inputs: Sequence[str], name: str, fields: dict[str, Datum]) -> list[str]:
        """Add a step, and return the values that it gives; names that come again are numbered."""
        if len(self.flat.steps) >= MOST_STEPS:
            raise Fault(f"costcalc reads at most {MOST_STEPS:,} layers")
        self._named[name] += 1
        number = self._named[name]
        return self.flat.add(kind, inputs, name if number == 1 else f"{name}_{number}", **fields)

    def reshape(self, value: str, dims: Sequence[int], name: str) -> str:
        """Return a value with other axes; several moves in a row are one."""
        how, source, _ = self._origin.get(value, ("", "", []))
        if how == "reshape":
            value = source
        if self.shape_of(value) == tuple(dims):
            return value
        if len(dims) == 1:
            made = self.add("flatten", [value], f"{name}.flatten")
        else:
            made = self.add("reshape", [value], f"{name}.reshape", shape=list(dims))
        self._origin[made] = ("reshape", value, [])
        return made

    def whole(self, x: Data, name: str) -> str:
        """Return a tensor with all its axes, the batch included."""
        if self.batch > 1 and self.lead(x.shape):
            raise Fault(f"mixes the {self.batch} images of the batch with another axis", ALONE)
        return self.reshape(x.name, x.shape, name)

    def permute(self, value: str, order: Sequence[int], name: str) -> str:
        """Return a value with its axes in another order; several moves in a row are one, and none if they cancel."""
        how, source, before = self._origin.get(value, ("", "", []))
        order = list(order)
        if how == "permute":
            value, order = source, [before[k] for k in order]
        if order == sorted(order):
            return value
        made = self.add("permute", [value], f"{name}.permute", axes=order)
        self._origin[made] = ("permute", value, order)
        return made

    def unmoved(self, value: str) -> tuple[str, list[int] | None]:
        """Return what a value was before its axes were permuted, and their order; itself and None if they were not.

        What is done to each element alike is done before, so that moves meet and cancel.
        """
        how, source, order = self._origin.get(value, ("", "", []))
        return (source, order) if how == "permute" else (value, None)

    # ---- values ----------------------------------------------------------------------------------

    def data(self, call: Call, place: int) -> Data:
        """Return the tensor at an input's place; a constant becomes a step that holds it."""
        value = call.value(place)
        if value is None:
            raise Fault(f"input {place} is missing")
        return value if isinstance(value, Data) else self.hold(value, call.name, beside=call.first_data())

    def hold(self, const: Const, name: str, *, beside: Data | None = None, weight: bool = False) -> Data:
        """Return a constant as a step of its own, with what was learned, or else is stored, of its numbers.

        beside: the data that it is joined with. weight: a layer multiplies data with it, so that it is learned.
        """
        if id(const) in self._parameters:
            return self._parameters[id(const)][1]
        fresh = {root: n for root, n in const.roots.items() if root not in self.flat.owners}
        new = {root: n for root, n in fresh.items() if n > 1 or weight or root.origin is Origin.PARAMETER}
        learned = {root: n for root, n in new.items() if self.learned(const, root, beside, weight=weight)}
        stored = sum(n for root, n in new.items() if root not in learned and root.origin not in UNSTORED)
        own = path(const) or f"{name}.constant"
        exact = bool(learned) and sum(learned.values()) == const.size
        store = "parameter" if exact else "buffer" if not learned and stored == const.size else "none"
        value = self.add("parameter", [], own, shape=list(self.dims(const.shape)), store=store)
        self.flat.owners = dict.fromkeys(new, self.flat.steps[-1]) | self.flat.owners
        if exact:
            self.flat.learns(learned)
        elif learned:
            fields = {"count": sum(learned.values()), "note": "what a constant is computed from"}
            value = self.learn("weight_params", [value], f"{own}.stored", learned, **fields)
        data = Data(value, const.shape, still=True)
        self._parameters[id(const)] = (const, data)
        return data

    def learned(self, const: Const, root: Root, beside: Data | None, *, weight: bool = False) -> bool:
        """Say whether a constant's numbers were learned, by where they come from and what data it is joined with."""
        if not const.floating:
            return root.origin is Origin.PARAMETER  # which was cast to places
        if weight:
            return root.origin not in UNLEARNED
        image = beside is not None and beside.image
        form = beside is not None and self.per_channel(const, beside, last=image)
        return is_learned(root, per_channel=form, on_image=image)

    def per_channel(self, const: Const, x: Data, *, last: bool = False) -> bool:
        """Say whether a constant has one number for each channel, the first of the spec's axes (last: or the last)."""
        if len(const.shape) > len(x.shape):
            return False
        full = shapes.padded(const.shape, len(x.shape))
        places = [k for k, n in enumerate(full) if n > 1]
        lead = self.lead(x.shape)
        one = not places and len(x.shape) > lead and x.shape[lead] == 1
        return one or places == [lead] or (last and places == [len(x.shape) - 1])

    def owns(self, const: Const) -> bool:
        """Say whether a layer can learn a constant as its weights: no expansion of a smaller one, and no buffer.

        Of a tensor of which layers use parts the first counts the whole; the others share it, if their parts are alike.
        """
        if const.count < const.size or any(root.origin in UNLEARNED for root in const.roots):
            return False
        part = const.count > const.size and self.flat.owners.keys() >= const.roots.keys()
        return not part or self._parts.get(frozenset(const.roots)) == const.shape

    def put(self, call: Call, value: str, shape: Dims, place: int = 0, *, bare: Any = None, axis: int = 0) -> None:
        """Give an output of a node its value, of this shape (batch included)."""
        shape = tuple(int(n) for n in shape)
        if any(n < 1 for n in shape):
            raise Fault(f"gives an empty tensor of {list(shape)}")
        if len(shape) > MOST_AXES or prod(shape) >= LARGEST:
            raise Fault(f"gives a tensor of {len(shape)} axes and {prod(shape):,} elements")
        still = all(v is None or isinstance(v, Const) or v.still for v in call.inputs)
        image = call.op not in WEIGHTED and all(not isinstance(v, Data) or v.image for v in call.inputs)
        if self.batch > 1 and not still and not self.lead(shape):
            raise Fault(
                f"gives {list(shape)}, which mixes the {self.batch} images of the batch with another axis", ALONE
            )
        value = self.reshape(value, self.dims(shape), call.name)
        bare = bare if self.uses[call.outputs[place]] == 1 else None
        self.values[call.outputs[place]] = Data(
            value, shape, still=still, image=image and not still, bare=bare, axis=axis
        )

    def give(self, call: Call, value: str, x: Data, place: int = 0, **more: Datum) -> None:
        """Give an output its value, which begins with the batch if `x` does."""
        self.put(call, value, (*x.shape[: self.lead(x.shape)], *self.shape_of(value)), place, **more)

    def same(self, call: Call, x: Data) -> None:
        """Let a value go on under the node's name."""
        self.values[call.outputs[0]] = Data(x.name, x.shape, still=x.still, image=x.image)

    # ---- who learns what -------------------------------------------------------------------------

    def layer(
        self,
        call: Call,
        kind: str,
        x: str,
        weights: Sequence[Const | None],
        more_inputs: Sequence[str] = (),
        **fields: Datum,
    ) -> str:
        """Add a layer that learns these constants, and return its value; more_inputs: what it takes beside x.

        Raises Fault where the layer would count another number of parameters than the constants have.
        """
        held = [const for const in weights if const is not None]
        roots = {root: size for const in held for root, size in const.roots.items()}
        more = 0 if self.flat.owners.keys() >= roots.keys() else sum(roots.values()) - sum(const.size for const in held)
        name = next((own for own in map(path, held) if own), call.name)
        if more > 0:
            note = "numbers from which weights are computed"
            x = self.add("weight_params", [x], f"{name}.stored", count=more, note=note)
        value = self.add(kind, [x, *more_inputs], name, **fields)
        step = self.flat.steps[-1]
        counted, given = step.learned, sum(const.size for const in held)
        if counted != given:
            raise Fault(f"{kind} learns {counted:,} numbers here, but {given:,} are given")
        if more < 0:
            raise Fault(f"its {given:,} weights are computed from {sum(roots.values()):,} stored numbers")
        if held:
            self._parts.setdefault(frozenset(held[0].roots), held[0].shape)
        self.flat.learns(roots)
        return value

    def learn(self, kind: str, inputs: Sequence[str], name: str, roots: dict[Root, int], **fields: Datum) -> str:
        """Add a step that learns these stored tensors, and return its value."""
        value = self.add(kind, inputs, name, **fields)
        if roots:
            self.flat.learns(roots)
        return value

    def add_bias(self, x: Data, const: Const) -> bool:
        """Let the layer without a bias that gives `x` learn this constant as its bias; say whether it can be so."""
        step: Step = x.bare
        wanted = [1] * len(self.dims(x.shape))
        wanted[x.axis] = self.dims(x.shape)[x.axis]
        given = [n for n in const.shape if n != 1]
        rank = len(x.shape)
        if len(const.shape) > rank or const.count != const.size or const.size != prod(wanted):
            return False
        if not self.owns(const) or (const.size == 1 and next(iter(const.roots)).origin in _NUMBERS):
            return False
        full = shapes.padded(const.shape, rank)
        if given and list(full[self.lead(x.shape) :]) != wanted:
            return False
        del step.fields["bias"]  # it is false, and true by default
        self.flat.learns(const.roots, step)
        return True

    def check_shared(self) -> None:
        """Raise SpecError for a layer that has some of another's weights only, or is of another kind."""
        owner: dict[str, Step] = {}
        learners = self.flat.learners
        for step in self.flat.steps:
            for root in (mine := learners.get(step, {})):
                first = owner.setdefault(root, step)
                # An exporter may store equal biases once; of a kernel that would be odd.
                if learners[first].keys() != mine.keys() and root == max(mine, key=lambda r: mine[r]):
                    raise stop(f"{step.name}: shares '{root[:80]}' with {first.name}, but not all of its weights")
                if learners[first].keys() == mine.keys() and first.kind != step.kind:
                    raise stop(f"{step.name}: shares its weights with {first.name}, a layer of another kind")


def path(const: Const) -> str:
    """Return the layer's name in the source, where a weight is called after it: `layer1.0.conv1.weight`."""
    root = next(iter(const.roots), "")
    stem, dot, last = root.rpartition(".")
    return stem if dot and "::" not in root and last in ("weight", "bias", "weight_quantized") else ""


# ---- the rules of operators, which the modules beside this one enter here ------------------------

Rule = Callable[[Net, Call], None]
RULES: dict[str, Rule] = {}
rule = entering(RULES)
