# bytesocket Extras 0.1.0 - contract 1d1e025edca183e2 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Extras 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t
import uuid as _uuid

import bytesocket_app.client as _bs
import pydantic as _p


class _Arriving:
    """Mark of events that the server sends."""


class Address(_bs.Model):
    model_config = _p.ConfigDict(extra="allow")

    street: str
    number: int


class AddressInput(_bs.Model):
    model_config = _p.ConfigDict(extra="allow")

    street: str
    number: int = 1


class Options(_bs.Model):
    model_config = _p.ConfigDict(extra="allow")

    verbose: bool | _bs.Unset = _bs.UNSET


Point: _t.TypeAlias = tuple[int, int]


class Open(_bs.Model, _bs.ServerEvent, _Arriving, name="open"):
    model_config = _p.ConfigDict(extra="allow")

    by_id: dict[_uuid.UUID, Point]
    by_number: dict[int, str]
    unique: set[str]
    options: Options
    address: Address | None
    anything: _t.Any


PointInput: _t.TypeAlias = tuple[int] | tuple[int, int]


class OpenInput(_bs.Model, _bs.ClientEvent, name="open"):
    model_config = _p.ConfigDict(extra="allow")

    by_id: dict[_uuid.UUID, PointInput] | _bs.Unset = _bs.UNSET
    by_number: dict[int, str] | _bs.Unset = _bs.UNSET
    unique: set[str] | _bs.Unset = _bs.UNSET
    options: Options | _bs.Unset = _bs.UNSET
    address: AddressInput | None = None
    anything: _t.Any | _bs.Unset = _bs.UNSET


CONTRACT = _bs.ClientContract(
    title="Extras",
    path="/ws",
    fingerprint="1d1e025edca183e2bb1ffb2f39d7cba14b5d182e683f3d2611b9ba074234889d",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class ExtrasClient(_bs.Client):
    """A client of Extras 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "open": Open,
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
    def on(self, event: _t.Literal["open"], /) -> _bs.Listening[Open]: ...
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
            "open",
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
    def events(self, event: _t.Literal["open"], /) -> _bs.EventStream[Open]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
