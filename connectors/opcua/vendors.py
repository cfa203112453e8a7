"""Servers whose limits are small or not as stated, each from a public document (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Vendor(StrEnum):
    """Servers that are known by their make."""

    BMENUA0100 = "bmenua0100"
    CODESYS = "codesys"
    KEPWARE = "kepware"
    PLCNEXT = "plcnext-axc-f-2152"
    RX3I = "rx3i"
    S7_1200 = "s7-1200"
    S7_1500 = "s7-1500"
    SINUMERIK_828D = "sinumerik-828d"
    SINUMERIK_840D_SL = "sinumerik-840d-sl"
    UC20_SL2000 = "uc20-sl2000"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server bears, and where that is written."""

    source: str
    request_limit: int | None = None
    sampling_s: float = 0.0
    publishing_s: float = 0.0
    sessions: int | None = None
    items: int | None = None
    """Monitored items in all, of every client together."""
    queue: int | None = None
    has_filters: bool = True
    """Whether it applies deadbands and triggers."""
    trust_step: str = "accept it in the server's trust list"
    """What makes the server take our certificate."""


_UMH = "github.com/united-manufacturing-hub/benthos-umh, opcua_plugin/server_profiles.go"
_IN_TIA_PORTAL = "import it in TIA Portal and add it to the CPU's OPC UA > Server > Security > Trusted clients"
_SINUMERIK = "SINUMERIK Access MyMachine / OPC UA, Configuration Manual 04/2018, 6FC5397-1DP41-0BA0, Technical data"

PROFILES: Mapping[Vendor, Profile] = {
    Vendor.BMENUA0100: Profile(
        "Schneider Electric, BMENUA0100 OPC UA module, online help, chapter Limitations (without fast sampling)",
        sampling_s=0.125,
        publishing_s=0.25,
        sessions=10,
        items=50_000,
        queue=100,
    ),
    Vendor.CODESYS: Profile(
        "CODESYS Communication, OPC UA server configuration, defaults of the section CmpOPCUAServer",
        request_limit=100,
        sampling_s=0.1,
        sessions=100,
        trust_step="move it from Quarantined to Trusted Certificates in the Security Screen of CODESYS",
    ),
    Vendor.KEPWARE: Profile(
        f"{_UMH}: 128 sessions unless the project says otherwise",
        sessions=128,
        trust_step="trust it in the OPC UA Configuration Manager, Trusted Clients",
    ),
    Vendor.PLCNEXT: Profile(
        "Phoenix Contact, PLCnext Info Center, OPC UA monitored item and subscription: sample rates of the AXC F 2152",
        sampling_s=0.1,
    ),
    Vendor.RX3I: Profile(
        "GE PACSystems RX3i, GFK-2224Q (January 2017), OPC UA performance considerations: 12,500 addressable elements",
        sessions=5,
        items=12_500,
    ),
    Vendor.S7_1200: Profile(
        f"{_UMH}, which names Siemens entry 109755846 (02/2024)",
        request_limit=100,
        sessions=10,
        items=1_000,
        has_filters=False,
        trust_step=_IN_TIA_PORTAL,
    ),
    Vendor.S7_1500: Profile(
        "github.com/epics-modules/opcua, issues 177 and 201: 1,000 nodes in all requests that are under way together; "
        f"sessions and items of CPU 1511 to 1513, the smallest: {_UMH}",
        request_limit=100,
        sessions=32,
        items=10_000,
        trust_step=_IN_TIA_PORTAL,
    ),
    Vendor.SINUMERIK_828D: Profile(_SINUMERIK, sampling_s=0.1, publishing_s=0.1, sessions=5),
    Vendor.SINUMERIK_840D_SL: Profile(_SINUMERIK, sampling_s=0.1, publishing_s=0.1, sessions=10),
    Vendor.UC20_SL2000: Profile(
        "Weidmüller, UC20-SL2000, system manual 2696790000/02/04.2020, page 61: its default sampling intervals",
        sampling_s=0.05,
    ),
}


def trust_step(vendor: Vendor | None) -> str:
    """What has to be done at a server so that it takes our certificate."""
    return Profile("").trust_step if vendor is None else PROFILES[vendor].trust_step


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device table asks of a server."""

    request_limit: int
    sampling_s: float
    publishing_s: float
    queue: int
    has_filter: bool


def advice(vendor: Vendor, asked: Asked) -> Sequence[str]:
    """What was capped, and what the server will not give however it is asked."""
    profile = PROFILES[vendor]
    found = [*_requests(profile, asked.request_limit), *_rates(profile, asked)]
    if profile.queue is not None and asked.queue > profile.queue:
        found.append(f"queue = {asked.queue} is above the {profile.queue} changes that this server keeps of a value")
    if not profile.has_filters and asked.has_filter:
        found.append("it applies no server_deadband and no trigger; deadband of a tag, applied by the agent, serves")
    if profile.items is not None:
        found.append(f"this server watches {profile.items:,} items in all, those of every client together")
    if profile.sessions is not None:
        found.append(f"this server has {profile.sessions} sessions in all, and each device table takes one")
    return [f'vendor = "{vendor}": {sentence} ({profile.source})' for sentence in found]


def _requests(profile: Profile, request_limit: int) -> Iterator[str]:
    most = profile.request_limit
    if most is not None and request_limit <= most:
        yield f"requests have {request_limit} items at most"
    elif most is not None:
        yield f"request_limit = {request_limit} is above the {most} that this server bears"


def _rates(profile: Profile, asked: Asked) -> Iterator[str]:
    for key, asked_s, least_s in (
        ("sampling", asked.sampling_s, profile.sampling_s),
        ("publishing", asked.publishing_s, profile.publishing_s),
    ):
        if 0 < asked_s < least_s:
            yield f'{key} = "{asked_s:g}s" is below {least_s:g} s, the shortest that this server takes'
