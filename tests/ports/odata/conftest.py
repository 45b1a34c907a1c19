"""Coroutine tests run in a loop of their own."""

from tests.ports.rest.conftest import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]
