"""OPC UA StatusCodes (Part 4, 7.39): the codes Millstream itself gives, their names and their quality class."""

from enum import StrEnum

GOOD = 0x00000000
GOOD_OVERLOAD = 0x002F0000
GOOD_CLAMPED = 0x00300000
GOOD_LOCAL_OVERRIDE = 0x00960000

UNCERTAIN = 0x40000000
UNCERTAIN_NO_COMMUNICATION_LAST_USABLE_VALUE = 0x408F0000
UNCERTAIN_LAST_USABLE_VALUE = 0x40900000
UNCERTAIN_SUBSTITUTE_VALUE = 0x40910000
UNCERTAIN_INITIAL_VALUE = 0x40920000
UNCERTAIN_SENSOR_NOT_ACCURATE = 0x40930000
UNCERTAIN_ENGINEERING_UNITS_EXCEEDED = 0x40940000
UNCERTAIN_SUB_NORMAL = 0x40950000

BAD = 0x80000000
BAD_UNEXPECTED_ERROR = 0x80010000
BAD_INTERNAL_ERROR = 0x80020000
BAD_RESOURCE_UNAVAILABLE = 0x80040000
BAD_COMMUNICATION_ERROR = 0x80050000
BAD_DECODING_ERROR = 0x80070000
BAD_TIMEOUT = 0x800A0000
BAD_SHUTDOWN = 0x800C0000
BAD_USER_ACCESS_DENIED = 0x801F0000
BAD_NO_COMMUNICATION = 0x80310000
BAD_WAITING_FOR_INITIAL_DATA = 0x80320000
BAD_NODE_ID_INVALID = 0x80330000
BAD_NODE_ID_UNKNOWN = 0x80340000
BAD_NOT_READABLE = 0x803A0000
BAD_NOT_WRITABLE = 0x803B0000
BAD_OUT_OF_RANGE = 0x803C0000
BAD_NOT_SUPPORTED = 0x803D0000
BAD_TYPE_MISMATCH = 0x80740000
BAD_CONFIGURATION_ERROR = 0x80890000
BAD_NOT_CONNECTED = 0x808A0000
BAD_DEVICE_FAILURE = 0x808B0000
BAD_SENSOR_FAILURE = 0x808C0000
BAD_OUT_OF_SERVICE = 0x808D0000
BAD_NO_DATA = 0x809B0000
BAD_INVALID_ARGUMENT = 0x80AB0000

INFO_OVERFLOW = 0x00000480
"""InfoType DataValue with the Overflow bit: the server's queue dropped samples before this one."""

MAX_STATUS = 0xFFFFFFFF
_CODE_MASK = 0xFFFF0000
_NAMES = {
    code: "".join(word.capitalize() for word in constant.split("_"))
    for constant, code in list(globals().items())
    if isinstance(code, int) and constant.split("_")[0] in {"GOOD", "UNCERTAIN", "BAD"}
}


class Quality(StrEnum):
    """The class of a status: its two highest bits."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


_QUALITIES = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)


def quality(status: int) -> Quality:
    """Return the quality class; the reserved class 11 counts as bad."""
    return _QUALITIES[status >> 30]


def is_bad(status: int) -> bool:
    """Tell whether the value behind this status must not be used."""
    return status >= BAD


def has_overflow(status: int) -> bool:
    """Tell whether a queue dropped samples before this one."""
    return status & INFO_OVERFLOW == INFO_OVERFLOW


def name(status: int) -> str:
    """Return the OPC UA name of the code, or its class with the hexadecimal code where we have no name for it."""
    known = _NAMES.get(status & _CODE_MASK)
    return known or f"{quality(status).capitalize()}(0x{status & _CODE_MASK:08X})"


def worst(first: int, second: int) -> int:
    """Return the status of the worse class; the first one where both are equally bad."""
    return second if min(second >> 30, 2) > min(first >> 30, 2) else first
