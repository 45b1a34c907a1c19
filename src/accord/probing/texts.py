"""What a system does to text: blanks, case, line ends, signs, HTML, length, empty and null.

Each habit is looked for by itself: capitals do not hide that blanks go. Texts are short, so that a small property has
room for them, and no two are equal after a habit is taken away.
"""

from __future__ import annotations

from accord.model import ABSENT, Native
from accord.probing.trying import Got, Trial

BOUND = 5000
"""Characters up to which the length of a property is looked for."""
ROOM = 12
"""Characters that the longest of the texts here needs, beside the mark."""


async def probe_text(trial: Trial, *, bound: int = BOUND) -> None:
    """All of it; facts go to the trial."""
    first = await trial.put(trial.marked("Ab"))
    if not first.taken:
        not_taken(trial, first)
        return
    room = await _length(trial, bound)
    if room is None or room >= ROOM + len(trial.marked("")):
        await _blanks(trial)
        await _case(trial)
        await _signs(trial)
        await _html(trial)
    else:
        trial.see("short", f"has room for {room} characters only: blanks and signs were not tried")
        if room >= 2 and not trial.holds_mark:
            _cased(trial, await trial.put("iJ"), "iJ")
    await probe_nothing(trial, "", trial.marked("Xy"))
    await probe_nothing(trial, None, trial.marked("Zz"))
    if trial.holds_mark:
        await trial.put(trial.marked(""))


def not_taken(trial: Trial, got: Got) -> None:
    """The first value already went wrong."""
    if got.state == "ignored":
        read_only(trial)
    elif got.state == "failed":
        trial.see("failed", f"a made-up value ends in an error: {got.message}", level="warning")
    else:
        trial.see("refused", f"takes no made-up value: {got.message}", level="warning")


def read_only(trial: Trial) -> None:
    """A write changes nothing, and nobody says so."""
    known = trial.prop.create_only or trial.prop.read_only
    trial.see(
        "ignored",
        "what is written is ignored without a word",
        level="fact" if known else "warning",
        keys={} if known else {"read_only": True},
    )


async def _blanks(trial: Trial) -> None:
    got = await trial.put(trial.marked("Cd") + "  ")
    leading = await trial.put("  " + trial.marked("Ef"))
    ends = got.taken and not got.text.endswith("  ")
    begins = leading.taken and not leading.text.startswith("  ")
    if ends and begins:
        trial.rewrites("trim", "blanks at both ends go")
    elif ends or begins:
        where = "at the end" if ends else "at the beginning"
        trial.see("trim-one-end", f"blanks {where} go, and those at the other end stay", level="warning")
    inner = await trial.put(trial.marked("G  h"))
    if inner.taken and "  " not in inner.text:
        trial.rewrites("collapse", "blanks in a row become one")


async def _case(trial: Trial) -> None:
    _cased(trial, await trial.put(trial.marked("iJ Kl")), "iJ Kl")


def _cased(trial: Trial, got: Got, value: str) -> None:
    if not got.taken:
        return
    if got.text == got.text.upper():
        trial.rewrites("upper", "becomes capitals")
    elif got.text == got.text.lower():
        trial.rewrites("lower", "becomes small letters")
    elif not got.text.endswith(value):
        trial.see("case", f"{value!r} becomes {got.text[-len(value) :]!r}", level="warning")


async def _signs(trial: Trial) -> None:
    got = await trial.put(trial.marked("m\r\nn"))
    if got.state == "refused":
        trial.see("one-line", "takes no line ends")
    elif got.taken and "\r\n" not in got.text:
        if "\n" in got.text:
            trial.rewrites("lines", "line ends become a line feed alone")
        else:
            trial.see("lines-lost", f"line ends are lost: {got.text[-4:]!r}", level="warning")
    got = await trial.put(trial.marked("o\U0001f600p"))
    if got.state == "refused":
        trial.see("emoji-refused", "takes no signs beyond the first plane, as emoji are")
    elif got.taken and "\U0001f600" not in got.text:
        trial.see("emoji-lost", f"emoji are lost: {got.text[-4:]!r}", level="warning")
    got = await trial.put(trial.marked("e\u0301q"))
    if got.taken and "\u0301" not in got.text and ("\u00e9" in got.text or "\u00c9" in got.text):
        trial.rewrites("nfc", "letters and their marks become one sign each (NFC)")
    elif got.state == "ignored" or (got.taken and "\u0301" not in got.text):
        trial.see("marks-lost", f"combining marks are lost: {got.text[-3:]!r}", level="warning")


async def _html(trial: Trial) -> None:
    got = await trial.put(trial.marked("r < s & t"))
    if got.taken and "&lt;" in got.text.lower():
        trial.rewrites("escape", "< > & are kept as HTML entities")
    got = await trial.put(trial.marked("<b>u</b>"))
    if got.taken and "<" not in got.text and "&lt;" not in got.text.lower():
        trial.rewrites("no-tags", "HTML tags go")


# length


async def _length(trial: Trial, bound: int) -> int | None:
    """How many characters there is room for; None: more than are looked for. What is said is put to the test."""
    said = trial.prop.max_length
    if said is not None:
        got = await trial.put(_filled(trial, said))
        if not got.taken or len(got.text) < said:
            return await _shorter(trial, said, got)
        got = await trial.put(_filled(trial, said + 1))
        if got.state == "kept" or len(got.text) > said:
            trial.see("longer", f"takes more than the {said} characters that are said")
            return said
        _limited(trial, said, got)
        return said
    got = await trial.put(_filled(trial, bound))
    if got.taken and len(got.text) >= bound:
        return None
    if got.taken:
        _limited(trial, len(got.text), got, keys=True)
        return len(got.text)
    return await _bisected(trial, len(trial.marked("Ab")), bound, got)


async def _shorter(trial: Trial, said: int, got: Got) -> int:
    length = len(got.text) if got.taken else await _bisected(trial, len(trial.marked("Ab")), said, got, tell=False)
    how = "cuts them" if got.taken else "refuses them"
    trial.see(
        "length",
        f"has room for {length} characters, where {said} are said, and {how}",
        level="problem",
        keys={"max_length": length},
    )
    return length


async def _bisected(trial: Trial, good: int, bad: int, got: Got, *, tell: bool = True) -> int:
    """The greatest length that is taken. `good` is, `bad` is not."""
    while bad - good > 1:
        middle = (good + bad) // 2
        tried = await trial.put(_filled(trial, middle))
        if tried.taken and len(tried.text) >= middle:
            good = middle
        else:
            bad, got = middle, tried
    if tell:
        _limited(trial, good, got, keys=True)
    return good


def _limited(trial: Trial, length: int, got: Got, *, keys: bool = False) -> None:
    told = {"max_length": length} if keys else {}
    if got.taken:
        said = f"cuts what is longer than {length} characters, without a word"
        trial.see("cut", said, keys={**told, "rewrites": ("cut",)})
    else:
        how = "ignores" if got.state == "ignored" else "refuses"
        trial.see("length", f"{how} what is longer than {length} characters", keys=told)


def _filled(trial: Trial, length: int) -> str:
    """A text of exactly so many characters, another one for each length, that does not end in a blank."""
    begin = trial.marked(f"v{length}")[:length]
    return begin + "w" * (length - len(begin))


# nothing


async def probe_nothing(trial: Trial, nothing: str | None, base: Native) -> None:
    """An empty text or null: kept, turned into the other, refused, or swallowed. `base` is a value that is taken."""
    other, name = ("null", "an empty text") if nothing == "" else ("an empty text", "null")
    word = "empty" if nothing == "" else "null"
    if not (await trial.put(base)).taken:
        return
    got = await trial.put(nothing, bare=True)
    if got.state == "kept":
        return
    if got.state == "refused":
        trial.see(f"{word}-refused", f"{name} is refused")
    elif got.stored is ABSENT:
        known = trial.prop.stated is not None and trial.prop.stated.null_when_absent
        keys = {} if known else {"null_when_absent": True}
        trial.see(f"{word}-absent", f"{name} is shown by leaving the property out", keys=keys)
    elif nothing == "" and got.stored is None:
        trial.rewrites("empty-to-null", f"{name} becomes {other}")
    elif nothing is None and got.stored == "":
        trial.rewrites("null-to-empty", f"{name} becomes {other}")
    elif got.state == "ignored":
        trial.see(f"{word}-ignored", f"{name} is ignored without a word: the old value stays", level="warning")
    elif got.state == "changed":
        trial.see(f"{word}-filled", f"{name} becomes {got.stored!r}", keys={"default": got.stored})
