"""The alarms that stand: the list, one alarm in detail, and what operators do with them."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.alarms.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("alarms", "/alarms", "notifications_active", Section.OPERATE, Permission.READ, build)
