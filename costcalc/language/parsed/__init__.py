"""What the files of the zoo and of the conventions hold, a module each: `python tests/tools/generate.py` writes them."""
