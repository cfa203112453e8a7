"""When certificates end: read from their files without a library, which would cost an agent more than it reads."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from edge_agent.config import MqttTable
from schemas.agent_status import CertificateHealth

MAX_FILE_BYTES = 1 << 20
AUTHORITY = "ca"
_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_Stamp: TypeAlias = tuple[int, int]
_YEAR_OF_TWO_DIGITS = 50  # RFC 5280, 4.1.2.5.1: 50 to 99 are of the last century


class CertificateUnreadable(Exception):
    """A file that holds no certificate, or a broken one."""


@dataclass(frozen=True, slots=True)
class UsedCertificate:
    """A file that proves who we are, or says whom we trust, and the device that it is for; None is the broker."""

    use: str
    file: Path
    device: str | None = None


@dataclass(slots=True)
class CertificateBook:
    """Remembers what each file said, so that only one that has changed is read again."""

    _known: dict[tuple[str, Path], tuple[_Stamp, datetime]] = field(
        default_factory=dict[tuple[str, Path], tuple[_Stamp, datetime]]
    )

    def health(self, used: Iterable[UsedCertificate]) -> tuple[CertificateHealth, ...]:
        """When each of them ends, as its file says now: the next connection is made with that."""
        devices: dict[tuple[str, Path], list[str]] = {}
        for each in used:
            devices.setdefault((each.use, each.file), []).extend([] if each.device is None else [each.device])
        self._known = {key: known for key, known in self._known.items() if key in devices}
        return tuple(self._told(use, file, tuple(names)) for (use, file), names in sorted(devices.items()))

    def _told(self, use: str, file: Path, devices: tuple[str, ...]) -> CertificateHealth:
        try:
            return CertificateHealth(use, self._read(use, file), devices)
        except OSError as error:
            return CertificateHealth(use, None, devices, f"cannot be read: {error.strerror}")
        except CertificateUnreadable as error:
            return CertificateHealth(use, None, devices, str(error))

    def _read(self, use: str, file: Path) -> datetime:
        found = file.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        known = self._known.get((use, file))
        if known is None or known[0] != stamp:
            known = self._known[use, file] = (stamp, _end(use, file))
        return known[1]


def of_broker(table: MqttTable) -> list[UsedCertificate]:
    """What the session with the broker rests on."""
    if not table.url.startswith("mqtts:"):
        return []
    files = (("mqtt_client", table.cert_file), (f"mqtt_{AUTHORITY}", table.ca_file))
    return [UsedCertificate(use, file) for use, file in files if file is not None]


def not_after(content: bytes) -> Sequence[datetime]:
    """When each certificate of a file in PEM or DER form ends; raises CertificateUnreadable where it holds none."""
    bodies = _PEM.findall(content)
    try:
        ends = [_not_after(base64.b64decode(body)) for body in bodies] if bodies else [_not_after(content)]
    except (IndexError, ValueError, binascii.Error) as error:
        raise CertificateUnreadable("is not a certificate in PEM or DER form") from error
    return ends


def _end(use: str, file: Path) -> datetime:
    """A chain ends with the first of its certificates, a list of authorities with the last."""
    with file.open("rb") as stream:
        ends = not_after(stream.read(MAX_FILE_BYTES))
    return max(ends) if use.endswith(AUTHORITY) else min(ends)


def _not_after(der: bytes) -> datetime:
    """RFC 5280, 4.1: past version, serial number, algorithm and issuer stands the validity."""
    _, at, _ = _element(der, 0, _SEQUENCE)
    _, at, _ = _element(der, at, _SEQUENCE)
    tag, _, end = _element(der, at)
    for _ in range(3 if tag == _VERSION else 2):
        _, _, end = _element(der, end)
    _, at, _ = _element(der, end, _SEQUENCE)
    _, _, end = _element(der, at)
    tag, start, end = _element(der, end)
    return _time(tag, der[start:end].decode("ascii"))


def _element(der: bytes, at: int, expected: int | None = None) -> tuple[int, int, int]:
    """Tag, first byte and end of what an element holds (X.690, 8.1.3)."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, start = int.from_bytes(der[start : start + digits], "big"), start + digits
    if start + length > len(der) or (expected is not None and tag != expected):
        raise ValueError("not the element that was expected")
    return tag, start, start + length


def _time(tag: int, text: str) -> datetime:
    if tag == _UTC_TIME:
        text = f"{'19' if int(text[:2]) >= _YEAR_OF_TWO_DIGITS else '20'}{text}"
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
