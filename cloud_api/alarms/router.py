"""What the API offers to those who look after the alarm system itself: its KPIs, and what-if replays."""

from fastapi import APIRouter

from cloud_api.alarms.kpi.router import router as kpi
from cloud_api.alarms.replay.router import router as replay

router = APIRouter()
router.include_router(kpi)
router.include_router(replay)
