# bytesocket Chat 1.0.0 - contract 669f64aaccaf4d94 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Chat 1.0.0."""

import collections.abc as _abc
import datetime as _dt
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


_Reply_co = _t.TypeVar("_Reply_co", covariant=True)


class _Sendable(_t.Generic[_Reply_co]):
    """Mark of events that a client may send outside rooms, and of their reply there."""


class _SendableInDocRoom(_t.Generic[_Reply_co]):
    """Mark of events that a client may send into `doc:{doc_id}`, and of their reply there."""


class _SendableInLobbyRoom(_t.Generic[_Reply_co]):
    """Mark of events that a client may send into `lobby`, and of their reply there."""


class _Arriving:
    """Mark of events that the server sends."""


class Credentials(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    token: str


class Move(_bs.Model, _bs.ClientEvent, _SendableInDocRoom[None], _bs.Into["DocRoom"], name="doc:move", volatile=True):
    model_config = _p.ConfigDict(extra="forbid")

    x: float
    y: float


class Moved(_bs.Model, _bs.ServerEvent, _Arriving, name="doc:moved", volatile=True):
    user: str
    x: float
    y: float


class Mute(_bs.Model):
    until: _dt.date


class Post(_bs.Model, _bs.ClientEvent, _Sendable["Receipt"], name="chat:post"):
    """Ask the server to post a message."""

    model_config = _p.ConfigDict(extra="forbid")

    text: str
    priority: int = 3


class Posted(_bs.Model, _bs.ServerEvent, _Arriving, name="chat:posted"):
    """A message was posted."""

    author: str
    text: str


class Reaction(_bs.Model, _bs.Event, _Arriving, _SendableInLobbyRoom[None], _bs.Into["LobbyRoom"], name="chat:reaction"):
    emoji: str


class Receipt(_bs.Model):
    message_id: int


class Save(_bs.Model, _bs.ClientEvent, _SendableInDocRoom[Receipt], _bs.Into["DocRoom"], name="doc:save"):
    model_config = _p.ConfigDict(extra="forbid")

    note: str | None = None


class Event7(_bs.ServerEvent, _p.RootModel[int], _Arriving, name=7):
    pass


class Blob(_bs.Event, _p.RootModel[bytes], _Arriving, _Sendable[None], name="blob"):
    pass


class Echo(_bs.ClientEvent, _p.RootModel[str], _Sendable[str], name="echo"):
    pass


class MutedError(_bs.RequestError, code="muted"):
    """The author may not write for a while."""

    data: Mute


class ReadOnlyError(_bs.RequestError, code="read_only"):
    pass


CONTRACT = _bs.ClientContract(
    title="Chat",
    path="/ws",
    fingerprint="669f64aaccaf4d948a78acd81b432e0f0324d1e595ad11085492ec2e8186b182",
    codec="binary",
)
RefusalCode: _t.TypeAlias = _t.Literal["muted", "read_only"]

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class _Room(_bs.Room):
    """A handle on a room."""

    _arriving: _t.ClassVar[_bs.EventClasses] = {
        7: Event7,
        "blob": Blob,
        "chat:posted": Posted,
        "chat:reaction": Reaction,
        "doc:moved": Moved,
    }

    @_t.overload
    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...
    @_t.overload
    def on(
        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /
    ) -> _abc.Callable[[_Event], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal[7], /) -> _bs.Listening[Event7]: ...
    @_t.overload
    def on(self, event: _t.Literal["blob"], /) -> _bs.Listening[Blob]: ...
    @_t.overload
    def on(self, event: _t.Literal["chat:posted"], /) -> _bs.Listening[Posted]: ...
    @_t.overload
    def on(self, event: _t.Literal["chat:reaction"], /) -> _bs.Listening[Reaction]: ...
    @_t.overload
    def on(self, event: _t.Literal["doc:moved"], /) -> _bs.Listening[Moved]: ...
    def on(self, event: _t.Any, callback: _t.Any = None, /) -> _t.Any:
        """Have a function called with every such event, as a decorator or at once."""
        return self._on(event, callback)

    @_t.overload
    def off(
        self, event: type[_Event], callback: _abc.Callable[[_Event], object], /
    ) -> None: ...
    @_t.overload
    def off(
        self,
        event: _t.Literal[
            7,
            "blob",
            "chat:posted",
            "chat:reaction",
            "doc:moved",
        ],
        callback: _bs.AnyCallback,
        /,
    ) -> None: ...
    def off(self, event: _t.Any, callback: _t.Any, /) -> None:
        """Call a function no more."""
        self._off(event, callback)

    @_t.overload
    def events(self, event: type[_Event], /) -> _bs.EventStream[_Event]: ...
    @_t.overload
    def events(self, event: _t.Literal[7], /) -> _bs.EventStream[Event7]: ...
    @_t.overload
    def events(self, event: _t.Literal["blob"], /) -> _bs.EventStream[Blob]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:posted"], /) -> _bs.EventStream[Posted]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:reaction"], /) -> _bs.EventStream[Reaction]: ...
    @_t.overload
    def events(self, event: _t.Literal["doc:moved"], /) -> _bs.EventStream[Moved]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)


class DocRoom(_Room):
    """A handle on the room `doc:{doc_id}`.

    Refusals of its requests: `ReadOnlyError`.
    """

    _parameters: _t.ClassVar[_bs.Parameters] = {"doc_id": int}
    _replies: _t.ClassVar[_bs.Replies] = {
        "doc:save": _bs.PayloadType(Receipt),
    }

    @staticmethod
    def of(*, doc_id: int) -> "_bs.RoomName[DocRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(DocRoom, "doc:{doc_id}", {"doc_id": doc_id})

    async def emit(self, event: _SendableInDocRoom[object], /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(
        self, event: _SendableInDocRoom[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply


class LobbyRoom(_Room):
    """A handle on the room `lobby`."""

    @staticmethod
    def of() -> "_bs.RoomName[LobbyRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(LobbyRoom, "lobby", {})

    async def emit(self, event: _SendableInLobbyRoom[object], /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(
        self, event: _SendableInLobbyRoom[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply


_Joined = _t.TypeVar("_Joined", bound=_Room)
_Joined2 = _t.TypeVar("_Joined2", bound=_Room)
_Joined3 = _t.TypeVar("_Joined3", bound=_Room)
_Joined4 = _t.TypeVar("_Joined4", bound=_Room)


class ChatClient(_bs.Client):
    """A client of Chat 1.0.0."""

    contract = CONTRACT
    _credentials: _t.ClassVar[_bs.PayloadType | None] = _bs.PayloadType(Credentials)
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        7: Event7,
        "blob": Blob,
        "chat:posted": Posted,
        "chat:reaction": Reaction,
        "doc:moved": Moved,
    }
    _replies: _t.ClassVar[_bs.Replies] = {
        "chat:post": _bs.PayloadType(Receipt),
        "echo": _bs.PayloadType(str),
    }
    _rooms: _t.ClassVar[_abc.Mapping[str, type[_bs.Room]]] = {
        "doc:{doc_id}": DocRoom,
        "lobby": LobbyRoom,
    }
    _refusals: _t.ClassVar[_bs.Refusals] = (
        MutedError,
        ReadOnlyError,
    )

    def __init__(
        self,
        url: str,
        *,
        auth: _bs.Fresh[Credentials],
        codec: _t.Literal["json", "binary"] | None = None,
        headers: _bs.Headers | None = None,
        ssl_context: _ssl.SSLContext | None = None,
        settings: _bs.ClientSettings | None = None,
    ) -> None:
        super().__init__(
            url,
            auth=auth,
            codec=codec,
            headers=headers,
            ssl_context=ssl_context,
            settings=settings,
        )

    def set_auth(self, auth: _bs.Fresh[Credentials], /) -> None:
        """Use these credentials, or this function that makes them, from the next connection on.

        `reconnect()` makes one with them now.
        """
        self._set_auth(auth)

    @_t.overload
    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...
    @_t.overload
    def on(
        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /
    ) -> _abc.Callable[[_Event], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal[7], /) -> _bs.Listening[Event7]: ...
    @_t.overload
    def on(self, event: _t.Literal["blob"], /) -> _bs.Listening[Blob]: ...
    @_t.overload
    def on(self, event: _t.Literal["chat:posted"], /) -> _bs.Listening[Posted]: ...
    @_t.overload
    def on(self, event: _t.Literal["chat:reaction"], /) -> _bs.Listening[Reaction]: ...
    @_t.overload
    def on(self, event: _t.Literal["doc:moved"], /) -> _bs.Listening[Moved]: ...
    def on(self, event: _t.Any, callback: _t.Any = None, /) -> _t.Any:
        """Have a function called with every such event, as a decorator or at once."""
        return self._on(event, callback)

    @_t.overload
    def off(
        self, event: type[_Event], callback: _abc.Callable[[_Event], object], /
    ) -> None: ...
    @_t.overload
    def off(
        self,
        event: _t.Literal[
            7,
            "blob",
            "chat:posted",
            "chat:reaction",
            "doc:moved",
        ],
        callback: _bs.AnyCallback,
        /,
    ) -> None: ...
    def off(self, event: _t.Any, callback: _t.Any, /) -> None:
        """Call a function no more."""
        self._off(event, callback)

    @_t.overload
    def events(self, event: type[_Event], /) -> _bs.EventStream[_Event]: ...
    @_t.overload
    def events(self, event: _t.Literal[7], /) -> _bs.EventStream[Event7]: ...
    @_t.overload
    def events(self, event: _t.Literal["blob"], /) -> _bs.EventStream[Blob]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:posted"], /) -> _bs.EventStream[Posted]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:reaction"], /) -> _bs.EventStream[Reaction]: ...
    @_t.overload
    def events(self, event: _t.Literal["doc:moved"], /) -> _bs.EventStream[Moved]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)

    async def emit(self, event: _Sendable[object], /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(
        self, event: _Sendable[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply

    @_t.overload
    def join(self, room: _t.Literal["doc:{doc_id}"], /, *, doc_id: int) -> DocRoom: ...
    @_t.overload
    def join(self, room: _t.Literal["lobby"], /) -> LobbyRoom: ...
    def join(self, room: str, /, **parameters: _t.Any) -> _t.Any:
        """Join a room; `await room.ready` waits until it is joined."""
        return self._join(room, parameters)

    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2]: ...
    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        room3: _bs.RoomName[_Joined3],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2 | _Joined3]: ...
    @_t.overload
    def join_all(
        self,
        room1: _bs.RoomName[_Joined],
        room2: _bs.RoomName[_Joined2],
        room3: _bs.RoomName[_Joined3],
        room4: _bs.RoomName[_Joined4],
        /,
    ) -> _bs.RoomGroup[_Joined | _Joined2 | _Joined3 | _Joined4]: ...
    @_t.overload
    def join_all(self, *rooms: _bs.RoomName[_Joined]) -> _bs.RoomGroup[_Joined]: ...
    def join_all(self, *rooms: _t.Any) -> _t.Any:
        """Join several rooms by one message: all of them, or none.

        `await group.ready` waits until they are joined; see `RoomGroup` of `bytesocket_app.client`.
        """
        return self._join_all(rooms)
