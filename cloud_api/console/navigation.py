"""Where pages stand: their addresses, and the section of the navigation that each belongs to."""

from dataclasses import dataclass
from enum import StrEnum

from cloud_api.auth.roles import Permission


class Section(StrEnum):
    """Where a page stands in the navigation."""

    OPERATE = "operate"
    ANALYSE = "analyse"
    MAINTAIN = "maintain"
    ADMINISTER = "administer"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Destination:
    """A page in the navigation: its title is the text `page.<name>`; who lacks the permission does not see it."""

    name: str
    address: str
    icon: str
    section: Section
    permission: Permission

    @property
    def title_key(self) -> str:
        """The key of its title."""
        return f"page.{self.name}"
