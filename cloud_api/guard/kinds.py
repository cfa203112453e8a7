"""Kinds of security events, how much each matters, and what people are told (pure)."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from schemas.sample import path_problem

ROOT = "millstream/security"
OTHERS = "others"
LONGEST_SUBJECT = 80
_NAMESPACE = UUID("6f6d1c3e-5f0b-4d4b-9a55-2d5f4a1c7b60")


class EventKind(StrEnum):
    """What can be seen. The value is a level of the alarm's path and a label of the metric."""

    LOGINS_OF_NAME = "logins_of_name"
    LOGINS_FROM_ADDRESS = "logins_from_address"
    KEY_ADDRESS = "key_address"
    SCAN = "scan"
    AGENT_TOPIC = "agent_topic"
    AGENT_SERIES = "agent_series"
    AGENT_DOUBLED = "agent_doubled"
    AGENT_CLOCK = "agent_clock"
    AGENT_TAGS = "agent_tags"
    AGENT_TRAFFIC = "agent_traffic"


@dataclass(frozen=True, slots=True)
class Telling:
    """How a kind is told: priority of the alarm, its name, and its messages with {subject} and {detail}."""

    priority: str
    name: str
    message_en: str
    message_zh: str


TELLINGS = {
    EventKind.LOGINS_OF_NAME: Telling(
        "high",
        "Refused log-ins of one name",
        "{subject}: many refused log-ins, {detail}",
        "{subject}：多次登录被拒绝，{detail}",
    ),
    EventKind.LOGINS_FROM_ADDRESS: Telling(
        "high",
        "Refused log-ins from one address",
        "Many refused log-ins from {subject}, {detail}",
        "来自 {subject} 的登录多次被拒绝，{detail}",
    ),
    EventKind.KEY_ADDRESS: Telling(
        "medium",
        "API key from a new address",
        "The API key {subject} is used from a new address, {detail}",
        "API 密钥 {subject} 从新的地址使用，{detail}",
    ),
    EventKind.SCAN: Telling(
        "high",
        "Scan-like access",
        "{subject} asks for many things that are refused or not there, {detail}",
        "{subject} 大量访问被拒绝或不存在的内容，{detail}",
    ),
    EventKind.AGENT_TOPIC: Telling(
        "critical",
        "Agent on a foreign topic",
        "On the topic of agent {subject} come batches of another one, {detail}",
        "代理 {subject} 的主题上出现其他代理的数据，{detail}",
    ),
    EventKind.AGENT_SERIES: Telling(
        "high",
        "Agent writes foreign series",
        "Agent {subject} sends samples of series that belong to another, {detail}",
        "代理 {subject} 发送属于其他代理的序列，{detail}",
    ),
    EventKind.AGENT_DOUBLED: Telling(
        "critical",
        "Two agents with one identity",
        "Two processes send as agent {subject} at the same time, {detail}",
        "有两个进程同时以代理 {subject} 的身份发送，{detail}",
    ),
    EventKind.AGENT_CLOCK: Telling(
        "medium",
        "Agent's clock jumps",
        "The clock of agent {subject} jumps, {detail}",
        "代理 {subject} 的时钟跳变，{detail}",
    ),
    EventKind.AGENT_TAGS: Telling(
        "medium",
        "Agent's tags change suddenly",
        "The number of tags of agent {subject} changes suddenly, {detail}",
        "代理 {subject} 的标签数量突变，{detail}",
    ),
    EventKind.AGENT_TRAFFIC: Telling(
        "medium",
        "Agent's traffic changes suddenly",
        "The traffic of agent {subject} changes suddenly, {detail}",
        "代理 {subject} 的数据量突变，{detail}",
    ),
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that was seen, about whom, and what shows it: one short line of figures and names."""

    kind: EventKind
    subject: str
    detail: str


def place_of(kind: str, subject: str) -> str:
    """The path at which an event's alarm stands, whatever the subject is called."""
    level = "".join("_" if character in "/*?#+" or not character.isprintable() else character for character in subject)
    path = f"{ROOT}/{kind}/{level.strip()[:LONGEST_SUBJECT] or '_'}"
    return path if path_problem(path) is None else f"{ROOT}/{kind}/_"


def definition_of(kind: str) -> UUID:
    """The fixed id under which alarms of a kind stand; there is no definition that anybody could edit."""
    return uuid5(_NAMESPACE, kind)
