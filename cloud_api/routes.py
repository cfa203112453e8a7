"""Every router below /api/v1, in the order in which addresses are tried; the composer includes them."""

from cloud_api.agents.router import router as agents
from cloud_api.alarms.router import router as alarms
from cloud_api.assets.bulk.router import router as asset_bulk
from cloud_api.assets.router import router as assets
from cloud_api.assets.standing.router import router as asset_standing
from cloud_api.assets.templates.router import router as asset_templates
from cloud_api.audit.router import router as audit
from cloud_api.calculations.router import router as calculations
from cloud_api.completeness.delivery.router import router as delivery
from cloud_api.completeness.router import router as completeness
from cloud_api.corrections.router import router as corrections
from cloud_api.ingest.entries.router import router as entries
from cloud_api.ingest.inbox.router import router as reject_inbox
from cloud_api.ingest.router import router as ingest_doors
from cloud_api.keys.router import router as keys
from cloud_api.notes.router import router as notes
from cloud_api.notify.router import router as notifications
from cloud_api.purge.router import router as purge
from cloud_api.query.router import router as query
from cloud_api.shares.router import router as shares
from cloud_api.site.router import router as site
from cloud_api.users.oidc.router import router as oidc_login
from cloud_api.users.router import router as users
from cloud_api.views.router import router as views

ROUTERS = (
    notifications,
    query,
    corrections,
    calculations,
    notes,
    agents,
    # What stands below /assets by name comes before assets by id.
    asset_standing,
    assets,
    asset_bulk,
    asset_templates,
    completeness,
    delivery,
    purge,
    # What stands below /rejects by name comes before rejects by id.
    reject_inbox,
    ingest_doors,
    entries,
    users,
    views,
    site,
    oidc_login,
    audit,
    keys,
    shares,
    alarms,
)
