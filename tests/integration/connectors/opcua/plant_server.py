"""An asyncua server for tests, a process of its own; a control port sets values and tells what clients hold.

Commands are one JSON object a line, each answered by one: {"set": id, "type", "value", "status", "time_us"},
{"array": …}, {"sessions": true}, {"add": id}. Started with one JSON argument, see `main`.
"""

import asyncio
import base64
import gc
import hashlib
import json
import socket
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.common.event_objects import BaseEvent, GeneralModelChangeEvent
from asyncua.common.utils import ServiceError
from asyncua.crypto import uacrypto
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession
from asyncua.server.user_managers import UserManager
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.integration.connectors.opcua.own_types import define_types

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMESPACE = "urn:millstream:test:plant"
MOMENT = datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)
GUID = uuid.UUID("09087e75-8e5e-499b-954f-f2a9603db28a")
SCALARS: dict[str, tuple[object, ua.VariantType]] = {
    "Boolean": (True, ua.VariantType.Boolean),
    "SByte": (-128, ua.VariantType.SByte),
    "Byte": (255, ua.VariantType.Byte),
    "Int16": (-32768, ua.VariantType.Int16),
    "UInt16": (65535, ua.VariantType.UInt16),
    "Int32": (-(2**31), ua.VariantType.Int32),
    "UInt32": (2**32 - 1, ua.VariantType.UInt32),
    "Int64": (-(2**63), ua.VariantType.Int64),
    "UInt64": (2**64 - 1, ua.VariantType.UInt64),
    "Float": (0.5, ua.VariantType.Float),
    "Double": (0.1, ua.VariantType.Double),
    "String": ("料筒温度 ℃", ua.VariantType.String),
    "DateTime": (MOMENT, ua.VariantType.DateTime),
    "Guid": (GUID, ua.VariantType.Guid),
    "ByteString": (b"\x00\xff\x01", ua.VariantType.ByteString),
    "LocalizedText": (ua.LocalizedText("合模压力", "zh-CN"), ua.VariantType.LocalizedText),
    "Array": ([1, 2, 2**63 - 1], ua.VariantType.Int64),
    "Structure": (ua.Range(Low=-1.5, High=250.0), ua.VariantType.ExtensionObject),
}


class Users(UserManager):
    """Knows the users of the argument; without any, everybody may come in."""

    def __init__(self, users: dict[str, str], thumbprints: list[str]) -> None:
        self.users = users
        self.thumbprints = thumbprints

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> Any:
        if self.thumbprints:
            shown = certificate if isinstance(certificate, bytes) else certificate.public_bytes(Encoding.DER)
            known = hashlib.sha1(shown, usedforsecurity=False).hexdigest().upper() in self.thumbprints
            return User(role=UserRole.Admin) if known else None
        if not self.users or (username in self.users and self.users[username] == password):
            return User(role=UserRole.Admin)
        return None


def _know_bearers_of(server: Any, token: str) -> None:
    """asyncua's server takes no issued tokens: it decrypts one like a password, and compares."""
    server.iserver.supported_tokens = (ua.IssuedIdentityToken,)
    activate = InternalSession.activate_session

    def activate_session(self: Any, parameters: Any, peer: Any) -> Any:
        shown = parameters.UserIdentityToken
        if isinstance(shown, ua.IssuedIdentityToken) and _shown(self, shown) != token:
            raise ServiceError(ua.StatusCodes.BadIdentityTokenRejected)
        return activate(self, parameters, peer)

    InternalSession.activate_session = activate_session  # type: ignore[method-assign]


def _shown(session: Any, token: Any) -> str:
    """The token in clear text: behind its length, before the nonce, in blocks of RSA."""
    if not token.EncryptionAlgorithm:
        return token.TokenData.decode()
    decrypt = {"rsa-oaep": uacrypto.decrypt_rsa_oaep, "rsa-oaep-sha2-256": uacrypto.decrypt_rsa_oaep_sha256}[
        token.EncryptionAlgorithm.rpartition("#")[2].rpartition("/")[2]
    ]
    key = session.iserver.private_key
    size = key.key_size // 8
    data = token.TokenData
    plain = b"".join(decrypt(key, data[at : at + size]) for at in range(0, len(data), size))
    assert plain[-len(session.nonce) :] == session.nonce
    return plain[4 : 4 + int.from_bytes(plain[:4], "little") - len(session.nonce)].decode()


class Plant:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.nodes: dict[str, Any] = {}
        self.server = Server(user_manager=Users(options.get("users", {}), options.get("user_thumbprints", [])))

    async def start(self) -> None:
        options, server = self.options, self.server
        await server.init()
        if "token" in options:
            _know_bearers_of(server, options["token"])
        server.set_endpoint(f"opc.tcp://127.0.0.1:{options['port']}")
        policies = [ua.SecurityPolicyType.NoSecurity]
        if "certificates" in options:
            await self._secure(Path(options["certificates"]))
            policies += [
                ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
                ua.SecurityPolicyType.Basic256Sha256_Sign,
                ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
                ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
                *(ua.SecurityPolicyType[name] for name in options.get("more_policies", [])),
            ]
        server.set_security_policy(policies)
        for filler in options.get("namespaces_before", []):
            await server.register_namespace(filler)
        self.index = await server.register_namespace(NAMESPACE)
        self.folder = await server.nodes.objects.add_object(self.index, "Hall")
        for name, (value, kind) in SCALARS.items():
            await self.add(name, ua.Variant(value, kind))
        for number in range(options.get("items", 0)):
            await self.add(f"Item{number}", ua.Variant(0.0, ua.VariantType.Double))
        await self.add("Doubles", ua.Variant([0.5, 1.5, 2.5, 3.5, 4.5], ua.VariantType.Double))
        await self._other_identifiers()
        await self._measurement()
        await define_types(self)
        await self.folder.set_event_notifier([ua.EventNotifier.SubscribeToEvents])
        for limit, size in options.get("limits", {}).items():
            node = getattr(ua.ObjectIds, f"Server_ServerCapabilities_OperationLimits_{limit}")
            await server.get_node(ua.NodeId(node)).write_value(ua.Variant(size, ua.VariantType.UInt32))
        await server.start()
        for name in options.get("historized", []):
            await server.historize_node_data_change(self.nodes[name], period=None, count=1000)
        if "advertised" in options:
            server.set_match_discovery_endpoint_url(False)
            server.set_match_discovery_client_ip(False)
        for endpoint in server.iserver.endpoints if "advertised" in options else ():
            endpoint.EndpointUrl = options["advertised"]

    async def add(self, name: str, variant: ua.Variant) -> None:
        node = await self.folder.add_variable(ua.NodeId(name, self.index), ua.QualifiedName(name, self.index), variant)
        await node.set_writable()
        self.nodes[name] = node

    async def happen(self, command: dict[str, Any]) -> None:
        event: Any = BaseEvent()
        event.Message, event.Severity = ua.LocalizedText(command["event"]), command["severity"]
        generator = await self.server.get_event_generator(event, self.folder)
        await generator.trigger()

    async def _other_identifiers(self) -> None:
        opaque = ua.NodeId(b"\x01\xfe", self.index, ua.NodeIdType.ByteString)
        for identifier in (ua.NodeId(70_000, self.index), ua.NodeId(GUID, self.index), opaque):
            await self.folder.add_variable(identifier, f"By{identifier.NodeIdType.name}", 7.0)

    async def _measurement(self) -> None:
        await self.add("Analog", ua.Variant(182.5, ua.VariantType.Double))
        analog = self.nodes["Analog"]
        await analog.add_property(0, "EURange", ua.Range(Low=0.0, High=300.0))
        await analog.add_property(0, "EngineeringUnits", ua.EUInformation(DisplayName=ua.LocalizedText("°C")))

    async def _secure(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        key, certificate = folder / "server_key.pem", folder / "server.der"
        uri = "urn:millstream:test:server"
        await self.server.set_application_uri(uri)
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        await setup_self_signed_certificate(key, certificate, uri, socket.gethostname(), usage, {})
        await self.server.load_certificate(str(certificate))
        await self.server.load_private_key(str(key))

    async def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        if "set" in command:
            await self.nodes[command["set"]].write_value(_data_value(command))
        elif "namespace" in command:
            await self.server.register_namespace(command["namespace"])
        elif "event" in command:
            await self.happen(command)
        elif "add" in command:
            await self.add(command["add"], ua.Variant(1.0, ua.VariantType.Double))
        if "model_change" in command:
            generator = await self.server.get_event_generator(GeneralModelChangeEvent(), ua.ObjectIds.Server)
            await generator.trigger()
        subscriptions = list(self.server.iserver.subscription_service.subscriptions.values())
        for subscription in subscriptions if "lose" in command else ():
            lost = subscription._pop_publish_result().NotificationMessage.SequenceNumber
            if command["lose"] == "for ever":
                subscription._not_acknowledged_results.pop(lost)
        return {
            "sessions": len(self.server.iserver._external_sessions),
            "subscriptions": len(subscriptions),
            "unacknowledged": sum(len(each._not_acknowledged_results) for each in subscriptions),
        }


def _data_value(command: dict[str, Any]) -> ua.DataValue:
    value = command.get("value")
    if command.get("type") == "ByteString":
        value = base64.b64decode(value)
    variant = ua.Variant(None) if value is None else ua.Variant(value, ua.VariantType[command["type"]])
    time_us = command.get("time_us")
    stamp = None if time_us == 0 else datetime.now(UTC)
    if time_us:
        stamp = EPOCH + timedelta(microseconds=time_us)
    status = ua.StatusCode(command.get("status", 0))
    return ua.DataValue(variant, status, SourceTimestamp=stamp, ServerTimestamp=datetime.now(UTC))


async def main(options: dict[str, Any]) -> None:
    plant = Plant(options)
    gc.disable()  # the standard's address space is many objects, none of them to be collected: a third of the start
    await plant.start()
    gc.enable()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            answer = await plant.obey(json.loads(line))
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()

    async with await asyncio.start_server(serve, "127.0.0.1", options["control_port"]) as control:
        print("ready", flush=True)
        await control.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
