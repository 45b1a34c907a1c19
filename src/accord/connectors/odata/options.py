"""The calls of an entity set, as the parts of the REST connector take them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from accord.config.meaning import Datatype, System
from accord.connectors.odata.literals import Keys
from accord.connectors.odata.metadata import EntitySet
from accord.connectors.rest.options import (
    Call,
    ChangedSince,
    DatatypeOptions,
    Errors,
    Find,
    Listing,
    Paginator,
    RestOptions,
    read_system,
)

JSON = "application/json;odata.metadata=minimal;IEEE754Compatible=true"
WRITTEN = "application/json;IEEE754Compatible=true"
NEXT = "@odata.nextLink"
CONTEXT = "@odata.context"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """What the project file says of one entity set."""

    name: str
    filter: str | None = None
    changes: str = "none"
    """`modified`, `delta` or `none`."""
    find: tuple[str, ...] = ()
    page_size: int | None = None


def service_options(system: System) -> RestOptions:
    """Address, credentials and headers of a service. Raises MendFile."""
    options = read_system(system)
    return replace(options, headers={"Accept": JSON, "OData-MaxVersion": "4.0", **options.headers})


def set_options(datatype: Datatype) -> SetOptions:
    """The keys of one datatype, with what they are when left out."""
    said = datatype.options
    searched = said.get("find")
    if searched is None:
        searched = (*((datatype.key_property,) if datatype.key_property else ()), *datatype.natural_key)
    return SetOptions(
        name=str(said.get("set") or datatype.name),
        filter=said.get("filter"),
        changes=str(said.get("changes") or ("modified" if datatype.modified else "none")),
        find=tuple(dict.fromkeys(searched)),
        page_size=said.get("page_size"),
    )


def calls_of(datatype: Datatype, said: SetOptions, told: EntitySet, paths: tuple[str, ...]) -> DatatypeOptions:
    """The five calls and the search of an entity set."""
    keys = Keys(told.properties[datatype.id].type)
    one = f"/{said.name}({{id}})"
    prefer = {"Prefer": "return=representation"}
    # without If-Match, a PATCH of a record that is gone would make it again (Protocol 4.01, section 11.4.4)
    guarded = {**prefer, "If-Match": "*"}
    return DatatypeOptions(
        listing=_listing(datatype, said, paths),
        get=Call(method="GET", path=one, ids=keys),
        create=Call(method="POST", path=f"/{said.name}", ids=keys, content_type=WRITTEN, headers=prefer),
        update=Call(method="PATCH", path=one, ids=keys, content_type=WRITTEN, headers=guarded),
        delete=Call(method="DELETE", path=one, ids=keys, headers={"If-Match": "*"}),
        find=Find(path=f"/{said.name}", param="$filter", by=said.find) if said.find else None,
        errors=Errors(),
    )


def _listing(datatype: Datatype, said: SetOptions, paths: tuple[str, ...]) -> Listing:
    check = datatype.version
    versions = (check.path,) if check is not None and check.path is not None and check.path[0] != "@" else ()
    named = [datatype.id, *paths, *versions, *((datatype.modified,) if datatype.modified else ())]
    tops = dict.fromkeys(map(top_of, named))
    params: dict[str, Any] = {"$select": ",".join(tops), "$orderby": datatype.id.replace(".", "/"), "$count": "true"}
    if said.filter:
        params["$filter"] = said.filter
    prefer = [f"odata.maxpagesize={said.page_size}"] if said.page_size else []
    return Listing(
        path=f"/{said.name}",
        params=params,
        records="value",
        total="@odata.count",
        base=CONTEXT,
        headers={"Prefer": ",".join(prefer)} if prefer else {},
        paginator=Paginator(kind="next_url", path=NEXT),
        changed_since=_changed_since(datatype, said),
    )


def top_of(path: str) -> str:
    """The property of the entity type itself that a path begins with."""
    return path.partition(".")[0].partition("[")[0]


def _changed_since(datatype: Datatype, said: SetOptions) -> ChangedSince | None:
    if said.changes != "modified" or datatype.modified is None:
        return None
    since = f"{datatype.modified.replace('.', '/')} ge {{since}}"
    return ChangedSince(param="$filter", filter=f"({said.filter}) and {since}" if said.filter else since)
