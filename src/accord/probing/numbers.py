"""What a system does to numbers: decimals and how it rounds them, signs, size; whether a binary float is between."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from accord.errors import ValueRefused
from accord.model import Native
from accord.probing.found import Prop
from accord.probing.texts import not_taken, probe_nothing
from accord.probing.trying import Got, Trial
from accord.values.numbers import to_decimal

MOST = 10
"""Decimals that are looked for."""
LARGE = (10**6, 10**9, 2**31, 10**12, 2**53 + 1, 10**18)


async def probe_number(trial: Trial) -> None:
    """All of it; facts go to the trial."""
    first = await _put(trial, Decimal(3))
    if first.state == "refused" and trial.prop.sample is None:  # perhaps it is kept as text
        trial.prop = replace(trial.prop, sample="3.00" if trial.prop.kind != "integer" else "3")
        first = await _put(trial, Decimal(3))
    if not first.taken:
        not_taken(trial, first)
        return
    if trial.prop.kind != "integer":
        await _decimals(trial)
    else:
        await _fraction(trial)
    await _signs(trial)
    await _size(trial)
    await probe_nothing(trial, None, native(trial.prop, Decimal(5)))


def native(prop: Prop, number: Decimal) -> Native:
    """A number in the form in which the system shows it."""
    if isinstance(prop.sample, str):
        decimals = len(prop.sample.partition(".")[2])
        return format(number if _scale(number) > decimals else number.quantize(Decimal(1).scaleb(-decimals)), "f")
    return int(number) if number == number.to_integral_value() and prop.kind == "integer" else number


async def _put(trial: Trial, number: Decimal) -> Got:
    return await trial.put(native(trial.prop, number))


def _number(got: Got) -> Decimal | None:
    try:
        return to_decimal(got.stored) if got.taken and not isinstance(got.stored, bool) else None  # type: ignore[arg-type]
    except ValueRefused:
        return None


async def _decimals(trial: Trial) -> None:
    got = await _put(trial, Decimal("1.2345678901"))
    stored = _number(got)
    if stored is None:
        await _fewer(trial)
        return
    scale = _scale(stored)
    if scale >= MOST or stored == Decimal("1.2345678901"):
        await _digits(trial)
        if trial.prop.scale is not None and trial.prop.stated is not None and trial.prop.stated.type:
            trial.see("more-decimals", f"keeps more than the {trial.prop.scale} decimals that are said")
        return
    await _rounds(trial, scale)


async def _fewer(trial: Trial) -> None:
    """Too many decimals are refused: how many are taken?"""
    scale = 0
    for digits in range(MOST - 1, 0, -1):
        if (await _put(trial, Decimal(1) + Decimal(11).scaleb(-digits - 1).quantize(Decimal(1).scaleb(-digits)))).taken:
            scale = digits
            break
    said = f"refuses more than {scale} decimals"
    trial.see("scale", said, level=_level(trial, scale), keys=_typed(trial, scale))


async def _rounds(trial: Trial, scale: int) -> None:
    said = f"keeps {scale} decimals, and {await _mode(trial, scale)} the rest without a word"
    trial.see("round", said, level=_level(trial, scale), keys={**_typed(trial, scale), "rewrites": ("round",)})


async def _mode(trial: Trial, scale: int) -> str:
    """How a system rounds: two ties and a value above one tell."""
    unit, half = Decimal(1).scaleb(-scale), Decimal(5).scaleb(-scale - 1)
    ups = []
    for lower in (2 * unit, 3 * unit):  # an even and an odd last digit
        stored = _number(await _put(trial, lower + half))
        ups.append(stored is not None and stored > lower + half)
    nearly = 4 * unit + half + Decimal(3).scaleb(-scale - 1)
    cuts = _number(await _put(trial, nearly)) == 4 * unit
    if cuts:
        return "cuts"
    ways = {(True, True): "rounds half up", (False, True): "rounds half to even", (False, False): "rounds half down"}
    return ways.get((ups[0], ups[1]), "rounds") + ","


def _level(trial: Trial, scale: int) -> str:
    stated = trial.prop.stated is not None and trial.prop.stated.type is not None
    return "problem" if stated and trial.prop.scale is not None and scale < trial.prop.scale else "fact"


def _typed(trial: Trial, scale: int) -> dict[str, str]:
    return {"type": f"decimal({scale})"} if trial.prop.scale != scale else {}


def _scale(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


async def _digits(trial: Trial) -> None:
    """Thirty digits: more than a binary float holds."""
    long = Decimal("0.12345678901234567890123456789")
    stored = _number(await _put(trial, long))
    if stored is not None and stored != long:
        float_like = abs(stored - long) < Decimal(1).scaleb(-15)
        said = f"keeps {_scale(stored)} decimals of 29"
        trial.see("float", f"{said}: a binary float is between" if float_like else said)


async def _fraction(trial: Trial) -> None:
    got = await trial.put("2.5" if isinstance(trial.prop.sample, str) else Decimal("2.5"))
    stored = _number(got)
    if got.state == "kept":
        stated = trial.prop.stated is not None and trial.prop.stated.type is not None
        trial.see("fraction", "takes decimals, and is said to be a whole number", level="warning" if stated else "fact")
    elif stored is not None:
        trial.see("round", f"2.5 becomes {stored} without a word", keys={"rewrites": ("round",)})


async def _signs(trial: Trial) -> None:
    got = await _put(trial, Decimal(-7))
    if got.state == "refused":
        trial.see("no-negative", f"refuses numbers below zero: {got.message}")
    elif got.taken and _number(got) != -7:
        trial.see("negative", f"-7 becomes {got.stored}", level="warning")


async def _size(trial: Trial) -> None:
    """The first of some large numbers that is not kept."""
    for number in LARGE:
        got = await _put(trial, Decimal(number))
        if got.state == "kept" or _number(got) == number:
            continue
        if got.state in ("refused", "ignored"):
            trial.see("largest", f"{'refuses' if got.state == 'refused' else 'ignores'} {number:,}")
        elif number == 2**53 + 1 and _number(got) == 2**53:
            trial.see("float", f"{number} becomes {2**53}: a binary float is between", level="warning")
        elif got.taken:
            trial.see("largest", f"{number} becomes {got.stored} without a word", level="warning")
        return
