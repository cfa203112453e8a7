"""Assets and data quality in a browser: the tree edited, a reject mapped and replayed, holes found."""

import secrets
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab
from tests.browser.test_trends import Client

SOON = 60_000


def test_an_asset_is_made_described_in_two_languages_and_moved(demo: Demo, open_tab: OpenTab):
    client = Client(demo)
    tab = open_tab()
    tab.choose(language="en").open("/assets")
    tab.page.get_by_role("button", name="New below").click()
    dialog = tab.page.locator(".ma-dialog")
    dialog.get_by_label("Path").fill("hangzhou/lab/furnace")
    dialog.get_by_label("Name in English").fill("Furnace")
    dialog.get_by_label("Name in Chinese").fill("退火炉")
    dialog.get_by_role("button", name="Save").click()
    tab.page.wait_for_url("**/assets?asset=*")
    tab.settle()
    expect(tab.page.get_by_role("heading", name="Furnace")).to_be_visible(timeout=SOON)
    tab.page.get_by_role("button", name="Edit").click()
    dialog.get_by_label("Path").fill("hangzhou/lab/hot/furnace")
    dialog.get_by_role("button", name="Save").click()
    expect(tab.page.get_by_text("hangzhou/lab/hot/furnace").first).to_be_visible(timeout=SOON)
    (found,) = client.get("/assets", q="thl")["items"]
    assert (found["path"], found["name"]) == ("hangzhou/lab/hot/furnace", {"en": "Furnace", "zh": "退火炉"})
    tab.choose(language="zh").open(f"/assets?asset={found['id']}")
    expect(tab.page.get_by_role("heading", name="退火炉")).to_be_visible(timeout=SOON)
    assert not tab.troubles


def test_tags_show_value_unit_and_course(demo: Demo, open_tab: OpenTab):
    client = Client(demo)
    now = datetime.now(UTC)
    times = [(now - timedelta(minutes=age)).isoformat().replace("+00:00", "Z") for age in range(40, 0, -1)]
    course = [
        {"path": "hangzhou/lab/boiler/pressure", "time": time, "value": index % 7, "status": 0}
        for index, time in enumerate(times)
    ]
    client.post("/samples", course)
    tab = open_tab()
    for path, shown in (("hangzhou/moulding/hall-1/cooling-water/supply", "bar"), ("hangzhou/lab/boiler", "4")):
        (asset,) = client.get("/assets", path=path)["items"]
        tab.choose(language="en").open(f"/assets?asset={asset['id']}")
        row = tab.page.locator("[data-tag]", has=tab.page.get_by_role("link", name="pressure", exact=True))
        expect(row).to_contain_text(shown, timeout=SOON)
    expect(row.locator("svg path")).to_have_count(1, timeout=SOON)
    assert not tab.troubles


def test_a_reject_is_looked_at_mapped_and_replayed(demo: Demo, open_tab: OpenTab):
    client = Client(demo)
    path = "hangzhou/lab/bench/count"
    times = [(datetime.now(UTC) - timedelta(seconds=age)).isoformat().replace("+00:00", "Z") for age in (20, 10)]
    client.post("/samples", [{"path": path, "time": times[0], "value": 1.5, "status": 0}])
    client.post("/samples", [{"path": path, "time": times[1], "value": "2.5", "status": 0}])
    assert [group["path"] for group in client.get("/rejects/groups", path=path)["items"]] == [path]
    tab = open_tab()
    tab.choose(language="en").open("/quality")
    tab.page.get_by_role("button", name=f"Look and replay: {path}").click()
    dialog = tab.page.locator(".mq-dialog")
    dialog.get_by_label("Another path").fill("hangzhou/lab/bench/words")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_text("1 rejects with 1 samples")).to_be_visible(timeout=SOON)
    dialog.get_by_role("button", name="Replay", exact=True).click()
    expect(tab.page.get_by_text("1 of 1 were stored")).to_be_visible(timeout=SOON)
    assert client.get("/latest", path="hangzhou/lab/bench/words")["items"][0]["value"] == "2.5"
    expect(tab.page.locator(".mq-heat td a").first).to_be_visible(timeout=SOON)
    tab.page.locator(".mq-heat td a").last.click()
    tab.settle()
    assert "begin=" in tab.page.url
    assert not tab.troubles


def test_a_series_is_calculated_tried_changed_and_ended(demo: Demo, open_tab: OpenTab):
    name = f"calculated-{secrets.token_hex(3)}"
    tab = open_tab().choose(language="en", theme="light").open("/calculations")
    page = tab.page
    page.get_by_label("Path", exact=True).fill(f"hangzhou/moulding/hall-1/{name}")
    page.get_by_label("Expression").fill("a + ")
    page.get_by_label("Variables").fill("a = hangzhou/moulding/hall-1/imm-1/power")
    page.get_by_role("button", name="Try the last hour").click()
    page.get_by_text("Nothing was saved").wait_for()
    page.get_by_label("Expression").fill("a * 2")
    page.get_by_role("button", name="Try the last hour").click()
    page.get_by_text("results in the last hour").wait_for()
    page.get_by_label("Expression").press("Enter")
    page.get_by_role("button", name=f"Change: hangzhou/moulding/hall-1/{name}").click()
    form = page.locator(f"section[aria-label='hangzhou/moulding/hall-1/{name}']")
    form.get_by_label("Expression").fill("a * 3")
    form.get_by_role("button", name="Save calculation").click()
    page.get_by_role("dialog").get_by_text("+ a * 3").wait_for()
    page.get_by_role("button", name="Yes").click()
    page.locator("tbody").get_by_text("a * 3", exact=True).wait_for()
    (kept,) = demo.ask(f"/calculations?path=**/{name}")["items"]
    assert (kept["expression"], kept["version"]) == ("a * 3", 2)
    page.get_by_role("button", name=f"End: hangzhou/moulding/hall-1/{name}").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("tbody").get_by_text(name)).to_have_count(0)
    assert not demo.ask(f"/calculations?path=**/{name}")["items"]
    assert not tab.troubles
