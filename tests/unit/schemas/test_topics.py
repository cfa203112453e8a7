"""Topics are built and read in one place, and the two agree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import DEFAULT_ROOT, Channel, Topic, Topics
from tests.unit.schemas.strategies import NAMES

TOPICS = Topics()
BUILDERS = {
    Channel.BATCH: TOPICS.batch,
    Channel.BACKLOG: TOPICS.backlog,
    Channel.ACK: TOPICS.ack,
    Channel.STATUS: TOPICS.status,
    Channel.HEALTH: TOPICS.health,
    Channel.CONFIG: TOPICS.config,
    Channel.CONFIG_REPORT: TOPICS.config_report,
    Channel.COMMAND: TOPICS.command,
    Channel.COMMAND_RESULT: TOPICS.command_result,
}


def test_every_channel_has_a_builder() -> None:
    assert set(BUILDERS) | {Channel.CATALOG} == set(Channel)


@given(NAMES, st.sampled_from(list(BUILDERS)))
def test_what_is_built_is_read_back(agent: str, channel: Channel) -> None:
    topic = BUILDERS[channel](agent)
    assert TOPICS.parse(topic) == Topic(agent, channel)
    assert topic == TOPICS.filter(channel, agent) == f"{DEFAULT_ROOT}/{agent}/{channel}"


@given(NAMES, NAMES, st.integers(0, 999))
def test_catalog_topics_name_device_and_part(agent: str, device: str, part: int) -> None:
    topic = TOPICS.catalog(agent, device, part)
    assert TOPICS.parse(topic) == Topic(agent, Channel.CATALOG, (device, str(part)))


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (Channel.BATCH, "millstream/v1/+/batch"),
        (Channel.CATALOG, "millstream/v1/+/catalog/+/+"),
        (Channel.COMMAND_RESULT, "millstream/v1/+/command/result"),
    ],
)
def test_filters_take_every_agent(channel: Channel, expected: str) -> None:
    assert TOPICS.filter(channel) == expected


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "millstream/v1",
        "millstream/v1/",
        "millstream/v1/a",
        "millstream/v1/a/",
        "millstream/v1//batch",
        "millstream/v1/a b/batch",
        "millstream/v2/a/batch",
        "x/millstream/v1/a/batch",
        "millstream/v1/a/batch/more",
        "millstream/v1/a/config/reports",
        "millstream/v1/a/catalog",
        "millstream/v1/a/catalog/d",
        "millstream/v1/a/catalog/d/x",
        "millstream/v1/a/catalog/d/²",
        "millstream/v1/a/catalog/d/1/2",
    ],
)
def test_foreign_topics_are_none_of_ours(topic: str) -> None:
    assert TOPICS.parse(topic) is None


def test_root_is_configurable() -> None:
    topics = Topics("plant/hangzhou/ms")
    assert topics.batch("a") == "plant/hangzhou/ms/a/batch"
    assert topics.parse("plant/hangzhou/ms/a/ack") == Topic("a", Channel.ACK)


@pytest.mark.parametrize("root", ["", "/a", "a/", "a//b", "a/+", "#", "$share/a", "a\x00b"])
def test_bad_roots_are_refused(root: str) -> None:
    with pytest.raises(ValueError, match="topic root"):
        Topics(root)


def test_bad_names_are_refused() -> None:
    with pytest.raises(ValueError, match="agent"):
        TOPICS.batch("a/b")
    with pytest.raises(ValueError, match="device"):
        TOPICS.catalog("a", "+", 0)
    with pytest.raises(ValueError, match="agent"):
        TOPICS.filter(Channel.ACK, "#")
