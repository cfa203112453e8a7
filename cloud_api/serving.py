"""The HTTP server around the application: one listener, plain logs, a graceful end."""

import logging
import signal
import socket
from ipaddress import ip_address
from types import FrameType

import uvicorn
from fastapi import FastAPI

from cloud_api.app import GiveUp, create_app
from cloud_api.heap import keep_freed_memory
from cloud_api.server_events import Closing
from cloud_api.settings import CONSOLE_ALONE, CloudSettings, Role

GRACE_S = 10

log = logging.getLogger(__name__)


def serve(settings: CloudSettings, roles: frozenset[Role], listener: socket.socket) -> list[str]:
    """Serve until a signal ends it; the reasons why it had to give up, none after a signal."""
    keep_freed_memory()
    reasons: list[str] = []
    closing = Closing()
    server: _Server | None = None

    def give_up(reason: str) -> None:
        reasons.append(reason)
        closing.set()
        if server is not None:
            server.should_exit = True

    config = uvicorn.Config(
        _application(settings, roles, give_up, closing),
        log_config=None,
        access_log=False,
        server_header=False,
        # Who may say for whom it asks, and whether over HTTPS: named proxies alone.
        proxy_headers=bool(settings.http_proxies),
        forwarded_allow_ips=settings.http_proxies or None,
        ssl_certfile=settings.http_cert_file,
        ssl_keyfile=settings.http_key_file,
        timeout_graceful_shutdown=GRACE_S,
        # What the console brings along must not change how the other roles run.
        loop="asyncio",
        http="auto" if roles == CONSOLE_ALONE else "h11",
        lifespan="on",
    )
    server = _Server(config, closing)
    with listener:
        host, port = listener.getsockname()[:2]
        scheme = "https" if settings.http_cert_file else "http"
        hint = "" if roles == CONSOLE_ALONE else " (documentation at /docs)"
        log.info("%s on %s://%s:%d%s", ", ".join(sorted(roles)), scheme, host, port, hint)
        if not (settings.http_cert_file or settings.http_proxies or ip_address(host).is_loopback):
            log.warning(
                "others can reach this address, unencrypted: name a certificate (MILLSTREAM_HTTP_CERT_FILE and "
                "MILLSTREAM_HTTP_KEY_FILE), or the proxy in front (MILLSTREAM_HTTP_PROXIES)"
            )
        server.run(sockets=[listener])
    return reasons


def _application(settings: CloudSettings, roles: frozenset[Role], give_up: GiveUp, closing: Closing) -> FastAPI:
    if roles != CONSOLE_ALONE:
        return create_app(settings, roles, give_up, closing)
    # Heavy, and a process of its own.
    from cloud_api.console.app import create_console

    return create_console(settings, give_up, closing)


class _Server(uvicorn.Server):
    """Ends on SIGTERM and SIGINT after the running answers, and does not raise the signal again: exit code 0."""

    def __init__(self, config: uvicorn.Config, closing: Closing) -> None:
        super().__init__(config)
        self._closing = closing

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        del frame
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True
        # Streams never end by themselves.
        self._closing.set()
