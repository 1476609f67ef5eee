"""Settings of an application: `Timeouts` in seconds, `Limits` in bytes and counts, `Policies`.

Every class is frozen and takes keywords: `Settings(timeouts=Timeouts(handler=5))`.
`Settings.drop_in()` returns the behaviour of the TypeScript origin, where the defaults are
stricter.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import inf
from types import MappingProxyType
from typing import (
    Any,
    Final,
    Literal,
    Self,
    TypeAlias,
    cast,
    get_args,
    get_type_hints,
    overload,
)

from bytesocket_app.addresses import UNIX
from bytesocket_app.errors import ConfigurationError, caller, near

FINGERPRINT: Final = re.compile("[0-9a-f]{16,64}")
"""A contract's fingerprint, whole or its beginning."""

FailureAction: TypeAlias = Literal["ignore", "close"] | Callable[[Exception, Any], object]
"""Reaction to a failed middleware: nothing, a close with 1011, or a call of a function (`def` or
`async def`) with the error and the socket."""


class _Group:
    """Base of the settings: names the place of one that is given to the wrong class."""

    __slots__ = ()

    def __new__(cls, *_: Any, **values: Any) -> Self:
        """Make an instance.

        Raises:
            ConfigurationError: A name is not one of this class's settings.
        """
        known = getattr(cls, "__dataclass_fields__", {})
        for name, value in values.items():
            if name not in known:
                _refuse(cls, name, value, _elsewhere(cls, name, value))
        return super().__new__(cls)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts(_Group):
    """Deadlines in seconds; 0 turns a deadline off.

    A passed deadline is noticed within a fifth of the shortest one, or half a second if that is
    more; within two seconds in any case.
    """

    auth: float = 10.0
    """Time from accepting a connection to accepted credentials; it is then closed, with 1013 unless
    `Policies.auth_timeout` says otherwise. Authentication by handshake is answered with 503."""
    middleware: float = 10.0
    """Time of a message in the middleware, without the handler's time."""
    handler: float = 30.0
    """Time of a handler's call, or of a join or leave request with its guards and hooks, or of a
    lifecycle hook's call."""
    idle: float = 120.0
    """Time without any frame from the peer, after which the socket is closed with 1001."""
    ping: float = 25.0
    """Time between two pings to a peer, if the transport can send them (picows)."""
    pong: float = 20.0
    """Time from such a ping to its answer, after which the connection is dropped."""
    close: float = 10.0
    """Time from our close frame to the peer's, after which the connection is dropped. Also the time
    for a connection's leave hooks, for its close hooks, and for the clean-up of dependencies; each
    room's hook that a cancellation of another one kept waiting has it for itself."""
    after_close: float = 5.0
    """Time for what came before the loss of a connection, after which handlers that still run are
    cancelled, and the messages that are left are dropped and counted."""
    stalled: float = 5.0
    """Time without a byte leaving while somebody waits to send to a client, after which the
    connection is closed with 1013. A server that takes whole messages (ASGI) shows no less."""
    handshake: float = 10.0
    """Time for a connection's TLS, and again for its complete request (on picows for both
    together), if the server can be told: picows, hypercorn and uvicorn as `run`, `dev` and
    `ByteSocket.serve` start them."""
    silence: float = 45.0
    """Time without any frame from a client that named a contract and is no browser's page, after
    which the socket is closed with 1001: generated clients ping every 25 s, or say `heartbeat=` in
    their query. Others have `idle`."""
    engine: float = 10.0
    """Time at the start to reach the engine's broker, after which the start has failed; each second
    a line of the log says why it is not reached. `BYTESOCKET_ENGINE_TIMEOUT` goes before it."""
    engine_grace: float = 5.0
    """Time without the broker after which `/ready` is answered with 503, unless
    `Policies.engine_down` says otherwise; 0 for never."""

    presence_linger: float = 3.0
    """Time from the end of a user's last socket in a room to their exit from its presence, so that
    nobody is gone for the time of a reload; 0 for an exit at once."""

    def __post_init__(self) -> None:
        """Check that the values are durations; raises ConfigurationError."""
        for name, value in _values(self):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 <= value < inf
            ):
                _refuse(type(self), name, value, "use seconds, 0 for no deadline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(_Group):
    """Limits on peers; 0 removes a limit, except that `depth` is then 200, and `threads` 40.

    Each process has its own counts.
    """

    message_bytes: int = 1024 * 1024
    """Bytes of a message before decoding; the socket is closed with 1009 above it."""
    auth_message_bytes: int = 16 * 1024
    """Bytes of a message while the socket is not authenticated; 0 for `message_bytes`."""
    fragments: int = 4096
    """Frames of a message, including empty ones; the socket is closed with 1009 above it (picows;
    other servers have limits of their own)."""
    depth: int = 64
    """Nesting of lists and maps in a message; deeper ones are decode errors."""
    elements: int = 100_000
    """Members of all lists and maps of a message together, an empty one counting as one; more are
    decode errors."""
    request_id_bytes: int = 128
    """UTF-8 bytes of a request's `id`; the socket is closed with 1008 above it."""
    inbox: int = 32
    """Messages waiting for a handler; the socket is then not read until half of them are done."""
    inbox_bytes: int = 1024 * 1024
    """Bytes of the messages waiting for a handler; the socket is then not read, as for `inbox`."""
    concurrent: int = 32
    """Handlers with `concurrent=True` that run for a socket; it is then not read until one ends."""
    concurrent_total: int = 10_000
    """The same for all sockets together."""
    after_close: int = 1000
    """Lost connections whose messages are still handled (see `Timeouts.after_close`); beyond it the
    work for the one that was lost first ends at once."""
    outbox_bytes: int = 1024 * 1024
    """Bytes waiting for a slow reader before `Policies.slow_reader` applies."""
    rooms_per_socket: int = 128
    """Rooms of a socket, beyond which its joins are refused; one message may ask for as many."""
    rooms_per_message: int = 64
    """Rooms named in an event for several rooms, or in a request to leave several."""
    room_name_bytes: int = 256
    """UTF-8 bytes of the name of a room to join. Unless 0, control characters are refused too."""
    rooms: int = 1_000_000
    """Rooms with members, in all; clients' joins that would make another one are refused with
    `too_many_rooms`. What the server's own code joins is not limited, and counts."""
    connections: int = 0
    """Open connections, from their handshakes on; further ones are answered with 503."""
    connections_per_address: int = 0
    """Open connections from one address (see `Policies.trusted_proxies`), or from one /64 of IPv6
    addresses; further ones are answered with 429."""
    connections_per_user: int = 0
    """Authenticated connections of one user key, for which `@app.auth(key=...)` is needed; see
    `Policies.connections_per_user`."""
    unauthenticated: int = 10_000
    """Open connections that have to send credentials and have not sent good ones; further ones are
    answered with 503."""
    handshakes_per_second: int = 0
    """Handshakes from one address in a second, on average, with bursts of twice as many; further
    ones are answered with 429."""
    headers: int = 100
    """Headers of a handshake; more are answered with 431."""
    header_bytes: int = 16 * 1024
    """Bytes of a handshake's request line and headers; more are answered with 431. On picows 0 is
    64 KiB."""
    threads: int = 40
    """Threads for all functions of the application that are a plain `def`, on each event loop; a
    socket gets a quarter of them at most, or one, and sockets that wait get them in turn. 0 for
    40."""
    messages_per_second: int = 0
    """Event messages of a socket in a second, on average, with bursts of twice as many; further
    ones are refused with `rate_limited`. A message for several rooms counts once for each. Clients
    are not told beforehand, as they are of `rate=`, so they do not keep to it: what they send at
    once may be lost, and more than `refusals` of it the connection."""
    event_messages_per_second: int = 0
    """The same for each event by itself where it has no `rate=`."""
    joins_per_second: int = 0
    """Rooms that a socket asks to join in a second, on average, with bursts of `rooms_per_socket`
    (128 if that is 0) and at least twice as many; further joins are refused with `rate_limited`."""
    authentications_per_second: int = 0
    """Authentications from one address in a second, on average, with bursts of ten times as many;
    further ones are told to try later (1013, 429 for a handshake)."""
    engine_messages: int = 1000
    """Messages for other processes that wait while there is no broker; further ones are dropped, as
    their emits say."""
    engine_bytes: int = 1024 * 1024
    """Bytes of the messages that wait while there is no broker."""
    refusals: int = 100
    """Refusals with `rate_limited` in 10 s, after which the socket is closed with 1008."""

    def __post_init__(self) -> None:
        """Check that the values are counts; raises ConfigurationError."""
        for name, value in _values(self):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                _refuse(type(self), name, value, "use a whole number, 0 for no limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies(_Group):
    """Choices between behaviours."""

    undeclared: Literal["refuse", "open"] = "refuse"
    """Rooms and room events that the application did not declare: refused, with a warning for
    server code that uses such a room, or joined and relayed by any client (protocol.md section 5).
    """
    membership: bool = True
    """True if a client must be in a room to send into it (protocol.md Q18)."""
    room_and_rooms: Literal["refuse", "rooms"] = "refuse"
    """Message with both keys: closed with 1008, or `rooms` wins (protocol.md section 3)."""
    bulk_copies: Literal["one", "each"] = "one"
    """Copies of an event for several rooms that a member of k of them gets: one, or k (Q19)."""
    room_handlers: Literal["all", "chain"] = "all"
    """Handlers of a room's event after one that failed or refused: all others run, or, as in the
    origin's chain of listeners, those behind it do not."""
    broadcast_room: Literal["reserved", "open"] = "reserved"
    """Room that every socket is in: reserved for the server, or open to clients too (Q17)."""
    before_auth: Literal["close", "drop"] = "close"
    """Message before authentication: closed with 1008, or dropped silently."""
    unasked_credentials: Literal["accept", "ignore"] = "accept"
    """Credentials in a message that no authentication function asks for, as clients from before
    `@app.auth` was removed send them: answered with type 5, which they wait for, or ignored."""
    auth_timeout: Literal["retry", "refuse"] = "retry"
    """Late authentication: closed with 1013, after which clients reconnect, or refused with type 6
    and 4008, after which they give up."""
    middleware_error: FailureAction = "ignore"
    """Reaction to an exception of a middleware, besides the refusal of its message."""
    middleware_timeout: FailureAction = "ignore"
    """Reaction to a middleware that takes too long, besides the refusal of its message."""
    errors: Literal["all", "origin"] = "all"
    """The failures that `lifecycle.error` hears of: all, or those that the origin tells of (not of
    handlers outside rooms, guards and authentication); there a refusal in middleware counts as a
    failure for `middleware_error` as well (protocol.md section 7)."""
    origins: Literal["same", "any"] = "same"
    """Browser origins allowed besides the application's own list: pages of the same host, or,
    without a list, any."""
    slow_reader: Literal["close", "drop_oldest"] = "close"
    """Outbox over its limit, with nothing volatile left in it: closed with 1013, or the oldest
    messages are dropped."""
    unknown_contract: Literal["accept", "refuse"] = "accept"
    """Client of another contract than the application's or one of `contracts`: logged once, or
    refused with 4010 for good. Refuse only when no old server runs any more: during a deployment a
    new client may meet one."""
    contracts: tuple[str, ...] = ()
    """Fingerprints of further contracts to accept without a log message: the first 16 hex digits,
    as at the head of a generated file, or more, up to all 64."""
    handshake_refusal: Literal["auto", "http", "close"] = "auto"
    """Answer to a client whose handshake authentication or an upgrade hook refuses: type 6 and 4003
    after it was accepted, which browsers show to the page and after which no client comes back
    ("close"), or an HTTP status ("http"). "auto" closes for clients that name a contract, and gives
    others the status. A crash, a timeout, a 429 and a 5xx are always an HTTP status."""
    without_contract: Literal["accept", "refuse"] = "accept"
    """Client that names no contract, such as the TypeScript origin's and hand-written ones."""
    connections_per_user: Literal["refuse", "close_oldest"] = "refuse"
    """One connection more than `Limits.connections_per_user`: refused for now (1013, 429 for a
    handshake, which browsers show to no page: it sees failing connections until there is room), or
    it takes the place of the user's oldest, which is sent type 6 with the code `replaced` and
    closed with 4003, so that its client does not come back."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies, `"10.0.0.0/8"`, whose `X-Forwarded-For` says where a
    connection comes from, and whose `X-Forwarded-Host` counts as its host beside `Host`; those of
    anybody else are not looked at. `"unix"` stands for peers without an address, as on a Unix
    socket."""
    engine_down: Literal["unready", "ready"] = "unready"
    """Answer of `/ready` once the engine's broker has been lost for `Timeouts.engine_grace`: 503,
    or still 200, for a balancer that would have nobody left if all processes said so."""

    def __post_init__(self) -> None:
        """Check the values against the choices, so that misspelt ones raise ConfigurationError."""
        hints = get_type_hints(type(self))
        for name, value in _values(self):
            if name in _TUPLES:
                problem = _TUPLES[name](value)
                if problem is not None:
                    _refuse(type(self), name, value, problem)
                continue
            if hints[name] == FailureAction and callable(value):
                continue
            choices = _choices(hints[name])
            if not any(value is c or (isinstance(c, str) and value == c) for c in choices):
                known = " or ".join(map(repr, choices))
                _refuse(type(self), name, value, f"use {known}.{near(value, choices)}")


def _fingerprints(value: object) -> str | None:
    """Return what is wrong with a tuple of fingerprints, each whole or its beginning."""
    entries = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (None,)
    if all(isinstance(one, str) and FINGERPRINT.fullmatch(one) for one in entries):
        return None
    return "use a tuple of fingerprints, 16 to 64 hex digits"


def _networks(value: object) -> str | None:
    """Return what is wrong with a tuple of IP addresses and networks, and "unix"."""
    remedy = "use a tuple of addresses and networks, as in ('127.0.0.1', '10.0.0.0/8')"
    if not isinstance(value, tuple):
        return remedy
    for one in cast("tuple[object, ...]", value):
        if one == UNIX:
            continue
        network = _network(one)
        if network is None:
            return f"{one!r} is no address or network; {remedy}"
        if _network(one, strict=True) is None:
            return f"{one!r} is an address in a network; use {str(network)!r} for all of it"
    return None


def _network(text: object, *, strict: bool = False) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=strict) if isinstance(text, str) else None
    except ValueError:
        return None


_TUPLES: Final[Mapping[str, Callable[[object], str | None]]] = MappingProxyType(
    {"contracts": _fingerprints, "trusted_proxies": _networks}
)
"""What is wrong with a value, and what to do, for the policies that are no choices."""


def _choices(hint: Any) -> tuple[Any, ...]:
    """Return the values that a policy may have: the words of its literals, or True and False."""
    words = [arg for arg in get_args(hint) if isinstance(arg, str)]
    words += [word for arg in get_args(hint) for word in get_args(arg) if isinstance(word, str)]
    return tuple(words) or (True, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(_Group):
    """All settings of one application."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    policies: Policies = field(default_factory=Policies)

    def __post_init__(self) -> None:
        """Check that each group is of its class; raises ConfigurationError."""
        for name, kind in _GROUPS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                _refuse(type(self), name, value, f"use {name}={kind.__name__}(...)")

    @classmethod
    def drop_in(cls) -> Self:
        """Return settings that behave as the TypeScript origin, where the defaults are stricter.

        Undeclared rooms and events are open and relayed, most limits are removed or raised, and no
        membership is required. The origin's crashes and lost errors are not reproduced.
        """
        return cls(
            timeouts=Timeouts(
                auth=0, middleware=0, handler=0, after_close=0, stalled=0, handshake=0, silence=0
            ),
            limits=Limits(
                message_bytes=100 * 1024 * 1024,
                auth_message_bytes=0,
                fragments=0,
                depth=200,
                elements=0,
                request_id_bytes=0,
                inbox_bytes=0,
                concurrent=0,
                concurrent_total=0,
                after_close=0,
                outbox_bytes=0,
                rooms_per_socket=0,
                rooms_per_message=0,
                room_name_bytes=0,
                rooms=0,
                unauthenticated=0,
                headers=0,
                refusals=0,
            ),
            policies=Policies(
                undeclared="open",
                membership=False,
                room_and_rooms="rooms",
                bulk_copies="each",
                room_handlers="chain",
                broadcast_room="open",
                before_auth="drop",
                unasked_credentials="ignore",
                auth_timeout="refuse",
                errors="origin",
                origins="any",
                handshake_refusal="http",
            ),
        )


@overload
def widest(limits: Iterable[int]) -> int: ...
@overload
def widest(limits: Iterable[float]) -> float: ...
def widest(limits: Iterable[float]) -> float:
    """Return the greatest of some limits; 0, for no limit, if one is 0 or there are none."""
    found = tuple(limits)
    return max(found) if found and all(found) else 0


_GROUPS: Final[Mapping[str, type]] = MappingProxyType(
    {"timeouts": Timeouts, "limits": Limits, "policies": Policies}
)
"""Classes of the groups of `Settings`, by the setting's name."""


def short(value: object) -> str:
    """Write a value as in Python, and a group of settings without all that is in it."""
    return f"{type(value).__name__}(...)" if isinstance(value, _Group) else repr(value)


def _values(settings: Any) -> Iterator[tuple[str, Any]]:
    return ((each.name, getattr(settings, each.name)) for each in fields(settings))


def _elsewhere(kind: type, name: str, value: object) -> str:
    """Tell where a setting belongs that a class does not have."""
    for group, other in _GROUPS.items():
        if name in {each.name for each in fields(cast("Any", other))}:
            title = other.__name__
            return f"it belongs into {title}: Settings({group}={title}({name}={value!r}))"
    return f"{kind.__name__} has no such setting.{near(name, (f.name for f in fields(kind)))}"


def _refuse(kind: type, name: str, value: object, remedy: str) -> None:
    text = f"{kind.__name__}({name}={short(value)}) ({caller()}) cannot be: {remedy}"
    raise ConfigurationError(text if text.endswith("?") else f"{text.removesuffix('.')}.")
