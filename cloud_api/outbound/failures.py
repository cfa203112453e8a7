"""Why a message did not leave: try again later, or never."""


class SendFailed(Exception):
    """The message could not be sent now; the same message may succeed later."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class SendRefused(Exception):
    """The message must not or can never be sent as the channel is configured."""
