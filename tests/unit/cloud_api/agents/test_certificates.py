"""How certificates of agents stand, by the day."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud_api.agents.certificates import Standing, certificates_told, standing_of
from schemas.agent_status import CertificateHealth

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "standing"),
    [
        (3650, Standing.VALID),
        (30.001, Standing.VALID),
        (30, Standing.SOON),
        (7.001, Standing.SOON),
        (7, Standing.URGENT),
        (0.001, Standing.URGENT),
        (0, Standing.ENDED),
        (-1, Standing.ENDED),
    ],
)
def test_standing_by_the_days_left(days: float, standing: Standing):
    assert standing_of(NOW + timedelta(days=days), NOW) is standing


def test_what_is_to_be_seen_to_first_comes_first_and_days_are_whole_ones():
    said = (
        CertificateHealth("mqtt_ca", NOW + timedelta(days=99.9)),
        CertificateHealth("opcua_client", NOW - timedelta(hours=1), ("cell-1",)),
        CertificateHealth("mqtt_client", NOW + timedelta(days=6.9)),
        CertificateHealth("modbus_ca", None, ("press",), "cannot be read: No such file or directory"),
    )
    told = certificates_told(said, NOW)
    assert [(each["use"], each["standing"], each["days"]) for each in told] == [
        ("opcua_client", "ended", -1),
        ("modbus_ca", "unreadable", None),
        ("mqtt_client", "urgent", 6),
        ("mqtt_ca", "valid", 99),
    ]
