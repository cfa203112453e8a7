"""Events of a node, conditions among them (Part 9): what is selected, and each event as one JSON text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

from connectors.opcua.values import ValueDecoder, to_us

_IDS = ObjectIds
_REFRESH = frozenset({_IDS.RefreshStartEventType, _IDS.RefreshEndEventType})
_QUEUE = 1_000
_EVENT = {
    "event_id": "EventId",
    "type": "EventType",
    "source_node": "SourceNode",
    "source": "SourceName",
    "time": "Time",
    "message": "Message",
    "severity": "Severity",
}
_CONDITION = {
    "name": (_IDS.ConditionType, "ConditionName"),
    "branch": (_IDS.ConditionType, "BranchId"),
    "retain": (_IDS.ConditionType, "Retain"),
    "enabled": (_IDS.ConditionType, "EnabledState/Id"),
    "comment": (_IDS.ConditionType, "Comment"),
    "acked": (_IDS.AcknowledgeableConditionType, "AckedState/Id"),
    "confirmed": (_IDS.AcknowledgeableConditionType, "ConfirmedState/Id"),
    "active": (_IDS.AlarmConditionType, "ActiveState/Id"),
}


@dataclass(frozen=True, slots=True)
class EventChoice:
    """Which events of a node, and which fields beyond those that every event or condition has."""

    min_severity: int = 0
    fields: tuple[str, ...] = ()


def item_request(node: ua.NodeId, handle: int, choice: EventChoice) -> ua.MonitoredItemCreateRequest:
    """The monitored item that reports these events."""
    event_filter: Any = ua.EventFilter(SelectClauses=_clauses(choice))
    if choice.min_severity:
        event_filter.WhereClause = _at_least(choice.min_severity)
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=AttributeIds.EventNotifier),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=0.0, QueueSize=_QUEUE, DiscardOldest=True, Filter=event_filter
        ),
    )


def refresh_request(subscription_id: int) -> ua.CallMethodRequest:
    """Asks for all conditions that are of interest now: events alone tell changes only."""
    return ua.CallMethodRequest(
        ObjectId=ua.NodeId(ua.Int32(_IDS.ConditionType)),
        MethodId=ua.NodeId(ua.Int32(_IDS.ConditionType_ConditionRefresh)),
        InputArguments=[ua.Variant(subscription_id, ua.VariantType.UInt32)],
    )


def event_text(choice: EventChoice, variants: Sequence[Any], decoder: ValueDecoder) -> tuple[str, int | None] | None:
    """An event as JSON, and when it happened; None for those that only frame a refresh."""
    values = [None if variant is None else variant.Value for variant in variants]
    names = [*_EVENT, "condition_id", *_CONDITION, *choice.fields]
    found: dict[str, Any] = dict(zip(names, values, strict=False))
    kind = found.get("type")
    if isinstance(kind, ua.NodeId) and kind.NamespaceIndex == 0 and kind.Identifier in _REFRESH:
        return None
    event: dict[str, Any] = {name: decoder.plain(found.get(name)) for name in _EVENT}
    if found.get("condition_id") is not None or found.get("name") is not None:
        event["condition"] = _condition(found, decoder)
    if choice.fields:
        event["fields"] = {name: decoder.plain(found.get(name)) for name in choice.fields}
    moment = found.get("time")
    time_us = to_us(moment) if isinstance(moment, datetime) else None
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False), time_us


def _condition(found: Mapping[str, Any], decoder: ValueDecoder) -> dict[str, Any]:
    condition = {"id": decoder.plain(found.get("condition_id"))}
    return condition | {name: decoder.plain(found.get(name)) for name in _CONDITION}


def _clauses(choice: EventChoice) -> list[ua.SimpleAttributeOperand]:
    clauses = [_operand(_IDS.BaseEventType, name) for name in _EVENT.values()]
    condition_id: Any = _operand(_IDS.ConditionType, "")
    condition_id.AttributeId = AttributeIds.NodeId
    clauses.append(condition_id)
    clauses += [_operand(of_type, name) for of_type, name in _CONDITION.values()]
    return clauses + [_operand(_IDS.BaseEventType, name) for name in choice.fields]


def _operand(of_type: int, path: str) -> ua.SimpleAttributeOperand:
    name: Any = ua.QualifiedName
    return ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.Int32(of_type)),
        BrowsePath=[name(part, 0) for part in path.split("/")] if path else [],
        AttributeId=ua.UInt32(AttributeIds.Value),
    )


def _at_least(severity: int) -> ua.ContentFilter:
    element: Any = ua.ContentFilterElement(FilterOperator=ua.FilterOperator.GreaterThanOrEqual)
    literal = ua.LiteralOperand(Value=ua.Variant(severity, ua.VariantType.UInt16))
    element.FilterOperands = [_operand(_IDS.BaseEventType, "Severity"), literal]
    return ua.ContentFilter(Elements=[element])
