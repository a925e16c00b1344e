"""Operators of ONNX Runtime's own domain: what several of ONNX's are in one -> the steps of each."""

from __future__ import annotations

from costcalc.base.errors import Fault
from costcalc.interop import words
from costcalc.interop.tensors import layers, maths
from costcalc.interop.tensors.net import Call, Net, rule
from costcalc.interop.tensors.values import Data
from costcalc.interop.words import ONNX

_OF = "com.microsoft"

rule(f"{_OF}.Gelu")(maths.activation)


@rule(f"{_OF}.BiasGelu", f"{_OF}.FastGelu")
def biased_gelu(net: Net, call: Call) -> None:
    """A bias, which FastGelu may lack, and Gelu."""
    if call.value(1) is None:
        maths.each(net, call, net.data(call, 0), "gelu")
        return
    call.op = "Add"
    maths.joined(net, call)
    maths.each(net, call, _made(net, call), "gelu")


@rule(f"{_OF}.FusedConv")
def fused_conv(net: Net, call: Call) -> None:
    """A convolution, a tensor that is added to what it gives, and an activation."""
    layers.conv(net, call)
    if call.value(3) is not None:
        made, other = _made(net, call), net.data(call, 3)
        net.put(call, layers.join(net, "add", [made, other], f"{call.name}.add"), made.shape)
    _activated(net, call)


@rule(f"{_OF}.FusedGemm")
def fused_gemm(net: Net, call: Call) -> None:
    """Gemm and an activation."""
    layers.gemm(net, call)
    _activated(net, call)


def _made(net: Net, call: Call) -> Data:
    """Return what the node gives so far."""
    value = net.values[call.outputs[0]]
    if not isinstance(value, Data):
        raise Fault("gives a constant")
    return Data(value.name, value.shape, still=value.still, image=value.image)


def _activated(net: Net, call: Call) -> None:
    """Add the node's activation, if it has one; its parameters change no cost."""
    word = call.attr("activation", "")
    known = words.ACTIVATIONS.read(ONNX) | {"Clip": "hard_tanh", "": ""}
    if word not in known:
        raise Fault(f"costcalc has no activation {word[:40]}")
    if word:
        maths.each(net, call, _made(net, call), known[word])
