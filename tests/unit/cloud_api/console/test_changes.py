"""What differs between two documents, member by member."""

from cloud_api.console.parts.changes import differences


def test_members_inside_tables_and_lists_of_tables_are_told_by_their_own_names():
    before = {"name": "a", "match": {"paths": ["x"], "classes": None}, "steps": [{"after": "0s"}, {"after": "5m"}]}
    after = {"name": "a", "match": {"paths": ["x", "y"]}, "steps": [{"after": "1m"}], "repeat": {"every": "5m"}}
    assert differences(before, after) == {
        "match.paths": (["x"], ["x", "y"]),
        "steps.1.after": ("0s", "1m"),
        "steps.2.after": ("5m", None),
        "repeat.every": (None, "5m"),
    }


def test_nothing_said_is_the_same_as_null_and_empty():
    assert differences({"inhibit": [], "calendar": None}, {"repeat": None, "match": {}}) == {}
