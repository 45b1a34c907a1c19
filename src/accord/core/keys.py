"""The key that Accord gives to a create: the same at every attempt, and it names the record that it comes from.

A record that carries one can be found again when the answer of its create was lost, and, where the state itself was
lost, be linked again with the record that it was made for.
"""

from __future__ import annotations

from hashlib import blake2b

from accord.model import Ref

PREFIX = "accord:"
LONGEST = 64
"""Characters. Longer names become a hash, which can be looked for and not read."""


def make_key(source: Ref, seed: str) -> str:
    """`accord:SYSTEM/DATATYPE/ID:nonce`; the nonce is made from the seed."""
    text = f"{PREFIX}{source}:{blake2b(seed.encode(), digest_size=6).hexdigest()}"
    return text if len(text) <= LONGEST else f"{PREFIX}{blake2b(text.encode(), digest_size=16).hexdigest()}"


def source_of(key: object) -> Ref | None:
    """The record that a key names, or None where it is none of ours (or a hash)."""
    if not isinstance(key, str) or not key.startswith(PREFIX):
        return None
    name, colon, _ = key.removeprefix(PREFIX).rpartition(":")
    try:
        return Ref.parse(name) if colon else None
    except ValueError:
        return None
