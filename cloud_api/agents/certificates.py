"""How long the certificates of an agent still last, and which of them somebody should see to (pure)."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cloud_api.instants import format_at
from schemas.agent_status import CertificateHealth

SOON = timedelta(days=30)
URGENT = timedelta(days=7)


class Standing(StrEnum):
    """What is to be done about a certificate."""

    VALID = "valid"
    SOON = "soon"
    URGENT = "urgent"
    ENDED = "ended"
    UNREADABLE = "unreadable"


WORST_FIRST = (Standing.ENDED, Standing.UNREADABLE, Standing.URGENT, Standing.SOON, Standing.VALID)


def standing_of(not_after: datetime | None, now: datetime) -> Standing:
    """Where a certificate stands; one whose file cannot be read will not serve the next connection."""
    if not_after is None:
        return Standing.UNREADABLE
    left = not_after - now
    if left <= timedelta(0):
        return Standing.ENDED
    return Standing.URGENT if left <= URGENT else Standing.SOON if left <= SOON else Standing.VALID


def certificates_told(said: Sequence[CertificateHealth], now: datetime) -> list[dict[str, Any]]:
    """Certificates as the API shows them, the one to be seen to first before the others."""
    told = [_told(each, now) for each in said]
    return sorted(told, key=lambda each: (WORST_FIRST.index(each["standing"]), each["not_after"] or "", each["use"]))


def _told(said: CertificateHealth, now: datetime) -> dict[str, Any]:
    ends = said.not_after
    return {
        "use": said.use,
        "devices": list(said.devices),
        "not_after": None if ends is None else format_at(ends),
        "days": None if ends is None else math.floor((ends - now) / timedelta(days=1)),
        "standing": standing_of(ends, now),
        "error": said.error,
    }
