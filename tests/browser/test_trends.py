"""Trends in a browser: found, drawn without losing a spike, honest about gaps, live, compared, noted, exported."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, Tab

# Hours before now: the demonstration writes nothing there.
BEGIN = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
SPIKE = 4711.5
BAD, UNCERTAIN = 0x80000000, 0x40000000


class Client:
    """The API beside the browser."""

    def __init__(self, demo: Demo) -> None:
        self._url = demo.outcome["api"] + "/api/v1"
        self._headers = {"Authorization": f"Bearer {demo.outcome['api_key']}"}

    def get(self, address: str, /, **parameters: Any) -> Any:
        answer = httpx.get(self._url + address, params=parameters, headers=self._headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, address: str, body: Any) -> Any:
        answer = httpx.post(self._url + address, json=body, headers=self._headers, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def client(demo: Demo) -> Client:
    return Client(demo)


@pytest.fixture(scope="module")
def history(client: Client) -> str:
    """A series of a sample a second for an hour, one spike, a Bad and an Uncertain stretch; its name is Chinese."""
    path = "hangzhou/lab/bench/主轴电流"
    samples: list[dict[str, Any]] = []
    for second in range(3_600):
        at = (BEGIN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
        status = BAD if 1_000 <= second < 1_100 else UNCERTAIN if 2_000 <= second < 2_100 else 0
        value = None if status == BAD else SPIKE if second == 1_801 else 10.0 + second % 5
        samples.append({"path": path, "time": at, "value": value, "status": status})
    for start in range(0, len(samples), 1_200):
        client.post("/samples", samples[start : start + 1_200])
    return path


def trend(tab: Tab, address: str) -> Tab:
    tab.page.goto(tab.url + address)
    tab.page.wait_for_function(
        "window.msTrend && msTrend.model.loadedMs !== undefined && !msTrend.isLoading"
        " && msTrend.view.ids.length === msTrend.model.series.filter(each => each.curve).length"
    )
    return tab.settle()


def wait_loaded(tab: Tab, condition: str) -> None:
    tab.page.wait_for_function(f"!msTrend.isLoading && ({condition})")


def span(begin: timedelta, end: timedelta) -> str:
    return f"from={(BEGIN + begin).strftime('%Y-%m-%dT%H:%M:%SZ')}&to={(BEGIN + end).strftime('%Y-%m-%dT%H:%M:%SZ')}"


def drawn(tab: Tab, prefix: str) -> list[list[float | None]]:
    """The points of what stands in the picture under this name."""
    found: list[list[float | None]] = tab.page.evaluate(
        "name => msTrend.option.series.filter(each => String(each.name).startsWith(name)).flatMap(each => each.data)",
        prefix,
    )
    return found


def test_no_width_of_the_window_loses_a_spike_and_gaps_are_gaps(client: Client, history: str, open_tab: OpenTab):
    series = client.get("/series", path=history)["items"][0]
    tab = open_tab()
    for hours in (1, 24, 24 * 30):
        end = timedelta(hours=1) if hours == 1 else timedelta(hours=2)
        trend(tab, f"/trends?s={series['id']}&{span(end - timedelta(hours=hours), end)}")
        form = tab.page.evaluate("msTrend.model.series[0].curve.form")
        name, column = ("series", 1) if form == "samples" else ("band", 3)
        assert max(point[column] or 0 for point in drawn(tab, name)) == SPIKE, hours
    trend(tab, f"/trends?s={series['id']}&{span(timedelta(0), timedelta(hours=1))}")
    begin_ms = BEGIN.timestamp() * 1000
    solid, dashed = drawn(tab, "series"), drawn(tab, "uncertain")
    inside = [point for point in solid if begin_ms + 1_000_000 <= (point[0] or 0) < begin_ms + 1_100_000]
    assert inside
    assert all(point[1] is None for point in inside)
    assert any(point[1] is not None for point in dashed)
    assert {row[3] for row in drawn(tab, "quality")} >= {"bad", "uncertain"}
    assert not tab.troubles


def test_zoom_asks_again_at_the_right_resolution(client: Client, history: str, open_tab: OpenTab):
    series = client.get("/series", path=history)["items"][0]
    tab = trend(open_tab(), f"/trends?s={series['id']}&{span(timedelta(hours=-23), timedelta(hours=1))}")
    tab.page.locator("#mt-chart").focus()
    wide = tab.page.evaluate("msTrend.view.to - msTrend.view.from")
    tab.page.keyboard.press("+")
    wait_loaded(tab, f"msTrend.model.to - msTrend.model.from < {wide} * 0.6 && location.search.includes('from=')")
    # Two cursors by click: values, difference, and statistics of what lies between, from the API.
    tab = trend(tab, f"/trends?s={series['id']}&{span(timedelta(0), timedelta(hours=1))}")
    box = tab.page.locator("#mt-chart").bounding_box()
    assert box
    for part in (0.4, 0.7):
        tab.page.mouse.click(box["x"] + box["width"] * part, box["y"] + box["height"] * 0.3)
    tab.page.wait_for_function("msTrend.cursors.b !== null && msTrend.model.selection?.from === msTrend.cursors.a")
    wait_loaded(tab, "document.querySelector('[data-cell=average]').textContent !== '–'")
    cells = {name: tab.page.locator(f"[data-cell={name}]").inner_text() for name in ("a", "b", "delta", "maximum")}
    assert "–" not in (cells["a"], cells["b"], cells["delta"])
    assert cells["maximum"] == "4,711.5"
    # The view is in the address: another browser sees the same.
    tab.page.wait_for_function("location.search.includes('&b=')")
    other = trend(open_tab(), tab.page.url.removeprefix(tab.url))
    assert other.page.evaluate(
        "[msTrend.view.from, msTrend.view.to, Math.round(msTrend.cursors.b)]"
    ) == tab.page.evaluate("[msTrend.view.from, msTrend.view.to, Math.round(msTrend.cursors.b)]")
    assert not tab.troubles


def test_an_engineer_finds_a_new_series_draws_it_defines_an_alarm_and_sees_it(
    client: Client, history: str, open_tab: OpenTab
):
    tab = trend(open_tab(), "/trends")
    tab.page.fill("#mt-search", "zhuzhoudl")
    tab.page.fill("#mt-search", "zzdl")
    tab.page.locator(".mt-found .mt-series", has_text="主轴电流").click()
    wait_loaded(tab, "msTrend.model.series.length === 1")
    assert tab.page.evaluate("msTrend.model.series[0].series.path") == history
    client.post(
        "/alarm-definitions",
        {
            "name": "Spindle current high",
            "target": {"path": history},
            "condition": {"kind": "limit", "hi": {"limit": 100.0}},
            "priority": "high",
            "message": {"en": "Spindle at {value:.0f} A", "zh": "主轴 {value:.0f} A"},
        },
    )
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    client.post("/samples", [{"path": history, "time": now, "value": 222.0, "status": 0}])
    tab.page.wait_for_selector(".ms-banner-counts")
    wait_loaded(tab, "msTrend.model.series[0].curve.rows.some(row => row[1] === 222)")
    trend(tab, f"/trends?path={history}&range=5m")
    wait_loaded(tab, "(msTrend.model.series[0].limits ?? []).some(each => each.limit === 100)")
    tab.page.wait_for_function("msTrend.model.alarms.some(each => each.priority === 'high')")
    assert not tab.troubles


def test_a_note_a_comparison_and_a_saved_view(client: Client, history: str, open_tab: OpenTab):
    series = client.get("/series", path=history)["items"][0]
    address = f"/trends?s={series['id']}&{span(timedelta(0), timedelta(hours=1))}"
    begin = int(BEGIN.timestamp() * 1000)
    tab = trend(open_tab(), f"{address}&a={begin + 600_000}&b={begin + 1_200_000}")
    tab.page.get_by_role("button", name="Write a note").click()
    tab.page.locator(".mt-dialog textarea").fill("Sensor unplugged <b>")
    tab.page.get_by_role("button", name="Keep").click()
    tab.page.locator(".mt-note", has_text="Sensor unplugged <b>").wait_for()
    assert client.get("/notes", about=history)["items"][0]["who"] != ""
    tab.page.locator("#mt-compare").select_option("1h")
    wait_loaded(tab, "msTrend.model.series[0].other !== null")
    tab.page.once("dialog", lambda dialog: dialog.accept("Bench, morning"))
    tab.page.get_by_role("button", name="Save view").click()
    tab.page.get_by_text("The view is saved").wait_for()
    tab.page.get_by_text("Saved views").click()
    tab.page.get_by_role("link", name="Bench, morning").click()
    tab.page.wait_for_function("window.msTrend?.model.series[0]?.other")
    with tab.page.expect_download() as download:
        tab.page.get_by_text("Export", exact=True).click()
        tab.page.get_by_role("button", name="CSV, all samples").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "series,time,value,status"
    assert len(lines) == 3_601
    assert not tab.troubles
