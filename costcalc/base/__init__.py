"""Mistakes and files: what every other floor stands on, and what knows nothing of networks.

Imports nothing of costcalc. A new way of being wrong is a message where it is noticed, not a class here; what reads
or writes files, or asks for a package that may be missing, lives here.
"""

from typing import Any

Value = Any  # of a spec, a knob or a function's argument, before it is looked at: a number, a word, a list, nothing
Data = dict[str, Any]  # a record of plain data, as JSON writes it
