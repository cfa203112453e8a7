"""Bytes a sample on the wire beside rows of MessagePack in zstd; the codec's speed beside bare numpy and zstd."""

import math
import random
import struct
import time
import zlib
from collections.abc import Callable

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from schemas.batch import Batch, Column, dictionary_hash, encode, unpack
from schemas.batch import decode as decode_batch
from schemas.sample import Kind
from schemas.topics import Topics
from tests.benchmarks.report import Row, alternated

TAGS = 1_000
BLOCK = 50
SECONDS = 30
BASE_US = 1_772_366_415_000_000
MQTT_BYTES = 2 + 1 + 2 + 1 + 1
"""Fixed header with a two-byte length, topic length, packet identifier and empty MQTT 5 properties."""

WORDS = ("motor", "barrel", "clamp")
AGENT = "gw-press-01"
PATHS = tuple(
    f"hangzhou/press-shop/line-{tag // 250 + 1}/press-{tag // 25:02d}/{WORDS[tag % 3]}/value-{tag % 25}"
    for tag in range(TAGS)
)


def run() -> list[Row]:
    """Measure sizes first, then speeds."""
    cases = {
        "f64, noise rounded to 0.01": (Kind.F64, rounded),
        "f32, noise rounded to 0.01": (Kind.F32, rounded),
        "f32, noise in the full mantissa": (Kind.F32, full),
    }
    sizes = [
        Row(
            f"bytes a sample, {name}",
            bytes_a_sample(*case),
            "B",
            rows_bytes_a_sample(*case),
            goal="<= 6",
        )
        for name, case in cases.items()
    ]
    return [*sizes, encode_speed(), decode_speed(Kind.F64), unpack_speed()]


def rounded(noise: random.Random, tag: int, second: int) -> float:
    """Return a sensor's value with its last digit noisy."""
    return round(full(noise, tag, second), 2)


def full(noise: random.Random, tag: int, second: int) -> float:
    """Return a slow wave with noise in every digit."""
    return 20 + tag % 7 * 30 + 5 * math.sin(second / 60 + tag) + noise.gauss(0, 0.05)


def batches(kind: Kind, value: Callable[[random.Random, int, int], float], seconds: int = SECONDS) -> list[Batch]:
    """Return one batch a second: every tag once, times as block reads give them; the first one carries the tag list."""
    noise = random.Random(7)
    made: list[Batch] = []
    for second in range(seconds):
        base_us = BASE_US + second * 1_000_000 + noise.randrange(900)
        answers_us = [base_us + block * 2_100 + noise.randrange(300) for block in range(TAGS // BLOCK)]
        times_us = [answers_us[tag // BLOCK] for tag in range(TAGS)]
        values = [value(noise, tag, second) for tag in range(TAGS)]
        made.append(
            Batch(
                agent=AGENT,
                epoch=noise.randbytes(16),
                seq=second + 1,
                base_us=base_us,
                tags=PATHS if second == 0 else None,
                dictionary=dictionary_hash(PATHS) if second else None,
                columns=(Column(kind, range(TAGS), times_us, None, values),),
                until={f"press-{device:02d}": base_us for device in range(10)},
            )
        )
    return made


def bytes_a_sample(kind: Kind, value: Callable[[random.Random, int, int], float]) -> float:
    """Return all bytes of half a minute, topic, headers and the tag list counted, over its samples."""
    topic_bytes = len(Topics().batch(AGENT))
    made = batches(kind, value)
    return sum(len(encode(batch)) + topic_bytes + MQTT_BYTES for batch in made) / (TAGS * len(made))


def rows_bytes_a_sample(kind: Kind, value: Callable[[random.Random, int, int], float]) -> float:
    """Return what rows of [tag, time, value, status] take, in MessagePack and zstd, nothing else counted."""
    made = batches(kind, value)
    size = 0
    for batch in made:
        column = batch.columns[0]
        rows = list(zip(column.tags, column.times_us, column.values or (), (0,) * TAGS, strict=True))
        size += len(zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(rows)))
    return size / (TAGS * len(made))


def encode_speed() -> Row:
    """Compare with numpy doing the same arithmetic on arrays that are there already."""
    batch = batches(Kind.F64, rounded, 2)[1]
    column = batch.columns[0]
    arrays = (
        np.arange(TAGS, dtype="<i4"),
        np.array(column.times_us, "<i8") - batch.base_us,
        np.array(column.values, "<f8"),
    )

    def floor() -> bytes:
        tags, times, values = arrays
        shuffled = [_shuffled(np.diff(tags, prepend=0)), _shuffled(np.diff(times, prepend=0)), _shuffled(values)]
        frame = zstandard.ZstdCompressor(level=3).compress(b"".join(shuffled))
        return struct.pack("<II", len(frame), zlib.crc32(frame)) + frame

    return _speed("encode", lambda: encode(batch), floor, "<= 5")


def unpack_speed() -> Row:
    """Compare what the cloud does per batch, up to numpy columns, with numpy and zstd alone."""
    payload = encode(batches(Kind.F64, rounded, 2)[1])
    packed = unpack(payload).columns[0]
    floor = _numpy_floor(Kind.F64)

    def product() -> object:
        column = unpack(payload).columns[0]
        return _columns(column.tag_bytes, column.time_bytes, column.value_bytes or b"", column.count)

    return _speed(f"unpack to numpy ({packed.count} samples)", product, floor, "<= 3")


def decode_speed(kind: Kind) -> Row:
    """Compare decoding into Python lists with numpy and zstd making the same lists."""
    payload = encode(batches(kind, rounded, 2)[1])
    floor = _numpy_floor(kind)
    return _speed(
        "decode to lists",
        lambda: decode_batch(payload),
        lambda: [column.tolist() for column in floor()],
        "<= 5",
    )


def _numpy_floor(kind: Kind) -> Callable[[], tuple[NDArray[np.generic], ...]]:
    column = unpack(encode(batches(kind, rounded, 2)[1])).columns[0]
    value_bytes = column.value_bytes or b""
    frame = zstandard.ZstdCompressor(level=3).compress(column.tag_bytes + column.time_bytes + value_bytes)

    def floor() -> tuple[NDArray[np.generic], ...]:
        plain = zstandard.ZstdDecompressor().decompress(frame)
        count = column.count
        return _columns(plain[: 4 * count], plain[4 * count : 12 * count], plain[12 * count :], count)

    return floor


def _columns(tags: bytes, times: bytes, values: bytes, count: int) -> tuple[NDArray[np.generic], ...]:
    return (
        np.cumsum(_unshuffled(tags, 4, count).view("<i4")),
        np.cumsum(_unshuffled(times, 8, count).view("<i8")),
        _unshuffled(values, 8, count).view("<f8"),
    )


def _shuffled(cells: NDArray[np.generic]) -> bytes:
    return cells.view(np.uint8).reshape(len(cells), -1).T.tobytes()


def _unshuffled(cells: bytes, width: int, count: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.frombuffer(cells, np.uint8).reshape(width, count).T).reshape(-1)


def _speed(name: str, product: Callable[[], object], reference: Callable[[], object], goal: str) -> Row:
    measured, floor = alternated(lambda: _us_a_sample(product), lambda: _us_a_sample(reference), windows=5)
    return Row(name, measured, "µs a sample", floor, measured / floor, goal)


def _us_a_sample(action: Callable[[], object], rounds: int = 300) -> float:
    started = time.perf_counter()
    for _ in range(rounds):
        action()
    return (time.perf_counter() - started) / rounds / TAGS * 1e6
