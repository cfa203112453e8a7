"""`millstream cloud alarms`: definitions as files. Exit codes 0 done or no difference, 1 no, 2 a file is refused."""

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from millstream.language import Words
from millstream.starting import guarded

if TYPE_CHECKING:
    from cloud_api.alarms.definitions.models import Definition
    from cloud_api.alarms.definitions.service import Difference

DONE, NO, USAGE = 0, 1, 2

Answer = TypeVar("Answer")


class _Refused(Exception):
    """The command cannot go on; `code` is its exit code."""

    def __init__(self, code: int, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.code = code


def add_alarms(app: typer.Typer, text: Words) -> None:
    """Add apply, diff and export to `cloud alarms`."""
    _add_apply(app, text)
    _add_diff(app, text)
    _add_export(app, text)


def _add_apply(app: typer.Typer, text: Words) -> None:
    @app.command("apply", help=text("alarms.apply"))
    def apply(
        files: Annotated[list[Path], typer.Argument(metavar="FILE", help=text("alarms.file"))],
        is_dry: Annotated[bool, typer.Option("--dry-run", help=text("alarms.dry_run"))] = False,
        is_pruning: Annotated[bool, typer.Option("--prune", help=text("alarms.prune"))] = False,
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        def apply() -> int:
            difference = _compared(text, files, is_pruning=is_pruning, is_dry=is_dry)
            _print(text, difference, as_json=as_json, is_dry=is_dry)
            return DONE

        raise typer.Exit(guarded(text, "cloud alarms apply", "cloud", lambda: _told(apply)))


def _add_diff(app: typer.Typer, text: Words) -> None:
    @app.command("diff", help=text("alarms.diff"))
    def diff(
        files: Annotated[list[Path], typer.Argument(metavar="FILE", help=text("alarms.file"))],
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        def diff() -> int:
            difference = _compared(text, files, is_pruning=True, is_dry=True)
            _print(text, difference, as_json=as_json, is_dry=True)
            return DONE if difference.is_empty else NO

        raise typer.Exit(guarded(text, "cloud alarms diff", "cloud", lambda: _told(diff)))


def _add_export(app: typer.Typer, text: Words) -> None:
    @app.command("export", help=text("alarms.export"))
    def export(
        output: Annotated[Path | None, typer.Argument(metavar="FILE", help=text("alarms.output"))] = None,
        form: Annotated[str | None, typer.Option("--format", metavar="toml|csv", help=text("alarms.form"))] = None,
    ) -> None:
        def export() -> int:
            return _export(text, output, form)

        raise typer.Exit(guarded(text, "cloud alarms export", "cloud", lambda: _told(export)))


def _told(command: Callable[[], int]) -> int:
    """Run a command and say why it was refused, if it was."""
    try:
        return command()
    except _Refused as refused:
        print(refused, file=sys.stderr)
        return refused.code


def _compared(text: Words, files: list[Path], *, is_pruning: bool, is_dry: bool) -> "Difference":
    from cloud_api.alarms.definitions.database import apply_to_database

    definitions = _definitions(text, files)
    return _ask(text, lambda url: apply_to_database(url, definitions, _who(), is_pruning=is_pruning, is_dry=is_dry))


def _definitions(text: Words, files: list[Path]) -> "list[Definition]":
    """Read and check the files; everything that is wrong with them is said at once."""
    from cloud_api.alarms.definitions.checking import read_definitions
    from cloud_api.alarms.definitions.files import FileUnreadable, read_csv, read_toml

    lines: list[str] = []
    documents: list[dict[str, Any]] = []
    for file in files:
        try:
            content = file.read_text(encoding="utf-8")
            documents += (read_csv if file.suffix.lower() == ".csv" else read_toml)(content)
        except (OSError, UnicodeDecodeError, FileUnreadable) as error:
            lines.append(f"{file}: {error}")
    found, problems = read_definitions(documents)
    for problem in problems:
        shown = "" if problem.value is None else f" = {problem.value!r}"
        allowed = "" if problem.allowed is None else text("alarms.allowed", allowed=problem.allowed)
        lines.append(f"{problem.field}{shown}: {problem.detail}{allowed}")
    if lines:
        raise _Refused(USAGE, *lines)
    return found


def _export(text: Words, output: Path | None, form: str | None) -> int:
    from cloud_api.alarms.definitions.database import documents_of_database
    from cloud_api.alarms.definitions.files import write_csv, write_toml

    chosen = form or ("csv" if output is not None and output.suffix.lower() == ".csv" else "toml")
    if chosen not in {"toml", "csv"}:
        raise _Refused(USAGE, text("alarms.form_unknown", value=chosen))
    documents = _ask(text, lambda url: documents_of_database(url, _who()))
    content = write_csv(documents) if chosen == "csv" else write_toml(documents)
    if output is None:
        sys.stdout.write(content)
        return DONE
    try:
        output.write_text(content, encoding="utf-8", newline="")
    except OSError as error:
        raise _Refused(NO, f"{output}: {error.strerror or error}") from error
    return DONE


def _who() -> str:
    return f"command:{getpass.getuser()}"


def _ask(text: Words, question: Callable[[str], Coroutine[Any, Any, Answer]]) -> Answer:
    from cloud_api import origin
    from cloud_api.environment import SettingsInvalid
    from cloud_api.settings import read_database_url
    from cloud_api.storage.failures import UNAVAILABLE
    from cloud_api.storage.migrate import SchemaOutdated

    origin.begin(origin.of_command())
    try:
        return asyncio.run(question(read_database_url(os.environ)))
    except SettingsInvalid as invalid:
        raise _Refused(USAGE, *(str(problem) for problem in invalid.problems)) from invalid
    except SchemaOutdated as error:
        raise _Refused(NO, str(error)) from error
    except UNAVAILABLE as error:
        raise _Refused(NO, text("alarms.unreachable", why=" ".join(str(error).split()))) from error


def _print(text: Words, difference: "Difference", *, as_json: bool, is_dry: bool) -> None:
    if as_json:
        content = {
            "created": difference.created,
            "changed": difference.changed,
            "deleted": difference.deleted,
            "unchanged": difference.unchanged,
        }
        print(json.dumps(content, ensure_ascii=False))
        return
    for name in difference.created:
        print(f"+ {name}")
    for name, members in difference.changed.items():
        print(f"~ {name}")
        for member, (old, new) in members.items():
            print(f"    {member}: {_shown(old)} -> {_shown(new)}")
    for name in difference.deleted:
        print(f"- {name}")
    counts = {
        "created": len(difference.created),
        "changed": len(difference.changed),
        "deleted": len(difference.deleted),
        "unchanged": difference.unchanged,
    }
    print(text("alarms.would" if is_dry else "alarms.did", **counts))


def _shown(value: object) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
