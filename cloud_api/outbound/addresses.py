"""Where a message may go: public addresses, and private ones only where the settings allow them."""

import ipaddress
import socket
from collections.abc import Sequence

from cloud_api.outbound.failures import SendFailed, SendRefused

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses that stand for IPv4 ones behind a translator (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# An old way to write IPv4 ones (RFC 4291, 2.5.5.1), which some systems still connect to.
_COMPATIBLE = ipaddress.ip_network("::/96")


def resolve(host: str, port: int, allowed: Sequence[Network]) -> str:
    """Find the address to connect to; SendRefused when one of the name's addresses may not be reached.

    The connection goes to this very address: a name that answers differently the next time leads nowhere else.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SendFailed(f"{host} cannot be resolved ({error.strerror or error})") from error
    addresses = [str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found]
    for text in addresses:
        if not is_allowed(ipaddress.ip_address(text), allowed):
            raise SendRefused(
                f"{host} is {text}, a private address; MILLSTREAM_NOTIFY_ALLOWED_NETWORKS says which may be reached"
            )
    return addresses[0]


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Say whether an address is public, or one of the networks that the settings allow."""
    plain = _plain(address)
    if any(plain.version == network.version and plain in network for network in allowed):
        return True
    return plain.is_global and not plain.is_multicast


def _plain(address: Address) -> Address:
    """An IPv4 address in the clothes of IPv6 is judged as what it is."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if address.sixtofour is not None:
            return address.sixtofour
    return address
