"""Roles, from least to most, and the scopes that stand beside them (pure)."""

from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each role may all that those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENGINEER = "engineer"
    ADMIN = "admin"


class Scope(StrEnum):
    """One thing that a key may do whatever its role is."""

    METRICS = "metrics"
    INGEST = "ingest"


_RANKS = {role: rank for rank, role in enumerate(Role)}


def is_enough(role: Role | None, needed: Role) -> bool:
    """Say whether `role` may do what `needed` may."""
    return role is not None and _RANKS[role] >= _RANKS[needed]
