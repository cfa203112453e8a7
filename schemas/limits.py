"""The limits that are part of wire protocol v1; the decoder enforces them before it allocates."""

MAX_WIRE_BYTES = 256 * 1024
"""One batch as it is published, header included."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""The body of one batch after decompression."""

MAX_SAMPLES = 20_000
MAX_TEXT_BYTES = 64 * 1024
"""One string or JSON value in UTF-8."""

MAX_TAGS = 65_536
"""Tags that one batch may name, inline or in its gaps."""

MAX_COLUMNS = 1_000
MAX_DEVICES = 1_000
"""Devices in `until`."""

MAX_GAPS = 1_000
MAX_SEQ = 2**63 - 2
"""The ledger keeps numbers in an int8multirange, whose upper bound is exclusive."""
