"""A page and its Chinese twin: what has to be the same in both, and where they part."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.contracts.markdown import CODE, FENCE, HEADING, LINK, Page, anchor

ENDING = ".zh-CN.md"
# A comment of a code block is prose: it is translated. What stands before it is not.
COMMENT = re.compile(r"(?:(?<=\s)|^)#(?: .*)?$|\s+$", re.MULTILINE)
# Pictures, and what a program says in the language of its user.
SPOKEN = {"mermaid", "text"}
SWITCH = re.compile(r"^\[(?:中文|English)\]\([\w.-]+\)$", re.MULTILINE)
HAN = re.compile(r"[\u4e00-\u9fff]")
NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:[.,\N{NO-BREAK SPACE} ]\d+)*(?![A-Za-z0-9_])")
SEPARATOR = re.compile(r"(?<=\d)[,\N{NO-BREAK SPACE} ](?=\d{3}(?!\d))")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading, up to the next."""

    level: int
    title: str
    text: str

    @property
    def prose(self) -> str:
        """The section without its code blocks."""
        return FENCE.sub("", self.text)

    @property
    def codes(self) -> set[str]:
        """Commands, names of fields and values that stand in the text."""
        return set(CODE.findall(self.prose))

    @property
    def links(self) -> list[str]:
        """Targets of its links."""
        return LINK.findall(CODE.sub("", self.prose))

    @property
    def rows(self) -> list[str]:
        """The rows of its tables."""
        return [line for line in self.prose.splitlines() if line.startswith("|")]


def sections(page: Page) -> list[Section]:
    """Cut a page at its headings; the line below the title that leads to the other language is left out."""
    text = SWITCH.sub("", page.text, count=1)
    hidden = FENCE.sub(lambda block: re.sub("^#", "\0", block[0], flags=re.MULTILINE), text)
    found = list(HEADING.finditer(hidden))
    ends = [*(each.start() for each in found[1:]), len(hidden)]
    return [
        Section(len(each[1]), each[2], hidden[each.end() : end].replace("\0", "#"))
        for each, end in zip(found, ends, strict=True)
    ]


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text, written without separators; those in code and in addresses are not looked at."""
    plain = LINK.sub("", CODE.sub("", FENCE.sub("", text)))
    return Counter(SEPARATOR.sub("", found) for found in NUMBER.findall(plain))


def differences(english: Page, chinese: Page, known: Iterable[Page]) -> list[str]:
    """Return what one of the two pages says and the other does not, a sentence each.

    Args:
        english: the page.
        chinese: its twin.
        known: every page that the two may lead to, themselves included.
    """
    places = Places(english.path, {each.path: each for each in known})
    ours, theirs = sections(english), sections(chinese)
    outlines = [[(each.level, each.title) for each in page] for page in (ours, theirs)]
    if [level for level, _ in outlines[0]] != [level for level, _ in outlines[1]]:
        return [f"the headings differ: {_outline(outlines[0])} beside {_outline(outlines[1])}"]
    found = _heads(english, chinese)
    for mine, yours in zip(ours, theirs, strict=True):
        place = f"“{mine.title}” / “{yours.title}”"
        problems = [*_blocks(mine, yours), *_words(mine, yours), *_tables(mine, yours), *_links(mine, yours, places)]
        found += [f"{place}: {problem}" for problem in problems]
    return found


def _outline(headings: list[tuple[int, str]]) -> str:
    return ", ".join(f"{'#' * level} {title}" for level, title in headings)


def _heads(english: Page, chinese: Page) -> list[str]:
    heads = ((english, f"[中文]({chinese.path.name})"), (chinese, f"[English]({english.path.name})"))
    return [f"below the title of {page.path} {link} is missing" for page, link in heads if link not in _top(page)]


def _top(page: Page) -> list[str]:
    return page.text.splitlines()[:3]


def _blocks(mine: Section, yours: Section) -> list[str]:
    pair = [list(FENCE.finditer(each.text)) for each in (mine, yours)]
    if len(pair[0]) != len(pair[1]):
        return [f"{len(pair[0])} code blocks in English, {len(pair[1])} in Chinese"]
    return [
        f"code block {number} differs by more than its comments:\n{ours['body']}"
        for number, (ours, theirs) in enumerate(zip(*pair, strict=True), start=1)
        if ours["head"] != theirs["head"] or not _is_same_code(ours, theirs)
    ]


def _is_same_code(ours: re.Match[str], theirs: re.Match[str]) -> bool:
    if ours["head"] in SPOKEN and HAN.search(theirs["body"]):
        return True
    return COMMENT.sub("", ours["body"]) == COMMENT.sub("", theirs["body"])


def _words(mine: Section, yours: Section) -> list[str]:
    lacking = [f"`{code}` stands only in English" for code in sorted(mine.codes - yours.codes)]
    lacking += [f"`{code}` stands only in Chinese" for code in sorted(yours.codes - mine.codes)]
    # A Chinese sentence may write in digits what the English one spells out, never the other way round.
    return lacking + [
        f"{number} stands only in English" for number in numbers(mine.text) if not numbers(yours.text)[number]
    ]


def _tables(mine: Section, yours: Section) -> list[str]:
    if len(mine.rows) != len(yours.rows):
        return [f"{len(mine.rows)} rows of tables in English, {len(yours.rows)} in Chinese"]
    return [
        f"a row of a table differs in its numbers: {theirs}"
        for ours, theirs in zip(mine.rows, yours.rows, strict=True)
        if numbers(ours) - numbers(theirs) or ours.count("|") != theirs.count("|")
    ]


def _links(mine: Section, yours: Section, places: "Places") -> list[str]:
    english, chinese = (Counter(map(places.meaning, each.links)) for each in (mine, yours))
    lacking = [f"only English leads to {place}" for place in english - chinese]
    lacking += [f"only Chinese leads to {place}" for place in chinese - english]
    return lacking + [f"{link} leads to English: lead to its twin" for link in yours.links if places.has_twin(link)]


@dataclass(frozen=True, slots=True)
class Places:
    """What links of a page and of its twin mean."""

    english: Path
    known: dict[Path, Page]

    def meaning(self, link: str) -> str:
        """Say where a link leads, whatever the language: the English page, and which of its headings."""
        if re.match(r"[a-z]+:", link):
            return link
        path = self._path(link)
        name = path.with_name(path.name.replace(ENDING, ".md")).as_posix()
        fragment = link.partition("#")[2]
        return f"{name}, heading {self._heading(path, fragment)}" if fragment else name

    def has_twin(self, link: str) -> bool:
        """Whether a link of the Chinese page leads to an English page that exists in Chinese as well."""
        path = self._path(link)
        is_english = path.suffix == ".md" and not path.name.endswith(ENDING) and "#" not in link[:1]
        return is_english and path.with_name(path.stem + ENDING) in self.known

    def _path(self, link: str) -> Path:
        target = link.partition("#")[0]
        return Path(posixpath.normpath((self.english.parent / target).as_posix())) if target else self.english

    def _heading(self, path: Path, fragment: str) -> int | str:
        """Return the number of the heading on its page, of a fragment alone on either page of the two."""
        both = (path, path.with_name(path.stem + ENDING))
        for page in [self.known[each] for each in both if each in self.known]:
            for number, (_, title) in enumerate(page.headings, start=1):
                if anchor(title) == fragment:
                    return number
        return fragment
