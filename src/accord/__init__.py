"""Accord keeps records in step between business applications, wherever they are edited."""

__version__ = "0.1.0"
