"""A server that says when its nodes change (GeneralModelChangeEvents, Part 3, 9.32): how it is asked."""

from typing import Any

from asyncua import ua
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.object_ids import ObjectIds

_QUEUE = 10


def item_request(handle: int) -> ua.MonitoredItemCreateRequest:
    """The monitored item for such events of the whole server; all other events stay there."""
    name: Any = ua.QualifiedName
    kind = ua.SimpleAttributeOperand(
        TypeDefinitionId=ua.NodeId(ua.Int32(ObjectIds.BaseEventType)),
        BrowsePath=[name("EventType", 0)],
        AttributeId=ua.UInt32(AttributeIds.Value),
    )
    wanted = ua.NodeId(ua.Int32(ObjectIds.GeneralModelChangeEventType))
    element: Any = ua.ContentFilterElement(FilterOperator=ua.FilterOperator.OfType)
    element.FilterOperands = [ua.LiteralOperand(Value=ua.Variant(wanted, ua.VariantType.NodeId))]
    event_filter: Any = ua.EventFilter(SelectClauses=[kind], WhereClause=ua.ContentFilter(Elements=[element]))
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(
            NodeId=ua.NodeId(ua.Int32(ObjectIds.Server)), AttributeId=AttributeIds.EventNotifier
        ),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=ua.MonitoringParameters(
            ClientHandle=handle, SamplingInterval=0.0, QueueSize=_QUEUE, DiscardOldest=True, Filter=event_filter
        ),
    )
