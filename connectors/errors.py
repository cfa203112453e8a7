"""What can go wrong with a device, told apart by what the caller can do about it."""


class ConnectorError(Exception):
    """Something between us and the device went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class ConfigInvalid(ConnectorError):
    """The configuration can never work: say so at start and stop."""


class DeviceUnreachable(ConnectorError):
    """The device does not answer: close, back off, open again."""


class ReadTimeout(DeviceUnreachable):
    """The device kept the connection but did not answer in time."""


class PointRejected(ConnectorError):
    """The device refuses this one point; everything else goes on."""

    def __init__(self, point: int, status: int, message: str | None = None) -> None:
        super().__init__(message)
        self.point = point
        self.status = status
