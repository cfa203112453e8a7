"""Both languages say the same things."""

import re
from string import Formatter

import pytest

from millstream.language import Language, LanguageUnknown, choose, words

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Proper names and acronyms that a Chinese reader meets in the same form.
SAME_IN_BOTH = {"summary.api", "summary.mqtt", "summary.opcua", "summary.modbus"}


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_catalogues_have_the_same_keys():
    assert words(Language.EN).texts.keys() == words(Language.ZH).texts.keys()


@pytest.mark.parametrize("key", sorted(words(Language.EN).texts))
def test_texts_fill_the_same_places_and_are_translated(key: str):
    english, chinese = words(Language.EN).texts[key], words(Language.ZH).texts[key]
    assert _places(english) == _places(chinese)
    assert bool(CHINESE.search(chinese)) != (key in SAME_IN_BOTH)
    assert not CHINESE.search(english)


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, Language.EN),
        ({"LANG": "zh_CN.UTF-8"}, Language.ZH),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, Language.EN),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_TW"}, Language.ZH),
        ({"LANG": "de_DE.UTF-8"}, Language.EN),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, Language.ZH),
    ],
)
def test_environment_chooses_the_language(environment: dict[str, str], language: Language):
    assert choose(["demo"], environment) == (language, ["demo"])


@pytest.mark.parametrize("given", [["--lang", "zh", "demo"], ["demo", "--lang=zh"], ["demo", "--lang", "zh"]])
def test_option_beats_the_environment_wherever_it_stands(given: list[str]):
    assert choose(given, {"LANG": "en_US"}) == (Language.ZH, ["demo"])


def test_option_after_a_double_dash_is_left_alone():
    assert choose(["demo", "--", "--lang", "zh"], {}) == (Language.EN, ["demo", "--", "--lang", "zh"])


@pytest.mark.parametrize("given", [["--lang", "fr"], ["--lang="], ["--lang"]])
def test_unknown_language_is_refused(given: list[str]):
    with pytest.raises(LanguageUnknown):
        choose(given, {})
