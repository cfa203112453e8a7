"""The second factor: time-based one-time passwords (RFC 6238) and recovery codes (pure: the instant is an argument)."""

import hashlib
import hmac
import re
from collections.abc import Callable

from pyotp import random_base32
from pyotp.totp import TOTP

STEP_S = 30
# RFC 6238 section 5.2: one step either way for clocks that differ and for typing.
STEPS_AROUND = 1
RECOVERY_CODES = 10
_RECOVERY_BYTES = 8
_CODE = re.compile(r"\d{6}", re.ASCII)


def new_secret() -> str:
    """Make the secret that the service and the telephone share, in Base32."""
    return random_base32()


def setup_uri(secret: str, name: str) -> str:
    """What an authenticator reads as a QR code."""
    return TOTP(secret).provisioning_uri(name=name, issuer_name="Millstream")


def matching_step(secret: str, code: str, now_s: float) -> int | None:
    """Find the time step that a code belongs to, None when it is none of now; a step must be used only once."""
    text = code.replace(" ", "")
    if not _CODE.fullmatch(text):
        return None
    now_step = int(now_s // STEP_S)
    found = None
    for step in range(max(0, now_step - STEPS_AROUND), now_step + STEPS_AROUND + 1):
        if hmac.compare_digest(TOTP(secret).generate_otp(step), text):
            found = step
    return found


def new_recovery_codes(random: Callable[[int], bytes]) -> list[str]:
    """Make codes for the day when the telephone is lost, each for one use."""
    texts = (random(_RECOVERY_BYTES).hex() for _ in range(RECOVERY_CODES))
    return [f"{text[:8]}-{text[8:]}" for text in texts]


def recovery_hash(code: str) -> bytes:
    """Hash a recovery code. It has 64 random bits and a lock on guessing, so a slow hash would add nothing."""
    return hashlib.sha256(code.strip().lower().encode()).digest()
