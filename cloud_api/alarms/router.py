"""Everything that the API offers about alarms, in the order in which addresses are looked for."""

from fastapi import APIRouter

from cloud_api.alarms.definitions.router import router as definitions
from cloud_api.alarms.journal.router import router as journal
from cloud_api.alarms.kpi.router import router as kpi
from cloud_api.alarms.maintenance.router import router as maintenance
from cloud_api.alarms.operation.router import router as operation
from cloud_api.alarms.replay.router import router as replay

router = APIRouter()
# Replays stand below /alarm-definitions by name, and so come before definitions by id.
router.include_router(replay)
router.include_router(definitions)
router.include_router(kpi)
router.include_router(journal)
router.include_router(maintenance)
# The last of those below /alarms: what stands there by name comes before alarms by id.
router.include_router(operation)
