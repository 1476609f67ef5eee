"""Generics, recursion, and classes of one name in two places."""

from typing import Generic, TypeVar

from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, ServerEvent

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """One page of many."""

    items: list[T]
    next: "Page[T] | None" = None


class Shop:
    class Item(BaseModel):
        price: int


class Cart:
    class Item(BaseModel):
        count: int = 1


class Tree(BaseModel):
    name: str
    children: "list[Tree]" = []


class Listed(ServerEvent):
    shop: Page[Shop.Item]
    cart: Page[Cart.Item]


class Add(ClientEvent):
    item: Cart.Item
    tree: Tree | None = None


app = ByteSocket(title="Pages", events=[Listed, Add])
