"""Two presses and a robot with three days of samples and alarms; what is secret of them says so in its name."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.integration.api.service import GOOD, Api, Row, shown

LINE = "hangzhou/secret-shop/line-1"
PRESSES = (f"{LINE}/press-03", f"{LINE}/press-04")
ROBOT = f"{LINE}/robot-1"
DAY = timedelta(days=1)


def midnight(days_ago: int = 3) -> datetime:
    """The beginning of a day of UTC."""
    now = datetime.now(UTC)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - days_ago * DAY


@dataclass
class Plant:
    """An API on the plant, and who may do what with it."""

    api: Api
    start: datetime
    ids: dict[str, int] = field(default_factory=dict[str, int])

    def at(self, **hours: float) -> datetime:
        """An instant of the samples."""
        return self.start + timedelta(**hours)

    async def caller(self, role: str, **more: Any) -> dict[str, str]:
        """The header of a key with that role."""
        return {"Authorization": f"Bearer {await self.api.fill.key(role, **more)}"}

    async def ask(self, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response:
        """Ask and expect an answer that is none of the service's own faults."""
        answer = await self.api.client.request(method, f"/api/v1{path}", headers=headers, **more)
        assert answer.status_code < 500, (method, path, answer.text)
        return answer

    async def share(self, owner: dict[str, str], terms: dict[str, Any], name: str = "insurance") -> dict[str, Any]:
        """Make a share."""
        answer = await self.ask("POST", "/grants", owner, json={"name": name, "terms": terms})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def key(self, owner: dict[str, str], grant_id: int, **body: Any) -> dict[str, Any]:
        """Make a key of a share."""
        answer = await self.ask("POST", f"/grants/{grant_id}/keys", owner, json={"name": "Ann"} | body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def hours(self, first: int, last: int, **more: Any) -> dict[str, Any]:
        """Parameters of a window of whole hours."""
        return {"from": shown(self.at(hours=first)), "to": shown(self.at(hours=last)), **more}


def terms_of(**changes: Any) -> dict[str, Any]:
    """Terms of a share of the presses."""
    return {
        "provider": "Hangzhou Press Works",
        "recipient": "Harbour Insurance",
        "purpose_en": "Premium by use",
        "purpose_zh": "按使用情况计算保费",
        "assets": [{"path": f"{LINE}/press-*", "alias": "press-{n}"}],
        "tags": [
            {"path": "motor/running", "alias": "running", "aggregates": ["duration_in_state_non_zero", "count"]},
            {"path": "motor/load", "alias": "load", "aggregates": ["average"], "classes": [50, 80, 100]},
        ],
        "alarms": {"priorities": ["critical", "high"]},
        "floor": "1h",
        "window": {"last_days": 90},
        "budget": {"rows_per_day": 100_000},
        "expires_at": shown(datetime.now(UTC) + 30 * DAY),
    } | changes


async def build(api: Api) -> Plant:
    """Fill the database."""
    plant = Plant(api, midnight())
    fill = api.fill
    for path in (*PRESSES, ROBOT):
        await fill.run("insert into asset (path, kind) values (%s, 'asset')", path)
    for number, press in enumerate(PRESSES, start=1):
        running = plant.ids[f"running-{number}"] = await fill.series(f"{press}/motor/running", "bool", unit=None)
        load = plant.ids[f"load-{number}"] = await fill.series(f"{press}/motor/load", unit="%")
        current = plant.ids[f"current-{number}"] = await fill.series(f"{press}/motor/secret-current", unit="A")
        await fill.samples(running, running_samples(plant, number))
        await fill.samples(load, load_samples(plant, number))
        await fill.samples(current, [(plant.at(hours=1), 12.5, None, GOOD), (plant.at(hours=2), 13.5, None, GOOD)])
        for hour, priority in ((1.5, "high"), (1.75, "high"), (1.8, "low"), (4.5, "critical")):
            await raise_alarm(plant, f"{press}/motor/load", priority, plant.at(hours=hour))
    plant.ids["robot"] = await fill.series(f"{ROBOT}/motor/running", "bool")
    await fill.samples(plant.ids["robot"], running_samples(plant, 1))
    return plant


def running_samples(plant: Plant, number: int) -> list[Row]:
    """On for `number` quarters of each hour of three days."""
    rows: list[Row] = []
    for hour in range(72):
        rows.append((plant.at(hours=hour), 1.0, None, GOOD))
        rows.append((plant.at(hours=hour + number / 4), 0.0, None, GOOD))
    return rows


def load_samples(plant: Plant, number: int) -> list[Row]:
    """Each hour ten minutes of 95 and half an hour of 60, and 20 for the rest; the second press ten times as much."""
    rows: list[Row] = []
    for hour in range(72):
        for minute, value in ((0, 95.0), (10, 60.0), (40, 20.0)):
            rows.append((plant.at(hours=hour, minutes=minute), value + (number - 1) * 10, None, GOOD))
    return rows


async def raise_alarm(plant: Plant, path: str, priority: str, at: datetime) -> None:
    """A sealed row of the journal."""
    await plant.api.fill.run(
        "insert into alarm_journal (number, hash, alarm_id, alarm_version, definition_id, definition_version, path,"
        " condition, event, at, recorded_at, who, from_state, to_state, priority, status, message_en, message_zh,"
        " is_late)"
        " select coalesce(max(number), 0) + 1, 'x', %s, 1, %s, 1, %s, 'limit', 'raise', %s, now(), '', 'normal',"
        " 'unacknowledged', %s, 0, '', '', false from alarm_journal",
        *(uuid4(), uuid4(), path, at, priority),
    )
