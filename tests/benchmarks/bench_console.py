"""The console before real browsers, on the demonstration's own processes: from a click, or a COMMIT, to what is seen.

First page, alarm to screen, a year of a trend, and what many open consoles cost the one process that serves them all.
Debian's Chromium stands on the same cores as everything else, so its work is in each figure. For a quick look
`MILLSTREAM_BENCH_CONSOLES` opens fewer pages, and `MILLSTREAM_BENCH_ALARMS` raises fewer alarms.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import psutil
from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from cloud_api.rollups.partials import SampleBlock
from cloud_api.rollups.roll import merge_quarters, roll_minutes
from cloud_api.storage.engine import DAY_US, ROLLUP_15M, Partitions
from cloud_api.storage.instants import us_of
from cloud_api.storage.pool import open_pool
from cloud_api.storage.rollup_rows import Resolution
from cloud_api.storage.rollups import insert_rollups
from tests.acceptance.demo import Demo
from tests.benchmarks.browsing import DRAWN, LOG_IN, OVERVIEW, SEEN, chromium, painted_s
from tests.benchmarks.report import Row, table
from tests.browser.conftest import Tab, log_in
from tests.fixtures.processes import wait_until

CONSOLES = int(os.environ.get("MILLSTREAM_BENCH_CONSOLES") or "50")
ALARMS = int(os.environ.get("MILLSTREAM_BENCH_ALARMS") or "120")
LOADS = 7
# Apart by chance, so that no rhythm of ours meets one of the console's.
PAUSES_S = (0.1, 1.1)
BESIDE = 30
HOUR_MS, YEAR_MS = 3_600_000, 365 * 86_400_000
YEAR_SERIES, YEAR_STEP_US = 4, 300_000_000
SETTLE_MS = 10_000
# Fifty pages that load on two busy cores take their time, which is no figure here.
PATIENCE_MS = 180_000
ADDRESSES = (
    "/",
    "/alarms?list=open&sort=newest",
    "/trends?path=hangzhou/moulding/hall-1/imm-1/zone-*/temperature&range=15m",
    "/fleet",
    "/journal",
)


def run() -> list[Row]:
    """All figures, on one demonstration."""
    with tempfile.TemporaryDirectory(prefix="millstream-console-") as folder:
        demo = Demo(Path(folder) / "data").wait_ready()
        try:
            _fill_year(demo)
            with chromium() as browser:
                return _Bench(demo, browser).run()
        finally:
            demo.stop()


class _Bench:
    """One demonstration, one browser, one person who has logged in."""

    def __init__(self, demo: Demo, browser: Browser) -> None:
        self._demo, self._browser = demo, browser
        self._console = demo.child("--role console")
        self._raised = 0
        self._session: StorageState | None = None
        with self._context() as context:
            tab = self._tab(context)
            log_in(tab, demo.outcome["user"], demo.outcome["password"])
            self._session = context.storage_state()

    def run(self) -> list[Row]:
        """Measure, from the quietest to the loudest."""
        self._define_alarm()
        rows: list[Row] = []
        for part in (self._first_page, self._trend_of_a_year, self._alarm_to_screen, self._many):
            found = part()
            # It takes minutes: each part is said when it is known.
            print(f"… load {os.getloadavg()[0]:.1f}\n{table(found)}", file=sys.stderr, flush=True)
            rows += found
        return rows

    def _first_page(self) -> list[Row]:
        cold, warm, plain = zip(*(self._load() for _ in range(LOADS)), strict=True)
        floor = statistics.median(plain)
        return [
            Row(f"first page, nothing cached, best of {LOADS}", min(cold), "s", min(plain), None, "<= 2"),
            Row("the same, median; reference: the log-in, plain HTML", statistics.median(cold), "s", floor),
            Row("the first page again, cached, median", statistics.median(warm), "s", floor, None, "<= 2"),
        ]

    def _load(self) -> tuple[float, float, float]:
        with self._context() as context:
            page = self._tab(context).page
            url = self._demo.outcome["console"]
            cold, warm = (painted_s(page, url + "/", OVERVIEW) for _ in range(2))
            context.clear_cookies()
            return cold, warm, painted_s(page, url + "/login", LOG_IN)

    def _trend_of_a_year(self) -> list[Row]:
        with self._context() as context:
            tab = self._tab(context).open("/trends?path=bench/year/*&range=1h")
            tab.page.wait_for_function(f"window.msTrend?.model.series.length === {YEAR_SERIES} && !msTrend.isLoading")
            turns = [(_drawn_s(tab.page, "1y"), _drawn_s(tab.page, "1h")) for _ in range(LOADS)]
        year, hour = zip(*turns, strict=True)
        name = f"trend of a year, {YEAR_SERIES} series, click to pixels, best of {LOADS}"
        return [
            Row(name, min(year), "s", min(hour), None, "<= 1"),
            Row("the same, median; reference: the last hour", statistics.median(year), "s", statistics.median(hour)),
        ]

    def _alarm_to_screen(self) -> list[Row]:
        with self._context() as context:
            page = self._alarm_list(context)
            # Series that are new join their definition within seconds; what is measured are alarms of known ones.
            _seen_after(page, self._raise(1)[0])
            posted, stored = self._raise(ALARMS)
            taken = sorted(_seen_after(page, posted))
        cuts = statistics.quantiles(taken, n=100)
        answered = statistics.median(stored[name] - at for name, at in posted.items())
        name = f"sample of an alarm posted to row on the screen, {ALARMS} alarms"
        return [
            Row(f"{name}, p50; reference: to COMMIT", cuts[49], "s", answered),
            Row("the same, p99", cuts[98], "s", answered, None, "<= 1"),
            Row("the same, worst", taken[-1], "s"),
        ]

    def _many(self) -> list[Row]:
        alone = self._watch(1)
        many = self._watch(CONSOLES)
        each_mb = (many[1] - alone[1]) / max(1, CONSOLES - 1)
        name = f"{CONSOLES} pages of Chromium open, an alarm each 0.6 s"
        return [
            Row(f"{name}: CPU of the console; reference: 1 page", many[0], "% of a core", alone[0], many[0] / alone[0]),
            Row("the same: RSS of the console", many[1], "MB", alone[1], many[1] / alone[1]),
            Row("the same: RSS that each page adds", each_mb, "MB"),
            Row("the same: alarm posted to row, p50", many[2], "s", alone[2]),
            Row("the same: alarm posted to row, worst", many[3], "s", alone[3]),
        ]

    def _watch(self, count: int) -> tuple[float, float, float, float]:
        """CPU (% of a core) and RSS (MB) of the console while so many pages are open, and how late alarms are seen."""
        with self._context() as context:
            page = self._alarm_list(context)
            for address in islice(cycle(ADDRESSES), count - 1):
                tab = self._tab(context)
                tab.page.set_default_timeout(PATIENCE_MS)
                tab.open(address)
            page.wait_for_timeout(SETTLE_MS)
            # On a busy machine the first page may have lost its line meanwhile, and have loaded itself anew.
            page.wait_for_selector(".ms-grid .ag-row")
            page.evaluate(SEEN)
            before, began = _cpu_s(self._console), time.monotonic()
            posted, _ = self._raise(BESIDE)
            busy = (_cpu_s(self._console) - before) / (time.monotonic() - began)
            taken = _seen_after(page, posted)
            return 100 * busy, self._console.memory_info().rss / 1e6, statistics.median(taken), max(taken)

    def _alarm_list(self, context: BrowserContext) -> Page:
        page = self._tab(context).open("/alarms?list=open&sort=newest").page
        page.wait_for_selector(".ms-grid .ag-row")
        page.evaluate(SEEN)
        return page

    def _raise(self, count: int) -> tuple[Mapping[str, float], Mapping[str, float]]:
        """Let so many levels be too high; when each was posted and when the service said that it is stored."""
        posted: dict[str, float] = {}
        stored: dict[str, float] = {}
        for _ in range(count):
            name = f"level-{self._raised}"
            self._raised += 1
            posted[name] = time.time()
            _post(self._demo, [{"path": f"bench/pumps/{name}", "time": _shown(datetime.now(UTC)), "value": 99.5}])
            stored[name] = time.time()
            time.sleep(random.uniform(*PAUSES_S))
        return posted, stored

    def _define_alarm(self) -> None:
        status, answer = self._demo.request(
            "/api/v1/alarm-definitions",
            body={
                "name": "Level too high",
                "target": {"path": "bench/pumps/*"},
                "condition": {"kind": "limit", "hi": {"limit": 90.0}},
                "priority": "medium",
                "message": {"en": "Level at {value:.1f} %", "zh": "液位 {value:.1f} %"},
            },
        )
        assert status == 201, answer
        paths = [f"bench/pumps/level-{number}" for number in range(1 + ALARMS + 2 * BESIDE)]
        _post(self._demo, [{"path": path, "time": _shown(datetime.now(UTC)), "value": 50.0} for path in paths])

    def _context(self) -> BrowserContext:
        """A browser with nothing in its cache but the session."""
        return self._browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB", storage_state=self._session
        )

    def _tab(self, context: BrowserContext) -> Tab:
        return Tab(context.new_page(), context, self._demo.outcome["console"])


def _fill_year(demo: Demo) -> None:
    """A year of rollups, as the service's roller would have left them; the series come in by the door."""
    paths = [f"bench/year/level-{number}" for number in range(YEAR_SERIES)]
    now = datetime.now(UTC)
    _post(demo, [{"path": path, "time": _shown(now), "value": 50.0} for path in paths])
    ids = [int(item["id"]) for item in demo.ask("/latest?path=bench/year/*")["items"]]
    asyncio.run(_roll_year(demo.outcome["database"], ids, us_of(now) // DAY_US))
    span = f"from={_shown(now - timedelta(days=365))}&to={_shown(now)}&points=600"
    ask = f"/query?series={paths[0]}&{span}&aggregate=minimum"
    wait_until(lambda: len(demo.ask(ask)["series"][0]["rows"]) > 500, "rollups answer for the year")


async def _roll_year(database_url: str, ids: Sequence[int], today: int) -> None:
    chance = np.random.default_rng(1)
    times_us = np.arange((today - 365) * DAY_US, today * DAY_US, YEAR_STEP_US, dtype=np.int64)
    good = np.zeros(len(times_us), np.uint32)
    async with await open_pool(database_url, 1) as pool, pool.connection() as connection:
        await Partitions(ROLLUP_15M).ensure(connection, range(today - 366, today + 1))
        for series_id in ids:
            values = np.round(50 + chance.normal(size=len(times_us)).cumsum() / 100, 2)
            minutes = roll_minutes(np.full(len(times_us), series_id, np.int32), SampleBlock(times_us, values, good))
            quarters = merge_quarters(minutes)
            stamps = np.full(len(quarters), today * DAY_US)
            await insert_rollups(connection, Resolution.QUARTER, replace(quarters, valid_from_us=stamps))


def _post(demo: Demo, samples: Sequence[Mapping[str, object]]) -> None:
    status, answer = demo.request("/api/v1/samples", body=samples)
    assert status == 200, answer


def _drawn_s(page: Page, span: str) -> float:
    least_ms, points = {"1y": (YEAR_MS, 1_000), "1h": (HOUR_MS, 1)}[span]
    taken_ms: float = page.evaluate(DRAWN, [span, least_ms, points])
    page.wait_for_function("!msTrend.isLoading")
    return taken_ms / 1000


def _seen_after(page: Page, posted: Mapping[str, float]) -> list[float]:
    """Seconds from posting to seeing, of each; each is seen."""

    def all_seen() -> bool:
        page.wait_for_timeout(50)
        return bool(page.evaluate("(names) => names.every((each) => each in benchSeen)", list(posted)))

    wait_until(all_seen, "every alarm has a row")
    seen: dict[str, float] = page.evaluate("benchSeen")
    return [seen[name] / 1000 - at for name, at in posted.items()]


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return used.user + used.system


def _shown(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
