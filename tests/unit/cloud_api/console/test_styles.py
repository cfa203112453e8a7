"""Style sheets that meet on one page leave each other's classes alone."""

import re
from collections import defaultdict
from importlib.resources import files

STATIC = files("cloud_api.console").joinpath("static")
RULE = re.compile(r"(?:^|[{}])\s*([^{}@]+)\{")


def test_a_class_has_one_style_sheet() -> None:
    owners: dict[str, set[str]] = defaultdict(set)
    for sheet in STATIC.iterdir():
        if sheet.name.endswith(".css"):
            text = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
            for selectors in RULE.findall(text):
                for selector in selectors.split(","):
                    owners[selector.strip()].add(sheet.name)
    assert owners[".ms-card"], "the sheets are read"
    assert {name: found for name, found in owners.items() if name.startswith(".ms-") and len(found) > 1} == {}
