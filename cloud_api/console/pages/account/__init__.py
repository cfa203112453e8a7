"""One's own account: password, second factor, sessions, sound."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.account.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("account", "/account", "person", Section.HIDDEN, Permission.READ, build)
