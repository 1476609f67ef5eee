"""What a client's user may tune. Seconds, bytes and counts."""

from dataclasses import dataclass

from bytesocket_app.types import CodecName


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    """All tunable numbers of one client; the defaults suit a server of ours."""

    connect_timeout: float = 10.0
    """From dialling to the finished handshake."""
    auth_timeout: float = 10.0
    """From sending the credentials to the server's answer; 0 waits for ever (Q37)."""
    request_timeout: float = 10.0
    """A request's deadline unless the call names one."""
    close_timeout: float = 2.0
    """From our close frame to the end of the connection; then it is dropped."""
    ping_interval: float = 25.0
    """Between two pings of ours; 0 turns the heartbeat off."""
    pong_timeout: float = 20.0
    """From a ping to its pong; then the connection is taken for dead."""
    backoff_base: float = 0.5
    """The first reconnection waits a random time up to this; each further one up to twice more."""
    backoff_cap: float = 15.0
    """No reconnection waits longer than this."""
    stable_after: float = 3.0
    """A connection that was open this long starts the backoff anew when it is lost (Q40)."""
    queue_limit: int = 100
    """Messages kept while there is no connection; a further one is dropped."""
    request_limit: int = 1000
    """Requests waiting for their answer; a further one is refused at once."""
    event_buffer: int = 1000
    """Events waiting for a listener, and for each iterator."""
    message_bytes: int = 16 * 1024 * 1024
    """One incoming message; a longer one closes the connection with 1009."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientContract:
    """What a generated client knows of its server.

    Attributes:
        title: The application's title.
        path: The socket's path, used for a URL that has none.
        fingerprint: The contract's SHA-256 in hex, sent along when connecting; "" sends none.
        codec: The wire format to ask for; JSON unless a payload holds bytes.
    """

    title: str = ""
    path: str = ""
    fingerprint: str = ""
    codec: CodecName = "json"
