"""What is sent out reaches no address inside the plant that the settings do not allow, whatever clothes it wears."""

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from cloud_api.notify.delivery.apprise_services import send_by_service
from cloud_api.outbound.addresses import resolve
from cloud_api.outbound.failures import SendFailed, SendRefused
from cloud_api.outbound.webhook import post

SECRET = "a secret that is long enough"
LOOPBACK = [ipaddress.ip_network("127.0.0.1/32")]


class Inside:
    """A server that must not be reached; it answers with a redirect where it is told one."""

    def __init__(self, address: str) -> None:
        self.seen: list[str] = []
        self.headers: list[set[str]] = []
        self.redirect: str | None = None
        inside = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inside.seen.append(self.path)
                inside.headers.append({name.lower() for name in self.headers})
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(204 if inside.redirect is None else 307)
                if inside.redirect is not None:
                    self.send_header("Location", inside.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_PUT = do_POST  # noqa: N815

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer((address, 0), Door)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def inside() -> Iterator[Inside]:
    """On every address of this machine."""
    server = Inside("0.0.0.0")
    yield server
    server.stop()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "127.0.0.1.", "localhost"),
        *("LOCALHOST", "0", "0.0.0.0", "127.0.0.2", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        *(
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[fd00::1]",
            "①②⑦.0.0.1",
            "127。0。0。1",
        ),
        *("8.8.8.8@127.0.0.1", "x:y@localhost", "169.254.169.254", "10.0.0.1", "100.64.0.1", "224.0.0.1"),
        "255.255.255.255",
    ],
)
def test_no_clothes_hide_an_address_inside(inside: Inside, host: str):
    with pytest.raises((SendRefused, SendFailed)) as caught:
        post(f"http://{host}:{inside.port}/x", SECRET, uuid4(), {}, 0, [])
    assert isinstance(caught.value, SendRefused) or "cannot be resolved" in str(caught.value), "it was tried"
    assert not inside.seen


def test_a_webhook_follows_no_redirect(inside: Inside):
    elsewhere = Inside("127.0.0.1")
    try:
        elsewhere.redirect = f"http://127.0.0.2:{inside.port}/inside"
        with pytest.raises(SendFailed, match="307"):
            post(f"http://127.0.0.1:{elsewhere.port}/x", SECRET, uuid4(), {}, 0, LOOPBACK)
    finally:
        elsewhere.stop()
    assert (elsewhere.seen, inside.seen) == (["/x"], [])


@pytest.mark.parametrize("more", ["", "?redirect=yes", "?redirect=yes&verify=no"])
@pytest.mark.parametrize("scheme", ["mmost", "gotify", "ntfy", "synology"])
def test_a_chat_server_of_ones_own_follows_no_redirect(inside: Inside, scheme: str, more: str):
    paths = {
        "mmost": "millstream/3ccdd113474722377935511fc85d3dd4",
        "gotify": "AbCdEfGh1234567",
        "ntfy": "plant",
        "synology": "token1234567890",
    }
    elsewhere = Inside("127.0.0.1")
    try:
        elsewhere.redirect = f"http://127.0.0.2:{inside.port}/inside"
        with pytest.raises(SendFailed):
            send_by_service(f"{scheme}://127.0.0.1:{elsewhere.port}/{paths[scheme]}{more}", "s", "t", LOOPBACK)
    finally:
        elsewhere.stop()
    assert elsewhere.seen, "it was not even asked"
    assert inside.seen == []


def test_a_chat_server_inside_is_refused_before_anything_is_sent(inside: Inside):
    for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "localhost"):
        with pytest.raises((SendRefused, SendFailed)):
            send_by_service(f"gotify://{host}:{inside.port}/AbCdEfGh1234567", "s", "t", [])
    assert not inside.seen


def test_a_name_with_one_address_inside_is_refused_and_the_checked_address_is_the_one_that_is_asked(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
):
    answers = [["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]]

    def answer(_host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in answers.pop(0)]

    with monkeypatch.context() as lying:
        lying.setattr("cloud_api.outbound.addresses.socket.getaddrinfo", answer)
        with pytest.raises(SendRefused, match="private"):
            post(f"http://plant.example:{inside.port}/x", SECRET, uuid4(), {}, 0, [])
        assert resolve("plant.example", 80, LOOPBACK) == "127.0.0.1"
    assert not inside.seen


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/x\r\nX-Planted: 1", "http://127.0.0.1:{port}/x y\nHost: z"])
def test_no_line_end_of_an_address_becomes_a_header(inside: Inside, url: str):
    with contextlib.suppress(SendFailed, SendRefused):
        post(url.format(port=inside.port), SECRET, uuid4(), {"x": "\r\nX-Planted: 1"}, 0, LOOPBACK)
    assert all("\n" not in path for path in inside.seen)
    assert not any("x-planted" in names for names in inside.headers)
