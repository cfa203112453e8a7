"""What the commands on chains share: anchors in, verdicts out, a question to the database with what may go wrong."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from millstream.language import Words

if TYPE_CHECKING:
    from cloud_api.sealing.chain import End
    from cloud_api.sealing.verification import Verification

DONE, NO, USAGE = 0, 1, 2
SHOWN = 50

_ANCHOR = re.compile(r"(\d{1,18}):([0-9a-f]{64})", re.ASCII)

Answer = TypeVar("Answer")


def read_anchor(given: str | None) -> "End | None":
    """Read NUMBER:HASH; ValueError when it is not one."""
    from cloud_api.sealing.chain import End

    if given is None:
        return None
    match = _ANCHOR.fullmatch(given)
    if match is None:
        raise ValueError(given)
    return End(int(match[1]), bytes.fromhex(match[2]))


def asked(text: Words, question: Callable[[str], Coroutine[Any, Any, Answer]]) -> tuple[int, Answer | None]:
    """Ask the database of the settings: exit code and answer; what went wrong is said."""
    from cloud_api import origin
    from cloud_api.settings import SettingsInvalid, read_database_url
    from cloud_api.storage.failures import UNAVAILABLE
    from cloud_api.storage.migrate import SchemaOutdated

    origin.begin(origin.of_command())
    try:
        return DONE, asyncio.run(question(read_database_url(os.environ)))
    except SettingsInvalid as invalid:
        print("\n".join(str(problem) for problem in invalid.problems), file=sys.stderr)
        return USAGE, None
    except SchemaOutdated as error:
        print(error, file=sys.stderr)
        return NO, None
    except UNAVAILABLE as error:
        print(text("journal.unreachable", why=" ".join(str(error).split())), file=sys.stderr)
        return NO, None


def show_verification(text: Words, chain: str, found: "Verification", *, as_json: bool) -> int:
    """Print the verdict on a chain in the words of `chain` (journal, audit); its exit code."""
    end, findings = found.end, found.findings
    if as_json:
        print(json.dumps(_json(chain, found)))
        return NO if findings else DONE
    for each in findings[:SHOWN]:
        print(text(f"{chain}.{each.kind.value}", number=each.number, subject=each.subject or "-"))
    if len(findings) > SHOWN:
        print(text("journal.more", count=len(findings) - SHOWN))
    count = end.number - found.start.number
    print(text(f"{chain}.{'broken' if findings else 'whole'}", count=count, places=len(findings)))
    if found.start.number:
        print(text("journal.start", number=found.start.number + 1))
    if found.unsealed_since is not None:
        since = found.unsealed_since.isoformat(timespec="seconds")
        print(text("journal.unsealed", count=found.unsealed, since=since))
    print(text("journal.end", end=f"{end.number}:{end.hash.hex()}"))
    return NO if findings else DONE


def _json(chain: str, found: "Verification") -> dict[str, Any]:
    subject = {"journal": "alarm_id", "audit": "action"}[chain]
    findings = [
        {"kind": each.kind.value, "number": each.number, subject: each.subject and str(each.subject)}
        for each in found.findings
    ]
    return {
        "start": found.start.number + 1,
        "number": found.end.number,
        "hash": found.end.hash.hex(),
        "unsealed": found.unsealed,
        "findings": findings,
    }
