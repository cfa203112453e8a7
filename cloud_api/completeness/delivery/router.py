"""HTTP of the proof of delivery."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.completeness.delivery.models import Delivery
from cloud_api.completeness.delivery.proof import Epoch, Proof, prove
from cloud_api.instants import format_at, parse_instant, to_datetime
from cloud_api.problems import Kinds, not_found, parameter_invalid
from cloud_api.storage.delivery import DeliveryState, select_delivery, select_delivery_state
from cloud_api.storage.pool import transaction

# Live batches are no older than this when they come: what was made in a window has come so long after it, or is open.
LIVE_WINDOW = timedelta(seconds=60)
MAX_RANGES = 100

router = APIRouter(prefix="/agents", tags=["fleet"])


class DeliveryParameters(BaseModel):
    """Of GET /agents/{id}/delivery."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    from_: str = Field(alias="from", description="The first instant (RFC 3339)")
    to: str = Field(description="The last instant, excluded (RFC 3339)")


@router.get(
    "/{agent}/delivery",
    response_model=Delivery,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.NOT_FOUND),
    description="What became of every batch that an agent made in a window: stored, rejected, declared lost, open."
    " `complete` is said only when the agent itself has said that everything up to the end is delivered."
    + role_line(Role.VIEWER),
)
async def get_delivery(
    agent: Annotated[str, Path(max_length=64)],
    parameters: Annotated[DeliveryParameters, Query()],
    pool: PoolOf,
    _caller: Viewer,
) -> Response:
    """Prove the delivery of one agent."""
    from_at = to_datetime(parse_instant(parameters.from_, "from"))
    to_at = to_datetime(parse_instant(parameters.to, "to"))
    if from_at >= to_at:
        raise parameter_invalid("to", parameters.to, "is not after `from`", "an instant after `from`")
    async with transaction(pool) as connection:
        state = await select_delivery_state(connection, agent)
        if state is None:
            raise not_found("agent", "agent", agent)
        rows = await select_delivery(connection, agent, from_at, to_at, LIVE_WINDOW)
    proof = prove(rows, state, to_at, datetime.now(UTC))
    return Response(msgspec.json.encode(_encode(state, proof, from_at, to_at)), media_type="application/json")


def _encode(state: DeliveryState, proof: Proof, from_at: datetime, to_at: datetime) -> dict[str, Any]:
    start, end = format_at(from_at), format_at(to_at)
    return {
        "agent": state.id,
        "from_at": start,
        "to_at": end,
        "verdict": proof.verdict,
        "statement": f"{proof.open + proof.lost} batches missing between {start} and {end}",
        "why": proof.why,
        "known_until": None if state.known_until_at is None else format_at(state.known_until_at),
        "stored": proof.stored,
        "rejected": proof.rejected,
        "lost": proof.lost,
        "open": proof.open,
        "epochs": [_encode_epoch(epoch) for epoch in proof.epochs],
    }


def _encode_epoch(epoch: Epoch) -> dict[str, Any]:
    row = epoch.row
    return {
        "epoch": row.epoch.hex,
        "first": row.first_seq,
        "last": row.last_seq,
        "stored": row.stored,
        "rejected": row.rejected,
        "lost": row.lost,
        "open": epoch.open,
        "open_ranges": epoch.open_ranges[:MAX_RANGES],
        "heard_until": format_at(row.updated_at),
    }
