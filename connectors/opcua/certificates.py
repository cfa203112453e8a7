"""Our own certificates, renewed beside the old ones before those end, and the server's, told by its thumbprint."""

import hashlib
import os
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connectors.errors import ConfigInvalid, DeviceUnreachable

APPLICATION = "Millstream edge agent"
VALIDITY = timedelta(days=3653)
"""Ten years."""
RENEWED_BEFORE = timedelta(days=60)
KEY_BITS = 2048  # what every policy from Basic256Sha256 on allows
_CLOCK_SLACK = timedelta(days=1)
_CERTIFICATE, _KEY = "certificate.der", "private_key.pem"


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """The pair that proves who we are; servers know us by its thumbprint and its application URI."""

    certificate_file: Path
    key_file: Path
    application_uri: str
    thumbprint: str
    not_after: datetime


def own_certificates(directory: Path, now: datetime) -> tuple[OwnCertificate, ...]:
    """The pairs to be tried, the newest first; a missing one is made. Takes a moment: call it beside the event loop.

    A pair that ends soon gets a successor beside it, and stays in use with the servers that do not trust that yet.
    """
    home = directory / "own"
    try:
        _clear_torn(directory)
        homes = _homes(directory)
        if not homes:
            _make(directory, home, now)
            homes = [home]
        pairs = [_load(each) for each in homes]
        if pairs[0].not_after - now <= RENEWED_BEFORE:
            home = directory / f"own-{len(homes) + 1}"
            _make(directory, home, now)
            pairs.insert(0, _load(home))
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"certificates: {home} cannot be used: {error}") from error
    return (pairs[0], *(pair for pair in pairs[1:] if pair.not_after > now))


def existing(directory: Path) -> list[OwnCertificate]:
    """The pairs that are there, the newest first; raises OSError or ValueError."""
    return [_load(home) for home in _homes(directory)]


def newest_file(directory: Path) -> Path:
    """The certificate that the next connection shows first; it may not be there yet."""
    return (_homes(directory) or [directory / "own"])[0] / _CERTIFICATE


def thumbprint(der: bytes) -> str:
    """The SHA-1 of a certificate in DER form, as servers and engineering tools show it."""
    return hashlib.sha1(der, usedforsecurity=False).hexdigest().upper()


def first_of_chain(der: bytes) -> bytes:
    """The server's own certificate where it sends its issuers behind it (Part 6, 6.2.6)."""
    if len(der) < 4 or der[0] != 0x30 or der[1] != 0x82:
        return der
    return der[: int.from_bytes(der[2:4], "big") + 4]


def server_certificate_der(file: Path) -> bytes:
    """The pinned certificate of a server, from PEM or DER."""
    try:
        content = file.read_bytes()
        if content.startswith(b"-----"):
            return x509.load_pem_x509_certificate(content).public_bytes(serialization.Encoding.DER)
        return x509.load_der_x509_certificate(content).public_bytes(serialization.Encoding.DER)
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"server_certificate: {file} cannot be read: {error}") from error


def check_pinned(der: bytes, expected: str | None) -> None:
    """Refuse a server that shows another certificate than the one that was agreed."""
    if expected is not None and thumbprint(der) != expected:
        raise DeviceUnreachable(
            f"the server shows a certificate with thumbprint {thumbprint(der)}, but {expected} is configured: "
            "another server answers there, or its certificate was renewed"
        )


def keep_known(directory: Path, url: str, der: bytes) -> None:
    """Keep the certificate that a server showed and proved to be its own, if it is the first. Takes a moment."""
    kept = _kept(directory, "trusted", url)
    try:
        if not _holds(kept):
            _write(kept, der)
    except OSError as error:
        raise ConfigInvalid(f"certificates: {kept} cannot be written: {error}") from error


def check_known(directory: Path, url: str, der: bytes) -> None:
    """Refuse another certificate than the one that was kept, and put it beside. Takes a moment."""
    kept, refused = _kept(directory, "trusted", url), _kept(directory, "rejected", url)
    try:
        known = kept.read_bytes() if _holds(kept) else der
        if known == der:
            return
        _write(refused, der)
    except OSError as error:
        raise ConfigInvalid(f"certificates: {kept} cannot be used: {error}") from error
    raise DeviceUnreachable(
        f"the server shows a certificate with thumbprint {thumbprint(der)}, but the one seen first was "
        f"{thumbprint(known)}: another server answers there, or its certificate was renewed. If that is as it should "
        f"be, accept it: mv {refused} {kept}"
    )


def _kept(directory: Path, list_name: str, url: str) -> Path:
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", url.partition("//")[2]).strip("_")
    return directory / list_name / f"{name}.der"


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    _force(fresh, content)
    fresh.replace(file)


def _holds(file: Path) -> bool:
    """Whether there is anything in it: a power cut can leave the name of a file without its content."""
    return file.exists() and file.stat().st_size > 0


def _force(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write it to the disk before any name leads to it."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _clear_torn(directory: Path) -> None:
    """The newest pair, if half of it is empty, was being made when the power failed: it is made again."""
    for home in _homes(directory)[:1]:
        files = (home / _CERTIFICATE, home / _KEY)
        if any(file.exists() and not _holds(file) for file in files):
            shutil.rmtree(home)


def _homes(directory: Path) -> list[Path]:
    """The folders of our pairs, the newest first: own, own-2, own-3 and so on."""
    homes = [directory / "own"]
    while homes[-1].exists():
        homes.append(directory / f"own-{len(homes) + 1}")
    return homes[-2::-1]


def _load(home: Path) -> OwnCertificate:
    certificate_file = home / _CERTIFICATE
    der = certificate_file.read_bytes()
    certificate = x509.load_der_x509_certificate(der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    if not uris:
        raise ValueError("certificate.der names no application URI")
    return OwnCertificate(certificate_file, home / _KEY, uris[0], thumbprint(der), certificate.not_valid_after_utc)


def _make(directory: Path, home: Path, now: datetime) -> None:
    """Both files appear at once by a rename, whoever else makes them at the same moment."""
    directory.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".own-", dir=directory))
    try:
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        _force(fresh / _CERTIFICATE, _self_signed(key, now).public_bytes(serialization.Encoding.DER))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _force(fresh / _KEY, private, 0o600)
        _rename_unless_there(fresh, home)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _rename_unless_there(fresh: Path, home: Path) -> None:
    try:
        fresh.rename(home)
    except OSError:
        if not home.exists():
            raise


def _self_signed(key: rsa.RSAPrivateKey, now: datetime) -> x509.Certificate:
    host = socket.gethostname()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{APPLICATION} on {host}"[:64])])
    names = x509.SubjectAlternativeName(
        [x509.UniformResourceIdentifier(f"urn:{host}:millstream:edge"), x509.DNSName(host)]
    )
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
