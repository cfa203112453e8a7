"""Modbus/TCP Security: TLS with the certificates of both sides."""

import ssl

from connectors.errors import ConfigInvalid
from connectors.modbus.link import Security


def tls_context(security: Security) -> ssl.SSLContext:
    """Whom to trust and what to show; raises ConfigInvalid where a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=security.ca_file)
        if security.cert_file is not None:
            context.load_cert_chain(security.cert_file, security.key_file)
    except OSError as error:
        files = ", ".join(str(file) for file in (security.ca_file, security.cert_file, security.key_file) if file)
        raise ConfigInvalid(f"{files} cannot be used for TLS: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = security.checks_name
    return context
