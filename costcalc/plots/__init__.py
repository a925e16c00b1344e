"""Pictures for papers and slides: each function takes what was counted and returns a matplotlib Figure.

    from costcalc import plots
    figure = plots.layers("mobilenet_v1@width=0.5")
    plots.save(figure, "layers.pdf")

A network is a Result, a zoo's name with knobs, a path or a dict. Needs matplotlib: `pip install 'costcalc[plot]'`.
"""

from costcalc.plots.bars import layers, types
from costcalc.plots.curves import sweep
from costcalc.plots.points import accuracy
from costcalc.plots.roofs import roofline
from costcalc.plots.sizes import shapes
from costcalc.plots.spaces import space
from costcalc.plots.style import save

__all__ = ["accuracy", "layers", "roofline", "save", "shapes", "space", "sweep", "types"]
