"""Data quality: how complete history is, what is missing and why, and what was put aside."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.quality.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("quality", "/quality", "grid_on", Section.ANALYSE, Permission.READ, build)
