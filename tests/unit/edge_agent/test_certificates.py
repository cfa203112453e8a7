"""When a certificate ends is read as a library reads it, from a file that may be anything."""

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.certificates import CertificateBook, CertificateUnreadable, UsedCertificate, not_after, of_broker
from edge_agent.tables import CheckedMqtt
from schemas.agent_status import CertificateHealth

KEY = ec.generate_private_key(ec.SECP256R1())
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
NOON = datetime(2031, 5, 6, 12, tzinfo=UTC)


def certificate(end: datetime, name: str = "gw", encoding: serialization.Encoding = PEM) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=1))
        .not_valid_after(end)
    )
    return builder.sign(KEY, hashes.SHA256()).public_bytes(encoding)


WHOLE = certificate(NOON, encoding=DER)


@given(
    st.datetimes(datetime(1951, 1, 2), datetime(9999, 12, 31)),  # noqa: DTZ001 - made aware below
    st.text(min_size=1, max_size=16),
    st.sampled_from([PEM, DER]),
)
def test_the_end_is_the_one_that_was_written(end: datetime, name: str, encoding: serialization.Encoding):
    end = end.replace(microsecond=0, tzinfo=UTC)
    assert not_after(certificate(end, name, encoding)) == [end]


@given(st.binary(max_size=300))
def test_rubbish_is_refused_in_one_way(content: bytes):
    with pytest.raises(CertificateUnreadable):
        not_after(content)


@given(st.data())
def test_a_torn_certificate_is_read_or_refused(data: st.DataObject):
    torn = bytearray(WHOLE[: data.draw(st.integers(1, len(WHOLE)))])
    torn[data.draw(st.integers(0, len(torn) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(CertificateUnreadable):
        assert len(not_after(bytes(torn))) == 1


def test_a_chain_ends_with_the_first_and_a_list_of_authorities_with_the_last(tmp_path: Path):
    file = tmp_path / "both.pem"
    file.write_bytes(certificate(NOON) + certificate(NOON + timedelta(days=9)))
    used = [UsedCertificate("mqtt_client", file), UsedCertificate("mqtt_ca", file)]
    assert CertificateBook().health(used) == (
        CertificateHealth("mqtt_ca", NOON + timedelta(days=9)),
        CertificateHealth("mqtt_client", NOON),
    )


def test_devices_that_share_a_certificate_are_told_together(tmp_path: Path):
    file = tmp_path / "own.der"
    file.write_bytes(certificate(NOON, encoding=DER))
    used = [UsedCertificate("opcua_client", file, name) for name in ("cell-1", "cell-2")]
    assert CertificateBook().health(used) == (CertificateHealth("opcua_client", NOON, ("cell-1", "cell-2")),)


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path):
    file, book = tmp_path / "own.pem", CertificateBook()
    used = [UsedCertificate("mqtt_client", file)]
    assert book.health(used) == (CertificateHealth("mqtt_client", error="cannot be read: No such file or directory"),)
    file.write_bytes(certificate(NOON))
    assert book.health(used)[0].not_after == NOON
    stamp = file.stat().st_mtime_ns
    file.write_bytes(certificate(NOON + timedelta(days=365)))
    os.utime(file, ns=(stamp + 1, stamp + 1))
    assert book.health(used)[0].not_after == NOON + timedelta(days=365)
    file.write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----")
    assert book.health(used)[0] == CertificateHealth("mqtt_client", error="is not a certificate in PEM or DER form")


def test_only_a_session_with_tls_has_certificates():
    files = {"ca_file": Path("ca.pem"), "cert_file": Path("own.pem"), "key_file": Path("own.key")}
    assert of_broker(CheckedMqtt.model_validate({"url": "mqtt://broker:1883", **files})) == []
    assert [used.use for used in of_broker(CheckedMqtt.model_validate({"url": "mqtts://broker:8883", **files}))] == [
        "mqtt_client",
        "mqtt_ca",
    ]
