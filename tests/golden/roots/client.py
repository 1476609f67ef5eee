# bytesocket Roots 0.1.0 - contract 212276e17777e04e - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Roots 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


_Reply_co = _t.TypeVar("_Reply_co", covariant=True)


class _Sendable(_t.Generic[_Reply_co]):
    """Mark of events that a client may send outside rooms, and of their reply there."""


class _Arriving:
    """Mark of events that the server sends."""


class Event7(_bs.Event, _p.RootModel[int], _Arriving, name=7):
    pass


class Either(_bs.ClientEvent, _p.RootModel[int | str], _Sendable[bool], name="either"):
    pass


class ListOfAll(_bs.ServerEvent, _p.RootModel[list[dict[str, int | None]]], _Arriving, name="list of all"):
    pass


class NoneEvent(_bs.Event, _p.RootModel[None], _Arriving, name="none"):
    pass


class Plain(_bs.ClientEvent, _p.RootModel[tuple[int, str]], _Sendable[str], name="plain"):
    pass


CONTRACT = _bs.ClientContract(
    title="Roots",
    path="/ws",
    fingerprint="212276e17777e04e861107bcfd79598d7a146cef313c26fdedc11ecd1caf2514",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class RootsClient(_bs.Client):
    """A client of Roots 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        7: Event7,
        "list of all": ListOfAll,
        "none": NoneEvent,
    }
    _replies: _t.ClassVar[_bs.Replies] = {
        "either": _bs.PayloadType(bool),
        "plain": _bs.PayloadType(str),
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
    def on(self, event: _t.Literal[7], /) -> _bs.Listening[Event7]: ...
    @_t.overload
    def on(self, event: _t.Literal["list of all"], /) -> _bs.Listening[ListOfAll]: ...
    @_t.overload
    def on(self, event: _t.Literal["none"], /) -> _bs.Listening[NoneEvent]: ...
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
            "list of all",
            "none",
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
    def events(self, event: _t.Literal["list of all"], /) -> _bs.EventStream[ListOfAll]: ...
    @_t.overload
    def events(self, event: _t.Literal["none"], /) -> _bs.EventStream[NoneEvent]: ...
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
