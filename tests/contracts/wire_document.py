"""The marked code blocks of docs/wire-protocol.md; `python -m tests.contracts.wire_document` fills them in."""

import re

from tests.contracts.tree import ROOT

DOCUMENT = ROOT / "docs" / "wire-protocol.md"
GOLDEN = ROOT / "tests" / "unit" / "schemas" / "golden"
BLOCK = re.compile(r"^```(?P<head>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(mark: str) -> list[tuple[str, str]]:
    """Return (rest of the mark, text) of each block whose first line ends with the mark."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.finditer(DOCUMENT.read_text(encoding="utf-8")):
        _, _, marked = block["head"].partition(" ")
        if marked.startswith(mark):
            found.append((marked.removeprefix(mark), block["body"]))
    return found


def main() -> None:
    """Write the golden files into their blocks."""

    def filled(block: re.Match[str]) -> str:
        name = block["head"].partition(" golden=")[2]
        path = GOLDEN / name
        return f"```{block['head']}\n{path.read_text(encoding='utf-8')}```" if path.suffix else block.group()

    DOCUMENT.write_text(BLOCK.sub(filled, DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
