"""The simulator: models of systems, people, faults and crashes, and an oracle that knows every edit."""
