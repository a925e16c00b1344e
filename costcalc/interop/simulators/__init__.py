"""Layers as other people's simulators take them: SCALE-Sim's topology, Timeloop's problems."""
