"""What calls itself pure touches no clock, loop, socket, thread, file, log or database."""

import ast

import pytest

from tests.contracts.tree import Module, modules

IMPURE = {
    "asyncio",
    "concurrent",
    "logging",
    "multiprocessing",
    "os",
    "secrets",
    "shutil",
    "signal",
    "socket",
}
IMPURE |= {"sqlite3", "subprocess", "tempfile", "threading", "time", "urllib"}
# Splitting an address is work on a text.
PURE_PARTS = {"urllib.parse"}
IMPURE |= {"asyncua", "fastapi", "paho", "prometheus_client", "psycopg", "psycopg_pool", "pymodbus", "starlette"}
# Calls that read the clock or the disk without an import that gives them away.
IMPURE_CALLS = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("Path", "home"), ("Path", "cwd")}


def is_pure(module: Module) -> bool:
    docstring = (ast.get_docstring(module.tree) or "").splitlines()[:1]
    return module.path.parts[0] == "schemas" or any("(pure)" in line for line in docstring)


PURE = [module for module in modules() if is_pure(module) and not module.is_test]


def imported(module: Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= set() if node.module in PURE_PARTS else {node.module.partition(".")[0]}
    return names


@pytest.mark.parametrize("module", PURE, ids=[str(module.path) for module in PURE])
def test_pure_modules_are_pure(module: Module) -> None:
    assert not imported(module) & IMPURE
    called = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    assert not called & IMPURE_CALLS
    # A generator made of a seed is arithmetic; the module's own one is not.
    assert not {attribute for name, attribute in called if name == "random"} - {"Random"}


def test_there_are_pure_modules_in_every_package() -> None:
    assert {module.path.parts[0] for module in PURE} >= {"schemas", "connectors", "edge_agent", "cloud_api"}
