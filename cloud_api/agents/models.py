"""What the fleet's routes take and give."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.agents.certificates import Standing


class WhileOnline(StrEnum):
    """Whether a take-over goes on while the old agent is still connected."""

    REFUSE = "refuse"
    ALLOW = "allow"


class Backlog(BaseModel):
    """What an agent holds that is not acknowledged yet."""

    batches: int
    bytes: int
    oldest_at: datetime | None


class Device(BaseModel):
    """One device of an agent."""

    name: str
    state: str | None = Field(description="connecting, running, unreachable, stopped; null when the agent said nothing")
    error: str | None
    since_at: datetime | None = Field(description="Since when it is in this state")
    last_sample_at: datetime | None
    until_at: datetime | None = Field(description="Everything measured up to here has arrived")
    configured_tags: int | None
    delivering_tags: int | None
    overruns: int | None = Field(description="Scans that began late, since the agent began")
    jitter_ms: float | None = Field(description="The latest that a scan began lately")


class Configuration(BaseModel):
    """The configuration that an agent says it runs."""

    digest: str = Field(description="SHA-256 of the names and contents of its files; `config_revision` begins it")
    files: int
    devices: int
    tags: int
    kinds: dict[str, int] = Field(description="Devices of each kind")
    written_at: datetime | None = Field(description="When the file changed last was written, by the agent's disk")


class Certificate(BaseModel):
    """A certificate that an agent shows, or a list of authorities that it trusts, as its file says."""

    use: str = Field(description="mqtt_client, mqtt_ca, opcua_client, opcua_user, modbus_client, modbus_ca")
    devices: list[str] = Field(description="For whom it is used; none for the broker")
    not_after: datetime | None = Field(description="Its end: of a chain the first, of authorities the last one")
    days: int | None = Field(description="Whole days until then; negative after it")
    standing: Standing = Field(description="soon: within 30 days; urgent: within 7")
    error: str | None = Field(description="Why the file cannot be read")


class Agent(BaseModel):
    """One edge agent."""

    id: str
    status: str = Field(description="online, offline (it said so, or its will did), or unknown")
    status_at: datetime | None
    last_seen_at: datetime | None
    first_seen_at: datetime
    backlog: Backlog | None
    version: str | None
    boot_id: str | None
    boot_at: datetime | None
    config_revision: str | None
    configuration: Configuration | None = Field(description="Null of agents that do not tell it")
    health_at: datetime | None
    cpu_percent: float | None = Field(description="Of one core")
    rss_bytes: int | None
    replaced_by: str | None
    certificates: list[Certificate] = Field(description="By what is to be seen to first")
    devices: list[Device]


class AgentPage(BaseModel):
    """Agents in byte order of their ids."""

    items: list[Agent]
    next: str | None


class TakeOverRequest(BaseModel):
    """Whose series the new agent continues."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"from": "gw-press-01"}]})

    from_: str = Field(alias="from", description="The agent that was replaced")
    while_online: WhileOnline = WhileOnline.REFUSE


class TakeOverAnswer(BaseModel):
    """What was taken over."""

    model_config = ConfigDict(populate_by_name=True)

    agent: str
    from_: str = Field(alias="from")
    moved: int = Field(description="Series that the new agent writes from now on")
    left: list[str] = Field(description="Source paths that stayed, because the new agent has them itself")
