"""Users and keys by the console: made, shown once, disabled, revoked; and the audit that tells of it."""

import httpx

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab


def test_a_user_is_made_logs_in_and_is_disabled(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="light").open("/users")
    page = tab.page
    page.get_by_label("Log-in name").fill("wang li")
    page.get_by_role("button", name="Create user").click()
    page.get_by_text("is not the name of a user").wait_for()
    page.get_by_label("Log-in name").fill("wang.li")
    page.get_by_label("May see").fill("hangzhou/moulding/hall-1/cooling-water/**")
    page.get_by_role("button", name="Create user").click()
    password = page.locator(".ms-secret").inner_text()
    page.get_by_role("button", name="I have kept it").click()
    row = page.locator("tbody tr", has_text="wang.li")
    assert "password for one use" in row.inner_text()

    login = {"name": "wang.li", "password": password}
    answer = httpx.post(f"{demo.outcome['api']}/api/v1/login", json=login)
    assert answer.json()["me"]["reach"] == ["hangzhou/moulding/hall-1/cooling-water/**"]
    guest = open_tab(is_logged_in=False)
    guest.page.goto(guest.url + "/login")
    guest.page.fill("#name", "wang.li")
    guest.page.fill("#password", password)
    guest.page.click("button[type=submit]")
    guest.page.wait_for_url("**/welcome")

    row.get_by_role("button", name="Disable: wang.li").click()
    page.get_by_role("button", name="Yes").click()
    row.get_by_text("disabled").wait_for()
    assert httpx.post(f"{demo.outcome['api']}/api/v1/login", json=login).status_code == 401
    tab.open("/audit?action=user.")
    assert "wang.li" in page.locator("main tbody").inner_text()
    page.locator("main tbody").get_by_text("User: changed").first.wait_for()
    tab.open("/audit?action=login")
    page.locator("main tbody").get_by_text("Log-in", exact=True).first.wait_for()
    page.get_by_role("button", name="Verify the chain").click()
    page.get_by_text("✓ The chain is whole").wait_for()
    assert not tab.troubles


def test_a_key_is_made_shown_once_and_revoked(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="zh", theme="dark").open("/keys")
    page = tab.page
    page.get_by_label("名称", exact=True).fill("browser test")
    page.get_by_role("button", name="新建密钥").click()
    key = page.locator(".ms-secret").inner_text()
    page.get_by_role("button", name="我已保存").click()
    url, headers = f"{demo.outcome['api']}/api/v1/me", {"Authorization": f"Bearer {key}"}
    assert httpx.get(url, headers=headers).json()["role"] == "viewer"
    page.get_by_role("button", name="撤销: browser test").click()
    page.get_by_role("button", name="是", exact=True).click()
    page.locator("tbody tr", has_text="browser test").get_by_text("已撤销").wait_for()
    assert httpx.get(url, headers=headers).status_code == 401
    assert not tab.troubles
