"""What can be wrong with a batch or a message, seen from the receiver and from the sender."""

from schemas.header import Header


class WireError(Exception):
    """Something on the wire is not as the protocol says."""


class HeaderInvalid(WireError):
    """No readable batch header: nobody can be answered."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BodyInvalid(WireError):
    """The header is good and the body is not: the batch is kept as a reject and acknowledged as rejected."""

    def __init__(self, reason: str, header: Header, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.header = header
        self.detail = detail


class VersionUnknown(WireError):
    """A later protocol: the batch is answered with hold, so that its agent keeps it."""

    def __init__(self, header: Header, detail: str) -> None:
        super().__init__(detail)
        self.header = header
        self.detail = detail


class BatchInvalid(WireError, ValueError):
    """A sender offered a batch that the protocol has no form for."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        shown = repr(value)
        if len(shown) > 80:
            shown = shown[:77] + "..."
        super().__init__(f"{field}: {shown} is not allowed; {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


class BatchTooLarge(WireError, ValueError):
    """A sender offered a batch above a limit; it must be split first."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(f"{what}: {size} is above the limit of {limit}")
        self.what = what
        self.size = size
        self.limit = limit


class MessageInvalid(WireError, ValueError):
    """A JSON message (acknowledgement, status, health, catalog) that cannot be read."""
