"""Rules that turn the groups of an identity provider into a role and a reach (pure, but for its refusal)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from cloud_api.auth.reach import EVERYTHING, MOST_GLOBS, checked_reach
from cloud_api.auth.roles import Role
from cloud_api.environment import SettingProblem, SettingsInvalid
from cloud_api.login_settings import OidcSettings
from cloud_api.problems import Problem

ANYBODY = "*"
_SETTING = "MILLSTREAM_OIDC_RULES_FILE"


class Rule(BaseModel):
    """Who is in `group` gets `role` within `reach`; the group `*` is everybody whom the provider lets in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    role: Role
    reach: tuple[str, ...] = EVERYTHING


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody gets."""

    role: Role
    reach: tuple[str, ...]


def read_rules(settings: OidcSettings) -> tuple[Rule, ...]:
    """Check the tables of the rules file; SettingsInvalid tells all that is wrong with them."""
    rules: list[Rule] = []
    problems: list[SettingProblem] = []
    for number, table in enumerate(settings.rules, 1):
        try:
            rule = Rule.model_validate(table)
            checked_reach(rule.reach, rule.role)
            rules.append(rule)
        except (ValidationError, Problem) as error:
            problems.append(_told(settings, number, error))
    if problems:
        raise SettingsInvalid(problems)
    return tuple(rules)


def grant_of(rules: Sequence[Rule], groups: Collection[str]) -> Grant | None:
    """Find what the groups give, None for nothing.

    The first rule that fits decides on the role. Later ones with the same role widen the reach; those with another do
    not, because an operator here who is a viewer there must not become an operator there.
    """
    fitting = [rule for rule in rules if rule.group == ANYBODY or rule.group in groups]
    if not fitting:
        return None
    role = fitting[0].role
    globs = dict.fromkeys(glob for rule in fitting if rule.role == role for glob in rule.reach)
    return Grant(role, EVERYTHING if "**" in globs else tuple(globs)[:MOST_GLOBS])


def _told(settings: OidcSettings, number: int, error: ValidationError | Problem) -> SettingProblem:
    if isinstance(error, Problem):
        allowed = error.fields[0].allowed if error.fields else None
        return SettingProblem(_SETTING, str(settings.rules_file), f"rule {number}: {error.detail}", allowed or "")
    first: Any = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "rule"
    allowed = f"group, role ({', '.join(Role)}), reach (path globs)"
    return SettingProblem(_SETTING, str(settings.rules_file), f"rule {number}: {field}: {first['msg']}", allowed)
