"""What if: a network as a flat list of steps, changed, and counted again."""
