"""Whatever a server calls its nodes, the list is TOML and CSV with names that tags may have, none twice."""

import csv
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import BrowsedPoint
from edge_agent.commissioning.globs import matches
from edge_agent.commissioning.tag_lists import csv_list, drift, frozen, listed, toml_tag
from schemas.sample import Kind, path_problem

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=130)


def points(paths: list[list[str]]) -> list[BrowsedPoint]:
    return [
        BrowsedPoint(
            tuple(path), {"node": f"nsu=urn:x;i={number}"}, Kind.F64, unit="bar", low=0.0, high=10.0, value=1.5
        )
        for number, path in enumerate(paths)
    ]


@given(st.lists(st.lists(NAMES, min_size=1, max_size=16), min_size=1, max_size=8))
def test_names_can_be_tags_and_none_comes_twice(paths: list[list[str]]):
    tags = listed(points(paths))
    assert not [problem for tag in tags if (problem := path_problem(f"site/area/line/device/{tag.name}"))]
    assert len({tag.name for tag in tags}) == len(tags)
    written = tomllib.loads("\n".join(toml_tag(tag) for tag in tags))["device"]["tag"]
    assert [table["name"] for table in written] == [tag.name for tag in tags]


def test_a_name_that_is_as_long_as_it_may_be_makes_room_to_be_told_apart():
    first, second = listed(points([["a", "x" * 130], ["a", "x" * 130]]))
    assert first.name == f"a/{'x' * 100}"
    assert second.name == f"a/{'x' * 96} (2)"


@given(st.lists(st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=8))
def test_both_forms_come_back_without_drift(paths: list[list[str]]):
    tags = listed(points(paths))
    tables = tomllib.loads("\n".join(toml_tag(tag) for tag in tags))["device"]["tag"]
    rows = list(csv.DictReader(csv_list(tags).splitlines()))
    for written in (tables, rows):
        assert drift(frozen(written, ["node"]), tags).is_none


def test_renamed_tag_is_no_drift_but_a_new_unit_is():
    (tag,) = listed(points([["a"]]))
    (before,) = frozen([{"name": "other", **tag.point, "unit": "bar", "low": 0, "high": 10}], ["node"])
    assert drift([before], [tag]).is_none
    (changed,) = frozen([{"name": "a", **tag.point, "unit": "psi", "low": 0, "high": 10}], ["node"])
    assert [what for _, what in drift([changed], [tag]).changed] == [["unit psi -> bar"]]


def test_pattern_keeps_to_its_levels():
    assert matches("imm-*/zone-1/*", "imm-1/zone-1/output")
    assert not matches("imm-*/*", "imm-1/zone-1/output")
    assert matches("**/output", "imm-1/zone-1/output")
    assert matches("imm-?/**", "imm-1/zone-1/output")
    assert not matches("imm.1/**", "imm-1/x")
