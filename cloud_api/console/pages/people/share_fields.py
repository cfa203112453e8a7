"""The fields of a share: of what, for whom, how coarse, of which time, how much and until when."""

from typing import Any

from cloud_api.console.parts.form import Form
from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.parts.rows import Rows, RowTexts
from cloud_api.console.screen import Screen

FLOORS = ("1m", "5m", "15m", "30m", "1h", "8h", "1d", "1w", "1mo")
# By their names in OPC UA Part 13, as the recipient asks for them; those that show single samples are not shared.
AGGREGATES = (
    *("average", "minimum", "maximum", "count", "time_average", "time_average2", "total", "total2", "range"),
    *("minimum2", "maximum2", "range2", "duration_good", "duration_bad", "percent_good", "percent_bad"),
    *("worst_quality", "worst_quality2", "standard_deviation_sample", "standard_deviation_population"),
    *("variance_sample", "variance_population", "duration_in_state_zero", "duration_in_state_non_zero"),
    *("number_of_transitions", "increase", "rate"),
)


class ShareFields:
    """The fields over one form, group by group."""

    def __init__(self, screen: Screen, form: Form) -> None:
        self._screen = screen
        self._text = screen.text
        self._form = form

    def show(self) -> None:
        """Build them."""
        for title, build in (
            ("parties", self._parties),
            ("assets", self._assets),
            ("tags", self._tags),
            ("bounds", self._bounds),
        ):
            with element("section", "ms-stack ms-form-part", aria_label=self._text(f"share_part.{title}")):
                heading(self._text(f"share_part.{title}"), 3)
                build()

    def _parties(self) -> None:
        form, text = self._form, self._text
        with element("div", "ms-fields"):
            form.line("name", text("shares.name"))
            for key in ("provider", "recipient", "purpose_en", "purpose_zh"):
                form.line(f"terms.{key}", text(f"shares.{key}"))

    def _assets(self) -> None:
        self._rows("terms.assets", "asset", self._asset)

    def _asset(self, index: int) -> None:
        form, text, prefix = self._form, self._text, f"terms.assets.{index}"
        with element("div", "ms-fields"):
            form.line(f"{prefix}.path", text("shares.assets"), hint=text("shares.assets_hint"))
            form.line(f"{prefix}.template", text("shares.template"), hint=text("shares.template_hint"))
            form.line(f"{prefix}.alias", text("shares.assets_alias"), hint=text("shares.alias_hint"))

    def _tags(self) -> None:
        self._rows("terms.tags", "tag", self._tag)
        priorities: dict[Any, str] = {each: self._text(f"priority.{each}") for each in PRIORITIES}
        with element("div", "ms-fields"):
            field = self._form.choices("terms.alarms.priorities", self._text("shares.alarms"), priorities)
            field.props["hint"] = self._text("shares.alarms_hint")

    def _tag(self, index: int) -> None:
        form, text, prefix = self._form, self._text, f"terms.tags.{index}"
        with element("div", "ms-fields"):
            form.line(f"{prefix}.path", text("shares.tag_path"), hint=text("shares.tag_hint"))
            form.line(f"{prefix}.alias", text("shares.tag_alias"), hint=text("shares.tag_alias_hint"))
            form.choices(f"{prefix}.aggregates", text("shares.aggregates"), {each: each for each in AGGREGATES})
            form.items(f"{prefix}.classes", text("shares.classes"), text("shares.classes_hint"))

    def _bounds(self) -> None:
        form, text, zone = self._form, self._text, self._screen.formats.zone
        with element("div", "ms-fields"):
            form.choice("terms.floor", text("shares.floor"), {each: each for each in FLOORS}, "1h")
            form.line("terms.time_zone", text("shares.time_zone"), hint=text("shares.time_zone_hint"))
            form.number("terms.window.last_days", text("shares.last_days"), hint=text("shares.window_hint"))
            form.instant("terms.window.from", text("shares.from"), zone)
            form.instant("terms.window.to", text("shares.to"), zone, text("shares.to_hint"))
            form.instant("terms.expires_at", text("shares.expires"), zone)
            form.number("terms.budget.rows_per_day", text("shares.per_day"))
            form.number("terms.budget.rows_total", text("shares.in_all"))
            form.number("terms.settle_minutes", text("shares.settle_minutes"), 10, text("shares.settle_hint"))
            form.number("terms.least_samples", text("shares.least_samples"), 1, text("shares.least_hint"))

    def _rows(self, path: str, kind: str, build: Any) -> None:
        text = self._text
        texts = RowTexts(
            lambda number: text(f"share_row.{kind}", number=number), text(f"share_add.{kind}"), text("routes.remove")
        )
        Rows(self._form, path, texts, build).show()
