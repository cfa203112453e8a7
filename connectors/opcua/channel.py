"""The way in to a server: its endpoint, whom it and we trust, and the login. Lost once, it is made anew."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties

from connectors.contract import Clock
from connectors.errors import DeviceUnreachable
from connectors.opcua import certificates, endpoints, expiry, login
from connectors.opcua.config import OpcuaConfig, Security, ServerTrust
from connectors.opcua.faults import DISTRUST
from connectors.opcua.recording import Recording
from connectors.opcua.vendors import trust_step

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
MAX_CHUNK_BYTES = 2 * 1024 * 1024
"""Of one piece of a message: asyncua asks for 64 KiB at most, and keeps whatever comes until a piece is whole."""
_BEST_FIRST = (
    Security.AES256_ENCRYPT,
    Security.BASIC256SHA256_ENCRYPT,
    Security.AES128_ENCRYPT,
    Security.AES256_SIGN,
    Security.BASIC256SHA256_SIGN,
    Security.AES128_SIGN,
)


class _Distrusted(DeviceUnreachable):
    """The server does not take the certificate that we showed, as far as one can see."""


class Channel:
    """A connection with its secure channel and an activated session on it."""

    def __init__(self, config: OpcuaConfig, clock: Clock, counters: Counter[str], recording: Recording | None) -> None:
        self._config = config
        self._clock = clock
        self._counters = counters
        self._recording = recording
        self._thumbprint: str | None = None
        self._server_der: bytes | None = None
        self._transports: list[Any] = []
        self.certificate_file: Path | None = None
        """Of our certificates the one that was shown last."""
        self.looked_after = clock.monotonic()
        """When our certificates were last looked at."""
        self.client = self._new_client()
        """asyncua's client of this connection."""

    async def enter(self) -> None:
        """Log in with the newest of our certificates that the server takes; raises what asyncua raises."""
        if self._config.security is Security.NONE:
            await self._connect()
            return
        pairs = await self.own_certificates()
        first_refusal: Exception | None = None
        for own in pairs:
            try:
                await self._secure(own)
                await self._connect()
            except Exception as error:
                if own is pairs[-1] or not _is_distrust(error):
                    raise first_refusal or error from error
                first_refusal = error
                logger.warning(
                    "%s does not take our renewed certificate %s: accept it in the server's trust list before %s; "
                    "until then the old one serves",
                    *(self._config.url, own.thumbprint, pairs[-1].not_after.date()),
                )
                self.abort()
                self.client = self._new_client()
            else:
                break
        if self._server_der is not None:  # not before the channel stands has anybody proved that it is his own
            config = self._config
            await asyncio.to_thread(certificates.keep_known, config.certificates, config.url, self._server_der)

    async def leave(self, *, is_leaving_subscriptions: bool = False) -> None:
        """Take leave while the connection stands; whatever comes in between, no socket stays open."""
        try:
            protocol = self.client.uaclient.protocol
            if protocol is not None and protocol.transport is not None:
                async with asyncio.timeout(self._config.timeout):
                    self.client.uaclient.request_disconnect()
                    await self.client.uaclient.close_session(not is_leaving_subscriptions)
                    await self.client.close_secure_channel()
        except Exception as error:  # noqa: BLE001 the server may be gone already: that is often why we close
            logger.debug("%s: closed without a farewell: %r", self._config.url, error)
        finally:
            self.abort()
        await asyncio.sleep(0)  # sockets are closed in the loop's next round

    def abort(self) -> None:
        """Close every connection that was made, also one that asyncua has let go without waiting for its end."""
        with suppress(Exception):
            self.client.disconnect_socket()
        transports, self._transports = self._transports, []
        for transport in transports:
            transport.abort()  # close() alone waits for ever to flush to a server that hangs

    async def own_certificates(self) -> Sequence[certificates.OwnCertificate]:
        """Our pairs, the newest first, once those that end soon have been spoken of."""
        now = datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)
        folder, self.looked_after = self._config.certificates, self._clock.monotonic()
        pairs = await asyncio.to_thread(certificates.own_certificates, folder, now)
        for ending in expiry.not_yet_said(await asyncio.to_thread(expiry.endings, folder, now)):
            logger.warning("%s", ending.advice)
        return pairs

    def _new_client(self) -> Client:
        config = self._config
        client = Client(config.url, timeout=config.timeout)
        client.name = client.description = certificates.APPLICATION
        client.product_uri = "urn:millstream:edge"
        client.application_uri = "urn:millstream:edge"
        client.session_timeout = round(config.session_timeout * 1000)
        client.max_messagesize = MAX_MESSAGE_BYTES
        return client

    async def _secure(self, own: certificates.OwnCertificate) -> None:
        config, client = self._config, self.client
        client.application_uri, self._thumbprint = own.application_uri, own.thumbprint
        self.certificate_file = own.certificate_file
        if config.server_certificate is not None and config.security is not Security.AUTO:
            security = config.security
            der = await asyncio.to_thread(certificates.server_certificate_der, config.server_certificate)
        else:
            security, der = await self._chosen_endpoint()
        await asyncio.to_thread(self._check_server, der)
        policy_name, _, mode_name = security.partition("/")
        logger.info(
            "%s: %s, our certificate %s (valid until %s; unless the server knows it: %s), the server's %s",
            *(config.url, security.value, own.thumbprint, own.not_after.date(), trust_step(config.vendor)),
            certificates.thumbprint(der),
        )
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{policy_name}"),
            own.certificate_file,
            own.key_file,
            server_certificate=CertProperties(der, "der"),
            mode=ua.MessageSecurityMode[mode_name],
        )

    def _check_server(self, der: bytes) -> None:
        config = self._config
        if config.server_certificate is not None:
            expected = certificates.server_certificate_der(config.server_certificate)
            certificates.check_pinned(der, certificates.thumbprint(expected))
        elif config.server_thumbprint is not None:
            certificates.check_pinned(der, config.server_thumbprint)
        elif config.server_trust is ServerTrust.FIRST_USE:
            certificates.check_known(config.certificates, config.url, der)
            self._server_der = der

    async def _chosen_endpoint(self) -> tuple[Security, bytes]:
        """The best endpoint that is wanted, whatever host name the server gives it, and the certificate it shows."""
        wanted = _BEST_FIRST if self._config.security is Security.AUTO else (self._config.security,)
        shown: dict[str, bytes] = {}
        for endpoint in await self._offered():
            policy = endpoint.SecurityPolicyUri.rpartition("#")[2].replace("_", "")
            name = f"{policy}/{endpoint.SecurityMode.name.rstrip('_')}"
            shown[name] = certificates.first_of_chain(endpoint.ServerCertificate or b"")
        for security in wanted:
            if shown.get(security.value):
                return security, shown[security.value]
        hint = '; security = "None" has to be asked for' if self._config.security is Security.AUTO else ""
        raise DeviceUnreachable(
            f"{self._config.url} does not offer {self._config.security}; it offers {', '.join(sorted(shown))}{hint}"
        )

    async def _offered(self) -> Sequence[Any]:
        """The server's endpoints, asked for over a connection of their own."""
        client = self.client
        await self._connect_socket()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            offered = await client.get_endpoints()
            with suppress(Exception):  # we have what we came for
                await client.close_secure_channel()
            return offered
        finally:
            self.abort()

    async def _connect(self) -> None:
        client = self.client
        await self._connect_socket()
        await client.send_hello()
        try:
            await client.open_secure_channel()
        except Exception as error:
            if self._thumbprint is None or isinstance(error, TimeoutError):
                raise
            # Some servers just hang up, others send a fault that asyncua cannot read.
            raise _Distrusted(
                f"{self._config.url} refused the secure channel; our certificate is {self._thumbprint}: "
                f"{trust_step(self._config.vendor)} ({error!r})"
            ) from error
        created = await client.create_session()
        self._explain_address([endpoint.EndpointUrl or "" for endpoint in created.ServerEndpoints or ()])
        await login.log_in(client, self._config)

    async def _connect_socket(self) -> None:
        """Connect, and keep the connection in reach: asyncua forgets it when it is lost, closed or not."""
        await self.client.connect_socket()
        protocol = self.client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            self._transports.append(protocol.transport)
            _bound(protocol, self._config.url)
            if self._recording is not None:
                self._recording.attach(protocol)

    def _explain_address(self, advertised: Sequence[str]) -> None:
        """Once for each device: a server that does not know its own address is puzzling, but no obstacle."""
        others = endpoints.advertised_elsewhere(self._config.url, advertised)
        if others and not self._counters["advertised_elsewhere"]:
            logger.warning("%s", endpoints.advice(self._config.url, others))
        self._counters["advertised_elsewhere"] = len(others)


def _bound(protocol: Any, url: str) -> None:
    """End a connection that sends a piece without end: it would fill our memory until a time-out."""
    data_received = protocol.data_received

    def bounded(data: bytes) -> None:
        data_received(data)
        if len(protocol.receive_buffer or b"") > MAX_CHUNK_BYTES:
            protocol.receive_buffer = None
            logger.warning("%s sends something that is no OPC UA message", url)
            if protocol.transport is not None:
                protocol.transport.abort()

    protocol.data_received = bounded


def _is_distrust(error: Exception) -> bool:
    return isinstance(error, _Distrusted) or (isinstance(error, ua.UaStatusCodeError) and error.code in DISTRUST)
