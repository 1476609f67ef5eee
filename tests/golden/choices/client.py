# bytesocket Choices 0.1.0 - contract d1b419625ba56bf3 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Choices 0.1.0."""

import collections.abc as _abc
import enum as _enum
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


class _Arriving:
    """Mark of events that the server sends."""


class Color(_enum.StrEnum):
    RED = "red"
    GREEN = "green"
    """What a light may show."""


class Priority(_enum.IntEnum):
    low = 1
    high = 2


Rights: _t.TypeAlias = int


class Choice(_bs.Model, _bs.ServerEvent, _Arriving, name="choice"):
    color: Color
    priority: Priority
    rights: Rights
    mode: _t.Literal["off", "on", 0] | None
    lights: dict[Color, bool]


class ChoiceInput(_bs.Model, _bs.ClientEvent, name="choice"):
    model_config = _p.ConfigDict(extra="forbid")

    color: Color
    priority: Priority | _bs.Unset = _bs.UNSET
    rights: Rights | _bs.Unset = _bs.UNSET
    mode: _t.Literal["off", "on", 0] | None = None
    lights: dict[Color, bool] | _bs.Unset = _bs.UNSET


CONTRACT = _bs.ClientContract(
    title="Choices",
    path="/ws",
    fingerprint="d1b419625ba56bf3c9eac7cb85f7e81815fb5a8a825235cc2fb78b9ff855eeee",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class ChoicesClient(_bs.Client):
    """A client of Choices 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "choice": Choice,
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
    def on(self, event: _t.Literal["choice"], /) -> _bs.Listening[Choice]: ...
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
            "choice",
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
    def events(self, event: _t.Literal["choice"], /) -> _bs.EventStream[Choice]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
