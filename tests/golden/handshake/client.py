# bytesocket Notices 0.1.0 - contract 9fb0184fbb9f55fa - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Notices 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs


class Notice(_bs.ServerEvent, name="notice"):
    """Something happened."""

    text: str


CONTRACT = _bs.ClientContract(
    title="Notices",
    path="/ws",
    fingerprint="9fb0184fbb9f55fa2a0e59bd2077dbfba0b827cdd8d6369bd80f27ed6031299a",
    codec="json",
)

_Arriving = _t.TypeVar("_Arriving", bound=Notice)
_Returned = _t.TypeVar("_Returned")


class NoticesClient(_bs.Client):
    """A client of Notices 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "notice": Notice,
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
    def on(self, event: _t.Literal["notice"], /) -> _bs.Listening[Notice]: ...
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
            "notice",
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
    def events(self, event: _t.Literal["notice"], /) -> _bs.EventStream[Notice]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
