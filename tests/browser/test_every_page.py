"""Every page, in both languages and both themes: it works, every text is there, and everybody can use it."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from cloud_api.console.sitemap import pages
from cloud_api.console.words import Language, words
from tests.browser.conftest import OpenTab, Tab

SERIOUS = {"serious", "critical"}
# So many steps behind the navigation are walked on each page.
STOPS = 8
# What has the focus; a page that has come to its end gives it back to the browser, which is where it began.
FOCUSED = """() => {
  const it = document.activeElement;
  const box = it.getBoundingClientRect();
  const style = getComputedStyle(it);
  // Fields and grids frame what has the focus in them.
  const isFramed = it.closest(".q-field, .ag-root-wrapper") !== null;
  window.msFocused ??= [];
  if (!msFocused.includes(it)) msFocused.push(it);
  return {
    number: msFocused.indexOf(it), what: it.outerHTML.slice(0, 120),
    isThere: it === document.body || (box.width > 0 && box.height > 0 && style.visibility === "visible"),
    isMarked: it === document.body || style.outlineStyle !== "none" || style.boxShadow !== "none" || isFramed,
  };
}"""
WITHOUT_FRAME = {"/welcome"}
PAGES = [page for page in pages() if page.address not in WITHOUT_FRAME]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_works_in_both_languages_and_themes(page: Any, open_tab: OpenTab):
    tab = open_tab()
    for language in Language:
        tab.choose(language=language.value, theme="light").open(page.address)
        assert tab.page.title() == f"{words(language)(page.title_key)} · Millstream"
        assert tab.page.locator("html").get_attribute("lang") == language.tag
        assert not tab.page.locator(".ms-trouble").count(), tab.page.locator(".ms-trouble").inner_text()
        if language is Language.EN:
            assert_readable(tab)
        tab.choose(theme="dark").open(page.address)
        assert "body--dark" in (tab.page.locator("body").get_attribute("class") or "")
        if language is Language.ZH:
            assert_readable(tab)
    assert "\n".join(tab.troubles) == ""


@pytest.mark.parametrize(("width", "height"), [(768, 1024), (1920, 1080)], ids=["tablet", "wall"])
def test_no_page_is_wider_than_its_screen(width: int, height: int, open_tab: OpenTab):
    tab = open_tab(width, height)
    for page in PAGES:
        for kiosk in ("", "?kiosk=1"):
            tab.open(page.address + kiosk)
            overflow = tab.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{page.address}{kiosk} is {overflow} px too wide"
    assert "\n".join(tab.troubles) == ""


def test_every_page_is_walked_by_keys(open_tab: OpenTab):
    """Tab begins at the way past the navigation, and is never lost: what has the focus is in sight and marked."""
    tab = open_tab()
    for page in PAGES:
        tab.open(page.address)
        assert not tab.page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count(), page.address
        tab.page.keyboard.press("Tab")
        expect(tab.page.locator(".ms-skip")).to_be_focused()
        tab.page.keyboard.press("Enter")
        stops = [tab.page.evaluate(FOCUSED)]
        for _ in range(STOPS):
            tab.page.keyboard.press("Tab")
            stops.append(tab.page.evaluate(FOCUSED))
        lost = [stop for stop in stops[1:] if not (stop["isThere"] and stop["isMarked"])]
        assert not lost, f"{page.address}: {lost}"
        assert len({stop["number"] for stop in stops}) > min(STOPS, 3), f"{page.address}: {stops}"
    assert "\n".join(tab.troubles) == ""


def assert_readable(tab: Tab) -> None:
    """axe-core finds nothing serious."""
    found = Axe().run(tab.page, options={"resultTypes": ["violations"]}).response["violations"]
    serious = [
        f"{each['id']} ({each['impact']}): {[node['html'][:160] for node in each['nodes'][:3]]}"
        for each in found
        if each["impact"] in SERIOUS
    ]
    assert not serious, f"{tab.page.url}: {serious}"
