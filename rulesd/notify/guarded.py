"""Connections for action webhooks: to the public internet only, whatever a name resolves to.

Law: the address that is connected to is looked at, not the name: the guard sits where the socket is made, after resolution, so
neither a literal address, nor a name with a private answer, nor one whose answer changes between check and use (DNS rebinding) gets
through. Redirects are never followed. Receivers of pages are the operator's own choice and are not guarded (contract 2.4).
"""

import errno
import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver

from rulesd.notify.resolve import PatientResolver

WORDS = (
    "the address is private or reserved; say allow_private: true in switches.yaml if it is meant"
)
"What an attempt says that was stopped here."


class PrivateAddress(OSError):
    """The address belongs to a private, local or reserved network."""

    def __init__(self) -> None:
        """Without the address: it may be a secret of the network."""
        super().__init__(errno.EACCES, WORDS)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet; of a v6 address that wraps a v4 one, the inner one decides."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            return is_public(str(inner))
        if found in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _socket(info: aiohttp.AddrInfoType) -> socket.socket:
    family, type_, proto, _, address = info
    if not is_public(str(address[0])):
        raise PrivateAddress
    made = socket.socket(family=family, type=type_, proto=proto)
    made.setblocking(False)
    return made


def open_guarded_session(resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """The HTTP session of action webhooks that may go to public addresses only."""
    connector = aiohttp.TCPConnector(
        limit=0,
        limit_per_host=0,
        resolver=resolver or PatientResolver(),
        socket_factory=_socket,
    )
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )
