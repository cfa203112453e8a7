"""When the connection goes: a short absence resumes, a restart loads the same view anew and says so."""

import signal

from playwright.sync_api import expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab
from tests.fixtures.processes import accepts, wait_until


def test_a_restart_of_the_console_returns_into_the_same_view(demo: Demo, open_tab: OpenTab):
    tab = open_tab()
    tab.open("/alarms?list=suppressed&sort=newest")
    expect(tab.page.locator(".ms-tab[aria-pressed=true]")).to_contain_text("Suppressed")
    before = tab.page.evaluate("window.documentId")
    port = int(demo.outcome["console"].rpartition(":")[2])
    demo.child("--role console").send_signal(signal.SIGKILL)
    wait_until(lambda: not accepts(port), "the console is gone")
    wait_until(lambda: accepts(port), "the console is back")
    tab.page.wait_for_function(f"window.documentId && window.documentId !== '{before}'", timeout=90_000)
    tab.settle()
    assert "list=suppressed&sort=newest" in tab.page.url
    expect(tab.page.locator(".ms-tab[aria-pressed=true]")).to_contain_text("Suppressed")
    expect(tab.page.locator(".q-notification", has_text="loaded anew into the same view")).to_be_visible()


def test_a_short_absence_goes_on_where_it_was(open_tab: OpenTab):
    tab = open_tab()
    tab.open("/alarms?list=suppressed")
    before = tab.page.evaluate("window.documentId")
    # What a cable does: the socket dies without a word, and another one is made.
    tab.page.evaluate("window.socket.io.engine.close()")
    expect(tab.page.locator(".q-notification", has_text="goes on where it was")).to_be_visible()
    assert tab.page.evaluate("window.documentId") == before
    tab.page.locator(".ms-tab", has_text="Shelved").click()
    tab.page.wait_for_url("**list=shelved**")
