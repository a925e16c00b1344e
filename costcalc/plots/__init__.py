"""Pictures for papers and slides: each function takes what was counted and returns a matplotlib Figure.

    from costcalc import plots
    figure = plots.layers("mobilenet_v1@width=0.5")
    plots.save(figure, "layers.pdf")

A network is a Result, a zoo's name with knobs, a path or a dict. Needs matplotlib: `pip install 'costcalc[plot]'`.
`style` has what all pictures share; the colours of layer types are those of `reports/colours`, as everywhere.
"""

from costcalc.plots.bars import layers, types
from costcalc.plots.curves import sweep
from costcalc.plots.fields import field
from costcalc.plots.fronts import joined, pareto
from costcalc.plots.graphs import graph
from costcalc.plots.memories import memory
from costcalc.plots.points import accuracy
from costcalc.plots.roofs import roofline
from costcalc.plots.sizes import shapes
from costcalc.plots.spaces import space
from costcalc.plots.style import save
from costcalc.plots.waterfalls import diff, whatif

__all__ = [
    "accuracy", "diff", "field", "graph", "joined", "layers", "memory", "pareto", "roofline", "save", "shapes", "space",
    "sweep", "types", "whatif",
]  # fmt: skip
