"""Events under a wrong name, and declared ones that nothing takes where they come."""

import logging
from typing import Annotated, Any

import pytest
from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, Event, Router, ServerEvent
from bytesocket_app.client import RequestError
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.testing import TestClient


class Post(ClientEvent, name="chat:post"):
    text: str = "t"


class Told(ServerEvent, name="told"):
    text: str = "t"


class Wave(Event, name="wave"):
    x: int = 1


def made(*events: type[ClientEvent | ServerEvent]) -> ByteSocket:
    return ByteSocket(title="Chat", events=events)


def test_a_name_that_is_not_the_classs_is_refused_where_it_is_declared() -> None:
    app = made(Post)
    with pytest.raises(ConfigurationError) as caught:

        @app.on("chat:pots")
        async def post(event: Post) -> None:
            """Never called."""

    text = str(caught.value)
    assert f"{__file__}:" in text
    assert "Did you mean 'chat:post'?" in text
    assert "on(Post)" in text
    assert "chat:pots" not in app.catalogue.by_name


@pytest.mark.parametrize("annotation", [Annotated[Post, "a note"], Post | None])
def test_a_name_is_compared_with_the_class_inside_of_an_annotation(annotation: Any) -> None:
    async def post(event: Any) -> None:
        """Never called."""

    post.__annotations__["event"] = annotation
    with pytest.raises(ConfigurationError, match="Did you mean 'chat:post'"):
        made(Post).on("chat:pots")(post)


def test_a_router_refuses_it_when_it_is_included() -> None:
    router = Router(prefix="chat:")

    @router.on("pots")
    async def post(event: Post) -> None:
        """Never called."""

    with pytest.raises(ConfigurationError, match="Did you mean 'chat:post'"):
        made(Post).include(router)


@pytest.mark.parametrize("events", [(Post,), ()])
def test_the_classs_own_name_passes(events: tuple[type[ClientEvent], ...]) -> None:
    app, router = made(*events), Router(prefix="chat:")

    @router.on("post")
    async def post(event: Post) -> None:
        """Handle it."""

    app.include(router)
    assert app.catalogue.spec(Post) is app.catalogue.by_name["chat:post"]


def test_a_payload_that_is_another_event_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"test_misspelt_events\.py:\d+.*'chat:post'"):
        made().declare("chat:pots", Post)


def test_a_model_that_is_no_event_may_have_any_name() -> None:
    class Text(BaseModel):
        text: str

    app = made(Post)

    @app.on("chat:pots")
    async def post(event: Text) -> None:
        """Handle another event."""

    assert "chat:pots" in app.catalogue.by_name


async def refused(app: ByteSocket, event: str, room: str | None = None) -> str:
    async with TestClient(app) as client:
        if room is not None:
            await client.join(room)
        message: dict[str, Any] = {"event": event, "id": 1, "data": {}}
        await client.send(message if room is None else {"room": room, **message})
        answer = await client.receive_message()
    error = answer["data"]["error"]
    assert error["code"] == "unknown_event"
    text = error["message"]
    assert isinstance(text, str)
    return text


@pytest.mark.anyio
async def test_an_event_without_a_handler_is_told_as_that(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "bytesocket"):
        assert await refused(made(Post), "chat:post") == (
            "Event 'chat:post' is not handled by this server."
        )
    assert "add a handler" in caplog.text
    assert f"({__file__}:" in caplog.text


@pytest.mark.anyio
async def test_the_log_names_the_router_that_is_not_included(
    caplog: pytest.LogCaptureFixture,
) -> None:
    router = Router(prefix="chat:")

    @router.on("post")
    async def post(event: Post) -> None:
        """Never called."""

    with caplog.at_level(logging.WARNING, "bytesocket"):
        text = await refused(made(Post), "chat:post")
    assert "router" not in text
    assert f"on the router of {router.source}" in caplog.text


@pytest.mark.anyio
async def test_an_event_for_rooms_names_the_pattern() -> None:
    app = made(Post)

    @app.room("doc:{doc_id}").on(Post)
    async def post(event: Post) -> None:
        """Handle it."""

    text = await refused(app, "chat:post")
    assert text == (
        "Event 'chat:post' is taken in rooms only: send it into a room, 'doc:{doc_id}'."
    )


@pytest.mark.anyio
async def test_an_event_for_outside_is_told_as_that_in_a_room() -> None:
    app = made(Post)
    app.room("lobby").relay(Wave)

    @app.on(Post)
    async def post(event: Post) -> None:
        """Handle it."""

    text = await refused(app, "chat:post", "lobby")
    assert text == "Event 'chat:post' is not taken in room 'lobby': send it without a room."


@pytest.mark.anyio
async def test_an_event_of_the_server_is_told_as_that() -> None:
    assert await refused(made(Told), "told") == "Event 'told' is one that the server sends."


@pytest.mark.anyio
async def test_the_log_has_one_line_for_many_messages(caplog: pytest.LogCaptureFixture) -> None:
    app = made(Post)
    with caplog.at_level(logging.WARNING, "bytesocket"):
        for _ in range(3):
            await refused(app, "chat:post")
    assert caplog.text.count("nothing handles it") == 1


@pytest.mark.anyio
async def test_a_room_that_clients_cannot_join_is_not_told_of() -> None:
    app = made(Post)

    @app.room("staff", join="server").on(Post)
    async def post(event: Post) -> None:
        """Handle it."""

    assert "staff" not in await refused(app, "chat:post")


@pytest.mark.anyio
async def test_a_request_of_a_client_raises_it() -> None:
    async with TestClient(made(Post)) as client:
        with pytest.raises(RequestError, match="is not handled by this server"):
            await client.request(Post())
