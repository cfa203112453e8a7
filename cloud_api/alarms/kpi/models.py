"""What GET /alarms/kpi takes and gives."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cloud_api.alarms.kpi.streams import Hidden
from cloud_api.alarms.kpi.targets import Rule, Verdict


class KpiParameters(BaseModel):
    """Of GET /alarms/kpi."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    position: str | None = Field(default=None, max_length=100, description="One operator position; all when absent")
    from_: str | None = Field(default=None, alias="from", description="Included (RFC 3339); 30 days ago when absent")
    to: str | None = Field(default=None, description="Excluded (RFC 3339); now when absent, and at most now")
    hidden: Hidden = Field(
        default=Hidden.EXCLUDE, description="Whether alarms count that were shelved, suppressed or out of service"
    )
    fleeting_s: float = Field(default=10.0, ge=0.1, le=3600, description="Gone before this, nobody can have acted")
    zone: str = Field(
        default="UTC", max_length=64, description="Whose calendar days (IANA)", examples=["Asia/Shanghai"]
    )


class KpiRow(BaseModel):
    """One KPI."""

    kpi: str
    value: float | None = Field(description="null where there is no alarm to measure")
    unit: str
    rule: Rule
    target: float
    limit: float | None = Field(description="What could still be managed")
    verdict: Verdict


class KpiFlood(BaseModel):
    """It begins with more than 10 alarms in 10 minutes and ends with fewer than 5."""

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    alarms: int
    peak: int = Field(description="Alarms in its worst 10 minutes")
    is_open: bool = Field(description="It goes on beyond the window")


class KpiAlarm(BaseModel):
    """One alarm and how often it did what the list is about."""

    alarm: UUID
    definition: UUID
    path: str
    name: str | None
    count: int
    share: float | None = Field(description="Percent of all annunciated alarms of the position")


class StaleDay(BaseModel):
    """Alarms that stood for more than 24 hours, on one calendar day."""

    day: str
    alarms: int


class AlarmRate(BaseModel):
    """OPC UA Part 9 AlarmRateVariableType: a rate and its window in minutes."""

    Value: float
    Rate: int


class OpcuaMetrics(BaseModel):
    """OPC UA Part 9 AlarmMetricsType; durations in milliseconds."""

    AlarmCount: int
    StartTime: datetime
    MaximumActiveState: float
    MaximumUnAck: float
    CurrentAlarmRate: AlarmRate
    MaximumAlarmRate: AlarmRate
    MaximumReAlarmCount: int
    AverageAlarmRate: AlarmRate


class PositionKpi(BaseModel):
    """The alarm system as one operator position met it."""

    position: str | None
    annunciated: int
    annunciated_alarms: int = Field(description="How many different alarms these were")
    hidden: int = Field(description="Raised while shelved, suppressed or out of service")
    late: int = Field(description="Came too late to be shown to anybody; counted nowhere else")
    kpis: list[KpiRow]
    floods: list[KpiFlood]
    bad_actors: list[KpiAlarm] = Field(description="The ten most frequent")
    chattering: list[KpiAlarm] = Field(
        description="Three times or more within 60 s; count: annunciations in such bursts"
    )
    fleeting: list[KpiAlarm]
    stale: list[StaleDay]
    standing: list[KpiAlarm] = Field(description="Stale at the end of the window; count: whole hours")
    priorities: dict[str, int]
    metrics: OpcuaMetrics


class KpiAnswer(BaseModel):
    """KPIs of ISA-18.2, one set for each operator position: a plant-wide rate would hide the load of one."""

    model_config = ConfigDict(populate_by_name=True)

    from_: datetime = Field(alias="from")
    to: datetime
    days: float
    is_indicative: bool = Field(description="Shorter than 30 days: too short to judge by")
    hidden: Hidden = Field(description="exclude: alarms in hiding do not count")
    fleeting_s: float
    zone: str
    positions: list[PositionKpi]
