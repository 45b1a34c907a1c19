"""Redmine 5.0, of Debian. `make test-real` installs it."""
