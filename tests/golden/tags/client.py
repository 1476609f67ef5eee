# bytesocket Shapes 0.1.0 - contract 7f3c1803d44b495b - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Shapes 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p
import typing_extensions as _te


class _Arriving:
    """Mark of events that the server sends."""


class Circle(_bs.Model):
    kind: _t.Literal["circle"]
    radius: float


class CircleInput(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    kind: _t.Literal["circle"] = "circle"
    radius: float

    @_te.override
    def model_post_init(self, context: _t.Any, /) -> None:
        self.model_fields_set.update(("kind",))


class Square(_bs.Model):
    kind: _t.Literal["polygon"]
    corners: _t.Literal[4]
    side: float


class Triangle(_bs.Model):
    kind: _t.Literal["polygon"]
    corners: _t.Literal[3]
    sides: tuple[float, float, float]


class Draw(_bs.Model, _bs.ServerEvent, _Arriving, name="draw"):
    shape: Circle | Square | Triangle
    below: list[Circle | Square | Triangle]


class SquareInput(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    kind: _t.Literal["polygon"] = "polygon"
    corners: _t.Literal[4] = 4
    side: float

    @_te.override
    def model_post_init(self, context: _t.Any, /) -> None:
        self.model_fields_set.update(("kind", "corners",))


class TriangleInput(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    kind: _t.Literal["polygon"] = "polygon"
    corners: _t.Literal[3] = 3
    sides: tuple[float, float, float]

    @_te.override
    def model_post_init(self, context: _t.Any, /) -> None:
        self.model_fields_set.update(("kind", "corners",))


class DrawInput(_bs.Model, _bs.ClientEvent, name="draw"):
    model_config = _p.ConfigDict(extra="forbid")

    shape: CircleInput | SquareInput | TriangleInput
    below: list[CircleInput | SquareInput | TriangleInput] | _bs.Unset = _bs.UNSET


CONTRACT = _bs.ClientContract(
    title="Shapes",
    path="/ws",
    fingerprint="7f3c1803d44b495bd440ef75de09f951e7a117fab75b2aafaf547aa13053c791",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class ShapesClient(_bs.Client):
    """A client of Shapes 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "draw": Draw,
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
    def on(self, event: _t.Literal["draw"], /) -> _bs.Listening[Draw]: ...
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
            "draw",
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
    def events(self, event: _t.Literal["draw"], /) -> _bs.EventStream[Draw]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
