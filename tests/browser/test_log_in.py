"""Logging in, and what strangers and other people's pages get."""

import httpx
import pytest

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, log_in


def test_a_stranger_is_asked_to_log_in_and_comes_back_to_the_same_view(demo: Demo, open_tab: OpenTab):
    tab = open_tab(is_logged_in=False)
    tab.page.goto(tab.url + "/alarms?priority=high")
    assert "/login" in tab.page.url
    tab.page.fill("#name", demo.outcome["user"])
    tab.page.fill("#password", "not the password")
    tab.page.click("button[type=submit]")
    assert "wrong" in tab.page.locator("#message").inner_text()
    tab.page.fill("#password", demo.outcome["password"])
    tab.page.click("button[type=submit]")
    tab.settle()
    assert tab.page.url == tab.url + "/alarms?priority=high"


def test_the_session_is_out_of_reach_for_scripts_and_ends_with_the_log_out(demo: Demo, open_tab: OpenTab):
    tab = open_tab(is_logged_in=False)
    log_in(tab, demo.outcome["user"], demo.outcome["password"])
    (session,) = [cookie for cookie in tab.context.cookies() if cookie["name"] == "millstream_session"]
    assert session["httpOnly"]
    assert session["sameSite"] == "Strict"
    assert "millstream_session" not in tab.page.evaluate("document.cookie")
    tab.page.evaluate("ms.logOut()")
    tab.page.wait_for_url("**/login?why=left")
    answer = httpx.get(tab.url + "/api/v1/me", headers={"Authorization": f"Bearer {session['value']}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_the_log_in_leads_nowhere_else(target: str, demo: Demo, open_tab: OpenTab):
    tab = open_tab(is_logged_in=False)
    log_in(tab, demo.outcome["user"], demo.outcome["password"], target)
    assert tab.page.url == tab.url + "/"


def test_a_form_of_another_page_logs_nobody_in(demo: Demo):
    form = {"name": demo.outcome["user"], "password": demo.outcome["password"]}
    for origin in ("https://elsewhere.example", "null"):
        answer = httpx.post(demo.outcome["console"] + "/login", data=form, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_every_answer_says_what_it_is_not_for(demo: Demo):
    for path in ("/login", "/static/console.css", "/", "/nothing-here"):
        headers = httpx.get(demo.outcome["console"] + path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_a_socket_of_another_page_is_refused(demo: Demo):
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    cookie = {"Cookie": "millstream_session=mss_x"}
    url = demo.outcome["console"] + path
    assert httpx.get(url, headers=cookie | {"Origin": "https://elsewhere.example"}).status_code == 403
    assert httpx.get(url).status_code == 403
