"""Help and refusals of the parser in the language of the command; imported when shown, for it brings rich with it."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from rich.columns import Columns
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from typer import TyperException, rich_utils

from millstream.language import Language, Words


class FoldingTable(Table):
    """A table that breaks what is too long for a column: Chinese has no blanks to break at, and would be cut off."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        """Add a row; columns come into being with the first."""
        super().add_row(*cells, **more)
        _fold(self)


class FoldingColumns(Columns):
    """The same for the parts of one cell."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay the parts out, as a table."""
        for piece in super().__rich_console__(console, options):
            if isinstance(piece, Table):
                _fold(piece)
            yield piece


def _fold(table: Table) -> None:
    for column in table.columns:
        column.overflow = "fold"


def translate(text: Words) -> None:
    """Give the library's own words the language of the command."""
    rich_utils.OPTIONS_PANEL_TITLE = text("cli.options")
    rich_utils.ARGUMENTS_PANEL_TITLE = text("cli.arguments")
    rich_utils.COMMANDS_PANEL_TITLE = text("cli.commands")
    rich_utils.ERRORS_PANEL_TITLE = text("cli.error")
    rich_utils.REQUIRED_LONG_STRING = text("cli.required")
    rich_utils.DEFAULT_STRING = text("cli.default")
    rich_utils.RICH_HELP = text("cli.try_help")
    # The library offers no way to choose how its tables break.
    rich_utils.__dict__.update(Table=FoldingTable, Columns=FoldingColumns)


def refuse(text: Words, error: TyperException) -> int:
    """Say what is wrong with a command line; the answer is the exit code."""
    translate(text)
    refusal: Any = error
    if text.language is Language.ZH:
        said = in_chinese(refusal.format_message())
        refusal.format_message = lambda: said
    rich_utils.rich_format_error(refusal)
    return int(refusal.exit_code)


def in_chinese(english: str) -> str:
    """What the parser says, in Chinese; as it is where nobody has written it."""
    for pattern, chinese in sayings():
        if found := pattern.fullmatch(english):
            groups = found.groupdict()
            return chinese.format(**groups | {"why": in_chinese(groups["why"])} if "why" in groups else groups)
    return english


@cache
def sayings() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of English words with the Chinese ones, in the order in which they are tried."""
    text = files("millstream").joinpath("texts", "usage.toml").read_text(encoding="utf-8")
    return tuple((re.compile(each["en"]), each["zh"]) for each in tomllib.loads(text)["said"])
