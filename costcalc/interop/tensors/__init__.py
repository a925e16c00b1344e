"""Graphs of tensors, batch included: what the readers of such formats share. The operators go by ONNX's names.

`values` are constants and what flows; `net` is the spec under construction, with who learns what, and holds the rules
that `layers`, `maths`, `arrange`, `products` and `recurrent` enter; `fold` computes what depends on constants and
shapes only; `origin` says what was learned.
"""
