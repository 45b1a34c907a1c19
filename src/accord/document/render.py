"""A document as text of one format, its file name, and whether a text that was written before is stale."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from accord.config.meaning import Project
from accord.document.dataflow import check_systems
from accord.document.markdown import markdown
from accord.document.page import page
from accord.document.parts import Document
from accord.document.rst import rst

Format: TypeAlias = Literal["rst", "md", "html"]

_WRITERS = {"rst": rst, "md": markdown, "html": page}
_GENERATED = re.compile(r"(?m)^(\s*(?:<p [^>]*>)?)Generated on \d{4}-\d\d-\d\d \d\d:\d\d UTC")
_UNSAFE = re.compile(r"[^\w.-]+")


def render(document: Document, format: Format, *, generated: datetime) -> str:
    """The document as text. `generated` is a time with zone; it is written in UTC."""
    return _WRITERS[format](document, f"Generated on {generated.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")


def file_name(project: Project, source: str, target: str, format: Format) -> str:
    """`custompms-to-customerp.rst`. Raises UsageError for systems that the project does not have."""
    check_systems(project, source, target)
    start, end = (_UNSAFE.sub("-", system).lstrip(".-") for system in (source, target))
    return f"{start}-to-{end}.{format}"


def stale(text: str, fresh: str) -> bool:
    """Whether two renderings differ in more than the date (and line ends, which version control may change)."""
    return _undated(text) != _undated(fresh)


def _undated(text: str) -> str:
    return _GENERATED.sub(r"\1", text.replace("\r\n", "\n")).rstrip("\n")
