"""Settings of a client: seconds, bytes and counts."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from bytesocket_app.errors import ConfigurationError
from bytesocket_app.types import CodecName, EventName

SHORTEST: Final = 0.001
"""Shortest time of what is done again and again, in seconds."""
LONGEST: Final = 1e9
"""Longest time of what a random one is drawn from, in seconds."""

_OURS: Final = frozenset(f"bytesocket.{codec}" for codec in get_args(CodecName))
"""Subprotocols of the codecs."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""Name that may stand in `Sec-WebSocket-Protocol`: a token of RFC 9110."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Timeouts and limits of one client; the defaults suit a server of this framework.

    Raises:
        ConfigurationError: A number cannot be meant: it is negative, NaN, or too small for what it
            limits.
    """

    connect_timeout: float = 10.0
    """Seconds for connecting, including the handshake; 0 waits as long as the system does."""
    auth_timeout: float = 10.0
    """Seconds from sending the credentials to the server's answer; 0 waits for ever (Q37)."""
    request_timeout: float = 10.0
    """Seconds allowed for a request unless the call sets a timeout; 0 waits for ever."""
    close_timeout: float = 2.0
    """Seconds from our close frame until the connection is dropped."""
    drain_timeout: float = 5.0
    """Seconds that closing the client waits until queued events are sent, connecting included. What
    is left is reported as dropped. 0 does not wait."""
    ping_interval: float = 25.0
    """Seconds between two pings; 0 turns the heartbeat off."""
    pong_timeout: float = 20.0
    """Seconds from a ping to its pong, after which the connection is closed; 0 waits for ever."""
    backoff_base: float = 0.5
    """Longest wait before the first reconnection, in seconds; doubles with each further failure.
    The actual wait is random."""
    backoff_cap: float = 15.0
    """Longest wait before any reconnection, in seconds."""
    stable_after: float = 3.0
    """Seconds that a connection must have been open to reset the backoff (Q40)."""
    max_attempts: int = 0
    """Attempts to connect that may fail in a row before the client gives up with `Disconnected`,
    which names the last failure; 0 for no limit. A connection that did not last `stable_after` is a
    failed attempt; the loss of one that lasted is none."""
    subprotocols: tuple[str, ...] = ()
    """Further WebSocket subprotocols to offer, behind the one of the codec. `client.subprotocol` is
    the one that the server chose."""
    queue_limit: int = 100
    """Messages queued while there is no connection, or until the server's rates allow them. A
    further event is dropped, a further request fails."""
    request_limit: int = 1000
    """Pending requests; a further one fails at once."""
    event_buffer: int = 1000
    """Calls queued for listeners before reading pauses, and events kept by each iterator. Reading
    goes on while an answer is awaited, such as that to a request or to a ping."""
    event_bytes: int = 64 * 1024 * 1024
    """Bytes of what is queued for listeners, 1 KiB added for each call. Reading pauses from half of
    it on. A further event that is read because an answer is awaited is dropped and reported."""
    message_bytes: int = 16 * 1024 * 1024
    """Bytes of one incoming message; a longer one closes the connection with 1009."""

    def __post_init__(self) -> None:
        self._check(("connect_timeout", "auth_timeout", "request_timeout", "close_timeout"))
        self._check(("drain_timeout", "pong_timeout", "stable_after"))
        self._check(("ping_interval",), least=SHORTEST, or_zero=True)
        self._check(("backoff_base", "backoff_cap"), least=SHORTEST, most=LONGEST)
        self._check(("queue_limit", "request_limit", "max_attempts"), is_count=True)
        self._check(("event_buffer", "event_bytes", "message_bytes"), least=1, is_count=True)
        self._check_subprotocols()

    def _check_subprotocols(self) -> None:
        """Refuse what cannot stand in the header, and what the client offers by itself."""
        offered: Any = self.subprotocols
        names: list[Any] = [offered] if isinstance(offered, str) else list(offered)
        for name in names:
            is_token = isinstance(name, str) and _TOKEN.fullmatch(name)
            if offered is name or not is_token or name in _OURS or names.count(name) > 1:
                raise ConfigurationError(
                    f"ClientSettings(subprotocols={offered!r}): it is a tuple of names of letters, "
                    f"digits and -._, each once, without {' and '.join(sorted(_OURS))}, which the "
                    "client offers by itself."
                )

    def _check(
        self,
        names: Iterable[str],
        *,
        least: float = 0,
        most: float = math.inf,
        or_zero: bool = False,
        is_count: bool = False,
    ) -> None:
        kind = int if is_count else int | float
        for name in names:
            value: Any = getattr(self, name)
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if is_number and (least <= value <= most or (or_zero and value == 0)):
                continue
            sort = "a whole number" if is_count else "a number of seconds"
            bounds = f"from {least:g} on" if most == math.inf else f"from {least:g} to {most:g}"
            zero = ", or 0 for never" if or_zero else ""
            raise ConfigurationError(
                f"ClientSettings({name}={value!r}): it is {sort} {bounds}{zero}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRate:
    """Greatest frequency of an event that the server declared for one place.

    Attributes:
        event: The event's name.
        room: Pattern of the rooms it is for; None for sending outside rooms.
        per_second: Messages in a second, on average.
        burst: Messages that may be sent at once after a pause.
        per: Those who have that rate each. A client knows nothing of others who share its own, and
            keeps to the whole of it.
    """

    event: EventName
    room: str | None = None
    per_second: float
    burst: int
    per: Literal["socket", "user", "address"] = "socket"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientContract:
    """Facts about the server that a generated client contains.

    Attributes:
        title: The application's title.
        path: The socket's path, used for a URL without one.
        fingerprint: The contract's SHA-256 in hex, sent when connecting; "" sends none.
        codec: The wire format to request; generated clients use JSON unless a payload holds bytes.
        rates: Rates that the client keeps to.
    """

    title: str = ""
    path: str = ""
    fingerprint: str = ""
    codec: CodecName = "json"
    rates: tuple[EventRate, ...] = ()
