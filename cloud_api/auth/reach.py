"""How far a caller sees: globs of paths; what is outside does not exist for it (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_api.auth.roles import Role
from cloud_api.globs import parse_glob
from cloud_api.problems import body_invalid, in_body

EVERYTHING = ("**",)
MOST_GLOBS = 32
# No path is empty.
NOTHING = "^$"
ALLOWED = f"1 to {MOST_GLOBS} path globs, as hangzhou/press-shop/**; ** alone is everything"


@dataclass(frozen=True, slots=True)
class Reach:
    """Globs, and the regular expression that the database and Python read alike; None for no limit."""

    globs: tuple[str, ...] = EVERYTHING
    pattern: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is outside."""
        return self.pattern is None

    def holds(self, path: str) -> bool:
        """Say whether a path is inside."""
        return self.pattern is None or re.search(self.pattern, path) is not None


def read_reach(globs: Sequence[str], field: str = "reach") -> Reach:
    """Read globs; a Problem says what is wrong with one. No globs at all see nothing."""
    if "**" in globs:
        return Reach()
    patterns = [parse_glob(glob, field).pattern for glob in globs]
    return Reach(tuple(globs), "|".join(f"(?:{pattern})" for pattern in patterns) if patterns else NOTHING)


def checked_reach(globs: Sequence[str], role: str | None) -> list[str]:
    """Read the globs that somebody is to be given; a Problem says what is wrong with them."""
    if not 1 <= len(globs) <= MOST_GLOBS:
        raise body_invalid("reach", list(globs), f"has {len(globs)} globs", ALLOWED)
    with in_body():
        reach = read_reach(globs)
    if role in {Role.ADMIN, Role.AUDITOR} and not reach.is_whole:
        raise body_invalid("reach", list(globs), f"is limited, which the role {role} cannot be", '["**"]')
    return list(reach.globs)
