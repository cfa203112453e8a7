"""The console's texts in English and Chinese; a test says that both have the same keys, and that each is used."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any


class Language(StrEnum):
    """The languages of the console."""

    EN = "en"
    ZH = "zh"

    @property
    def tag(self) -> str:
        """The name that browsers and Quasar know it by."""
        return "zh-CN" if self is Language.ZH else "en-US"

    @property
    def locale(self) -> str:
        """How the browser's own formats write dates and numbers: day before month, as ours."""
        return "zh-CN" if self is Language.ZH else "en-GB"


def choose_language(chosen: str | None, accepted: str) -> Language:
    """Take what somebody has chosen, else the first of a browser's languages that we speak, else English."""
    if chosen in set(Language):
        return Language(chosen)
    for part in accepted.split(","):
        code = part.partition(";")[0].strip().lower()[:2]
        if code in set(Language):
            return Language(code)
    return Language.EN


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, by `section.key`."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **places: object) -> str:
        """The text with its places filled; KeyError for a key that is not there."""
        text = self.texts[key]
        return text.format(**places) if places else text

    def maybe(self, key: str, otherwise: str) -> str:
        """The text of a key that comes from data; `otherwise` where there is none."""
        return self.texts.get(key, otherwise)


@cache
def words(language: Language) -> Words:
    """All texts of a language, of all its files; a table inside a table has the key `section.table.key`."""
    folder = files("cloud_api.console").joinpath("texts")
    contents = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.startswith(f"{language}.")]
    return Words(language, {key: text for each in contents for key, text in _flat("", tomllib.loads(each))})


def _flat(prefix: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flat(f"{prefix}{key}.", value)
        else:
            found.append((prefix + key, str(value)))
    return found
