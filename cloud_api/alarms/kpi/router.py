"""HTTP of the alarm KPIs."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from cloud_api.alarms.kpi.models import KpiAnswer, KpiParameters
from cloud_api.alarms.kpi.service import describe_kpi
from cloud_api.auth.access import PoolOf, Viewer, refusals, role_line
from cloud_api.auth.roles import Role
from cloud_api.problems import Kinds
from cloud_api.settings import CloudSettings

router = APIRouter(prefix="/alarms", tags=["alarms"])


@router.get(
    "/kpi",
    response_model=KpiAnswer,
    responses=refusals(Kinds.PARAMETER_INVALID, Kinds.QUERY_TIMEOUT),
    description="How good the alarm system is: KPIs of ISA-18.2 and OPC UA alarm metrics." + role_line(Role.VIEWER),
)
async def get_alarm_kpi(
    request: Request, parameters: Annotated[KpiParameters, Query()], pool: PoolOf, _caller: Viewer
) -> Response:
    """Measure the alarm system."""
    settings: CloudSettings = request.state.settings
    answer = await describe_kpi(pool, parameters, datetime.now(UTC), settings.query_timeout_s)
    return Response(msgspec.json.encode(answer), media_type="application/json")
