"""Applications that take unions inside of themselves: as events, in a room, as credentials."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from bytesocket_app import AuthError, ByteSocket, Event, Socket
from tests.support.hostile_app import make


class Row(BaseModel):
    items: "list[Row | Column]" = []


class Column(BaseModel):
    items: "list[Row | Column]" = []


class Layout(Event, name="layout"):
    root: Row | Column


class Either(BaseModel):
    model_config = ConfigDict(strict=True)
    child: "Either | Or | None" = None


class Or(BaseModel):
    model_config = ConfigDict(strict=True)
    child: "Either | Or | None" = None


class Choice(Event, name="choice"):
    of: Either | Or


def layout(levels: int) -> dict[str, Any]:
    """A layout with so many levels of lists and maps, valid but for its depth."""
    row: dict[str, Any] = {}
    for _ in range(levels // 2):
        row = {"items": [row]}
    return {"root": row}


def choice(levels: int) -> dict[str, Any]:
    """A choice with so many levels of maps, valid but for its depth."""
    child: dict[str, Any] = {}
    for _ in range(levels):
        child = {"child": child}
    return {"of": child}


def open_to_all() -> ByteSocket:
    """Make the application that takes them as events."""
    app = make()
    layouts = app.room("layouts")

    @layouts.on(Layout)
    async def relay(event: Layout) -> None:
        """Let the members have it."""

    @app.on(Layout)
    async def take_layout(event: Layout) -> int:
        return len(event.root.items)

    @app.on(Choice)
    async def take_choice(event: Choice) -> bool:
        return event.of.child is not None

    return app


def with_login() -> ByteSocket:
    """Make the application whose credentials hold one."""
    app = make()

    @app.auth
    async def login(_: Socket, credentials: Choice) -> str:
        if credentials.of.child is None:
            raise AuthError("No child.")
        return "ann"

    return app


app = open_to_all()
authenticated = with_login()
