"""Every example in docs/wire-protocol.md is what the code reads and writes, and its numbers are those of the code."""

import re

import pytest

from schemas import limits
from schemas.ack import HoldReason
from schemas.batch import GapReason, decode
from schemas.framing import HEADER_BYTES
from schemas.sample import Kind
from schemas.topics import Channel
from tests.contracts.tree import ROOT
from tests.contracts.wire_document import DOCUMENT, GOLDEN, blocks

TEXT = DOCUMENT.read_text(encoding="utf-8")
EXAMPLES = [(name, text) for name, text in blocks("golden=") if "." in name]
SHOWN = {
    "MAX_WIRE_BYTES": "256 KiB",
    "MAX_BODY_BYTES": "4 MiB",
    "MAX_SAMPLES": "20,000",
    "MAX_TEXT_BYTES": "64 KiB",
    "MAX_TAGS": "65,536",
    "MAX_COLUMNS": "1,000",
    "MAX_DEVICES": "1,000",
    "MAX_GAPS": "1,000",
}


def size(shown: str) -> int:
    number, _, unit = shown.replace(",", "").partition(" ")
    return int(number) * {"": 1, "KiB": 1024, "MiB": 1024 * 1024}[unit]


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_examples_are_the_golden_files(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text(encoding="utf-8"), "run: python -m tests.contracts.wire_document"


def test_every_golden_message_is_shown() -> None:
    shown = {name for name, _ in EXAMPLES}
    assert {path.name for path in GOLDEN.glob("*.json")} - shown == {"compressed.json"}


def test_bytes_in_the_document_are_the_batch_in_the_document() -> None:
    shown = dict(EXAMPLES)
    from_bytes = decode(bytes.fromhex(shown["two-columns.hex"]))
    assert from_bytes == decode(shown["two-columns.json"].encode())


def test_recipes_in_the_document_are_right() -> None:
    (recipe,) = [text for name, text in blocks("golden=") if name == "dictionary"]
    exec(compile(recipe, str(DOCUMENT), "exec"), {})


@pytest.mark.parametrize("name", SHOWN)
def test_limits_are_those_of_the_code(name: str) -> None:
    table = TEXT[TEXT.index("## Limits") : TEXT.index("## What a refusal")]
    assert size(SHOWN[name]) == getattr(limits, name)
    assert SHOWN[name] in table


def test_every_limit_is_listed() -> None:
    assert {name for name in vars(limits) if name.startswith("MAX_")} - {"MAX_SEQ"} == set(SHOWN)


@pytest.mark.parametrize("word", [*Kind, *HoldReason, *Channel])
def test_every_word_on_the_wire_is_explained(word: str) -> None:
    assert re.search(rf"[`/\"]{re.escape(word)}[`/\"]", TEXT)


def test_every_reason_of_refusal_is_explained() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "schemas").glob("*.py"))
    reasons = set(re.findall(r'(?:HeaderInvalid|BodyInvalid)\(\s*"([a-z_0-9]+)"', code))
    assert len(reasons) >= 10
    assert not [reason for reason in reasons if f"`{reason}`" not in TEXT]


def test_gap_reasons_in_the_document_exist() -> None:
    named = re.search(r"lower_snake letters \(([^)]*)\)", TEXT)
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) <= set(GapReason)


def test_header_has_the_length_in_the_document() -> None:
    assert f"A plain header of {HEADER_BYTES} bytes" in TEXT
