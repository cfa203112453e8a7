"""Pages of the journal as CSV, Arrow and Parquet say what JSON says, in columns of one type."""

import csv
import io
import re
from typing import Any

import arro3.io
import nanoarrow
from nanoarrow.ipc import InputStream

from cloud_api.alarms.duty import LEASE
from cloud_api.alarms.journal.sealing import JOURNAL_TABLE
from cloud_api.formats.accept import Format
from cloud_api.leases import LeaseKeeper, LeaseTimes, Ownership, new_owner
from cloud_api.sealing.sealer import seal
from cloud_api.storage.pool import Pool
from tests.integration.alarms.desk import Desk
from tests.integration.alarms.plant import CLEAR, transition


def arrow_rows(data: bytes) -> list[dict[str, Any]]:
    stream = nanoarrow.ArrayStream(InputStream.from_readable(io.BytesIO(data)))
    rows: list[dict[str, Any]] = stream.read_all().to_pylist()
    return rows


async def test_every_format_has_the_same_rows(desk: Desk, postgres_pool: Pool):
    alarm = await desk.raised()
    await desk.done(f"{alarm}/comment", {"comment": '=1+1, "quoted"\n二行'})
    await desk.happen(transition(CLEAR, 60, value=None, status=0x80000000))
    mine = Ownership(LEASE, new_owner())
    await LeaseKeeper(postgres_pool, mine, LeaseTimes()).acquire()
    await seal(postgres_pool, mine, JOURNAL_TABLE)
    items = (await desk.api.get("/alarms/journal"))["items"]

    async def content(accept: Format, **parameters: Any) -> Any:
        headers = {"Accept": accept.value}
        answer = await desk.api.client.get("/api/v1/alarms/journal", headers=headers, params=parameters)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(accept.value)
        return answer

    rows = list(csv.DictReader(io.StringIO((await content(Format.CSV)).text)))
    plain = [{name: value for name, value in item.items() if name != "message"} for item in items]
    written = [{name: _text(value) for name, value in item.items()} for item in plain]
    assert [dict(row) for row in rows] == written
    for_excel = await content(Format.CSV, excel="true")
    assert for_excel.text.startswith("\ufeff")
    assert "\"'=1+1" in for_excel.text
    arrow = arrow_rows((await content(Format.ARROW)).content)
    assert [row["number"] for row in arrow] == [3, 2, 1]
    assert [(row["value"], row["status"], row["late"]) for row in arrow] == [
        (item["value"], item["status"], item["late"]) for item in items
    ]
    assert arrow_rows((await content(Format.ARROW, path="nowhere/**")).content) == []
    parquet = arro3.io.read_parquet(io.BytesIO((await content(Format.PARQUET)).content)).read_all()
    assert parquet.num_rows == 3
    # The next page is where the header says.
    first = await content(Format.CSV, limit=2)
    match = re.fullmatch(r'<(.+)>; rel="next"', first.headers["link"])
    assert match
    rest = await desk.api.client.get(match[1], headers={"Accept": "text/csv"})
    assert [row["number"] for row in csv.DictReader(io.StringIO(rest.text))] == ["1"]
    assert "link" not in rest.headers
    refused = await desk.api.refused("GET", "/alarms/journal", headers={"Accept": "image/png"})
    assert refused["status"] == 406


def _text(value: Any) -> str:
    if value is None:
        return ""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
