"""The operator's path: a fault in the plant, an alarm on the screen, acknowledged with words, found in the journal."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, Tab
from tests.fixtures.processes import wait_until

COMMENT = "看过了, checked on site"


def first_alarm(demo: Demo) -> dict[str, str]:
    """The foremost alarm that nobody has acknowledged; the plant's faults bring one soon."""

    def look() -> list[dict[str, str]]:
        found = demo.ask("/alarms?state=unacknowledged&limit=1")["items"]
        return list(found)

    return wait_until(look, "an alarm of the plant", 120.0)[0]


def open_alarm(tab: Tab, alarm: dict[str, str]) -> None:
    tab.open(f"/alarms?alarm={alarm['id']}")
    expect(tab.page.locator(".ms-detail h2").first).to_be_visible()


def test_a_fault_is_seen_acknowledged_and_written_down_and_everybody_sees_it(demo: Demo, open_tab: OpenTab):
    alarm = first_alarm(demo)
    one, other = open_tab(), open_tab()
    other.choose(language="zh")
    for tab in (one, other):
        open_alarm(tab, alarm)
    expect(other.page.locator(".ms-detail .ms-verbs button", has_text="确认")).to_be_visible()

    one.page.locator(".ms-detail .ms-verbs button", has_text="Acknowledge").click()
    one.page.locator(".ms-dialog textarea").fill(COMMENT)
    one.page.locator(".ms-dialog button", has_text="Acknowledge").click()

    # Both see who did it and what was said, the other one without touching anything.
    for tab in (one, other):
        expect(tab.page.locator(".ms-detail")).to_contain_text(COMMENT, timeout=30_000)
    expect(other.page.locator(".ms-detail .ms-verbs button", has_text=re.compile("^确认$"))).to_have_count(0)

    one.open("/journal?event=acknowledge")
    expect(one.page.locator(".ag-row", has_text=COMMENT).first).to_be_visible()
    entries = demo.ask(f"/alarms/journal?alarm={alarm['id']}&event=acknowledge")["items"]
    assert (COMMENT, demo.outcome["user"]) in [(entry["comment"], entry["who"]) for entry in entries]
    assert "\n".join(one.troubles + other.troubles) == ""


def test_a_chart_that_is_taken_away_at_once_breaks_nothing(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en")
    # A machine that is so busy that what should come at once comes late.
    tab.page.add_init_script(
        "const later = window.setTimeout; window.setTimeout = (work, ms, ...rest) => later(work, ms || 2500, ...rest)"
    )
    open_alarm(tab, first_alarm(demo))
    tab.page.locator(".ms-detail-trend").wait_for(state="attached")
    tab.page.locator(".ms-detail").get_by_role("button", name="Close").first.click()
    expect(tab.page.locator(".ms-detail-trend")).to_have_count(0)
    tab.page.evaluate("new Promise(done => setTimeout(done, 0))")
    assert "\n".join(tab.troubles) == ""


def test_an_alarm_is_shelved_found_in_its_list_and_brought_back(demo: Demo, open_tab: OpenTab):
    alarm = first_alarm(demo)
    tab = open_tab()
    open_alarm(tab, alarm)
    tab.page.locator(".ms-verbs button", has_text="Shelve").click()
    tab.page.locator(".ms-dialog button", has_text="Shelve").click()
    expect(tab.page.locator(".q-notification", has_text="every field")).to_be_visible()
    tab.page.locator(".ms-dialog textarea").fill("sensor is being replaced")
    tab.page.locator(".ms-dialog button", has_text="Shelve").click()
    expect(tab.page.locator(".ms-verbs button", has_text="Unshelve")).to_be_visible()
    tab.page.locator(".ms-tab", has_text="Shelved").click()
    expect(tab.page.locator(".ag-row", has_text="sensor is being replaced").first).to_be_visible()
    tab.page.locator(".ms-verbs button", has_text="Unshelve").click()
    expect(tab.page.locator(".ms-verbs button", has_text=re.compile("^Shelve$"))).to_be_visible()
    assert "\n".join(tab.troubles) == ""


def test_an_alarm_is_opened_shelved_and_left_without_a_mouse(demo: Demo, open_tab: OpenTab):
    first_alarm(demo)
    tab = open_tab()
    tab.open("/alarms?list=open")
    expect(tab.page.locator(".ag-row .ms-prio").first).to_be_visible()
    tab.page.locator(".ag-header-cell").nth(1).focus()
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator(".ms-detail")).to_be_focused()
    shelve = tab.page.locator(".ms-verbs button", has_text="Shelve")
    shelve.press("Enter")
    expect(tab.page.locator(".ms-dialog textarea")).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".ms-dialog")).to_have_count(0)
    expect(shelve).to_be_focused()
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".ms-detail")).to_be_hidden()
    expect(tab.page.locator(".ag-cell-focus")).to_be_focused()
    assert "\n".join(tab.troubles) == ""


def remarks(demo: Demo) -> list[str | None]:
    """What was said with acknowledgements, as far as the journal is sealed."""
    return [entry["comment"] for entry in demo.ask("/alarms/journal?event=acknowledge")["items"]]


LISTED = re.compile(r"/api/v1/alarms\?")


@contextmanager
def held_back(page: Page, address: re.Pattern[str]) -> Generator[None]:
    """Let these requests of a page wait until the block ends."""
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    page.route(address, keep)
    yield
    for route in waiting:
        route.continue_()
    page.unroute(address)


def ask_for_all_shown(tab: Tab) -> Locator:
    """Press the verb; the field for words."""
    tab.page.locator("button", has_text="Acknowledge all shown").click()
    words = tab.page.locator(".ms-dialog textarea")
    words.wait_for(timeout=5_000)
    return words


def test_all_that_is_shown_is_acknowledged_at_once(demo: Demo, open_tab: OpenTab):
    tab = open_tab()
    tab.open("/alarms?list=unacknowledged")
    # What another test has acknowledged comes again: the plant's faults do.
    expect(tab.page.locator(".ag-row .ms-prio").first).to_be_visible(timeout=120_000)
    # The list is read anew all the time: what stands on the screen counts meanwhile.
    with held_back(tab.page, LISTED):
        with tab.page.expect_request(LISTED):
            tab.page.evaluate("msAlarms.refresh()")
        ask_for_all_shown(tab)
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".ms-dialog")).to_have_count(0)

    def is_in_the_journal() -> bool:
        if "after the power cut" in remarks(demo):
            return True
        # One that chatters may have come again since the list was read: that is not acknowledged unseen, so once more.
        try:
            ask_for_all_shown(tab).fill("after the power cut")
        except Error:
            return False  # nothing stands there now
        tab.page.locator(".ms-dialog button").first.click()
        expect(tab.page.locator(".ms-dialog")).to_have_count(0)
        return False

    wait_until(is_in_the_journal, "the journal has it")
    assert "\n".join(tab.troubles) == ""


def test_the_banner_covers_nothing_in_any_language_or_width(demo: Demo, open_tab: OpenTab):
    first_alarm(demo)
    tab = open_tab()
    for language in ("en", "zh"):
        for width, kiosk in ((768, ""), (1280, ""), (1920, "?kiosk=1")):
            tab.page.set_viewport_size({"width": width, "height": 800})
            tab.choose(language=language).open("/handover" + kiosk)
            expect(tab.page.locator(".ms-banner-alarm")).to_be_visible(timeout=120_000)
            edges = (
                "[...document.querySelectorAll('.ms-banner-place, #ms-main > *')].map(e => e.getBoundingClientRect())"
            )
            banner, first = tab.page.evaluate(edges)[:2]
            assert banner["bottom"] <= first["top"], (language, width, kiosk)
    assert "\n".join(tab.troubles) == ""


def test_what_is_filtered_is_in_the_address_and_kept_for_the_person(demo: Demo, open_tab: OpenTab):
    tab = open_tab()
    tab.open("/alarms?list=open")
    tab.page.locator(".ms-words input").fill("mould")
    tab.page.wait_for_url("**q=mould**")
    tab.open("/alarms")
    expect(tab.page.locator(".ms-words input")).to_have_value("mould")
    tab.page.locator(".ms-words input").fill("")
    tab.page.wait_for_url(lambda url: "q=mould" not in url)
    assert "\n".join(tab.troubles) == ""


def test_the_handover_holds_what_was_done(demo: Demo, open_tab: OpenTab):
    first_alarm(demo)
    tab = open_tab()
    tab.open("/handover")
    expect(tab.page.locator(".ms-report h2")).to_have_text("Handover of the shift")
    tab.page.emulate_media(media="print")
    expect(tab.page.locator(".ms-header")).to_be_hidden()
    expect(tab.page.locator(".ms-report")).to_be_visible()


def test_a_press_on_a_columns_head_orders_the_whole_list(demo: Demo, open_tab: OpenTab):
    first_alarm(demo)
    tab = open_tab().choose(language="en").open("/alarms")
    head = tab.page.locator(".ag-header-cell", has_text="Value")
    rows = tab.page.locator(".ag-row [col-id=value]")
    rows.first.wait_for()
    for sort, direction in (("-value", "descending"), ("value", "ascending")):
        with tab.page.expect_response(lambda answer, sort=sort: f"sort={sort}" in answer.url) as asked:
            head.click()
        assert asked.value.ok
        expect(head).to_have_attribute("aria-sort", direction)
        tab.page.wait_for_url(f"**sort={sort}*")
        expect(tab.page.get_by_label("Order")).to_have_value(re.compile("By value"))
    tab.open("/alarms?sort=class")
    expect(tab.page.locator(".ag-header-cell", has_text="Class")).to_have_attribute("aria-sort", "ascending")
    tab.open("/alarms?sort=rubbish")
    expect(tab.page.locator(".ag-header-cell", has_text="Priority")).to_have_attribute("aria-sort", "ascending")
    assert "\n".join(tab.troubles) == ""
