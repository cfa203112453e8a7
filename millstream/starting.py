"""Starting a part of the product: which extra it needs is said when its libraries are not installed."""

import sys
from collections.abc import Callable
from pathlib import Path

from millstream.language import Words

USAGE_ERROR = 2
_OUR_ROOMS = ("millstream", "edge_agent", "cloud_api", "connectors", "schemas")


def run_agent(text: Words, config: Path) -> int:
    """`edge run`."""

    def run() -> int:
        from edge_agent.__main__ import run

        return run(config)

    return guarded(text, "edge run", "edge", run)


def guarded(text: Words, command: str, extra: str, action: Callable[[], int]) -> int:
    """Run a sub-command; say which extra it needs when a library is not installed."""
    try:
        return action()
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] in _OUR_ROOMS:
            raise
        print(text("cli.extra_missing", command=command, module=missing.name, extra=extra), file=sys.stderr)
        return USAGE_ERROR
