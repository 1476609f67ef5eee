"""Users that authentication never returns are not waited for: the application does not start."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, NewType, Protocol, TypedDict

import pytest
from typing_extensions import TypeAliasType

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Depends,
    Handshake,
    Hook,
    Socket,
)
from bytesocket_app.testing import TestClient
from bytesocket_app.transports.lifespan import LifespanError, run_lifespan
from tests.support.asgi import Call, socket_scope
from tests.support.talk import Say, Wave, talk

pytestmark = pytest.mark.anyio


class Named(Protocol):
    name: str


class Row(TypedDict):
    name: str


@dataclass
class User:
    name: str


class Admin(User): ...


Alias = TypeAliasType("Alias", User)
Key = NewType("Key", int)


def application(result: Any, user: Any) -> ByteSocket:
    """An application whose authentication returns one, and whose handler asks for the other."""
    app = talk(serialization="json")

    async def authenticate(handshake: Handshake) -> Any:
        return None

    async def say(socket: Socket[Any], event: Say) -> None: ...

    authenticate.__annotations__["return"] = result
    say.__annotations__["socket"] = Socket[user]
    app.auth(authenticate)
    app.on(Say)(say)
    return app


@pytest.mark.parametrize(
    ("result", "user"),
    [
        (User, User),
        (Admin, User),
        (User, Admin),
        (Alias, User),
        (Annotated[User, 1], User | None),
        (User | str, User | str),
        (User | str, object),
        (Any, User),
        (User, Any),
        (User, Named),
        (dict[str, Any], Row),
        (dict[str, Any], dict[str, str]),
        (Key, int),
        (int, float),
        (Awaitable[User], User),
        (None, None),
    ],
)
async def test_what_may_fit_starts(result: Any, user: Any) -> None:
    async with TestClient(application(result, user)):
        pass


@pytest.mark.parametrize(
    ("result", "user"),
    [
        (str, User),
        (None, User),
        (User | None, User),
        (User, str | None),
        (list[User], User),
        (Key, str),
        (Alias, int),
    ],
)
async def test_what_cannot_is_refused_at_the_start_with_both_places(result: Any, user: Any) -> None:
    app = application(result, user)
    with pytest.raises(ConfigurationError, match=r"Socket\[.* authentication returns") as refused:
        async with TestClient(app):
            raise AssertionError
    assert str(refused.value).count("test_user_types.py:") == 2
    with pytest.raises(ConfigurationError):
        async with app.running():
            raise AssertionError
    with pytest.raises(LifespanError, match="asks for Socket"):
        async with run_lifespan(app, {}, timeout=5):
            raise AssertionError


async def test_without_a_life_the_first_connection_is_told() -> None:
    call = Call(application(str, User), socket_scope("/ws"))
    call.tell("websocket.connect")
    with pytest.raises(ConfigurationError, match="asks for Socket"):
        await call.run()
    assert not call.sent


def wrong(socket: Socket[User]) -> None: ...


async def through(nothing: Annotated[None, Depends(wrong)]) -> None: ...


PLACES: list[Callable[[ByteSocket], Hook]] = [
    lambda app: app.room("x").guard,
    lambda app: app.room("x").on_leave,
    lambda app: app.room("x").on(Wave),
    lambda app: app.lifecycle.open,
]


@pytest.mark.parametrize(
    ("place", "function"), [*((place, wrong) for place in PLACES), (PLACES[0], through)]
)
async def test_every_function_with_a_socket_counts(
    place: Callable[[ByteSocket], Hook], function: Callable[..., Any]
) -> None:
    app = application(str, Any)
    async with TestClient(app):
        pass
    place(app)(function)
    with pytest.raises(ConfigurationError, match=r"asks for Socket\[User\]"):
        async with TestClient(app):
            raise AssertionError


async def test_an_application_without_a_promise_keeps_none() -> None:
    app = talk()

    @app.on(Say)
    async def say(socket: Socket[User], event: Say) -> None: ...

    async with TestClient(app):
        pass

    async def authenticate(handshake: Handshake) -> None: ...

    del authenticate.__annotations__["return"]
    app.auth(authenticate)
    async with TestClient(app):
        pass
