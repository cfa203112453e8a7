"""What a recording knows of a server: its nodes, what it refused, and everything that it told, in time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from connectors.contract import Exchange, Trouble
from connectors.opcua.node_id import STANDARD_NAMESPACE, NodeAddress
from connectors.opcua.values import ValueDecoder

LONGEST_PAUSE_US = 60_000_000
"""Where nothing at all was recorded for longer, nothing was recorded: that much of it is played."""
_IDS = ObjectIds
_SERVICES = (
    "Read",
    "Browse",
    "BrowseNext",
    "TranslateBrowsePathsToNodeIds",
    "RegisterNodes",
    "CreateMonitoredItems",
    "Publish",
    "Republish",
    "HistoryRead",
)
_REQUESTS: dict[int, tuple[str, Any, Any]] = {
    getattr(_IDS, f"{name}Request_Encoding_DefaultBinary"): (
        name,
        getattr(ua, f"{name}Request"),
        getattr(ua, f"{name}Response"),
    )
    for name in _SERVICES
}
_LITERAL = frozenset({"Browse", "BrowseNext", "TranslateBrowsePathsToNodeIds"})
_ON_ARRIVAL = frozenset({"Publish"})
_NAMESPACES = ua.NodeId(ua.Int32(_IDS.Server_NamespaceArray))


@dataclass(frozen=True, slots=True)
class Place:
    """What can be read or reported: an attribute of a node, or a range of it."""

    node: NodeAddress
    attribute: int
    range: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that the server told, and when that arrived: a DataValue, or the fields of an event."""

    content: Any
    arrived_us: int


@dataclass(slots=True)
class Step:
    """What happened at one moment of the playing: changes, or the beginning of an outage."""

    at_us: int
    changes: list[tuple[Place, Told]] = field(default_factory=list[tuple[Place, Told]])
    trouble: Trouble | None = None
    lasts_us: int = 0


class Played:
    """A recording, understood. Answers that are bytes were made with the namespaces of the last session."""

    def __init__(self, recording: Sequence[Exchange]) -> None:
        self.namespaces: list[str] = [STANDARD_NAMESPACE]
        self.items: dict[Place, int] = {}
        """Status that each item was created with."""
        self.steps: list[Step] = []
        self.literal: dict[bytes, bytes] = {}
        """Answers by their questions, without headers, of services that play no part in time."""
        self._reads: dict[Place, list[Told]] = {}
        self._read_at: dict[Place, int] = {}
        self._handles: dict[tuple[int, int], Place] = {}
        self._aliases: dict[ua.NodeId, ua.NodeId] = {}
        self._decoder = ValueDecoder(())
        self._outage: Step | None = None
        self._understand(recording)

    @property
    def nodes(self) -> set[NodeAddress]:
        """Every node of which something is known."""
        return {place.node for place in (*self.items, *self._reads)}

    def place(self, node: ua.NodeId, attribute: int, range_: str | None = None) -> Place:
        """The place by the name that outlives the numbering of namespaces."""
        return Place(self._decoder.address(self._aliases.get(node, node)), int(attribute), range_ or "")

    def next_read(self, place: Place) -> Told | None:
        """What was read there, in recorded order whenever it is asked, the last of it from then on."""
        told = self._reads.get(place)
        if told is None:
            return None
        at = self._read_at.get(place, 0)
        self._read_at[place] = min(at + 1, len(told) - 1)
        return told[at]

    def _understand(self, recording: Sequence[Exchange]) -> None:
        moments = sorted(_moments(recording), key=lambda moment: moment[0])
        at_us, before_us = 0, moments[0][0] if moments else 0
        for moment_us, exchange in moments:
            at_us += min(moment_us - before_us, LONGEST_PAUSE_US)
            before_us = moment_us
            if exchange.trouble is not None:
                self._begin_outage(at_us, exchange.trouble)
            elif exchange.answer is not None:
                self._end_outage(at_us)
                self._take(at_us, exchange)
        self._begin_at_the_first_step()

    def _begin_outage(self, at_us: int, trouble: Trouble) -> None:
        if self._outage is None and self.steps:  # what a recording begins with may be an outage that began before
            self._outage = Step(at_us, trouble=trouble)
            self.steps.append(self._outage)

    def _end_outage(self, at_us: int) -> None:
        if self._outage is not None:
            self._outage.lasts_us = at_us - self._outage.at_us
        self._outage = None

    def _begin_at_the_first_step(self) -> None:
        begins_us = self.steps[0].at_us if self.steps else 0
        for step in self.steps:
            step.at_us -= begins_us

    def _take(self, at_us: int, exchange: Exchange) -> None:
        name, request, response = _decoded(exchange)
        arrived_us = exchange.asked_us + exchange.took_us
        if name in _LITERAL:
            self.literal[_body(exchange.question, ua.RequestHeader)] = exchange.answer or b""
        elif name == "Read":
            self._take_read(request, response, arrived_us)
        elif name == "RegisterNodes":
            pairs = zip(response.Parameters.RegisteredNodeIds, request.Parameters.NodesToRegister, strict=False)
            self._aliases |= dict(pairs)
        elif name == "CreateMonitoredItems":
            self._take_items(request.Parameters, response.Results)
        elif name == "Publish":
            parameters = response.Parameters
            self._take_message(at_us, arrived_us, parameters.SubscriptionId, parameters.NotificationMessage)
        elif name == "Republish":
            subscription = request.Parameters.SubscriptionId
            self._take_message(at_us, arrived_us, subscription, response.NotificationMessage)
        elif name == "HistoryRead":
            self._take_history(at_us, arrived_us, request.Parameters.NodesToRead, response.Results)

    def _take_read(self, request: Any, response: Any, arrived_us: int) -> None:
        for asked, value in zip(request.Parameters.NodesToRead, response.Results, strict=False):
            if asked.NodeId == _NAMESPACES and value.Value is not None and isinstance(value.Value.Value, list):
                self.namespaces = [str(uri) for uri in value.Value.Value]
                self._decoder = ValueDecoder(self.namespaces)
            place = self.place(asked.NodeId, asked.AttributeId, asked.IndexRange)
            self._reads.setdefault(place, []).append(Told(value, arrived_us))

    def _take_items(self, parameters: Any, results: Sequence[Any]) -> None:
        for asked, result in zip(parameters.ItemsToCreate, results, strict=False):
            item = asked.ItemToMonitor
            place = self.place(item.NodeId, item.AttributeId, item.IndexRange)
            self.items[place] = result.StatusCode.value
            self._handles[parameters.SubscriptionId, asked.RequestedParameters.ClientHandle] = place

    def _take_message(self, at_us: int, arrived_us: int, subscription: int, message: Any) -> None:
        step = Step(at_us)
        for notification in message.NotificationData or ():
            for handle, content in _contents(notification):
                place = self._handles.get((subscription, handle))
                if place is not None:
                    step.changes.append((place, Told(content, arrived_us)))
        if step.changes:
            self.steps.append(step)

    def _take_history(self, at_us: int, arrived_us: int, asked: Sequence[Any], results: Sequence[Any]) -> None:
        """What an outage left open came from the history: it is told like any other change."""
        step = Step(at_us)
        for node, result in zip(asked, results, strict=False):
            place = self.place(node.NodeId, AttributeIds.Value)
            values = getattr(result.HistoryData, "DataValues", None) or ()
            step.changes += [(place, Told(value, arrived_us)) for value in values]
        if step.changes:
            self.steps.append(step)


def _moments(recording: Sequence[Exchange]) -> Iterable[tuple[int, Exchange]]:
    """When each exchange counts: what was agreed when it was asked, for the first report may overtake the answer."""
    for exchange in recording:
        is_reported = _name(exchange.question) in _ON_ARRIVAL
        yield exchange.asked_us + (exchange.took_us if is_reported else 0), exchange


def _name(question: bytes) -> str | None:
    found = _REQUESTS.get(_number(question)) if question else None
    return None if found is None else found[0]


def _number(message: bytes) -> int:
    identifier = nodeid_from_binary(Buffer(message)).Identifier
    return identifier if isinstance(identifier, int) else -1


def _decoded(exchange: Exchange) -> tuple[str | None, Any, Any]:
    """Name, request and response; no name where the service plays no part, or refused the request as a whole."""
    found = _REQUESTS.get(_number(exchange.question))
    answer = exchange.answer or b""
    if found is None or _number(answer) == _IDS.ServiceFault_Encoding_DefaultBinary:
        return None, None, None
    name, request, response = found
    if name in _LITERAL:
        return name, None, None
    return name, struct_from_binary(request, Buffer(exchange.question)), struct_from_binary(response, Buffer(answer))


def _body(message: bytes, header: Any) -> bytes:
    """The message from its type on, without the header."""
    buffer = Buffer(message)
    nodeid_from_binary(buffer)
    name = message[: len(message) - len(buffer)]
    struct_from_binary(header, buffer)
    return name + bytes(buffer)


def question_of(message: bytes) -> bytes:
    """By what `literal` knows a request."""
    return _body(message, ua.RequestHeader)


def _contents(notification: Any) -> Iterable[tuple[int, Any]]:
    if isinstance(notification, ua.DataChangeNotification):
        return [(item.ClientHandle, item.Value) for item in notification.MonitoredItems]
    if isinstance(notification, ua.EventNotificationList):
        return [(event.ClientHandle, event.EventFields) for event in notification.Events]
    return []
