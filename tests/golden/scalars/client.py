# bytesocket Scalars 0.1.0 - contract 602963d0c307fd34 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Scalars 0.1.0."""

import collections.abc as _abc
import datetime as _dt
import decimal as _decimal
import ssl as _ssl
import typing as _t
import uuid as _uuid

import bytesocket_app.client as _bs


class Order(_bs.ClientEvent, name="order"):
    id: _uuid.UUID
    price: _decimal.Decimal
    password: str
    amount: int = 1
    when: _dt.datetime | None = None


class Ordered(_bs.ServerEvent, name="ordered"):
    at: _dt.datetime
    day: _dt.date
    clock: _dt.time
    took: _dt.timedelta
    price: _decimal.Decimal
    address: str
    link: str


CONTRACT = _bs.ClientContract(
    title="Scalars",
    path="/ws",
    fingerprint="602963d0c307fd3405039301672874fd2292d4b28dfa65b0585a43d1b9b36c60",
    codec="json",
)

_Arriving = _t.TypeVar("_Arriving", bound=Ordered)
_Returned = _t.TypeVar("_Returned")


class ScalarsClient(_bs.Client):
    """A client of Scalars 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "ordered": Ordered,
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
    def on(self, event: _t.Literal["ordered"], /) -> _bs.Listening[Ordered]: ...
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
            "ordered",
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
    def events(self, event: _t.Literal["ordered"], /) -> _bs.EventStream[Ordered]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
