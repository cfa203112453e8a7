"""`millstream cloud audit`: is the audit what was written; the audit as a file. Exit codes 0 yes, 1 no, 2 bad usage."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated

import typer

from millstream.chains import NO, USAGE, asked, read_anchor, show_verification
from millstream.language import Words
from millstream.starting import guarded

DONE = 0


def add_audit(app: typer.Typer, text: Words) -> None:
    """Add verify and export to `cloud audit`."""
    _add_verify(app, text)
    _add_export(app, text)


def _add_verify(app: typer.Typer, text: Words) -> None:
    @app.command("verify", help=text("audit.verify"))
    def verify(
        anchor: Annotated[str | None, typer.Option(help=text("audit.anchor"))] = None,
        file: Annotated[Path | None, typer.Option(help=text("audit.file"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        raise typer.Exit(
            guarded(text, "cloud audit verify", "cloud", lambda: _verify(text, anchor, file, as_json=as_json))
        )


def _verify(text: Words, anchor_text: str | None, file: Path | None, *, as_json: bool) -> int:
    from cloud_api.audit.exporting import FileUnreadable, verify_lines
    from cloud_api.audit.verification import verify_audit_of_database

    try:
        anchor = read_anchor(anchor_text if anchor_text is not None else _noted_down())
    except (OSError, ValueError) as error:
        print(text("audit.anchor_invalid", value=anchor_text or str(error)), file=sys.stderr)
        return USAGE
    if file is None:
        code, found = asked(text, lambda url: verify_audit_of_database(url, anchor))
        return code if found is None else show_verification(text, "audit", found, as_json=as_json)
    try:
        with file.open("rb") as lines:
            found = verify_lines(lines, anchor)
    except (OSError, FileUnreadable) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return USAGE
    return show_verification(text, "audit", found, as_json=as_json)


def _noted_down() -> str | None:
    """The last end of the chain in the file of the settings; none where there is no file yet."""
    file = os.environ.get("MILLSTREAM_AUDIT_ANCHOR_FILE", "").strip()
    if not file or not Path(file).exists():
        return None
    lines = Path(file).read_text(encoding="ascii").split("\n")
    words = [words for line in lines if (words := line.split())]
    return words[-1][-1] if words else None


def _add_export(app: typer.Typer, text: Words) -> None:
    @app.command("export", help=text("audit.export"))
    def export(
        output: Annotated[Path | None, typer.Argument(metavar="FILE", help=text("audit.output"))] = None,
        form: Annotated[str | None, typer.Option("--format", metavar="jsonl|csv", help=text("audit.form"))] = None,
        from_: Annotated[str | None, typer.Option("--from", help=text("audit.from"))] = None,
        to: Annotated[str | None, typer.Option("--to", help=text("audit.to"))] = None,
    ) -> None:
        window = (from_, to)
        raise typer.Exit(guarded(text, "cloud audit export", "cloud", lambda: _export(text, output, form, window)))


def _export(text: Words, output: Path | None, form: str | None, window: tuple[str | None, str | None]) -> int:
    from cloud_api.audit.exporting import ExportForm, export_audit

    chosen = form or ("csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl")
    if chosen not in list(ExportForm):
        print(text("audit.form_unknown", value=chosen), file=sys.stderr)
        return USAGE
    try:
        from_at, to_at = (None if each is None else _instant(each) for each in window)
    except ValueError:
        print(text("audit.instant_invalid"), file=sys.stderr)
        return USAGE

    def begin(url: str) -> AsyncGenerator[bytes]:
        return export_audit(url, ExportForm(chosen), (from_at, to_at), _who())

    try:
        if output is None:
            return asked(text, lambda url: _copy(begin(url), sys.stdout.buffer))[0]
        with output.open("wb") as file:
            return asked(text, lambda url: _copy(begin(url), file))[0]
    except OSError as error:
        print(f"{output}: {error.strerror or error}", file=sys.stderr)
        return NO


def _instant(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(value)
    return at


def _who() -> str:
    import getpass

    return f"command:{getpass.getuser()}"


async def _copy(parts: AsyncGenerator[bytes], target: IO[bytes]) -> None:
    async for part in parts:
        await asyncio.to_thread(target.write, part)
