"""`millstream cloud rollups`: how far they are, make them anew, compare them with raw; each returns the exit code."""

import asyncio
import json
import math
import os
import random
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from cloud_api import origin
from cloud_api.environment import SettingsInvalid
from cloud_api.globs import parse_glob
from cloud_api.instants import parse_instant
from cloud_api.problems import Problem, body_invalid
from cloud_api.rollups.rebuild import Rebuild, mark_again
from cloud_api.rollups.roller import LEASE, Roller
from cloud_api.rollups.verify import Difference, Verified, verify_random
from cloud_api.settings import read_database_url
from cloud_api.storage.disk import select_disk_forecast
from cloud_api.storage.failures import UNAVAILABLE
from cloud_api.storage.instants import at_us
from cloud_api.storage.lease import select_lease_owner
from cloud_api.storage.migrate import SchemaOutdated, check_schema
from cloud_api.storage.pool import Pool, open_pool
from cloud_api.storage.rollup_marks import multirange, select_unrolled
from cloud_api.storage.rollup_progress import select_backlog, select_rollup_progress, update_quarters_due
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollup_writes import Untold, select_untold
from cloud_api.telemetry import Telemetry

DONE, NO, USAGE = 0, 1, 2
SHOWN_DIFFERENCES = 50
POLL_S = 0.5


class Say(Protocol):
    """The texts of the reader's language, by name."""

    def __call__(self, key: str, **places: object) -> str:
        """The text with its places filled."""
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """Which series, and from when to when (RFC 3339; None: everything)."""

    path: str
    from_: str | None
    to: str | None


def status(say: Say, *, as_json: bool = False) -> int:
    """Print how far rollups are."""

    async def show(pool: Pool) -> int:
        async with pool.connection() as connection:
            progress = await select_rollup_progress(connection)
            backlog = await select_backlog(connection)
            owner = await select_lease_owner(connection, LEASE)
            disk = await select_disk_forecast(connection)
            untold = await select_untold(connection)
        found = {"progress": asdict(progress), "backlog": asdict(backlog), "owner": owner, "untold": asdict(untold)}
        found["disk"] = None if disk is None else asdict(disk)
        if as_json:
            print(json.dumps(found, default=_plain))
            return DONE
        now = datetime.now(UTC)
        never, all_of_it = say("rollups.never"), say("rollups.everything")
        places = {
            "marked": _shown(progress.marked_at, never),
            "lag": 0 if progress.marked_at is None else round((now - progress.marked_at).total_seconds()),
            "marks": backlog.mark_count - backlog.open_count,
            "series": backlog.series_count,
            "oldest": _shown(backlog.oldest_from_at, "-"),
            "open": backlog.open_count,
            "raw": _shown(progress.raw_kept_at, all_of_it),
            "minutes": _shown(progress.rollup_1m_kept_at, all_of_it),
            "quarters": _shown(progress.rollup_15m_kept_at, all_of_it),
            "owner": (owner or say("rollups.nobody")).partition("|")[0],
        }
        for line in ("closed", "backlog", "open", "kept", "owner"):
            print(say(f"rollups.status_{line}", **places))
        if disk is not None:
            days = "-" if disk.days_to_full is None else f"{disk.days_to_full:.0f}"
            size = f"{disk.database_bytes / 2**20:.0f} MiB"
            free = "-" if disk.free_bytes is None else f"{disk.free_bytes / 2**30:.1f} GiB"
            print(say("rollups.status_disk", size=size, free=free, days=days))
        _print_untold(say, untold)
        return DONE

    return _with_database(say, show)


def rebuild(say: Say, window: Window, *, is_waiting: bool = True) -> int:
    """Mark series to be rolled anew, and wait until that is done; works itself where no process has the role."""

    async def run(pool: Pool) -> int:
        wanted = _window(window)
        async with pool.connection() as connection:
            made = await mark_again(connection, parse_glob(window.path), wanted)
        if made is None:
            print(say("rollups.nothing_closed"))
            return NO
        print(say("rollups.marked", series=len(made.series_ids), path=window.path))
        if is_waiting and made.series_ids:
            await _wait(pool, say, made)
        return DONE

    return _with_database(say, run)


def verify(say: Say, window: Window, count: int, seed: int | None, *, as_json: bool = False) -> int:
    """Recompute a random sample from raw; exit code 1 when anything differs."""

    async def run(pool: Pool) -> int:
        chance = random.Random(seed)  # noqa: S311 # no secret
        async with pool.connection() as connection:
            verified = await verify_random(connection, parse_glob(window.path), _window(window), count, chance)
            untold = await select_untold(connection)
        if as_json:
            shown = {"rows": verified.rows, "waiting_minutes": verified.waiting_minutes}
            differences = [
                {name: _number(cell) for name, cell in asdict(each).items()} for each in verified.differences
            ]
            print(json.dumps(shown | {"differences": differences}, default=_plain))
        else:
            _print_verified(say, verified)
            _print_untold(say, untold)
        return NO if verified.differences else DONE

    return _with_database(say, run)


def _print_untold(say: Say, untold: Untold) -> None:
    if untold.stretches:
        print(say("rollups.status_untold", last=_shown(untold.last_at, "-")))


def _print_verified(say: Say, verified: Verified) -> None:
    for each in verified.differences[:SHOWN_DIFFERENCES]:
        print(say("rollups.difference", **_difference(each)))
    if len(verified.differences) > SHOWN_DIFFERENCES:
        print(say("rollups.more", count=len(verified.differences) - SHOWN_DIFFERENCES))
    counts = {"rows": verified.rows, "differences": len(verified.differences), "waiting": verified.waiting_minutes}
    print(say("rollups.verified", **counts))


def _difference(each: Difference) -> dict[str, object]:
    reading = " (uncertain)" if each.with_uncertain else ""
    return {
        "series": each.series_id,
        "resolution": f"{each.resolution}{reading}",
        "bucket": _shown(each.bucket_at, "-"),
        "column": each.column,
        "stored": each.stored,
        "computed": each.computed,
    }


async def _wait(pool: Pool, say: Say, made: Rebuild) -> None:
    """Beside the process that has the role, or in its place where there is none."""
    is_terminal = sys.stderr.isatty()
    async with _rolling(pool):
        while True:
            async with pool.connection() as connection:
                left = await select_unrolled(connection, made.series_ids, made.from_us, made.to_us)
                if left and all(each.resolution is Resolution.QUARTER for each in left):
                    # The minutes that quarters wait for are all rolled.
                    between = at_us(made.from_us), at_us(made.to_us)
                    series = multirange(np.array(made.series_ids, np.int32))
                    await update_quarters_due(connection, series, between, datetime.now(UTC))
            if is_terminal:
                print("\r" + say("rollups.left", marks=len(left)) + "   ", end="", file=sys.stderr, flush=True)
            if not left:
                break
            await asyncio.sleep(POLL_S)
    if is_terminal:
        print(file=sys.stderr)
    print(say("rollups.rebuilt"))


@asynccontextmanager
async def _rolling(pool: Pool) -> AsyncGenerator[None]:
    task = asyncio.create_task(Roller(pool, Telemetry()).run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _with_database(say: Say, action: Callable[[Pool], Coroutine[None, None, int]]) -> int:
    async def run() -> int:
        pool = await open_pool(read_database_url(os.environ), 3)
        async with pool:
            async with pool.connection() as connection:
                await check_schema(connection)
            return await action(pool)

    origin.begin(origin.of_command())
    try:
        return asyncio.run(run())
    except SettingsInvalid as invalid:
        for problem in invalid.problems:
            print(f"millstream cloud: {problem}", file=sys.stderr)
        return USAGE
    except Problem as problem:
        allowed = f"; {problem.fields[0].allowed}" if problem.fields else ""
        print(f"millstream cloud rollups: {problem.detail}{allowed}", file=sys.stderr)
        return USAGE
    except SchemaOutdated as error:
        print(f"millstream cloud rollups: {error}", file=sys.stderr)
    except UNAVAILABLE as error:
        print(say("rollups.unreachable", reason=" ".join(str(error).split())), file=sys.stderr)
    return NO


def _window(window: Window) -> tuple[int | None, int | None]:
    first = None if window.from_ is None else parse_instant(window.from_, "--from")
    last = None if window.to is None else parse_instant(window.to, "--to")
    if first is not None and last is not None and last <= first:
        raise body_invalid("--to", window.to, "is not after --from", "an instant after --from")
    return first, last


def _shown(instant: datetime | None, otherwise: str) -> str:
    return otherwise if instant is None else f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def _number(value: object) -> object:
    """JSON has no numbers that are not finite; here they are words, as in the API."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    item = getattr(value, "item", None)
    return str(value) if item is None else item()
