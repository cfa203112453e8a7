"""Time zones by their IANA name."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cloud_api.problems import parameter_invalid

ALLOWED = "an IANA name, as UTC, Asia/Shanghai or Europe/Berlin"


def load_zone(name: str, field: str) -> ZoneInfo:
    """Find a zone; a Problem says what is wrong with its name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise parameter_invalid(field, name, "is not a time zone", ALLOWED) from error
