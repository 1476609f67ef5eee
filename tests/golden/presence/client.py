# bytesocket Profiles 0.1.0 - contract ecfb2c5417526280 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Profiles 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


class _Arriving:
    """Mark of events that the server sends."""


class Profile(_bs.Model, _bs.ServerEvent, _Arriving, name="profile"):
    """Who somebody is."""

    userName: str
    nickName: str | None
    tags: list[str]
    isAdmin: bool
    """May do anything.

    Deprecated: Ask.
    """
    shownName: str
    """What others see."""


class ProfileInput(_bs.Model, _bs.ClientEvent, name="profile"):
    """Who somebody is."""

    model_config = _p.ConfigDict(extra="forbid")

    userName: str
    nickName: str | None = None
    tags: list[str] | _bs.Unset = _bs.UNSET
    isAdmin: bool = False
    """May do anything.

    Deprecated: Ask.
    """
    passWord: str = ""


CONTRACT = _bs.ClientContract(
    title="Profiles",
    path="/ws",
    fingerprint="ecfb2c54175262800914451c6646134e7a2908e899f66eae0734c0f0d3fa16b3",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class ProfilesClient(_bs.Client):
    """A client of Profiles 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "profile": Profile,
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
    def on(self, event: _t.Literal["profile"], /) -> _bs.Listening[Profile]: ...
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
            "profile",
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
    def events(self, event: _t.Literal["profile"], /) -> _bs.EventStream[Profile]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
