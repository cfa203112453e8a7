"""Every module says in one line what it is."""

import ast

from tests.contracts.tree import modules


def test_every_module_has_a_docstring_of_one_line_first() -> None:
    silent = []
    for module in modules():
        if not module.text.strip():
            continue
        docstring = ast.get_docstring(module.tree)
        if not docstring or not docstring.splitlines()[0].rstrip().endswith((".", "。", ":")):
            silent.append(str(module.path))
    assert not silent


def test_packages_say_what_they_are() -> None:
    silent = [
        str(module.path)
        for module in modules()
        if module.path.name == "__init__.py" and not module.is_test and not ast.get_docstring(module.tree)
    ]
    assert not silent
