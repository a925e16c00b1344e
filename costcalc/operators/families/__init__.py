"""The operators, a file a family. A new layer type is a class in one of these files, or a new file.

A file imports `costcalc.operators`' modules, `numbers` and `base`. Which operators it has is written down in
`homes.py` by `python tests/tools/generate.py`: only the families that a network has are imported.
"""
