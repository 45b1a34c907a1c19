"""Links and their members: what is settled. Only `write_settled` changes a base."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from accord.core.score import SCORED
from accord.model import Agreed, Link, LinkState, Member, Ref, from_json, json_text
from accord.store.alike import alike, crowded, key_hash, sharing, with_keys
from accord.store.database import Database
from accord.store.observed import Observed
from accord.stored import NewLink, SettledLink

LINKS = "SELECT id, flow, state, agreed, why, pinned FROM link WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
MEMBERS = (
    "SELECT link, place, id, native_id, base, behind, version, modified, clean, gone, created FROM member "
    "WHERE open = 1 AND link IN (SELECT value FROM json_each(?)) ORDER BY link, place"
)
CLOSED_MEMBERS = MEMBERS.replace("open = 1 AND ", "")
NEW_LINK = "INSERT INTO link (id, flow, state, agreed, dirty, since) VALUES (?, ?, ?, '{}', 1, ?)"
NEW_MEMBER = (
    "INSERT INTO member (link, place, id, native_id, base, behind, version, modified, clean, gone, open, created) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
PUT_MEMBER = (  # a record that is open in another link breaks `member_ref`, loudly
    f"{NEW_MEMBER} ON CONFLICT (link, place, id) DO UPDATE SET native_id = excluded.native_id, base = excluded.base, "
    "behind = excluded.behind, version = excluded.version, modified = excluded.modified, clean = excluded.clean, "
    "gone = excluded.gone, open = excluded.open, created = excluded.created"
)
PUT_LINK = "UPDATE link SET state = ?, agreed = ?, dirty = ?, why = ? WHERE id = ?"
NEW_KEY = "INSERT OR IGNORE INTO match_key (flow, rule, key, link, place) VALUES (?, ?, ?, ?, ?)"
TOUCH_WAITING = (
    "UPDATE link SET dirty = 1 WHERE dirty = 0 AND state = 'waiting' AND id IN (SELECT value FROM json_each(?))"
)
DISSOLVE = (
    "UPDATE member SET open = 0, gone = 0 WHERE link = ?",
    "DELETE FROM match_key WHERE link = ?",
    "DELETE FROM wait WHERE link = ?",
    "UPDATE link SET dirty = 1 WHERE dirty = 0 AND id IN (SELECT link FROM wait WHERE on_link = ?)",
    "DELETE FROM proposal WHERE state = 'planned' AND link = ?",
)
POINTING_TO = (
    "SELECT DISTINCT l.id FROM link l, json_each(l.agreed) a WHERE l.state <> 'closed' "
    "AND l.flow IN (SELECT value FROM json_each(?)) AND json_extract(a.value, '$.value.link') = ? ORDER BY l.id"
)
DIRTY = "SELECT id FROM link WHERE flow = ? AND dirty = 1 AND id > ? ORDER BY id LIMIT ?"
TOUCH = "UPDATE link SET dirty = 1 WHERE dirty = 0 AND id IN (SELECT value FROM json_each(?))"
# CROSS JOIN: SQLite joins in the order written. It knows no sizes here, and would begin with the members: all of them.
TOUCH_FROM_INBOX = (
    "UPDATE link SET dirty = 1 WHERE dirty = 0 AND id IN (SELECT m.link FROM inbox i "
    "CROSS JOIN member m WHERE m.place = i.place AND m.id = i.id AND m.open = 1)"
)
WAIT_IS_OVER = (
    "SELECT w.link FROM wait w CROSS JOIN member s CROSS JOIN member t CROSS JOIN place p "
    "WHERE s.place = w.on_place AND s.id = w.on_id AND s.open = 1 "
    "AND t.link = s.link AND t.open = 1 AND p.id = t.place AND p.system = w.target "
    "UNION SELECT w.link FROM wait w CROSS JOIN member t CROSS JOIN place p "
    "WHERE t.link = w.on_link AND t.open = 1 AND p.id = t.place AND p.system = w.target"
)
TOUCH_WAITERS = f"UPDATE link SET dirty = 1 WHERE dirty = 0 AND id IN ({WAIT_IS_OVER})"
WAITERS_ON_MAKING = (
    "SELECT w.link FROM wait w CROSS JOIN member s CROSS JOIN making m "
    "WHERE s.place = w.on_place AND s.id = w.on_id AND s.open = 1 AND m.link = s.link AND m.system = w.target "
    "UNION SELECT w.link FROM wait w JOIN making m ON m.link = w.on_link AND m.system = w.target"
)
WAITER = (
    "SELECT 1 FROM wait w JOIN link l ON l.id = w.link "
    "WHERE w.on_place = ? AND w.on_id = ? AND (? IS NULL OR l.flow = ?)"
)
WAITED_FOR = (
    "SELECT DISTINCT s.link FROM wait w JOIN member s ON s.place = w.on_place AND s.id = w.on_id AND s.open = 1 "
    "JOIN link l ON l.id = s.link AND l.state = 'waiting' AND l.flow IN (SELECT value FROM json_each(?))"
)
WAITS_AMONG_WAITING = (
    "SELECT w.link, w.row, s.link FROM wait w JOIN link l ON l.id = w.link AND l.state = 'waiting' "
    "JOIN member s ON s.place = w.on_place AND s.id = w.on_id AND s.open = 1 "
    "JOIN link t ON t.id = s.link AND t.state = 'waiting' ORDER BY 1, 2"
)
TOUCH_WAITING_LIKE = (
    "UPDATE link SET dirty = 1 WHERE dirty = 0 AND state = 'waiting' AND id IN ("
    "SELECT other.link FROM match_key mine JOIN match_key other ON other.flow = mine.flow AND other.rule = mine.rule "
    "AND other.key = mine.key AND other.link <> mine.link "
    f"WHERE mine.rule < {SCORED} AND mine.link IN (SELECT value FROM json_each(?)))"
)
TOUCH_UNDONE = (
    "UPDATE link SET dirty = 1 WHERE dirty = 0 AND flow = ? AND state <> 'closed' AND (state <> 'linked' "
    "OR id IN (SELECT link FROM held WHERE closed_at IS NULL AND link IS NOT NULL) "
    "OR id IN (SELECT link FROM member WHERE open = 1 AND (behind <> '' OR clean = 0 OR gone = 1)))"
)
FORGET_AGREED = "UPDATE link SET agreed = json_remove(agreed, ?), dirty = 1 WHERE flow = ? AND state <> 'closed'"
FORGET_BASE = (
    "UPDATE member SET base = json_remove(base, ?), clean = 0, "
    "behind = trim(replace(char(31) || behind || char(31), char(31) || ? || char(31), char(31)), char(31)) "
    "WHERE open = 1 AND link IN (SELECT id FROM link WHERE flow = ? AND state <> 'closed')"
)
NEW_WAIT = "INSERT INTO wait (link, row, target, on_link, on_place, on_id) VALUES (?, ?, ?, ?, ?, ?)"
BY_REF = "SELECT place, id, link FROM member WHERE open = 1 AND place = ? AND id IN (SELECT value FROM json_each(?))"
CLOSED_BY_REF = (
    "SELECT m.id, max(m.link) FROM member m JOIN link l ON l.id = m.link "
    "WHERE m.place = ? AND m.open = 0 AND m.id IN (SELECT value FROM json_each(?)) GROUP BY m.id"
)
TARGETS = (
    "SELECT m.link, p.system, m.native_id FROM member m JOIN place p ON p.id = m.place "
    "WHERE m.open = 1 AND m.gone = 0 AND m.link IN (SELECT value FROM json_each(?))"
)


class Links:
    """The links."""

    def __init__(self, db: Database, observed: Observed) -> None:
        self.db = db
        self.observed = observed

    def next_id(self) -> int:
        """The number of the next link; a number is never given twice."""
        row = self.db.one("SELECT seq FROM sqlite_sequence WHERE name = 'link'")
        return (row[0] if row else 0) + 1

    def begin(self, new: Sequence[NewLink], at: datetime) -> list[int]:
        """Waiting links with one member each, to be looked at in this round; their numbers, in order."""
        first = self.next_id()
        numbers = list(range(first, first + len(new)))
        since = at.isoformat()
        self.db.many(NEW_LINK, [(n, link.flow, "waiting", since) for n, link in zip(numbers, new, strict=True)])
        self.db.many(NEW_MEMBER, [self._new_member(n, link) for n, link in zip(numbers, new, strict=True)])
        keys = [
            (link.flow, rule, key_hash(key), n, self.observed.place(link.ref.system, link.ref.datatype))
            for n, link in zip(numbers, new, strict=True)
            for rule, key in link.keys
        ]
        self.db.many(NEW_KEY, keys)
        return numbers

    def _new_member(self, number: int, new: NewLink) -> tuple[Any, ...]:
        place = self.observed.place(new.ref.system, new.ref.datatype)
        modified = new.modified.isoformat() if new.modified else None
        base = json_text(dict(new.base))
        version, created = _text(new.version), _text(new.created)
        return (number, place, new.ref.id, _text(new.native_id), base, "", version, modified, 1, 0, 1, created)

    def load(self, numbers: Sequence[int], *, closed: bool = False) -> dict[int, Link]:
        """Links by number, with their members (also those of closed links when asked)."""
        wanted = json_text(list(numbers))
        members: dict[int, list[Member]] = {}
        for row in self.db.rows(CLOSED_MEMBERS if closed else MEMBERS, (wanted,)):
            members.setdefault(row[0], []).append(self._member(row))
        return {
            row[0]: Link(
                id=row[0],
                flow=row[1],
                state=LinkState(row[2]),
                agreed=_agreed_from(row[3]),
                members=tuple(members.get(row[0], ())),
            )
            for row in self.db.rows(LINKS, (wanted,))
        }

    def _member(self, row: Any) -> Member:
        _, place, id, native_id, base, behind, version, modified, clean, gone, created = row
        return Member(
            ref=self.observed.ref(place, id),
            native_id=from_json(native_id),
            base=from_json(base),
            behind=frozenset(behind.split("\x1f")) if behind else frozenset(),
            version=None if version is None else from_json(version),
            modified=datetime.fromisoformat(modified) if modified else None,
            created=None if created is None else from_json(created),
            clean=bool(clean),
            gone=bool(gone),
        )

    def dirty(self, flow: str, after: int, count: int) -> list[int]:
        """The next links of a flow that must be looked at."""
        return [row[0] for row in self.db.rows(DIRTY, (flow, after, count))]

    def forget_closed(self, ref: Ref) -> None:
        """A person takes a record up again that was in closed links: it counts as new."""
        place = self.observed.place(ref.system, ref.datatype)
        self.db.run("DELETE FROM member WHERE place = ? AND id = ? AND open = 0", (place, ref.id))

    def touch(self, numbers: Sequence[int]) -> None:
        """Have these links looked at in the next planning."""
        if numbers:
            self.db.run(TOUCH, (json_text(list(numbers)),))

    def touch_arrived(self) -> None:
        """Have all links looked at whose members arrived, or whose wait is over."""
        self.db.run(TOUCH_FROM_INBOX)
        self.db.run(TOUCH_WAITERS)

    def pointing_to(self, number: int, flows: Sequence[str]) -> list[int]:
        """Open links of these flows one of whose agreed values is a reference to this link. Reads them all."""
        return [row[0] for row in self.db.rows(POINTING_TO, (json_text(list(flows)), number))]

    def waiting_on_made(self) -> list[int]:
        """Links that wait for a record which is made in this run, or was linked in it."""
        return [row[0] for row in self.db.rows(f"{WAITERS_ON_MAKING} UNION {WAIT_IS_OVER}")]

    def is_waited_for(self, ref: Ref, flow: str | None) -> bool:
        """Whether some link (of a flow, if one is named) waits for this record to have a counterpart."""
        place = self.observed.place(ref.system, ref.datatype)
        return self.db.one(WAITER, (place, ref.id, flow, flow)) is not None

    def waited_for(self, flows: Sequence[str]) -> list[int]:
        """Waiting links of these flows that others wait for."""
        return [row[0] for row in self.db.rows(WAITED_FOR, (json_text(list(flows)),))]

    def waits_among_waiting(self) -> list[tuple[int, str, int]]:
        """(link, row, the waiting link that it waits for): what circles are made of."""
        return [(row[0], row[1], row[2]) for row in self.db.rows(WAITS_AMONG_WAITING)]

    def touch_waiting_like(self, numbers: Sequence[int]) -> None:
        """Have waiting links looked at that share a match key with these."""
        self.db.run(TOUCH_WAITING_LIKE, (json_text(list(numbers)),))
        alike = {other for others in self.alike(numbers).values() for other in others}
        if alike:
            self.db.run(TOUCH_WAITING, (json_text(sorted(alike)),))

    def untouch(self, numbers: Sequence[int], why: str | None) -> None:
        """These links were looked at, and nothing is to be done."""
        self.db.many("UPDATE link SET dirty = 0, why = ? WHERE id = ?", [(why, number) for number in numbers])

    def drop(self, number: int) -> None:
        """A waiting link is no more: its record becomes a member of another one."""
        for table in ("member", "match_key", "wait"):
            self.db.run(f"DELETE FROM {table} WHERE link = ?", (number,))
        self.db.run("UPDATE held SET closed_at = since WHERE link = ? AND closed_at IS NULL", (number,))
        self.db.run("DELETE FROM link WHERE id = ?", (number,))

    def close_member(self, number: int, ref: Ref) -> None:
        """A record of an open link is gone, and another one takes its place."""
        place = self.observed.place(ref.system, ref.datatype)
        self.db.run(
            "UPDATE member SET open = 0, gone = 1 WHERE link = ? AND place = ? AND id = ?", (number, place, ref.id)
        )
        self.db.run("DELETE FROM match_key WHERE link = ? AND place = ?", (number, place))

    def dissolve(self, number: int, why: str) -> None:
        """Close a link at once: its records stay, and no rule links or creates them again."""
        for sql in DISSOLVE:
            self.db.run(sql, (number,))
        self.db.run("UPDATE link SET state = 'closed', dirty = 0, pinned = 1, why = ? WHERE id = ?", (why, number))

    def set_state(self, number: int, state: LinkState) -> None:
        """Only the state of a link, while a create of it is in doubt."""
        self.db.run("UPDATE link SET state = ? WHERE id = ?", (state.value, number))

    def sharing(self, numbers: Sequence[int]) -> dict[int, dict[int, set[str]]]:
        """Link → other links that share a match key → the systems of the members that do."""
        found = sharing(self.db, numbers)
        return {
            mine: {other: {self.observed.name(place)[0] for place in places} for other, places in others.items()}
            for mine, others in found.items()
        }

    def alike(self, numbers: Sequence[int]) -> dict[int, set[int]]:
        """Link → other links that may be alike: they share a whole value, or three parts, that few have."""
        return alike(self.db, numbers)

    def crowded(self, numbers: Sequence[int]) -> set[int]:
        """Which of these links share each whole value with so many records that they were not looked at."""
        return crowded(self.db, numbers)

    def with_keys(self, flow: str, keys: Sequence[tuple[int, str]]) -> set[int]:
        """The links of a flow that share one of these match keys, or are alike by their keys."""
        return with_keys(self.db, flow, keys)

    def absorb(self, into: int, others: Sequence[int], rows: Sequence[str] = ()) -> None:
        """Move all members of some links into another; those links are no more.

        Where the link has agreed values already (`rows`), who joins has no base yet and all rows to receive.
        """
        joining = "\x1f".join(sorted(rows))
        for other in others:
            if rows:
                self.db.run("UPDATE member SET base = '{}', clean = 0, behind = ? WHERE link = ?", (joining, other))
            self.db.run("UPDATE member SET link = ? WHERE link = ?", (into, other))
            self.db.run("UPDATE OR REPLACE match_key SET link = ? WHERE link = ?", (into, other))
            self.db.run("DELETE FROM wait WHERE link = ?", (other,))
            self.db.run("UPDATE wait SET on_link = ? WHERE on_link = ?", (into, other))
            self.db.run("UPDATE held SET closed_at = since WHERE link = ? AND closed_at IS NULL", (other,))
            self.db.run("DELETE FROM link WHERE id = ?", (other,))
        self.db.run("UPDATE link SET dirty = 1 WHERE id = ?", (into,))

    def of(self, refs: Sequence[Ref]) -> dict[Ref, int]:
        """Ref → the open link it is a member of."""
        by_place: dict[int, list[str]] = {}
        for ref in refs:
            by_place.setdefault(self.observed.place(ref.system, ref.datatype), []).append(ref.id)
        found: dict[Ref, int] = {}
        for place, ids in by_place.items():
            for _, id, link in self.db.rows(BY_REF, (place, json_text(ids))):
                found[self.observed.ref(place, id)] = link
        return found

    def closed_with(self, place: int, ids: Sequence[str]) -> dict[str, int]:
        """Id → the youngest closed link that this record was a member of, for those that were."""
        return {row[0]: int(row[1]) for row in self.db.rows(CLOSED_BY_REF, (place, json_text(list(ids))))}

    def note_gone(self, place: int, ids: Sequence[str]) -> None:
        """Records that were let go by the links they were in, and are deleted since."""
        self.db.many("UPDATE member SET gone = 1 WHERE place = ? AND id = ? AND open = 0", [(place, id) for id in ids])

    def targets(self, numbers: Sequence[int]) -> dict[tuple[int, str], str | int]:
        """(link, system) → native id of its member there."""
        rows = self.db.rows(TARGETS, (json_text(list(numbers)),))
        return {(link, system): from_json(native) for link, system, native in rows}

    def set_waits(self, waits: Mapping[int, Sequence[tuple[Any, ...]]]) -> None:
        """Replace what each link waits for: (row, target, on_link, on_place, on_id)."""
        self.db.many("DELETE FROM wait WHERE link = ?", [(number,) for number in waits])
        self.db.many(NEW_WAIT, [(number, *wait) for number, items in waits.items() for wait in items])

    def write_settled(self, settled: Sequence[SettledLink]) -> None:
        """The new bases, agreed values and states of some links. Called inside the settling transaction only."""
        self.db.many(
            PUT_LINK,
            [
                (s.link.state.value, json_text(_agreed_json(s.link.agreed)), int(s.dirty), s.why, s.link.id)
                for s in settled
            ],
        )
        self.db.many(PUT_MEMBER, [self._row(s.link.id, m, 0) for s in settled for m in s.closed_members])
        self.db.many(PUT_MEMBER, [self._row(s.link.id, m, 1) for s in settled for m in s.link.members])
        self._write_keys(settled)

    def _row(self, number: int, member: Member, is_open: int) -> tuple[Any, ...]:
        place = self.observed.place(member.ref.system, member.ref.datatype)
        return (
            number,
            place,
            member.ref.id,
            _text(member.native_id),
            json_text(dict(member.base)),
            "\x1f".join(sorted(member.behind)),
            _text(member.version),
            member.modified.isoformat() if member.modified else None,
            int(member.clean),
            int(member.gone),
            is_open,
            _text(member.created),
        )

    def _write_keys(self, settled: Sequence[SettledLink]) -> None:
        """Replace the keys of members that changed, and of those that left."""
        settled = [s for s in settled if s.keys or s.closed_members]
        if not settled:
            return
        self.touch_waiting_like([s.link.id for s in settled if s.link.state is not LinkState.WAITING])
        left, fresh = [], []
        for s in settled:
            left += [(s.link.id, self._place(member)) for member in s.closed_members]
            for member in s.link.members:
                place = self._place(member)
                keys = s.keys.get(member.ref.system)
                if keys is not None:
                    left.append((s.link.id, place))
                    fresh += [(s.link.flow, rule, key_hash(key), s.link.id, place) for rule, key in keys]
        self.db.many("DELETE FROM match_key WHERE link = ? AND place = ?", left)
        self.db.many(NEW_KEY, fresh)

    def _place(self, member: Member) -> int:
        return self.observed.place(member.ref.system, member.ref.datatype)

    def put_keys(self, keys: Mapping[int, Mapping[tuple[str, str], Sequence[tuple[int, str]]]], flow: str) -> None:
        """The match keys of some links: link → (system, datatype) of a member → (rule, key)."""
        self.db.many("DELETE FROM match_key WHERE link = ?", [(number,) for number in keys])
        rows = [
            (flow, rule, key_hash(key), number, self.observed.place(*of))
            for number, members in keys.items()
            for of, found in members.items()
            for rule, key in found
        ]
        self.db.many(NEW_KEY, rows)

    def touch_undone(self, flow: str) -> None:
        """Have everything looked at that waits, rests, is held or is behind in a flow."""
        self.db.run(TOUCH_UNDONE, (flow,))

    def forget_row(self, flow: str, row: str) -> None:
        """Nothing was ever agreed on a row: in all links of a flow its values are first ones again."""
        path = f"$.{json_text(row)}"
        self.db.run(FORGET_AGREED, (path, flow))
        self.db.run(FORGET_BASE, (path, row, flow))

    def numbers(self, flow: str | None = None, state: str | None = None) -> Iterator[int]:
        """The numbers of links, in order."""
        after = 0
        sql = "SELECT id FROM link WHERE id > ?"
        filters: list[Any] = []
        for column, value in (("flow", flow), ("state", state)):
            if value is not None:
                sql += f" AND {column} = ?"
                filters.append(value)
        sql += " ORDER BY id LIMIT 1000"
        while batch := self.db.rows(sql, (after, *filters)):
            yield from (row[0] for row in batch)
            after = batch[-1][0]

    def why(self, numbers: Sequence[int]) -> dict[int, str | None]:
        """Link → why it waits."""
        return {row[0]: row[4] for row in self.db.rows(LINKS, (json_text(list(numbers)),))}

    def counts(self) -> dict[str, dict[str, int]]:
        """Flow → state → how many links."""
        counts: dict[str, dict[str, int]] = {}
        for flow, state, count in self.db.rows("SELECT flow, state, count(*) FROM link GROUP BY flow, state"):
            counts.setdefault(flow, {})[state] = count
        return counts

    def linked_members(self, flow: str) -> dict[str, int]:
        """System → how many records of a flow are linked with another (the ground of percent limits)."""
        rows = self.db.rows(
            "SELECT p.system, count(*) FROM member m JOIN place p ON p.id = m.place JOIN link l ON l.id = m.link "
            "WHERE l.flow = ? AND m.open = 1 AND l.state <> 'waiting' AND l.state <> 'closed' GROUP BY 1",
            (flow,),
        )
        return {str(row[0]): int(row[1]) for row in rows}


def _text(value: Any) -> str | None:
    return None if value is None else json_text(value)


def _agreed_from(text: str) -> dict[str, Agreed]:
    return {
        row: Agreed(
            value=item.get("value"),
            revision=item.get("revision", 1),
            origin=item.get("origin"),
            modified=item.get("modified"),
        )
        for row, item in from_json(text).items()
    }


def _agreed_json(agreed: Mapping[str, Agreed]) -> dict[str, Any]:
    return {
        row: {
            "value": item.value,
            "revision": item.revision,
            **({"origin": item.origin} if item.origin else {}),
            **({"modified": item.modified} if item.modified else {}),
        }
        for row, item in agreed.items()
    }
