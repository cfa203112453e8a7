"""Definitions: what is wrong stands at its field, what is right comes into force; files go in and out."""

import json
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab, Tab

PLACE = "hangzhou/moulding/hall-1/imm-2/mould/temperature"


def ask(demo: Demo, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {demo.outcome['api_key']}"}
    answer = httpx.request(method, f"{demo.outcome['api']}/api/v1{path}", json=body, headers=headers, timeout=30)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def write(tab: Tab, label: str, value: str, nth: int = 0) -> None:
    tab.page.get_by_label(label, exact=True).nth(nth).fill(value)


def test_a_definition_is_corrected_tried_saved_changed_and_compared(demo: Demo, open_tab: OpenTab):
    tab = open_tab().choose(language="en", theme="light").open("/definitions?new=limit")
    page = tab.page
    write(tab, "Name", "Mould far too warm")
    write(tab, "Series (path or glob)", "hangzhou/[/x")
    write(tab, "Limit", "warm", nth=1)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("is neither a number nor a variable").wait_for()
    assert not ask(demo, "GET", "/alarm-definitions?q=Mould far too warm")["items"]

    write(tab, "Series (path or glob)", PLACE)
    write(tab, "Limit", "10", nth=1)
    write(tab, "Time to respond (s)", "60")
    page.get_by_role("button", name="Check without saving").click()
    page.get_by_text("It would stand at 1 places; 0 places do not fit").wait_for()
    page.get_by_role("button", name="Run over history").click()
    page.locator("[data-row=alarms] td").nth(1).wait_for()
    assert int(page.locator("[data-row=alarms] td").nth(1).inner_text()) >= 1

    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/definitions?id=*")
    tab.settle()
    (stored,) = ask(demo, "GET", "/alarm-definitions?q=Mould far too warm")["items"]
    assert stored["definition"]["condition"]["hi"]["limit"] == 10
    write(tab, "Limit", "11", nth=1)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Version 2: changed by").click()
    expect(page.locator(".ms-version").first).to_contain_text("condition.hi.limit", use_inner_text=True)
    assert ask(demo, "GET", f"/alarm-definitions/{stored['id']}")["version"] == 2

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(tab.url + "/definitions")
    assert not ask(demo, "GET", "/alarm-definitions?q=Mould far too warm")["items"]
    assert not tab.troubles


def test_a_file_of_definitions_is_compared_before_it_comes_into_force(demo: Demo, open_tab: OpenTab, tmp_path: Path):
    tab = open_tab().choose(language="zh", theme="dark").open("/definitions")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("link", name="导出 TOML").click()
    content = Path(download.value.path()).read_text(encoding="utf-8")
    assert "Cooling pump tripped" in content
    name = "Mould of the file"
    added = f'\n[[definition]]\nname = "{name}"\ntarget.path = {json.dumps(PLACE)}\ncondition = {{kind = "stale"}}\n'
    file = tmp_path / "definitions.toml"
    file.write_text(content + added, encoding="utf-8")
    tab.page.set_input_files("input[type=file]", file)
    tab.page.get_by_text("新建 1", exact=True).wait_for()
    assert not ask(demo, "GET", f"/alarm-definitions?q={name}")["items"]
    tab.page.get_by_role("button", name="应用文件").click()
    tab.page.get_by_text("文件已生效。").wait_for()
    (stored,) = ask(demo, "GET", f"/alarm-definitions?q={name}")["items"]
    ask(demo, "DELETE", f"/alarm-definitions/{stored['id']}?version=1")
    assert not tab.troubles
