"""A flat network folded: repeated structure becomes blocks, repeats and tables."""
