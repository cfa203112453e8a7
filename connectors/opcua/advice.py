"""What works as it is written, but had better be written otherwise, or done in time."""

from collections.abc import Sequence
from datetime import UTC, datetime

from connectors.opcua import vendors
from connectors.opcua.config import DEPRECATED, Mode, OpcuaConfig, Security, ServerTrust, Trigger
from connectors.opcua.expiry import endings


def advise(config: OpcuaConfig) -> Sequence[str]:
    """A sentence for each thing that an engineer should know before this goes into the plant."""
    return advise_at(config, datetime.now(UTC))


def advise_at(config: OpcuaConfig, now: datetime) -> Sequence[str]:
    """The same at a given time: certificates have an end."""
    found = [sentence for sentence in (_security(config), _trust(config), _queue(config)) if sentence]
    if config.vendor is not None:
        has_filter = config.server_deadband is not None or config.trigger is not Trigger.VALUE
        asked = vendors.Asked(config.request_limit, config.sampling, config.publishing, config.queue, has_filter)
        found += vendors.advice(config.vendor, asked)
    if config.security is not Security.NONE:
        found += [ending.advice for ending in endings(config.certificates, now)]
    return found


def _security(config: OpcuaConfig) -> str | None:
    if config.security in DEPRECATED:
        return f'security = "{config.security}" is withdrawn, for SHA-1 is broken; use "auto" if you can'
    if config.security is not Security.NONE:
        return None
    if config.username is not None or config.is_token_bearer:
        secret = "token" if config.is_token_bearer else "password"
        return f'security = "None" lets everybody on the network read the {secret}; write security = "auto"'
    return (
        'security = "None" lets everybody on the network read and change values on their way; write security = "auto"'
    )


def _trust(config: OpcuaConfig) -> str | None:
    is_pinned = config.server_thumbprint is not None or config.server_certificate is not None
    if config.security is Security.NONE or is_pinned or config.server_trust is not ServerTrust.ANY:
        return None
    return 'server_trust = "any" takes every server for the right one; leave it out, or set server_thumbprint'


def _queue(config: OpcuaConfig) -> str | None:
    if config.mode is Mode.POLLED or not config.sampling:
        return None
    needed = round(config.publishing / config.sampling)
    if needed <= config.queue:
        return None
    return (
        f"a value that changes all the time makes {needed} changes in {config.publishing:g} s, and the server keeps "
        f"{config.queue}: write queue = {2 * needed}, or a shorter publishing"
    )
