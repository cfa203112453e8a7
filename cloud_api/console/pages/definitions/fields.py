"""The fields of a definition, group by group, each over the member of its document."""

from nicegui import ui

from cloud_api.console.parts.form import Form
from cloud_api.console.parts.html import element, heading
from cloud_api.console.parts.priority import PRIORITIES
from cloud_api.console.parts.rows import Rows, RowTexts
from cloud_api.console.screen import Screen

KINDS = ("limit", "deviation", "rate", "discrete", "stale", "bad_quality", "counter_stopped", "expression")
LEVELLED = frozenset({"limit", "deviation", "rate"})
LEVELS = ("hihi", "hi", "lo", "lolo")
PERS = ("second", "minute", "hour", "day")
RATIONALISATION = ("cause", "consequence", "response", "basis")


class Fields:
    """All fields; those of the condition change with its kind, those of overrides with their number."""

    def __init__(self, screen: Screen, form: Form) -> None:
        self._screen = screen
        self._text = screen.text
        self._form = form

    def show(self) -> None:
        """Build them."""
        for title, build in (
            ("where", self._where),
            ("condition", self._condition),
            ("message", self._messages),
            ("behaviour", self._behaviour),
            ("rationalisation", self._rationalisation),
            ("suppression", self._suppression),
            ("variables", self._variables),
        ):
            with element("section", "ms-card"):
                heading(self._text(f"definition_part.{title}"))
                build()

    def _label(self, name: str) -> str:
        return self._text(f"definition_field.{name}")

    def _hint(self, name: str) -> str:
        return self._text(f"definition_hint.{name}")

    def _priorities(self) -> dict[str | None, str]:
        return {each: self._text(f"priority.{each}") for each in PRIORITIES}

    def _where(self) -> None:
        form = self._form
        with element("div", "ms-fields"):
            form.line("name", self._label("name"))
            form.choice("priority", self._label("priority"), self._priorities(), "medium")
            form.line("position", self._label("position"), hint=self._hint("position"))
            form.line("class", self._label("class"))
        with element("div", "ms-fields"):
            form.line("target.path", self._label("path"), hint=self._hint("path")).classes("ms-wide")
            form.line("target.template", self._label("template"), hint=self._hint("template"))
            form.line("target.tag", self._label("tag"))
        form.switch("enabled", self._label("enabled"), default=True)

    def _condition(self) -> None:
        kinds = {each: self._text(f"condition.{each}") for each in KINDS}
        chosen = ui.select(kinds, label=self._label("kind"), value=self._form.value("condition.kind"))
        chosen.props("dense outlined stack-label").classes("ms-field")
        place = element("div", "ms-stack")

        def change() -> None:
            kept = {"kind": chosen.value}
            if chosen.value in LEVELLED:
                old = {each: self._form.value(f"condition.{each}") for each in LEVELS}
                kept |= {each: level for each, level in old.items() if level}
            self._form.forget("condition", kept)
            build()

        def build() -> None:
            place.clear()
            with place:
                self._build_kind(str(chosen.value))

        chosen.on_value_change(change)
        build()

    def _build_kind(self, kind: str) -> None:
        form = self._form
        with element("div", "ms-fields"):
            if kind == "deviation":
                form.line("condition.setpoint", self._label("setpoint"), hint=self._hint("setpoint")).classes("ms-wide")
            if kind == "rate":
                pers = {each: self._text(f"per.{each}") for each in PERS}
                form.choice("condition.per", self._label("per"), pers, "minute")
                form.number("condition.over_s", self._label("over_s"), 0)
            if kind in LEVELLED:
                form.number("condition.deadband", self._label("deadband"), 0, self._hint("deadband"))
            if kind == "discrete":
                form.items("condition.states", self._label("states"), self._hint("states"))
                form.labels("condition.labels", self._label("labels"), self._hint("labels"))
            if kind in {"stale", "counter_stopped"}:
                form.number("condition.after_s", self._label("after_s"), hint=self._hint(f"after_{kind}"))
            if kind == "expression":
                wide = form.line("condition.expression", self._label("expression"), lines=True)
                wide.classes("ms-wide")
                form.pairs("condition.inputs", self._label("inputs"), self._hint("inputs")).classes("ms-wide")
        if kind == "bad_quality":
            ui.label(self._hint("bad_quality")).classes("ms-muted")
        if kind in LEVELLED:
            for level in LEVELS:
                self._level(level)

    def _level(self, level: str) -> None:
        form, prefix = self._form, f"condition.{level}"
        any_priority: dict[str | None, str] = {None: self._text("definitions.as_definition"), **self._priorities()}
        name = self._text(f"level.{level}")
        with element("fieldset", "ms-level-set"):
            legend = ui.label(name)
            legend.tag = "legend"
            with element("div", "ms-fields ms-fields-tight"):
                form.number(f"{prefix}.limit", self._label("limit"))
                form.choice(f"{prefix}.priority", self._label("priority"), any_priority)
                form.number(f"{prefix}.deadband", self._label("deadband"))
                form.number(f"{prefix}.on_delay_s", self._label("on_delay_s"))
                form.number(f"{prefix}.off_delay_s", self._label("off_delay_s"))
            with element("div", "ms-fields"):
                form.line(f"{prefix}.message.en", self._label("message_en"))
                form.line(f"{prefix}.message.zh", self._label("message_zh"))

    def _messages(self) -> None:
        form = self._form
        with element("div", "ms-fields"):
            form.line("message.en", self._label("message_en"), hint=self._hint("message"))
            form.line("message.zh", self._label("message_zh"))
            form.line("action.en", self._label("action_en"), lines=True)
            form.line("action.zh", self._label("action_zh"), lines=True)

    def _behaviour(self) -> None:
        form = self._form
        with element("div", "ms-fields"):
            form.number("on_delay_s", self._label("on_delay_s"), 0)
            form.number("off_delay_s", self._label("off_delay_s"), 0)
            form.number("max_shelved_s", self._label("max_shelved_s"), 28_800)
        with element("div", "ms-row"):
            form.switch("latching", self._label("latching"))
            form.switch("auto_acknowledge", self._label("auto_acknowledge"))

    def _rationalisation(self) -> None:
        form = self._form
        with element("div", "ms-fields"):
            for name in RATIONALISATION:
                form.line(f"rationalisation.{name}", self._label(name), lines=True)
            label, hint = self._label("time_to_respond_s"), self._hint("time_to_respond_s")
            form.number("rationalisation.time_to_respond_s", label, hint=hint)
            form.line("rationalisation.owner", self._label("owner"))
            form.line("rationalisation.review_date", self._label("review_date"), hint=self._hint("date"))

    def _suppression(self) -> None:
        form = self._form
        with element("div", "ms-fields"):
            wide = form.line("suppression.when", self._label("when"), lines=True, hint=self._hint("when"))
            wide.classes("ms-wide")
            form.pairs("suppression.inputs", self._label("inputs"), self._hint("inputs")).classes("ms-wide")
            form.line("suppression.group.name", self._label("group"), hint=self._hint("group"))
        form.switch("suppression.group.is_cause", self._label("is_cause"))

    def _variables(self) -> None:
        self._form.pairs("variables", self._label("variables"), self._hint("variables")).classes("ms-wide")
        texts = RowTexts(
            lambda number: self._text("definitions.override", number=number),
            self._text("definitions.add_override"),
            self._text("definitions.remove"),
        )
        Rows(self._form, "overrides", texts, self._override, lambda: {"path": "", "change": {}}).show()

    def _override(self, index: int) -> None:
        with element("div", "ms-fields"):
            self._form.line(f"overrides.{index}.path", self._label("override_path"))
            self._form.pairs(f"overrides.{index}.change", self._label("change"), self._hint("change"))
