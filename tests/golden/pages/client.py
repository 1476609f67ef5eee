# bytesocket Pages 0.1.0 - contract ce2219228b6cb777 - generated, do not edit
# ruff: noqa: I001
# fmt: off
"""The client of Pages 0.1.0."""

import collections.abc as _abc
import ssl as _ssl
import typing as _t

import bytesocket_app.client as _bs
import pydantic as _p


class _Arriving:
    """Mark of events that the server sends."""


class CartItemInput(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    count: int = 1


class Tree(_bs.Model):
    model_config = _p.ConfigDict(extra="forbid")

    name: "str"
    children: "list[Tree] | _bs.Unset" = _bs.UNSET


class Add(_bs.Model, _bs.ClientEvent, name="add"):
    model_config = _p.ConfigDict(extra="forbid")

    item: CartItemInput
    tree: Tree | None = None


class CartItem(_bs.Model):
    count: int


class PageOfCartItem(_bs.Model):
    """One page of many."""

    items: "list[CartItem]"
    next: "PageOfCartItem | None"


class ShopItem(_bs.Model):
    price: int


class PageOfShopItem(_bs.Model):
    """One page of many."""

    items: "list[ShopItem]"
    next: "PageOfShopItem | None"


class Listed(_bs.Model, _bs.ServerEvent, _Arriving, name="listed"):
    shop: PageOfShopItem
    cart: PageOfCartItem


Tree.model_rebuild()
PageOfCartItem.model_rebuild()
PageOfShopItem.model_rebuild()


CONTRACT = _bs.ClientContract(
    title="Pages",
    path="/ws",
    fingerprint="ce2219228b6cb777d67149315986eca8be09b0034e56f5f43d24ac331a5cb643",
    codec="json",
)

_Event = _t.TypeVar("_Event", bound=_Arriving)
_Returned = _t.TypeVar("_Returned")


class PagesClient(_bs.Client):
    """A client of Pages 0.1.0."""

    contract = CONTRACT
    _arriving: _t.ClassVar[_bs.EventClasses] = {
        "listed": Listed,
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
    def on(self, event: _t.Literal["listed"], /) -> _bs.Listening[Listed]: ...
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
            "listed",
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
    def events(self, event: _t.Literal["listed"], /) -> _bs.EventStream[Listed]: ...
    def events(self, event: _t.Any, /) -> _bs.EventStream[_t.Any]:
        """Iterate over such events, from now on."""
        return self._events(event)
