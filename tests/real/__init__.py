"""Business systems that nobody here wrote, installed and started by the tests."""
