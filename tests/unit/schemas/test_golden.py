"""Golden files pin the bytes of protocol v1: what is written there stays readable, and is what we publish."""

import json

import pytest
import zstandard

from schemas.ack import decode_ack
from schemas.agent_status import decode_health, decode_status
from schemas.batch import decode, encode_json, read_header
from schemas.catalog import decode_catalog_part
from schemas.framing import HEADER_BYTES
from tests.unit.schemas.golden_batches import BATCHES, COMPRESSED, FOLDER, MESSAGES, published
from tests.unit.schemas.test_batch_round_trip import bits

READERS = {"ack": decode_ack, "status": decode_status, "health": decode_health, "catalog": decode_catalog_part}


def golden_bytes(name: str) -> bytes:
    return bytes.fromhex((FOLDER / f"{name}.hex").read_text(encoding="utf-8"))


def golden_json(name: str) -> bytes:
    return (FOLDER / f"{name}.json").read_bytes()


def plain_body(payload: bytes) -> bytes:
    body = payload[HEADER_BYTES:]
    return zstandard.ZstdDecompressor().decompress(body) if read_header(payload).is_zstd else body


@pytest.mark.parametrize("name", BATCHES)
def test_golden_bytes_are_read(name: str) -> None:
    assert bits(decode(golden_bytes(name))) == bits(BATCHES[name])


@pytest.mark.parametrize("name", BATCHES)
def test_golden_json_says_the_same(name: str) -> None:
    assert bits(decode(golden_json(name))) == bits(BATCHES[name])


@pytest.mark.parametrize("name", BATCHES)
def test_published_bytes_are_the_golden_ones(name: str) -> None:
    # Another release of zstd may make another frame of the same body.
    payload, golden = published(name), golden_bytes(name)
    assert plain_body(payload) == plain_body(golden)
    assert payload == golden or name in COMPRESSED


@pytest.mark.parametrize("name", BATCHES)
def test_published_json_is_the_golden_one(name: str) -> None:
    assert json.loads(encode_json(BATCHES[name])) == json.loads(golden_json(name))


def test_one_golden_batch_is_compressed_and_one_is_not() -> None:
    assert {read_header(golden_bytes(name)).is_zstd for name in BATCHES} == {True, False}


@pytest.mark.parametrize("name", MESSAGES)
def test_golden_messages_are_read_and_published(name: str) -> None:
    assert json.loads(MESSAGES[name]) == json.loads(golden_json(name))
    assert READERS[name](golden_json(name)) == READERS[name](MESSAGES[name])


def test_every_golden_file_is_used() -> None:
    expected = {f"{name}.hex" for name in BATCHES} | {f"{name}.json" for name in (*BATCHES, *MESSAGES)}
    assert {path.name for path in FOLDER.iterdir()} == expected
