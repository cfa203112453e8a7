"""`millstream cloud journal`: is the journal of alarms what was written? Exit codes 0 yes, 1 no, 2 bad usage."""

import asyncio
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from millstream.cli import guarded
from millstream.language import Words

if TYPE_CHECKING:
    from cloud_api.alarms.journal.chain import End
    from cloud_api.alarms.journal.verification import Verification

DONE, NO, USAGE = 0, 1, 2
SHOWN = 50

_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)


def add_journal(app: typer.Typer, text: Words) -> None:
    """Add verify to `cloud journal`."""

    @app.command("verify", help=text("journal.verify"))
    def verify(
        anchor: Annotated[str | None, typer.Option(help=text("journal.anchor"))] = None,
        as_json: Annotated[bool, typer.Option("--json", help=text("cloud.json"))] = False,
    ) -> None:
        raise typer.Exit(guarded(text, "cloud journal verify", "cloud", lambda: _verify(text, anchor, as_json=as_json)))


def _verify(text: Words, anchor_text: str | None, *, as_json: bool) -> int:
    from cloud_api.alarms.journal.chain import End
    from cloud_api.alarms.journal.verification import verify_database
    from cloud_api.settings import SettingsInvalid, read_database_url
    from cloud_api.storage.failures import UNAVAILABLE
    from cloud_api.storage.migrate import SchemaOutdated

    match = None if anchor_text is None else _ANCHOR.fullmatch(anchor_text)
    if anchor_text is not None and match is None:
        print(text("journal.anchor_invalid", value=anchor_text), file=sys.stderr)
        return USAGE
    anchor = None if match is None else End(int(match[1]), bytes.fromhex(match[2]))
    try:
        verification = asyncio.run(verify_database(read_database_url(os.environ), anchor))
    except SettingsInvalid as invalid:
        print("\n".join(str(problem) for problem in invalid.problems), file=sys.stderr)
        return USAGE
    except SchemaOutdated as error:
        print(error, file=sys.stderr)
        return NO
    except UNAVAILABLE as error:
        print(text("journal.unreachable", why=" ".join(str(error).split())), file=sys.stderr)
        return NO
    _print(text, verification, as_json=as_json)
    return NO if verification.findings else DONE


def _print(text: Words, verification: "Verification", *, as_json: bool) -> None:
    end, findings = verification.end, verification.findings
    if as_json:
        shown = [
            {"kind": each.kind.value, "number": each.number, "alarm_id": each.alarm_id and str(each.alarm_id)}
            for each in findings
        ]
        content = {"number": end.number, "hash": end.hash.hex(), "unsealed": verification.unsealed, "findings": shown}
        print(json.dumps(content))
        return
    for each in findings[:SHOWN]:
        print(text(f"journal.{each.kind.value}", number=each.number, alarm=each.alarm_id or "-"))
    if len(findings) > SHOWN:
        print(text("journal.more", count=len(findings) - SHOWN))
    verdict = "journal.broken" if findings else "journal.whole"
    print(text(verdict, count=end.number, places=len(findings)))
    if verification.unsealed_since is not None:
        since = verification.unsealed_since.isoformat(timespec="seconds")
        print(text("journal.unsealed", count=verification.unsealed, since=since))
    print(text("journal.end", end=_show_end(end)))


def _show_end(end: "End") -> str:
    return f"{end.number}:{end.hash.hex()}"
