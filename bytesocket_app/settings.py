"""Settings by theme: seconds in `Timeouts`, bytes and counts in `Limits`, choices in `Policies`.

Every class is frozen and takes keywords: `Settings(timeouts=Timeouts(handler=5))`.
`Settings.drop_in()` gives the TypeScript origin's behaviour where the defaults are stricter.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, Final, Literal, Self, TypeAlias, cast, get_args, get_type_hints

from bytesocket_app.errors import ConfigurationError, caller

_FINGERPRINT: Final = re.compile("[0-9a-f]{16,64}")

FailureAction: TypeAlias = Literal["ignore", "close"] | Callable[[Exception, Any], object]
"""What a failed middleware means for the connection: nothing, a close with 1011, or what a
function (`def` or `async def`) of the error and the socket does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long things may take, in seconds; 0 turns a deadline off.

    That one has passed is noticed within a fifth of the shortest of them, or half a second if that
    is more; within two seconds in any case.
    """

    auth: float = 10.0
    """From accept to accepted credentials; then the socket is closed with 1013."""
    middleware: float = 10.0
    """One message's way through the middleware, the handler's time not counted."""
    handler: float = 30.0
    """One call of one handler, guard or authentication function."""
    idle: float = 120.0
    """Without any frame from the peer; then the socket is closed with 1001."""
    ping: float = 25.0
    """Between two pings to a peer, where the transport can send them (picows)."""
    pong: float = 20.0
    """From such a ping to its answer; then the connection is dropped."""
    close: float = 10.0
    """From our close frame to the peer's; then the connection is dropped."""

    def __post_init__(self) -> None:
        """Refuse what is no duration."""
        for name, value in _values(self):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not 0 <= value < inf
            ):
                _refuse(self, name, value, "use seconds, 0 for no deadline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a peer may ask for; 0 takes a limit away."""

    message_bytes: int = 1024 * 1024
    """One message, before decoding; above it the socket is closed with 1009."""
    auth_message_bytes: int = 16 * 1024
    """The same while the socket is not authenticated."""
    fragments: int = 4096
    """Frames of one message, empty ones too; above it the socket is closed with 1009 (picows; other
    servers have limits of their own)."""
    depth: int = 64
    """Nesting of lists and maps in one message; above it the frame is a decode error."""
    inbox: int = 32
    """Messages waiting for a handler; then the socket is not read until one is done."""
    outbox_bytes: int = 1024 * 1024
    """What waits for a slow reader before `Policies.slow_reader` decides."""
    rooms_per_socket: int = 128
    """Rooms that a client may hold by joining."""
    rooms_per_message: int = 64
    """Rooms named in one bulk message."""
    room_name_bytes: int = 256
    """A room's name in UTF-8."""

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        for name, value in _values(self):
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                _refuse(self, name, value, "use a whole number, 0 for no limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What is allowed where there is a choice."""

    undeclared: Literal["refuse", "open"] = "refuse"
    """Rooms and room events that the application did not declare: refused, or joined and relayed
    by anyone (protocol.md section 5)."""
    membership: bool = True
    """A client must be in a room to send into it (protocol.md Q18)."""
    room_and_rooms: Literal["refuse", "rooms"] = "refuse"
    """A message with both keys: closed with 1008, or `rooms` wins (protocol.md section 3)."""
    bulk_copies: Literal["one", "each"] = "one"
    """An event for several rooms reaches a member of k of them once, or k times (Q19)."""
    broadcast_room: Literal["reserved", "open"] = "reserved"
    """Whether clients can name the room that every socket is in (Q17)."""
    before_auth: Literal["close", "drop"] = "close"
    """A message before authentication: closed with 1008, or dropped silently."""
    auth_timeout: Literal["retry", "refuse"] = "retry"
    """A late authentication: 1013 and the client comes back, or type 6 and 4008 and it gives up."""
    middleware_error: FailureAction = "ignore"
    """A middleware raised: the message is dropped and refused; this comes on top."""
    middleware_timeout: FailureAction = "ignore"
    """The same when the middleware took too long."""
    origins: Literal["same", "any"] = "same"
    """What is allowed beside the application's own list when a browser names its origin: pages
    of the same host, or, without a list, everybody."""
    slow_reader: Literal["close", "drop_oldest"] = "close"
    """An outbox over its limit, with nothing volatile left in it: closed with 1013, or the oldest
    messages go."""
    unknown_contract: Literal["accept", "refuse"] = "accept"
    """A client made from another contract than the application's or one of `contracts`: logged
    once, or refused with 4010 for good. Refuse only when no old server runs any more: during a
    deployment a new client may meet one."""
    contracts: tuple[str, ...] = ()
    """Fingerprints of other contracts to take without a word, the 16 digits that stand at the
    head of a generated file or all 64."""
    without_contract: Literal["accept", "refuse"] = "accept"
    """A client that names no contract: those of the TypeScript origin, and hand-written ones."""

    def __post_init__(self) -> None:
        """Refuse what is no choice: a misspelt policy would be one nobody chose."""
        hints = get_type_hints(type(self))
        for name, value in _values(self):
            if name == "contracts":
                if not _are_fingerprints(value):
                    _refuse(self, name, value, "use a tuple of fingerprints, 16 to 64 hex digits")
                continue
            if hints[name] == FailureAction and callable(value):
                continue
            choices = _choices(hints[name])
            if not any(value is c or (isinstance(c, str) and value == c) for c in choices):
                near = difflib.get_close_matches(str(value), [str(c) for c in choices], n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                _refuse(self, name, value, f"use {' or '.join(map(repr, choices))}.{hint}")


def _are_fingerprints(value: object) -> bool:
    """Whether it is a tuple of what stands at the head of generated files, whole or its start."""
    if not isinstance(value, tuple):
        return False
    entries = cast("tuple[object, ...]", value)
    return all(isinstance(one, str) and _FINGERPRINT.fullmatch(one) for one in entries)


def _choices(hint: Any) -> tuple[Any, ...]:
    """What a policy may be: the words of its literal, or yes and no."""
    words = [arg for arg in get_args(hint) if isinstance(arg, str)]
    words += [word for arg in get_args(hint) for word in get_args(arg) if isinstance(word, str)]
    return tuple(words) or (True, False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one application."""

    timeouts: Timeouts = field(default_factory=Timeouts)
    limits: Limits = field(default_factory=Limits)
    policies: Policies = field(default_factory=Policies)

    @classmethod
    def drop_in(cls) -> Self:
        """Behave as the TypeScript origin does where our defaults are stricter.

        Undeclared rooms and events are open and relayed, nothing is capped, no membership is
        asked for. Its crashes and lost errors are not reproduced.
        """
        return cls(
            timeouts=Timeouts(auth=0, middleware=0, handler=0),
            limits=Limits(
                message_bytes=100 * 1024 * 1024,
                auth_message_bytes=0,
                fragments=0,
                depth=200,
                outbox_bytes=0,
                rooms_per_socket=0,
                rooms_per_message=0,
                room_name_bytes=0,
            ),
            policies=Policies(
                undeclared="open",
                membership=False,
                room_and_rooms="rooms",
                bulk_copies="each",
                broadcast_room="open",
                before_auth="drop",
                auth_timeout="refuse",
                origins="any",
            ),
        )


def _values(settings: Any) -> Iterator[tuple[str, Any]]:
    return ((each.name, getattr(settings, each.name)) for each in fields(settings))


def _refuse(settings: object, name: str, value: object, remedy: str) -> None:
    text = f"{type(settings).__name__}({name}={value!r}) ({caller()}) cannot be: {remedy}"
    raise ConfigurationError(text if text.endswith("?") else f"{text.removesuffix('.')}.")
