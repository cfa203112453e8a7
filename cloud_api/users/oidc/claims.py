"""What a provider says of somebody, read with care: names, groups (pure)."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from cloud_api.users.models import user_name_problem

NAME_CHARACTERS, DISPLAY_CHARACTERS = 64, 100
MOST_GROUPS = 2_000
_NOT_IN_NAMES = re.compile(r"[^\w.@-]+")


class GroupsElsewhere(Exception):
    """The provider left the groups out because there are too many (Entra: more than 200)."""


def user_name(claims: Mapping[str, Any], claim: str) -> str | None:
    """The name for a new user: the claim that is configured, else the mail address, else the subject."""
    for value in (claim_at(claims, claim), claims.get("email"), claims.get("sub")):
        if isinstance(value, str):
            text = unicodedata.normalize("NFC", value.strip())
            name = _NOT_IN_NAMES.sub("-", text).lstrip(".@-")[:NAME_CHARACTERS]
            if name and user_name_problem(name) is None:
                return name
    return None


def display_name(claims: Mapping[str, Any]) -> str | None:
    """What somebody is called, without what no name has."""
    value = claims.get("name")
    if not isinstance(value, str):
        return None
    return "".join(mark for mark in value if mark.isprintable()).strip()[:DISPLAY_CHARACTERS] or None


def groups(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The groups, of a list or of one text; GroupsElsewhere when the provider did not say them."""
    found = claim_at(claims, claim)
    if found is None:
        moved = claims.get("_claim_names")
        if (isinstance(moved, Mapping) and claim in moved) or claims.get("hasgroups") is True:
            raise GroupsElsewhere
        return frozenset()
    if isinstance(found, str):
        return frozenset({found})
    if isinstance(found, list):
        return frozenset(each for each in found[:MOST_GROUPS] if isinstance(each, str))
    return frozenset()


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path of names joined by dots as in realm_access.roles; None where there is none."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found
