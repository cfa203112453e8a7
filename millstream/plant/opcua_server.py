"""The hall's OPC UA server: every reading with its source time and its status."""

from collections.abc import Sequence
from datetime import UTC

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.status_codes import StatusCodes

from millstream.plant.tags import NAMESPACE, OpcuaTag, PlantTag, Reading, opcua_tags

_GOOD = ua.StatusCode(ua.UInt32(StatusCodes.Good))
_BAD_SENSOR = ua.StatusCode(ua.UInt32(StatusCodes.BadSensorFailure))
_UNIT_NAMESPACE = "http://www.opcfoundation.org/UA/units/un/cefact"


class PlantOpcuaServer:
    """Serves the variables of the table, organised by machine; `show` takes readings of all of them at once."""

    def __init__(self, port: int) -> None:
        self.url = f"opc.tcp://127.0.0.1:{port}/plant"
        self._tags = opcua_tags()
        self._types = [ua.VariantType[tag.tag.type] for tag in self._tags]
        self._nodes: list[ua.NodeId] = []
        self._shown: Sequence[Reading] = ()
        self._server = Server()

    async def prepare(self) -> None:
        """Build the address space; show first readings before `listen`."""
        server = self._server
        await server.init()
        await server.set_application_uri("urn:millstream:plant:server")
        server.set_endpoint(self.url)
        server.set_server_name("Millstream plant")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        namespace = await server.register_namespace(NAMESPACE)
        await self._add_nodes(namespace)

    async def listen(self) -> None:
        """Answer clients."""
        await self._server.start()

    async def show(self, readings: Sequence[Reading], at_us: int) -> None:
        """Write what has changed; a broken sensor shows a Bad status and no value."""
        at = ua.DateTime.fromtimestamp(at_us / 1_000_000, UTC)
        for position, (node, type_, reading) in enumerate(zip(self._nodes, self._types, readings, strict=True)):
            if not self._shown or reading != self._shown[position]:
                await self._server.write_attribute_value(node, _data_value(reading, type_, at))
        self._shown = readings

    async def stop(self) -> None:
        """Close all sessions and the listener."""
        await self._server.stop()

    async def _add_nodes(self, namespace: int) -> None:
        folders: dict[tuple[str, ...], Node] = {(): self._server.get_objects_node()}
        for tag in self._tags:
            parents = tuple(tag.tag.name.split("/")[:-1])
            for depth in range(1, len(parents) + 1):
                path = parents[:depth]
                if path not in folders:
                    node_id = _node_id(".".join(path), namespace)
                    folders[path] = await folders[path[:-1]].add_object(node_id, f"{namespace}:{path[-1]}")
            self._nodes.append(await self._add_variable(folders[parents], tag, namespace))

    async def _add_variable(self, parent: Node, tag: OpcuaTag, namespace: int) -> ua.NodeId:
        name = tag.tag.name.rpartition("/")[2]
        type_ = ua.VariantType[tag.tag.type]
        node_id = _node_id(tag.node, namespace)
        node = await parent.add_variable(node_id, f"{namespace}:{name}", ua.get_default_value(type_), varianttype=type_)
        await node.write_attribute(
            AttributeIds.Description, ua.DataValue(ua.Variant(ua.LocalizedText(tag.tag.description)))
        )
        await _add_properties(node, tag.tag)
        return node_id


def _node_id(identifier: str, namespace: int) -> ua.NodeId:
    return ua.NodeId(ua.String(identifier), ua.Int16(namespace))


async def _add_properties(node: Node, tag: PlantTag) -> None:
    """Unit and range as OPC UA Part 8 has them, so that a browse finds them."""
    if tag.low is not None and tag.high is not None:
        await node.add_property(ua.NodeId(), "0:EURange", ua.Range(Low=tag.low, High=tag.high))
    if tag.unit:
        unit = ua.EUInformation(
            NamespaceUri=_UNIT_NAMESPACE, UnitId=ua.Int32(-1), DisplayName=ua.LocalizedText(tag.unit)
        )
        await node.add_property(ua.NodeId(), "0:EngineeringUnits", unit)


def _data_value(reading: Reading, type_: ua.VariantType, at: ua.DateTime) -> ua.DataValue:
    if reading is None:
        return ua.DataValue(ua.Variant(), _BAD_SENSOR, SourceTimestamp=at, ServerTimestamp=at)
    return ua.DataValue(ua.Variant(reading, type_), _GOOD, SourceTimestamp=at, ServerTimestamp=at)
