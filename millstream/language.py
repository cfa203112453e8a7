"""English or Chinese: which one, and the words."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Language(StrEnum):
    """The languages that the command speaks."""

    EN = "en"
    ZH = "zh"


class LanguageUnknown(Exception):
    """`--lang` names a language that the command does not speak."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.value = value


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language, by `section.key`."""

    language: Language
    texts: Mapping[str, str]

    def __call__(self, key: str, **places: object) -> str:
        """The text with its places filled."""
        text = self.texts[key]
        return text.format(**places) if places else text


def words(language: Language) -> Words:
    """All texts of a language."""
    content = Path(__file__).with_name("texts").joinpath(f"{language}.toml").read_text(encoding="utf-8")
    sections: Mapping[str, Mapping[str, str]] = tomllib.loads(content)
    return Words(
        language, {f"{section}.{key}": text for section, keys in sections.items() for key, text in keys.items()}
    )


def choose(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Language, list[str]]:
    """The language that `--lang` or else the environment asks for, and the arguments without `--lang`."""
    rest: list[str] = []
    asked: str | None = None
    upcoming = iter(arguments)
    for argument in upcoming:
        if argument == "--":
            rest.extend([argument, *upcoming])
        elif argument == "--lang":
            asked = next(upcoming, "")
        elif argument.startswith("--lang="):
            asked = argument.partition("=")[2]
        else:
            rest.append(argument)
    if asked is None:
        return _of_environment(environment), rest
    if asked not in list(Language):
        raise LanguageUnknown(asked)
    return Language(asked), rest


def _of_environment(environment: Mapping[str, str]) -> Language:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return Language.ZH if value.lower().startswith("zh") else Language.EN
    return Language.EN
