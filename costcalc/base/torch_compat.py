"""PyTorch's names that are no part of its documented interface, each with what it is for and since which version it is.

Whatever else reads or builds modules takes them from here, so that a new PyTorch is looked at in one place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from costcalc.base import Datum
from costcalc.base.optional import need

# ---- nn.Module -----------------------------------------------------------------------------------

APPLY = "_apply"  # what `to`, `half` and their like do to a module's tensors; since 0.1


def then(base: Any, after: Callable[[Any], None]) -> Callable[..., Any]:
    """Return a module's `_apply` that goes on with `after`."""

    def apply(self: Any, *args: Any, **options: Datum) -> Any:
        base._apply(self, *args, **options)
        after(self)
        return self

    return apply


def stores(module: Any) -> Iterable[dict[str, Datum]]:
    """Return the dicts that hold the parameters and buffers of a module itself, to tie them; since 0.1."""
    return (module._parameters, module._buffers)


def unsaved(module: Any) -> set[str]:
    """Return the buffers that are not saved with a module: `persistent=False` is kept nowhere else; since 1.6."""
    return set(module._non_persistent_buffers_set)


def set_border(module: Any, edges: list[int]) -> None:
    """Give a convolution its border as `F.pad` takes it: the form that modes other than zeros read; since 1.5."""
    module._reversed_padding_repeated_twice = edges


@contextmanager
def in_steps(torch: Any) -> Iterator[None]:
    """Let recurrent layers be run step by step: oneDNN's fused kernel hides its products; since 1.0."""
    before = torch.backends.mkldnn.is_available() and torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


# ---- what a network calls ------------------------------------------------------------------------

FAKE = "torch._subclasses.fake_tensor"  # its `FakeTensorMode` makes tensors without numbers; since 2.0


@contextmanager
def before_others(torch: Any, call: Callable[..., Any]) -> Iterator[None]:
    """Hand each operation to `call(target, args, options)`, which runs it, before PyTorch makes others of it.

    Only modes of PyTorch's own are let in there: this one says it is that which checks signatures. Since 2.9.
    """
    python = need("torch._dispatch.python", "torch")
    checking = need("torch._subclasses.schema_check_mode", "torch").SchemaCheckMode
    usual = need("torch.utils._python_dispatch", "torch").TorchDispatchMode

    def dispatch(_: Any, target: Any, __: Any, args: Any = (), options: Any = None) -> Any:
        return call(target, args, options or {})

    def begin(mode: Any) -> None:
        usual.__init__(mode, torch._C.DispatchKey.PreDispatch)

    own = {"__init__": begin, "__torch_dispatch__": dispatch, "__enter__": usual.__enter__, "__exit__": usual.__exit__}
    with python.enable_python_dispatcher(), type("Recorder", (checking,), own)():
        yield


@contextmanager
def exporting(torch: Any) -> Iterator[None]:
    """Say to a network that it is being exported, as torch.export does, and keep fused attention out; since 2.7."""
    flags = {name: getattr(torch.compiler, name) for name in ("_is_compiling_flag", "_is_exporting_flag")}
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        for name in flags:
            setattr(torch.compiler, name, True)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        for name, before in flags.items():
            setattr(torch.compiler, name, before)


def leaves(torch: Any, value: Datum) -> list[Any]:
    """Return what stands in lists, mappings and the like, in order; since 2.0."""
    return list(torch.utils._pytree.tree_leaves(value))


# ---- the graph of an exported program ------------------------------------------------------------

WRAPS = ("WrapWithSetGradEnabled", "WrapWithAutocast")  # the classes of what is called; since 2.4 and 2.5


def wraps(node: Any) -> bool:
    """Say whether a node calls a part of the graph under a mode of its own: without gradients, or with autocast."""
    return type(node.target).__name__ in WRAPS


def schema(target: Any) -> Any:
    """Return the signature of an operation, a node's target: names, overload, arguments; None of any other function.

    `OpOverload` has it since 1.11; what is public is its text alone, `str(schema)`.
    """
    return getattr(target, "_schema", None)


def modules(node: Any) -> list[tuple[str, str]]:
    """Return the paths and the classes' names of the modules that a node stands in, the outermost first; since 2.0.

    A second call of a module has a mark in its path (`layer@1`); a class is one, or its name with its Python module's.
    """
    around = (node.meta.get("nn_module_stack") or {}).values()
    named = ((path, str(getattr(kind, "__name__", kind))) for path, kind in around)
    return [(re.sub(r"@\d+", "", path), kind.rpartition(".")[2]) for path, kind in named]


def memory(tensor: Any) -> int:
    """Return a word for the memory that a tensor lies in, also one without numbers; since 2.0."""
    return int(tensor.untyped_storage()._cdata)


TRACING = "torch.fx.experimental.proxy_tensor"  # its `make_fx` gives the operations of a call as a graph; since 2.0


def without_data(tensors: Iterable[Datum]) -> Any:
    """Return the mode in which an export has made tensors without numbers: others join them in it; since 2.0."""
    return next(one.fake_mode for one in tensors if hasattr(one, "fake_mode"))
