"""One session on one server: opened once, kept alive, closed once. A lost one is never repaired, but replaced."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies, uacrypto
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.contract import Clock
from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.opcua import certificates, endpoints, expiry
from connectors.opcua.browse_paths import Address, BrowsePath, resolve
from connectors.opcua.config import OpcuaConfig, Reads, Security, ServerTrust
from connectors.opcua.faults import DISTRUST, TOO_MUCH_AT_ONCE, device_faults
from connectors.opcua.limits import Answer, Item, Limit, in_chunks, limit
from connectors.opcua.node_id import STANDARD_NAMESPACE
from connectors.opcua.values import ValueDecoder, to_us

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_RENEW_AT = 0.75  # of the channel's lifetime (Part 4, 5.5.2.1)
_DAY = 86_400.0
_BEATS = 3  # signs of life within one session time-out
_BEST_FIRST = (
    Security.AES256_ENCRYPT,
    Security.BASIC256SHA256_ENCRYPT,
    Security.AES128_ENCRYPT,
    Security.AES256_SIGN,
    Security.BASIC256SHA256_SIGN,
    Security.AES128_SIGN,
)
_IDS = ObjectIds


class _Distrusted(DeviceUnreachable):
    """The server does not take the certificate that we showed, as far as one can see."""


def standard_node(number: int) -> ua.NodeId:
    """A node of the OPC UA standard itself."""
    return ua.NodeId(ua.Int32(number))


class Session:
    """A secure channel with an activated session, and what the server said about itself."""

    def __init__(self, config: OpcuaConfig, password: Callable[[], str], clock: Clock, counters: Counter[str]) -> None:
        self._config = config
        self._password = password
        self._clock = clock
        self._client = self._new_client()
        self._thumbprint: str | None = None
        self._server_der: bytes | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._transports: list[Any] = []
        self._looked_after = clock.monotonic()
        self._counters = counters
        self._registered: dict[ua.NodeId, ua.NodeId] = {}
        self.namespaces: Sequence[str] = ()
        self.decoder = ValueDecoder(())
        self.read_limit = Limit()
        self.browse_limit = Limit()
        self.item_limit = Limit()
        self.translate_limit = Limit()
        self.with_parts: frozenset[int] = frozenset()
        """Points whose values are to be taken apart later."""
        self.paths: Sequence[BrowsePath] = ()
        """What is to be resolved whenever namespaces are learned."""
        self._resolved: dict[BrowsePath, ua.NodeId] = {}
        self.items_per_subscription = 0
        self.has_changed = False
        """Whether node ids of this session may mean other nodes now."""
        self.clock_offset_us = 0

    @property
    def client(self) -> Any:
        """asyncua's service calls, one method a service."""
        return self._client.uaclient

    async def open(self) -> None:
        """Connect, log in, learn namespaces and limits; raises DeviceUnreachable and leaves nothing behind then."""
        try:
            with device_faults(self._config.url):
                await self._enter()
                await self._remember_server()
                await self._learn()
        except BaseException:
            await self.close()
            raise
        self._keeper = asyncio.create_task(self._keep(), name=f"opcua-keep {self._config.url}")

    async def close(self, *, is_leaving_subscriptions: bool = False) -> None:
        """End session and channel, politely while the server answers; never raises, never longer than a time-out."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None
        await self._end(is_leaving_subscriptions=is_leaving_subscriptions)

    async def _end(self, *, is_leaving_subscriptions: bool = False) -> None:
        """Take leave while the connection stands; whatever comes in between, no socket stays open."""
        try:
            protocol = self._client.uaclient.protocol
            if protocol is not None and protocol.transport is not None:
                async with asyncio.timeout(self._config.timeout):
                    self.client.request_disconnect()
                    await self.client.close_session(not is_leaving_subscriptions)
                    await self._client.close_secure_channel()
        except Exception as error:  # noqa: BLE001 the server may be gone already: that is often why we close
            logger.debug("%s: closed without a farewell: %r", self._config.url, error)
        finally:
            self._abort()
        await asyncio.sleep(0)  # sockets are closed in the loop's next round

    def node(self, address: Address) -> ua.NodeId | None:
        """The node id with today's namespace index; None where the server does not know the namespace or the path."""
        if isinstance(address, BrowsePath):
            return self._resolved.get(address)
        if address.namespace not in self.namespaces:
            return None
        return ua.NodeId(address.identifier, self.namespaces.index(address.namespace))  # type: ignore[arg-type]

    async def chunked(
        self, items: Sequence[Item], most: Limit, call: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]]
    ) -> list[Answer]:
        """Ask for all items in requests that the server accepts."""
        return await in_chunks(items, most, call, _is_too_much)

    async def registered(self, nodes: Sequence[ua.NodeId]) -> list[ua.NodeId]:
        """The names that the server has for these nodes in this session; their own where it registers none."""
        if self._config.reads is Reads.PLAIN:
            return list(nodes)
        new = [node for node in nodes if node not in self._registered]
        try:
            names = await self.chunked(new, self.read_limit, lambda piece: self.client.register_nodes(list(piece)))
        except ua.UaStatusCodeError as error:
            logger.info("%s registers no nodes (%s): they are read by their own names", self._config.url, error)
            names = new
        self._registered.update(zip(new, names, strict=True))
        return [self._registered[node] for node in nodes]

    async def read_values(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """The values of these nodes, in order."""
        return await self.read_attributes(nodes, AttributeIds.Value)

    async def read_attributes(self, nodes: Sequence[ua.NodeId], attribute: AttributeIds) -> list[ua.DataValue]:
        """One attribute of these nodes, in order."""

        async def read(piece: Sequence[ua.NodeId]) -> list[ua.DataValue]:
            self._counters["requests"] += 1
            parameters = ua.ReadParameters(
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                NodesToRead=[ua.ReadValueId(NodeId=node, AttributeId=attribute) for node in piece],
            )
            return await self.client.read(parameters)

        return await self.chunked(nodes, self.read_limit, read)

    async def publish(self, acknowledgements: list[ua.SubscriptionAcknowledgement]) -> bytes:
        """Wait for the next message of any subscription; its bytes, as asyncua would decode them."""
        request = ua.PublishRequest()
        request.Parameters.SubscriptionAcknowledgements = acknowledgements
        return bytes(await self.send(request, patience_s=0))

    async def send(self, request: Any, patience_s: float | None = None) -> Any:
        """Send a request for which asyncua has no call that fits us; the bytes of the answer, as its buffer."""
        protocol = self._client.uaclient.protocol
        if protocol is None:
            raise ConnectionError("the connection is closed")
        return await protocol.send_request(request, patience_s)

    async def learn_namespaces(self) -> None:
        """Read the NamespaceArray anew: its order is the server's whim."""
        (answer,) = await self.read_values([standard_node(_IDS.Server_NamespaceArray)])
        found = _content(answer)
        self.namespaces = [str(uri) for uri in found] if isinstance(found, list) else [STANDARD_NAMESPACE]
        self.decoder = ValueDecoder(self.namespaces, self.with_parts)
        self._resolved = await resolve(self, self.paths) if self.paths else {}

    def _new_client(self) -> Client:
        config = self._config
        client = Client(config.url, timeout=config.timeout)
        client.name = client.description = certificates.APPLICATION
        client.product_uri = "urn:millstream:edge"
        client.application_uri = "urn:millstream:edge"
        client.session_timeout = round(config.session_timeout * 1000)
        client.max_messagesize = MAX_MESSAGE_BYTES
        return client

    async def _enter(self) -> None:
        """Log in with the newest of our certificates that the server takes."""
        if self._config.security is Security.NONE:
            await self._connect()
            return
        pairs = await self._own_certificates()
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
                self._abort()
                self._client = self._new_client()
            else:
                return

    async def _own_certificates(self) -> Sequence[certificates.OwnCertificate]:
        """Our pairs, the newest first, once those that end soon have been spoken of."""
        now = datetime.fromtimestamp(self._clock.now_us() / 1e6, UTC)
        folder, self._looked_after = self._config.certificates, self._clock.monotonic()
        pairs = await asyncio.to_thread(certificates.own_certificates, folder, now)
        for ending in expiry.not_yet_said(await asyncio.to_thread(expiry.endings, folder, now)):
            logger.warning("%s", ending.advice)
        return pairs

    async def _secure(self, own: certificates.OwnCertificate) -> None:
        config, client = self._config, self._client
        client.application_uri, self._thumbprint = own.application_uri, own.thumbprint
        if config.server_certificate is not None and config.security is not Security.AUTO:
            security = config.security
            der = await asyncio.to_thread(certificates.server_certificate_der, config.server_certificate)
        else:
            security, der = await self._chosen_endpoint()
        await asyncio.to_thread(self._check_server, der)
        policy_name, _, mode_name = security.partition("/")
        logger.info(
            "%s: %s, our certificate %s (valid until %s), the server's %s",
            *(config.url, security.value, own.thumbprint, own.not_after.date(), certificates.thumbprint(der)),
        )
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{policy_name}"),
            own.certificate_file,
            own.key_file,
            server_certificate=CertProperties(der, "der"),
            mode=ua.MessageSecurityMode[mode_name],
        )

    async def _remember_server(self) -> None:
        """Not before the channel stands: until then nobody has proved that the certificate is the server's own."""
        if self._server_der is not None:
            config = self._config
            await asyncio.to_thread(certificates.keep_known, config.certificates, config.url, self._server_der)

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
        client = self._client
        await client.connect_socket()
        self._hold()
        try:
            await client.send_hello()
            await client.open_secure_channel()
            offered = await client.get_endpoints()
            with suppress(Exception):  # we have what we came for
                await client.close_secure_channel()
            return offered
        finally:
            self._abort()

    async def _connect(self) -> None:
        client = self._client
        await client.connect_socket()
        self._hold()
        await client.send_hello()
        try:
            await client.open_secure_channel()
        except Exception as error:
            if self._thumbprint is None or isinstance(error, TimeoutError):
                raise
            # Some servers just hang up, others send a fault that asyncua cannot read.
            raise _Distrusted(
                f"{self._config.url} refused the secure channel: accept our certificate {self._thumbprint} in the "
                f"server's trust list ({error!r})"
            ) from error
        created = await client.create_session()
        self._explain_address([endpoint.EndpointUrl or "" for endpoint in created.ServerEndpoints or ()])
        await self._log_in()

    def _hold(self) -> None:
        """Keep the connection in reach: asyncua forgets it when it is lost or disconnected, closed or not."""
        protocol = self._client.uaclient.protocol
        if protocol is not None and protocol.transport is not None:
            self._transports.append(protocol.transport)

    def _explain_address(self, advertised: Sequence[str]) -> None:
        """Once for each device: a server that does not know its own address is puzzling, but no obstacle."""
        others = endpoints.advertised_elsewhere(self._config.url, advertised)
        if others and not self._counters["advertised_elsewhere"]:
            logger.warning("%s", endpoints.advice(self._config.url, others))
        self._counters["advertised_elsewhere"] = len(others)

    async def _log_in(self) -> None:
        config, client = self._config, self._client
        if config.user_certificate is not None and config.user_key is not None:
            try:
                certificate = await uacrypto.load_certificate(config.user_certificate)
                client.user_private_key = await uacrypto.load_private_key(config.user_key)
            except (OSError, ValueError) as error:
                raise ConfigInvalid(f"user_certificate, user_key: cannot be read: {error}") from error
            await client.activate_session(certificate=certificate)
        else:
            await client.activate_session(config.username, None if config.username is None else self._password())

    async def _learn(self) -> None:
        (stated,) = await self.read_values(
            [standard_node(_IDS.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead)]
        )
        self.read_limit = limit(_content(stated), self._config.request_limit)
        await self.learn_namespaces()
        prefix = "Server_ServerCapabilities_"
        wanted = (
            f"{prefix}OperationLimits_MaxMonitoredItemsPerCall",
            f"{prefix}OperationLimits_MaxNodesPerBrowse",
            f"{prefix}MaxMonitoredItemsPerSubscription",
        )
        answers = await self.read_values([standard_node(getattr(_IDS, name)) for name in wanted])
        items, browse, per_subscription = (_content(answer) for answer in answers)
        most = self._config.request_limit
        self.item_limit, self.browse_limit = limit(items, most), limit(browse, most)
        stated_items = per_subscription if isinstance(per_subscription, int) else 0
        self.items_per_subscription = min(filter(None, (stated_items, self._config.subscription_limit)), default=0)
        await self._beat()

    async def _beat(self) -> None:
        before_us = self._clock.now_us()
        asked = [standard_node(_IDS.Server_ServerStatus_CurrentTime), standard_node(_IDS.Server_NamespaceArray)]
        answer, spaces = (_content(each) for each in await self.read_values(asked))
        if isinstance(spaces, list) and [str(uri) for uri in cast("list[object]", spaces)] != self.namespaces:
            self.has_changed = True
            self._counters["model_changes"] += 1
            logger.warning("%s has other namespaces now: all points are looked up anew", self._config.url)
            raise DeviceUnreachable(f"{self._config.url} has changed its namespaces")
        found = answer
        server_us = to_us(found) if isinstance(found, datetime) else None
        if server_us is not None:
            self.clock_offset_us = server_us - (before_us + self._clock.now_us()) // 2

    async def _keep(self) -> None:
        """Renew the channel in time and let the server see that we live; a failure ends the connection."""
        client = self._client
        renewed = self._clock.monotonic()
        try:
            while True:
                lifetime = client.secure_channel_timeout / 1000 * _RENEW_AT
                await asyncio.sleep(min(client.session_timeout / 1000 / _BEATS, lifetime))
                if self._clock.monotonic() - renewed >= lifetime / 2:
                    await client.open_secure_channel(renew=True)
                    client.uaclient.revolve_security_token()
                    renewed = self._clock.monotonic()
                await self._beat()
                if self._config.security is not Security.NONE and self._clock.monotonic() - self._looked_after >= _DAY:
                    with suppress(ConfigInvalid):  # the next connection says why
                        await self._own_certificates()
        except Exception as error:  # noqa: BLE001 whoever waits for an answer learns it from the dead connection
            logger.debug("%s: no sign of life: %r", self._config.url, error)
            self._abort()

    def _abort(self) -> None:
        """Close every connection that was made, also one that asyncua has let go without waiting for its end."""
        with suppress(Exception):
            self._client.disconnect_socket()
        transports, self._transports = self._transports, []
        for transport in transports:
            transport.abort()  # close() alone waits for ever to flush to a server that hangs


def _content(answer: ua.DataValue) -> object:
    return None if answer.Value is None else answer.Value.Value


def _is_distrust(error: Exception) -> bool:
    return isinstance(error, _Distrusted) or (isinstance(error, ua.UaStatusCodeError) and error.code in DISTRUST)


def _is_too_much(error: Exception) -> bool:
    return isinstance(error, ua.UaStatusCodeError) and error.code in TOO_MUCH_AT_ONCE
