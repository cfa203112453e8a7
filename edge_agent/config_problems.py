"""What is wrong with a configuration: file, key path, value, and what is allowed."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

CREDENTIALS = re.compile(r"//[^/@\s]*@")
"""Who leaves a password in a URL must not find it in a log as well."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend before the agent can start."""

    file: str
    key: str
    value: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where} = {self.value}: {self.problem}" if self.value else f"{where}: {self.problem}"

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return asdict(self)


class ConfigRefused(Exception):
    """The configuration has problems; nothing was started."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def report(self) -> str:
        """For people, a problem a line."""
        return f"{self}\n{len(self.problems)} problem(s); nothing was started"


def shown(value: object) -> str:
    """A value as a message shows it: short, and never a whole table."""
    if value is None or isinstance(value, dict):
        return ""
    text = CREDENTIALS.sub("//…@", repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."
