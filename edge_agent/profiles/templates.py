"""Where a template's text is: shipped with the agent by name, or a file of the plant's own."""

from importlib.resources import files
from pathlib import Path


def shipped_names() -> list[str]:
    """The names of the templates that come with the agent."""
    return sorted(item.name.removesuffix(".toml") for item in _folder().iterdir() if item.name.endswith(".toml"))


def shipped_file(name: str) -> Path | None:
    """The file of a shipped template; None where none has that name."""
    return Path(str(_folder().joinpath(f"{name}.toml"))) if name in shipped_names() else None


def _folder() -> Path:
    return Path(str(files("edge_agent.profiles"))) / "catalogue"
