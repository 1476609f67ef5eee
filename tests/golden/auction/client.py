# bytesocket Auction 0.1.0 - contract a2878109e8f47c8d - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Auction 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs


class Bid(_bs.ClientEvent, name="bid"):
    """An offer; the highest wins."""

    amount: int


class Look(_bs.ClientEvent, name="look"):
    """Nothing is said of how often it may come."""


class Move(_bs.Event, name="move", volatile=True):
    """A cursor."""

    x: int


class Say(_bs.Event, name="say"):
    """A word to everybody in the room."""

    text: str


CONTRACT = _bs.ClientContract(
    title="Auction",
    path="/ws",
    fingerprint="a2878109e8f47c8d830f4e5583894614958b0bae95fd794fbd38ba6cdac3a184",
    codec="json",
    rates=(
        _bs.EventRate(event="bid", per_second=5.0, burst=10, per="socket"),
        _bs.EventRate(event="move", room="lot:{number}", per_second=20.0, burst=40, per="address"),
        _bs.EventRate(event="say", room="lot:{number}", per_second=0.5, burst=1, per="user"),
    ),
)

_Arriving = _t.TypeVar("_Arriving", bound=Move | Say)
_Returned = _t.TypeVar("_Returned")


class _Room(_bs.Room):
    """A handle on a room."""

    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "move": Move,
        "say": Say,
    }

    @_t.overload
    def on(self, event: type[_Arriving], /) -> _bs.Listening[_Arriving]: ...
    @_t.overload
    def on(
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], _Returned], /
    ) -> _abc.Callable[[_Arriving], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal["move"], /) -> _bs.Listening[Move]: ...
    @_t.overload
    def on(self, event: _t.Literal["say"], /) -> _bs.Listening[Say]: ...
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
    def events(self, event: type[_Arriving], /) -> _bs.EventStream[_Arriving]: ...
    @_t.overload
    def events(self, event: _t.Literal["move"], /) -> _bs.EventStream[Move]: ...
    @_t.overload
    def events(self, event: _t.Literal["say"], /) -> _bs.EventStream[Say]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)


class LotRoom(_Room):
    """A handle on the room `lot:{number}`."""

    async def emit(self, event: Move | Say, /) -> _bs.Outcome:
        """Send an event, or keep it until its rate allows it, or for the next connection.

        What is sent after one that is kept waits behind it; a volatile event is dropped instead.
        """
        return await self._emit(event)


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
    def on(self, event: type[_Arriving], /) -> _bs.Listening[_Arriving]: ...
    @_t.overload
    def on(
        self, event: type[_Arriving], callback: _abc.Callable[[_Arriving], _Returned], /
    ) -> _abc.Callable[[_Arriving], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal["move"], /) -> _bs.Listening[Move]: ...
    @_t.overload
    def on(self, event: _t.Literal["say"], /) -> _bs.Listening[Say]: ...
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
    def events(self, event: type[_Arriving], /) -> _bs.EventStream[_Arriving]: ...
    @_t.overload
    def events(self, event: _t.Literal["move"], /) -> _bs.EventStream[Move]: ...
    @_t.overload
    def events(self, event: _t.Literal["say"], /) -> _bs.EventStream[Say]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)

    async def emit(self, event: Bid | Look, /) -> _bs.Outcome:
        """Send an event, or keep it until its rate allows it, or for the next connection.

        What is sent after one that is kept waits behind it; a volatile event is dropped instead.
        """
        return await self._emit(event)

    @_t.overload
    async def request(self, event: Bid, /, *, timeout: float | None = None) -> int: ...
    @_t.overload
    async def request(self, event: Look, /, *, timeout: float | None = None) -> int: ...
    async def request(self, event: Bid | Look, /, *, timeout: float | None = None) -> _t.Any:
        """Send an event and wait for its reply; see `bytesocket_app.client`."""
        return await self._request(event, timeout)

    def join(self, room: _t.Literal["lot:{number}"], /, *, number: str) -> LotRoom:
        """Join a room; `await room.ready` waits until it is joined."""
        handle: LotRoom = self._join(room, {"number": number})
        return handle
