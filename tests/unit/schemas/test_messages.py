"""Acknowledgements, statuses, health and catalogs in JSON."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ack import Ack, HoldReason, decode_ack, encode_ack
from schemas.agent_status import (
    AgentState,
    ConfigSummary,
    DeviceHealth,
    DeviceState,
    HealthMessage,
    StatusMessage,
    decode_health,
    decode_status,
    encode_health,
    encode_status,
)
from schemas.catalog import CatalogPart, TagDescription, decode_catalog_part, encode_catalog_part
from schemas.errors import BatchTooLarge, MessageInvalid
from schemas.limits import MAX_WIRE_BYTES
from schemas.sample import Kind
from tests.unit.schemas.strategies import EPOCHS, SEQS

EPOCH = bytes(range(16))
NOW = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
REASONS = st.tuples(SEQS, st.text(max_size=20))


@given(
    st.builds(
        Ack,
        epoch=EPOCHS,
        through=st.just(0) | SEQS,
        also=st.lists(st.tuples(SEQS, SEQS), max_size=3).map(tuple),
        rejected=st.lists(REASONS, max_size=3).map(tuple),
        hold=st.lists(REASONS, max_size=3).map(tuple),
        dictionary=st.none() | st.binary(min_size=8, max_size=8),
        is_resume=st.booleans(),
    )
)
def test_ack_round_trips(ack: Ack) -> None:
    assert decode_ack(encode_ack(ack)) == ack


def test_ack_on_the_wire() -> None:
    ack = Ack(EPOCH, 7, ((9, 12),), ((8, "crc_mismatch"),), ((13, HoldReason.DICT_UNKNOWN),), bytes(8), is_resume=True)
    assert json.loads(encode_ack(ack)) == {
        "epoch": "000102030405060708090a0b0c0d0e0f",
        "through": 7,
        "also": [[9, 12]],
        "rejected": [[8, "crc_mismatch"]],
        "hold": [[13, "dict_unknown"]],
        "dict": "0000000000000000",
        "resume": True,
    }


def test_ack_of_a_later_cloud_is_read() -> None:
    assert decode_ack(b'{"epoch":"' + b"0" * 32 + b'","through":3,"dict":null,"new":1}') == Ack(bytes(16), 3)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"epoch":"00"}',
        b'{"epoch":"' + b"0" * 32 + b'","through":-1}',
        b'{"epoch":"' + b"0" * 32 + b'","also":[[1]]}',
        b'{"epoch":"' + b"0" * 32 + b'","dict":"00"}',
        b'{"epoch":' + b"[" * 100_000,
    ],
)
def test_broken_ack_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageInvalid, match="ack"):
        decode_ack(payload)


def test_status_round_trips_and_is_plain_json() -> None:
    message = StatusMessage(AgentState.ONLINE, "boot-1", "0.1.0", NOW, "rev-7", ConfigSummary("ab12", 1, 1, 9))
    assert decode_status(encode_status(message)) == message
    assert json.loads(encode_status(message)) == {
        "state": "online",
        "boot_id": "boot-1",
        "version": "0.1.0",
        "boot_at": "2026-03-01T12:30:15.250000Z",
        "config_revision": "rev-7",
        "config": {"digest": "ab12", "files": 1, "devices": 1, "tags": 9, "kinds": {}, "written_at": None},
    }


def test_status_and_health_of_agents_before_this_one_are_read() -> None:
    old = b'{"state":"online","boot_id":"b","version":"0.1.0","boot_at":"2026-03-01T12:30:15Z","config_revision":"r"}'
    assert decode_status(old).config is None
    old = b'{"boot_id":"b","sent_at":"2026-03-01T12:30:15Z","backlog_batches":0,"backlog_bytes":0,"devices":[]}'
    assert decode_health(old).certificates == ()


def test_health_round_trips_and_later_keys_are_ignored() -> None:
    device = DeviceHealth("press-03", DeviceState.UNREACHABLE, NOW, None, "timed out", 30, 0, 2)
    message = HealthMessage("boot-1", NOW, 3, 4096, NOW, 64, 34, 2, 1.5, 40_000_000, (device,))
    assert decode_health(encode_health(message)) == message
    later = json.loads(encode_health(message)) | {"of_tomorrow": 1}
    assert decode_health(json.dumps(later).encode()) == message


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"state":"asleep","boot_id":"b","version":"1","boot_at":"now"}'])
def test_broken_status_is_refused(payload: bytes) -> None:
    with pytest.raises(MessageInvalid, match="StatusMessage"):
        decode_status(payload)


def test_catalog_round_trips() -> None:
    tag = TagDescription("a/温度", Kind.F32, "°C", "barrel zone 1", 0.0, 400.0, 1.0, "0.5%", 60.0, "holding:100")
    part = CatalogPart("rev-7", "press-03", (tag, TagDescription("a/b")))
    assert decode_catalog_part(encode_catalog_part(part)) == part


def test_catalog_part_above_one_message_is_refused_at_both_ends() -> None:
    part = CatalogPart("rev-7", "press-03", (TagDescription("a/b", description="x" * MAX_WIRE_BYTES),))
    with pytest.raises(BatchTooLarge, match="catalog part"):
        encode_catalog_part(part)
    with pytest.raises(MessageInvalid, match="at most"):
        decode_catalog_part(b" " * (MAX_WIRE_BYTES + 1))


def test_broken_catalog_is_refused() -> None:
    with pytest.raises(MessageInvalid, match="catalog"):
        decode_catalog_part(b'{"revision":"r","device":"d","tags":[{"kind":"f64"}]}')
