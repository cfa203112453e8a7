"""Every action that the code writes into the audit has a name in the console, in both languages."""

import ast
import re
from collections.abc import Iterator

import pytest

from cloud_api.alarms.lifecycle.record import JournalEvent
from cloud_api.console.words import Language, words
from tests.contracts.tree import Module, modules

WRITERS = frozenset({"insert_audit", "insert_audit_from", "_audit", "Note", "note"})
LISTS = frozenset({"ACTION", "_REFUSALS"})
CODE = re.compile(r"([a-z_]+)\.([a-z_0-9]*)")
# f"alarm.{event}" and f"grant.{verb}": what they can be.
CHOSEN = {
    "alarm": {event.value for event in JournalEvent} - {"raise", "clear", "level", "suppress", "unsuppress"},
    "grant": {"pause", "resume", "revoke"},
}


def written(module: Module) -> Iterator[tuple[str, str]]:
    """Noun and verb of each action; without a verb where it is chosen by data."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and _called(node) in WRITERS:
            parts: list[ast.expr] = [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in LISTS:
            parts = [node.value]
        else:
            continue
        for part in parts:
            for each in ast.walk(part):
                found = isinstance(each, ast.Constant) and isinstance(each.value, str) and CODE.fullmatch(each.value)
                if found:
                    yield found[1], found[2]
        if isinstance(node, ast.Call) and _called(node) == "insert_audit":
            # Some are one word, as `login`: what it takes after the connection and who did it.
            action = node.args[2]
            if isinstance(action, ast.Constant) and "." not in str(action.value):
                yield str(action.value), ""


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def actions() -> set[tuple[str, str]]:
    inside = [each for each in modules() if each.path.parts[0] == "cloud_api" and "console" not in each.path.parts]
    return {action for module in inside for action in written(module)}


@pytest.mark.parametrize("language", Language)
def test_every_action_is_named(language: Language) -> None:
    texts, found = words(language).texts, actions()
    assert len(found) > 60
    chosen = {(noun, verb) for noun, verbs in CHOSEN.items() for verb in verbs}
    wanted = {f"audit_noun.{noun}" for noun, _ in found}
    wanted |= {f"audit_verb.{verb}" for _, verb in found | chosen if verb}
    assert not sorted(wanted - texts.keys())
    # A name that stands for nothing any more goes.
    assert not sorted({key for key in texts if key.startswith(("audit_noun.", "audit_verb."))} - wanted)
