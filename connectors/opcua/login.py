"""Who we are to the server: nobody in particular, a user by name or certificate, or the bearer of a token."""

import os
import struct
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies, uacrypto

from connectors.errors import ConfigInvalid
from connectors.opcua.config import OpcuaConfig

_AS_NOBODY = "_add_anonymous_auth"
_MOST_PADDING = 66  # bytes of a block of RSA-OAEP with SHA-256; the other paddings take less
_PLAIN = ("", None, security_policies.SecurityPolicyNone.URI)


async def log_in(client: Client, config: OpcuaConfig) -> None:
    """Activate the session; raises ConfigInvalid where a secret cannot be read, else what asyncua raises."""
    if config.user_certificate is not None and config.user_key is not None:
        try:
            certificate = await uacrypto.load_certificate(config.user_certificate)
            client.user_private_key = await uacrypto.load_private_key(config.user_key)
        except (OSError, ValueError) as error:
            raise ConfigInvalid(f"user_certificate, user_key: cannot be read: {error}") from error
        await client.activate_session(certificate=certificate)
    elif config.is_token_bearer:
        await _Bearer(client, read_secret(config)).activate()
    else:
        await client.activate_session(config.username, None if config.username is None else read_secret(config))


def read_secret(config: OpcuaConfig) -> str:
    """Password or token, read anew each time so that it can be changed; empty where none is configured."""
    for key, variable in (("password_env", config.password_env), ("token_env", config.token_env)):
        if variable is not None:
            try:
                return os.environ[variable]
            except KeyError:
                raise ConfigInvalid(f"{key}: the environment has no variable {variable}") from None
    for key, file in (("password_file", config.password_file), ("token_file", config.token_file)):
        if file is not None:
            return _first_line(key, file)
    return ""


def _first_line(key: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{key}: {file} cannot be read: {error}") from error


class _Bearer:
    """asyncua knows no issued tokens: it logs in as for nobody, and this puts the token in the place of nobody's."""

    def __init__(self, client: Client, token: str) -> None:
        self._client = client
        self._token = token

    async def activate(self) -> None:
        """Activate the session; raises what asyncua raises."""
        setattr(self._client, _AS_NOBODY, self._add_token)
        try:
            await self._client.activate_session()
        finally:
            delattr(self._client, _AS_NOBODY)

    def _add_token(self, parameters: ua.ActivateSessionParameters) -> None:
        """The token as Part 4, 7.40.6 has it; never in clear text where the server names a policy for it."""
        client: Any = self._client
        policy = client.server_policy(ua.UserTokenType.IssuedToken)
        token: Any = ua.IssuedIdentityToken(PolicyId=policy.PolicyId)
        uri = policy.SecurityPolicyUri or client.security_policy.URI
        if uri in _PLAIN:
            token.TokenData = self._token.encode()
        else:
            token.TokenData, token.EncryptionAlgorithm = self._encrypted(uri)
        parameters.UserIdentityToken = token

    def _encrypted(self, uri: str) -> tuple[bytes, str]:
        """Length, token and the server's nonce (Part 4, 7.40.2.2), in as many blocks of RSA as they need."""
        client: Any = self._client
        certificate: Any = uacrypto.x509_from_der(client.security_policy.peer_certificate)
        key = certificate.public_key()
        secret = self._token.encode() + (client._server_nonce or b"")  # noqa: SLF001
        plain = struct.pack("<I", len(secret)) + secret
        size = key.key_size // 8 - _MOST_PADDING
        blocks = [
            security_policies.encrypt_asymmetric(key, plain[at : at + size], uri) for at in range(0, len(plain), size)
        ]
        return b"".join(block for block, _ in blocks), blocks[0][1]
