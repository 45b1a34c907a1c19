"""`tests:` → cases: every record named by system, datatype and id, every property one that the systems may have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from accord.config.cases import Case, CaseRecord, Expected, ExpectedHeld, ExpectedWrite, natives_of
from accord.config.meaning import Flow, System
from accord.config.problems import Problems, nearest
from accord.config.tree import Where, key_text
from accord.model import Op, Ref

NAMED = "SYSTEM/DATATYPE/ID, as custompms/customer/17"


def resolve_cases(
    written: Any, systems: Mapping[str, System], flows: Mapping[str, Flow], problems: Problems
) -> tuple[Case, ...]:
    """The tests of the file, in order; problems are noted."""
    if written is None:
        return ()
    if not isinstance(written, dict):
        problems.add(("tests",), f"must be a mapping (`name: test`), and is {problems.quoted(('tests',))}")
        return ()
    cases = _Cases(systems, flows, problems)
    found = [cases.one(key_text(name), body) for name, body in written.items()]
    return tuple(case for case in found if case is not None)


class _Cases:
    def __init__(self, systems: Mapping[str, System], flows: Mapping[str, Flow], problems: Problems) -> None:
        self.systems, self.flows, self.problems = systems, flows, problems

    def one(self, name: str, body: Any) -> Case | None:
        from accord.config.cases_schema import CaseModel

        where: Where = ("tests", name)
        model = self.problems.validate(CaseModel, body, where)
        if model is None:
            return None
        place = self.problems.place(where)
        in_step = [
            self._records(link, (*where, "in_step", at), of_link=True)
            for at, link in enumerate(body.get("in_step", []))
        ]
        case = Case(
            name=name,
            file=place.file,
            line=place.line,
            description=model.description,
            in_step=in_step,
            new=self._records(body.get("new", {}), (*where, "new")),
            edit=self._records(body.get("edit", {}), (*where, "edit")),
            delete=[ref for at, text in enumerate(model.delete) if (ref := self._ref(text, (*where, "delete", at)))],
        )
        self._check_known(case, where)
        expect = body["expect"] or {}
        return replace(case, expect=self._expected(model.expect, expect, (*where, "expect")))

    def _records(self, written: Mapping[Any, Any], where: Where, *, of_link: bool = False) -> list[CaseRecord]:
        found = []
        for key, properties in written.items():
            text = key_text(key)
            ref = self._ref(text, (*where, text))
            if ref is not None:
                self._check_paths(ref.system, ref.datatype, properties or {}, (*where, text))
                found.append(CaseRecord(ref=ref, native_id=_native_id(ref.id), properties=natives_of(properties or {})))
        if of_link and len({record.ref.system for record in found}) < max(2, len(found)):
            self.problems.add(where, "a link joins two records or more, each of another system", allowed=NAMED)
        return found

    def _ref(self, text: str, where: Where) -> Ref | None:
        try:
            ref = Ref.parse(text)
        except ValueError:
            self.problems.add(where, f"{text!r} names no record", allowed=NAMED)
            return None
        return ref if self._is_known(ref.system, ref.datatype, where) else None

    def _is_known(self, system: str, datatype: str, where: Where) -> bool:
        if system not in self.systems:
            self.problems.unknown(where, "the system", system, self.systems)
            return False
        if datatype not in self.systems[system].datatypes:
            self.problems.unknown(where, f"the datatype of {system}", datatype, self.systems[system].datatypes)
            return False
        if not any(
            (side := flow.side(system)) is not None and side.datatype == datatype for flow in self.flows.values()
        ):
            self.problems.add(where, f"no flow has {system}/{datatype}")
            return False
        return True

    def _check_paths(self, system: str, datatype: str, written: Mapping[Any, Any], where: Where) -> None:
        """A property that is near to a mapped one, and is none, is a slip of the pen."""
        mapped = {
            path
            for flow in self.flows.values()
            if (side := flow.side(system)) is not None and side.datatype == datatype
            for row in flow.rows
            if (path := row.paths.get(system)) is not None
        }
        known = {*mapped, *self.systems[system].datatypes[datatype].properties}
        heads = {part for path in known for part in (path, path.partition(".")[0].removesuffix("[]"))}
        for key in map(key_text, written):
            near = nearest(key, heads - {key_text(name) for name in written})
            if key not in heads and near is not None:
                self.problems.add((*where, key), f"no row names {key!r}", hint=f"did you mean {near!r}?")

    def _check_known(self, case: Case, where: Where) -> None:
        """What is edited or deleted is there before."""
        there = {record.ref for link in case.in_step for record in link}
        for key, refs in (("edit", [record.ref for record in case.edit]), ("delete", case.delete)):
            for ref in refs:
                if ref not in there:
                    at = (*where, key, str(ref)) if key == "edit" else (*where, key)
                    self.problems.add(at, f"{ref} is not there before", hint="write it under `in_step`")
        for record in case.new:
            if record.ref in there:
                self.problems.add((*where, "new", str(record.ref)), f"{record.ref} is there before, under `in_step`")

    def _expected(self, model: Any, body: Mapping[Any, Any], where: Where) -> Expected:
        writes = held = linked = None
        if model.writes is not None:
            found = [
                self._write(one, body["writes"][at], (*where, "writes", at)) for at, one in enumerate(model.writes)
            ]
            writes = [one for one in found if one is not None]
        if model.held is not None:
            held = [
                ExpectedHeld(kind=one.kind, ref=ref, row=one.row)
                for at, one in enumerate(model.held)
                if (ref := self._ref(one.of, (*where, "held", at, "of")))
            ]
        if model.linked is not None:
            linked = model.linked
            for at, names in enumerate(linked):
                for each, text in enumerate(names):
                    self._ref(text if text.count("/") > 1 else f"{text}/new", (*where, "linked", at, each))
        return Expected(writes=writes, held=held, linked=linked)

    def _write(self, model: Any, body: Mapping[Any, Any], where: Where) -> ExpectedWrite | None:
        said = {op: text for op in Op if (text := getattr(model, op.value)) is not None}
        if len(said) != 1:
            self.problems.add(where, "says what is written", allowed="one of create, update and delete")
            return None
        ((op, text),) = said.items()
        at = (*where, op.value)
        if op is Op.CREATE:
            if text.count("/") != 1:
                self.problems.add(at, f"{text!r} is no datatype of a system", allowed="SYSTEM/DATATYPE; its id is new")
                return None
            ref = self._ref(f"{text}/new", at)
        else:
            ref = self._ref(text, at)
        if ref is None:
            return None
        self._check_paths(ref.system, ref.datatype, body.get("with", {}), (*where, "with"))
        id = None if op is Op.CREATE else ref.id
        properties = natives_of(body.get("with", {}))
        return ExpectedWrite(op=op, system=ref.system, datatype=ref.datatype, id=id, properties=properties)


def _native_id(text: str) -> str | int:
    """`17` is a number, as most systems write it; `C-17` and `017` are text."""
    return int(text) if text.isascii() and text.isdecimal() and str(int(text)) == text else text
