"""What outlives a session: the subscriptions that the server still holds for us, in memory and in a small file."""

import hashlib
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

from connectors.opcua.config import OpcuaConfig, Resume
from connectors.opcua.monitored_items import Subscription

logger = logging.getLogger(__name__)

_KEPT = ("id", "first", "count", "publishing_s", "keep_alive_s", "sampling_us")


class Resumption:
    """Remembers subscriptions from one session to the next, and from one run of the agent to the next.

    The file says nothing of sequence numbers: after a restart every message that the server still holds is asked for.
    """

    def __init__(self, config: OpcuaConfig, addresses: Sequence[str]) -> None:
        shown = config.model_dump_json(
            include={"url", "sampling", "publishing", "queue", "keep_alive", "discard", "trigger"}
        )
        self._identity = hashlib.sha256("\n".join([shown, *addresses]).encode()).hexdigest()
        name = hashlib.sha256(config.url.encode()).hexdigest()[:16]
        self._file = config.certificates / f"subscriptions-{name}.json"
        self._is_wanted = config.resume is Resume.SUBSCRIPTION
        self._kept: list[Subscription] | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the server is to hold subscriptions for us when the session ends."""
        return _are_complete(self._kept or ())

    def recall(self) -> Sequence[Subscription]:
        """The subscriptions of the session before; of the run before where this is the first session."""
        if not self._is_wanted:
            return ()
        if self._kept is None:
            self._kept = self._load()
        return self._kept if _are_complete(self._kept) else ()

    def keep(self, subscriptions: Sequence[Subscription]) -> None:
        """These are now at the server."""
        if not self._is_wanted:
            return
        self._kept = list(subscriptions)
        if not _are_complete(self._kept):
            return  # without all of its items it is worth nothing to the next session
        rows = [{name: value for name, value in asdict(each).items() if name in _KEPT} for each in self._kept]
        self._save({"identity": self._identity, "subscriptions": rows})

    def forget(self) -> None:
        """Nothing of ours is at the server any more."""
        self._kept = []
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _load(self) -> list[Subscription]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            if found["identity"] != self._identity:
                return []
            return [Subscription(heard=0.0, is_complete=True, **row) for row in found["subscriptions"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            logger.warning("%s cannot be read and is not used: %s", self._file, error)
            return []

    def _save(self, content: object) -> None:
        """Only beside certificates that are there: no directory is made for the sake of this file."""
        if not self._file.parent.is_dir():
            return
        fresh = self._file.with_suffix(".new")
        try:
            fresh.write_text(json.dumps(content), encoding="utf-8")
            fresh.replace(self._file)
        except OSError as error:
            logger.warning("%s cannot be written: a restart will not resume subscriptions: %s", self._file, error)


def _are_complete(subscriptions: Sequence[Subscription]) -> bool:
    return bool(subscriptions) and all(each.is_complete for each in subscriptions)
