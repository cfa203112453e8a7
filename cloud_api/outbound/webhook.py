"""The signed webhook: one POST of JSON to a checked address, without redirects."""

import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

import urllib3

from cloud_api.outbound.addresses import Network, resolve
from cloud_api.outbound.failures import SendFailed, SendRefused
from cloud_api.outbound.signing import sign

CONNECT_S, READ_S = 5.0, 15.0
LONGEST_WAIT_S = 3600.0
_SHOWN_BYTES = 200


def post(
    url: str, secret: str, message_id: UUID, document: Mapping[str, Any], timestamp_s: int, allowed: Sequence[Network]
) -> None:
    """Send a signed document; SendFailed or SendRefused say why it did not arrive."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "Millstream", "Host": parts.netloc}
    headers |= sign(secret, str(message_id), timestamp_s, body)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with _pool(parts, host, resolve(host, port, allowed), port) as pool:
        try:
            answer = pool.urlopen(
                "POST", path, body=body, headers=headers, retries=False, redirect=False, preload_content=False
            )
            said = answer.read(_SHOWN_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SendFailed(f"{host}:{port}: {type(error).__name__}") from error
        finally:
            pool.close()
    _judge(answer, said)


def _pool(parts: SplitResult, host: str, address: str, port: int) -> urllib3.HTTPConnectionPool:
    """Connect to the address that was checked; the certificate must be that of the name."""
    timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout, maxsize=1)
    return urllib3.HTTPSConnectionPool(
        address,
        port,
        timeout=timeout,
        maxsize=1,
        ssl_context=ssl.create_default_context(),
        server_hostname=host,
        assert_hostname=host,
    )


def _judge(answer: urllib3.BaseHTTPResponse, said: bytes) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    reason = f"answered {status} {said.decode(errors='replace')!r}" if said else f"answered {status}"
    if status == 410:
        raise SendRefused(f"{reason}: gone for good")
    wait = answer.headers.get("Retry-After", "")
    raise SendFailed(reason, min(float(wait), LONGEST_WAIT_S) if wait.isdecimal() else None)
