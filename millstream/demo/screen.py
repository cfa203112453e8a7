"""What the demonstration shows on the terminal: one line a step, then where everything is."""

import os
import sys
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from millstream.language import Words

_NAME_COLUMNS = 16


class Screen:
    """Lines on standard output; colours only on a terminal; a closed output disturbs nothing."""

    def __init__(self, text: Words) -> None:
        self.text = text
        self._has_colour = sys.stdout.isatty()
        self._began = time.monotonic()

    def line(self, content: str = "") -> None:
        """One line, at once."""
        try:
            print(content, flush=True)
        except OSError:
            # Nobody reads any more (`| head`, a closed terminal): go on, in silence.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def step_done(self, name: str) -> None:
        """A child is ready."""
        seconds = time.monotonic() - self._began
        self.line(f"  {self._mark('✓', 32)} {padded(name)} {self.text('progress.ready')} ({seconds:.1f} s)")

    def step_note(self, name: str, note: str) -> None:
        """A child takes its time, and why."""
        self.line(f"  · {padded(name)} {note}")

    def trouble(self, message: str) -> None:
        """Something is not as it should be."""
        self.line(f"  {self._mark('!', 33)} {message}")

    def log_end(self, log: Path, lines: Sequence[str]) -> None:
        """The end of a log, when it says why."""
        if lines:
            self.line(self.text("trouble.see_log", log=log))
            for line in lines:
                self.line(f"    {line}")

    def summary(self, entries: Sequence[tuple[str, str]], query: str) -> None:
        """Where everything is, and a first question to paste."""
        self.line()
        for key, value in entries:
            self.line(f"  {padded(self.text(key))} {value}")
        self.line()
        self.line(f"  {self.text('summary.try')}")
        self.line(f"  {query}")
        self.line()

    def _mark(self, mark: str, colour: int) -> str:
        return f"\x1b[{colour}m{mark}\x1b[0m" if self._has_colour else mark


def refuse(text: Words, key: str, **places: object) -> None:
    """Say on standard error why nothing was started."""
    print(text(key, **places), file=sys.stderr, flush=True)


def padded(name: str) -> str:
    """A name in a column of its own; Chinese characters are two columns wide."""
    columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in name)
    return name + " " * max(0, _NAME_COLUMNS - columns)
