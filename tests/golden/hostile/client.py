# bytesocket Hostile */   0.1.0 - contract abd888d6da4cce9b - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Hostile */
 0.1.0.
"""

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


class Evil(_bs.Model, _bs.ServerEvent, _Arriving, name="__proto__ */ \"quoted\" \n"):
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """

    model_config = _p.ConfigDict(populate_by_name=True)

    plain: str
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """
    proto__: int = _p.Field(validation_alias="__proto__", serialization_alias="__proto__")
    quo_te_: int = _p.Field(validation_alias="quo\"te\n", serialization_alias="quo\"te\n")


class EvilInput(_bs.Model, _bs.ClientEvent, _Sendable[str], name="__proto__ */ \"quoted\" \n"):
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """

    model_config = _p.ConfigDict(extra="forbid", populate_by_name=True)

    plain: str = "*/"
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """
    proto__: int = _p.Field(default=1, validation_alias="__proto__", serialization_alias="__proto__")
    quo_te_: int = _p.Field(default=2, validation_alias="quo\"te\n", serialization_alias="quo\"te\n")


class NoError(_bs.RequestError, code="*/ no"):
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """


CONTRACT = _bs.ClientContract(
    title="Hostile */ \u2028",
    path="/ws",
    fingerprint="abd888d6da4cce9b4a92b6e45a1f81b417c2bc1ba0bac9e1a927c830a607dfff",
    codec="json",
)
RefusalCode: _t.TypeAlias = _t.Literal["*/ no"]

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class HostileClient(_bs.Client):
    """A client of Hostile */
     0.1.0.
    """

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "__proto__ */ \"quoted\" \n": Evil,
    }
    _replies: _t.ClassVar[_bs.Replies] = {
        "__proto__ */ \"quoted\" \n": _bs.PayloadType(str),
    }
    _refusals: _t.ClassVar[_bs.Refusals] = (
        NoError,
    )

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
    def on(self, event: _t.Literal["__proto__ */ \"quoted\" \n"], /) -> _bs.Listening[Evil]: ...
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
            "__proto__ */ \"quoted\" \n",
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
    def events(self, event: _t.Literal["__proto__ */ \"quoted\" \n"], /) -> _bs.EventStream[Evil]: ...
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
