"""The one program, `millstream`: the language, the light way into an agent, and the parser for everything else."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from millstream.language import LanguageUnknown, choose, words
from millstream.starting import USAGE_ERROR, run_agent

INTERRUPTED = 130


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


def _plain_edge_run(arguments: Sequence[str]) -> Path | None:
    """The file of `edge run -c FILE`: what a gateway runs for years needs no parser in its memory."""
    match arguments:
        case ["edge", "run", "-c" | "--config", config] if not config.startswith("-"):
            return Path(config)
        case _:
            return None
