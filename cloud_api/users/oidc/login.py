"""Logging in by the identity provider, step by step: begin, prove the answer, open a session; and out again."""

import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from cloud_api import origin
from cloud_api.auth.pace import Pace
from cloud_api.auth.session_tokens import hash_session_token, make_session_token
from cloud_api.login_settings import OidcSettings
from cloud_api.settings import CloudSettings
from cloud_api.storage.audit import Outcome, insert_audit
from cloud_api.storage.identities import (
    Identity,
    NewIdentitySession,
    insert_identity_session,
    insert_login_answered,
    select_identity_session_token,
)
from cloud_api.storage.pool import Pool, transaction
from cloud_api.storage.sessions import NewSession, insert_session
from cloud_api.storage.users import update_logged_in
from cloud_api.users.oidc.accounts import PRINCIPAL, Person, admit_person, shut_out
from cloud_api.users.oidc.attempt import LoginAttempt, authorization_address, begin, find
from cloud_api.users.oidc.claims import GroupsElsewhere, claim_at, display_name, groups, user_name
from cloud_api.users.oidc.provider import CodeRefused, Provider
from cloud_api.users.oidc.refusals import LoginRefused, Why
from cloud_api.users.oidc.rules import grant_of, read_rules

BEGIN = "/api/v1/login/oidc"
VIA = "oidc"
CALLBACK = f"{BEGIN}/callback"
# Each costs the provider a request: so many from one address, and so many at once.
ANSWERS_PER_MINUTE, ANSWERS_AT_ONCE = 120, 16
MOST_TOKEN_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back from the provider."""

    state: str
    code: str | None
    error: str | None
    issuer: str | None


@dataclass(frozen=True, slots=True)
class OpenedByProvider:
    """A session that has begun, and where its owner wanted to go."""

    token: str
    expires_at: datetime
    attempt: LoginAttempt


@dataclass(frozen=True, slots=True)
class _Proved:
    """Who it is, and what ends the provider's session."""

    person: Person
    provider_session: str | None
    id_token: str


class OidcLogin:
    """Log-in by one provider."""

    def __init__(self, settings: OidcSettings, public_url: str) -> None:
        self._settings = settings
        self._rules = read_rules(settings)
        self._provider = Provider(settings)
        self._pace = Pace(ANSWERS_PER_MINUTE, ANSWERS_AT_ONCE, 1)
        self._home = public_url.rstrip("/")
        self.name = settings.name
        self.is_https = public_url.startswith("https:")

    async def begin(self, return_to: str) -> tuple[LoginAttempt, str]:
        """Begin an attempt; returns it and where the browser goes."""
        self._pace.step(origin.present().address or "")
        metadata = await self._provider.metadata()
        attempt = begin(secrets.token_bytes, time.time(), return_to)
        own = {
            "client_id": self._settings.client_id,
            "redirect_uri": self._home + CALLBACK,
            "scope": self._settings.scopes,
        }
        place = authorization_address(metadata.authorization_endpoint, attempt, own, self._settings.parameters)
        return attempt, place

    async def complete(
        self, pool: Pool, answer: Answer, cookies: Mapping[str, str], lasts: timedelta
    ) -> OpenedByProvider:
        """Prove the provider's answer and open a session; LoginRefused, Problem identity-provider-unavailable."""
        origin.present().claim(None, VIA)
        self._pace.step(origin.present().address or "")
        attempt = find(answer.state, cookies)
        if attempt is None or attempt.is_over(time.time()):
            raise LoginRefused(Why.NO_ATTEMPT)
        try:
            with self._pace.running(PRINCIPAL, CALLBACK):
                tokens = await self._exchanged(pool, answer, attempt)
                claims = await self._proved(tokens, attempt)
                sid = claims.get("sid")
                person = await self._person(tokens, claims)
            proved = _Proved(person, sid if isinstance(sid, str) else None, tokens["id_token"])
            return await self._open(pool, attempt, proved, lasts)
        except LoginRefused as refusal:
            await _note_refusal(pool, refusal)
            raise

    async def end_session_address(self, pool: Pool, session_id: int) -> str | None:
        """Where a browser ends the session at the provider too (OpenID Connect RP-Initiated Logout 1.0)."""
        async with pool.connection() as connection:
            token = await select_identity_session_token(connection, session_id)
        if token is None:
            return None
        endpoint = (await self._provider.metadata()).end_session_endpoint
        if endpoint is None:
            return None
        question = {
            "id_token_hint": token,
            "client_id": self._settings.client_id,
            "post_logout_redirect_uri": self._home + "/",
        }
        return endpoint + ("&" if "?" in endpoint else "?") + urlencode(question)

    async def _exchanged(self, pool: Pool, answer: Answer, attempt: LoginAttempt) -> dict[str, Any]:
        metadata = await self._provider.metadata()
        # RFC 9207: an answer that another provider has sent us by the browser must not take its code to this one.
        is_missing = answer.issuer is None and metadata.says_issuer
        if is_missing or answer.issuer not in {None, self._settings.issuer}:
            raise LoginRefused(Why.NOT_PROVED, f"the answer comes from {answer.issuer!r}")
        if answer.error is not None or not answer.code:
            raise LoginRefused(Why.PROVIDER_REFUSED, answer.error or "no code")
        async with transaction(pool) as connection:
            is_first = await insert_login_answered(connection, hashlib.sha256(answer.state.encode()).digest())
        if not is_first:
            raise LoginRefused(Why.NO_ATTEMPT, "this attempt was answered before")
        try:
            return await self._provider.exchange(answer.code, attempt.verifier, self._home + CALLBACK)
        except CodeRefused as error:
            raise LoginRefused(Why.NOT_PROVED, f"the code was refused: {error}") from error

    async def _proved(self, tokens: Mapping[str, Any], attempt: LoginAttempt) -> dict[str, Any]:
        # Loaded where somebody logs in so: a service without a provider does without the library.
        from cloud_api.users.oidc.id_tokens import Expected, KeyUnknown, TokenRefused, verify

        token = tokens.get("id_token")
        if not isinstance(token, str) or len(token) > MOST_TOKEN_CHARACTERS:
            raise LoginRefused(Why.NOT_PROVED, "there is no ID token")
        settings = self._settings
        expected = Expected(settings.issuer, settings.client_id, attempt.nonce, settings.leeway_s)
        try:
            try:
                return verify(token, await self._provider.keys(), expected, time.time())
            except KeyUnknown:
                return verify(token, await self._provider.keys(is_unknown=True), expected, time.time())
        except TokenRefused as error:
            raise LoginRefused(Why.NOT_PROVED, str(error)) from error

    async def _person(self, tokens: Mapping[str, Any], claims: Mapping[str, Any]) -> Person:
        known = dict(claims)
        access_token = tokens.get("access_token")
        wanted = (self._settings.groups_claim, self._settings.name_claim)
        if isinstance(access_token, str) and any(claim_at(claims, claim) is None for claim in wanted):
            more = await self._provider.userinfo(access_token)
            if more and more.get("sub") != claims["sub"]:
                # Core 5.3.2: it speaks of somebody else.
                raise LoginRefused(Why.NOT_PROVED, "userinfo names another subject")
            known = more | known
        try:
            grant = grant_of(self._rules, groups(known, self._settings.groups_claim))
        except GroupsElsewhere as error:
            cause = "the provider left the groups out because there are too many; let it send those of this application"
            raise LoginRefused(Why.NO_ROLE, cause, str(claims["sub"])) from error
        identity = Identity(self._settings.issuer, str(claims["sub"]))
        return Person(identity, user_name(known, self._settings.name_claim), display_name(known), grant)

    async def _open(self, pool: Pool, attempt: LoginAttempt, proved: _Proved, lasts: timedelta) -> OpenedByProvider:
        token = make_session_token(secrets.token_bytes)
        hashed = hash_session_token(token)
        person = proved.person
        try:
            async with transaction(pool) as connection:
                user = await admit_person(connection, person)
                origin.present().prove(user.name, VIA)
                whence = origin.present()
                session = NewSession(user.id, hashed, whence.address or "", whence.client or "", lasts)
                expires_at = await insert_session(connection, session)
                kept = NewIdentitySession(hashed, person.identity, proved.provider_session, proved.id_token)
                await insert_identity_session(connection, kept)
                await update_logged_in(connection, user.id)
                detail = {"client": whence.client, "issuer": person.identity.issuer}
                await insert_audit(connection, user.name, "login", user.name, detail)
        except LoginRefused:
            if person.grant is None:
                async with transaction(pool) as connection:
                    await shut_out(connection, person.identity)
            raise
        return OpenedByProvider(token, expires_at, attempt)


def login_of(settings: CloudSettings) -> OidcLogin | None:
    """The log-in by a provider, None where none is configured; SettingsInvalid when its rules cannot be used."""
    if settings.login.oidc is None or settings.notify.public_url is None:
        return None
    return OidcLogin(settings.login.oidc, settings.notify.public_url)


async def _note_refusal(pool: Pool, refusal: LoginRefused) -> None:
    """Whoever came as far as this began here and has a cause of his own; strangers are counted by the audit itself."""
    whence = origin.present()
    whence.claim(refusal.who, VIA)
    detail = {"why": refusal.kind.name, "reason": refusal.more["reason"], "client": whence.client}
    detail |= {"cause": refusal.cause} if refusal.cause else {}
    who = refusal.who or PRINCIPAL
    async with transaction(pool) as connection:
        await insert_audit(connection, who, "login.refuse", who, detail, Outcome.REFUSED)
    whence.is_told = True
