"""The files of the repository and the Python modules parsed, read once for all contract tests."""

import ast
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "connectors", "edge_agent", "cloud_api", "millstream")


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def is_test(self) -> bool:
        """Whether it lives under tests/."""
        return self.path.parts[0] == "tests"

    @property
    def line_count(self) -> int:
        """Lines of the file."""
        return self.text.count("\n")


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is tracked or about to be, relative to the root."""
    # A checkout may belong to somebody else than who tests it, as in containers.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(sorted(path for path in map(Path, filter(None, listed.split("\0"))) if (ROOT / path).is_file()))


@cache
def modules() -> tuple[Module, ...]:
    """Return every Python file, parsed."""
    return tuple(_module(path) for path in files() if path.suffix == ".py")


def text(path: Path | str) -> str:
    """Return a file's text."""
    return (ROOT / path).read_text(encoding="utf-8")


def functions(module: Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a module, inner ones too."""
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def classes(module: Module) -> list[ast.ClassDef]:
    """Return every class of a module."""
    return [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]


def _module(path: Path) -> Module:
    source = text(path)
    return Module(path, source, ast.parse(source, str(path)))
