# bytesocket Scalars 0.1.0 - contract 4fc00d8e3eb31395 - generated, do not edit
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
import pydantic as _p


class _Arriving:
    """Mark of events that the server sends."""


class Order(_bs.Model, _bs.ClientEvent, name="order"):
    model_config = _p.ConfigDict(extra="forbid")

    id: _uuid.UUID
    price: _decimal.Decimal
    password: str
    amount: int = 1
    when: _dt.datetime | None = None


class Ordered(_bs.Model, _bs.ServerEvent, _Arriving, name="ordered"):
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
    fingerprint="4fc00d8e3eb3139532388efdbcd55a488103ac7b8b15dfb0f8c487b231df5c23",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
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
    def on(self, event: type[_Event], /) -> _bs.Listening[_Event]: ...
    @_t.overload
    def on(
        self, event: type[_Event], callback: _abc.Callable[[_Event], _Returned], /
    ) -> _abc.Callable[[_Event], _Returned]: ...
    @_t.overload
    def on(self, event: _t.Literal["ordered"], /) -> _bs.Listening[Ordered]: ...
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
            "ordered",
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
    def events(self, event: _t.Literal["ordered"], /) -> _bs.EventStream[Ordered]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
