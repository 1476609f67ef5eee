"""Head of the HTTP request that begins a connection, and the HTTP answer to it.

h11 parses and writes; the checks of an upgrade are RFC 6455 section 4.2.1.
"""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import h11

from bytesocket_app.errors import ByteSocketError
from bytesocket_app.settings import widest
from bytesocket_app.transports.headers import is_key, joined

MAX_HEAD: Final = 64 * 1024
"""Bytes of a head where no application limits them, as each connection has to hold one."""

_END: Final = re.compile(rb"\n\r?\n")
_PRINTABLE: Final = 0x21
"""First byte of a request at least; below it are TLS and blank lines, which h11 refuses."""

Headers = Iterable[tuple[str, str]]


class BadRequest(ByteSocketError):
    """Request that cannot be served.

    Attributes:
        status: The HTTP status of the answer.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, text: str, headers: Headers = ()) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on a request's head.

    Attributes:
        size: Bytes of the request line and all headers; 0 for `MAX_HEAD`.
        headers: Number of headers; 0 for no limit.
    """

    size: int = 0
    headers: int = 0

    def check(self, size: int, headers: int) -> None:
        """Compare a head with the limits.

        Raises:
            BadRequest: The head is too long, or has too many headers; the status is 431.
        """
        most = self.size or MAX_HEAD
        if size > most:
            raise BadRequest(431, f"A request's head has at most {most} bytes here.")
        if self.headers and headers > self.headers:
            raise BadRequest(431, f"A request has at most {self.headers} headers here.")

    @classmethod
    def widest(cls, bounds: Iterable["Bounds"]) -> "Bounds":
        """Return limits within which each of the given ones is."""
        found = list(bounds)
        sizes = [each.size or MAX_HEAD for each in found]
        return cls(max(sizes, default=0), widest(each.headers for each in found))


@dataclass(frozen=True, slots=True)
class Request:
    """Head of one HTTP request.

    Attributes:
        method: The method, usually `GET`.
        path: The path, percent-decoded, without the query.
        query: The query as it came, without `?`.
        headers: The headers by lower-case name.
        version: The HTTP version, usually `1.1`.
        size: Bytes of the head.
        count: Number of the headers as they came.
    """

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    version: str = "1.1"
    size: int = 0
    count: int = 0

    @property
    def wants_websocket(self) -> bool:
        """True if the request asks for an upgrade to WebSocket, valid or not."""
        return "websocket" in _tokens(self.headers.get("upgrade", ""))

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """Subprotocols that the client offers, in its order."""
        offered = self.headers.get("sec-websocket-protocol", "").split(",")
        return tuple(name for one in offered if (name := one.strip()))

    def key(self) -> str:
        """The value of `Sec-WebSocket-Key`.

        Raises:
            BadRequest: The request is not a valid upgrade.
        """
        if self.method != "GET" or self.version != "1.1":
            raise BadRequest(400, "An upgrade is a GET of HTTP/1.1.")
        if "upgrade" not in _tokens(self.headers.get("connection", "")):
            raise BadRequest(400, "An upgrade needs `Connection: Upgrade`.")
        if self.headers.get("sec-websocket-version") != "13":
            raise BadRequest(
                426, "Only version 13 is spoken here.", [("sec-websocket-version", "13")]
            )
        key = self.headers.get("sec-websocket-key", "")
        if not is_key(key):
            raise BadRequest(400, "Sec-WebSocket-Key has to be 16 bytes in base64.")
        return key


class Head:
    """Parser of one request, and writer of the answer to it.

    Args:
        bounds: Limits that are checked before anything is parsed.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=sys.maxsize)
        self._raw = bytearray()
        self._is_head = False

    @property
    def rest(self) -> bytes:
        """Bytes after the head."""
        return self._http.trailing_data[0]

    def feed(self, data: bytes) -> Request | None:
        """Take bytes; returns the request once it is complete.

        Raises:
            BadRequest: The bytes are not an HTTP request, or its head is too long.
        """
        raw = self._raw
        begin = max(len(raw) - 2, 0)
        raw += data
        end = _END.search(raw, begin)
        if end is None:
            size, count = len(raw), 0
        else:
            size = end.end()
            count = raw.count(b"\n", 0, size) - 2
        self._bounds.check(size, count)
        if end is None and raw[0] >= _PRINTABLE:
            return None
        return self._parse(bytes(raw), size, count)

    def _parse(self, raw: bytes, size: int, count: int) -> Request | None:
        self._raw.clear()
        self._http.receive_data(raw)
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequest(error.error_status_hint, f"{error}.") from error
        if not isinstance(event, h11.Request):
            return None
        method = event.method.decode()
        self._is_head = method == "HEAD"
        target, _, query = event.target.decode("latin-1").partition("?")
        return Request(
            method,
            unquote(target),
            query,
            joined(event.headers),
            event.http_version.decode(),
            size,
            count,
        )

    def answer(self, status: int, text: str, headers: Headers = ()) -> bytes:
        """Return an answer with one line of text, after which the connection closes."""
        body = text.encode()
        head = h11.Response(
            status_code=status,
            reason=HTTPStatus(status).phrase,
            headers=[
                ("content-type", "text/plain; charset=utf-8"),
                ("content-length", str(len(body))),
                ("connection", "close"),
                *headers,
            ],
        )
        pieces = [self._http.send(head) or b""]
        if not self._is_head:
            pieces.append(self._http.send(h11.Data(data=body)) or b"")
        return b"".join(pieces)


def _tokens(value: str) -> set[str]:
    return {one.strip().lower() for one in value.split(",")}
