"""The fleet: every agent with its devices, what has arrived and the proof of it, as the API says it."""

from datetime import UTC, datetime, timedelta

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab
from tests.browser.test_definitions import ask


def test_an_agent_shows_its_devices_its_completeness_and_its_proof(demo: Demo, open_tab: OpenTab):
    (agent,) = ask(demo, "GET", "/agents")["items"]
    tab = open_tab().choose(language="en", theme="light").open("/fleet")
    row = tab.page.locator("tbody tr", has_text=agent["id"])
    assert "online" in row.inner_text()
    row.get_by_role("link").click()
    tab.page.wait_for_url(f"**/fleet?agent={agent['id']}")
    tab.settle()
    shown = tab.page.locator("#ms-main").inner_text()
    assert all(device["name"] in shown for device in agent["devices"])
    assert agent["config_revision"] in shown
    tab.page.get_by_role("heading", name="Proof of delivery").wait_for()
    figure = tab.page.locator("[data-figure=completeness]").inner_text()
    now = datetime.now(UTC)
    stretch = f"from={(now - timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ}&to={now:%Y-%m-%dT%H:%M:%SZ}"
    told = ask(demo, "GET", f"/completeness?agent={agent['id']}&group=agent&holes=0&{stretch}")["total"]["percent"]
    assert abs(float(figure.removesuffix(" %")) - told) < 5
    assert not tab.troubles
