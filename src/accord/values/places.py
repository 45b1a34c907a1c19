"""Phone numbers and countries, through phonenumbers and babel. Both are loaded when first needed."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Literal

from accord.values.texts import folded, refused

_FORMER = frozenset({"DDR", "ZAR", "FXX", "BUR", "TMP", "YMD", "200", "230", "249", "278", "280", "582", "720", "736"})
PhoneFormat = Literal["e164", "international", "national"]


@lru_cache(maxsize=100_000)
def phone_number(text: str, region: str | None) -> str | None:
    """E.164, with `;ext=…` where there is an extension; None when it is no possible phone number."""
    return _formatted(text, region, "e164")


@lru_cache(maxsize=10_000)
def format_phone(text: str, region: str | None, form: PhoneFormat) -> str:
    """A phone number in one of the formats; what is none is returned as it is."""
    return _formatted(text, region, form) or text


def _formatted(text: str, region: str | None, form: PhoneFormat) -> str | None:
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    if form == "e164":
        plain = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{plain};ext={number.extension}" if number.extension else plain
    if form == "national" and number.country_code == phonenumbers.country_code_for_region(region or "ZZ"):
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@lru_cache(maxsize=4_000)
def country(text: str) -> str:
    """ISO 3166 alpha-2 of alpha-2 in any case. Raises ValueRefused."""
    code = text.strip().upper()
    if code not in _codes():
        raise refused(text, "an ISO 3166 country code of two letters (the lens `country` reads alpha3 and names)")
    return code


@lru_cache(maxsize=4_000)
def country_from(text: str, form: str, language: str = "en") -> str:
    """Alpha-2 of `alpha3`, `numeric` or a `name` in a language; alpha-2 itself passes. Raises ValueRefused."""
    if text.strip().upper() in _codes():
        return text.strip().upper()
    found = (_by_name(language) if form == "name" else _by_code(form)).get(folded(text))
    if found is None:
        raise refused(text, f"a country ({form}, ISO 3166)")
    return found


@lru_cache(maxsize=4_000)
def country_to(code: str, form: str, language: str = "en") -> str:
    """`alpha3`, `numeric` or `name` of alpha-2. Raises ValueRefused."""
    if form == "alpha2":
        return code
    if form == "name":
        return _names(language)[country(code)]
    for written, known in _by_code(form).items():
        if known == country(code):
            return written.upper()
    raise refused(code, f"a country that has an ISO 3166 {form} code")


@cache
def _names(language: str) -> dict[str, str]:
    from babel import Locale

    names = Locale.parse(language, sep="-" if "-" in language else "_").territories
    return {code: name for code, name in names.items() if len(code) == 2 and code.isalpha()}


@cache
def _codes() -> frozenset[str]:
    return frozenset(_names("en")) - {
        "EU",
        "EZ",
        "UN",
        "XA",
        "XB",
        "ZZ",
        "QO",
        "AC",
        "CP",
        "CQ",
        "DG",
        "EA",
        "IC",
        "TA",
    }


@cache
def _by_name(language: str) -> dict[str, str]:
    return {folded(name): code for code, name in _names(language).items()}


@cache
def _by_code(form: str) -> dict[str, str]:
    """CLDR's territory aliases hold the three-letter and the numeric codes, and those of former countries."""
    from babel.core import get_global

    fits = str.isdigit if form == "numeric" else str.isalpha
    aliases = get_global("territory_aliases").items()
    return {
        alias.casefold(): codes[0]
        for alias, codes in aliases
        if len(alias) == 3 and fits(alias) and alias not in _FORMER and len(codes) == 1 and codes[0] in _codes()
    }
