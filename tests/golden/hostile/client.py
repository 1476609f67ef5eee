# bytesocket Hostile */   0.1.0 - contract dddf032592f34006 - generated, do not edit
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


class Evil(_bs.ServerEvent, name="__proto__ */ \"quoted\" \n"):
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


class EvilInput(_bs.ClientEvent, name="__proto__ */ \"quoted\" \n"):
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """

    model_config = _p.ConfigDict(populate_by_name=True)

    plain: str = "*/"
    """*/ }
    @ts-expect-error
     `${x}` ''' \\ // @ts-ignore
    """
    proto__: int = _p.Field(default=1, validation_alias="__proto__", serialization_alias="__proto__")
    quo_te_: int = _p.Field(default=2, validation_alias="quo\"te\n", serialization_alias="quo\"te\n")


CONTRACT = _bs.ClientContract(
    title="Hostile */ \u2028",
    path="/ws",
    fingerprint="dddf032592f340061be2171010eb09a913bddc8366c27d3647ccacf4c7b6a3f2",
    codec="json",
)
RefusalCode: _t.TypeAlias = _t.Literal["*/ no"]

_Arriving = _t.TypeVar("_Arriving", bound=Evil)
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
    def on(self, event: _t.Literal["__proto__ */ \"quoted\" \n"], /) -> _bs.Listening[Evil]: ...
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
            "__proto__ */ \"quoted\" \n",
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
    def events(self, event: _t.Literal["__proto__ */ \"quoted\" \n"], /) -> _bs.EventStream[Evil]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)

    async def emit(self, event: EvilInput, /) -> _bs.Outcome:
        """Send an event, or keep it for the next connection."""
        return await self._emit(event)

    async def request(self, event: EvilInput, /, *, timeout: float | None = None) -> str:
        """Send an event and wait for its reply; see `bytesocket_app.client`."""
        reply: str = await self._request(event, timeout)
        return reply
