"""Dependencies: made for each call, of every kind, and shared within it."""

import threading
from collections.abc import Generator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import fastapi
import pytest
from starlette.requests import HTTPConnection, Request
from starlette.websockets import WebSocket

from bytesocket_app import (
    ByteSocket,
    ConfigurationError,
    Depends,
    Handshake,
    Socket,
)
from bytesocket_app.dependencies import bind
from bytesocket_app.signature import Offer, anything, by_name
from tests.support.asgi import socket_scope
from tests.support.dependencies import (
    LOG,
    MADE,
    OFFERS,
    Alias,
    Count,
    CurrentUser,
    One,
    Post,
    Session,
    SessionDep,
    call,
    count,
    fake_app,
    fake_socket,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()
    MADE.clear()


class TestMaking:
    async def test_a_function_without_dependencies_is_called_as_ever(self) -> None:
        async def handler(socket: Socket, event: Post) -> str:
            return event.text

        assert bind(handler, OFFERS, role="x").invoke is handler
        assert await call(handler) == "hi"

    async def test_fastapis_own_marker_works_unchanged(self) -> None:
        async def handler(session: SessionDep, user: CurrentUser, event: Post) -> str:
            LOG.append("handler")
            assert isinstance(session, Session)
            return f"{user}: {event.text}"

        shake = Handshake("/ws", headers={"cookie": "user=ann"})
        assert await call(handler, handshake=shake) == "ann: hi"
        assert LOG == ["begin", "handler", "commit", "close"]

    async def test_every_kind_of_callable_makes_a_value(self) -> None:
        threads: set[int] = set()

        def plain() -> str:
            threads.add(threading.get_ident())
            return "plain"

        def yields() -> Generator[str]:
            threads.add(threading.get_ident())
            yield "yields"
            LOG.append("closed")

        async def later() -> str:
            return "async"

        @dataclass
        class Page:
            one: One
            size: int = 10

        class Checker:
            def __init__(self, word: str) -> None:
                self.word = word

            async def __call__(self, socket: Socket) -> str:
                return self.word

        def scaled(one: One, by: int) -> int:
            return one * by

        async def handler(  # noqa: PLR0913 - one of each kind
            a: Annotated[str, Depends(plain)],
            b: Annotated[str, Depends(yields)],
            c: Annotated[str, Depends(later)],
            d: Annotated[Page, Depends(Page)],
            e: Annotated[Page, fastapi.Depends()],
            f: Annotated[str, Depends(Checker("checked"))],
            *,
            g: Annotated[int, Depends(partial(scaled, by=3))],
            h: str = fastapi.Depends(later),
        ) -> Any:
            assert d is e
            return a, b, c, (d.one, d.size), f, g, h

        expected = ("plain", "yields", "async", (1, 10), "checked", 3, "async")
        assert await call(handler) == expected
        assert LOG == ["closed"]
        assert threading.get_ident() not in threads

    async def test_a_plain_handler_gets_them_in_its_thread(self) -> None:
        def handler(one: One, event: Post) -> Any:
            return one, event.text, threading.get_ident() == main

        main = threading.get_ident()
        assert await call(handler) == (1, "hi", False)

    async def test_one_value_serves_all_who_ask_unless_they_want_their_own(self) -> None:
        async def nested(shared: Count) -> int:
            return shared

        async def handler(
            a: Count,
            b: Count,
            c: Annotated[int, Depends(nested)],
            d: Annotated[int, Depends(count, use_cache=False)],
            e: Annotated[int, fastapi.Depends(count, use_cache=False)],
        ) -> Any:
            return a, b, c, d, e

        bound = bind(handler, OFFERS, role="x")
        assert await bound.invoke(fake_socket(), Post()) == (0, 0, 0, 1, 2)
        assert await bound.invoke(fake_socket(), Post()) == (3, 3, 3, 4, 5)

    async def test_the_marker_is_found_under_an_alias(self) -> None:
        async def handler(value: Alias) -> int:
            return value

        assert await call(handler) == 1

    async def test_what_a_dependency_may_ask_for(self) -> None:
        async def asks(
            socket: Socket,
            event: Post,
            handshake: Handshake,
            app: ByteSocket,
            text: str = "left alone",
            *,
            maybe: Socket | None = None,
        ) -> Any:
            assert socket is maybe
            return event.text, handshake.path, app, text

        async def handler(found: Annotated[Any, Depends(asks)]) -> Any:
            return found

        app = fake_app()
        assert await call(handler, app=app) == ("hi", "/ws", app, "left alone")

    async def test_what_matches_anything_means_what_the_function_took_it_for(self) -> None:
        offers = (Offer("the credentials", anything, last=True), Offer("the code", by_name("code")))

        async def same(credentials: str, code: int) -> str:
            return f"{credentials} {code}"

        async def function(credentials: str, more: Annotated[str, Depends(same)]) -> str:
            return f"{credentials}, {more}"

        bound = bind(function, offers, role="x")
        assert await bound.invoke("secret", 3) == "secret, secret 3"
        assert bound.annotations == {0: str}
        assert bound.nested == ((0, str), (1, int))

        async def other(credentials: bytes) -> None: ...

        async def wrong(credentials: str, more: Annotated[None, Depends(other)]) -> None: ...

        with pytest.raises(ConfigurationError, match="nothing serves"):
            bind(wrong, offers, role="x")

        async def alone(more: Annotated[str, Depends(same)]) -> None: ...

        with pytest.raises(ConfigurationError, match="nothing serves"):
            bind(alone, offers, role="x")


class TestConnections:
    SHAKE = Handshake(
        "/ws",
        query="a=1",
        headers={"host": "example.org", "cookie": "user=ann"},
        client=("127.0.0.1", 4711),
        scheme="wss",
        subprotocols=("x",),
    )

    async def test_starlettes_view_of_a_handshake_in_memory(self) -> None:
        async def asks(
            connection: HTTPConnection, request: Request, socket: WebSocket, again: HTTPConnection
        ) -> Any:
            assert connection is again
            assert request.method == "GET"
            assert str(request.url) == "https://example.org/ws?a=1"
            assert socket.scope["subprotocols"] == ["x"]
            with pytest.raises(RuntimeError, match="Ask for the socket"):
                await socket.receive()
            return connection.query_params["a"], connection.cookies["user"], connection.client

        async def handler(found: Annotated[Any, Depends(asks)]) -> Any:
            return found

        assert await call(handler, handshake=self.SHAKE) == ("1", "ann", ("127.0.0.1", 4711))

    async def test_the_servers_scope_is_passed_as_it_is(self) -> None:
        scope = socket_scope(session={"user": 7})

        async def asks(connection: HTTPConnection) -> Any:
            return connection.scope is scope, connection.session["user"]

        async def handler(found: Annotated[Any, Depends(asks)]) -> Any:
            return found

        assert await call(handler, handshake=Handshake("/ws", native=scope)) == (True, 7)

    async def test_a_function_may_ask_for_it_directly(self) -> None:
        async def asks(connection: HTTPConnection) -> HTTPConnection:
            return connection

        async def handler(
            connection: HTTPConnection,
            event: Post,
            asked: Annotated[HTTPConnection, Depends(asks)],
            *,
            request: Request,
        ) -> Any:
            assert connection is asked
            return connection.cookies["user"], event.text, request.method

        assert await call(handler, handshake=self.SHAKE) == ("ann", "hi", "GET")

    async def test_only_starlettes_classes_are_meant(self) -> None:
        mine = type("Request", (), {})

        async def asks(request: Any) -> None: ...

        asks.__annotations__["request"] = mine

        async def handler(found: Annotated[Any, Depends(asks)]) -> None: ...

        with pytest.raises(ConfigurationError, match="nothing serves"):
            await call(handler)
