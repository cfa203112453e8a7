"""Calculated series: what is made of what is measured, how far that is, and making more of it."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.calculations.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("calculations", "/calculations", "functions", Section.ANALYSE, Permission.READ, build)
