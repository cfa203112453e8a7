"""`millstream cloud journal`: is the journal of alarms what was written? Exit codes 0 yes, 1 no, 2 bad usage."""

import sys
from typing import Annotated

import typer

from millstream.chains import USAGE, asked, read_anchor, show_verification
from millstream.language import Words
from millstream.starting import guarded


def add_journal(app: typer.Typer, text: Words) -> None:
    """Add verify to `cloud journal`."""

    @app.command("verify", help=text("journal.verify"))
    def verify(
        anchor: Annotated[str | None, typer.Option(help=text("journal.anchor"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        raise typer.Exit(guarded(text, "cloud journal verify", "cloud", lambda: _verify(text, anchor, as_json=as_json)))


def _verify(text: Words, anchor_text: str | None, *, as_json: bool) -> int:
    from cloud_api.alarms.journal.sealing import JOURNAL_TABLE
    from cloud_api.sealing.verification import verify_database

    try:
        anchor = read_anchor(anchor_text)
    except ValueError:
        print(text("journal.anchor_invalid", value=anchor_text), file=sys.stderr)
        return USAGE
    code, found = asked(text, lambda url: verify_database(url, JOURNAL_TABLE, anchor))
    return code if found is None else show_verification(text, "journal", found, as_json=as_json)
