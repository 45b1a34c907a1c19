"""Tryton 8.2, of the Python registry, on SQLite. `make systems` installs it."""
