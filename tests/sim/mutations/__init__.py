"""Single-line faults in Accord itself, each of which the histories must catch: `python -m tests.sim.mutations`."""
