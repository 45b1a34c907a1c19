"""An adapter around any connector, for properties that its system shows otherwise than a row wants them.

One out of several and back: a full name of first and last name, an address of street and number. The engine sees the
joined property as one of the record; the system sees its parts only. What cannot be taken apart so that it is read the
same again is refused, and never written in another form.

And what is shown as `project.id` but taken as `project_id`, is left out where it is null or has another value in its
place, is the address of a record in place of its id, or is written with the name of its class beside it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec

from accord.config.meaning import Datatype, Property, System
from accord.connectors.paths import differs
from accord.model import Absence, Native, Natives, Outcome, OutcomeKind, Record, encode_natives
from accord.ports import (
    Capabilities,
    Connector,
    Cursor,
    DatatypeSchema,
    Discovered,
    Discovers,
    Expects,
    NewRecord,
    Page,
    PropertySchema,
)

MOVED = Outcome(kind=OutcomeKind.STALE, message="the record has changed")
_NUMBER = re.compile(r"\S\s(?=\d)")
"""Where a house number begins: a digit after a word."""
_ADDRESS = re.compile(r"/|https?:|urn:")
"""How an address begins that is no id: it stays as it is."""


def join_parts(joined: Property, natives: Natives) -> dict[str, Native]:
    """`{path: value}` of a joined property; empty where a part was not sent. Null and "" stay apart."""
    if any(part not in natives for part in joined.parts):
        return {}
    values = [natives[part] for part in joined.parts]
    filled = [str(value) for value in values if value is not None and value != ""]
    if filled:
        return {joined.path: joined.join.join(filled)}
    return {joined.path: None if all(value is None for value in values) else ""}


def take_apart(joined: Property, value: Native, blank: Mapping[str, Native]) -> dict[str, Native]:
    """`{part: value}` of a value; `blank` is what a part without one gets. Raises ValueError where it would be read
    otherwise.
    """
    if value is None or value == "":
        return dict.fromkeys(joined.parts, value)
    pieces = _pieces(joined, str(value))
    parts = {part: piece or blank.get(part) for part, piece in zip(joined.parts, pieces, strict=True)}
    again = join_parts(joined, parts)[joined.path]
    if again != value:
        named = " and ".join(joined.parts)
        raise ValueError(f"{value!r} cannot be written as {named}: it would be read as {again!r}")
    return parts


class Form:
    """How the system shows and takes one value: the address of a record in place of its id, false in place of null."""

    def __init__(self, stated: Property, base: str) -> None:
        self._null = stated.null_as
        self._whole = stated.type == "integer"
        link = stated.link or ""
        own = link if link.startswith(("http://", "https://")) else base + link
        self._before, _, self._after = own.partition("{id}")
        self._linked = bool(stated.link)

    def read(self, value: Native) -> Native:
        """What is meant by a value that the system shows; an address of another kind stays as it is."""
        if self._null is not None and type(value) is type(self._null) and value == self._null:
            return None
        if not self._linked or not isinstance(value, str):
            return value
        id = value.removeprefix(self._before).removesuffix(self._after)
        if self._before + id + self._after != value or not id or "/" in id:
            return value
        id = unquote(id)
        meant: Native = int(id) if self._whole and id.isdecimal() else id
        return meant if self.write(meant) == value else value

    def write(self, value: Native) -> Native:
        """The value as the system takes it."""
        if value is None:
            null: Native = self._null
            return null
        if not self._linked or isinstance(value, bool | list | dict) or _ADDRESS.match(str(value)):
            return value
        return f"{self._before}{quote(str(value), safe='')}{self._after}"


def _forms(datatype: Datatype, base: str) -> dict[str, Form]:
    stated = datatype.properties.values()
    return {one.path: Form(one, base) for one in stated if one.link is not None or one.null_as is not None}


def _pieces(joined: Property, value: str) -> list[str]:
    count = len(joined.parts)
    if joined.split == "number":
        found = _NUMBER.search(value)
        return [value[: found.end() - 1], value[found.end() :]] if found else [value, ""]
    if joined.split == "first":
        pieces = value.split(joined.join, count - 1)
        return [*pieces, *[""] * (count - len(pieces))]
    pieces = value.rsplit(joined.join, count - 1)
    return [*[""] * (count - len(pieces)), *pieces]


class PropertyAdapter:
    """A connector whose datatypes have such properties."""

    def __init__(self, inner: Connector) -> None:
        self.inner = inner
        self.system: System = inner.system
        told = {name: datatype.properties.values() for name, datatype in inner.system.datatypes.items()}
        self._joined = {name: tuple(one for one in all if one.parts) for name, all in told.items()}
        self._nulls = {name: tuple(one.path for one in all if one.null_when_absent) for name, all in told.items()}
        self._beside = {name: {one.path: one.write_with for one in all if one.write_with} for name, all in told.items()}
        self._names = {name: {one.path: one.write_as for one in all if one.write_as} for name, all in told.items()}
        base = urlsplit(str(inner.system.options.get("base_url") or "")).path.rstrip("/")
        self._formed = {name: _forms(datatype, base) for name, datatype in inner.system.datatypes.items()}
        self._paths: dict[str, tuple[str, ...]] = {}

    @property
    def requests(self) -> int:
        """As many as the system was sent."""
        return self.inner.requests

    @requests.setter
    def requests(self, count: int) -> None:
        self.inner.requests = count

    @property
    def check(self) -> Any:
        """The connector's own check; AttributeError where it has none."""
        return self.inner.check  # type: ignore[attr-defined]

    async def open(self, paths: Mapping[str, Sequence[str]]) -> None:
        """See `Connector`. The parts are read in place of what is joined."""
        self._paths = {name: tuple(found) for name, found in paths.items()}
        await self.inner.open({name: self._plain(name, found) for name, found in paths.items()})

    def _plain(self, datatype: str, paths: Iterable[str]) -> list[str]:
        named = {one.path: one.parts for one in self._joined.get(datatype, ())}
        return list(dict.fromkeys(part for path in paths for part in named.get(path, (path,))))

    async def close(self) -> None:
        """See `Connector`."""
        await self.inner.close()

    def capabilities(self, datatype: str) -> Capabilities:
        """See `Connector`. A joined property is found by its parts."""
        known = self.inner.capabilities(datatype)
        more = [one.path for one in self._joined.get(datatype, ()) if set(one.parts) <= set(known.find)]
        return replace(known, find=(*known.find, *more))

    async def read(self, datatype: str, cursor: Cursor) -> AsyncIterator[Page]:
        """See `Connector`."""
        async for page in self.inner.read(datatype, cursor):
            yield replace(page, records=[self._seen(datatype, record) for record in page.records])

    async def fetch(self, datatype: str, ids: Sequence[str]) -> dict[str, Record | Absence]:
        """See `Connector`."""
        found = await self.inner.fetch(datatype, ids)
        return {
            id: self._seen(datatype, record) if isinstance(record, Record) else record for id, record in found.items()
        }

    def _seen(self, datatype: str, record: Record) -> Record:
        """The record with what is joined, and with no other paths than were asked for."""
        paths, joined, nulls = (
            self._paths.get(datatype, ()),
            self._joined.get(datatype, ()),
            self._nulls.get(datatype, ()),
        )
        forms = self._formed.get(datatype, {})
        if not any(one.path in paths for one in joined) and not nulls and not forms:
            return record
        natives = {**dict.fromkeys(nulls), **record.natives()}
        natives |= self._meant(datatype, natives)
        for one in joined:
            natives |= join_parts(one, natives)
        shown = {path: natives[path] for path in paths if path in natives}
        return msgspec.structs.replace(record, content=encode_natives(shown))

    async def find(self, datatype: str, by: Natives) -> list[Record]:
        """See `Connector`. What no record can hold is found nowhere."""
        try:
            wanted = self._shown(datatype, self._apart(datatype, by))
        except ValueError:
            return []
        found = [self._seen(datatype, record) for record in await self.inner.find(datatype, wanted)]
        return [record for record in found if differs(record.natives(), _asked(by, record)) is None]

    async def create(self, datatype: str, new: Sequence[NewRecord]) -> list[Outcome]:
        """See `Connector`. What cannot be taken apart is refused; the others are sent."""
        outcomes: list[Outcome | None] = []
        sent: list[NewRecord] = []
        for item in new:
            try:
                sent.append(replace(item, natives=self._written(datatype, item.natives)))
                outcomes.append(None)
            except ValueError as error:
                outcomes.append(Outcome(kind=OutcomeKind.REJECTED, message=str(error)))
        ended = iter(await self.inner.create(datatype, sent) if sent else ())
        return [self._ended(datatype, next(ended)) if outcome is None else outcome for outcome in outcomes]

    async def update(self, datatype: str, id: str, patch: Natives, expects: Expects) -> Outcome:
        """See `Connector`."""
        try:
            apart = self._written(datatype, patch)
        except ValueError as error:
            return Outcome(kind=OutcomeKind.REJECTED, message=str(error))
        ground = await self._ground(datatype, id, expects)
        if not isinstance(ground, Expects):
            return MOVED
        return self._ended(datatype, await self.inner.update(datatype, id, apart, ground))

    async def delete(self, datatype: str, id: str, expects: Expects) -> Outcome:
        """See `Connector`."""
        ground = await self._ground(datatype, id, expects)
        if not isinstance(ground, Expects):
            return Outcome(kind=OutcomeKind.ALREADY) if ground is Absence.GONE else MOVED
        return self._ended(datatype, await self.inner.delete(datatype, id, ground))

    async def schema(self) -> Mapping[str, DatatypeSchema]:
        """See `Connector`. A joined property is required, or not to be written, as its parts are."""
        told = dict(await self.inner.schema())
        for name, joined in self._joined.items():
            if joined and name in told:
                properties = dict(told[name].properties)
                properties |= {one.path: _told(one, properties) for one in joined}
                told[name] = replace(told[name], properties=properties)
        return told

    def _written(self, datatype: str, natives: Natives) -> dict[str, Native]:
        """The natives as the system takes them. Raises ValueError."""
        names, beside = self._names.get(datatype, {}), self._beside.get(datatype, {})
        taken: dict[str, Native] = {}
        for path, value in self._shown(datatype, self._apart(datatype, natives)).items():
            if path in beside and value is None:
                taken[path.rpartition(".")[0] or path] = None
                continue
            taken |= beside.get(path) or {}
            taken[names.get(path) or path] = value
        return taken

    def _meant(self, datatype: str, natives: Natives) -> dict[str, Native]:
        """Of natives as the system shows them, what those mean that have another form."""
        forms = self._formed.get(datatype, {})
        return {path: form.read(natives[path]) for path, form in forms.items() if path in natives}

    def _shown(self, datatype: str, natives: Natives) -> dict[str, Native]:
        """The natives in the form in which the system shows them."""
        forms = self._formed.get(datatype, {})
        return {path: forms[path].write(value) if path in forms else value for path, value in natives.items()}

    def _apart(self, datatype: str, natives: Natives) -> dict[str, Native]:
        """The natives with parts in place of what is joined. Raises ValueError."""
        named = {one.path: one for one in self._joined.get(datatype, ())}
        known = self.system.datatypes[datatype].properties
        apart: dict[str, Native] = {}
        for path, value in natives.items():
            one = named.get(path)
            if one is None:
                apart[path] = value
            else:
                blank = {part: "" for part in one.parts if part in known and known[part].required}
                apart |= take_apart(one, value, blank)
        return apart

    async def _ground(self, datatype: str, id: str, expects: Expects) -> Expects | Absence | None:
        """What is expected of the parts: the record is read, since one text may be joined of other parts, too.

        None where it is no longer as expected.
        """
        joined = [one for one in self._joined.get(datatype, ()) if one.path in expects.natives]
        if not joined:
            return replace(expects, natives=self._shown(datatype, expects.natives))
        now = (await self.inner.fetch(datatype, [id]))[id]
        if not isinstance(now, Record):
            return now
        natives = now.natives()
        natives |= self._meant(datatype, natives)
        wanted = {path: value for path, value in expects.natives.items() if path not in {one.path for one in joined}}
        for one in joined:
            if differs(join_parts(one, natives), {one.path: expects.natives[one.path]}) is not None:
                return None
            wanted |= {part: natives[part] for part in one.parts if part in natives}
        return replace(expects, natives=self._shown(datatype, wanted))

    def _ended(self, datatype: str, outcome: Outcome) -> Outcome:
        record = outcome.record
        return outcome if record is None else replace(outcome, record=self._seen(datatype, record))


class DiscoveringAdapter(PropertyAdapter):
    """The same, of a connector that can be asked what there is."""

    async def discover(self, sample: int) -> Sequence[Discovered]:
        """See `Discovers`: what the system itself has, in parts."""
        inner: Any = self.inner
        found: Sequence[Discovered] = await inner.discover(sample)
        return found


def adapted(system: System, connector: Connector) -> Connector:
    """The connector, or one around it where the project file gives properties of its system another form."""
    properties = [one for datatype in system.datatypes.values() for one in datatype.properties.values()]
    if not any(_is_adapted(one) for one in properties):
        return connector
    around = DiscoveringAdapter if isinstance(connector, Discovers) else PropertyAdapter
    return around(connector)


def _is_adapted(one: Property) -> bool:
    plain = one.link is None and one.null_as is None
    return bool(one.parts or one.write_as or one.write_with or one.null_when_absent or not plain)


def _asked(by: Natives, record: Record) -> dict[str, Native]:
    """Of what was searched by, what the record shows."""
    natives = record.natives()
    return {path: value for path, value in by.items() if path in natives}


def _told(joined: Property, properties: Mapping[str, PropertySchema]) -> PropertySchema:
    parts = [properties[part] for part in joined.parts if part in properties]
    return PropertySchema(
        path=joined.path,
        type="string",
        required=any(part.required for part in parts),
        read_only=any(part.read_only for part in parts),
    )
