"""What a committed batch shows of its agent, for whoever watches over agents; ingest does not judge it."""

from collections.abc import Iterable

from cloud_api.ingest.prepare import Fate
from cloud_api.telemetry import Lane
from cloud_api.witness import Observation


def observations(fates: Iterable[Fate]) -> list[Observation]:
    """What the batches of agents show; what applications post and people replay shows nothing of an agent."""
    return [_observed(fate) for fate in fates if fate.incoming.agent is not None and fate.incoming.arrival.is_numbered]


def _observed(fate: Fate) -> Observation:
    incoming = fate.incoming
    batch = incoming.batch
    reasons = {group.reason for group in fate.rejected}
    if fate.reason is not None:
        reasons.add(fate.reason)
    foreign = next((group.path for group in fate.rejected if group.path is not None), None)
    return Observation(
        agent=incoming.agent or "",
        epoch=None if incoming.header is None else incoming.header.epoch,
        seq=None if incoming.header is None else incoming.header.seq,
        is_live=incoming.arrival.lane is not Lane.BACKLOG and batch is not None,
        received_us=incoming.arrival.received_us,
        untils={} if batch is None else batch.until,
        samples=incoming.sample_count,
        tags=0 if fate.tag_map is None else len(fate.tag_map.tags),
        reasons=frozenset(reasons),
        detail=fate.detail or foreign,
    )
