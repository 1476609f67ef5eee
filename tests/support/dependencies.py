"""Dependencies to ask for, and a call of a function that does, without an application."""

from collections.abc import AsyncGenerator, Callable
from types import SimpleNamespace
from typing import Annotated, Any

import fastapi
from starlette.requests import HTTPConnection
from typing_extensions import TypeAliasType

from bytesocket_app import (
    ClientEvent,
    Depends,
    Handshake,
    Settings,
    Socket,
    Timeouts,
)
from bytesocket_app.dependencies import bind
from bytesocket_app.signature import Offer, by_type


class Post(ClientEvent, name="post"):
    """Ask for something."""

    text: str = ""


class Session:
    """A database session, as far as the tests go."""

    def __init__(self) -> None:
        self.log: list[str] = []


LOG: list[str] = []


async def get_session() -> AsyncGenerator[Session]:
    """An existing dependency of HTTP routes."""
    session = Session()
    LOG.append("begin")
    try:
        yield session
    except BaseException as exc:
        LOG.append(f"rollback {type(exc).__name__}")
        raise
    else:
        LOG.append("commit")
    finally:
        LOG.append("close")


SessionDep = Annotated[Session, fastapi.Depends(get_session)]


async def get_user(connection: HTTPConnection, session: SessionDep) -> str:
    """FastAPI's way to know who is there."""
    assert isinstance(session, Session)
    return connection.cookies.get("user", "nobody")


CurrentUser = Annotated[str, fastapi.Depends(get_user)]


def one() -> int:
    """Something simple."""
    return 1


One = Annotated[int, Depends(one)]


MADE: list[int] = []


async def count() -> int:
    """Another value each time."""
    MADE.append(len(MADE))
    return MADE[-1]


Count = Annotated[int, Depends(count)]
Alias = TypeAliasType("Alias", Annotated[int, Depends(one)])

OFFERS = (
    Offer("the socket (Socket)", by_type(Socket, "socket")),
    Offer("the event", lambda _, a: a is Post, last=True),
)


def fake_app(close: float = 1.0) -> Any:
    """An application, as far as a call looks at it."""
    return SimpleNamespace(
        dependency_overrides={}, settings=Settings(timeouts=Timeouts(close=close))
    )


def fake_socket(app: Any = None, handshake: Handshake | None = None) -> Any:
    """A socket, as far as a call looks at it."""
    return SimpleNamespace(app=app or fake_app(), handshake=handshake or Handshake("/ws"))


async def call(function: Callable[..., Any], *, app: Any = None, **more: Any) -> Any:
    """Bind a function and call it once."""
    bound = bind(function, OFFERS, role="a handler")
    return await bound.invoke(fake_socket(app, **more), Post(text="hi"))
