"""Alarm quality, maintenance, shares and settings: what is entered there is what the API says afterwards."""

from playwright.sync_api import expect

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


CHANNEL = {
    "kind": "webhook",
    "name": "test board",
    "url": "https://board.example/hook",
    "secret": "a-long-secret-word-of-a-test",
}


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
        "Tag below each asset": "supply/pressure",
        "Tag called outside": "pressure",
    }
    for label, value in fields.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("Aggregates").click()
    page.get_by_role("option", name="average", exact=True).click()
    page.keyboard.press("Escape")
    page.get_by_label("Time in value classes").first.fill("4\n2")
    page.get_by_label("Counts of alarms by these priorities").click()
    page.get_by_role("option", name="critical").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Look first").click()
    page.get_by_text("terms.tags.0.classes").or_(page.get_by_text("ascend")).first.wait_for()
    page.get_by_label("Time in value classes").first.fill("2\n4")
    page.get_by_role("button", name="Look first").click()
    page.get_by_text("1 series, and what the recipient calls them").wait_for()
    assert not ask(demo, "GET", "/grants")["items"]
    page.get_by_role("button", name="Create share").click()
    page.wait_for_url("**/shares?id=*")
    tab.settle()
    (share,) = ask(demo, "GET", "/grants")["items"]
    terms = ask(demo, "GET", f"/grants/{share['id']}")["terms"]
    assert (terms["alarms"], terms["tags"][0]["classes"]) == ({"priorities": ["critical"]}, [2, 4])
    page.get_by_text("supply/pressure: average, time in classes 2 – 4").wait_for()
    page.get_by_role("button", name="Change the terms").click()
    page.get_by_label("Rows a day at most").fill("none")
    page.get_by_role("button", name="Look and save").click()
    page.get_by_text("valid integer").wait_for()
    page.get_by_label("Rows a day at most").fill("5000")
    page.get_by_label("Tag called outside").fill("water-pressure")
    page.get_by_label("Rows in all at most").press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Called otherwise: 1").wait_for()
    rows = [row.split("\t") for row in dialog.locator("tbody tr").all_inner_texts()]
    assert rows == [
        ["terms.tags.1.alias", "− pressure", "+ water-pressure"],
        ["terms.budget.rows_per_day", "–", "+ 5000"],
    ]
    dialog.get_by_role("button", name="Yes").click()
    page.get_by_text("Version 2 · active").wait_for()
    changed = ask(demo, "GET", f"/grants/{share['id']}")
    assert [each["alias"] for each in changed["content"]["series"]] == ["water/water-pressure"]
    kept = {name: each for name, each in changed["terms"].items() if name not in {"tags", "budget"}}
    assert kept == {name: each for name, each in terms.items() if name not in {"tags", "budget"}}
    page.get_by_role("button", name="Revoke for good").click()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("press data · ✗ revoked").wait_for()
    (share,) = ask(demo, "GET", "/grants")["items"]
    assert share["state"] == "revoked"
    assert not tab.troubles


def test_a_route_waits_for_causes_and_knows_holidays_by_its_fields(demo: Demo, open_tab: OpenTab):
    channel = ask(demo, "POST", "/notification-channels", {**CHANNEL, "name": "day board"})
    tab = open_tab().choose(language="en", theme="light").open("/settings")
    page = tab.page
    page.get_by_text("New route").click()
    form = page.locator(".q-expansion-item", has_text="New route")
    form.get_by_label("Name of the route").fill("Days")
    form.get_by_label("Own days off", exact=True).fill("2027-02-30")
    form.get_by_label("Country of the holidays").fill("XX")
    form.get_by_role("button", name="Add an alarm to wait for").click()
    form.get_by_label("Name of the route").press("Enter")  # presses the main button
    form.get_by_text("no holidays are known for 'XX'").wait_for()
    shifts = form.locator(".ms-rows", has=page.get_by_role("button", name="Add a shift"))
    shifts.get_by_text("Field required").wait_for()
    cause = form.get_by_role("group", name="Wait while, 1")
    cause.get_by_text("Field required").wait_for()
    form.get_by_text("0: ").first.wait_for()  # the first day is none
    form.get_by_label("Own days off", exact=True).fill("2027-02-20")
    form.get_by_role("button", name="Choose in a calendar: Own days off").click()
    page.locator(".q-date").get_by_text("February", exact=True).wait_for()
    day = page.locator(".q-date").get_by_role("button", name="22", exact=True)
    expect(day).to_have_count(1)  # the month that was shown first has slid away
    day.click()
    page.keyboard.press("Escape")
    form.get_by_label("Country of the holidays").fill("CN")
    form.get_by_role("button", name="Add a shift").click()
    shifts.get_by_label("Shift from").fill("20:00")
    cause.get_by_label("Paths (globs)").fill("hangzhou/power/**")
    cause.get_by_label("Only alarms with the same").click()
    page.get_by_role("option", name="area").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Add a step").click()
    form.get_by_role("button", name="Remove: Step 2").click()
    form.get_by_label("Step 1: channels").click()
    page.get_by_role("option", name="day board").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Create route").click()
    page.get_by_text("The route is in force.").wait_for()
    (kept,) = (each for each in ask(demo, "GET", "/notification-routes")["items"] if each["name"] == "Days")
    ask(demo, "DELETE", f"/notification-routes/{kept['id']}")
    ask(demo, "DELETE", f"/notification-channels/{channel['id']}")
    assert [each["while"]["paths"] for each in kept["inhibit"]] == [["hangzhou/power/**"]]
    assert kept["inhibit"][0]["same"] == ["area"]
    calendar = kept["calendar"]
    assert (calendar["zone"], calendar["country"], calendar["workdays"]) == ("Asia/Shanghai", "CN", [])
    assert calendar["holidays"] == ["2027-02-20", "2027-02-22"]
    assert (calendar["shifts"][0]["from"], len(calendar["shifts"][0]["days"])) == ("20:00:00", 7)
    assert [step["channels"] for step in kept["steps"]] == [[channel["id"]]]
    assert not tab.troubles


def test_a_route_is_changed_in_place_and_the_change_is_shown_first(demo: Demo, open_tab: OpenTab):
    channel = ask(demo, "POST", "/notification-channels", CHANNEL)
    steps = [{"after": "0s", "channels": [channel["id"]]}]
    shifts = [{"days": ["mon"], "from": "06:00", "to": "14:00"}, {"days": ["free_day"], "from": "08:00", "to": "12:00"}]
    body = {"name": "Night", "steps": steps, "calendar": {"zone": "Asia/Shanghai", "shifts": shifts}}
    made = ask(demo, "POST", "/notification-routes", {**body, "group": {"flood_over": 7}})
    tab = open_tab().choose(language="en", theme="light").open("/settings")
    page = tab.page
    page.get_by_role("button", name="Change: Night").click()
    form = page.get_by_role("region", name="Night").or_(page.locator("section[aria-label=Night]")).first
    form.get_by_text("Days off", exact=True).wait_for()
    form.get_by_label("Place").fill("far")
    form.get_by_role("button", name="Save route").click()
    page.get_by_role("button", name="Yes").click()
    form.get_by_text("valid integer").wait_for()
    form.get_by_label("Place").fill("20")
    form.get_by_label("Step 1: after").fill("2m")
    form.get_by_role("button", name="Save route").click()
    page.get_by_role("dialog").get_by_text("steps.1.after").wait_for()
    shown = page.get_by_role("dialog").locator("tbody tr").all_inner_texts()
    assert [row.split("\t") for row in shown] == [["place", "− 100", "+ 20"], ["steps.1.after", "− 0s", "+ 2m"]]
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("The route is in force.").wait_for()
    kept = ask(demo, "GET", f"/notification-routes/{made['id']}")
    head = ("place", "steps", "version", "updated_at", "updated_by")
    assert (kept["place"], kept["steps"][0]["after"], kept["version"]) == (20, "2m", made["version"] + 1)
    assert {name: kept[name] for name in kept if name not in head} == {n: made[n] for n in made if n not in head}

    page.get_by_role("button", name="Change: Night").click()
    ask(demo, "PUT", f"/notification-routes/{made['id']}", {**body, "place": 30})
    form.get_by_label("Place").fill("40")
    form.get_by_role("button", name="Save route").click()
    page.get_by_role("button", name="Yes").click()
    page.get_by_text("it was changed meanwhile").wait_for()
    assert ask(demo, "GET", f"/notification-routes/{made['id']}")["place"] == 30
    ask(demo, "DELETE", f"/notification-routes/{made['id']}")
    ask(demo, "DELETE", f"/notification-channels/{channel['id']}")
    assert not tab.troubles
