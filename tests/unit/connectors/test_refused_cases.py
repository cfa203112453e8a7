"""Configurations that must be refused, with the exact words."""

import pytest

from connectors import registry
from tests.unit.connectors.cases import Case, cases, name

KINDS = ["modbus", "simulated"]
REFUSED = [(kind, case) for kind in KINDS for case in cases(kind, "error.txt")]


@pytest.mark.parametrize(("kind", "case"), REFUSED, ids=[f"{kind}-{name(case)}" for kind, case in REFUSED])
def test_is_refused_with_these_words(kind: str, case: Case):
    url = {"url": "tcp://127.0.0.1:502"} if kind == "modbus" else {}
    _, _, problems = case.models(registry.kind(kind), **url)
    assert problems == case.error
