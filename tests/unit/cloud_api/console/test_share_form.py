"""What the form of a share offers, and what other terms would mean."""

from typing import Any

from cloud_api.console.pages.people.share_fields import AGGREGATES, FLOORS
from cloud_api.console.pages.people.share_form import meant_otherwise
from cloud_api.query.aggregates.names import Aggregate
from cloud_api.shares.terms import POINTS, Floor


def test_what_can_be_shared_can_be_chosen():
    assert set(AGGREGATES) == set(Aggregate) - POINTS
    assert list(FLOORS) == list(Floor)


def content(*series: tuple[str, str, bool]) -> dict[str, Any]:
    return {"series": [{"path": path, "alias": alias, "is_held_back": held} for path, alias, held in series]}


def test_series_that_come_go_change_their_name_and_are_let_out_are_told():
    before = content(("a/x", "x", False), ("a/y", "y", False), ("a/z", "z", True))
    after = content(("a/y", "why", False), ("a/z", "z", False), ("b/x", "x", False))
    assert meant_otherwise(before, after) == {
        "gone": ["a/x → x"],
        "new": ["b/x → x"],
        "renamed": ["a/y: y → why"],
        "freed": ["a/z → z"],
    }
    assert not any(meant_otherwise(after, after).values())
