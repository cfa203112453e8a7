"""How one browser wants the console: language, light or dark, time zone, kiosk; read from its cookies and address."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import HTTPConnection

from cloud_api.console.words import Language, choose_language

LANGUAGE_COOKIE, THEME_COOKIE, ZONE_COOKIE = "millstream_language", "millstream_theme", "millstream_zone"
KIOSK_SCALE = 1.35
YEAR_S = 365 * 86_400


class Theme(StrEnum):
    """Light or dark; `auto` is what the system says."""

    LIGHT = "light"
    DARK = "dark"
    AUTO = "auto"

    @property
    def is_dark(self) -> bool | None:
        """None: the browser knows."""
        return None if self is Theme.AUTO else self is Theme.DARK


@dataclass(frozen=True, slots=True)
class Look:
    """What is known of a browser before anybody logs in."""

    language: Language = Language.EN
    theme: Theme = Theme.AUTO
    zone_name: str = "UTC"
    is_kiosk: bool = False

    @property
    def scale(self) -> float:
        """How much larger than on a desk type is, and so what must hold it."""
        return KIOSK_SCALE if self.is_kiosk else 1.0

    @property
    def zone(self) -> tzinfo:
        """The browser's time zone; UTC where it is unknown."""
        try:
            return ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return UTC


# NiceGUI asks a page for language and theme where it has no request at hand.
present: ContextVar[Look] = ContextVar("look", default=Look())  # noqa: B039 frozen


def read_look(connection: HTTPConnection) -> Look:
    """Read cookies and address; what makes no sense is as if it were not there."""
    cookies: Mapping[str, str] = connection.cookies
    theme = cookies.get(THEME_COOKIE, "")
    return Look(
        language=choose_language(cookies.get(LANGUAGE_COOKIE), connection.headers.get("Accept-Language", "")),
        theme=Theme(theme) if theme in set(Theme) else Theme.AUTO,
        zone_name=cookies.get(ZONE_COOKIE, "UTC").replace("%2F", "/")[:64],
        is_kiosk=connection.query_params.get("kiosk") == "1",
    )
