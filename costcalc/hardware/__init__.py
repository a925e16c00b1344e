"""What networks ask of hardware: traffic, time on a device, energy, stored sizes. Metrics and commands read it.

Imports `costs` and what lies below. A device is a file in `data/devices/`, a table of energies one in
`data/energies/`.
"""
