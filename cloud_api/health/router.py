"""HTTP of operations, outside /api/v1: live, ready (which part is not), metrics."""

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from cloud_api.auth.access import REFUSALS, check_metrics_reader
from cloud_api.health.checks import FINE, Checks, DiskForecast
from cloud_api.problems import problem_responses
from cloud_api.storage.database import Database
from cloud_api.telemetry import CONTENT_TYPE, Telemetry

router = APIRouter(tags=["operations"])


class Liveness(BaseModel):
    """The process answers."""

    status: str = Field(examples=["live"])


class Readiness(BaseModel):
    """Whether the process can work, and which part cannot."""

    status: str = Field(examples=["ready", "not_ready"])
    parts: dict[str, str] = Field(examples=[{"database": "ready", "broker": "ready", "ingest": "standby"}])
    days_to_full: float | None = Field(
        description="When the database's disk is full at the pace of the last week; null where that is not known, "
        "or it does not fill",
        examples=[412.5],
    )


@router.get("/health/live", response_model=Liveness, description="The process answers. No key needed.")
async def get_live() -> Response:
    """Say that the process lives."""
    return Response(b'{"status":"live"}', media_type="application/json")


@router.get(
    "/health/ready",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Some part is not ready; `parts` says which"}},
    description="Whether every part can work. No key needed; no internals named.",
)
async def get_ready(request: Request) -> Response:
    """Say which parts are ready."""
    checks: Checks = request.state.checks
    parts = {name: await check() for name, check in checks.items()}
    is_ready = all(state in FINE for state in parts.values())
    forecast: DiskForecast = request.state.forecast
    days = await forecast.days() if parts.get("database") == "ready" else None
    status = "ready" if is_ready else "not_ready"
    content = msgspec.json.encode(
        {"status": status, "parts": parts, "days_to_full": None if days is None else round(days, 1)}
    )
    return Response(content, status_code=200 if is_ready else 503, media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {CONTENT_TYPE: {}}}, **problem_responses(*REFUSALS)},
    dependencies=[Depends(check_metrics_reader)],
    description="Prometheus text format. Needs a key with the scope `metrics`, the role `admin`, or a loopback caller.",
)
async def get_metrics(request: Request) -> Response:
    """Give the metrics."""
    telemetry: Telemetry = request.state.telemetry
    database: Database = request.state.database
    for state, count in database.counts().items():
        telemetry.pool_connections.labels(state).set(count)
    return Response(telemetry.render(), headers={"Content-Type": CONTENT_TYPE})
