"""Texts of messages and of the link's page, in English and Chinese; a test says that both have the same keys."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
_TEXTS = Path(__file__).parent / "texts"


@cache
def texts(language: str) -> Mapping[str, Mapping[str, str]]:
    """Every text of a language by section and name."""
    return tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))


def say(language: str, section: str, name: str, **values: Any) -> str:
    """Fill one text in."""
    return texts(language)[section][name].format(**values)
