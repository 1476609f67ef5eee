# bytesocket Auction 0.1.0 - contract 3ddcf5f8d554e205 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Auction 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


_Reply_co = _t.TypeVar("_Reply_co", covariant=True)


class _Sendable(_t.Generic[_Reply_co]):
    """Mark of events that a client may send outside rooms, and of their reply there."""


class _SendableInLotRoom(_t.Generic[_Reply_co]):
    """Mark of events that a client may send into `lot:{number}`, and of their reply there."""


class _Arriving:
    """Mark of events that the server sends."""


class Bid(_bs.Model, _bs.ClientEvent, _Sendable[int], name="bid"):
    """An offer; the highest wins."""

    model_config = _p.ConfigDict(extra="forbid")

    amount: int


class Look(_bs.Model, _bs.ClientEvent, _Sendable[int], name="look"):
    """Nothing is said of how often it may come."""

    model_config = _p.ConfigDict(extra="forbid")


class Move(_bs.Model, _bs.Event, _Arriving, _SendableInLotRoom[None], _bs.Into["LotRoom"], name="move", volatile=True):
    """A cursor."""

    x: int


class Say(_bs.Model, _bs.Event, _Arriving, _SendableInLotRoom[None], _bs.Into["LotRoom"], name="say"):
    """A word to everybody in the room."""

    text: str


CONTRACT = _bs.ClientContract(
    title="Auction",
    path="/ws",
    fingerprint="3ddcf5f8d554e2056ea025bbfd5c8d099a2db2be2095159f306d51d693a0614e",
    codec="json",
    rates=(
        _bs.EventRate(event="bid", per_second=5.0, burst=10, per="socket"),
        _bs.EventRate(event="move", room="lot:{number}", per_second=20.0, burst=40, per="address"),
        _bs.EventRate(event="say", room="lot:{number}", per_second=0.5, burst=1, per="user"),
    ),
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class _Room(_bs.Room):
    """A handle on a room."""

    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "move": Move,
        "say": Say,
    }

    @_t.overload
    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...
    @_t.overload
    def on(
        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /
    ) -> _abc.Callable[[_Event], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal["move"], /) -> _bs.Listening[Move]: ...
    @_t.overload
    def on(self, event: _t.Literal["say"], /) -> _bs.Listening[Say]: ...
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
            "move",
            "say",
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
    def events(self, event: _t.Literal["move"], /) -> _bs.EventStream[Move]: ...
    @_t.overload
    def events(self, event: _t.Literal["say"], /) -> _bs.EventStream[Say]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)


class LotRoom(_Room):
    """A handle on the room `lot:{number}`."""

    _parameters: _t.ClassVar[_bs.Parameters] = {"number": str}

    @staticmethod
    def of(*, number: str) -> "_bs.RoomName[LotRoom]":
        """Name such a room, to join several at once by `join_all`."""
        return _bs.RoomName(LotRoom, "lot:{number}", {"number": number})

    async def emit(self, event: _SendableInLotRoom[object], /) -> _bs.Outcome:
        """Send an event, or keep it until its rate allows it, or for the next connection.

        What is sent after one that is kept waits behind it; a volatile event is dropped instead.
        """
        return await self._emit(event)

    async def request(
        self, event: _SendableInLotRoom[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply


_Joined = _t.TypeVar("_Joined", bound=_Room)


class AuctionClient(_bs.Client):
    """A client of Auction 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "move": Move,
        "say": Say,
    }
    _replies: _t.ClassVar[_bs.Replies] = {
        "bid": _bs.PayloadType(int),
        "look": _bs.PayloadType(int),
    }
    _rooms: _t.ClassVar[_abc.Mapping[str, type[_bs.Room]]] = {
        "lot:{number}": LotRoom,
    }

    def __init__(
        self,
        url: str,
        *,
        codec: _t.Literal["json", "binary"] | None = None,
        headers: _bs.Headers | None = None,
        ssl_context: _ssl.SSLContext | None = None,
        settings: _bs.ClientSettings | None = None,
    ) -> None:
        super().__init__(
            url,
            codec=codec,
            headers=headers,
            ssl_context=ssl_context,
            settings=settings,
        )

    @_t.overload
    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...
    @_t.overload
    def on(
        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /
    ) -> _abc.Callable[[_Event], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal["move"], /) -> _bs.Listening[Move]: ...
    @_t.overload
    def on(self, event: _t.Literal["say"], /) -> _bs.Listening[Say]: ...
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
            "move",
            "say",
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
    def events(self, event: _t.Literal["move"], /) -> _bs.EventStream[Move]: ...
    @_t.overload
    def events(self, event: _t.Literal["say"], /) -> _bs.EventStream[Say]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)

    async def emit(self, event: _Sendable[object], /) -> _bs.Outcome:
        """Send an event, or keep it until its rate allows it, or for the next connection.

        What is sent after one that is kept waits behind it; a volatile event is dropped instead.
        """
        return await self._emit(event)

    async def request(
        self, event: _Sendable[_Reply_co], /, *, timeout: float | None = None
    ) -> _Reply_co:
        """Send an event and wait for its reply; see `bytesocket_app.client`.

        An event without a reply is answered with None.
        """
        reply: _Reply_co = await self._request(event, timeout)
        return reply

    @_bs.joins
    def join(self, room: _t.Literal["lot:{number}"], /, *, number: str) -> LotRoom:
        """Join a room; `await room.ready` waits until it is joined."""
        handle: LotRoom = self._join(room, {"number": number})
        return handle

    def join_all(self, *rooms: _bs.RoomName[_Joined]) -> _bs.RoomGroup[_Joined]:
        """Join several rooms by one message: all of them, or none.

        `await group.ready` waits until they are joined; see `RoomGroup` of `bytesocket_app.client`.
        """
        return self._join_all(rooms)
