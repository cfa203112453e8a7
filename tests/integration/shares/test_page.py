"""The page of a share: by a link or a key, in both languages, without script, and without a word of the plant."""

from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.integration.shares.plant import Plant, terms_of


def checked(answer: httpx.Response, status: int = 200) -> str:
    """The text of a page that brings nothing from elsewhere and runs nothing."""
    assert answer.status_code == status, answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    for word in ("<script", "secret-", "press-03", " style=", "onclick"):
        assert word not in answer.text
    return answer.text


async def opened(plant: Plant, owner: dict[str, str], terms: dict[str, Any]) -> tuple[int, str]:
    """A share and the address of its link."""
    grant = await plant.share(owner, terms)
    made = await plant.key(owner, grant["id"], kind="link")
    return grant["id"], urlsplit(made["link"]).path


async def test_a_link_opens_the_page_and_its_downloads(plant: Plant):
    owner = await plant.caller("steward")
    terms = terms_of(purpose_en="For <b>one</b> purpose", time_zone="Asia/Shanghai")
    grant_id, link = await opened(plant, owner, terms)
    client = plant.api.client
    del client.headers["Authorization"]
    assert "msh_" in checked(await client.get("/shared"))
    answer = await client.get(link)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/shared"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/shared" in cookie
    page = checked(await client.get("/shared"))
    for words in (
        "For &lt;b&gt;one&lt;/b&gt; purpose",
        "按使用情况计算保费",
        "Harbour Insurance",
        "Purpose · 用途",
        "press-1/load",
    ):
        assert words in page
    assert link.rsplit("/", 1)[1] not in page
    for what, columns in (
        ("data", "series,time,average,duration_in_state_non_zero,count,status"),
        ("classes", "series,time,class,at_least,below,seconds"),
        ("alarms", "asset,time,priority,raised"),
    ):
        table = await client.get(f"/shared/{what}.csv", params={"days": 2})
        assert table.status_code == 200, table.text
        assert table.headers["content-disposition"] == f'attachment; filename="{what}.csv"'
        assert table.text.splitlines()[0] == columns
        assert "secret-" not in table.text
    # The API takes the link's token as well, so that a program can go on where a person began.
    token = {"Authorization": f"Bearer {link.rsplit('/', 1)[1]}"}
    assert (await plant.ask("GET", "/shared", token)).status_code == 200
    await plant.ask("POST", f"/grants/{grant_id}/revoke", owner)
    checked(await client.get("/shared"), 403)
    checked(await client.get("/shared/data.csv"), 403)
    reads = (await plant.ask("GET", f"/grants/{grant_id}/reads", owner)).json()["items"]
    assert {"page", "data", "classes", "alarms"} <= {read["what"] for read in reads}
    assert {read["address"] for read in reads} == {"192.0.2.1"}


async def test_a_key_is_typed_in_and_is_no_link(plant: Plant):
    owner = await plant.caller("steward")
    grant = await plant.share(owner, terms_of())
    key = (await plant.key(owner, grant["id"]))["key"]
    client = plant.api.client
    del client.headers["Authorization"]
    checked(await client.get(f"/shared/open/{key}"), 401)
    checked(await client.get("/shared/open/msh_nonsense"), 401)
    checked(await client.get("/shared/data.csv"), 401)
    checked(await client.post("/shared/open", data={"key": key[:-1] + "x"}), 401)
    answer = await client.post("/shared/open", data={"key": f" {key} "})
    assert answer.status_code == 303
    assert "press-2/running" in checked(await client.get("/shared"))
    assert (await client.post("/shared/leave")).status_code == 303
    assert "press-2" not in checked(await client.get("/shared"))
    ((text,),) = await plant.api.fill.run("select coalesce(string_agg(audit::text, ''), '') from audit")
    assert key[-64:] not in text
