"""How often something happened lately, by key, in bounded memory (pure)."""

from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field

KEYS_MAX = 10_000


@dataclass(slots=True)
class Recent:
    """Counts by key within a window; remembers `limit` times a key at most, and forgets the key that rested longest."""

    window_s: float
    limit: int
    keys_max: int = KEYS_MAX
    _times: OrderedDict[Hashable, deque[tuple[float, Hashable]]] = field(
        default_factory=OrderedDict[Hashable, deque[tuple[float, Hashable]]]
    )

    def add(self, key: Hashable, now_s: float, what: Hashable = None) -> tuple[int, int]:
        """Count once more; how often within the window (up to `limit`), and how many different `what` there were."""
        times = self._times.pop(key, None)
        if times is None:
            times = deque[tuple[float, Hashable]](maxlen=self.limit)
            if len(self._times) >= self.keys_max:
                self._times.popitem(last=False)
        self._times[key] = times
        times.append((now_s, what))
        while times[0][0] < now_s - self.window_s:
            times.popleft()
        return len(times), len({each for _, each in times})
