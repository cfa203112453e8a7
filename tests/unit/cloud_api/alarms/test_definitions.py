"""Definitions are refused with all their problems named, and written back as they were said."""

from typing import Any

import pytest
from pydantic import ValidationError

from cloud_api.alarms.definitions.models import Definition

FULL: dict[str, Any] = {
    "name": "冷却水 supply temperature",
    "target": {"path": "hangzhou/**/supply/temperature"},
    "condition": {
        "kind": "limit",
        "hihi": {"limit": 40, "priority": "critical", "message": {"en": "{value:.1f} {unit}", "zh": "{path}"}},
        "hi": {"limit": "$hi", "on_delay_s": 10},
        "lo": {"limit": 5},
        "deadband": "2%",
    },
    "priority": "high",
    "on_delay_s": 3,
    "off_delay_s": 5,
    "latching": True,
    "class": "utilities",
    "position": "hall-1",
    "message": {"en": "{name}: {value} > {limit}, call {phone}"},
    "action": {"en": "Open the bypass", "zh": "打开旁通"},
    "rationalisation": {"cause": "chiller", "time_to_respond_s": 600, "review_date": "2027-01-31"},
    "variables": {"hi": 30, "phone": "4711"},
    "overrides": [{"path": "hangzhou/hall-2/**", "change": {"variables": {"hi": 32}}}],
    "suppression": {"when": "not running", "inputs": {"running": "./pump/running"}, "group": {"name": "water"}},
}


def places_of(document: dict[str, Any]) -> set[str]:
    with pytest.raises(ValidationError) as refused:
        Definition.model_validate(document)
    return {".".join(str(part) for part in error["loc"]) for error in refused.value.errors()}


def test_a_document_comes_back_as_it_was_said() -> None:
    document = Definition.model_validate(FULL).document()
    assert document == Definition.model_validate(document).document()
    assert document["condition"]["hi"] == {"limit": "$hi", "on_delay_s": 10}
    assert document["class"] == "utilities"
    assert "auto_acknowledge" not in document


def test_all_problems_are_named_at_once() -> None:
    wrong = FULL | {
        "name": "",
        "target": {"path": "a", "template": "b"},
        "condition": {"kind": "limit", "hi": {"limit": "high"}, "deadband": -1},
        "on_delay_s": -3,
        "priority": "urgent",
        "colour": "red",
        "overrides": [{"path": "a", "change": {"name": "other"}}],
    }
    assert places_of(wrong) == {
        "name",
        "target",
        "condition.limit.hi.limit",
        "condition.limit.deadband",
        "on_delay_s",
        "priority",
        "colour",
        "overrides.0.change",
    }


@pytest.mark.parametrize(
    "levels", [{}, {"hi": {"limit": 5}, "lo": {"limit": 5}}, {"hihi": {"limit": 1}, "hi": {"limit": 2}}]
)
def test_levels_are_there_and_in_order(levels: dict[str, Any]) -> None:
    assert places_of(FULL | {"condition": {"kind": "limit", **levels}}) == {"condition.limit"}


@pytest.mark.parametrize(
    ("member", "value", "shown"),
    [
        ("message", {"en": "{valu}"}, "{valu}"),
        ("message", {"zh": "{value"}, "a brace alone"),
        ("message", {"en": "{value!r}"}, "{value!r}"),
        ("message", {"en": "{path.__class__}"}, "{path.__class__}"),
        ("condition", {"kind": "rate", "hi": {"limit": "$nobody"}}, "$nobody"),
    ],
)
def test_fields_and_variables_are_known(member: str, value: dict[str, Any], shown: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Definition.model_validate(FULL | {member: value})
    assert shown in str(refused.value)


@pytest.mark.parametrize(
    "condition",
    [
        {"kind": "limit", "hi": {"limit": 1}},
        {"kind": "deviation", "setpoint": "./setpoint", "hi": {"limit": 5}, "lo": {"limit": -5}},
        {"kind": "rate", "hi": {"limit": 3}, "per": "minute", "over_s": 10},
        {"kind": "discrete", "states": [4, True, "FAULT"], "labels": {"4": {"en": "fault", "zh": "故障"}}},
        {"kind": "stale"},
        {"kind": "stale", "after_s": 30},
        {"kind": "bad_quality"},
        {"kind": "counter_stopped", "after_s": 120},
        {"kind": "expression", "expression": "a > 3 and b < 2", "inputs": {"a": "x/y", "b": "./z"}},
    ],
)
def test_every_kind_can_be_said(condition: dict[str, Any]) -> None:
    assert Definition.model_validate(FULL | {"condition": condition, "variables": {"phone": "1"}})
