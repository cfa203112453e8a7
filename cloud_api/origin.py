"""Where the present work comes from: the audit says so of every row without each route having to hand it on.

A request, a command or a task of the service has one Origin; whoever learns more about it (who is proved to ask, what
an export holds) adds it there. It lives in a context variable, so that works beside each other see their own alone.
"""

import socket
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any

LONGEST = 200
SYSTEM = "system"
COMMAND = "command"


@dataclass(slots=True)
class Origin:
    """From where, by whom and by what; `is_proved` says whether the name is more than a claim.

    `refused` names the kind of problem where the answer is a page for people and no problem document; `is_told` says
    that the audit has a row of the refusal already, with more in it than the answer has.
    """

    address: str | None = None
    client: str | None = None
    name: str | None = None
    via: str | None = None
    is_proved: bool = False
    refused: str | None = None
    is_told: bool = False
    described: dict[str, Any] = field(default_factory=dict[str, Any])

    def claim(self, name: str | None, via: str | None = None) -> None:
        """Note who somebody says to be; never a secret, and no name that nobody has: it may be a mistyped secret."""
        self.name, self.via, self.is_proved = name, via, False

    def prove(self, name: str, via: str) -> None:
        """Note who it is, and by what that was proved: key:<prefix>, session:<id>, share:<id>."""
        self.name, self.via, self.is_proved = name, via, True

    def describe(self, what: dict[str, Any]) -> None:
        """Add what a request asks for, where its address alone does not say it."""
        self.described |= what


_PRESENT: ContextVar[Origin | None] = ContextVar("origin", default=None)


def present() -> Origin:
    """The origin of what runs now; the service itself where nobody asked."""
    return _PRESENT.get() or Origin(via=SYSTEM)


def of_command() -> Origin:
    """The origin of somebody who sits at a machine and reaches its database."""
    return Origin(address=socket.gethostname(), via=COMMAND, is_proved=True)


def begin(origin: Origin) -> Token[Origin | None]:
    """Let what follows in this context have this origin."""
    return _PRESENT.set(origin)


def end(token: Token[Origin | None]) -> None:
    """Go back to what was before `begin`."""
    _PRESENT.reset(token)


def printable(text: str, longest: int = LONGEST) -> str:
    """A text from outside as a log or a table may keep it: short, one line, nothing that steers a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text[:longest])
