"""Which pages there are."""

from cloud_api.console.pages import (
    account,
    alarm_quality,
    alarms,
    assets,
    calculations,
    definitions,
    fleet,
    handover,
    journal,
    maintenance,
    overview,
    quality,
    settings,
    trends,
    welcome,
)
from cloud_api.console.pages.people import audit, keys, shares, users
from cloud_api.console.registry import Page


def pages() -> tuple[Page, ...]:
    """All pages, in the order of the navigation."""
    return (
        overview.PAGE,
        alarms.PAGE,
        journal.PAGE,
        handover.PAGE,
        trends.PAGE,
        assets.PAGE,
        calculations.PAGE,
        quality.PAGE,
        alarm_quality.PAGE,
        definitions.PAGE,
        maintenance.PAGE,
        fleet.PAGE,
        users.PAGE,
        keys.PAGE,
        shares.PAGE,
        audit.PAGE,
        settings.PAGE,
        account.PAGE,
        welcome.PAGE,
    )
