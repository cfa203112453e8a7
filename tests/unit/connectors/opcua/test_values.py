"""Kinds, values, statuses and times of what a server sends."""

import json
import math
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import ReadResult
from connectors.opcua.config import SampleTime
from connectors.opcua.values import BAD_ENCODING_LIMITS_EXCEEDED, Columns, ValueDecoder, to_us
from schemas import status
from schemas.sample import MAX_TEXT_BYTES, Kind

TYPES = ua.VariantType
NAMESPACES = ["http://opcfoundation.org/UA/", "urn:server", "urn:plant;hall"]
SOURCE = datetime(2024, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)
SERVER = SOURCE + timedelta(seconds=1)
SOURCE_US = 1_709_208_000_123_456
ARRIVED_US = 1_800_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def taken(
    data: ua.DataValue, sample_time: SampleTime = SampleTime.SOURCE, counters: Counter[str] | None = None
) -> ReadResult:
    columns = Columns(ValueDecoder(NAMESPACES), sample_time, Counter() if counters is None else counters)
    columns.add(0, data, ARRIVED_US)
    return columns.result(None)


def decoded(value: Any, kind: Any) -> tuple[Kind, object]:
    return ValueDecoder(NAMESPACES).decode(ua.Variant(value, kind))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (TYPES.Boolean, True, (Kind.BOOL, True)),
        (TYPES.SByte, -128, (Kind.I64, -128)),
        (TYPES.Byte, 255, (Kind.U64, 255)),
        (TYPES.Int16, -1, (Kind.I64, -1)),
        (TYPES.UInt16, 1, (Kind.U64, 1)),
        (TYPES.Int32, -1, (Kind.I64, -1)),
        (TYPES.UInt32, 1, (Kind.U64, 1)),
        (TYPES.Int64, -(2**63), (Kind.I64, -(2**63))),
        (TYPES.UInt64, 2**64 - 1, (Kind.U64, 2**64 - 1)),
        (TYPES.Float, 0.5, (Kind.F32, 0.5)),
        (TYPES.Double, 1e308, (Kind.F64, 1e308)),
        (TYPES.String, "料筒", (Kind.STR, "料筒")),
        (TYPES.String, None, (Kind.STR, "")),
        (TYPES.ByteString, b"\x00\xff", (Kind.STR, "AP8=")),
        (TYPES.DateTime, SOURCE, (Kind.STR, "2024-02-29T12:00:00.123456Z")),
        (TYPES.Guid, uuid.UUID(int=1), (Kind.STR, "00000000-0000-0000-0000-000000000001")),
        (TYPES.StatusCode, ua.StatusCode(0x80010000), (Kind.U64, 0x80010000)),
        (TYPES.QualifiedName, ua.QualifiedName("Pump", 2), (Kind.STR, "Pump")),
        (TYPES.LocalizedText, ua.LocalizedText("泵", "zh"), (Kind.STR, "泵")),
        (TYPES.NodeId, ua.NodeId("Pump", 2), (Kind.STR, "nsu=urn:plant%3Bhall;s=Pump")),
        (TYPES.NodeId, ua.NodeId(7, 9), (Kind.STR, "nsu=urn:unknown-namespace:9;i=7")),
        (TYPES.Null, None, (Kind.NONE, None)),
    ],
)
def test_each_type_has_its_kind(kind: Any, value: Any, expected: tuple[Kind, object]) -> None:
    assert decoded(value, kind) == expected


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_stay_so(number: float) -> None:
    kind, value = decoded(number, TYPES.Double)
    assert kind is Kind.F64
    assert str(value) == str(number)
    assert decoded([number, 1.0], TYPES.Double)[1] in ('["NaN",1.0]', '["Infinity",1.0]', '["-Infinity",1.0]')


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (TYPES.Int64, [2**63 - 1, -1], [2**63 - 1, -1]),
        (TYPES.Double, [[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [3.0, 4.0]]),
        (TYPES.String, ["温", None], ["温", None]),
        (TYPES.ByteString, [b"\xff"], ["/w=="]),
        (TYPES.DateTime, [SOURCE], ["2024-02-29T12:00:00.123456Z"]),
        (TYPES.Double, [], []),
        (TYPES.ExtensionObject, ua.Range(Low=1.0, High=2.0), {"Low": 1.0, "High": 2.0}),
        (
            TYPES.ExtensionObject,
            ua.EUInformation(
                NamespaceUri="u", UnitId=1, DisplayName=ua.LocalizedText("°C"), Description=ua.LocalizedText()
            ),
            {"NamespaceUri": "u", "UnitId": 1, "DisplayName": "°C", "Description": ""},
        ),
        (
            TYPES.ExtensionObject,
            ua.ExtensionObject(TypeId=ua.NodeId(5001, 2), Body=b"\x01"),
            {"encoding": "nsu=urn:plant%3Bhall;i=5001", "body": "AQ=="},
        ),
        (TYPES.Variant, [ua.Variant(True, TYPES.Boolean), ua.Variant(3, TYPES.Byte)], [True, 3]),
    ],
)
def test_arrays_and_structures_are_json(kind: Any, value: Any, expected: Any) -> None:
    found, text = decoded(value, kind)
    assert found is Kind.JSON
    assert json.loads(str(text)) == expected


def test_an_enumeration_inside_a_structure_is_a_number() -> None:
    argument = ua.BuildInfo(ProductUri="p", BuildDate=SOURCE)
    assert json.loads(str(decoded(argument, TYPES.ExtensionObject)[1]))["BuildDate"] == "2024-02-29T12:00:00.123456Z"
    state = ua.ServerStatusDataType(State=ua.ServerState.Suspended, StartTime=SOURCE, CurrentTime=SOURCE)
    assert json.loads(str(decoded(state, TYPES.ExtensionObject)[1]))["State"] == 3


@given(st.binary(max_size=50))
def test_text_can_always_be_sent_on(raw: bytes) -> None:
    _, text = decoded(raw.decode(errors="surrogateescape"), TYPES.String)
    assert str(text).encode().decode() == raw.decode(errors="replace") or b"\xef\xbf\xbd" in str(text).encode()


@given(st.integers(0, status.MAX_STATUS))
def test_every_bit_of_the_status_is_kept(code: int) -> None:
    result = taken(ua.DataValue(ua.Variant(1.0, TYPES.Double), ua.StatusCode(code), SourceTimestamp=SOURCE))
    assert result.statuses == [code]
    assert result.values == ([None] if status.is_bad(code) else [1.0])
    assert result.kinds == ([Kind.NONE] if status.is_bad(code) else [Kind.F64])


def test_overflow_is_counted() -> None:
    counters: Counter[str] = Counter()
    taken(ua.DataValue(ua.Variant(1.0), ua.StatusCode(status.INFO_OVERFLOW), SourceTimestamp=SOURCE), counters=counters)
    taken(ua.DataValue(ua.Variant(1.0), ua.StatusCode(0x80), SourceTimestamp=SOURCE), counters=counters)
    assert counters["overflows"] == 1


@pytest.mark.parametrize(
    ("variant", "why"),
    [
        (ua.Variant(None), status.BAD_NO_DATA),
        (ua.Variant("x" * (MAX_TEXT_BYTES + 1), TYPES.String), BAD_ENCODING_LIMITS_EXCEEDED),
        (ua.Variant("温" * (MAX_TEXT_BYTES // 3 + 1), TYPES.String), BAD_ENCODING_LIMITS_EXCEEDED),
        (ua.Variant([0] * MAX_TEXT_BYTES, TYPES.Byte), BAD_ENCODING_LIMITS_EXCEEDED),
        (ua.Variant([object()], TYPES.Variant), status.BAD_DECODING_ERROR),
    ],
)
def test_what_cannot_be_sent_on_says_why(variant: ua.Variant, why: int) -> None:
    result = taken(ua.DataValue(variant, SourceTimestamp=SOURCE))
    assert (result.kinds, result.values, result.statuses) == ([Kind.NONE], [None], [why])
    assert result.times_us == [SOURCE_US]


def test_the_longest_text_passes() -> None:
    assert taken(ua.DataValue(ua.Variant("x" * MAX_TEXT_BYTES, TYPES.String))).statuses == [status.GOOD]


@pytest.mark.parametrize(
    ("sample_time", "source", "server", "expected", "counted"),
    [
        (SampleTime.SOURCE, SOURCE, SERVER, SOURCE_US, {}),
        (SampleTime.SOURCE, None, SERVER, SOURCE_US + 1_000_000, {"stamped_by_server": 1}),
        (SampleTime.SOURCE, datetime(1601, 1, 1, tzinfo=UTC), None, ARRIVED_US, {"stamped_by_us": 1}),
        (SampleTime.SOURCE, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), None, ARRIVED_US, {"stamped_by_us": 1}),
        (SampleTime.SERVER, SOURCE, SERVER, SOURCE_US + 1_000_000, {"stamped_by_server": 1}),
        (SampleTime.SERVER, SOURCE, None, ARRIVED_US, {"stamped_by_us": 1}),
        (SampleTime.RECEIVED, SOURCE, SERVER, ARRIVED_US, {"stamped_by_us": 1}),
    ],
)
def test_the_clock_that_stamps(
    sample_time: SampleTime, source: Any, server: Any, expected: int, counted: dict[str, int]
) -> None:
    counters: Counter[str] = Counter()
    data = ua.DataValue(ua.Variant(1.0), SourceTimestamp=source, ServerTimestamp=server)
    assert taken(data, sample_time, counters).times_us == [expected]
    assert counters == counted


@given(st.datetimes(datetime(1602, 1, 1), datetime(9000, 1, 1)))  # noqa: DTZ001 hypothesis adds the zone below
def test_times_keep_every_microsecond(moment: datetime) -> None:
    aware = moment.replace(tzinfo=UTC)
    microseconds = to_us(aware)
    assert microseconds is not None
    assert EPOCH + timedelta(microseconds=microseconds) == aware
