"""Tryton 8.2 on PostgreSQL, both of the Python registry. It takes a minute or two, so `make test-real` runs it."""
