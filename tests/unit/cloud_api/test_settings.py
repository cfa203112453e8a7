"""Settings: all problems at once, secrets from files, nothing guessed."""

from datetime import timedelta
from pathlib import Path

import pytest

from cloud_api.environment import SettingsInvalid
from cloud_api.settings import CloudSettings, Role, read_database_url, read_settings

BOTH = frozenset(Role)
GOOD = {
    "MILLSTREAM_DATABASE_URL": "postgresql://millstream@db/plant",
    "MILLSTREAM_MQTT_URL": "mqtt://cloud:p%40ss@broker:1884",
}


def read(extra: dict[str, str] | None = None, roles: frozenset[Role] = BOTH) -> CloudSettings:
    return read_settings(GOOD | (extra or {}), roles)


def problems(extra: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsInvalid) as caught:
        read(extra)
    return {problem.name: str(problem) for problem in caught.value.problems}


def test_defaults_listen_on_loopback():
    settings = read()
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)


def test_broker_url_is_taken_apart():
    mqtt = read().mqtt
    assert mqtt is not None
    assert (mqtt.host, mqtt.port, mqtt.is_tls, mqtt.username, mqtt.password) == (
        "broker",
        1884,
        False,
        "cloud",
        "p@ss",
    )


def test_tls_has_its_own_port():
    mqtt = read({"MILLSTREAM_MQTT_URL": "mqtts://broker"}).mqtt
    assert mqtt is not None
    assert (mqtt.port, mqtt.is_tls) == (8883, True)


def test_api_alone_needs_no_broker():
    settings = read_settings({"MILLSTREAM_DATABASE_URL": GOOD["MILLSTREAM_DATABASE_URL"]}, frozenset({Role.API}))
    assert settings.mqtt is None


def test_all_problems_are_told_at_once_with_value_and_allowed():
    with pytest.raises(SettingsInvalid) as caught:
        read_settings({"MILLSTREAM_HTTP_PORT": "70000", "MILLSTREAM_QUERY_TIMEOUT_S": "nan"}, BOTH)
    text = str(caught.value)
    assert [problem.name for problem in caught.value.problems] == [
        "MILLSTREAM_DATABASE_URL",
        "MILLSTREAM_MQTT_URL",
        "MILLSTREAM_HTTP_PORT",
        "MILLSTREAM_QUERY_TIMEOUT_S",
    ]
    assert "'70000'" in text
    assert "0 to 65535" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MILLSTREAM_DATABASE_URL", "mysql://user:secret@db/plant"),
        ("MILLSTREAM_MQTT_URL", "http://user:secret@broker"),
        ("MILLSTREAM_MQTT_URL", "mqtt://user:secret@broker:99999"),
        ("MILLSTREAM_MQTT_URL", "mqtt://user:secret@broker/path"),
    ],
)
def test_a_refused_url_shows_no_password(name: str, value: str):
    told = problems({name: value})
    assert name in told
    assert "secret" not in told[name]


@pytest.mark.parametrize("root", ["a/#", "+/v1", "/a", "a/", "$SYS/a"])
def test_topic_root_has_no_wildcards(root: str):
    assert "MILLSTREAM_TOPIC_ROOT" in problems({"MILLSTREAM_TOPIC_ROOT": root})


def test_password_comes_from_a_file(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    mqtt = read({"MILLSTREAM_MQTT_URL": "mqtt://cloud@broker", "MILLSTREAM_MQTT_PASSWORD_FILE": str(file)}).mqtt
    assert mqtt is not None
    assert mqtt.password == "s3cret"


def test_two_passwords_are_refused(tmp_path: Path):
    file = tmp_path / "password"
    file.write_text("s3cret")
    assert "MILLSTREAM_MQTT_PASSWORD_FILE" in problems({"MILLSTREAM_MQTT_PASSWORD_FILE": str(file)})


def test_certificates_need_tls_and_each_other(tmp_path: Path):
    file = tmp_path / "client.crt"
    file.write_text("x")
    told = problems(
        {
            "MILLSTREAM_MQTT_URL": "mqtts://broker",
            "MILLSTREAM_MQTT_CERT_FILE": str(file),
            "MILLSTREAM_MQTT_CA_FILE": str(tmp_path / "none"),
        }
    )
    assert "certificate and key together" in told["MILLSTREAM_MQTT_CERT_FILE"]
    assert "is not a file" in told["MILLSTREAM_MQTT_CA_FILE"]
    assert "has no use without TLS" in problems({"MILLSTREAM_MQTT_CA_FILE": str(file)})["MILLSTREAM_MQTT_CA_FILE"]


def test_one_setting_is_enough_to_migrate():
    assert read_database_url(GOOD) == GOOD["MILLSTREAM_DATABASE_URL"]
    with pytest.raises(SettingsInvalid):
        read_database_url({})


def test_retention_is_chosen_in_days_weeks_and_years():
    environ = {"MILLSTREAM_DATABASE_URL": "postgresql://x@y/z", "MILLSTREAM_RETENTION_RAW": "2w"}
    retention = read_settings(environ, frozenset({Role.ROLLUPS})).retention
    assert (retention.raw, retention.rollup_1m, retention.rollup_15m) == (timedelta(14), timedelta(730), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("RAW", "1d"), ("RAW", "90"), ("RAW", "forever"), ("1M", "10d"), ("15M", "1y"), ("15M", "soon")],
)
def test_a_retention_that_makes_no_sense_is_refused(name: str, value: str):
    environ = {"MILLSTREAM_DATABASE_URL": "postgresql://x@y/z", f"MILLSTREAM_RETENTION_{name}": value}
    with pytest.raises(SettingsInvalid, match="MILLSTREAM_RETENTION_"):
        read_settings(environ, frozenset({Role.ROLLUPS}))


def test_an_audit_is_kept_for_six_months_at_least():
    assert read().retention.audit == timedelta(days=730)
    assert read({"MILLSTREAM_RETENTION_AUDIT": "180d"}).retention.audit == timedelta(days=180)
    assert read({"MILLSTREAM_RETENTION_AUDIT": "forever"}).retention.audit is None
    assert "six months" in problems({"MILLSTREAM_RETENTION_AUDIT": "179d"})["MILLSTREAM_RETENTION_AUDIT"]


def test_where_the_audit_is_sent(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("a secret that is long enough\n", encoding="utf-8")
    audit = read(
        {
            "MILLSTREAM_AUDIT_SYSLOG_URL": "tls://siem.plant.example",
            "MILLSTREAM_AUDIT_WEBHOOK_URL": "https://siem.plant.example/audit",
            "MILLSTREAM_AUDIT_WEBHOOK_SECRET_FILE": str(secret),
        }
    ).audit
    assert audit.syslog is not None
    assert (audit.syslog.way, audit.syslog.host, audit.syslog.port) == ("tls", "siem.plant.example", 6514)
    assert audit.webhook is not None
    assert audit.webhook.secret == "a secret that is long enough"
    secret.write_text("short", encoding="utf-8")
    wrong = {
        "MILLSTREAM_AUDIT_SYSLOG_URL": "http://siem",
        "MILLSTREAM_AUDIT_WEBHOOK_URL": "https://user:hunter22hunter22@siem.plant.example",
        "MILLSTREAM_AUDIT_WEBHOOK_SECRET_FILE": str(secret),
        "MILLSTREAM_AUDIT_ANCHOR_FILE": "/no/such/directory/anchors",
    }
    found = problems(wrong)
    assert set(found) == set(wrong)
    assert "hunter22" not in str(found)
