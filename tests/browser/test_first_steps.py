"""Whoever has a password for one use replaces it before anything else; an administrator then names the plant."""

import httpx
from playwright.sync_api import expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab

PASSWORD = "kettle-orbit-anvil-73"


def test_a_new_administrator_replaces_the_password_and_names_the_plant(demo: Demo, open_tab: OpenTab):
    key = {"Authorization": f"Bearer {demo.outcome['api_key']}"}
    new = {"name": "chen.wei", "role": "admin"}
    made = httpx.post(demo.outcome["api"] + "/api/v1/users", json=new, headers=key, timeout=60).json()
    tab = open_tab(is_logged_in=False)
    tab.page.goto(tab.url + "/login?next=/alarms")
    tab.page.fill("#name", "chen.wei")
    tab.page.fill("#password", made["one_time_password"])
    tab.page.click("button[type=submit]")
    tab.page.wait_for_url("**/welcome")
    # No other page opens before.
    tab.page.goto(tab.url + "/alarms")
    tab.page.wait_for_url("**/welcome")
    fields = tab.page.locator("input[type=password]")
    expect(fields).to_have_count(3)
    for index, text in enumerate((made["one_time_password"], PASSWORD, PASSWORD)):
        fields.nth(index).fill(text)
    tab.page.locator(".ms-primary").click()
    expect(tab.page.get_by_label("Name of the plant")).to_be_visible(timeout=30_000)
    tab.page.get_by_label("Name of the plant").fill("杭州一厂")
    tab.page.locator(".ms-primary", has_text="Save").click()
    expect(tab.page.locator(".ms-brand")).to_have_text("杭州一厂", timeout=30_000)
    assert "\n".join(tab.troubles) == ""
