"""What cannot be served is said at registration; what can may be replaced in tests."""

from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Any

import fastapi
import pytest
from starlette.requests import HTTPConnection

from bytesocket_app import (
    ConfigurationError,
    Depends,
)
from bytesocket_app.dependencies import bind
from tests.support.dependencies import (
    LOG,
    MADE,
    OFFERS,
    CurrentUser,
    One,
    Post,
    Session,
    SessionDep,
    call,
    fake_app,
    fake_socket,
    get_session,
    get_user,
    one,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()
    MADE.clear()


class TestMistakes:
    def refuse(self, function: Callable[..., Any]) -> str:
        with pytest.raises(ConfigurationError) as caught:
            bind(function, OFFERS, role="a handler of 'post'")
        return str(caught.value)

    def test_a_dependency_that_cannot_be_served_names_the_chain(self) -> None:
        def inner(limit: int) -> int:
            return limit

        def outer(inner: Annotated[int, Depends(inner)]) -> int:
            return inner

        async def handler(outer: Annotated[int, Depends(outer)]) -> None: ...

        text = self.refuse(handler)
        assert "nothing serves the parameter `limit: int`" in text
        chain = [text.rindex(f.__qualname__) for f in (handler, outer, inner)]
        assert chain == sorted(chain)
        assert text.count(__file__) == 4

    def test_a_circle_is_named(self) -> None:
        def first(value: Any) -> None: ...

        def second(value: Annotated[Any, Depends(first)]) -> None: ...

        first.__annotations__["value"] = Annotated[Any, Depends(second)]

        async def handler(x: Annotated[None, Depends(first)]) -> None: ...

        text = self.refuse(handler)
        assert "circle" in text
        assert text.count("first") == 2

    def test_more_that_cannot_be(self) -> None:
        def star(*args: Any) -> None: ...

        def body(limit: int = fastapi.Body(3)) -> int:
            return limit

        def form(limit: Annotated[int, fastapi.Form()] = 3) -> int:
            return limit

        def unknown(x: int) -> None: ...

        unknown.__annotations__["x"] = "Nowhere"

        for wrong, word in [
            (star, "`*args: Any`"),
            (body, "limit: int"),
            (form, "limit: "),
            (unknown, "Nowhere"),
            (3, "not a function"),
        ]:
            target: Any = wrong

            async def handler(x: Annotated[Any, Depends(target)]) -> None: ...

            assert word in self.refuse(handler)

    def test_a_generator_is_still_no_handler(self) -> None:
        async def handler(x: One) -> AsyncGenerator[None]:
            yield

        assert "generator" in self.refuse(handler)

    def test_without_a_socket_there_is_no_connection_to_ask_for(self) -> None:
        def asks(connection: HTTPConnection) -> None: ...

        async def handler(x: Annotated[None, Depends(asks)]) -> None: ...

        with pytest.raises(ConfigurationError, match="nothing serves"):
            bind(handler, (), role="x")


class TestOverriding:
    async def test_a_dependency_can_be_replaced_and_put_back(self) -> None:
        async def fake(event: Post) -> Session:
            session = Session()
            session.log.append(event.text)
            return session

        async def handler(session: SessionDep, user: CurrentUser) -> Any:
            return session.log, user

        bound, app = bind(handler, OFFERS, role="x"), fake_app()
        socket = fake_socket(app)
        assert await bound.invoke(socket, Post()) == ([], "nobody")
        app.dependency_overrides[get_session] = fake
        LOG.clear()
        assert await bound.invoke(socket, Post(text="x")) == (["x"], "nobody")
        assert LOG == []
        app.dependency_overrides = {get_user: lambda: "ann"}
        assert await bound.invoke(socket, Post()) == ([], "ann")
        app.dependency_overrides.clear()
        assert await bound.invoke(socket, Post()) == ([], "nobody")

    async def test_a_replacement_may_ask_for_what_it_replaces(self) -> None:
        async def doubled(value: One) -> int:
            return value * 2

        async def handler(value: One) -> int:
            return value

        app = fake_app()
        app.dependency_overrides[one] = doubled
        with pytest.raises(ConfigurationError, match="circle"):
            await call(handler, app=app)
