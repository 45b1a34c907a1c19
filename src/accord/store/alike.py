"""Links that match or may be alike: found in the state by the keys of their records, and never all with all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from accord.core.score import PARTS, SCORED, WHOLE
from accord.model import json_text
from accord.store.database import Database

MOST_ALIKE = 60
"""A key that more members have is no sign of likeness."""
FAR = 2**62
SHARING = (
    "SELECT mine.link, other.link, other.place FROM match_key mine JOIN match_key other "
    "ON other.flow = mine.flow AND other.rule = mine.rule AND other.key = mine.key "
    "AND (other.link <> mine.link) "
    f"WHERE mine.rule < {SCORED} AND mine.link IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3"
)
# A key that many records have (a frequent word) finds nobody: it would compare all with all.
MINE = (
    f"WITH mine AS (SELECT link, flow, rule, key FROM match_key WHERE rule >= {SCORED} "
    "AND link IN (SELECT value FROM json_each(?))), "
    "rare AS (SELECT flow, rule, key FROM (SELECT DISTINCT flow, rule, key FROM mine) m WHERE (SELECT count(*) FROM "
    "(SELECT 1 FROM match_key k WHERE k.flow = m.flow AND k.rule = m.rule AND k.key = m.key LIMIT ?)) < ?) "
)
ALIKE = (
    f"{MINE}SELECT mine.link, other.link FROM mine CROSS JOIN rare "
    "ON rare.flow = mine.flow AND rare.rule = mine.rule AND rare.key = mine.key CROSS JOIN match_key other "
    "ON other.flow = mine.flow AND other.rule = mine.rule AND other.key = mine.key AND other.link <> mine.link "
    f"GROUP BY 1, 2 HAVING sum(CASE mine.rule WHEN {WHOLE} THEN {PARTS} ELSE 1 END) >= {PARTS}"
)
CROWDED = (
    f"{MINE}SELECT mine.link FROM mine LEFT JOIN rare "
    "ON rare.flow = mine.flow AND rare.rule = mine.rule AND rare.key = mine.key "
    f"WHERE mine.rule = {WHOLE} GROUP BY mine.link HAVING count(rare.key) = 0"
)
WITH_KEY = "SELECT DISTINCT link FROM match_key WHERE flow = ? AND rule = ? AND key = ? LIMIT ?"


def key_hash(key: str) -> bytes:
    """12 bytes for a match key: 96 bits, so that two keys do not meet by chance."""
    return blake2b(key.encode(), digest_size=12).digest()


def sharing(db: Database, numbers: Sequence[int]) -> dict[int, dict[int, set[int]]]:
    """Link → other links that share a match key → the places of the members that do."""
    found: dict[int, dict[int, set[int]]] = {}
    for mine, other, place in db.rows(SHARING, (json_text(list(numbers)),)):
        found.setdefault(mine, {}).setdefault(other, set()).add(place)
    return found


def alike(db: Database, numbers: Sequence[int]) -> dict[int, set[int]]:
    """Link → other links that share a whole value, or three parts, that few have."""
    found: dict[int, set[int]] = {}
    for mine, other in db.rows(ALIKE, (json_text(list(numbers)), MOST_ALIKE + 1, MOST_ALIKE + 1)):
        found.setdefault(mine, set()).add(other)
    return found


def crowded(db: Database, numbers: Sequence[int]) -> set[int]:
    """Which of these links share each whole value with so many records that they were not looked at."""
    rows = db.rows(CROWDED, (json_text(list(numbers)), MOST_ALIKE + 1, MOST_ALIKE + 1))
    return {row[0] for row in rows}


def with_keys(db: Database, flow: str, keys: Sequence[tuple[int, str]]) -> set[int]:
    """The links of a flow that share a match key with these, or as much as `alike` asks for."""
    weights: Counter[int] = Counter()
    for rule, key in keys:
        is_scored = rule >= SCORED
        rows = db.rows(WITH_KEY, (flow, rule, key_hash(key), MOST_ALIKE + 1 if is_scored else FAR))
        if not is_scored or len(rows) <= MOST_ALIKE:
            weights.update(dict.fromkeys((row[0] for row in rows), 1 if is_scored and rule != WHOLE else PARTS))
    return {link for link, weight in weights.items() if weight >= PARTS}
