"""Certificates of ours that end soon: said ahead, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connectors.opcua.certificates import OwnCertificate, existing

WARNED_DAYS = (60, 30, 7)
_said: set[tuple[str, int]] = set()


@dataclass(frozen=True, slots=True)
class Ending:
    """A certificate that has reached one of the days on which it is spoken of; 0 is its end."""

    thumbprint: str
    stage: int
    advice: str


def endings(directory: Path, now: datetime) -> Sequence[Ending]:
    """Those of our certificates that end soon; nothing is made and nothing refused here. Takes a moment."""
    try:
        pairs = existing(directory)
    except (OSError, ValueError):
        return []  # whoever opens a connection is told
    used = [pair for at, pair in enumerate(pairs) if at == 0 or pair.not_after > now]
    stages = [(pair, stage) for pair in used if (stage := _stage(pair, now)) is not None]
    return [Ending(pair.thumbprint, stage, _advice(pair, used[0], now)) for pair, stage in stages]


def not_yet_said(found: Sequence[Ending]) -> Sequence[Ending]:
    """Each once, however many devices share a certificate and however often they connect."""
    new = [each for each in found if (each.thumbprint, each.stage) not in _said]
    _said.update((each.thumbprint, each.stage) for each in new)
    return new


def _stage(own: OwnCertificate, now: datetime) -> int | None:
    left = own.not_after - now
    if left <= timedelta(0):
        return 0
    return min((days for days in WARNED_DAYS if left <= timedelta(days=days)), default=None)


def _advice(own: OwnCertificate, newest: OwnCertificate, now: datetime) -> str:
    ends = "has ended" if own.not_after <= now else f"ends in {(own.not_after - now).days} days"
    what = f"our certificate {own.thumbprint} {ends} ({own.not_after.date()}): "
    if own is newest:
        return what + "the agent makes its successor when it next connects; accept that in each server's trust list"
    return what + f"accept its successor {newest.thumbprint} in each server's trust list before"
