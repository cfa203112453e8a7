"""Roles and what each may do, and the scopes that stand beside them (pure)."""

from enum import StrEnum


class Permission(StrEnum):
    """One kind of thing that can be done here."""

    READ = "read"  # history, alarms, assets, the fleet
    OPERATE = "operate"  # acknowledge, shelve, comment
    ENTER = "enter"  # values by hand, into the series made for it
    MAINTAIN = "maintain"  # out of service, maintenance
    CONFIGURE = "configure"  # series, assets, alarm definitions, rejects, samples put right
    AUDIT = "audit"  # who did what
    SHARE = "share"  # what other companies may read of this plant
    ADMINISTER = "administer"  # users, keys, purging


class Role(StrEnum):
    """What a caller is here for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MAINTENANCE = "maintenance"
    ENGINEER = "engineer"
    AUDITOR = "auditor"
    STEWARD = "steward"
    ADMIN = "admin"


class Scope(StrEnum):
    """One thing that a key may do whatever its role is."""

    METRICS = "metrics"
    INGEST = "ingest"


_VIEWER = frozenset({Permission.READ})
_OPERATOR = _VIEWER | {Permission.OPERATE, Permission.ENTER}
_MAINTENANCE = _OPERATOR | {Permission.MAINTAIN}
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.MAINTENANCE: _MAINTENANCE,
    Role.ENGINEER: _MAINTENANCE | {Permission.CONFIGURE},
    Role.AUDITOR: _VIEWER | {Permission.AUDIT},
    Role.STEWARD: _VIEWER | {Permission.SHARE},
    Role.ADMIN: frozenset(Permission),
}


def is_enough(role: Role | None, needed: Role) -> bool:
    """Say whether `role` may do all that `needed` may."""
    return role is not None and PERMISSIONS[needed] <= PERMISSIONS[role]
