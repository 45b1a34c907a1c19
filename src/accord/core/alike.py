"""How alike two values of a row are, from 0 to 1, and why.

Names are compared word by word with legal forms apart; codes (organisation numbers, postal codes) hardly forgive
anything. What is unlike in a way that two spellings of one thing are not says so: it `contradicts`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

LEGAL_FORMS: Mapping[str, str] = {
    word: form
    for form, words in {
        "ltd": "ltd limited",
        "plc": "plc",
        "inc": "inc incorporated",
        "corp": "corp corporation",
        "llc": "llc",
        "llp": "llp",
        "gmbh": "gmbh",
        "ag": "ag aktiengesellschaft",
        "kg": "kg",
        "as": "as aksjeselskap aktieselskab",
        "asa": "asa allmennaksjeselskap",
        "aps": "aps anpartsselskab",
        "ab": "ab aktiebolag",
        "oy": "oy osakeyhtio",
        "oyj": "oyj",
        "bv": "bv",
        "nv": "nv",
        "sa": "sa",
        "sas": "sas",
        "sarl": "sarl",
        "srl": "srl",
        "spa": "spa",
        "sl": "sl",
        "enk": "enk",
    }.items()
    for word in words.split()
}
"""A word at the beginning or the end of a name → the legal form that it stands for."""
FILLING = frozenset(["and", "og", "och", "und", "et", "y", "e", "ja", "the", "&", "+"])
FREE_MAIL = frozenset(["gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "live.com", "online.no"])
"""Domains that say nothing of whose an address is."""
PLAIN_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
SHORT = 3
"""A word of so few letters is another word when one of them differs."""
LONG = 7
"""In a word of so many letters one wrong letter is a typing error rather than another word."""
SPELLING = 0.7
"""So alike two words must be to be one word spelt in two ways."""
ABBREVIATED = 0.85
IDENTIFIES = 7
"""A code of so many digits identifies what it belongs to; a shorter one (a postal code) does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What a row says of two records."""

    value: float
    """0 to 1; 1 only for what is equal."""
    why: str
    contradicts: bool = False
    """Two records of one thing would hardly differ like this."""
    identifies: bool = False
    """Equal, and hardly equal by chance: a number of a register, an e-mail address, a phone number."""
    is_register: bool = False
    """Equal, and no two have it: a number of a register. A mailbox and a telephone belong to a whole household."""
    is_slip: bool = True
    """Where it is not equal: plainly a typing error, and not the name of a sister or a brother."""


EQUAL = Likeness(value=1.0, why="equal")
IDENTICAL = Likeness(value=1.0, why="equal", identifies=True)
REGISTERED = Likeness(value=1.0, why="equal", identifies=True, is_register=True)
DIFFERENT = Likeness(value=0.0, why="different", contradicts=True)


@dataclass(frozen=True, slots=True)
class Name:
    """A text as it is compared."""

    words: tuple[str, ...]
    form: str | None
    """The legal form of a company."""


@lru_cache(maxsize=65536)
def name_of(text: str) -> Name:
    """The words of a text, caseless, without accents and punctuation; a legal form apart."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(PLAIN_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"(?<![^\W_])([^\W_])[./](?=[^\W_](?![^\W_]))", r"\1", plain)  # a/s, g.m.b.h.
    plain = re.sub(r"['’`]", "", plain)
    words = [word for word in re.findall(r"[^\W_]+|[&+]", plain) if word not in FILLING]
    form = None
    for end in (-1, 0):
        if form is None and len(words) > 1 and words[end] in LEGAL_FORMS:
            form = LEGAL_FORMS[words.pop(end)]
    return Name(tuple(words), form)


@lru_cache(maxsize=65536)
def code_of(text: str) -> tuple[str, str] | None:
    """(digits, the letters before them) of a text that is a number of something; None for other texts."""
    plain = re.sub(r"[\W_]", "", text).casefold()
    digits = re.sub(r"\D", "", plain)
    letters = len(plain) - len(digits)
    if len(digits) < SHORT or letters > (6 if len(digits) >= IDENTIFIES else SHORT):
        return None
    return digits, re.split(r"\d", plain, maxsplit=1)[0]


def alike(kind: str, left: Any, right: Any, equal: Callable[[Any, Any], bool]) -> Likeness:
    """The likeness of two filled canonical values of a row type. Symmetric."""
    if kind in ("string", "text"):
        found = _texts(str(left), str(right))
        return EQUAL if found.value < 1 and equal(left, right) else found
    if kind == "email":
        return _emails(str(left).casefold().strip(), str(right).casefold().strip())
    if kind == "phone":
        return _phones(str(left), str(right))
    if equal(left, right):
        return EQUAL
    if kind in ("date", "integer"):
        return _written(str(left), str(right))
    return DIFFERENT


@lru_cache(maxsize=65536)
def _texts(left: str, right: str) -> Likeness:
    if left > right:
        return _texts(right, left)
    codes = code_of(left), code_of(right)
    if codes[0] is not None and codes[1] is not None:
        return _codes(codes[0], codes[1])
    return _names(name_of(left), name_of(right))


def _codes(left: tuple[str, str], right: tuple[str, str]) -> Likeness:
    long = max(len(left[0]), len(right[0])) >= IDENTIFIES
    if left[1] and right[1] and left[1] != right[1]:
        return Likeness(value=0.0, why=f"{left[1]} and {right[1]} are different registers", contradicts=True)
    if left[0] == right[0]:
        return REGISTERED if long else EQUAL
    if _typing_errors(left[0], right[0]) == 1:
        return Likeness(value=0.5, why="one digit is different", contradicts=long)
    return DIFFERENT


def _written(left: str, right: str) -> Likeness:
    if len(left) > SHORT and _typing_errors(left, right) == 1:
        return Likeness(value=0.5, why="one digit is different")
    return DIFFERENT


def _typing_errors(left: str, right: str) -> int:
    return int(DamerauLevenshtein.distance(left, right, score_cutoff=2))


def _phones(left: str, right: str) -> Likeness:
    one, other = re.sub(r"\D", "", left), re.sub(r"\D", "", right)
    if one == other:
        return IDENTICAL
    if min(len(one), len(other)) >= 8 and one[-8:] == other[-8:]:
        return Likeness(value=0.95, why="equal but for the country")
    if _typing_errors(one, other) == 1:
        return Likeness(value=0.6, why="one digit is different")
    return Likeness(value=0.0, why="different")


def _emails(left: str, right: str) -> Likeness:
    if left == right:
        return IDENTICAL
    (one, domain), (other, there) = (address.rpartition("@")[::2] for address in (left, right))
    if _typing_errors(left, right) == 1 and min(len(one), len(other)) > SHORT:
        return Likeness(value=0.85, why="one letter is different")
    if domain == there and domain not in FREE_MAIL:
        return Likeness(value=0.6, why="of one domain")
    return Likeness(value=0.0, why="different")


def _names(left: Name, right: Name) -> Likeness:
    if left.form and right.form and left.form != right.form:
        why = f"another legal form ({' and '.join(sorted((left.form, right.form)))})"
        return Likeness(value=min(0.5, _words(left, right).value), why=why, contradicts=True)
    found = _words(left, right)
    if left.form == right.form or found.contradicts:
        return found
    why = f"{left.form or right.form} only on one side"
    return replace(found, value=0.95 * found.value, why=why if found.value == 1 else f"{found.why}; {why}")


def _words(left: Name, right: Name) -> Likeness:
    if sorted(left.words) == sorted(right.words):
        return EQUAL if left.words == right.words else Likeness(value=1.0, why="the same words in another order")
    if left.words and right.words and "".join(left.words) == "".join(right.words):
        return Likeness(value=0.98, why="the same letters in other words")
    pairs, alone = _paired(list(left.words), list(right.words))
    size = sum(map(len, left.words + right.words)) or 1
    value = sum(likeness * (len(one) + len(other)) for likeness, one, other in pairs) / size
    if alone:
        return Likeness(value=min(0.8, value), why=f"{', '.join(alone)} only on one side", contradicts=True)
    spelt = sorted((min(pair), max(pair)) for likeness, *pair in pairs if likeness < 1)
    why = f"spelt differently: {', '.join(' and '.join(pair) for pair in spelt)}"
    return Likeness(value=value, why=why, is_slip=all(_is_slip(*pair) for pair in spelt))


def _is_slip(left: str, right: str) -> bool:
    """Whether one long word differs in one letter that is not at its end: Martin and Martine are two people."""
    return min(len(left), len(right)) >= LONG and left[-2:] == right[-2:] and _typing_errors(left, right) == 1


def _paired(left: list[str], right: list[str]) -> tuple[list[tuple[float, str, str]], list[str]]:
    """Pairs of words, the most alike first, and the words without another one."""
    every = [(likeness, one, other) for one in left for other in right if (likeness := _word(one, other)) > 0]
    every.sort(key=lambda pair: (-pair[0], *sorted(pair[1:])))
    pairs = []
    for likeness, one, other in every:
        if one in left and other in right:
            left.remove(one)
            right.remove(other)
            pairs.append((likeness, one, other))
    return pairs, sorted((*left, *right))


def _word(left: str, right: str) -> float:
    """Of two words; 0 for two that are not one word spelt in two ways."""
    if left == right:
        return 1.0
    if not (left.isalpha() and right.isalpha()):  # numbers are equal or different
        return 0.0
    short, long = sorted((left, right), key=len)
    if len(long) > len(short) and long.startswith(short):
        if len(short) >= SHORT:
            return ABBREVIATED
        return 0.7 if len(short) == 1 else 0.0
    if len(short) <= SHORT:
        return 0.0
    likeness = float(DamerauLevenshtein.normalized_similarity(left, right))
    return likeness if likeness >= SPELLING else 0.0
