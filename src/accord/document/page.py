"""The document as one HTML page that needs nothing else: to read on any screen, to print and to sign."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from accord.document.parts import Document, Table


def page(document: Document, generated: str) -> str:
    """The whole page; `generated` is the line that says when."""
    return _template().render(document=document, generated=generated)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("accord.document"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["table"] = lambda part: isinstance(part, Table)
    return environment.get_template("dataflow.html")
