# bytesocket Chat 1.2.0 - contract 8f799435f62d552d - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Chat 1.2.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t
import uuid as _uuid

import bytesocket_app.client as _bs
import pydantic as _p


class Credentials(_p.BaseModel):
    token: str


class Move(_bs.ClientEvent, name="doc:move", volatile=True):
    x: float
    y: float


class Moved(_bs.ServerEvent, name="doc:moved", volatile=True):
    user: str
    x: float
    y: float


class Mute(_p.BaseModel):
    seconds: int


class Post(_bs.ClientEvent, name="chat:post"):
    """Ask the server to post a message."""

    text: str
    reply_to: int | None = None


class Posted(_bs.ServerEvent, name="chat:posted"):
    author: str
    text: str


class Reaction(_bs.Event, name="chat:reaction"):
    emoji: str


class Receipt(_p.BaseModel):
    message_id: int


CONTRACT = _bs.ClientContract(
    title="Chat",
    path="/chat",
    fingerprint="8f799435f62d552d6deadd483791bf2a8f2b90a67621c21fb5e3302305cfbc35",
    codec="json",
)
RefusalCode: _t.TypeAlias = _t.Literal["muted"]

_Arriving = _t.TypeVar("_Arriving", bound=Posted | Reaction | Moved)
_Returned = _t.TypeVar("_Returned")


class _Room(_bs.Room):
    """A handle on a room."""

    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "chat:posted": Posted,
        "chat:reaction": Reaction,
        "doc:moved": Moved,
    }

    @_t.overload
    def on(self, event: type[_Arriving], /) -> _bs.Listening[_Arriving]: ...
    @_t.overload
    def on(
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], _Returned], /
    ) -> _abc.Callable[[_Arriving], _Returned]: ...
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
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], object], /
    ) -> None: ...
    @_t.overload
    def off(
        self,
        event: _t.Literal[
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
    def events(self, event: type[_Arriving], /) -> _bs.EventStream[_Arriving]: ...
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
    """A handle on the room `doc:{doc_id}`."""

    async def emit(self, event: Move, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)


class LobbyRoom(_Room):
    """A handle on the room `lobby`."""

    async def emit(self, event: Reaction, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)


class ChatClient(_bs.Client):
    """A client of Chat 1.2.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "chat:posted": Posted,
        "chat:reaction": Reaction,
        "doc:moved": Moved,
    }
    _replies: _t.ClassVar[_bs.Replies] = {
        "chat:post": _bs.PayloadType(Receipt),
    }
    _rooms: _t.ClassVar[_abc.Mapping[str, type[_bs.Room]]] = {
        "doc:{doc_id}": DocRoom,
        "lobby": LobbyRoom,
    }

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

    @_t.overload
    def on(self, event: type[_Arriving], /) -> _bs.Listening[_Arriving]: ...
    @_t.overload
    def on(
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], _Returned], /
    ) -> _abc.Callable[[_Arriving], _Returned]: ...
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
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], object], /
    ) -> None: ...
    @_t.overload
    def off(
        self,
        event: _t.Literal[
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
    def events(self, event: type[_Arriving], /) -> _bs.EventStream[_Arriving]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:posted"], /) -> _bs.EventStream[Posted]: ...
    @_t.overload
    def events(self, event: _t.Literal["chat:reaction"], /) -> _bs.EventStream[Reaction]: ...
    @_t.overload
    def events(self, event: _t.Literal["doc:moved"], /) -> _bs.EventStream[Moved]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)

    async def emit(self, event: Post, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(self, event: Post, /, *, timeout: float | None = None) -> Receipt:
        """Send an event and wait for its reply; see `bytesocket_app.client`."""
        reply: Receipt = await self._request(event, timeout)
        return reply

    @_t.overload
    def join(self, room: _t.Literal["doc:{doc_id}"], /, *, doc_id: _uuid.UUID) -> DocRoom: ...
    @_t.overload
    def join(self, room: _t.Literal["lobby"], /) -> LobbyRoom: ...
    def join(self, room: str, /, **parameters: _t.Any) -> _t.Any:
        """Join a room; `await room.ready` waits until it is joined."""
        return self._join(room, parameters)
