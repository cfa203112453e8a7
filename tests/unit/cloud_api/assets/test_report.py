"""An asset beside its template."""

from cloud_api.assets.templates.models import TemplateTag
from cloud_api.assets.templates.report import compare, tags_of
from cloud_api.storage.asset_templates import TagRow


def row(path: str, unit: str | None = None, low: float | None = None, scan_period_s: float | None = None) -> TagRow:
    return TagRow("a", 1, path, "f64", unit, low, None, scan_period_s)


def test_what_the_template_leaves_open_is_not_compared():
    found = {"t": row("a/t", "°C", 0.0, 1.0)}
    assert compare([TemplateTag(tag="t")], found).verdict == "conforms"


def test_each_difference_is_named_with_both_values():
    expected = [TemplateTag(tag="t", unit="K", low=1, scan_period_s=0.5)]
    differing = compare(expected, {"t": row("a/t", "°C", None, 0.5000000001)}).differing
    assert [(each.field, each.expected, each.found) for each in differing] == [("unit", "K", "°C"), ("low", 1.0, None)]


def test_an_optional_tag_is_never_missing_and_never_extra():
    expected = [TemplateTag.model_validate({"tag": "t", "presence": "optional"})]
    assert compare(expected, {}).verdict == "conforms"
    assert compare(expected, {"t": row("a/t")}).verdict == "conforms"
    assert compare(expected, {"u": row("a/u")}).extra == ("u",)


def test_tags_below_another_asset_with_a_template_are_its_own():
    rows = [row("a/t"), row("a/m/t"), row("a/m/n/t"), row("a/mm/t")]
    assert list(tags_of("a", rows, {"a/m"})) == ["t", "mm/t"]
    assert list(tags_of("a", rows, {"a/m/n"})) == ["t", "m/t", "mm/t"]
