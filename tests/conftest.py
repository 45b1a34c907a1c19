"""For all tests: random tests assert no times. Machines are small and shared."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("accord", deadline=None)
settings.load_profile("accord")
