"""What asyncua and the network raise, told to the caller as what can be done about it."""

from collections.abc import Generator
from contextlib import contextmanager

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from connectors.errors import ConfigInvalid, ConnectorError, DeviceUnreachable, ReadTimeout

_CODES = StatusCodes
TOO_MUCH_AT_ONCE = frozenset(
    {
        _CODES.BadTooManyOperations,
        _CODES.BadEncodingLimitsExceeded,
        _CODES.BadRequestTooLarge,
        _CODES.BadResponseTooLarge,
    }
)
"""Answers to a request that would have been served in smaller pieces."""

_NOT_TRUSTED = "the server does not trust our certificate: accept it in the server's trust list"
DISTRUST = frozenset(
    {
        _CODES.BadCertificateUntrusted,
        _CODES.BadCertificateTimeInvalid,
        _CODES.BadCertificateUriInvalid,
        _CODES.BadSecurityChecksFailed,
    }
)
"""Answers to somebody whose certificate the server does not take."""

_WHAT_HELPS = {
    **dict.fromkeys(DISTRUST, _NOT_TRUSTED),
    _CODES.BadIdentityTokenRejected: "the server refuses the user name or the password, or the token",
    _CODES.BadUserAccessDenied: "the server refuses the user name or the password",
    _CODES.BadIdentityTokenInvalid: "the server does not take this kind of login; see username and token_file",
    _CODES.BadTooManySessions: "the server has no session left for us",
    _CODES.BadTcpEndpointUrlInvalid: "the server knows no endpoint by this url; write host and path as it has them",
    _CODES.BadSecurityPolicyRejected: "the server does not offer this policy; see security",
    _CODES.BadSecurityModeRejected: "the server does not offer this mode; see security",
}


@contextmanager
def device_faults(url: str) -> Generator[None]:
    """Whatever goes wrong in here with the server means: close, back off, open again."""
    try:
        yield
    except ConfigInvalid as error:  # a certificate or a password file that is missing now may be there next time
        raise DeviceUnreachable(f"{url}: {error}") from error
    except ConnectorError:
        raise
    except TimeoutError as error:
        raise ReadTimeout(f"{url} did not answer in time") from error
    except ua.UaStatusCodeError as error:
        helps = _WHAT_HELPS.get(error.code)
        raise DeviceUnreachable(f"{url}: {helps} ({error})" if helps else f"{url}: {error}") from error
    except Exception as error:  # a broken answer makes asyncua's decoder raise just anything
        raise DeviceUnreachable(f"{url}: {error or type(error).__name__}") from error
