"""Networks that are named as Python objects: `module:name` is imported and called."""

from __future__ import annotations

import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from costcalc.base.errors import first_line, stop
from costcalc.base.files import refuse_output
from costcalc.base.optional import need
from costcalc.interop.format import ReadOptions

if TYPE_CHECKING:
    from costcalc.language.flat import Flat


IMAGE = (3, 224, 224)  # the input of a model that is given none


def traced(source: Any, options: ReadOptions) -> Flat:
    """Return a network of PyTorch, or the one that `module:name` makes, as a flat list: that runs the module's code.

    Where the options say no input it is what a model of timm states, or, of what is named, an image of 224 x 224.
    """
    from costcalc.interop.torch.importer import from_torch

    named = isinstance(source, str)
    module = load_target(source) if named else source
    dims = options.input or usual_input(module) or (IMAGE if named else None)
    if dims is None:
        raise stop("a PyTorch module is read over an input, and none is given", hint="input=(3, 224, 224)")
    name = options.name or (source.rpartition(":")[2] if named else type(module).__name__)
    regions = options.whole("regions", 1) if "regions" in options.more else None
    return from_torch(module, dims, name=name, opaque=options.opaque, regions=regions)


def load_target(target: str) -> Any:
    """Return the network that `package.module:name` names; a class or a function is called, without arguments.

    `timm:NAME` is what `timm.create_model(NAME)` gives, `hf:PATH` what transformers builds of a config.json. It is made
    on PyTorch's meta device, without memory for weights, where the network allows it. This imports the module, and so
    runs its code.

    Raises SpecError where there is no such module or name, or making it fails.
    """
    torch = need("torch", "torch")
    module, _, name = target.partition(":")
    if module == "hf":
        from costcalc.interop.huggingface.build import built

        need("transformers", "transformers")
        return _made(torch, target, lambda: built(name), hint="a config.json, or a folder with one").eval()
    try:
        with redirect_stdout(sys.stderr):  # what a module prints is no part of a spec
            made = getattr(import_module(module), name, None) if module and name else None
    except (Exception, SystemExit) as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and getattr(error, "name", "") == package
        hint = f"pip install {package}" if missing else "package.module:name, of a package that is installed"
        raise stop(f"{target}: {first_line(error)}", hint=hint) from error
    refuse_output(getattr(sys.modules.get(module), "__file__", None) or "", module)
    if made is None and module == "timm" and name:
        made = lambda: import_module("timm").create_model(name)  # noqa: E731
    if made is None:
        raise stop(f"{target}: no network is called so", hint="package.module:name, as in torchvision.models:resnet50")
    network = made if isinstance(made, torch.nn.Module) else _made(torch, target, made)
    if not isinstance(network, torch.nn.Module):
        raise stop(f"{target}: gives a {type(network).__name__}, not a torch.nn.Module")
    return network.eval()


def _made(torch: Any, target: str, make: Any, hint: str = "it is called without arguments") -> Any:
    """Call what makes a network: on the meta device, or, where that fails, on the CPU; no weights are fetched."""
    if not callable(make):
        raise stop(f"{target}: is a {type(make).__name__}, not a network, nor a function that makes one")
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        quiet = _without_weights(make)
        try:
            with torch.device("meta"):
                return make(**quiet)
        except (Exception, SystemExit):  # noqa: BLE001, S110 - whatever it is: the second try tells it
            pass
        try:
            return make(**quiet)
        except (Exception, SystemExit) as error:
            raise stop(f"{target}: {first_line(error)}", hint=hint) from error


def _without_weights(make: Any) -> dict[str, None]:
    """Return the arguments that keep torchvision's functions from fetching trained weights."""
    try:
        return {key: None for key in signature(make).parameters if key in ("weights", "weights_backbone")}
    except ValueError:  # a built-in says nothing
        return {}


def usual_input(network: Any) -> tuple[int, ...] | None:
    """Return the shape of the image that a network of timm or transformers is for; None where it says nothing."""
    config = getattr(network, "config", None)
    side, channels = getattr(config, "image_size", None), getattr(config, "num_channels", 3)
    if isinstance(side, int) and isinstance(channels, int):
        return channels, side, side
    said = getattr(network, "pretrained_cfg", None) or {}
    size = said.get("input_size") if hasattr(said, "get") else getattr(said, "input_size", None)
    return tuple(size) if size else None
