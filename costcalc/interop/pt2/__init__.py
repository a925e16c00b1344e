"""Programs that torch.export has saved: their graph is JSON in a zip, and nothing of them is run."""
