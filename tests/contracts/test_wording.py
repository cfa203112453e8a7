"""Tracked files speak of the project alone: no machine's paths or host names, no tool that somebody wrote them with."""

import getpass
import hashlib
import re
import socket
from pathlib import Path

from tests.contracts.tree import ROOT, files

MACHINE_PATHS = re.compile(r"/(?:work|root|Users)/[\w.-]+|/home/(?!millstream\b)[\w.-]+|C:\\Users")
WORD = re.compile(r"[a-z]{3,24}")
# Kept as digests: written out, the words would be in this file.
NO_PLACE_HERE = {
    "28e13a64376a",
    "3b50b4ceb5d2",
    "43ffd2a87aa0",
    "5a2dad6343dc",
    "69b6b95df39e",
    "7f63b01c829d",
    "8295f8a75170",
    "9265e57c81ee",
    "a50eebedd1e8",
    "a5aa462c6c3b",
    "ad3793355599",
    "b3d1ef76eb4e",
    "b540834cc1a4",
    "b79de3895099",
    "bcd109dbcae4",
    "c11a535b0e45",
    "ebb45bddef46",
}
BINARY = {".ico", ".png", ".svg", ".woff2", ".der", ".pem"}


def readable() -> list[tuple[Path, str]]:
    return [(path, (ROOT / path).read_text(encoding="utf-8")) for path in files() if path.suffix not in BINARY]


def test_no_path_of_a_machine() -> None:
    found = [f"{path}: {match.group()}" for path, text in readable() for match in MACHINE_PATHS.finditer(text)]
    assert not found


def test_no_name_of_this_machine() -> None:
    name = socket.gethostname()
    named = re.compile(rf"\b{re.escape(name)}\b")
    generic = {"localhost", "debian", "ubuntu", "runner", getpass.getuser()}
    assert not [str(path) for path, text in readable() if name not in generic and len(name) > 3 and named.search(text)]


def test_no_word_about_the_tools_of_authors() -> None:
    found = [
        f"{path}: {word}"
        for path, text in readable()
        for word in set(WORD.findall(text.lower()))
        if hashlib.blake2b(word.encode(), digest_size=6).hexdigest() in NO_PLACE_HERE
    ]
    assert not found
