"""Why a client does not come back, and why a room handle is over: told with code and words."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from bytesocket_app import AuthError as Refused
from bytesocket_app import ByteSocket, Handshake
from bytesocket_app.client import (
    AuthError,
    Client,
    ClientContract,
    ClientSettings,
    Disconnected,
    DynamicClient,
    ErrorContext,
    RequestError,
    UnknownContract,
)
from bytesocket_app.types import CodecName
from tests.support.beside import beside
from tests.support.conditions import DEADLINE, until
from tests.support.scripted_server import Script, ScriptedServer
from tests.support.talk import Said, Say, Wave, talk

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=2, request_timeout=30)


class Until(BaseModel):
    day: int


class BannedError(RequestError, code="banned"):
    data: Until


def refusal(code: str, data: Any = None) -> dict[str, Any]:
    return {
        "phase": "auth",
        "error": {"code": code, "message": "Not today.", "data": data},
        "code": 4003,
    }


@contextmanager
def refusing(context: Any) -> Generator[ScriptedServer]:
    """Serve and turn everybody away, as after accepting a handshake that was refused."""

    def refuse(_: Any) -> bool:
        return False

    with ScriptedServer(Script(auth=refuse, auth_error=context)) as server:
        yield server


@pytest.mark.parametrize(
    ("context", "kind", "code", "data"),
    [
        (refusal("unauthorized"), AuthError, "unauthorized", None),
        (refusal("too_early", {"day": 7}), AuthError, "too_early", {"day": 7}),
        (refusal("banned", {"day": 7}), BannedError, "banned", Until(day=7)),
        (refusal("banned", "never"), AuthError, "banned", "never"),
        (refusal("unknown_contract"), UnknownContract, "unknown_contract", None),
    ],
)
async def test_a_refusal_on_a_connection_that_never_opened_is_what_everything_raises(
    context: Any, kind: type[Exception], code: str, data: Any
) -> None:
    errors = list[ErrorContext]()
    with refusing(context) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(
            server.url, auth={"t": 1}, settings=FAST, refusals=[BannedError]
        ) as chat:
            chat.on_error(errors.append)
            before: Any = chat.ended
            assert before is None
            with pytest.raises(kind) as asked:
                await chat.request(Say(text="queued before it"), str)
            with pytest.raises(kind) as readied:
                await chat.ready
            with pytest.raises(kind) as later:
                await chat.request(Say(text="after it"), str)
            with pytest.raises(kind):
                await chat.join("lobby").ready
            assert await chat.emit(Say(text="after it")) == "dropped"
            ended: Any = chat.ended
        assert len(server.peers) == 1
    found = [asked.value, readied.value, later.value, errors[0].error]
    assert all(each is ended for each in found)
    assert (ended.code, ended.message, ended.data) == (code, "Not today.", data)
    if kind is not UnknownContract:
        assert isinstance(ended, AuthError)


async def test_a_request_that_was_sent_fails_with_the_refusal_that_came_instead() -> None:
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=FAST) as chat:

            async def ask() -> None:
                with pytest.raises(AuthError, match=r"Not today\."):
                    await chat.request(Say(text="x"), str)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await until(lambda: server.peers and server.log()[-1])
                server.send({"type": 6, "data": refusal("kicked")})
            await until(lambda: chat.state == "closed")
        assert len(server.peers) == 1


def guarded(error: Exception) -> ByteSocket:
    """An application that decides at the handshake."""
    app = talk(serialization="json", path="/ws")

    @app.auth
    async def auth() -> str:
        raise error

    return app


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Refused("Log in first."), "unauthorized", "HTTP 401: Log in first."),
        (Refused("Not you.", code="forbidden"), "forbidden", "HTTP 403: Not you."),
        (HTTPException(401, "Log in first."), "unauthorized", "HTTP 401: Log in first."),
    ],
)
@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
async def test_the_words_of_an_http_refusal_are_kept(
    transport: str, error: Exception, code: str, words: str
) -> None:
    errors = list[ErrorContext]()
    with beside(guarded(error), transport) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(f"{server.url}/ws", settings=FAST) as chat:
            chat.on_error(errors.append)
            with pytest.raises(AuthError, match=words) as refused:
                await chat.ready
            assert refused.value is chat.ended
            assert refused.value.code == code
    assert len(errors) == 1


@pytest.mark.parametrize("codec", ["json", "binary"])
@pytest.mark.parametrize(
    ("error", "code", "data"),
    [
        (Refused("Log in first."), "unauthorized", None),
        (Refused("Log in first.", code="forbidden", data={"day": 7}), "forbidden", {"day": 7}),
        (HTTPException(403, "Log in first."), "forbidden", None),
    ],
)
@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
async def test_a_refusal_at_the_handshake_is_told_to_a_client_that_names_its_contract(
    transport: str, error: Exception, code: str, data: Any, codec: CodecName
) -> None:
    app = guarded(error)
    errors, states = list[ErrorContext](), list[str]()
    with beside(app, transport) as server, anyio.fail_after(DEADLINE):
        async with known(app)(server.url, settings=FAST, codec=codec) as chat:
            chat.on_error(errors.append)
            chat.on_state(states.append)
            with pytest.raises(AuthError) as asked:
                await chat.request(Say(text="x"), str)
            with pytest.raises(AuthError) as readied:
                await chat.ready
            assert readied.value is chat.ended
            assert asked.value.code == readied.value.code
    refused = readied.value
    assert (refused.code, refused.message, refused.data) == (code, "Log in first.", data)
    assert [each.code for each in errors] == [4003]
    assert states.count("connecting") == 1


@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
@pytest.mark.parametrize("ping_interval", [25.0, 0.0])
async def test_a_client_that_is_refused_at_the_handshake_was_never_ready(
    transport: str, ping_interval: float
) -> None:
    app = guarded(Refused("Log in first."))
    settings = replace(FAST, ping_interval=ping_interval)
    with beside(app, transport) as server, anyio.fail_after(DEADLINE):
        for _ in range(5):
            async with known(app)(server.url, settings=settings) as chat:
                with pytest.raises(AuthError, match="Log in first"):
                    await chat.ready


@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
@pytest.mark.parametrize("is_origin", [True, False])
async def test_a_client_comes_back_after_a_crash_of_an_upgrade_hook_and_a_foreign_origin(
    transport: str, is_origin: bool
) -> None:
    app, crashes = talk(), [RuntimeError("first"), RuntimeError("second")]

    @app.lifecycle.upgrade
    async def crash(_handshake: Handshake) -> None:
        if crashes:
            raise crashes.pop()

    origins = ["https://elsewhere.example", "https://elsewhere.example"]

    def headers() -> dict[str, str]:
        return {"Origin": origins.pop()} if is_origin and origins else {}

    with beside(app, transport) as server, anyio.fail_after(DEADLINE):
        async with known(app)(server.url, settings=FAST, headers=headers) as chat:
            await chat.ready
            assert chat.ended is None
    assert not crashes


@pytest.mark.parametrize("ping_interval", [25.0, 0.0])
async def test_a_server_that_says_nothing_has_let_its_clients_in(ping_interval: float) -> None:
    settings = replace(FAST, ping_interval=ping_interval)
    with ScriptedServer(Script(answers_pings=False)) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=settings) as chat:
            await chat.ready
            assert chat.state == "open"


def known(app: ByteSocket) -> type[DynamicClient]:
    """A client that names the application's contract, as generated ones do."""
    fingerprint = app.contract().fingerprint

    class Known(DynamicClient):
        contract = ClientContract(title="Talk", path="/ws", fingerprint=fingerprint)

    return Known


@pytest.mark.parametrize("how", ["user", "clear"])
@pytest.mark.parametrize("transport", ["picows", "hypercorn"])
async def test_a_real_server_tells_a_client_that_it_is_removed(transport: str, how: str) -> None:
    app = talk(serialization="json", path="/ws")
    app.room("lobby").relay(Wave)

    @app.auth(key=str)
    async def auth(credentials: str) -> str:
        return credentials

    async def remove() -> None:
        if how == "user":
            await app.user("ann").leave("lobby", code="muted", message="Be quiet.")
        else:
            await app.rooms.clear("lobby", code="muted", message="Be quiet.")

    left = list[RequestError]()
    with beside(app, transport) as server, anyio.fail_after(DEADLINE):
        async with known(app)(server.url, auth="ann", settings=FAST) as chat:
            room = chat.join("lobby")
            room.on_left(left.append)
            await room.ready
            await server.do(remove)
            await until(lambda: left)
            assert await room.emit(Wave()) == "dropped"
            again = chat.join("lobby")
            await again.ready
            assert await again.emit(Wave()) == "sent"
    assert [(why.code, why.message) for why in left] == [("muted", "Be quiet.")]


@pytest.mark.parametrize(
    ("body", "code", "words", "data"),
    [
        ('{"detail": "Pay first."}', "forbidden", ": Pay first.", None),
        ('{"code": "unpaid", "message": "Pay.", "data": 3}', "unpaid", ": Pay.", 3),
        ('{"error": {"code": "unpaid", "message": "Pay."}}', "unpaid", ": Pay.", None),
        ('"Pay."', "forbidden", ": Pay.", None),
        ("[1]", "forbidden", "HTTP 403", None),
        ("{" * 5000, "forbidden", "{" * 1000, None),
    ],
)
async def test_the_json_of_an_http_refusal_is_read(
    body: str, code: str, words: str, data: Any
) -> None:
    answer = (
        "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )

    async def handle(stream: Any) -> None:
        async with stream:
            await stream.receive()
            await stream.send(answer.encode())

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, handle)
        port = listener.extra(SocketAttribute.local_port)
        with anyio.fail_after(DEADLINE):
            async with DynamicClient(f"ws://127.0.0.1:{port}/ws", settings=FAST) as chat:
                with pytest.raises(AuthError) as refused:
                    await chat.ready
        assert (refused.value.code, refused.value.data) == (code, data)
        assert words in refused.value.message
        assert len(refused.value.message) < 1200
        tasks.cancel_scope.cancel()


# Final closes


@pytest.mark.parametrize("transport", ["picows", "hypercorn", "uvicorn"])
@pytest.mark.parametrize(
    ("close", "code", "reason"),
    [
        ({"final": True}, 4400, "closed for good"),
        ({"code": 4003, "reason": "out"}, 4003, "out"),
        ({"code": 4010}, 4010, ""),
        ({"code": 4499, "reason": "sold"}, 4499, "sold"),
    ],
)
async def test_a_final_close_of_the_server_ends_the_client(
    transport: str, close: dict[str, Any], code: int, reason: str
) -> None:
    app = talk(serialization="json", path="/ws")
    errors, states = list[ErrorContext](), list[str]()
    with beside(app, transport) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(f"{server.url}/ws", settings=FAST) as chat:
            chat.on_error(errors.append)
            chat.on_state(states.append)
            await chat.ready

            async def out() -> None:
                for socket in app.sockets():
                    await socket.close(**close)

            await server.do(out)
            await until(lambda: chat.state == "closed")
            ended = chat.ended
            assert isinstance(ended, Disconnected)
            with pytest.raises(Disconnected) as asked:
                await chat.request(Say(text="x"), str)
            with pytest.raises(Disconnected) as readied:
                await chat.ready
            assert asked.value is readied.value is ended
    assert (ended.close_code, ended.code, ended.data) == (code, "disconnected", None)
    assert ended.close_reason == reason or not reason
    assert str(code) in str(ended)
    assert [(each.phase.value, each.code) for each in errors] == [("onClose", code)]
    assert states[-2:] == ["open", "closed"]


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 1013, 4000, 4008, 4399, 4500])
async def test_after_any_other_close_the_client_comes_back(code: int) -> None:
    app = talk(serialization="json", path="/ws")
    states = list[str]()
    with beside(app) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(f"{server.url}/ws", settings=FAST) as chat:
            chat.on_state(states.append)
            await chat.ready

            async def out() -> None:
                for socket in app.sockets():
                    await socket.close(code)

            await server.do(out)
            await until(lambda: states.count("open") == 2)
            assert chat.ended is None


async def test_a_4003_of_its_own_for_a_missed_pong_is_not_final() -> None:
    settings = ClientSettings(
        ping_interval=0.05, pong_timeout=1, backoff_base=0.02, close_timeout=1
    )
    with ScriptedServer(Script(answers_pings=False)) as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=settings) as chat:
            await until(lambda: len(server.peers) >= 2)
            assert server.peers[0].close_code == 4003
            server.script.answers_pings = True
            assert chat.ended is None


async def test_the_end_is_the_clients_own_after_its_close() -> None:
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=FAST) as chat:
            await chat.ready
            await chat.close()
            ended = chat.ended
    assert isinstance(ended, Disconnected)
    assert (str(ended), ended.close_code) == ("the client was closed", None)


# Rooms


async def test_a_client_that_is_removed_from_a_room_is_told_and_its_handles_end() -> None:
    left, texts = list[tuple[str, RequestError]](), list[str]()
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=FAST) as chat:
            first, second, other = chat.join("lobby"), chat.join("lobby"), chat.join("other")

            def first_left(why: RequestError) -> None:
                left.append(("first", why))

            async def second_left(why: RequestError) -> None:
                left.append(("second", why))

            def hear(event: Said) -> None:
                texts.append(event.text)

            first.on_left(first_left)
            second.on_left(second_left)
            first.on(Said, hear)
            events = second.events(Said)
            for room in (first, second, other):
                await room.ready
            server.send({"type": 38, "room": "lobby", "code": "muted", "message": "Be quiet."})
            server.send({"room": "lobby", "event": "said", "data": {"text": "not heard"}})
            await until(lambda: len(left) == 2)
            assert [event async for event in events] == []
            assert [event async for event in first.events(Said)] == []
            assert [first.is_joined, second.is_joined, other.is_joined] == [False, False, True]
            assert await first.emit(Say(text="x")) == "dropped"
            for wait in (first.request(Say(text="x"), str), until_ready(first)):
                with pytest.raises(RequestError, match=r"Be quiet\.") as refused:
                    await wait
                assert refused.value.code == "muted"
            await first.leave()
            again = chat.join("lobby")
            await again.ready
            assert await again.emit(Say(text="x")) == "sent"
            await again.leave()
            await until(lambda: {"type": 12, "room": "lobby"} in server.log()[-1])
            server.kill()
            await until(lambda: len(server.peers) == 2 and other.is_joined)
        asked = [message["room"] for message in server.log()[-1] if message["type"] == 9]
    assert asked == ["other"]
    assert texts == []
    assert {name: (why.code, why.message) for name, why in left} == {
        "first": ("muted", "Be quiet."),
        "second": ("muted", "Be quiet."),
    }


async def until_ready(room: Any) -> None:
    await room.ready


async def test_a_removal_without_words_has_the_code_and_one_of_no_room_of_ours_is_ignored() -> None:
    left = list[RequestError]()
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with DynamicClient(server.url, settings=FAST) as chat:
            room = chat.join("lobby")
            room.on_left(left.append)
            await room.ready
            server.send({"type": 38, "room": "unknown", "code": "removed", "message": ""})
            server.send({"type": 38, "room": "lobby"})
            await until(lambda: left)
    assert [(why.code, why.message) for why in left] == [("removed", "removed")]


# Addresses


class Elsewhere(Client):
    contract = ClientContract(title="Elsewhere", path="/live", fingerprint="f" * 64)


@pytest.mark.parametrize(("given", "dialled"), [("", "/live"), ("/", "/live"), ("/x", "/x")])
async def test_an_empty_path_is_the_contracts(given: str, dialled: str) -> None:
    with ScriptedServer() as server, anyio.fail_after(DEADLINE):
        async with Elsewhere(f"{server.url}{given}?a=%2F&b=c d+e&&f", settings=FAST) as chat:
            await chat.ready
    assert server.paths == [f"{dialled}?a=%2F&b=c%20d+e&&f&contract={'f' * 64}"]


async def test_no_line_and_no_error_tells_the_query_or_a_credential(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "bytesocket.client.frames")
    errors = list[ErrorContext]()
    with ScriptedServer(Script(status=404)) as server, anyio.fail_after(DEADLINE):
        url = server.url.replace("//", "//ann:s3cret@")
        async with DynamicClient(
            f"{url}/ws?token=s3cret", headers={"Cookie": "s3cret"}, settings=FAST
        ) as chat:
            chat.on_error(errors.append)
            await until(lambda: errors)
    lines = [each.getMessage() for each in caplog.records if each.name.startswith("bytesocket")]
    assert "> GET /ws HTTP/1.1" in lines
    assert "s3cret" not in " ".join(lines)
    assert "s3cret" not in str(errors[0].error)
    assert "/ws" in str(errors[0].error)
