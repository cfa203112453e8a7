"""Our certificate: made once, valid for long, never half there."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from connectors.errors import ConfigInvalid, DeviceUnreachable
from connectors.opcua.certificates import (
    check_known,
    check_pinned,
    first_of_chain,
    keep_known,
    own_certificates,
    server_certificate_der,
    thumbprint,
)
from connectors.opcua.expiry import endings, not_yet_said

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_is_made_once_and_lasts_ten_years(tmp_path: Path) -> None:
    first = own_certificates(tmp_path / "certificates", NOW)[0]
    again = own_certificates(tmp_path / "certificates", NOW + timedelta(days=400))[0]
    assert first == again
    assert timedelta(days=3652) <= first.not_after - NOW <= timedelta(days=3653)
    certificate = x509.load_der_x509_certificate(first.certificate_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [first.application_uri]
    assert len(first.thumbprint) == 40
    assert first.key_file.stat().st_mode & 0o777 == 0o600


def test_a_successor_stands_beside_the_old_one_until_that_has_ended(tmp_path: Path) -> None:
    (old,) = own_certificates(tmp_path, NOW)
    assert own_certificates(tmp_path, old.not_after - timedelta(days=61)) == (old,)
    new, beside = own_certificates(tmp_path, old.not_after - timedelta(days=60))
    assert beside == old
    assert new.thumbprint != old.thumbprint
    assert new.application_uri == old.application_uri
    assert own_certificates(tmp_path, old.not_after - timedelta(seconds=1)) == (new, old)
    assert own_certificates(tmp_path, old.not_after) == (new,)
    third, second = own_certificates(tmp_path, new.not_after - timedelta(days=30))
    assert second == new
    assert third.not_after > new.not_after
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["own", "own-2", "own-3"]


def test_an_agent_that_was_off_for_ten_years_makes_a_new_one(tmp_path: Path) -> None:
    (old,) = own_certificates(tmp_path, NOW)
    (new,) = own_certificates(tmp_path, old.not_after + timedelta(days=1))
    assert new.thumbprint != old.thumbprint


@pytest.mark.parametrize(
    ("days", "stage"), [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0.5, 7), (0, 0), (-5, 0)]
)
def test_an_end_is_said_ahead(tmp_path: Path, days: float, stage: int | None) -> None:
    (own,) = own_certificates(tmp_path, NOW)
    found = endings(tmp_path, own.not_after - timedelta(days=days))
    assert [each.stage for each in found] == ([] if stage is None else [stage])
    assert all(own.thumbprint in each.advice and "successor" in each.advice for each in found)
    assert list(not_yet_said(found)) == list(found)
    assert list(not_yet_said(found)) == []


def test_the_successor_is_named_and_needs_no_warning(tmp_path: Path) -> None:
    (old,) = own_certificates(tmp_path, NOW)
    later = old.not_after - timedelta(days=20)
    new, _ = own_certificates(tmp_path, later)
    (ending,) = endings(tmp_path, later)
    assert ending.thumbprint == old.thumbprint
    assert f"accept its successor {new.thumbprint}" in ending.advice
    assert "ends in 20 days" in ending.advice
    assert not endings(tmp_path, old.not_after)


def test_nothing_is_said_where_nothing_can_be_read(tmp_path: Path) -> None:
    assert not endings(tmp_path / "missing", NOW)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "certificate.der").write_bytes(b"rubbish")
    assert not endings(tmp_path, NOW)


def test_devices_that_start_together_share_one_pair(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(own_certificates, tmp_path, NOW) for _ in range(4)]
    made = [each.result()[0].thumbprint for each in running]
    assert len(set(made)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["own"]


def test_a_broken_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "certificate.der").write_bytes(b"rubbish")
    with pytest.raises(ConfigInvalid, match=r"certificates: .*own cannot be used"):
        own_certificates(tmp_path, NOW)[0]


@pytest.mark.parametrize("name", ["certificate.der", "private_key.pem"])
def test_a_pair_that_a_power_cut_left_empty_is_made_anew(tmp_path: Path, name: str) -> None:
    (torn,) = own_certificates(tmp_path, NOW)
    (tmp_path / "own" / name).write_bytes(b"")
    (new,) = own_certificates(tmp_path, NOW)
    assert new.thumbprint != torn.thumbprint
    assert own_certificates(tmp_path, NOW) == (new,)
    assert [entry.name for entry in tmp_path.iterdir()] == ["own"]


def test_a_servers_certificate_that_a_power_cut_left_empty_was_never_kept(tmp_path: Path) -> None:
    url, der = "opc.tcp://127.0.0.1:4840", b"certificate"
    keep_known(tmp_path, url, der)
    (kept,) = (tmp_path / "trusted").iterdir()
    kept.write_bytes(b"")
    check_known(tmp_path, url, der)
    keep_known(tmp_path, url, der)
    assert kept.read_bytes() == der
    with pytest.raises(DeviceUnreachable, match="seen first"):
        check_known(tmp_path, url, b"another")


def test_a_pinned_certificate_is_read_from_either_form(tmp_path: Path) -> None:
    der = own_certificates(tmp_path, NOW)[0].certificate_file.read_bytes()
    pem = tmp_path / "server.pem"
    pem.write_bytes(x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM))
    assert server_certificate_der(pem) == der == server_certificate_der(tmp_path / "own" / "certificate.der")
    with pytest.raises(ConfigInvalid, match="server_certificate"):
        server_certificate_der(tmp_path / "missing.der")


def test_only_the_pinned_server_passes(tmp_path: Path) -> None:
    der = own_certificates(tmp_path, NOW)[0].certificate_file.read_bytes()
    check_pinned(der, None)
    check_pinned(der, thumbprint(der))
    with pytest.raises(DeviceUnreachable, match=thumbprint(der)):
        check_pinned(der, "0" * 40)


def test_a_chain_is_cut_to_the_servers_own(tmp_path: Path) -> None:
    der = own_certificates(tmp_path, NOW)[0].certificate_file.read_bytes()
    assert first_of_chain(der + b"issuer") == der
    assert first_of_chain(der) == der
    assert first_of_chain(b"") == b""
