"""What a lifespan function may ask for: the application, dependencies, nothing."""

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Annotated, Any

import pytest

from bytesocket_app import ByteSocket, Depends
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.socket import Application
from bytesocket_app.testing import TestClient

pytestmark = pytest.mark.anyio


Life = Callable[..., AsyncGenerator[None]]


def bare(function: Life) -> Life:
    """Take a function's annotations away."""
    function.__annotations__.clear()
    return function


class Log(list[str]):
    """What happened."""


def made() -> tuple[ByteSocket, Log]:
    app, log = ByteSocket(title="Lives"), Log()
    app.state.log = log
    return app, log


def settings() -> str:
    return "settings"


async def database(
    app: ByteSocket, chosen: Annotated[str, Depends(settings)]
) -> AsyncGenerator[str]:
    app.state.log.append(f"open with {chosen}")
    try:
        yield "database"
    finally:
        app.state.log.append("closed")


def cache() -> Generator[str]:
    yield "cache"


async def test_dependencies_last_as_long_as_the_lifespan() -> None:
    app, log = made()

    @app.lifespan
    async def life(
        db: Annotated[str, Depends(database)], *, cached: Annotated[str, Depends(cache)]
    ) -> AsyncGenerator[None]:
        log.append(f"{db}, {cached}")
        yield
        log.append("end")

    async with TestClient(app):
        assert log == ["open with settings", "database, cache"]
    assert log == ["open with settings", "database, cache", "end", "closed"]


async def test_overrides_stand_in() -> None:
    app, log = made()

    @app.lifespan
    @asynccontextmanager
    async def life(db: Annotated[str, Depends(database)]) -> AsyncGenerator[None]:
        log.append(db)
        yield

    def fake() -> str:
        return "fake"

    app.dependency_overrides[database] = fake
    async with app.running():
        assert log == ["fake"]


async def test_the_application_comes_by_annotation_or_by_name() -> None:
    async def by_class(mine: ByteSocket) -> AsyncGenerator[None]:
        mine.state.log.append("in")
        yield

    async def by_protocol(other: Application[Any]) -> AsyncGenerator[None]:
        other.state.log.append("in")
        yield

    async def by_name(app: Any) -> AsyncGenerator[None]:
        app.state.log.append("in")
        yield

    functions: list[Life] = [by_class, by_protocol, bare(by_name)]
    for function in functions:
        app, log = made()
        app.lifespan(function)
        async with app.running():
            assert log == ["in"]


async def fail() -> None:
    raise OSError("no port")


async def test_a_failing_start_cleans_its_dependencies_up() -> None:
    app, log = made()

    @app.lifespan
    async def life(db: Annotated[str, Depends(database)]) -> AsyncGenerator[None]:
        await fail()
        yield

    with pytest.raises(OSError, match="no port"):
        async with app.running():
            pass
    assert log == ["open with settings", "closed"]


def test_any_other_parameter_is_refused_with_file_and_line() -> None:
    app, _ = made()
    with pytest.raises(ConfigurationError) as caught:

        @app.lifespan
        async def life(db: dict[str, str]) -> AsyncGenerator[None]:
            yield

    text = str(caught.value)
    assert f"{__file__}:" in text
    assert "nothing serves the parameter `db: dict[str, str]`" in text
    assert "the application (ByteSocket)" in text

    async def two(app: Any, other: Any) -> AsyncGenerator[None]:
        yield

    with pytest.raises(ConfigurationError, match=r"`other \(no annotation\)`"):
        app.lifespan(bare(two))


async def test_a_single_parameter_without_annotation_is_the_application_for_a_release() -> None:
    app, log = made()

    async def life(whatever: Any) -> AsyncGenerator[None]:
        whatever.state.log.append("in")
        yield

    with pytest.warns(FutureWarning, match="Write `whatever: ByteSocket`") as seen:
        app.lifespan(bare(life))
    assert [one.filename for one in seen] == [__file__]
    async with app.running():
        assert log == ["in"]


@pytest.mark.parametrize("annotation", [Any, object])
async def test_so_is_one_that_is_annotated_as_anything(annotation: Any) -> None:
    app, log = made()

    async def life(app: Any) -> AsyncGenerator[None]:
        app.state.log.append("in")
        yield

    life.__annotations__["app"] = annotation
    with pytest.warns(FutureWarning, match="Write `app: ByteSocket`"):
        app.lifespan(life)
    async with app.running():
        assert log == ["in"]


async def test_a_generator_in_a_thread_ends_in_the_context_in_which_it_began() -> None:
    app, log = made()
    current = ContextVar[str]("current", default="nothing")

    def session() -> Generator[str]:
        token = current.set("session")
        yield current.get()
        current.reset(token)
        log.append(current.get())

    @app.lifespan
    async def life(opened: Annotated[str, Depends(session)]) -> AsyncGenerator[None]:
        log.append(opened)
        yield

    async with TestClient(app):
        assert log == ["session"]
    assert log == ["session", "nothing"]
