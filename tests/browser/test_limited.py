"""A person of one role and one machine: every page works or says why not, and nothing of another machine is on any."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from cloud_api.console.sitemap import pages
from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, Tab, log_in
from tests.browser.people import Person, make_person
from tests.fixtures.processes import wait_until

HALL = "hangzhou/moulding/hall-1"
MINE = f"{HALL}/imm-1"
# What no page may show: the neighbours of the machine.
OTHERS = re.compile(r"imm-[2-9]|cooling-water|energy-meter|robot", re.IGNORECASE)
ADDRESSES = [page.address for page in pages() if page.address != "/welcome"]
# What the reach or the role does not open says so in these words.
POLITE = re.compile("outside of what you may see|Your role does not|not for your role", re.IGNORECASE)


@pytest.fixture(scope="module")
def person(demo: Demo) -> Person:
    return make_person(demo, "li", "engineer", f"{MINE}/**")


@pytest.fixture
def tab(person: Person, open_tab: OpenTab) -> Tab:
    tab = open_tab(is_logged_in=False).choose(language="en", theme="light")
    log_in(tab, person.name, person.password)
    return tab


def outside(demo: Demo, path: str, **more: str) -> dict[str, Any]:
    """Something that another machine has."""

    def look() -> list[dict[str, Any]]:
        found = demo.ask(path)["items"]
        return [each for each in found if OTHERS.search(str(each.get("path")))]

    return wait_until(look, f"something outside in {path}", 120.0)[0] | more


def seen(tab: Tab) -> str:
    """All that can be read or reached: texts, labels, links."""
    words: str = tab.page.evaluate(
        "() => document.body.innerText + [...document.querySelectorAll('main *, .ms-banner *')]"
        ".map(each => [...each.attributes].map(one => one.value).join(' ')).join('\\n')"
    )
    return words


def test_every_page_keeps_to_the_machine_and_none_breaks(demo: Demo, tab: Tab):
    outside(demo, "/alarms?state=open&limit=1000")
    refused: list[str] = []
    for address in ADDRESSES:
        tab.open(address)
        tab.page.wait_for_load_state("networkidle")
        text = seen(tab)
        assert not (found := OTHERS.search(text)), (address, text[max(0, found.start() - 200) : found.end() + 100])
        for trouble in tab.page.locator(".ms-trouble").all_inner_texts():
            assert POLITE.search(trouble), (address, trouble)
            refused.append(address)
    # Where everybody's work is, theirs is too.
    assert not {"/", "/alarms", "/trends", "/assets", "/journal", "/quality", "/definitions"}.intersection(refused)
    tab.open("/")
    expect(tab.page.locator("#ms-main")).to_contain_text("imm-1")
    tab.open("/assets")
    expect(tab.page.locator(".mt-side")).to_contain_text("imm-1")
    assert "\n".join(tab.troubles) == ""


def test_nothing_outside_is_found_or_opened_by_its_address(demo: Demo, tab: Tab):
    series = outside(demo, f"/series?path={HALL}/**/temperature&limit=1000")
    asset = outside(demo, "/assets?limit=2000")
    alarm = outside(demo, "/alarms?state=open&limit=1000")
    page = tab.page
    tab.open("/trends")
    search = page.locator("#mt-search")
    search.fill("temperature")
    expect(page.locator(".mt-found .mt-series").first).to_be_visible()
    assert not OTHERS.search(" ".join(page.locator(".mt-found").all_inner_texts()))
    search.fill(str(series["path"]).split("/")[3])
    expect(page.get_by_text("Nothing found")).to_be_visible()
    assert not tab.troubles

    for address in (
        f"/trends?s={series['id']}",
        f"/trends?series={series['path']}",
        f"/assets?asset={asset['id']}",
        f"/alarms?alarm={alarm['id']}",
        f"/journal?alarm={alarm['id']}",
        f"/quality?asset={asset['path']}",
    ):
        tab.open(address)
        page.wait_for_load_state("networkidle")
        # A refusal says back what was asked for.
        text = page.locator("#ms-main").inner_text().replace(series["path"], "").replace(asset["path"], "")
        assert not OTHERS.search(text), (address, text)
        assert "went wrong" not in text, (address, text)
    answer = tab.context.request.get(f"{tab.url}/api/v1/series/{series['id']}")
    assert answer.status == 404
    # A browser writes down what it was not given; nothing else went wrong.
    assert [each for each in tab.troubles if "404" not in each] == []


def test_notes_of_others_are_not_seen(demo: Demo, tab: Tab):
    mine = demo.ask(f"/series?path={MINE}/**/temperature&limit=1")["items"][0]
    span = {"from": "2026-01-31T08:00:00Z", "to": "2026-01-31T08:10:00Z"}
    api, headers = demo.outcome["api"] + "/api/v1", {"Authorization": f"Bearer {demo.outcome['api_key']}"}
    for path, text in ((mine["path"], "of my machine"), (HALL, "of the whole hall")):
        made = httpx.post(f"{api}/notes", json=span | {"path": path, "text": text}, headers=headers, timeout=60)
        assert made.status_code == 201, made.text
    tab.open(f"/trends?s={mine['id']}&from={span['from']}&to={span['to']}")
    expect(tab.page.locator("#mt-notes")).to_contain_text("of my machine")
    assert "of the whole hall" not in tab.page.locator("#mt-notes").inner_text()
    assert not tab.troubles
