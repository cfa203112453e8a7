"""What the documentation says exists: links, anchors, make targets, commands; both languages say the same."""

import contextlib
import io
import itertools
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from millstream.cli import main
from tests.contracts import twins
from tests.contracts.markdown import CODE, Page, pages
from tests.contracts.tree import PACKAGES, ROOT, files, text

MAKE_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
CODE_SUFFIXES = {".py", ".sh", ".yaml", ".yml", ".service", ".env"}
REPOSITORY_PATH = re.compile(
    r"(?:schemas|connectors|edge_agent|cloud_api|millstream|tests|docs|deploy|ingest|storage)/[\w./-]+|[a-z_]+\.(?:py|sql)"
)
# A topic.
NO_PATHS = {"millstream/v1"}
VARIABLE = re.compile(r"\bMILLSTREAM_[A-Z0-9_]+\b")


def page(name: str) -> Page:
    (found,) = [page for page in pages() if page.path == Path(name)]
    return found


def test_links_lead_somewhere() -> None:
    broken: list[str] = []
    known = {str(page.path): page for page in pages()}
    tracked = {str(path) for path in files()} | {str(parent) for path in files() for parent in path.parents}
    for source in pages():
        for link in source.links:
            if re.match(r"[a-z]+:", link):
                continue
            target, _, fragment = link.partition("#")
            resolved = (
                str((ROOT / source.path.parent / target).resolve().relative_to(ROOT)) if target else str(source.path)
            )
            if resolved not in tracked or (fragment and resolved in known and fragment not in known[resolved].anchors):
                broken.append(f"{source.path}: {link}")
    assert not broken


def test_make_targets_exist() -> None:
    targets = set(MAKE_TARGET.findall(text("Makefile")))
    unknown = [
        f"{source.path}: {command}"
        for source in pages()
        for command in source.commands
        if command.startswith("make ")
        for word in shlex.split(command, comments=True)[1:2]
        if "=" not in word and word not in targets
    ]
    assert not unknown


def test_commands_and_options_exist() -> None:
    unknown = [
        f"{source.path}: {command}: {problem}"
        for source in pages()
        for command in source.commands
        if "millstream " in command and not command.startswith("make")
        for problem in problems(command)
    ]
    assert not unknown


def problems(command: str) -> list[str]:
    """Return what of a command line the program does not know, asked by its own --help."""
    words = shlex.split(re.split(r"millstream ", command, maxsplit=1)[1].split(" | ")[0].split("&")[0], comments=True)
    if any(re.search(r"[|…<\[]", word) for word in words):
        return []
    leading = list(itertools.takewhile(lambda word: not word.startswith("-"), words))
    code, shown = help_of(tuple(leading))
    if code:
        return [f"no command {' '.join(leading)}"]
    used = {word.partition("=")[0] for word in words if word.startswith("-")}
    return [f"no option {option}" for option in used if not re.search(rf"(?<![\w-]){option}(?![\w-])", shown)]


@cache
def help_of(words: tuple[str, ...]) -> tuple[int, str]:
    """Return exit code and text of a sub-command's help."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        code = main(["--lang", "en", *words, "--help"])
    return code, shown.getvalue()


def test_environment_variables_are_read_somewhere() -> None:
    code = "\n".join(text(path) for path in files() if path.suffix in CODE_SUFFIXES or path.name in {"Makefile", "run"})
    # Settings are often read by the part behind the prefix.
    spelled = set(VARIABLE.findall(code)) | {f"MILLSTREAM_{word}" for word in re.findall(r"\b[A-Z][A-Z0-9_]+\b", code)}
    spelled |= {f"MILLSTREAM_{word.upper()}" for word in re.findall(r'"([a-z][a-z0-9_]+)"', code)}
    unknown = {f"{page.path}: {name}" for page in pages() for name in set(VARIABLE.findall(page.text)) - spelled}
    assert not unknown


TWINS = sorted(each.path.as_posix() for each in pages() if each.path.name.endswith(twins.ENDING))


@pytest.mark.parametrize("chinese", TWINS)
def test_both_languages_say_the_same(chinese: str) -> None:
    english = chinese.replace(twins.ENDING, ".md")
    found = twins.differences(page(english), page(chinese), pages())
    said = "\n".join(f"- {each}" for each in found)
    assert not found, f"{english} and {chinese} have to say the same; change both in one commit:\n{said}"


@pytest.mark.parametrize("chinese", TWINS)
def test_chinese_pages_are_chinese(chinese: str) -> None:
    prose = page(chinese).prose
    assert len(twins.HAN.findall(prose)) > max(300, len(prose) / 8)


def test_decision_records_are_numbered_once_and_say_what_enforces_them() -> None:
    records = [source for source in pages() if source.path.parent.as_posix() == "docs/decisions"]
    numbers = [source.path.name[:4] for source in records]
    assert len(set(numbers)) == len(numbers)
    assert not [str(source.path) for source in records if not re.match(r"\d{4}-[a-z0-9-]+\.md$", source.path.name)]
    assert not [str(source.path) for source in records if "enforces" not in source.text.lower()]


def test_paths_in_the_documentation_exist() -> None:
    named = [(page, code) for page in pages() for code in CODE.findall(page.prose) if REPOSITORY_PATH.fullmatch(code)]
    assert named
    missing = [f"{page.path}: {code}" for page, code in named if not exists(code) and code not in NO_PATHS]
    assert not missing


def exists(code: str) -> bool:
    """Whether a path is there: from the root, or inside one package as the text around it says."""
    places = (ROOT, *(ROOT / package for package in PACKAGES), *ROOT.glob("cloud_api/*/"), *ROOT.glob("connectors/*/"))
    return any((place / code).exists() for place in places)
