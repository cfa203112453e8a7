"""Series over time: found, drawn, compared, explained."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.trends.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("trends", "/trends", "show_chart", Section.ANALYSE, Permission.READ, build)
