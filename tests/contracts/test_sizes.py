"""Functions and modules stay small enough to be read in one go."""

import ast

from tests.contracts.tree import Module, functions, modules

FUNCTION_LINES = 60
TEST_FUNCTION_LINES = 80
MODULE_LINES = 500
COMPOSER_LINES = 300
COMPOSERS = {"edge_agent/agent.py", "cloud_api/app.py"}


def function_limit(module: Module) -> int:
    return TEST_FUNCTION_LINES if module.is_test else FUNCTION_LINES


def line_count(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def test_functions_are_short() -> None:
    long = [
        f"{module.path}:{function.lineno} {function.name} has {line_count(function)} lines"
        for module in modules()
        for function in functions(module)
        if line_count(function) > function_limit(module)
    ]
    assert not long


def test_modules_are_short() -> None:
    long = [
        f"{module.path} has {module.line_count} lines"
        for module in modules()
        if module.line_count > (COMPOSER_LINES if str(module.path) in COMPOSERS else MODULE_LINES)
    ]
    assert not long
