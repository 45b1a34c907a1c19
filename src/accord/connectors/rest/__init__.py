"""REST systems: JSON over HTTP, described by `path`, `list`, `get`, `create`, `update`, `delete` and `find`."""
