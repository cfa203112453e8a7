"""PUBACKs strictly in the order of arrival, whatever order batches are done in (pure)."""

from collections import deque


class PubackOrder:
    """Message ids of one session, released in the order in which they came: brokers drop clients that mix them up."""

    def __init__(self) -> None:
        self._waiting: deque[list[int | bool]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def arrive(self, message_id: int) -> "Ticket":
        """Note a message; its ticket is handed in when it is done with."""
        entry: list[int | bool] = [message_id, False]
        self._waiting.append(entry)
        return Ticket(self, entry)

    def hand_in(self, entry: list[int | bool]) -> list[int]:
        """Mark one message done; the ids that may be acknowledged now, in order."""
        entry[1] = True
        released: list[int] = []
        while self._waiting and self._waiting[0][1]:
            released.append(int(self._waiting.popleft()[0]))
        return released


class Ticket:
    """One message that waits for its PUBACK."""

    __slots__ = ("_entry", "_order")

    def __init__(self, order: PubackOrder, entry: list[int | bool]) -> None:
        self._order = order
        self._entry = entry

    def done(self) -> list[int]:
        """The message is done with; the ids that may be acknowledged now, in order."""
        return self._order.hand_in(self._entry)
