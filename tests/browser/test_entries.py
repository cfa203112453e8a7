"""Values by hand in a browser: an engineer makes a series, an operator enters, a viewer sees it and has no form."""

import secrets
from datetime import datetime, timedelta

from playwright.sync_api import expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, Tab, log_in
from tests.browser.people import make_person

ASSET = "hangzhou/moulding/hall-1/imm-1"


def trend(tab: Tab, address: str) -> None:
    tab.page.goto(tab.url + address)
    tab.page.wait_for_function("window.msTrend && msTrend.model.loadedMs !== undefined && !msTrend.isLoading")
    tab.settle()


def entered(tab: Tab) -> list[list[object]]:
    """The diamonds of the picture: value, and what stands beside them when they are pointed at."""
    found: list[list[object]] = tab.page.evaluate(
        "msTrend.option.series.filter(each => String(each.name).startsWith('entered') && each.symbol === 'diamond')"
        ".flatMap(each => each.data.map(one => [one.value[1], one.tip]))"
    )
    return found


def test_a_value_is_entered_by_hand_and_seen_in_the_trend(demo: Demo, open_tab: OpenTab):
    name = f"viscosity-{secrets.token_hex(3)}"
    engineer = open_tab().choose(language="en", theme="light")
    asset = next(each for each in demo.ask("/assets?limit=2000")["items"] if each["path"] == ASSET)
    page = engineer.open(f"/assets?asset={asset['id']}").page
    page.get_by_role("button", name="New series for values by hand").click()
    page.get_by_label("Path").fill(f"{ASSET}/{name}")
    page.get_by_label("Unit").fill("mm2/s")
    page.get_by_label("Least").fill("20")
    page.get_by_label("Greatest").fill("80")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name=f"Enter value: {name}").wait_for()
    (series,) = demo.ask(f"/series?path={ASSET}/{name}")["items"]

    person = make_person(demo, "wang", "operator")
    operator = open_tab(is_logged_in=False).choose(language="zh", theme="dark")
    log_in(operator, person.name, person.password)
    page = operator.page
    trend(operator, f"/trends?s={series['id']}&range=1h")
    page.get_by_role("button", name="录入数值").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("数值 (mm2/s)").fill("462")
    dialog.get_by_role("button", name="保存").click()
    # What does not fit stands at its field, in the reader's language.
    expect(dialog.locator(".q-field__messages", has_text="超出该序列的范围（允许：20 … 80 mm2/s）")).to_be_visible()
    dialog.get_by_label("数值 (mm2/s)").fill("46.2")
    dialog.get_by_label("备注").fill("<b>第二次</b>")
    dialog.get_by_role("button", name="保存").dblclick()
    expect(dialog).to_have_count(0)
    page.wait_for_function("msTrend.model.series[0].entries?.length === 1 && !msTrend.isLoading")
    ((value, tip),) = entered(operator)
    assert value == 46.2
    assert "人工录入: 46.2 mm2/s" in str(tip)
    assert person.name in str(tip)
    assert "&lt;b&gt;第二次&lt;/b&gt;" in str(tip)

    # From the tags of the asset as well; another browser that follows the trend is told by itself.
    watcher = open_tab().choose(language="en")
    trend(watcher, f"/trends?s={series['id']}&range=1h")
    operator.choose(language="en").open(f"/assets?asset={asset['id']}")
    page.get_by_role("button", name=f"Enter value: {name}").click()
    dialog.get_by_label("Value (mm2/s)").fill("47")
    dialog.get_by_label("Value (mm2/s)").press("Enter")
    expect(page.locator(f"[data-tag='{series['id']}']")).to_contain_text("47 mm2/s")
    watcher.page.wait_for_function("msTrend.model.series[0].entries?.length === 2 && !msTrend.isLoading")

    viewer = make_person(demo, "zhao", "viewer")
    other = open_tab(is_logged_in=False).choose(language="en", theme="light")
    log_in(other, viewer.name, viewer.password)
    trend(other, f"/trends?s={series['id']}&range=1h")
    other.page.wait_for_function("msTrend.model.series[0].entries?.length === 2 && !msTrend.isLoading")
    expect(other.page.get_by_role("button", name="Enter value")).to_have_count(0)
    other.open(f"/assets?asset={asset['id']}")
    other.page.locator(f"[data-tag='{series['id']}']").wait_for()
    expect(other.page.get_by_role("button", name="Enter value")).to_have_count(0)
    expect(other.page.get_by_role("button", name="New series")).to_have_count(0)
    assert "\n".join(engineer.troubles + operator.troubles + watcher.troubles + other.troubles) == ""


def test_a_measured_span_is_corrected_from_the_trend(demo: Demo, open_tab: OpenTab):
    (series,) = demo.ask("/series?path=hangzhou/moulding/hall-1/imm-2/oil/temperature")["items"]
    newest = datetime.fromisoformat(demo.ask(f"/latest?path={series['path']}")["items"][0]["time"])
    begin, end = ((newest - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z") for ago in (20, 1))
    marks = "&".join(
        f"{name}={round(datetime.fromisoformat(at).timestamp() * 1000)}"
        for name, at in zip("ab", (begin, end), strict=True)
    )
    tab = open_tab().choose(language="en", theme="light")
    trend(tab, f"/trends?s={series['id']}&range=15m&{marks}")
    tab.page.get_by_role("button", name="Correct…").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_text("In this span now: ").wait_for()
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_text("at least 1 character").wait_for()
    dialog.get_by_label("Quality").click()
    tab.page.get_by_role("option", name="Bad: sensor failed").click()
    dialog.get_by_label("Reason").fill("unplugged")
    dialog.get_by_label("Reason").press("Enter")
    tab.page.get_by_text("samples are corrected").wait_for()
    (made,) = demo.ask(f"/series/{series['id']}/corrections")["items"]
    assert (made["status"], made["reason"], made["value"]) == (0x808C0000, "unplugged", None)
    assert made["sample_count"] > 0
    tab.page.get_by_role("button", name="Correct…").click()
    dialog.get_by_text("unplugged · demo").wait_for()
    assert not tab.troubles
