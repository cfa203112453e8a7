"""Mail, chat and SMS through Apprise; what it logs is kept for the reason of a failure and goes nowhere else."""

import logging
import threading
import warnings
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cloud_api.notify.configuration.services import find_service
from cloud_api.outbound.addresses import Network, resolve
from cloud_api.outbound.failures import SendFailed, SendRefused

ID_HEADER = "X-Millstream-Notification"
_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_MODES = {"none": "insecure", "starttls": "starttls", "tls": "ssl"}
# At this level Apprise says why a connection failed; everything else below a warning may hold addresses and bodies.
_REASON = "Socket Exception"


class _Ear(logging.Handler):
    """Hears what Apprise says in the thread that sends; nothing of it reaches a log."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._heard = threading.local()

    def begin(self) -> None:
        self._heard.lines = []

    def end(self) -> list[str]:
        return getattr(self._heard, "lines", [])

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if hasattr(self._heard, "lines") and (record.levelno >= logging.WARNING or text.startswith(_REASON)):
            self._heard.lines.append(text)


_EAR = _Ear()
_LOADING = threading.Lock()


def send_mail(settings: Mapping[str, Any], password: str | None, message_id: UUID, subject: str, text: str) -> None:
    """Send a mail to every address; SendFailed says why it did not go out."""
    security = settings["security"]
    _notify(
        {
            "schema": "mailto" if security == "none" else "mailtos",
            "host": settings["host"],
            "smtp_host": settings["host"],
            "port": settings["port"] or _PORTS[security],
            "secure_mode": _MODES[security],
            "user": settings["username"],
            "password": password,
            "from_addr": settings["sender"],
            "targets": list(settings["to"]),
            "headers": {ID_HEADER: str(message_id)},
            "format": "text",
        },
        subject,
        text,
    )


def send_by_service(address: str, subject: str, text: str, allowed: Sequence[Network]) -> None:
    """Send through the service of an Apprise address; one that stands at a place of its own is checked first."""
    if find_service(address).is_self_hosted:
        parts = urlsplit(address)
        if not parts.hostname:
            raise SendRefused("the address names no host")
        resolve(parts.hostname, parts.port or 443, allowed)
    _notify(address, subject, text)


def _load() -> ModuleType:
    """Load the 180 services, once: only a process that sends pays for them."""
    with _LOADING, warnings.catch_warnings():
        # Some of them import modules that Python will drop; that is their makers' to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        logger = logging.getLogger("apprise")
        if _EAR not in logger.handlers:
            apprise.Apprise.instantiate("json://127.0.0.1")
            logger.addHandler(_EAR)
        # Whoever has configured logs since may have let it speak again.
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
    return apprise


def _notify(address: str | dict[str, Any], subject: str, text: str) -> None:
    apprise = _load()
    _EAR.begin()
    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise SendRefused("; ".join(_EAR.end()) or "the address is not complete")
    # A redirect would lead past the check of the address; one in the address itself (?redirect=yes) too.
    service.redirects = False
    is_sent = service.notify(body=text, title=subject, body_format=apprise.NotifyFormat.TEXT)
    if not is_sent:
        raise SendFailed("; ".join(_EAR.end()) or "the service did not take it")
