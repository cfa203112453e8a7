"""Notes on stretches of series and assets: written by operators, seen within the reach, moved along, audited."""

import httpx

from tests.integration.api.service import Api, at, shown

SPAN = {"from": shown(at(0)), "to": shown(at(60))}


async def as_role(api: Api, role: str, name: str, reach: str = "**") -> dict[str, str]:
    key = await api.fill.key(role, name=name, reach=[reach])
    return {"Authorization": f"Bearer {key}"}


async def write(api: Api, headers: dict[str, str], **body: str) -> httpx.Response:
    return await api.client.post("/api/v1/notes", json=SPAN | body, headers=headers)


async def test_a_note_is_kept_found_and_removed_and_all_that_is_audited(api: Api):
    series_id = await api.fill.series("plant/press/current")
    await api.fill.run("insert into asset (path, kind) values ('plant', 'site'), ('plant/press', 'asset')")
    operator = await as_role(api, "operator", "wang")
    made = (await write(api, operator, path="plant/press/current", text=" 更换轴承 ")).json()
    assert (made["text"], made["who"], made["from_at"], made["is_series"]) == ("更换轴承", "wang", shown(at(0)), True)
    above = (await write(api, operator, path="plant", text="shift meeting")).json()
    assert (above["path"], above["is_series"]) == ("plant", False)

    async def texts(**parameters: str) -> list[str]:
        return [item["text"] for item in (await api.get("/notes", **parameters))["items"]]

    assert await texts() == ["shift meeting", "更换轴承"]
    assert await texts(about="plant/press/current", **SPAN) == ["shift meeting", "更换轴承"]
    assert await texts(about="plant/press") == ["shift meeting"]
    assert await texts(about="plant/pressed") == ["shift meeting"]
    assert await texts(about="other") == []
    assert await texts(**{"from": shown(at(61))}) == []
    assert await texts(to=shown(at(0))) == []
    # A note moves along with its series.
    await api.fill.run("update series set path = 'plant/other/current' where id = %s", series_id)
    assert (await api.get("/notes"))["items"][1]["path"] == "plant/other/current"
    pages = [page async for page in api.pages("/notes", limit=1)]
    assert [item["id"] for page in pages for item in page] == [above["id"], made["id"]]

    other = await as_role(api, "operator", "li")
    refused = await api.client.delete(f"/api/v1/notes/{made['id']}", headers=other)
    assert refused.status_code == 403
    engineer = await as_role(api, "engineer", "chen")
    for note_id, headers in ((made["id"], operator), (above["id"], engineer)):
        assert (await api.client.delete(f"/api/v1/notes/{note_id}", headers=headers)).status_code == 204
    assert await texts() == []
    audited = await api.fill.run("select principal, action, object from audit where action like 'note.%%' order by id")
    assert audited == [
        ("wang", "note.create", "plant/press/current"),
        ("wang", "note.create", "plant"),
        ("wang", "note.remove", "plant/other/current"),
        ("chen", "note.remove", "plant"),
    ]


async def test_who_sees_a_part_writes_and_reads_there_only(api: Api):
    for path in ("a/x", "b/x"):
        await api.fill.series(path)
    everywhere = await as_role(api, "operator", "wang")
    limited = await as_role(api, "operator", "li", "a/**")
    assert (await write(api, everywhere, path="b/x", text="hidden")).status_code == 201
    assert (await write(api, limited, path="b/x", text="no")).status_code == 404
    assert (await write(api, limited, path="a/x", text="mine")).status_code == 201
    seen = (await api.client.get("/api/v1/notes", headers=limited)).json()["items"]
    assert [item["text"] for item in seen] == ["mine"]
    hidden = next(item for item in (await api.get("/notes"))["items"] if item["text"] == "hidden")
    assert (await api.client.delete(f"/api/v1/notes/{hidden['id']}", headers=limited)).status_code == 404


async def test_wrong_notes_are_named(postgres_api: Api):
    await postgres_api.fill.series("a/x")
    operator = await as_role(postgres_api, "operator", "wang")
    viewer = await as_role(postgres_api, "viewer", "zhao")
    assert (await write(postgres_api, viewer, path="a/x", text="t")).status_code == 403
    for wrong, field in (
        ({"path": "a/x", "text": "  "}, "text"),
        ({"path": "a/x", "text": "t", "from": "x"}, "from"),
        ({"path": "a/x", "text": "t", "to": shown(at(-1))}, "to"),
        ({"path": "nowhere", "text": "t"}, "path"),
    ):
        answer = await write(postgres_api, operator, **wrong)
        assert answer.status_code in {404, 422}, answer.text
        assert answer.json()["field"] == field, answer.text
