"""Alarm quality: the figures of ISA-18.2 against their targets, what spoils them, and the way to mend it."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.alarm_quality.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("alarm_quality", "/alarm-quality", "speed", Section.ANALYSE, Permission.READ, build)
