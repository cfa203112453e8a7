"""Everything that the API offers of notifications: channels, routes, the journal of messages."""

from fastapi import APIRouter

from cloud_api.notify.configuration.router import channels, routes
from cloud_api.notify.outbox.router import router as messages
from cloud_api.notify.trials.router import router as trials

router = APIRouter()
for part in (channels, trials, routes, messages):
    router.include_router(part)
