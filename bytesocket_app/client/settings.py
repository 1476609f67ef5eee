"""Settings of a client: seconds, bytes and counts."""

from dataclasses import dataclass
from typing import Literal

from bytesocket_app.types import CodecName, EventName


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """Timeouts and limits of one client; the defaults suit a server of this framework."""

    connect_timeout: float = 10.0
    """Seconds for connecting, including the handshake."""
    auth_timeout: float = 10.0
    """Seconds from sending the credentials to the server's answer; 0 waits for ever (Q37)."""
    request_timeout: float = 10.0
    """Seconds allowed for a request unless the call sets a timeout; 0 waits for ever."""
    close_timeout: float = 2.0
    """Seconds from our close frame until the connection is dropped."""
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
    """Calls queued for listeners before reading pauses, and events kept by each iterator."""
    message_bytes: int = 16 * 1024 * 1024
    """Bytes of one incoming message; a longer one closes the connection with 1009."""


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
