"""Programs that `torch.export` has saved: `.pt2`. Modules of PyTorch are no files (`interop/torch`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from costcalc.interop.format import Format, Head, ReadOptions

if TYPE_CHECKING:
    from costcalc.language.flat import Flat

GRAPH = re.compile(r"(?:.*/)?(?:models/[^/]+\.json|serialized_exported_program\.json)")  # the second before PyTorch 2.8


def _is_it(head: Head) -> bool:
    return any(map(GRAPH.fullmatch, head.names))


FORMAT = Format(
    name="pt2",
    what="a program of torch.export",
    suffixes=(".pt2",),
    told_by="a zip with `models/NAME.json`",
    is_it=_is_it,
    options=("input", "opaque"),
    extra="torch",
    lacks="batches that were exported above one; branches and loops",
)


def read(path: str, options: ReadOptions) -> Flat:
    """Return an exported program as a flat list; its weights and examples, some of them pickled, are not opened.

    Raises SpecError, naming module and operation, for what can't be expressed, and for a file that is broken.
    """
    from costcalc.base import zip_file
    from costcalc.interop.pt2.importer import opened

    return opened(path, [name for name in zip_file.names(path) if GRAPH.fullmatch(name)], options)
