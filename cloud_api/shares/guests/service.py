"""What a guest is answered: the share itself, its series, and reads that are weighed, written down and delivered."""

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud_api.formats.table import Table
from cloud_api.instants import to_datetime
from cloud_api.problems import Kinds, Problem, not_found
from cloud_api.query.cost import Budget
from cloud_api.settings import CloudSettings
from cloud_api.shares.guard import open_window
from cloud_api.shares.guests.delivery import Part, deliver
from cloud_api.shares.guests.guest import Guest, Visit, ended, left, let_in, write_refusal
from cloud_api.shares.guests.models import (
    AlarmParameters,
    ClassParameters,
    DataParameters,
    SharedDescription,
    SharedSeriesItem,
    SharedSeriesList,
    SharedWindow,
)
from cloud_api.shares.guests.questions import (
    Asked,
    Offer,
    check_rows,
    choose_aggregates,
    choose_priorities,
    choose_series,
    read_asked,
)
from cloud_api.shares.guests.tables import Making, alarm_parts, class_parts, data_parts
from cloud_api.storage.catalog import select_series_by_ids
from cloud_api.storage.pool import Pool
from cloud_api.storage.share_reads import select_shared_aliases, shared_transaction
from cloud_api.storage.shares import select_share_series


@dataclass(frozen=True, slots=True)
class Answer:
    """A read that has been let in: what stands before its rows, and the rows."""

    head: Mapping[str, Any]
    tables: AsyncGenerator[Table]
    rows: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Serves one guest."""

    pool: Pool
    guest: Guest
    settings: CloudSettings

    async def describe(self, what: str = "describe") -> SharedDescription:
        """What the share is."""
        terms, share = self.guest.terms, self.guest.share
        opened = open_window(terms, _now_us())
        offers, assets = await self._content(what)
        return SharedDescription(
            name=share.name,
            provider=terms.provider,
            recipient=terms.recipient,
            purpose_en=terms.purpose_en,
            purpose_zh=terms.purpose_zh,
            expires_at=share.expires_at,
            floor=terms.floor,
            time_zone=terms.time_zone,
            settle_minutes=terms.settle_minutes,
            least_samples=terms.least_samples,
            window=SharedWindow.model_validate({"from": to_datetime(opened.from_us), "to": to_datetime(opened.to_us)}),
            series_count=len(offers),
            asset_count=len(assets),
            alarm_priorities=terms.alarms.priorities if terms.alarms else [],
            rows_per_day=share.rows_per_day,
            rows_total=share.rows_total,
            rows_left=left(share),
            version=share.version,
        )

    async def list_series(self) -> SharedSeriesList:
        """The series by the names that they have outside."""
        tags = self.guest.terms.tags
        offers, assets = await self._content("series")
        items = [
            SharedSeriesItem(
                series=each.alias,
                unit=each.unit,
                aggregates=tags[each.tag].aggregates,
                classes=tags[each.tag].classes,
            )
            for each in offers
        ]
        return SharedSeriesList(items=items, assets=assets)

    async def read_data(self, parameters: DataParameters) -> Answer:
        """Aggregates of series."""
        question = parameters.model_dump(mode="json", by_alias=True)
        try:
            making = self._making(parameters)
            series = choose_series(await self._offers(), parameters.series)
            aggregates = choose_aggregates(self.guest.terms, series, parameters.aggregate)
            parts = data_parts(making, series, aggregates)
        except Problem as problem:
            await self._refuse("data", question, problem)
            raise
        return await self._answer("data", question, making.asked, parts)

    async def read_classes(self, parameters: ClassParameters) -> Answer:
        """Time in classes of series."""
        question = parameters.model_dump(mode="json", by_alias=True)
        try:
            making = self._making(parameters)
            tags = self.guest.terms.tags
            chosen = choose_series(await self._offers(), parameters.series)
            series = [each for each in chosen if tags[each.tag].classes is not None]
            if not series:
                raise not_found("series with classes in this share", "series", parameters.series)
            parts = class_parts(making, series)
        except Problem as problem:
            await self._refuse("classes", question, problem)
            raise
        return await self._answer("classes", question, making.asked, parts)

    async def count_alarms(self, parameters: AlarmParameters) -> Answer:
        """How often alarms were raised."""
        question = parameters.model_dump(mode="json", by_alias=True)
        try:
            making = self._making(parameters)
            priorities = choose_priorities(self.guest.terms, parameters.priority)
            async with shared_transaction(self.pool, self.guest.share.id) as connection:
                assets = await select_shared_aliases(connection)
            parts = alarm_parts(making, assets, priorities)
        except Problem as problem:
            await self._refuse("alarms", question, problem)
            raise
        return await self._answer("alarms", question, making.asked, parts)

    async def _answer(self, what: str, question: Mapping[str, Any], asked: Asked, parts: Sequence[Part]) -> Answer:
        rows = sum(part.rows for part in parts)
        try:
            check_rows(rows, self.settings.query_max_rows)
        except Problem as problem:
            await self._refuse(what, question, problem)
            raise
        visit: Visit = await let_in(self.pool, self.guest, what, question, rows)
        head = {"share": self.guest.share.name, **asked.plain(), "time_zone": self.guest.terms.time_zone}
        return Answer(head, deliver(self.pool, visit, parts), rows)

    async def _content(self, what: str) -> tuple[list[Offer], list[str]]:
        visit = await let_in(self.pool, self.guest, what, {}, 0)
        async for _ in deliver(self.pool, visit, []):
            pass
        async with shared_transaction(self.pool, self.guest.share.id) as connection:
            assets = await select_shared_aliases(connection)
        return await self._offers(), assets

    async def _offers(self) -> list[Offer]:
        """Which tag each series is of its owner's list says; everything else comes from what is shared."""
        async with self.pool.connection() as connection:
            tags = {row.series_id: row.tag for row in await select_share_series(connection, self.guest.share.id)}
        async with shared_transaction(self.pool, self.guest.share.id) as connection:
            rows = await select_series_by_ids(connection, list(tags))
        return [Offer(row.id, row.path, row.unit, tags[row.id]) for row in rows]

    def _making(self, parameters: DataParameters | ClassParameters | AlarmParameters) -> Making:
        reason = ended(self.guest.share)
        if reason is not None:
            raise Problem(Kinds.SHARE_ENDED, reason)
        now_us, most = _now_us(), self.settings.query_max_rows
        window = (parameters.from_, parameters.to)
        asked = read_asked(self.guest.terms, window, parameters.interval, now_us, most)
        budget = Budget(self.settings.query_max_samples, most, self.settings.query_timeout_s)
        return Making(self.guest.terms, asked, budget, now_us)

    async def _refuse(self, what: str, question: Mapping[str, Any], problem: Problem) -> None:
        await write_refusal(self.pool, self.guest, what, question, problem)


def _now_us() -> int:
    return time.time_ns() // 1000
