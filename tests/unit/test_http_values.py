"""FastAPI's `Query()`, `Header()` and `Cookie()` mean the handshake's, in every function."""

from typing import Annotated, Any

import pytest
from fastapi import Cookie, Header, Path, Query
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from bytesocket_app import AuthError, ByteSocket, ConfigurationError, Depends, Handshake, Socket
from bytesocket_app.errors import Refusal, RequestError
from bytesocket_app.testing import TestClient
from tests.support.asgi import Call, socket_scope
from tests.support.dependencies import call
from tests.support.talk import Say, talk

pytestmark = pytest.mark.anyio

SHAKE = Handshake(
    "/ws",
    query="limit=3&tag=a&tag=b&q=",
    headers={"x-token": "secret", "user_agent_": "me", "cookie": "session=s1; size=7"},
)


async def test_each_is_read_where_it_is() -> None:
    async def asks(  # noqa: PLR0913, PLR0917 - one of each kind
        limit: Annotated[int, Query(ge=1)],
        tag: Annotated[list[str], Query()],
        x_token: Annotated[str, Header()],
        session: Annotated[str | None, Cookie()] = None,
        other: Annotated[str | None, Cookie()] = None,
        fallback: Annotated[int, Query(default_factory=lambda: 9)] = 8,
        made: list[str] = Query(default_factory=list),  # noqa: B008 - as FastAPI's older users write
        old: int = Query(5),
        size: int = Cookie(...),
        empty: str = Query("unused", alias="q"),
        odd: str = Header("", alias="user_agent_", convert_underscores=False),
    ) -> Any:
        return limit, tag, x_token, session, other, fallback, made, old, size, empty, odd

    async def handler(found: Annotated[Any, Depends(asks)]) -> Any:
        return found

    assert await call(handler, handshake=SHAKE) == (
        *(3, ["a", "b"], "secret", "s1", None, 8, [], 5, 7, "", "me"),
    )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Annotated[int, Query(ge=4, alias="limit")], "The query 'limit': Input should be greater"),
        (Annotated[int, Header(alias="X-Token")], "The header 'X-Token': Input should be a valid"),
        (Annotated[str, Cookie()], "The handshake lacks the cookie 'value'"),
        (Annotated[str, Header()], "The handshake lacks the header 'value'"),
    ],
)
async def test_what_does_not_fit_is_refused_without_being_repeated(kind: Any, message: str) -> None:
    async def handler(value: Any) -> None: ...

    handler.__annotations__["value"] = kind
    with pytest.raises(Refusal, match=message) as refused:
        await call(handler, handshake=SHAKE)
    assert refused.value.code == "invalid"
    assert "secret" not in refused.value.message


def cookie_or_token(
    session: Annotated[str | None, Cookie()] = None, token: Annotated[str | None, Query()] = None
) -> str:
    """As the routes of an existing application have it."""
    if session is None and token is None:
        raise AuthError("Log in first.")
    return session or token or ""


async def by_dependency(user: Annotated[str, Depends(cookie_or_token)]) -> str:
    return user


async def by_cookie(session: Annotated[str, Cookie()]) -> str:
    return session


def guarded(authenticate: Any) -> ByteSocket:
    app = talk()
    app.auth(authenticate)

    @app.on(Say)
    async def say(socket: Socket[str], session: Annotated[str, Cookie()]) -> str:
        return f"{socket.user} {session}"

    return app


async def by_connection(connection: HTTPConnection) -> str:
    if "session" not in connection.cookies:
        raise AuthError("Log in first.")
    return connection.cookies["session"]


@pytest.mark.parametrize("authenticate", [by_dependency, by_cookie, by_connection])
async def test_authentication_is_by_the_handshake(authenticate: Any) -> None:
    app = guarded(authenticate)
    assert app.contract().document["auth"] == {"via": "handshake"}
    async with TestClient(app, headers={"cookie": "session=ann"}) as client:
        assert await client.request(Say(text=""), str) == "ann ann"
    with pytest.raises(RequestError):
        async with TestClient(app):
            raise AssertionError


async def test_over_a_server_the_query_counts_too() -> None:
    app, scope = guarded(by_dependency), socket_scope("/ws", query_string=b"token=bob")
    connection = Call(app, scope)
    connection.tell("websocket.connect")
    connection.tell("websocket.disconnect")
    await connection.run()
    assert connection.kinds() == ["accept"]


async def test_a_paths_parameter_is_the_rooms() -> None:
    app, seen = talk(), list[int]()

    def doubled(doc_id: Annotated[int, Path(ge=1)]) -> int:
        return doc_id * 2

    @app.room("doc:{doc_id}").guard
    async def guard(twice: Annotated[int, Depends(doubled)]) -> None:
        seen.append(twice)

    async with TestClient(app) as client:
        await client.join("doc:4")
        with pytest.raises(RequestError) as refused:
            await client.join("doc:0")
    assert (seen, refused.value.code) == ([8], "invalid")


async def test_a_model_of_several_is_not_read() -> None:
    class Filters(BaseModel):
        limit: int = 3

    def filtered(filters: Annotated[Filters, Query()]) -> None: ...

    async def handler(x: Annotated[None, Depends(filtered)]) -> None: ...

    with pytest.raises(ConfigurationError, match="nothing serves the parameter `filters"):
        await call(handler)
