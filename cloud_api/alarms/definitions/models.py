"""AlarmDefinition: everything an engineer says of an alarm, in one document that the API and the files share."""

import re
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cloud_api.alarms.definitions.conditions import (
    VARIABLE,
    Condition,
    Delay,
    Part,
    Priority,
    Texts,
    templates_of,
)
from cloud_api.alarms.evaluation.wording import FIELDS, unknown_fields

MAX_OVERRIDES = 1000
_VARIABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# What an override may change at the places that it means.
OVERRIDABLE = frozenset(
    {
        "enabled",
        "condition",
        "on_delay_s",
        "off_delay_s",
        "latching",
        "priority",
        "class",
        "position",
        "message",
        "action",
        "variables",
    }
)


class Target(Part):
    """Where the alarm stands: on series that a path or glob names, or on a tag of each asset of a template."""

    path: str | None = Field(
        default=None, min_length=1, max_length=1300, description="A series' path, or a glob (`*` one level, `**` any)"
    )
    template: str | None = Field(default=None, min_length=1, max_length=100, description="An asset template's name")
    tag: str | None = Field(
        default=None, min_length=1, max_length=1300, description="With a template: the tag below each of its assets"
    )

    @model_validator(mode="after")
    def check_one(self) -> "Target":
        """A path, or a template and its tag."""
        if (self.path is None) == (self.template is None):
            raise ValueError("names either a path or a template")
        if (self.template is None) != (self.tag is None):
            raise ValueError("has a template and a tag, or neither")
        return self


class Rationalisation(Part):
    """Why the alarm exists: the record of the master alarm database (ISA-18.2, rationalisation)."""

    cause: str = Field(default="", max_length=2000)
    consequence: str = Field(default="", max_length=2000, description="What happens if nobody acts")
    response: str = Field(default="", max_length=2000, description="What the operator has to do")
    time_to_respond_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    basis: str = Field(default="", max_length=2000, description="Where the limit comes from")
    owner: str = Field(default="", max_length=200)
    review_date: date | None = None


class Group(Part):
    """A group in which one alarm tells of the cause and the others, its consequences, are suppressed meanwhile."""

    name: str = Field(
        min_length=1, max_length=100, description="`{asset}` in it makes one group for each asset, or level above"
    )
    is_cause: bool = Field(default=False, description="The cause: never suppressed. Without one the first-up stays")


class Suppression(Part):
    """Suppression by design: while `when` is true, or while the group has found its cause."""

    when: str | None = Field(default=None, min_length=1, max_length=4000)
    inputs: dict[str, str] = Field(default_factory=dict[str, str], max_length=50)
    group: Group | None = None


class Override(Part):
    """What is different at some of the places."""

    path: str = Field(min_length=1, max_length=1300, description="A place of the target, or a glob")
    change: dict[str, Any] = Field(min_length=1, description="Members of the definition, merged into it")

    @field_validator("change")
    @classmethod
    def check_change(cls, change: dict[str, Any]) -> dict[str, Any]:
        """Only what makes sense at a place."""
        wrong = sorted(set(change) - OVERRIDABLE)
        if wrong:
            raise ValueError(f"changes {', '.join(wrong)}; allowed: {', '.join(sorted(OVERRIDABLE))}")
        return change


class Definition(BaseModel):
    """An alarm definition."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    name: str = Field(min_length=1, max_length=200, description="Unique; files and people know the definition by it")
    enabled: bool = True
    target: Target
    condition: Condition
    priority: Priority = "medium"
    on_delay_s: Delay = Field(default=0.0, description="The condition must hold so long before the alarm is raised")
    off_delay_s: Delay = Field(default=0.0, description="It must be over so long before the alarm clears")
    latching: bool = Field(default=False, description="Stays until somebody resets it")
    auto_acknowledge: bool = Field(default=False, description="Returning to normal acknowledges it")
    max_shelved_s: int = Field(default=28_800, ge=60, le=30 * 86_400)
    alarm_class: str = Field(default="process", alias="class", min_length=1, max_length=100)
    position: str = Field(default="default", min_length=1, max_length=100, description="The operator position")
    message: Texts = Field(default_factory=Texts, description="Template for levels without one of their own")
    action: Texts = Field(default_factory=Texts, description="What the operator shall do")
    rationalisation: Rationalisation = Field(default_factory=Rationalisation)
    variables: dict[str, float | str] = Field(default_factory=dict[str, float | str], max_length=100)
    overrides: list[Override] = Field(default_factory=list[Override], max_length=MAX_OVERRIDES)
    suppression: Suppression = Field(default_factory=Suppression)

    @field_validator("name")
    @classmethod
    def check_name(cls, name: str) -> str:
        """Names stand in lists and files."""
        if not name.isprintable():
            raise ValueError("has characters that cannot be printed")
        return name

    @field_validator("variables")
    @classmethod
    def check_variables(cls, variables: dict[str, float | str]) -> dict[str, float | str]:
        """Names that messages and limits can use."""
        wrong = [name for name in variables if not _VARIABLE_NAME.fullmatch(name) or name in FIELDS]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: names are small letters, digits and _, and not {sorted(FIELDS)}")
        return variables

    @model_validator(mode="after")
    def check_templates(self) -> "Definition":
        """Every field of every message is known, every variable in a limit has a value."""
        known = frozenset(self.variables)
        places = [("message", self.message), *templates_of(self.condition)]
        wrong = [
            f"{place}.{language} has {', '.join(fields)}"
            for place, texts in places
            for language, text in (("en", texts.en), ("zh", texts.zh))
            if (fields := unknown_fields(text, known))
        ]
        missing = sorted(variables_in(self.condition.model_dump()) - known)
        wrong += [f"condition uses ${name}, which variables does not have" for name in missing]
        if wrong:
            fields = ", ".join(sorted(FIELDS | known))
            raise ValueError(f"{'; '.join(wrong)}; fields in messages are {fields}")
        return self

    def document(self) -> dict[str, Any]:
        """Give the document as it is stored and exported: only what was said."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)


def variables_in(value: Any) -> set[str]:
    """Find every `$name` that stands in place of a number."""
    if isinstance(value, str):
        return {value[1:]} if VARIABLE.fullmatch(value) else set()
    if isinstance(value, dict):
        return set[str]().union(*(variables_in(each) for each in value.values()))
    return set()
