"""`${NAME}` from the environment, `${file:PATH}` from a file, `${keyring:SERVICE/USER}` from the keyring.

`$${` stands for `${` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from accord.config.tree import Where, key_text

_REFERENCE = re.compile(r"(\$?)\$\{([^}\n]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_SECRET_NAME = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|CREDENTIALS?|API_?KEY|PRIVATE_?KEY|_KEY)$", re.I
)


class Missing(Exception):
    """A `${…}` that has no value; holds what is wrong and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class StandIns(dict[str, str]):
    """An environment in which every variable is set: one that is not has a stand-in that no system answers to."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"https://{name.lower().replace('_', '-')}.invalid"


def read_dotenv(file: Path) -> dict[str, str]:
    """`KEY=VALUE` lines; quotes around a value, `export ` before a key and `#` comments are understood."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    found = (_LINE.fullmatch(line) for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {match[1]: _unquoted(match[2].strip()) for match in found if match}


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] in "\"'":
        end = value.find(value[0], 1)
        if end > 0:
            return value[1:end]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def has_reference(text: str) -> bool:
    """Whether something is filled in here."""
    return any(not match[1] for match in _REFERENCE.finditer(text))


class Interpolation:
    """Fills in the text of one file; remembers which values are secret wherever they stand."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self._env, self._folder = env, folder
        self.secrets: set[str] = set()
        self.values: dict[Where, tuple[str, ...]] = {}
        """Where something was filled in, and what."""
        self.missing: list[tuple[Where, Missing]] = []

    def fill(self, data: Any, where: Where = ()) -> Any:
        """The same data with every `${…}` in its texts replaced."""
        if isinstance(data, str):
            return self._text(data, where) if "${" in data else data
        if isinstance(data, dict):
            return {key: self.fill(value, (*where, key_text(key))) for key, value in data.items()}
        if isinstance(data, list):
            return [self.fill(value, (*where, index)) for index, value in enumerate(data)]
        return data

    def _text(self, text: str, where: Where) -> str:
        found: list[str] = []

        def replace(match: re.Match[str]) -> str:
            if match[1]:
                return match[0][1:]
            try:
                found.append(self._look_up(match[2].strip()))
            except Missing as missing:
                self.missing.append((where, missing))
                return match[0]
            return found[-1]

        filled = _REFERENCE.sub(replace, text)
        if found:
            self.values[where] = tuple(found)
        return filled

    def _look_up(self, name: str) -> str:
        if name.startswith("file:"):
            return self._secret(self._file(name[5:].strip()))
        if name.startswith("keyring:"):
            return self._secret(_keyring(name[8:].strip()))
        if not _NAME.fullmatch(name):
            raise Missing(f"${{{name}}} is not understood", "write ${NAME}, ${file:PATH} or ${keyring:SERVICE/USER}")
        if name not in self._env:
            near = get_close_matches(name, self._env, 1, 0.85)
            also = f"; did you mean {near[0]}?" if near else ""
            hint = f"export {name}=…, or write {name}=… into .env beside the project file"
            raise Missing(f"the environment variable {name} is not set{also}", hint)
        value = self._env[name]
        return self._secret(value) if _SECRET_NAME.search(name) else value

    def _secret(self, value: str) -> str:
        if value:
            self.secrets.add(value)
        return value

    def _file(self, path: str) -> str:
        file = self._folder / path
        try:
            return file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise Missing(
                f"${{file:{path}}}: {file} cannot be read: {reason}", "write the value into that file"
            ) from None


def _keyring(name: str) -> str:
    service, _, user = name.rpartition("/")
    if not service or not user:
        raise Missing(f"${{keyring:{name}}} is not understood", "write ${keyring:SERVICE/USER}")
    try:
        import keyring
    except ImportError:
        raise Missing("the keyring is not installed", "pip install 'accord[keyring]'") from None
    try:
        value = keyring.get_password(service, user)
    except Exception as error:
        raise Missing(f"the keyring cannot be read: {type(error).__name__}", "unlock it, or use ${NAME}") from None
    if value is None:
        raise Missing(f"the keyring has nothing for {service}/{user}", f"keyring set {service} {user}")
    return str(value)


def leaves(data: Any, where: Where = ()) -> Iterator[tuple[Where, Any]]:
    """Every scalar of some data, and where it stands."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*where, key_text(key)))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from leaves(value, (*where, index))
    else:
        yield where, data
