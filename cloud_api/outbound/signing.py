"""Signatures of webhooks, as Standard Webhooks defines them: HMAC-SHA256 over id, timestamp and body (pure)."""

import base64
import binascii
import hashlib
import hmac

MIN_SECRET_BYTES = 24
_PREFIX = "whsec_"


def read_secret(text: str) -> bytes:
    """Read a secret: whsec_ and base64, or any text as it is; ValueError when it is too short to be one."""
    if text.startswith(_PREFIX):
        try:
            secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError("is not base64 after whsec_") from error
    else:
        secret = text.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(f"is shorter than {MIN_SECRET_BYTES} bytes")
    return secret


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Make the headers that prove a body: its id, when it was signed (Unix seconds), and the signature."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    digest = hmac.new(read_secret(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
