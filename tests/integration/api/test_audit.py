"""Who did what, for who may know it."""

from tests.integration.api.service import Api


async def test_changes_are_listed_newest_first_with_before_and_after(api: Api):
    fill, client = api.fill, api.client
    series_id = await fill.series("a/b", unit="V")
    engineer = {"Authorization": f"Bearer {await fill.key('engineer')}"}
    for unit in ("A", "kA"):
        await client.patch(f"/api/v1/series/{series_id}", json={"unit": unit}, headers=engineer)
    await client.post("/api/v1/login", json={"name": "nobody", "password": "wrong"})
    auditor = {"Authorization": f"Bearer {await fill.key('auditor')}"}
    page = (await client.get("/api/v1/audit", headers=auditor)).json()
    assert [(row["action"], row["who"]) for row in page["items"]] == [
        ("login.refuse", "unknown"),
        ("series.change", "test-engineer"),
        ("series.change", "test-engineer"),
    ]
    assert page["items"][1]["detail"] == {"from": {"unit": "A"}, "to": {"unit": "kA"}}
    assert page["items"][1]["subject"] == str(series_id)
    assert "wrong" not in str(page)

    async def ids(**parameters: str | int) -> list[int]:
        answer = await client.get("/api/v1/audit", params=parameters, headers=auditor)
        return [row["id"] for row in answer.json()["items"]]

    newest, second, first = (row["id"] for row in page["items"])
    assert await ids(action="series.") == [second, first]
    assert await ids(who="unknown") == [newest]
    assert await ids(subject=str(series_id), limit=1) == [second]
    assert await ids(to=page["items"][2]["at"]) == []
    assert await ids(**{"from": page["items"][1]["at"]}) == [newest, second]
    begun = (await client.get("/api/v1/audit", params={"limit": 2}, headers=auditor)).json()
    rest = await client.get("/api/v1/audit", params={"limit": 2, "cursor": begun["next"]}, headers=auditor)
    assert [row["id"] for row in rest.json()["items"]] == [first]
    assert (await client.get("/api/v1/audit", headers=engineer)).status_code == 403
    assert (await ids(outcome="refused"))[1:] == [newest]
    assert await ids(address="198.51.100.1") == []
    table = await client.get("/api/v1/audit", params={"action": "series."}, headers=auditor | {"Accept": "text/csv"})
    assert [line.split(",")[5] for line in table.text.splitlines()] == ["action", "series.change", "series.change"]
    wrong = await client.get("/api/v1/audit", params={"action": "' or 1=1"}, headers=auditor)
    assert (wrong.status_code, wrong.json()["field"]) == (400, "action")
