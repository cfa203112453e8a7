"""The overview: what stands where, how fresh it is, and what has changed since the shift began."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.overview.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("overview", "/", "dashboard", Section.OPERATE, Permission.READ, build)
