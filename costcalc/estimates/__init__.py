"""Networks on hardware, as tables and records: stored size, time on a device, energy."""
