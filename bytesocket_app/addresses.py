"""Addresses of peers: where a connection comes from, and what counts as one address.

A proxy stands between a client and the server, so that every connection seems to come from it. It
tells the client's address in `X-Forwarded-For`, and so can anybody: the header counts only as far
as trusted proxies wrote it. `Forwarded` (RFC 7239) is not read; the common proxies write the other.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Client: TypeAlias = tuple[str, int] | None
"""Address and port of a peer; None where a server knows none, as of a Unix socket."""

UNKNOWN: Final = "unknown"
"""What all peers count as whose address no server knows."""
UNIX: Final = "unix"
"""Stands among trusted proxies for peers without an address."""

_LONGEST: Final = 64
"""Characters of an entry, beyond which it is no address."""
_SHOWN: Final = 64
_HOSTS: Final = 4096
"""Characters of a list of hosts that are looked at, its end."""
_PREFIX: Final = 64
"""Bits of an IPv6 address that one subscriber has (RFC 6177)."""


def address_key(client: Client) -> str:
    """Return what stands for a peer's address where connections of one address are counted.

    IPv6 addresses of one /64 are one, and an IPv4 address is itself in whichever way it is written.
    """
    if client is None:
        return UNKNOWN
    address = _parsed(client[0])
    if address is None:
        return client[0][:_SHOWN] or UNKNOWN
    if isinstance(address, IPv4Address):
        return str(address)
    network = int(address) >> (128 - _PREFIX) << (128 - _PREFIX)
    return f"{IPv6Address(network)}/{_PREFIX}"


class Proxies:
    """Proxies that are trusted to tell where a connection comes from.

    Args:
        trusted: Their addresses and networks, and "unix" for peers without an address.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        entries = set(trusted)
        self._unix = UNIX in entries
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(
            ip_network(entry) for entry in entries - {UNIX}
        )

    def client(self, peer: Client, headers: Mapping[str, str]) -> Client:
        """Return the address of the client behind trusted proxies; the peer itself without one.

        The last entry is what the nearest proxy saw. While that is a trusted proxy too, the entry
        before it counts; what is no address ends the search at the proxy that told it.

        Args:
            peer: The address at the other end of the connection.
            headers: The request's headers by lower-case name; repeated ones are joined by commas.
        """
        if not self.trusts(peer):
            return peer
        rest = headers.get("x-forwarded-for", "")
        found = peer
        while rest:
            rest, _, entry = rest.rpartition(",")
            named = _entry(entry.strip())
            if named is None:
                break
            address, port = named
            found = str(address), port
            if not self._trusts(address):
                break
        return found

    def host(self, peer: Client, headers: Mapping[str, str]) -> str:
        """Return the host that the client asked, as trusted proxies tell it; "" if none does.

        In `X-Forwarded-Host` the entry counts that stands where the client's address stands in
        `X-Forwarded-For`: the last one behind one proxy. Of a shorter list it is the first.

        Args:
            peer: The address at the other end of the connection.
            headers: The request's headers by lower-case name; repeated ones are joined by commas.
        """
        said = headers.get("x-forwarded-host", "") if self.trusts(peer) else ""
        if not said:
            return ""
        hosts = [one.strip() for one in said[-_HOSTS:].split(",")]
        proxies = 1
        for entry in reversed(headers.get("x-forwarded-for", "").split(",")[-len(hosts) :]):
            named = _entry(entry.strip())
            if named is None or not self._trusts(named[0]):
                break
            proxies += 1
        return hosts[-min(proxies, len(hosts))]

    def trusts(self, peer: Client) -> bool:
        """Return True if the other end of a connection is a trusted proxy."""
        if not self._networks and not self._unix:
            return False
        if peer is None or not peer[0]:
            return self._unix
        address = _parsed(peer[0])
        return address is not None and self._trusts(address)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._networks)


def _entry(text: str) -> tuple[IPv4Address | IPv6Address, int] | None:
    """Read one entry: an address, with a port or without, IPv6 in brackets or without."""
    host, port = text, ""
    if text.startswith("["):
        host, bracket, port = text[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
        port = port[1:]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    address = None if "%" in host else _parsed(host)  # a scope means something to its host alone
    if address is None:
        return None
    is_port = port.isascii() and port.isdigit() and len(port) <= 5  # noqa: PLR2004 - 65535
    return address, int(port) if is_port else 0


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Return an address, IPv4 ones inside IPv6 as what they are; None for what is no address."""
    if len(text) > _LONGEST:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address
