"""The only place where an MQTT topic is built or read."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.sample import name_problem

DEFAULT_ROOT = "millstream/v1"


class Channel(StrEnum):
    """What stands behind the agent in a topic."""

    BATCH = "batch"
    BACKLOG = "backlog"
    ACK = "ack"
    CATALOG = "catalog"
    STATUS = "status"
    HEALTH = "health"
    CONFIG = "config"
    CONFIG_REPORT = "config/report"
    COMMAND = "command"
    COMMAND_RESULT = "command/result"


_BY_LEVELS = {tuple(channel.split("/")): channel for channel in Channel if channel is not Channel.CATALOG}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart; `rest` is (device, part) of a catalog and empty otherwise."""

    agent: str
    channel: Channel
    rest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below one root."""

    root: str = DEFAULT_ROOT

    def __post_init__(self) -> None:
        problem = root_problem(self.root)
        if problem:
            raise ValueError(f"topic root {self.root!r} {problem}")

    def batch(self, agent: str) -> str:
        """Return where live batches go, in order."""
        return self._topic(agent, Channel.BATCH)

    def backlog(self, agent: str) -> str:
        """Return where batches go that live ones have overtaken."""
        return self._topic(agent, Channel.BACKLOG)

    def ack(self, agent: str) -> str:
        """Return where the cloud says what it has committed."""
        return self._topic(agent, Channel.ACK)

    def status(self, agent: str) -> str:
        """Return where online and offline are retained."""
        return self._topic(agent, Channel.STATUS)

    def health(self, agent: str) -> str:
        """Return where the health message goes."""
        return self._topic(agent, Channel.HEALTH)

    def catalog(self, agent: str, device: str, part: int) -> str:
        """Return where one part of a device's catalog is retained."""
        _check_name("device", device)
        return f"{self._topic(agent, Channel.CATALOG)}/{device}/{part}"

    def config(self, agent: str) -> str:
        """Return where the desired configuration stands."""
        return self._topic(agent, Channel.CONFIG)

    def config_report(self, agent: str) -> str:
        """Return where the agent says what became of a configuration."""
        return self._topic(agent, Channel.CONFIG_REPORT)

    def command(self, agent: str) -> str:
        """Return where write requests go."""
        return self._topic(agent, Channel.COMMAND)

    def command_result(self, agent: str) -> str:
        """Return where the outcome of a write request goes."""
        return self._topic(agent, Channel.COMMAND_RESULT)

    def filter(self, channel: Channel, agent: str = "+") -> str:
        """Return the subscription filter for one channel, of one agent or of all."""
        if agent != "+":
            _check_name("agent", agent)
        below = "/+/+" if channel is Channel.CATALOG else ""
        return f"{self.root}/{agent}/{channel}{below}"

    def parse(self, topic: str) -> Topic | None:
        """Take a topic apart; None if it is not one of ours."""
        prefix = f"{self.root}/"
        if not topic.startswith(prefix):
            return None
        agent, *levels = topic[len(prefix) :].split("/")
        if name_problem(agent):
            return None
        if levels[:1] == [Channel.CATALOG]:
            return _catalog_topic(agent, levels[1:])
        channel = _BY_LEVELS.get(tuple(levels))
        return None if channel is None else Topic(agent, channel)

    def _topic(self, agent: str, channel: Channel) -> str:
        _check_name("agent", agent)
        return f"{self.root}/{agent}/{channel}"


def root_problem(root: str) -> str | None:
    """Return what is wrong with a topic root, or None."""
    if not root or root.startswith("$") or any(not level for level in root.split("/")):
        return "must be one or more non-empty levels that do not start with $"
    if any(character in "+#" or not character.isprintable() for character in root):
        return "must not contain + # or control characters"
    return None


def _check_name(what: str, name: str) -> None:
    problem = name_problem(name)
    if problem:
        raise ValueError(f"{what} {name!r} {problem}")


def _catalog_topic(agent: str, rest: list[str]) -> Topic | None:
    if len(rest) != 2 or name_problem(rest[0]) or not (rest[1].isascii() and rest[1].isdigit()):
        return None
    return Topic(agent, Channel.CATALOG, tuple(rest))
