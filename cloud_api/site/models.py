"""What requests and answers about the site look like."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from cloud_api.ages import ALLOWED

Start = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class SiteRetention(BaseModel):
    """How long data are kept; null: as the service's environment says (MILLSTREAM_RETENTION_…)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    raw: str | None = Field(default=None, max_length=10, description=ALLOWED, examples=["90d"])
    minutes: str | None = Field(default=None, max_length=10, description=ALLOWED, examples=["2y"])
    quarters: str | None = Field(default=None, max_length=10, description=ALLOWED, examples=["forever"])


class SiteChange(BaseModel):
    """Of PUT /site."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = Field(examples=["Hangzhou"])
    shifts: list[Start] = Field(min_length=1, max_length=12, description="When shifts begin, by the reader's clock")
    retention: SiteRetention = SiteRetention()


class Site(BaseModel):
    """The plant as its people call it."""

    name: str
    shifts: list[str]
    retention: SiteRetention = Field(description="What was chosen")
    retention_used: SiteRetention = Field(description="What holds, of the choice and of the environment")
    set_up_at: datetime | None = Field(description="When somebody first chose; null: nobody has")
