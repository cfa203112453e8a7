"""Headings, links and commands of the Markdown files."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.contracts.tree import files, text

FENCE = re.compile(r"^(```|~~~)(?P<head>[^\n]*)\n(?P<body>.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#{1,6}) +(.+?)\s*$", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
CODE = re.compile(r"`([^`\n]+)`")
SHELL = {"", "sh", "bash", "shell", "console", "text"}


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file."""

    path: Path
    text: str

    @property
    def prose(self) -> str:
        """The text without code blocks."""
        return FENCE.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each heading."""
        return [(len(marks), title) for marks, title in HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What may stand behind # in a link to this page."""
        return {anchor(title) for _, title in self.headings}

    @property
    def links(self) -> list[str]:
        """Targets of the links."""
        return LINK.findall(CODE.sub("", self.prose))

    @property
    def commands(self) -> list[str]:
        """Lines of shell blocks and inline code that start with make or millstream."""
        lines = [
            line.strip().removeprefix("$ ")
            for block in FENCE.finditer(self.text)
            if block["head"].split(" ")[0] in SHELL
            for line in block["body"].splitlines()
        ]
        lines += CODE.findall(self.prose)
        return [line for line in lines if re.match(r"(\.venv/bin/|[\w.]*/)?(make|millstream) \w", line)]


@cache
def pages() -> tuple[Page, ...]:
    """Return every Markdown file of the repository."""
    return tuple(Page(path, text(path)) for path in files() if path.suffix == ".md")


def anchor(title: str) -> str:
    """Return the anchor that renderers make of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
