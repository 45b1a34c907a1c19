"""Redmine and Tryton between which Accord keeps records in step. `make test-real` installs Redmine."""
