"""Environment: reads variables one by one and collects what is wrong with them instead of stopping at the first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

PREFIX = "MILLSTREAM_"

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One setting that cannot be used, and what could be."""

    name: str
    value: str | None
    detail: str
    allowed: str

    def __str__(self) -> str:
        """Show the setting, its value and what is allowed in one line."""
        shown = "not set" if self.value is None else f"= {self.value!r}"
        return f"{self.name} {shown}: {self.detail}; allowed: {self.allowed}"


class SettingsInvalid(Exception):
    """The environment does not describe a cloud that can run."""

    def __init__(self, problems: list[SettingProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class Environment:
    """The variables of a process; `problems` grows with each one that cannot be used."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[SettingProblem] = []

    def text(self, name: str, default: str) -> str:
        """A text, without blanks around it; an empty one is the default."""
        return self._environ.get(PREFIX + name, "").strip() or default

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return self._parsed(name, default, int, (low, high), f"a whole number from {low} to {high}")

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return self._parsed(name, default, float, (low, high), f"a number from {low:g} to {high:g}")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        """One of the choices."""
        value = self.text(name, default).lower()
        if value not in choices:
            self._refuse(name, value, "is not one of the choices", ", ".join(choices))
        return value

    def pair(self, cert: str, key: str) -> tuple[Path | None, Path | None]:
        """A certificate and its key: both or neither."""
        files = {name: self._file(name) for name in (cert, key)}
        self._check_pair(files, cert, key)
        return files[cert], files[key]

    def _check_pair(self, files: Mapping[str, Path | None], cert: str, key: str) -> None:
        if (files[cert] is None) != (files[key] is None):
            present = cert if files[cert] else key
            self._refuse(present, str(files[present]), "stands alone", "certificate and key together")

    def _file(self, name: str) -> Path | None:
        raw = self.text(name, "")
        if not raw:
            return None
        path = Path(raw)
        if not path.is_file():
            self._refuse(name, raw, "is not a file", "the path of a file that exists")
        return path

    def _parsed(
        self,
        name: str,
        default: _Number,
        parse: Callable[[str], _Number],
        limits: tuple[_Number, _Number],
        allowed: str,
    ) -> _Number:
        raw = self.text(name, "")
        if not raw:
            return default
        try:
            value = parse(raw)
        except ValueError:
            self._refuse(name, raw, "is not a number", allowed)
            return default
        if not limits[0] <= value <= limits[1]:
            self._refuse(name, raw, "is out of range", allowed)
        return value

    def _refuse(self, name: str, value: str | None, detail: str, allowed: str) -> None:
        self.problems.append(SettingProblem(PREFIX + name, value, detail, allowed))
