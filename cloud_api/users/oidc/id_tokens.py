"""ID tokens: the signature by the provider's keys, and each claim as OpenID Connect Core 3.1.3.7 asks (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey
from joserfc.jwk import KeySet as Keys

# Asymmetric ones alone: no `none`, and nothing that could take a public key for a shared secret.
ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519"),
)
SUBJECT_CHARACTERS = 255
_ESSENTIAL = ("iss", "sub", "aud", "exp", "iat")


class TokenRefused(Exception):
    """An ID token proves nothing; the text says why, for the audit."""


class KeyUnknown(TokenRefused):
    """The token names a key that is not among those known: they may have been changed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Who must have issued a token, for whom, and in answer to what; clocks may differ by `leeway_s`."""

    issuer: str
    client_id: str
    nonce: str
    leeway_s: int


def read_keys(document: Mapping[str, Any]) -> Keys:
    """Read a provider's keys; TokenRefused when there is none to use."""
    found = document.get("keys")
    usable = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
    keys: list[Key] = []
    for each in usable:
        try:
            keys += Keys.import_key_set({"keys": [each]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            # Keys of a kind that is not known here may stand beside those that are.
            continue
    proving: list[Key] = [key for key in keys if not isinstance(key, OctKey) and key.get("use", "sig") == "sig"]
    if not proving:
        raise TokenRefused("the provider has no key that proves ID tokens")
    return Keys(proving)


def verify(token: str, keys: Keys, expected: Expected, now_s: float) -> dict[str, Any]:
    """Prove a token and return its claims; TokenRefused, KeyUnknown."""
    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    claims = _proved(token, keys, registry)
    wanted: dict[str, jwt.ClaimsOption] = {
        **{name: {"essential": True} for name in _ESSENTIAL},
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "nonce": {"essential": True, "value": expected.nonce},
    }
    try:
        jwt.JWTClaimsRegistry(now=int(now_s), leeway=expected.leeway_s, **wanted).validate(claims)
    except JoseError as error:
        raise TokenRefused(f"ID token: {error}") from error
    _check_party(claims, expected.client_id)
    if not 1 <= len(str(claims["sub"])) <= SUBJECT_CHARACTERS:
        raise TokenRefused("ID token: its subject has no usable length")
    return claims


def _proved(token: str, keys: Keys, registry: jws.JWSRegistry) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode()).headers()
        candidates = _candidates(header, keys)
    except (JoseError, ValueError) as error:
        raise TokenRefused(f"ID token: {error}") from error
    failure: Exception | None = None
    for key in candidates:
        try:
            return jwt.decode(token, key, registry=registry).claims
        except (JoseError, ValueError, TypeError) as error:
            failure = error
    raise TokenRefused(f"ID token: {failure}") from failure


def _candidates(header: Mapping[str, Any], keys: Keys) -> list[Key]:
    name = header.get("kid")
    if name is None:
        return list(keys)
    found = [key for key in keys if key.kid == name]
    if not found:
        raise KeyUnknown("ID token: it was signed by a key that the provider does not publish")
    return found


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Core 3.1.3.7, 4 and 5: a token for several is for the authorized party alone."""
    party = claims.get("azp")
    is_for_several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (party is not None or is_for_several) and party != client_id:
        raise TokenRefused("ID token: it was issued to another party")
