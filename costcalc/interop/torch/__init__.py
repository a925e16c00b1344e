"""PyTorch: a spec built as a module, a module read as a spec, and the two compared row by row."""
