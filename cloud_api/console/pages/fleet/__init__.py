"""The fleet: what every agent is, holds and has delivered."""

from cloud_api.auth.roles import Permission
from cloud_api.console.pages.fleet.agent import show_agent
from cloud_api.console.pages.fleet.listing import show_agents
from cloud_api.console.registry import Page, Section
from cloud_api.console.screen import Screen


async def build(screen: Screen) -> None:
    """Show one agent where the address names one, else all."""
    if agent := screen.query.get("agent"):
        await show_agent(screen, agent)
    else:
        await show_agents(screen)


PAGE = Page("fleet", "/fleet", "router", Section.MAINTAIN, Permission.READ, build)
