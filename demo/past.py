"""How records looked before their last changes, kept in memory so that a listing can be served stale."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

Record = dict[str, Any]
REMEMBERED = 20_000


class Past:
    """The earlier states of the records that changed last, by id."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._before: OrderedDict[Any, list[tuple[float, Record | None]]] = OrderedDict()

    def changed(self, identity: object, before: Record | None) -> None:
        """A record was created (`before` is None), changed or removed just now."""
        self._before.setdefault(identity, []).append((time.monotonic(), before))
        self._before.move_to_end(identity)
        if len(self._before) > REMEMBERED:
            self._before.popitem(last=False)

    def _then(self, identity: object, age: float, current: Record | None) -> Record | None:
        cutoff = time.monotonic() - age
        return next((before for when, before in self._before.get(identity, ()) if when > cutoff), current)

    def rewound(self, records: Iterable[Record], age: float) -> list[Record]:
        """These records as they were `age` seconds ago; those that were not there then are left out."""
        past = (self._then(record[self._key], age, record) for record in records)
        return [record for record in past if record is not None]

    def vanished(self, age: float, is_gone: Callable[[Any], bool]) -> list[Record]:
        """Records that were there `age` seconds ago and are gone now, as they were."""
        then = (self._then(identity, age, None) for identity in list(self._before) if is_gone(identity))
        return [record for record in then if record is not None]
