"""Our certificate: made once, valid for long, never half there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.opcua.certificates import (
    check_pinned,
    first_of_chain,
    own_certificate,
    server_certificate_der,
    thumbprint,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_is_made_once_and_lasts_ten_years_at_least(tmp_path: Path) -> None:
    first = own_certificate(tmp_path / "certificates", NOW)
    again = own_certificate(tmp_path / "certificates", NOW + timedelta(days=400))
    assert first == again
    assert first.not_after - NOW > timedelta(days=3652)
    certificate = x509.load_der_x509_certificate(first.certificate_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [first.application_uri]
    assert len(first.thumbprint) == 40
    assert first.key_file.stat().st_mode & 0o777 == 0o600


def test_devices_that_start_together_share_one_pair(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: own_certificate(tmp_path, NOW).thumbprint, range(4)))
    assert len(set(made)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["own"]


def test_a_broken_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "certificate.der").write_bytes(b"rubbish")
    with pytest.raises(ConfigInvalid, match=r"certificates: .*own cannot be used"):
        own_certificate(tmp_path, NOW)


def test_a_pinned_certificate_is_read_from_either_form(tmp_path: Path) -> None:
    der = own_certificate(tmp_path, NOW).certificate_file.read_bytes()
    pem = tmp_path / "server.pem"
    pem.write_bytes(x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM))
    assert server_certificate_der(pem) == der == server_certificate_der(tmp_path / "own" / "certificate.der")
    with pytest.raises(ConfigInvalid, match="server_certificate"):
        server_certificate_der(tmp_path / "missing.der")


def test_only_the_pinned_server_passes(tmp_path: Path) -> None:
    der = own_certificate(tmp_path, NOW).certificate_file.read_bytes()
    check_pinned(der, None)
    check_pinned(der, thumbprint(der))
    with pytest.raises(DeviceUnreachable, match=thumbprint(der)):
        check_pinned(der, "0" * 40)


def test_a_chain_is_cut_to_the_servers_own(tmp_path: Path) -> None:
    der = own_certificate(tmp_path, NOW).certificate_file.read_bytes()
    assert first_of_chain(der + b"issuer") == der
    assert first_of_chain(der) == der
    assert first_of_chain(b"") == b""
