"""Alarm quality, maintenance, shares and settings: what is entered there is what the API says afterwards."""

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab
from tests.browser.test_definitions import ask


def test_a_figure_against_its_target_leads_to_the_definition_that_spoils_it(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="light").open("/alarm-quality")
    row = tab.page.locator("tbody tr", has_text="Alarms a day")
    assert "at most 150" in row.inner_text()
    tab.page.locator("a[href*='/definitions?id=']").first.click()
    tab.page.wait_for_url("**/definitions?id=*")
    tab.settle()
    assert ask(demo, "GET", f"/alarm-definitions/{tab.page.url.partition('id=')[2].partition('#')[0]}")
    assert not tab.troubles


def test_maintenance_and_site_are_entered(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="light").open("/maintenance")
    page = tab.page
    page.get_by_label("Device", exact=True).fill("energy-meter")
    page.get_by_role("button", name="Begin or plan").click()
    page.get_by_text("Field required").wait_for()
    page.get_by_label("Reason", exact=True).fill("new wires")
    page.get_by_role("button", name="Begin or plan").click()
    page.get_by_role("button", name="End now: energy-meter").click()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("The maintenance has ended.").wait_for()
    (entered,) = ask(demo, "GET", "/maintenance?state=ended")["items"]
    assert (entered["device"], entered["reason"]) == ("energy-meter", "new wires")

    tab.open("/settings")
    page.get_by_label("Name of the site").fill("Hangzhou works")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("The site is saved.").wait_for()
    assert ask(demo, "GET", "/site")["name"] == "Hangzhou works"
    assert not tab.troubles


def test_a_share_is_looked_at_made_and_revoked(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="light").open("/shares")
    page = tab.page
    fields = {
        "Name of the share": "press data",
        "Provider": "Mill",
        "Recipient": "Maker",
        "Purpose, English": "care",
        "Purpose, Chinese": "保养",
        "Assets (path or glob)": "hangzhou/moulding/hall-1/cooling-water",
        "Called outside": "water",
        "Tag 1 below each asset": "supply/pressure",
        "Tag 1 called outside": "pressure",
    }
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Aggregates").first.fill("average")
    page.get_by_role("button", name="Look first").click()
    page.get_by_text("1 series, and what the recipient calls them").wait_for()
    assert not ask(demo, "GET", "/grants")["items"]
    page.get_by_role("button", name="Create share").click()
    page.wait_for_url("**/shares?id=*")
    tab.settle()
    page.get_by_role("button", name="Revoke for good").click()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("press data · ✗ revoked").wait_for()
    (share,) = ask(demo, "GET", "/grants")["items"]
    assert share["state"] == "revoked"
    assert not tab.troubles
