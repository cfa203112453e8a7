"""The texts of the page are there in both languages."""

import re

from cloud_api.shares.page.writing import LANGUAGES, texts, write_door


def test_both_languages_have_the_same_texts_with_the_same_places():
    english, chinese = (texts(language) for language in LANGUAGES)
    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert re.findall(r"\{\w+\}", text) == re.findall(r"\{\w+\}", chinese[name]), name


def test_what_a_guest_types_is_never_shown_as_markup():
    assert "<b>" not in write_door("ended", "<b>now</b>")
