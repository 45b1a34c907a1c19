"""Coroutine tests run in a loop of their own."""

from tests.ports.rest.conftest import fake, pytest_pyfunc_call

__all__ = ["fake", "pytest_pyfunc_call"]
