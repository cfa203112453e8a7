"""Days chosen in a calendar, and the lines of the field beside it."""

import pytest

from cloud_api.console.parts.dates import merged


@pytest.mark.parametrize(
    ("lines", "chosen", "after"),
    [
        (None, ["2027-02-20"], "2027-02-20"),
        ("2027-02-20", ["2027-02-20", "2027-01-01"], "2027-01-01\n2027-02-20"),
        ("2027-02-20\n2027-02-30\nsoon", [], "2027-02-30\nsoon"),
        (" 2027-02-20 \n\n20270221", ["2027-02-20"], "20270221\n2027-02-20"),
    ],
)
def test_chosen_days_replace_days_and_leave_what_is_none_to_its_writer(
    lines: str | None, chosen: list[str], after: str
):
    assert merged(lines, chosen) == after
