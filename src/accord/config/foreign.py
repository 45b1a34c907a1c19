"""Connectors of other packages: how their keys of a project file are checked, and their folders found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.config.problems import Problems
from accord.config.tree import Where
from accord.config.words import LOCAL_PATH

if TYPE_CHECKING:
    from accord.config.schema import DatatypeModel, SystemModel

ENTRY_POINTS = "accord.connectors"


def foreign_names() -> set[str]:
    """Every connector that an installed package gives."""
    from importlib.metadata import entry_points

    return {point.name for point in entry_points(group=ENTRY_POINTS)}


def foreign_models(name: str, where: Where, problems: Problems) -> tuple[type[SystemModel], type[DatatypeModel]]:
    """`system_model` and `datatype_model` of a connector; one that has none takes every key, and checks them itself."""
    from importlib.metadata import entry_points

    from accord.config.connectors_schema import AnyDatatype, AnySystem

    point = next(iter(entry_points(group=ENTRY_POINTS, name=name)))
    package = point.dist.name if point.dist is not None else point.module
    try:
        connector = point.load()
    except Exception as error:  # a package fails in its own ways when it is imported
        said = f"the connector {name!r} cannot be imported: {type(error).__name__}: {error}"
        problems.add((*where, "connector"), said, hint=f"the package {package} gives it; install it anew, or mend it")
        return AnySystem, AnyDatatype
    found = (
        getattr(connector, "system_model", AnySystem),
        getattr(connector, "datatype_model", AnyDatatype),
    )
    for model, attribute, base in zip(found, ("system_model", "datatype_model"), _bases(), strict=True):
        if not (isinstance(model, type) and issubclass(model, base)):
            said = (
                f"{attribute} of the connector {name!r} is no class derived from accord.config.schema.{base.__name__}"
            )
            problems.add((*where, "connector"), said, hint=f"the package {package} must be mended")
            return AnySystem, AnyDatatype
    return found


def _bases() -> tuple[type[SystemModel], type[DatatypeModel]]:
    from accord.config.schema import DatatypeModel, SystemModel

    return SystemModel, DatatypeModel


def locate(options: dict[str, Any], model: Any, folder: Path) -> None:
    """Make each `LocalPath` of a model absolute: a relative one starts at the project file's folder."""
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        if LOCAL_PATH in field.metadata and isinstance(options.get(key), str):
            options[key] = str((folder / options[key]).absolute())
