"""The golden batches and messages; `python -m tests.unit.schemas.golden_batches` writes their files."""

import hashlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from schemas.ack import Ack, HoldReason, encode_ack
from schemas.agent_status import (
    AgentState,
    CertificateHealth,
    ConfigSummary,
    DeviceHealth,
    DeviceState,
    HealthMessage,
    StatusMessage,
    encode_health,
    encode_status,
)
from schemas.batch import Batch, Column, Gap, GapReason, dictionary_hash, encode, encode_json, read_header
from schemas.catalog import CatalogPart, TagDescription, encode_catalog_part
from schemas.framing import HEADER_BYTES, join_header
from schemas.sample import Kind
from schemas.status import BAD_NO_COMMUNICATION, UNCERTAIN_SENSOR_NOT_ACCURATE

FOLDER = Path(__file__).resolve().parent / "golden"
EPOCH = bytes.fromhex("5f0c1e2d3a4b4c5d8e9fa0b1c2d3e4f5")
EARLIER_EPOCH = bytes.fromhex("00112233445566778899aabbccddeeff")
BASE_US = 1_772_366_415_000_000
AGENT = "gw-press-01"
CURRENT = "hangzhou/press-shop/line-1/press-03/motor/current"
STROKES = "hangzhou/press-shop/line-1/press-03/strokes"
RECIPE = "hangzhou/press-shop/line-1/press-03/配方"
TAGS = (CURRENT, STROKES, RECIPE)
NOW = datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)
DIGEST = hashlib.sha256(b"rev-7").hexdigest()
CONFIG = ConfigSummary(DIGEST, files=2, devices=2, tags=3, kinds={"modbus": 1, "opcua": 1}, written_at=NOW)

BATCHES = {
    "minimal": Batch(
        AGENT, EPOCH, 1, BASE_US, tags=(CURRENT,), columns=(Column(Kind.F64, [0], [BASE_US], None, [12.5]),)
    ),
    "two-columns": Batch(
        AGENT,
        EPOCH,
        2,
        BASE_US,
        tags=TAGS,
        columns=(
            Column(Kind.F32, [0, 0], [BASE_US, BASE_US + 500_000], [0, UNCERTAIN_SENSOR_NOT_ACCURATE], [12.5, 13.25]),
            Column(Kind.NONE, [1], [BASE_US + 500_000], [BAD_NO_COMMUNICATION], None),
        ),
        until={"press-03": BASE_US + 500_000},
    ),
    "all-kinds": Batch(
        AGENT,
        EPOCH,
        3,
        BASE_US,
        tags=TAGS,
        columns=(
            Column(Kind.F64, [0, 1, 2], [BASE_US, BASE_US + 1, BASE_US - 1], None, [math.nan, math.inf, -math.inf]),
            Column(Kind.F32, [0], [BASE_US], None, [-0.5]),
            Column(Kind.I64, [1, 0], [BASE_US, BASE_US], None, [-(2**63), 2**63 - 1]),
            Column(Kind.U64, [1], [BASE_US], None, [2**64 - 1]),
            Column(Kind.BOOL, [0, 1], [BASE_US, BASE_US], None, [True, False]),
            Column(Kind.STR, [2], [BASE_US], None, ["红色外壳 7"]),
            Column(Kind.JSON, [2], [BASE_US + 1], None, ['{"mould":7}']),
            Column(Kind.NONE, [0], [BASE_US + 2], [BAD_NO_COMMUNICATION], None),
        ),
    ),
    "dictionary-and-gaps": Batch(
        AGENT,
        EPOCH,
        4,
        BASE_US,
        dictionary=dictionary_hash(TAGS),
        columns=(Column(Kind.I64, [1, 1], [BASE_US, BASE_US + 1_000_000], None, [41, 42]),),
        until={"press-03": BASE_US + 1_000_000, "press-04": BASE_US},
        gaps=(
            Gap(BASE_US - 9_000_000, BASE_US, GapReason.AGENT_STOPPED, device="press-03"),
            Gap(BASE_US - 90_000_000, BASE_US - 60_000_000, GapReason.OUTBOX_FULL, batches=(EARLIER_EPOCH, 17, 46)),
            Gap(BASE_US - 5_000, BASE_US - 4_000, GapReason.SOURCE_OVERFLOW, tags=(STROKES,)),
        ),
    ),
    "compressed": Batch(
        AGENT,
        EPOCH,
        5,
        BASE_US,
        tags=TAGS,
        columns=(Column(Kind.U64, [1] * 60, [BASE_US + at * 10_000 for at in range(60)], None, list(range(60))),),
    ),
}

MESSAGES = {
    "ack": encode_ack(
        Ack(
            EPOCH,
            through=4,
            also=((6, 9),),
            rejected=((5, "crc_mismatch"),),
            hold=((10, HoldReason.DICT_UNKNOWN),),
            dictionary=dictionary_hash(TAGS),
        )
    ),
    "status": encode_status(StatusMessage(AgentState.ONLINE, "5f0c1e2d", "0.1.0", NOW, DIGEST[:16], CONFIG)),
    "health": encode_health(
        HealthMessage(
            boot_id="5f0c1e2d",
            sent_at=NOW,
            backlog_batches=2,
            backlog_bytes=12_288,
            oldest_at=NOW,
            configured_tags=3,
            delivering_tags=3,
            cpu_percent=0.8,
            rss_bytes=41_000_000,
            devices=(DeviceHealth("press-03", DeviceState.RUNNING, NOW, NOW, None, 3, 3, jitter_ms=12.5),),
            certificates=(
                CertificateHealth("mqtt_client", datetime(2027, 3, 1, 12, tzinfo=UTC)),
                CertificateHealth("opcua_client", None, ("cell-1",), "cannot be read: Permission denied"),
            ),
        )
    ),
    "catalog": encode_catalog_part(
        CatalogPart(
            "rev-7",
            "press-03",
            (TagDescription(CURRENT, Kind.F32, "A", "motor current", 0.0, 40.0, 1.0, "0.5%", 60.0, "holding:100"),),
        )
    ),
}


COMPRESSED = frozenset({"compressed"})
"""Golden batches with a zstd frame; the others show the plain body, which is as valid and does not hang on zstd."""


def published(name: str) -> bytes:
    """Return the golden bytes that our encoder stands for."""
    batch = BATCHES[name]
    payload = encode(batch)
    if name in COMPRESSED or not read_header(payload).is_zstd:
        return payload
    body = zstandard.ZstdDecompressor().decompress(payload[HEADER_BYTES:])
    return join_header(0, batch.epoch, batch.seq, body)


def hexadecimal(payload: bytes) -> str:
    """Return bytes as lines of 32."""
    return "".join(f"{payload[at : at + 32].hex(' ')}\n" for at in range(0, len(payload), 32))


def pretty(payload: bytes) -> str:
    """Return a JSON payload as people like to read it, lists of plain values on one line."""
    return _pretty(json.loads(payload), "") + "\n"


def _pretty(value: object, indent: str) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= 100 or not isinstance(value, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{deeper}{json.dumps(key)}: {_pretty(entry, deeper)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(deeper + _pretty(entry, deeper) for entry in value) + f"\n{indent}]"


def main() -> None:
    """Write every golden file anew; look at the difference before you commit it."""
    FOLDER.mkdir(exist_ok=True)
    for name, batch in BATCHES.items():
        (FOLDER / f"{name}.hex").write_text(hexadecimal(published(name)), encoding="utf-8")
        (FOLDER / f"{name}.json").write_text(pretty(encode_json(batch)), encoding="utf-8")
    for name, payload in MESSAGES.items():
        (FOLDER / f"{name}.json").write_text(pretty(payload), encoding="utf-8")


if __name__ == "__main__":
    main()
