"""Collects what is wrong in a project file: where, what is allowed, and the nearest correct spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin

from accord.config.interpolate import has_reference
from accord.config.meaning import Caution
from accord.config.secrets import is_secret, url_password
from accord.config.tree import Place, Where, key_text, spell
from accord.errors import Problem, ProjectFileError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

Model = TypeVar("Model", bound="BaseModel")

_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "dict_type": "a mapping (`key: value`)",
    "model_type": "a mapping (`key: value`)",
    "model_attributes_type": "a mapping (`key: value`)",
    "list_type": "a list",
    "tuple_type": "a list",
    "invalid_key": "text as key",
}


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The correct spelling that is most like a word, or None."""
    lowered = {each.lower(): each for each in words}
    found = get_close_matches(word.lower(), lowered, 1, 0.6)
    return lowered[found[0]] if found else None


def listed(words: Iterable[str]) -> str:
    """`a, b, c`."""
    return ", ".join(words)


class Problems:
    """All that was found so far. `raw` is the data before `${…}` was filled in, so that no message shows a secret."""

    def __init__(self, places: Mapping[Where, Place], raw: Any, main: str) -> None:
        self._places, self._raw, self._main = places, raw, main
        self.found: list[Problem] = []
        self.cautions: list[Caution] = []

    def place(self, where: Where) -> Place:
        """The file and line of something, or of the nearest thing around it."""
        while where and where not in self._places:
            where = where[:-1]
        return self._places.get(where, Place(self._main, 1))

    def add(self, where: Where, message: str, *, allowed: str | None = None, hint: str | None = None) -> None:
        """Note one problem."""
        file, line = self.place(where)
        self.found.append(
            Problem(file=file, line=line, path=spell(where), message=message, allowed=allowed, hint=hint),
        )

    def caution(self, where: Where, message: str) -> None:
        """Note something that is allowed and probably not meant."""
        file, line = self.place(where)
        self.cautions.append(Caution(file=file, line=line, path=spell(where), message=message))

    def unknown(self, where: Where, kind: str, word: str, words: Iterable[str]) -> None:
        """Note a word that is none of those allowed, with the nearest one."""
        allowed = list(words)
        near = nearest(word, allowed)
        self.add(
            where,
            f"{kind} {word!r} is not known",
            allowed=listed(allowed) or "none",
            hint=f"did you mean {near!r}?" if near else None,
        )

    def quoted(self, where: Where) -> str:
        """What the file says at a place, as text that may be shown; empty where that is long or secret."""
        value = self._raw
        for part in where:
            if isinstance(value, dict):
                value = next((item for key, item in value.items() if key_text(key) == part), None)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return ""
        if value is None:
            return "nothing"
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        if is_secret(where, self._raw) and not has_reference(str(value)):
            return "a secret"
        if isinstance(value, str) and (password := url_password(value)) and not has_reference(password):
            return "an address with a password"
        return repr(value) if isinstance(value, str) else key_text(value)

    def validate(self, model: type[Model], data: Any, where: Where) -> Model | None:
        """The data as a model, or None once its problems are noted."""
        from pydantic import ValidationError

        try:
            return model.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self._translate(model, data, where, detail)
            return None

    def _translate(self, model: type[BaseModel], data: Any, where: Where, detail: ErrorDetails) -> None:
        kind, context = detail["type"], detail.get("ctx", {})
        inner, parent = _locate(model, data, detail["loc"])
        at = (*where, *inner)
        if kind == "extra_forbidden":
            self.unknown(at, "the key", str(inner[-1]), field_names(parent))
        elif kind == "missing":
            self.add(at[:-1], f"the key {inner[-1]!r} is missing", hint=f"add `{inner[-1]}: …`")
        elif kind in ("literal_error", "union_tag_invalid"):
            words = _expected(context)
            at = (*at, context["discriminator"].strip("'")) if kind == "union_tag_invalid" else at
            self._not_one_of(at, words)
        elif kind == "union_tag_not_found":
            self.add(at, f"the key {context['discriminator']} is missing", hint="add `type: …`")
        elif kind == "accord":
            self.add(at, self._said(at, detail["msg"]), allowed=context.get("allowed"), hint=context.get("hint"))
        elif kind in _KINDS:
            self.add(at, f"must be {_KINDS[kind]}, and is {self.quoted(at) or 'something else'}")
        else:
            self.add(at, self._said(at, detail["msg"].removeprefix("Value error, ")))

    def _said(self, at: Where, message: str) -> str:
        quoted = self.quoted(at)
        return f"{quoted}: {message}" if quoted and quoted not in ("a mapping", "a list") else message

    def _not_one_of(self, at: Where, words: list[str]) -> None:
        quoted = self.quoted(at)
        near = nearest(quoted.strip("'"), words)
        hint = f"did you mean {near!r}?" if near else None
        self.add(at, f"{quoted or 'this'} is not one of those known", allowed=listed(words), hint=hint)

    def stop(self) -> None:
        """Raise ProjectFileError with everything found, if anything was."""
        if self.found:
            unique = {(each.file, each.line, each.path, each.message): each for each in self.found}
            order = sorted(unique.values(), key=lambda each: (each.file != self._main, each.file, each.line))
            raise ProjectFileError(tuple(order))


def field_names(model: Any) -> list[str]:
    """The keys that a model takes, as they are written."""
    fields = getattr(model, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _expected(context: Mapping[str, Any]) -> list[str]:
    text = str(context.get("expected") or context.get("expected_tags", ""))
    return [word.strip().strip("'") for word in text.replace(" or ", ", ").split(",") if word.strip()]


def _locate(model: Any, data: Any, loc: tuple[str | int, ...]) -> tuple[Where, Any]:
    """The place that pydantic means, as far as the file has it, and the model that takes its last key."""
    where: list[str | int] = []
    holder, current = model, model
    for part in loc:
        options = _options(current)
        tagged = next((each for each in options if _tag(each) == part), None)
        if tagged is not None and not (isinstance(data, dict) and part in data):
            holder = current = tagged
            continue
        if part == "[key]" or not isinstance(data, dict | list):
            continue
        holder = next((each for each in options if hasattr(each, "model_fields")), holder)
        current = _step(options, part)
        where.append(key_text(part) if isinstance(data, dict) else part)
        data = data.get(part) if isinstance(data, dict) else _item(data, part)
    return tuple(where), holder


def _item(data: list[Any], part: str | int) -> Any:
    return data[part] if isinstance(part, int) and part < len(data) else None


def _step(options: list[Any], part: str | int) -> Any:
    """The annotation of a field, or of the values of a mapping or list."""
    for option in options:
        for name, field in getattr(option, "model_fields", {}).items():
            if part in (name, field.alias):
                return field.annotation
        if get_origin(option) in (dict, list, tuple):
            return get_args(option)[-1]
    return None


def _options(annotation: Any) -> list[Any]:
    """The members of a union, without Optional and Annotated."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (dict, list, tuple, Literal) or not get_args(annotation):
        return [annotation]
    return [option for each in get_args(annotation) if each is not type(None) for option in _options(each)]


def _tag(option: Any) -> Any:
    field = getattr(option, "model_fields", {}).get("type")
    tags = get_args(field.annotation) if field is not None else ()
    return tags[0] if len(tags) == 1 else None
