"""Check of the page that opens a connection, by its origin (protocol.md section 9)."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final, Literal

from bytesocket_app.errors import ConfigurationError, caller
from bytesocket_app.logs import shown
from bytesocket_app.transports import Handshake

logger = logging.getLogger("bytesocket")

_ORIGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*)://(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\,%*]*)(?::(\d*))?"
)
"""Form of an origin that a browser sends (RFC 6454 section 6.2), in lower case."""
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]\\,%]+)(?::(\d*))?")
"""Form of a `Host` header (RFC 9110 section 7.2), in lower case."""
_LONGEST: Final = 300
"""Characters of an origin: a scheme, a host name of 253, and a port."""
_PORTS: Final = {"http": 80, "https": 443}
_HIGHEST: Final = 65535
_HOSTLESS: Final = frozenset({"null", "file://"})
"""Origins of pages without a host: of a sandboxed frame or a file, as browsers differ."""
_FORM: Final = (
    "browsers send scheme, host and port alone, as in 'https://example.org' or "
    "'http://localhost:5173'"
)
MAX_TOLD: Final = 64
"""Refusals that are remembered, so that each is logged once, as a page may try for ever."""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Host of a request as trusted proxies forward it, and the peer that it comes from.

    Attributes:
        host: The host that the page asked; "" if no trusted proxy says.
        peer: The other end of the connection, for the log.
    """

    host: str = ""
    peer: tuple[str, int] | None = None


class Origins:
    """Check of a handshake's `Origin` header; browsers always send one.

    Args:
        listed: Origins that are allowed besides the default; "*" for all.
        default: "same" to allow pages of the same host besides the list; "any" to allow all pages
            if there is no list.

    Raises:
        ConfigurationError: An entry does not have the form of an origin.
    """

    def __init__(self, listed: Sequence[str], default: Literal["same", "any"]) -> None:
        if isinstance(listed, str):
            raise ConfigurationError(
                f"{caller()}: origins={listed!r} is one text: pass a list, [{listed!r}]."
            )
        self._listed = frozenset(map(_entry, listed))
        self._default = default
        self._told = set[str]()

    def allow(self, handshake: Handshake, via: Forwarded = Forwarded()) -> bool:
        """Return True if the page that opens the connection may do so."""
        text = handshake.headers.get("origin", "")
        if not text or "*" in self._listed:
            return True
        origin = _canonical(text)
        if origin in self._listed:
            return True
        if self._default == "any":
            return not self._listed
        hosts = (handshake.headers.get("host", ""), via.host)
        return origin is not None and any(_is_at(origin, host) for host in hosts)

    def tell(self, handshake: Handshake, via: Forwarded = Forwarded()) -> None:
        """Log a refusal: what was compared with what, and what mends it; each once."""
        line = f"origin {_shown(handshake)} refused: {self._reason(handshake, via)}"
        if line in self._told:
            return
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told.add(line)
        logger.warning("%s", line)

    def _reason(self, handshake: Handshake, via: Forwarded) -> str:
        origin = _canonical(handshake.headers.get("origin", ""))
        if origin is None:
            return f"{_FORM}, so no setting allows it"
        allow = f"allow it with ByteSocket(origins=[{origin!r}])"
        if self._default == "any":
            return f"it is not among the listed ones; {allow}"
        if not origin.startswith(("http://", "https://")):
            return f"a page without a host of its own is at no server; {allow}"
        said = handshake.headers.get("host", "")
        if not said and not via.host:
            return (
                f"the request has no Host to compare it with; have the proxy pass one, or {allow}"
            )
        compared = [f"Host {shown(said)}"] if said else []
        if via.host:
            compared.append(f"X-Forwarded-Host {shown(via.host)}")
        reason = f"it was compared with {' and '.join(compared)}"
        remedy = _remedy(origin, via.host or said, _nearest(handshake), via)
        return f"{reason}{remedy}{allow}"


def _remedy(origin: str, host: str, forwarded: str, via: Forwarded) -> str:
    """Return what else mends a refusal, as the words before the setting that always does."""
    page = _split(origin.partition("://")[2])
    asked = _split(host.lower())
    if forwarded and not via.host and _is_at(origin, forwarded):
        peer = "unix" if via.peer is None or not via.peer[0] else via.peer[0]
        return (
            f"; X-Forwarded-Host {shown(forwarded)} fits, and counts from trusted proxies only: "
            f"name the proxy, as in Policies(trusted_proxies=({peer[:64]!r},)), or "
        )
    if page is not None and asked is not None and page[0] == asked[0] and not asked[1]:
        return (
            ", which is without the page's port: have the proxy pass it (nginx: `proxy_set_header "
            "Host $http_host`), or "
        )
    return "; "


def _nearest(handshake: Handshake) -> str:
    """Return what the nearest peer wrote into `X-Forwarded-Host`, whoever that is."""
    return handshake.headers.get("x-forwarded-host", "").rpartition(",")[2].strip()


def _shown(handshake: Handshake) -> str:
    """Return the origin for the log: of one that is none, as it may hold anything, nothing."""
    text = handshake.headers.get("origin", "")
    origin = _canonical(text)
    return f"of {len(text)} characters, which is none," if origin is None else repr(origin)


def _entry(text: object) -> str:
    """Return an entry of the list as browsers send it.

    Raises:
        ConfigurationError: No browser sends it.
    """
    origin = None
    if isinstance(text, str):
        if text == "*":
            return text
        origin = _canonical(text, listed=True)
    if origin is not None:
        return origin
    hint = "."
    if isinstance(text, str) and "*" in text:
        hint = ". There are no patterns but '*', for all: list each host."
    elif isinstance(text, str):
        meant = re.sub(r"^ws(s?)://", r"http\1://", text.strip().lower())
        meant = meant if "://" in meant else f"https://{meant}"
        found = _canonical(re.sub(r"//[^/@]*@", "//", "/".join(meant.split("/")[:3])), listed=True)
        hint = "." if found is None else f". Write {found!r}."
    raise ConfigurationError(f"{caller()}: origins=[{text!r}] would never match: {_FORM}{hint}")


def _canonical(text: str, *, listed: bool = False) -> str | None:
    """Return an origin as browsers write it; None for what is none.

    Args:
        text: The origin.
        listed: True for one that a person wrote: its host may be in any script.
    """
    text = text.lower()
    if text in _HOSTLESS:
        return text
    found = _ORIGIN.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    scheme, host, port = found.groups()
    if scheme in {"file", "ws", "wss"} or not (text.isascii() or listed):
        return None
    split = _split(f"{host}:{port}" if port else host)
    if split is None or port == "":
        return None
    name, number = split
    name = name if name.isascii() else _punycode(name)
    default = number == _PORTS.get(scheme)
    return f"{scheme}://{name}" if default or not number else f"{scheme}://{name}:{number}"


def _split(host: str) -> tuple[str, int] | None:
    """Return the name and the port of a host, 0 without one; None for what is none."""
    found = _HOST.fullmatch(host) if len(host) <= _LONGEST else None
    if found is None:
        return None
    name, port = found.groups()
    if len(port or "") > len(str(_HIGHEST)) or int(port or 0) > _HIGHEST:
        return None
    if name.startswith("["):
        try:
            name = f"[{IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    return name, int(port or 0)


def _is_at(origin: str, host: str) -> bool:
    """Return True if a page of `origin` is at `host`; a default port counts as no port."""
    scheme, _, rest = origin.partition("://")
    default = _PORTS.get(scheme)
    page, own = _split(rest), _split(host.lower())
    if default is None or page is None or own is None:
        return False
    return (page[0], page[1] or default) == (own[0], own[1] or default)


def _punycode(name: str) -> str:
    """Return a host name as browsers send it: `xn--bcher-kva.example` for `bücher.example`."""
    import idna  # of anyio's; only who lists such a host needs it

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:  # browsers also take names that are not allowed any more: of emoji
        labels = (
            f"xn--{e.encode('punycode').decode()}" if not e.isascii() else e
            for e in name.split(".")
        )
        return ".".join(labels)
