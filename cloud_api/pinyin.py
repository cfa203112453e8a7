"""Chinese found by its sound: letters typed as pinyin become a pattern of the characters that sound so (pure)."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

# `dl` is worth a look, one letter alone is not; longer than this nobody types from memory.
SHORTEST, LONGEST = 2, 24
# A word of initials alone: more letters are syllables.
MOST_INITIALS = 6
MOST_READINGS = 16
LONGEST_SYLLABLE = 6


def sounding(words: str | None) -> str | None:
    """A regular expression (PostgreSQL's and Python's) of Chinese that is pronounced so; None where nothing is.

    Syllables without tones (`dianliu`, `dian liu`), the last perhaps begun only (`dianl`), or initials (`dl`).
    """
    letters = "".join((words or "").lower().replace("'", " ").split())
    if not (SHORTEST <= len(letters) <= LONGEST and letters.isascii() and letters.isalpha()):
        return None
    readings = list(dict.fromkeys(_readings(letters)))
    patterns = ["".join(f"[{_characters(part)}]" for part in reading) for reading in readings]
    return "|".join(patterns) or None


def _readings(letters: str) -> Iterator[tuple[str, ...]]:
    if len(letters) <= MOST_INITIALS and all(_characters(letter) for letter in letters):
        yield tuple(letters)
    for count, reading in enumerate(_syllables(letters)):
        if count == MOST_READINGS:
            return
        yield reading


def _syllables(letters: str) -> Iterator[tuple[str, ...]]:
    """Every way to read letters as syllables, longest first; the last may be a beginning."""
    if _characters(letters):
        yield (letters,)
    for size in range(min(len(letters) - 1, LONGEST_SYLLABLE), 0, -1):
        if letters[:size] in _sounds():
            for rest in _syllables(letters[size:]):
                yield (letters[:size], *rest)


@cache
def _characters(beginning: str) -> str:
    """The characters of exactly this syllable, else of all that begin so; one letter is always a beginning."""
    sounds = _sounds()
    exact = sounds.get(beginning, set()) if len(beginning) > 1 else set[str]()
    begun = {each for name, known in sounds.items() if name.startswith(beginning) for each in known}
    return "".join(sorted(exact or begun))


@cache
def _sounds() -> dict[str, set[str]]:
    """Characters in use (GB 2312, 6,763 of them) by each syllable that they can have."""
    # Its tables are read on the first search of this kind, and never by a process that is not asked.
    from pypinyin.constants import PINYIN_DICT

    sounds: dict[str, set[str]] = defaultdict(set)
    for code, readings in PINYIN_DICT.items():
        character = chr(code)
        try:
            character.encode("gb2312")
        except UnicodeEncodeError:
            continue
        for reading in readings.split(","):
            for syllable in _plain(reading):
                sounds[syllable].add(character)
    return dict(sounds)


def _plain(reading: str) -> set[str]:
    """A syllable without its tone; ü as `v`, as keyboards have it, and as `u`, as people do."""
    letters = unicodedata.normalize("NFD", reading).replace("u\N{COMBINING DIAERESIS}", "v")
    bare = "".join(letter for letter in letters if letter.isascii() and letter.isalpha())
    return {bare, bare.replace("v", "u")} - {""}
