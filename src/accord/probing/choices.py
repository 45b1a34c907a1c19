"""What a system does to truth, options, references and texts of a form: are wrong ones refused, or swallowed?"""

from __future__ import annotations

from accord.model import ABSENT, Native
from accord.probing.texts import not_taken, probe_nothing, read_only
from accord.probing.trying import Got, Trial, same

NO_OPTION = "no such option"
NOBODY = 987654321


async def probe_boolean(trial: Trial) -> None:
    """Both values, the form in which they are shown, and null."""
    first, second = await trial.put(True), await trial.put(False)
    if not _is_taken(trial, first, second):
        return
    if "ignored" in (first.state, second.state):  # the other one was there already
        read_only(trial)
        return
    shown = [got.stored for got in (first, second)]
    if shown not in ([True, False], [1, 0], ["1", "0"], ["true", "false"]):
        trial.see("truth", f"true becomes {shown[0]!r} and false {shown[1]!r}", level="warning")
    await probe_nothing(trial, None, True)


async def probe_enum(trial: Trial) -> None:
    """Every option that is said, and one that there cannot be."""
    refused = []
    gots = []
    for option in (trial.prop.values or ())[:20]:
        got = await trial.put(option)
        gots.append(got)
        if not got.taken:
            refused.append(str(option))
    if gots and not any(got.taken for got in gots):
        _is_taken(trial, *gots)
        return
    if refused:
        trial.see(
            "option-refused", f"does not take {', '.join(refused)}, which are said to be options", level="warning"
        )
    got = await trial.put(NO_OPTION)
    if got.state == "kept":
        trial.see("option-taken", "takes a text that is no option", level="warning" if trial.prop.values else "fact")
    elif got.state in ("changed", "ignored"):
        became = "is ignored" if got.state == "ignored" else f"becomes {got.stored!r}"
        trial.see("option-swallowed", f"a text that is no option {became} without a word", level="warning")
    base = (trial.prop.values or (trial.prop.sample,))[0]
    if base is not None:
        await probe_nothing(trial, None, base)


async def probe_reference(trial: Trial) -> None:
    """A record that there is, one that there cannot be, and null."""
    target = trial.prop.target
    if target is None:
        trial.see("untried", "there is no record that it could name")
        return
    first = await trial.put(target)
    if not _is_taken(trial, first):
        return
    await probe_nothing(trial, None, target)
    await trial.put(target)
    if trial.prop.careful:
        trial.see("untried", "no id of a record that there is not was tried: what cannot be read could not be removed")
        return
    unknown: Native = NOBODY if isinstance(target, int) else str(NOBODY)
    got = await trial.put(unknown)
    if got.state == "kept":
        trial.see("dangling", "takes the id of a record that there is not", level="warning")
    elif got.state in ("changed", "ignored"):
        became = "is ignored" if got.state == "ignored" else f"becomes {got.stored!r}"
        trial.see(
            "dangling-swallowed", f"the id of a record that there is not {became} without a word", level="warning"
        )


async def probe_formed(trial: Trial, values: tuple[str, str]) -> None:
    """An e-mail, an address, a phone number: taken as it is, in capitals, or in a form of its own?"""
    first, second = await trial.put(values[0]), await trial.put(values[1])
    if not _is_taken(trial, first, second):
        return
    for value, got in zip(values, (first, second), strict=True):
        if got.state != "changed":
            continue
        if got.text == value.lower():
            trial.rewrites("lower", "becomes small letters")
        elif got.text == value.upper():
            trial.rewrites("upper", "becomes capitals")
        else:
            trial.see("form", f"{value!r} becomes {got.stored!r}")
        break
    got = await trial.put(f" {values[0]} ")
    if got.taken and got.text == got.text.strip():
        trial.rewrites("trim", "blanks at both ends go")
    await probe_nothing(trial, "", values[0])
    await probe_nothing(trial, None, values[0])


def _is_taken(trial: Trial, *gots: Got) -> bool:
    """Whether any of the first values was; else what became of them is said."""
    if any(got.state in ("kept", "changed") for got in gots):
        return True
    if all(got.state == "ignored" for got in gots):
        not_taken(trial, gots[0])
    else:
        not_taken(trial, next((got for got in gots if got.message), gots[0]))
    return False


async def probe_read_only(trial: Trial, value: Native) -> None:
    """A property that is said to be read only: is a write refused, ignored, or taken?"""
    before = await trial.hand.look(trial.id)
    was = before.natives().get(trial.prop.path, ABSENT) if before is not None else ABSENT
    if same(was, value):
        return
    got = await trial.put(value)
    if got.taken:
        trial.see("writable", "can be written, and is said to be read only", level="warning")
    elif got.state == "ignored":
        trial.see("ignored", "what is written is ignored without a word")
