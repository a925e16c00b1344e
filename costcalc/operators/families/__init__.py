"""The operators, a file a family. A new layer type is a class in one of these files, or a new file.

A file imports `costcalc.operators`' modules, `numbers` and `base`, and is found by lying here.
"""
