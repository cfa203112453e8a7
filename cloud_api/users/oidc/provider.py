"""The identity provider over HTTP: what it says of itself, its keys, tokens for a code, what it knows of somebody."""

import asyncio
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

import urllib3

from cloud_api.login_settings import OidcSettings, is_safe_address
from cloud_api.problems import Kinds, Problem

if TYPE_CHECKING:
    from cloud_api.users.oidc.id_tokens import Keys

CONNECT_S, READ_S = 5.0, 10.0
ANSWER_BYTES = 1024 * 1024
DISCOVERY_END = "/.well-known/openid-configuration"
# Keys that were taken back are forgotten after this; unknown ones are asked for at once, but not in a hurry.
KNOWN_FOR_S = 3600.0
LEAST_BETWEEN_KEYS_S = 10.0


class CodeRefused(Exception):
    """The provider does not take a code; the text is its error's name."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0, RFC 8414, RFC 9207)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    auth_methods: tuple[str, ...]
    says_issuer: bool


class Provider:
    """One provider; what it says is kept for an hour. Asked in threads, few bytes, no redirects."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        self._http = urllib3.PoolManager(num_pools=4, maxsize=4, timeout=timeout, retries=False, ssl_context=context)
        self._lock = asyncio.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, Keys] | None = None

    async def metadata(self) -> Metadata:
        """Read the provider's description; Problem identity-provider-unavailable."""
        async with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata[0] > KNOWN_FOR_S:
                address = self._settings.issuer.rstrip("/") + DISCOVERY_END
                document = await self._get(address)
                self._metadata = (time.monotonic(), _read_metadata(document, self._settings.issuer))
            return self._metadata[1]

    async def keys(self, *, is_unknown: bool = False) -> "Keys":
        """Read the provider's keys; `is_unknown` when a token names one that is not among those known."""
        from cloud_api.users.oidc.id_tokens import TokenRefused, read_keys

        metadata = await self.metadata()
        async with self._lock:
            if self._keys is None or time.monotonic() - self._keys[0] > (
                LEAST_BETWEEN_KEYS_S if is_unknown else KNOWN_FOR_S
            ):
                document = await self._get(metadata.jwks_uri)
                try:
                    self._keys = (time.monotonic(), read_keys(document))
                except TokenRefused as error:
                    raise unavailable(str(error)) from error
            return self._keys[1]

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """Give a code for tokens; CodeRefused."""
        metadata = await self.metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers, more = self._client_proof(metadata.auth_methods)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        status, answer = await self._ask("POST", metadata.token_endpoint, headers, urlencode(form | more).encode())
        if status == 200:
            return answer
        if status in {400, 401}:
            raise CodeRefused(_word(answer.get("error")))
        raise unavailable(f"its token endpoint answered {status}")

    async def userinfo(self, access_token: str) -> dict[str, Any]:
        """Ask what the provider knows of somebody; nothing where it has no such door."""
        metadata = await self.metadata()
        if metadata.userinfo_endpoint is None:
            return {}
        status, answer = await self._ask("GET", metadata.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})
        if status != 200:
            raise unavailable(f"its userinfo endpoint answered {status}")
        return answer

    def _client_proof(self, methods: tuple[str, ...]) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and form fields that prove this client (RFC 6749, 2.3.1)."""
        client_id, secret = self._settings.client_id, self._settings.client_secret
        if secret is None:
            return {}, {"client_id": client_id}
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {}, {"client_id": client_id, "client_secret": secret}
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}, {}

    async def _get(self, address: str) -> dict[str, Any]:
        status, answer = await self._ask("GET", address, {})
        if status != 200:
            raise unavailable(f"{address} answered {status}")
        return answer

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        return await asyncio.to_thread(self._ask_now, method, address, headers, body)

    def _ask_now(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Millstream", **headers}
        try:
            answer = self._http.request(method, address, body=body, headers=sent, redirect=False, preload_content=False)
            try:
                data = answer.read(ANSWER_BYTES + 1, decode_content=False)
            finally:
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise unavailable(f"it cannot be reached ({type(error).__name__})") from error
        if len(data) > ANSWER_BYTES:
            raise unavailable(f"it answered more than {ANSWER_BYTES} bytes")
        return answer.status, _read_object(data)


def unavailable(detail: str) -> Problem:
    """The refusal while the provider does not do its part."""
    return Problem(Kinds.IDENTITY_PROVIDER_UNAVAILABLE, f"the identity provider: {detail}")


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        document = None
    return document if isinstance(document, dict) else {}


def _read_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    # Discovery 4.3: another name here could let another provider speak for this one.
    if document.get("issuer") != issuer:
        raise unavailable(f"it calls itself {_word(document.get('issuer'))!r}, not MILLSTREAM_OIDC_ISSUER")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Metadata(
        authorization_endpoint=_needed(document, "authorization_endpoint"),
        token_endpoint=_needed(document, "token_endpoint"),
        jwks_uri=_needed(document, "jwks_uri"),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint"),
        end_session_endpoint=_endpoint(document, "end_session_endpoint"),
        auth_methods=tuple(each for each in methods if isinstance(each, str)) if isinstance(methods, list) else (),
        says_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _needed(document: Mapping[str, Any], name: str) -> str:
    address = _endpoint(document, name)
    if address is None:
        raise unavailable(f"it names no {name}")
    return address


def _endpoint(document: Mapping[str, Any], name: str) -> str | None:
    address = document.get(name)
    if address is None:
        return None
    if not isinstance(address, str) or not is_safe_address(address.partition("?")[0]):
        raise unavailable(f"its {name} is neither an https:// address nor on loopback")
    return address


def _word(value: object) -> str:
    text = value if isinstance(value, str) else "nothing"
    return "".join(mark for mark in text if mark.isprintable())[:200]
