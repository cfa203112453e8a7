"""The worked example of docs/shares.md, word for word against a real process; and every way out of it is shut."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fixtures.processes import Processes, find_free_port
from tests.integration.api.service import shown
from tests.integration.api.test_process import cloud, ready
from tests.integration.shares.plant import Plant

PAGE = (Path(__file__).parents[3] / "docs/shares.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0]
PREVIEW, MAKE, KEY, DESCRIBE, SERIES, DATA, CLASSES, ALARMS, READS, PAUSE, REVOKE = re.findall(
    r"^curl .*$", PAGE, re.MULTILINE
)


@dataclass
class Desk:
    """The cloud over real HTTP, and the words that stand for something in the commands of the page."""

    client: httpx.AsyncClient
    plant: Plant
    words: dict[str, str]

    async def curl(self, command: str) -> httpx.Response:
        """Do what a command of the page does."""
        for name, value in self.words.items():
            command = command.replace(f"${name}", value)
        assert "$" not in command
        method, body = None, None
        headers: dict[str, str] = {}
        arguments = iter(shlex.split(command)[1:])
        rest: list[str] = []
        for argument in arguments:
            if argument == "-H":
                name, _, value = next(arguments).partition(": ")
                headers[name] = value
            elif argument == "-d":
                given = next(arguments)
                body = EXAMPLE if given == "@insurer.json" else given
            elif argument == "-X":
                method = next(arguments)
            else:
                rest.append(argument)
        (address,) = rest
        verb = method or ("GET" if body is None else "POST")
        return await self.client.request(verb, address, headers=headers, content=body)

    async def ask(self, path: str, **parameters: Any) -> httpx.Response:
        """Ask with the insurer's key."""
        headers = {"Authorization": f"Bearer {self.words['KEY']}"}
        return await self.client.get(f"{self.words['CLOUD']}/api/v1{path}", headers=headers, params=parameters)

    async def refused(self, kind: str, path: str, **parameters: Any) -> None:
        """Ask and expect that refusal, which names nothing of the plant."""
        answer = await self.ask(path, **parameters)
        assert answer.status_code >= 400, (path, parameters, answer.text)
        assert answer.json()["type"] == f"urn:millstream:problem:{kind}", (path, parameters, answer.text)
        assert "press-03" not in answer.text
        assert "secret-" not in answer.text.replace(str(parameters.get("series")), "")

    def day(self, first: int = 0, last: int = 48) -> dict[str, str]:
        """Whole days, in hours of the samples."""
        return {"from": shown(self.plant.at(hours=first)), "to": shown(self.plant.at(hours=last))}


@pytest.fixture
async def desk(plant: Plant, processes: Processes) -> AsyncGenerator[Desk]:
    """A process on the plant's database, and a steward's key."""
    run = plant.api.fill.run
    ((template,),) = await run("insert into asset_template (name) values ('press') returning id")
    await run("update asset set template_id = %s where path like '%%press-0_'", template)
    port = find_free_port()
    child = cloud(processes, plant.api.fill.url, port).start()
    child.wait_for(lambda: ready(port)[0] == 200, "is ready")
    window = {"FROM": shown(plant.at(hours=0)), "TO": shown(plant.at(hours=48))}
    words = {"CLOUD": f"http://127.0.0.1:{port}", "STEWARD": await plant.api.fill.key("steward")} | window
    async with httpx.AsyncClient(timeout=60) as client:
        yield Desk(client, plant, words)


async def begin(desk: Desk) -> None:
    """Steps 1 and 2 of the page."""
    preview = await desk.curl(PREVIEW)
    assert [each["alias"] for each in preview.json()["assets"]] == ["press-1", "press-2"], preview.text
    made = await desk.curl(MAKE)
    assert made.status_code == 201, made.text
    desk.words["GRANT"] = str(made.json()["id"])
    key = await desk.curl(KEY)
    assert key.status_code == 201, key.text
    desk.words["KEY"] = key.json()["key"]


async def test_the_page_word_for_word(desk: Desk):
    await begin(desk)
    described = (await desk.curl(DESCRIBE)).json()
    assert described["floor"] == "1h"
    assert described["rows_left"] == 50_000
    series = (await desk.curl(SERIES)).json()
    assert [each["series"] for each in series["items"]] == [
        "press-1/load",
        "press-1/running",
        "press-2/load",
        "press-2/running",
    ]
    data = (await desk.curl(DATA)).text.splitlines()
    assert data[0] == "series,time,duration_in_state_non_zero,status"
    assert data[1].split(",")[0::2] == ["press-1/running", "900000.0"]
    assert len(data) == 1 + 2 * 48
    classes = [line.split(",") for line in (await desk.curl(CLASSES)).text.splitlines()]
    seconds = {(row[0], row[2]): float(row[5]) for row in classes[1:] if row[1] == desk.words["FROM"]}
    # 20, 60 and 95 for a third, a half and a sixth of each hour; the other press always ten more.
    assert [seconds["press-1/load", each] / 3600 for each in "12345"] == [8.0, 0.0, 12.0, 4.0, 0.0]
    assert [seconds["press-2/load", each] / 3600 for each in "12345"] == [0.0, 8.0, 12.0, 0.0, 4.0]
    alarms = (await desk.curl(ALARMS)).json()
    assert [row for row in alarms["rows"] if row[3]] == [
        [asset, desk.words["FROM"], priority, count]
        for asset in ("press-1", "press-2")
        for priority, count in (("critical", 1), ("high", 2))
    ]
    reads = (await desk.curl(READS)).json()["items"]
    assert {read["address"] for read in reads} == {"127.0.0.1"}
    assert [(read["what"], read["rows"]) for read in reads][:3] == [("alarms", 8), ("classes", 24), ("data", 96)]
    assert (await desk.curl(PAUSE)).json()["state"] == "paused"
    assert (await desk.curl(DESCRIBE)).status_code == 403
    assert (await desk.curl(REVOKE)).json()["state"] == "revoked"
    assert (await desk.curl(DATA)).json()["type"] == "urn:millstream:problem:share-ended"
    actions = await desk.plant.api.fill.run("select action from audit where action like 'grant%%' order by id")
    assert [action for (action,) in actions] == ["grant.create", "grant.key_create", "grant.pause", "grant.revoke"]


async def test_no_way_out_of_it(desk: Desk):
    """One process, a share of its own for each attempt."""
    for attempt in (other_questions, requests_at_once, keys_that_end, changed_terms):
        await begin(desk)
        await attempt(desk)


async def other_questions(desk: Desk) -> None:
    """Raw samples, finer, other series, other windows."""
    plant, day = desk.plant, desk.day()
    hour = desk.day(1, 2)
    # Raw samples, the API of the plant, other series.
    ids = plant.ids
    for path in ("/series", f"/series/{ids['load-1']}/samples", "/latest", "/alarms", "/grants", "/audit", "/stream"):
        await desk.refused("key-invalid", path)
    for series in ("**/secret-current", "hangzhou/**", "press-1/motor/running", str(ids["load-1"]), "press-3/*"):
        await desk.refused("not-found", "/shared/data", series=series, **day)
    for aggregate in ("average", "count", "minimum", "start"):
        await desk.refused("parameter-invalid", "/shared/data", series="*/running", aggregate=aggregate, **day)
    await desk.refused("not-found", "/shared/data", series="*/load", **day)
    await desk.refused("not-found", "/shared/classes", series="*/running", **day)
    await desk.refused("parameter-invalid", "/shared/alarms", priority="low", **day)
    # Finer, and moved a little, so that a difference would be finer.
    for interval in ("1m", "59m", "90m", "3599s", "30m", "06:00-14:00"):
        await desk.refused("parameter-invalid", "/shared/data", series="*/running", interval=interval, **day)
    for moved in (
        {"from": shown(plant.at(hours=1, minutes=1)), "to": hour["to"]},
        {"from": hour["from"], "to": shown(plant.at(hours=2, seconds=1))},
        {"from": shown(plant.at(hours=1, microseconds=1)), "to": shown(plant.at(hours=2, microseconds=1))},
    ):
        await desk.refused("parameter-invalid", "/shared/classes", **moved)
    # An interval that divides the day: 01:00 cuts it on every date (seven hours begin at 01:00 on one day of seven).
    await desk.refused("parameter-invalid", "/shared/data", series="*/running", interval="4h", **desk.day(1, 5))
    # Outside the window, before and after; what has not ended.
    await desk.refused("parameter-invalid", "/shared/data", **desk.day(-100 * 24, 0))
    await desk.refused("parameter-invalid", "/shared/data", **desk.day(0, 24 * 5))
    await desk.refused("parameter-invalid", "/shared/alarms", **desk.day(72, 24 * 3 + 25))
    # Other ways to weigh samples, and what the query service knows beside.
    for more in (
        {"stepped": "true"},
        {"treat_uncertain_as_bad": "false"},
        {"as_of": hour["to"]},
        {"resolution": "raw"},
    ):
        await desk.refused("parameter-invalid", "/shared/data", **hour, **more)
    for path in ("/shared/samples", "/shared/latest", "/shared/query"):
        assert (await desk.ask(path, **hour)).status_code == 404
    reads = (await desk.curl(READS)).json()["items"]
    refused = [read for read in reads if read["outcome"] not in {"done", "running"}]
    assert len(refused) > 15
    assert all(read["rows"] == 0 for read in refused)


async def requests_at_once(desk: Desk) -> None:
    """More rows than are left, by requests at once; over midnight once more, for each day has rows of its own."""
    day = datetime.now(UTC).date()
    await desk.plant.api.fill.run("update share set rows_per_day = 100 where id = %s", int(desk.words["GRANT"]))
    window = desk.day(0, 15)
    answers = await asyncio.gather(*(desk.ask("/shared/data", series="press-1/running", **window) for _ in range(12)))
    rows_left = (await desk.curl(DESCRIBE)).json()["rows_left"]
    if datetime.now(UTC).date() != day:
        await begin(desk)
        return await requests_at_once(desk)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 6 + [429] * 6
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert refusal.json()["type"] == "urn:millstream:problem:share-spent"
    assert refusal.json()["left"] == 10
    assert int(refusal.headers["retry-after"]) <= 86_401
    assert rows_left == 10
    ((spent, noted),) = await desk.plant.api.fill.run(
        "select spent_rows, (select sum(row_count) from share_read where share_id = %s) from share where id = %s",
        *(int(desk.words["GRANT"]), int(desk.words["GRANT"])),
    )
    assert spent == noted == 90
    return None


async def keys_that_end(desk: Desk) -> None:
    """Keys rotated, expired, revoked."""
    run = desk.plant.api.fill.run
    steward = {"Authorization": f"Bearer {desk.words['STEWARD']}"}
    keys = f"{desk.words['CLOUD']}/api/v1/grants/{desk.words['GRANT']}/keys"
    ((key_id,),) = await run("select id from share_key where share_id = %s", int(desk.words["GRANT"]))
    rotated = (await desk.client.post(f"{keys}/{key_id}/rotate", headers=steward, json={"overlap_hours": 1})).json()
    assert (await desk.ask("/shared")).status_code == 200
    await run("update share_key set expires_at = now() where id = %s", key_id)
    assert "has expired" in (await desk.ask("/shared")).json()["detail"]
    desk.words["KEY"] = rotated["key"]
    assert (await desk.ask("/shared")).status_code == 200
    removed = await desk.client.delete(f"{keys}/{rotated['grant_key']['id']}", headers=steward)
    assert removed.status_code == 204
    assert "was revoked" in (await desk.ask("/shared")).json()["detail"]
    listed = await desk.client.get(keys, headers=steward)
    assert [each["state"] for each in listed.json()["items"]] == ["expired", "revoked"]
    ((kept,),) = await run("select string_agg(share_key::text, '') from share_key")
    assert desk.words["KEY"][-64:] not in kept
    ((audited,),) = await run("select string_agg(detail::text, '') from audit")
    assert desk.words["KEY"][-64:] not in audited + listed.text


async def changed_terms(desk: Desk) -> None:
    """Coarser terms, and the end."""
    grant = f"{desk.words['CLOUD']}/api/v1/grants/{desk.words['GRANT']}"
    steward = {"Authorization": f"Bearer {desk.words['STEWARD']}"}
    body = json.loads(EXAMPLE) | {"version": 1}
    body["terms"]["floor"] = "1d"
    changed = await desk.client.put(grant, headers=steward, json=body)
    assert changed.json()["version"] == 2, changed.text
    assert (await desk.client.put(grant, headers=steward, json=body)).json()["type"].endswith("version-conflict")
    await desk.refused("parameter-invalid", "/shared/data", series="*/running", interval="1h", **desk.day())
    assert (await desk.ask("/shared/data", series="*/running", interval="1d", **desk.day())).status_code == 200
    versions = (await desk.client.get(f"{grant}/versions", headers=steward)).json()["items"]
    assert [each["terms"]["floor"] for each in versions] == ["1d", "1h"]
    await desk.plant.api.fill.run("update share set expires_at = now() where id = %s", int(desk.words["GRANT"]))
    await desk.refused("share-ended", "/shared/data", series="*/running", **desk.day())
    assert (await desk.client.get(grant, headers=steward)).json()["state"] == "expired"
