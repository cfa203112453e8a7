"""The fleet: every agent with its devices, what has arrived and the proof of it, as the API says it."""

import json
from datetime import UTC, datetime, timedelta

import psycopg

from tests.acceptance.demo import Demo
from tests.browser.conftest import OpenTab
from tests.browser.test_definitions import ask


def test_an_agent_shows_its_devices_its_completeness_and_its_proof(demo: Demo, open_tab: OpenTab):
    (agent,) = ask(demo, "GET", "/agents")["items"]
    tab = open_tab().choose(language="en", theme="light").open("/fleet")
    row = tab.page.locator("tbody tr", has_text=agent["id"])
    assert "online" in row.inner_text()
    row.get_by_role("link").click()
    tab.page.wait_for_url(f"**/fleet?agent={agent['id']}")
    tab.settle()
    shown = tab.page.locator("#ms-main").inner_text()
    assert all(device["name"] in shown for device in agent["devices"])
    assert agent["config_revision"] in shown
    tab.page.get_by_role("heading", name="Proof of delivery").wait_for()
    figure = tab.page.locator("[data-figure=completeness]").inner_text()
    now = datetime.now(UTC)
    stretch = f"from={(now - timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ}&to={now:%Y-%m-%dT%H:%M:%SZ}"
    told = ask(demo, "GET", f"/completeness?agent={agent['id']}&group=agent&holes=0&{stretch}")["total"]["percent"]
    assert abs(float(figure.removesuffix(" %")) - told) < 5
    assert not tab.troubles


def test_days_of_certificates_are_told_by_shape_number_and_words(demo: Demo, open_tab: OpenTab):
    now = datetime.now(UTC)
    ends = {"mqtt_ca": 400.5, "mqtt_client": 25.5, "opcua_client": 6.5, "modbus_client": -2.5}
    certificates = [{"use": use, "not_after": (now + timedelta(days=days)).isoformat()} for use, days in ends.items()]
    certificates.append({"use": "opcua_user", "error": "cannot be read: Permission denied", "devices": ["cell-1"]})
    health = {"boot_id": "b", "sent_at": now.isoformat(), "backlog_batches": 0, "backlog_bytes": 0}
    config = {"digest": "ab" * 32, "files": 2, "devices": 3, "tags": 41, "kinds": {"modbus": 2, "opcua": 1}}
    with psycopg.connect(demo.outcome["database"], autocommit=True) as connection:
        connection.execute(
            "insert into agent (id, state, health, config) values ('gw-certificates', 'offline', %s, %s)",
            (json.dumps({**health, "certificates": certificates}), json.dumps(config)),
        )
        try:
            tab = open_tab().choose(language="en", theme="light").open("/fleet")
            row = tab.page.locator("tbody tr", has_text="gw-certificates")
            assert "■ 3 days ago, has ended" in row.inner_text()
            row.get_by_role("link").click()
            tab.page.wait_for_url("**/fleet?agent=gw-certificates")
            tab.settle()
            shown = tab.page.locator("[data-standing]").all_inner_texts()
            assert shown == [
                "■ 3 days ago, has ended",
                "■ cannot be read",
                "▲ 6 days, renew it now",
                "◆ 25 days, ends soon: plan its renewal",
                "● 400 days",
            ]
            main = tab.page.locator("#ms-main").inner_text()
            assert all(told in main for told in ("3 (2 modbus, 1 opcua)", "ab" * 32, "No remote configuration yet"))
            tab.choose(language="zh").open("/fleet?agent=gw-certificates")
            assert "▲ 6 天，请立即更新" in tab.page.locator("[data-standing]").all_inner_texts()
            assert not tab.troubles
        finally:
            connection.execute("delete from agent where id = 'gw-certificates'")
