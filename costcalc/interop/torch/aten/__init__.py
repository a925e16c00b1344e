"""ATen's operations, as `torch.export` lists them, translated into costcalc's."""
