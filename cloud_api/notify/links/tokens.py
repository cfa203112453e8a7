"""Tokens of links: a notification's id and a proof of it, so that a link is the same in every copy (pure)."""

import base64
import binascii
import hashlib
import hmac
from uuid import UUID

PATH = "/acknowledge/"
_PROOF_BYTES = 16


def make_token(key: bytes, notification_id: UUID) -> str:
    """Make the token of a notification's link."""
    return base64.urlsafe_b64encode(notification_id.bytes + _proof(key, notification_id)).decode().rstrip("=")


def read_token(key: bytes, token: str) -> UUID | None:
    """Read whose link it is; None when the token is not one of ours."""
    if len(token) != 43:
        return None
    try:
        raw = base64.b64decode(token + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    notification_id = UUID(bytes=raw[:16])
    return notification_id if hmac.compare_digest(raw[16:], _proof(key, notification_id)) else None


def _proof(key: bytes, notification_id: UUID) -> bytes:
    return hmac.new(key, b"acknowledge:" + notification_id.bytes, hashlib.sha256).digest()[:_PROOF_BYTES]
