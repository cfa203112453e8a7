"""What a recorded server answers to each service, but for Publish: from the recording, else as little as is true."""

import secrets
from collections.abc import Callable
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary

from connectors.opcua.node_id import NodeAddress
from connectors.opcua.replay.played import Played, Told, question_of
from connectors.opcua.replay.stage import Stage
from connectors.opcua.replay.subscriptions import Subscriptions
from schemas import status

_IDS = ObjectIds
_NAMESPACES = ua.NodeId(ua.Int32(_IDS.Server_NamespaceArray))
_TIME = ua.NodeId(ua.Int32(_IDS.Server_ServerStatus_CurrentTime))
_POLICY_NONE = "http://opcfoundation.org/UA/SecurityPolicy#None"
_TRANSPORT = "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary"
_NAME = "urn:millstream:replay"
_TOKENS = (
    ("anonymous", ua.UserTokenType.Anonymous),
    ("name", ua.UserTokenType.UserName),
    ("certificate", ua.UserTokenType.Certificate),
    ("token", ua.UserTokenType.IssuedToken),
)


class Answers:
    """Answers of one connection; anybody may log in, for nothing here is a secret of the plant's."""

    def __init__(self, stage: Stage, subscriptions: Subscriptions, url: str) -> None:
        self._stage = stage
        self._played: Played = stage.played
        self._subscriptions = subscriptions
        self._url = url
        self._services: dict[int, Callable[[bytes], Any]] = {
            getattr(_IDS, f"{name}Request_Encoding_DefaultBinary"): service
            for name, service in (
                ("FindServers", self._find_servers),
                ("GetEndpoints", self._endpoints),
                ("CreateSession", self._create_session),
                ("ActivateSession", self._activate_session),
                ("CloseSession", self._close_session),
                ("Read", self._read),
                ("Write", self._write),
                ("Browse", self._browse),
                ("TranslateBrowsePathsToNodeIds", self._translate),
                ("RegisterNodes", self._register),
                ("CreateSubscription", self._create_subscription),
                ("CreateMonitoredItems", self._create_items),
                ("DeleteSubscriptions", self._delete_subscriptions),
                ("TransferSubscriptions", self._transfer),
                ("Call", self._call),
            )
        }

    def to(self, type_id: ua.NodeId, message: bytes) -> Any:
        """The response to a request, whose header is still to be filled in."""
        service = self._services.get(type_id.Identifier if isinstance(type_id.Identifier, int) else -1)
        if service is None:
            return _fault(StatusCodes.BadServiceUnsupported)
        return service(message)

    def _find_servers(self, _: bytes) -> Any:
        response: Any = ua.FindServersResponse()
        response.Servers = [self._application()]
        return response

    def _endpoints(self, _: bytes) -> Any:
        response: Any = ua.GetEndpointsResponse()
        response.Endpoints = [self._endpoint()]
        return response

    def _create_session(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.CreateSessionRequest, Buffer(message))
        response: Any = ua.CreateSessionResponse()
        result = response.Parameters
        result.SessionId = ua.NodeId(ua.Int32(1), ua.Int16(1))
        result.AuthenticationToken = ua.NodeId(ua.ByteString(secrets.token_bytes(16)), ua.Int16(1))
        result.RevisedSessionTimeout = request.Parameters.RequestedSessionTimeout
        result.ServerNonce = secrets.token_bytes(32)
        result.ServerEndpoints = [self._endpoint()]
        return response

    def _activate_session(self, _: bytes) -> Any:
        response: Any = ua.ActivateSessionResponse()
        response.Parameters.ServerNonce = secrets.token_bytes(32)
        return response

    def _close_session(self, _: bytes) -> Any:
        self._subscriptions.end()
        return ua.CloseSessionResponse()

    def _read(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.ReadRequest, Buffer(message))
        response: Any = ua.ReadResponse()
        response.Results = [self._value(asked) for asked in request.Parameters.NodesToRead]
        return response

    def _value(self, asked: Any) -> Any:
        if asked.NodeId == _NAMESPACES and asked.AttributeId == AttributeIds.Value:
            return ua.DataValue(ua.Variant(list(self._played.namespaces), ua.VariantType.String))
        place = self._played.place(asked.NodeId, asked.AttributeId, asked.IndexRange)
        held = self._stage.holds(place)
        if held is not None:
            return held
        told = self._played.next_read(place)
        if told is not None:
            return self._moving(told) if asked.NodeId == _TIME else self._stage.as_of_now(told)
        if place in self._played.items:
            return _bad(status.BAD_WAITING_FOR_INITIAL_DATA)
        is_known = place.node in self._played.nodes
        return _bad(StatusCodes.BadAttributeIdInvalid if is_known else status.BAD_NODE_ID_UNKNOWN)

    def _moving(self, told: Told) -> Any:
        """The server's clock is as far from ours as it was then."""
        value = self._stage.as_of_now(told)
        moment = value.Value.Value
        before = told.content.SourceTimestamp or told.content.ServerTimestamp
        after = value.SourceTimestamp or value.ServerTimestamp
        if before is not None and after is not None:
            value.Value = ua.Variant(moment + (after - before), ua.VariantType.DateTime)
        return value

    def _write(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.WriteRequest, Buffer(message))
        response: Any = ua.WriteResponse()
        response.Results = [_code(status.BAD_NOT_WRITABLE) for _ in request.Parameters.NodesToWrite]
        return response

    def _browse(self, message: bytes) -> Any:
        literal = self._literal(message, ua.BrowseResponse)
        if literal is not None:
            return literal
        request: Any = struct_from_binary(ua.BrowseRequest, Buffer(message))
        response: Any = ua.BrowseResponse()
        response.Results = [self._below(asked.NodeId) for asked in request.Parameters.NodesToBrowse]
        return response

    def _below(self, node: ua.NodeId) -> Any:
        """The variables that are known, in one list below Objects: which tree they stood in was not recorded."""
        is_root = node == ua.NodeId(ua.Int32(_IDS.ObjectsFolder))
        places = self._variables() if is_root else set[NodeAddress]()
        spaces = self._played.namespaces
        known = sorted((each for each in places if each.namespace in spaces), key=str)
        references = [_reference(each, spaces.index(each.namespace)) for each in known]
        return ua.BrowseResult(References=references)

    def _variables(self) -> set[NodeAddress]:
        created = self._played.items.items()
        return {
            place.node for place, code in created if place.attribute == AttributeIds.Value and not status.is_bad(code)
        }

    def _translate(self, message: bytes) -> Any:
        literal = self._literal(message, ua.TranslateBrowsePathsToNodeIdsResponse)
        if literal is not None:
            return literal
        request: Any = struct_from_binary(ua.TranslateBrowsePathsToNodeIdsRequest, Buffer(message))
        response: Any = ua.TranslateBrowsePathsToNodeIdsResponse()
        no_match = StatusCodes.BadNoMatch
        response.Results = [ua.BrowsePathResult(StatusCode=_code(no_match)) for _ in request.Parameters.BrowsePaths]
        return response

    def _literal(self, message: bytes, response: Any) -> Any | None:
        answer = self._played.literal.get(question_of(message))
        return None if answer is None else struct_from_binary(response, Buffer(answer))

    def _register(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.RegisterNodesRequest, Buffer(message))
        response: Any = ua.RegisterNodesResponse()
        response.Parameters.RegisteredNodeIds = request.Parameters.NodesToRegister
        return response

    def _create_subscription(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.CreateSubscriptionRequest, Buffer(message))
        response: Any = ua.CreateSubscriptionResponse()
        response.Parameters = self._subscriptions.create(request.Parameters)
        return response

    def _create_items(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.CreateMonitoredItemsRequest, Buffer(message))
        parameters = request.Parameters
        response: Any = ua.CreateMonitoredItemsResponse()
        response.Results = [
            self._item(parameters.SubscriptionId, number, asked)
            for number, asked in enumerate(parameters.ItemsToCreate, start=1)
        ]
        return response

    def _item(self, subscription: int, number: int, asked: Any) -> Any:
        item, wanted = asked.ItemToMonitor, asked.RequestedParameters
        place = self._played.place(item.NodeId, item.AttributeId, item.IndexRange)
        return ua.MonitoredItemCreateResult(
            StatusCode=_code(self._subscriptions.watch(subscription, wanted.ClientHandle, place)),
            MonitoredItemId=ua.UInt32(number),
            RevisedSamplingInterval=max(0.0, wanted.SamplingInterval),
            RevisedQueueSize=max(1, wanted.QueueSize),
        )

    def _delete_subscriptions(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.DeleteSubscriptionsRequest, Buffer(message))
        response: Any = ua.DeleteSubscriptionsResponse()
        response.Results = [_code(self._subscriptions.delete(each)) for each in request.Parameters.SubscriptionIds]
        return response

    def _transfer(self, message: bytes) -> Any:
        """It holds nothing for a client that has gone."""
        request: Any = struct_from_binary(ua.TransferSubscriptionsRequest, Buffer(message))
        response: Any = ua.TransferSubscriptionsResponse()
        refused = ua.TransferResult(StatusCode=_code(StatusCodes.BadSubscriptionIdInvalid))
        response.Parameters.Results = [refused for _ in request.Parameters.SubscriptionIds]
        return response

    def _call(self, message: bytes) -> Any:
        request: Any = struct_from_binary(ua.CallRequest, Buffer(message))
        response: Any = ua.CallResponse()
        refused = ua.CallMethodResult(StatusCode=_code(StatusCodes.BadMethodInvalid))
        response.Results = [refused for _ in request.Parameters.MethodsToCall]
        return response

    def _application(self) -> Any:
        return ua.ApplicationDescription(
            ApplicationUri=_NAME,
            ProductUri=_NAME,
            ApplicationName=ua.LocalizedText("Millstream replay"),
            ApplicationType=ua.ApplicationType.Server,
            DiscoveryUrls=[self._url],
        )

    def _endpoint(self) -> Any:
        return ua.EndpointDescription(
            EndpointUrl=self._url,
            Server=self._application(),
            SecurityMode=ua.MessageSecurityMode.None_,
            SecurityPolicyUri=_POLICY_NONE,
            UserIdentityTokens=[
                ua.UserTokenPolicy(PolicyId=name, TokenType=kind, SecurityPolicyUri=_POLICY_NONE)
                for name, kind in _TOKENS
            ],
            TransportProfileUri=_TRANSPORT,
        )


def _reference(node: NodeAddress, index: int) -> Any:
    name = str(node.identifier)
    node_id: Any = ua.NodeId(node.identifier, ua.Int16(index))  # type: ignore[arg-type]
    return ua.ReferenceDescription(
        ReferenceTypeId=ua.NodeId(ua.Int32(_IDS.Organizes)),
        IsForward=True,
        NodeId=ua.ExpandedNodeId(node_id.Identifier, node_id.NamespaceIndex),
        BrowseName=ua.QualifiedName(name, ua.UInt16(index)),
        DisplayName=ua.LocalizedText(name),
        NodeClass=ua.NodeClass.Variable,
        TypeDefinition=ua.ExpandedNodeId(ua.Int32(_IDS.BaseDataVariableType)),
    )


def _bad(code: int) -> Any:
    return ua.DataValue(StatusCode=_code(code))


def _code(code: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(code))


def _fault(code: int) -> Any:
    response: Any = ua.ServiceFault()
    response.ResponseHeader.ServiceResult = _code(code)
    return response
