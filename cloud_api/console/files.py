"""Files that browsers load as they are."""

from pathlib import Path

STATIC = Path(__file__).parent / "static"
