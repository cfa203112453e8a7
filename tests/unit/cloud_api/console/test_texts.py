"""The console's texts: both languages have the same keys and places, and every key is used by the code."""

import re
from pathlib import Path
from string import Formatter

import pytest

from cloud_api.console.sitemap import pages
from cloud_api.console.words import Language, choose_language, words

CONSOLE = Path(__file__).resolve().parents[4] / "cloud_api" / "console"
SOURCES = {path: path.read_text() for path in CONSOLE.rglob("*") if path.suffix in {".py", ".js", ".html"}}
LITERAL = re.compile(r"""["']([a-z_]+(?:\.[a-z0-9_-]+)+)["']""")
BY_TABLE = re.compile(r"""f["']([a-z_]+(?:\.[a-z0-9_-]+)*)\.\{""")
BY_TABLE_IN_SCRIPT = re.compile(r"""`([a-z_]+(?:\.[a-z0-9_-]+)*)\.\$\{""")
CALLED = re.compile(r"""\btext\(\s*["']([a-z_]+\.[a-z0-9_.-]+)["']""")
LOGIN_PLACE = re.compile(r"\$login_([a-z_]+)")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def used() -> tuple[set[str], set[str]]:
    """Keys that stand in the code as they are, and tables whose members are chosen by data."""
    source = "\n".join(SOURCES.values())
    titles = {page.title_key for page in pages()}
    return set(LITERAL.findall(source)) | titles | {f"login.{name}" for name in LOGIN_PLACE.findall(source)}, set(
        BY_TABLE.findall(source) + BY_TABLE_IN_SCRIPT.findall(source)
    )


def test_both_languages_have_the_same_keys():
    assert words(Language.EN).texts.keys() == words(Language.ZH).texts.keys()


@pytest.mark.parametrize("key", sorted(words(Language.EN).texts))
def test_both_languages_have_the_same_places(key: str):
    assert places(words(Language.EN).texts[key]) == places(words(Language.ZH).texts[key])
    assert words(Language.ZH).texts[key]


def test_no_text_is_missing():
    called = {key for source in SOURCES.values() for key in CALLED.findall(source)}
    called |= {page.title_key for page in pages()}
    assert not called - words(Language.EN).texts.keys()


def test_no_text_is_unused():
    literal, tables = used()
    unused = {key for key in words(Language.EN).texts if key not in literal and key.rpartition(".")[0] not in tables}
    assert not unused


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("zh", "en-US,en", Language.ZH),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", Language.ZH),
        (None, "de-DE,en;q=0.5", Language.EN),
        ("xx", "", Language.EN),
    ],
)
def test_chooses_what_somebody_reads(chosen: str | None, accepted: str, language: Language):
    assert choose_language(chosen, accepted) is language
