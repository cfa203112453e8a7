"""The one program, `millstream`: the language, the light way into an agent, and the parser for everything else."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from millstream.language import LanguageUnknown, Words, choose, words

USAGE_ERROR = 2
INTERRUPTED = 130
_OUR_ROOMS = ("millstream", "edge_agent", "cloud_api", "connectors", "schemas")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: 0 done, 1 the answer is no, 2 bad usage or configuration."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        language, rest = choose(given, os.environ)
    except LanguageUnknown as unknown:
        language, _ = choose([], os.environ)
        print(words(language)("cli.lang_unknown", value=unknown.value), file=sys.stderr)
        return USAGE_ERROR
    text = words(language)
    try:
        if config := _plain_edge_run(rest):
            return run_agent(text, config)
        from millstream.commands import build

        return build(text)(rest)
    except KeyboardInterrupt:
        return INTERRUPTED


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


def _plain_edge_run(arguments: Sequence[str]) -> Path | None:
    """The file of `edge run -c FILE`: what a gateway runs for years needs no parser in its memory."""
    match arguments:
        case ["edge", "run", "-c" | "--config", config] if not config.startswith("-"):
            return Path(config)
        case _:
            return None
