"""Assets: the tree, what each one is, its tags as they stand, and what its template asks of it."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.assets.page import build
from cloud_api.console.registry import Page, Section

PAGE = Page("assets", "/assets", "account_tree", Section.ANALYSE, Permission.READ, build)
