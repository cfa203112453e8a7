"""Settings: the site and what it keeps, who is told of alarms and how, how full the disk is."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.settings.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("settings", "/settings", "settings", Section.ADMINISTER, Permission.CONFIGURE, build)
