"""From a kind's name to the kind: a folder of this package, else an entry point; imported only when named."""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING

import connectors
from connectors.contract import AnyKind, ConnectorKind
from connectors.errors import ConfigInvalid

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINT_GROUP = "millstream.connectors"


def kind(name: str) -> AnyKind:
    """The kind of that name; raises ConfigInvalid for an unknown one and for a missing library."""
    if name in _folders():
        return _load(name, f"connectors.{name}", "KIND")
    outside = _entry_points().get(name)
    if outside is not None:
        return _load(name, outside.module, outside.attr or "KIND")
    raise ConfigInvalid(f"kind {name!r} is unknown; allowed: {', '.join(kinds())}")


def kinds() -> list[str]:
    """The names of all kinds that could be loaded, without importing any of them."""
    return sorted(_folders() | _entry_points().keys())


def _folders() -> set[str]:
    return {module.name for module in pkgutil.iter_modules(connectors.__path__) if module.ispkg}


def _entry_points() -> "dict[str, EntryPoint]":
    from importlib.metadata import entry_points  # 2 MB that an agent with kinds of ours never asks for

    return {found.name: found for found in entry_points(group=ENTRY_POINT_GROUP)}


def _load(name: str, module: str, attribute: str) -> AnyKind:
    try:
        found = getattr(import_module(module), attribute, None)
    except ImportError as error:
        if _is_ours(error.name, module):
            raise  # a defect of the connector itself: the traceback helps more than advice
        raise ConfigInvalid(
            f"kind {name!r} needs the library {error.name!r}; install it with: pip install 'millstream[{name}]'"
        ) from error
    if not isinstance(found, ConnectorKind):
        raise ConfigInvalid(f"kind {name!r}: {module}.{attribute} is not a ConnectorKind")
    return found


def _is_ours(missing: str | None, module: str) -> bool:
    return missing is None or missing.partition(".")[0] in {"schemas", module.partition(".")[0]}
