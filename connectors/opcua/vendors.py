"""Servers whose limits are small or not as stated, each from a public document (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Vendor(StrEnum):
    """Servers that are known by their make."""

    CODESYS = "codesys"
    S7_1500 = "s7-1500"
    SINUMERIK_828D = "sinumerik-828d"
    SINUMERIK_840D_SL = "sinumerik-840d-sl"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server bears, and where that is written."""

    source: str
    request_limit: int | None = None
    sampling_s: float = 0.0
    publishing_s: float = 0.0
    sessions: int | None = None


_SINUMERIK = "SINUMERIK Access MyMachine / OPC UA, Configuration Manual 04/2018, 6FC5397-1DP41-0BA0, Technical data"

PROFILES: Mapping[Vendor, Profile] = {
    Vendor.CODESYS: Profile(
        "CODESYS Communication, OPC UA server configuration, defaults of the section CmpOPCUAServer",
        request_limit=100,
        sampling_s=0.1,
        sessions=100,
    ),
    Vendor.S7_1500: Profile(
        "github.com/epics-modules/opcua, issues 177 and 201: 1,000 nodes in all requests that are under way together",
        request_limit=100,
    ),
    Vendor.SINUMERIK_828D: Profile(_SINUMERIK, sampling_s=0.1, publishing_s=0.1, sessions=5),
    Vendor.SINUMERIK_840D_SL: Profile(_SINUMERIK, sampling_s=0.1, publishing_s=0.1, sessions=10),
}


def advice(vendor: Vendor, request_limit: int, sampling_s: float, publishing_s: float) -> Sequence[str]:
    """What was capped, and what the server will not give however it is asked."""
    profile = PROFILES[vendor]
    found: list[str] = []
    most = profile.request_limit
    if most is not None and request_limit <= most:
        found.append(f"requests have {request_limit} items at most")
    elif most is not None:
        found.append(f"request_limit = {request_limit} is above the {most} that this server bears")
    for key, asked_s, least_s in (
        ("sampling", sampling_s, profile.sampling_s),
        ("publishing", publishing_s, profile.publishing_s),
    ):
        if 0 < asked_s < least_s:
            found.append(f'{key} = "{asked_s:g}s" is below {least_s:g} s, the shortest that this server takes')
    if profile.sessions is not None:
        found.append(f"this server has {profile.sessions} sessions in all, and each device table takes one")
    return [f'vendor = "{vendor}": {sentence} ({profile.source})' for sentence in found]
