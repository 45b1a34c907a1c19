"""The JSON schema of `accord.yaml`: `python -m accord.config.json_schema > docs/accord.schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from accord.config.words import CONFLICT_RULES, DELETE_RULES, LENSES, LINK_MODES

REFERENCE = "#/$defs/{model}"


def build() -> dict[str, Any]:
    """The schema: a system by its connector, flows and rows with the names of systems as further keys."""
    definitions = _definitions()
    file = definitions.pop("FileModel")
    for name, rule in _rules().items():
        definitions[name] = rule
    _open_up(definitions)
    _join_systems(definitions)
    properties = file["properties"]
    properties["accord"] = {"const": 1, "description": "The version of this format"}
    properties["systems"] = {"type": "object", "additionalProperties": _ref("System")}
    properties["flows"] = {"type": "object", "additionalProperties": _ref("FlowModel")}
    properties["defaults"] = _ref("DefaultsModel")
    properties["schedule"] = _ref("Schedule")
    properties["notify"] = {"anyOf": [_ref("NoticeModel"), {"type": "array", "items": _ref("NoticeModel")}]}
    properties["console"] = _ref("ConsoleModel")
    properties["worker"] = {"anyOf": [{"type": "string"}, _ref("WorkerModel")]}
    properties["tests"] = {"type": "object", "additionalProperties": _ref("CaseModel")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "accord.yaml",
        **{key: value for key, value in file.items() if key != "title"},
        "$defs": dict(sorted(definitions.items())),
    }


def _definitions() -> dict[str, Any]:
    from pydantic.json_schema import JsonSchemaMode, models_json_schema

    from accord.config import cases_schema, schema, sections_schema
    from accord.config.connectors_schema import CONNECTORS, AnyDatatype, AnySystem

    mode: JsonSchemaMode = "validation"
    models: list[Any] = [
        *(model for pair in (*CONNECTORS.values(), (AnySystem, AnyDatatype)) for model in pair),
        *(schema.FileModel, schema.FlowModel, schema.RowModel, schema.SideModel, schema.DefaultsModel),
        *(schema.GroupModel, schema.ScheduleModel, cases_schema.CaseModel),
        *(sections_schema.NoticeModel, sections_schema.ConsoleModel, sections_schema.WorkerModel),
    ]
    _, found = models_json_schema([(model, mode) for model in models], ref_template=REFERENCE)
    definitions: dict[str, Any] = found["$defs"]
    return definitions


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=name)}


def _one_or_by_system(one: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [*one["anyOf"], {"type": "object", "additionalProperties": one}]}


def _single(key: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


def _rules() -> dict[str, dict[str, Any]]:
    """What the models leave open, because it needs the names of systems."""
    link = {"anyOf": [{"enum": list(LINK_MODES)}, _single("connected", {"type": "string"})]}
    delete = {"anyOf": [{"enum": list(DELETE_RULES)}, _single("archive", {"type": "object", "minProperties": 1})]}
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    lens = {"anyOf": [{"enum": list(LENSES)}, _lens()]}
    times = {"anyOf": [_ref("ScheduleModel"), {"type": "object"}]}
    return {
        "Conflict": {"anyOf": [{"enum": list(CONFLICT_RULES)}, _single("prefer", names), {"type": "null"}]},
        "Link": _one_or_by_system(link),
        "OnDelete": _one_or_by_system(delete),
        "Match": {"anyOf": [{"type": "string"}, {"type": "array", "items": names}]},
        "Group": {"anyOf": [names, _ref("GroupModel")]},
        "Side": {"anyOf": [{"type": "string"}, _ref("SideModel")]},
        "Lens": {"anyOf": [*lens["anyOf"], {"type": "array", "items": lens}]},
        "Schedule": {**_ref_properties(), "type": "object", "additionalProperties": times},
    }


def _ref_properties() -> dict[str, Any]:
    time = {"anyOf": [{"type": "string"}, {"type": "number"}]}
    return {"properties": {"every": time, "full_every": time, "cron": {"type": "string"}}}


def _lens() -> dict[str, Any]:
    properties: dict[str, Any] = {name: {} for name in LENSES}
    return {"type": "object", "properties": {**properties, "lossy": {"type": "boolean"}}, "additionalProperties": False}


def _open_up(definitions: dict[str, Any]) -> None:
    """Put the rules where they belong, and let systems be keys of flows and rows."""
    flow, row = definitions["FlowModel"], definitions["RowModel"]
    flow["additionalProperties"] = _ref("Side")
    row["additionalProperties"] = {"type": "string"}
    flow["properties"]["rows"] = {"type": ["array", "null"], "items": _ref("RowModel")}
    flow["properties"]["groups"] = {"type": "object", "additionalProperties": _ref("Group")}
    flow["properties"]["match"] = _ref("Match")
    row["properties"]["lens"] = {"type": "object", "additionalProperties": _ref("Lens")}
    for name in ("FlowModel", "RowModel", "GroupModel", "DefaultsModel"):
        properties = definitions[name]["properties"]
        for key, rule in (("conflict", "Conflict"), ("on_delete", "OnDelete"), ("link", "Link")):
            if key in properties:
                properties[key] = _ref(rule)


def _join_systems(definitions: dict[str, Any]) -> None:
    """A system is checked by the model of its connector."""
    from accord.config.connectors_schema import CONNECTORS, AnyDatatype, AnySystem

    pairs: list[tuple[type, type]] = [*CONNECTORS.values(), (AnySystem, AnyDatatype)]
    for system, datatype in pairs:
        definitions[system.__name__]["properties"]["datatypes"] = {
            "type": "object",
            "additionalProperties": {"anyOf": [_ref(datatype.__name__), {"type": "null"}]},
        }
    choice: dict[str, Any] = _ref(AnySystem.__name__)
    for name, (system, _) in reversed(CONNECTORS.items()):
        condition = {"properties": {"connector": {"const": name}}, "required": ["connector"]}
        choice = {"if": condition, "then": _ref(system.__name__), "else": choice}
    definitions["System"] = choice


if __name__ == "__main__":
    sys.stdout.write(json.dumps(build(), indent=1, ensure_ascii=False, sort_keys=True) + "\n")
