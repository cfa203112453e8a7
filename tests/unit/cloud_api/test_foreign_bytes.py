"""Whatever bytes come, readers refuse in their own words: no other exception, and nothing that runs away.

MILLSTREAM_ATTACK_MINUTES lets hypothesis write for longer (`make soak`).
"""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud_api.alarms.definitions.files import FileUnreadable, read_csv, read_toml
from cloud_api.assets.bulk.sheet import SheetUnreadable, read_sheet
from cloud_api.auth.principal import read_bearer
from cloud_api.auth.session_tokens import is_session_token
from cloud_api.auth.tokens import parse_token
from cloud_api.cursors import read_cursor, write_cursor
from cloud_api.expressions.language import parse
from cloud_api.expressions.refusal import ExpressionInvalid
from cloud_api.globs import parse_glob
from cloud_api.ingest.posted import read_samples
from cloud_api.instants import parse_instant
from cloud_api.notify.links.tokens import read_token
from cloud_api.problems import Problem
from schemas.ack import decode_ack
from schemas.agent_status import decode_health, decode_status
from schemas.batch import decode
from schemas.catalog import decode_catalog_part
from schemas.errors import WireError

EXAMPLES = int(float(os.environ.get("MILLSTREAM_ATTACK_MINUTES", "0")) * 5_000) or 40
LONG = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])

# Pieces that make more of the grammar be reached than single characters do.
TOML = (
    "[[definition]]",
    "[",
    "]",
    "=",
    '"',
    "'''",
    "\n",
    "a",
    ".",
    "1e999",
    "0x",
    "{",
    "}",
    ",",
    "1979-05-27",
    "\\u",
    "inf",
)
CSV = ("path", ",", '"', '""', "\n", "\r", "\r\n", "\ufeff", "name_en", "kind", "=cmd|' /C calc'!A0", "\0", ";", "\t")
JSON = (
    "[",
    "]",
    "{",
    "}",
    '"path"',
    '"time"',
    '"value"',
    ":",
    ",",
    "1e400",
    "-0",
    "null",
    '"\\ud800"',
    "18446744073709551616",
)
EXPRESSION = (
    "series(",
    "(",
    ")",
    "'a/b'",
    "+",
    "-",
    "*",
    "**",
    "1e308",
    "if",
    "(" * 50,
    "not ",
    "and",
    ".x",
    "__class__",
    ",",
)
GLOB = (
    "*",
    "**",
    "/",
    "a",
    "%",
    "_",
    "\\",
    "'",
    '"',
    ";--",
    "[",
    "]",
    "(",
    ")",
    "|",
    "+",
    ".",
    "$",
    "^",
    "?",
    "\0",
    "é",
    "..",
)


def pieces(parts: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Texts of these pieces and of anything."""
    return st.lists(st.sampled_from(parts) | st.text(max_size=4), max_size=30).map("".join)


TEXTS: list[tuple[Callable[[str], object], st.SearchStrategy[str], tuple[type[Exception], ...]]] = [
    (read_toml, pieces(TOML), (FileUnreadable,)),
    (read_csv, pieces(CSV), (FileUnreadable,)),
    (parse, pieces(EXPRESSION), (ExpressionInvalid,)),
    (parse_glob, pieces(GLOB), (Problem,)),
    (
        lambda text: parse_instant(text, "from"),
        pieces(("2026", "-", "T", ":", "Z", "+99:99", "24", "60", "now", "1e9")),
        (Problem,),
    ),
    (lambda text: read_cursor(text, ("x",), str), pieces(("A", "=", "-", "_", write_cursor("a", ("x",)))), (Problem,)),
    (lambda text: read_token(b"key", text), pieces(("A", "=", "-", "_", ".")), ()),
    (parse_token, pieces(("ms_", "mss_", "0" * 10, "f" * 64, "_")), ()),
    (is_session_token, pieces(("mss_", "0" * 64, "\n")), ()),
    (read_bearer, pieces(("Bearer ", "Basic ", " ", "ms_", "\t")), (Problem,)),
]
BYTES: list[tuple[Callable[[bytes], object], tuple[type[Exception], ...]]] = [
    (decode, (WireError,)),
    (decode_ack, (WireError,)),
    (decode_status, (WireError,)),
    (decode_health, (WireError,)),
    (decode_catalog_part, (WireError,)),
    (read_samples, (Problem,)),
    (lambda content: read_sheet(content, None), (SheetUnreadable,)),
]


@pytest.mark.parametrize("case", range(len(TEXTS)))
@LONG
@given(data=st.data())
def test_texts_are_read_or_refused(case: int, data: st.DataObject):
    read, texts, refusals = TEXTS[case]
    text = data.draw(texts)
    try:
        read(text)
    except refusals:
        return


@pytest.mark.parametrize("case", range(len(BYTES)))
@LONG
@given(data=st.data())
def test_bytes_are_read_or_refused(case: int, data: st.DataObject):
    read, refusals = BYTES[case]
    content = data.draw(
        st.binary(max_size=200)
        | pieces(JSON).map(lambda text: text.encode(errors="replace"))
        | pieces(CSV).map(lambda text: text.encode(errors="replace"))
        | st.binary(max_size=60).map(lambda tail: b"MS1" + tail)
    )
    try:
        read(content)
    except refusals:
        return


@pytest.mark.parametrize("text", ["[" * 100_000, "a=" + "[" * 100_000, "a" + ".a" * 50_000 + "=1", '"' * 100_000])
def test_toml_that_is_nested_too_deeply_is_refused(text: str):
    with pytest.raises(FileUnreadable):
        read_toml(text)


@pytest.mark.parametrize(
    "text", ["(" * 50_000, "not " * 20_000 + "x", "-" * 50_000 + "1", "1" + "+1" * 50_000, "x" * 100_000]
)
def test_expressions_that_are_too_large_are_refused(text: str):
    with pytest.raises(ExpressionInvalid):
        parse(text)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'[{"path":' * 50_000, b'{"a":' * 100_000])
def test_json_that_is_nested_too_deeply_is_refused(body: bytes):
    with pytest.raises(Problem):
        read_samples(body)


@pytest.mark.parametrize(
    "charset", ["zlib", "bz2", "undefined", "no-such", "x\0y", "rot13", "base64", "../../etc/passwd"]
)
def test_charsets_that_are_none_are_refused(charset: str):
    with pytest.raises(SheetUnreadable):
        read_sheet(b"path\n", charset)
