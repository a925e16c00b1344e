"""What networks ask of hardware: traffic, time on a device, energy, stored sizes. Metrics and commands read it."""
