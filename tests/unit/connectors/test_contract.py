"""Durations carry their unit; errors have a default message; configuration models refuse what they do not know."""

import pytest
from pydantic import ValidationError

from connectors.errors import ConnectorError, DeviceUnreachable, PointRejected, ReadTimeout
from connectors.tables import ConnectorConfig, Duration, PointConfig


class Timed(ConnectorConfig):
    period: Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("1s", 1.0), ("0.5 s", 0.5), ("5min", 300.0), (" 2h ", 7200.0)]
)
def test_reads_a_duration(text: str, seconds: float):
    assert Timed.model_validate({"period": text}).period == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", 1, 1.5, "-1s", "1 day", "s", None, True, "1s2"])
def test_refuses_a_duration_without_a_known_unit(text: object):
    with pytest.raises(ValidationError, match="is not a duration; allowed"):
        Timed.model_validate({"period": text})


@pytest.mark.parametrize("model", [ConnectorConfig, PointConfig])
def test_refuses_unknown_keys(model: type[ConnectorConfig]):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        model.model_validate({"colour": "blue"})


def test_errors_say_something_without_being_told():
    assert str(DeviceUnreachable()) == DeviceUnreachable.__doc__
    assert str(DeviceUnreachable("port closed")) == "port closed"


def test_a_time_out_is_an_unreachable_device_and_all_are_connector_errors():
    assert issubclass(ReadTimeout, DeviceUnreachable)
    rejected = PointRejected(3, 0x80340000)
    assert isinstance(rejected, ConnectorError)
    assert (rejected.point, rejected.status) == (3, 0x80340000)
