"""Which scope goes where."""

from typing import Any

import pytest
from anyio import create_task_group

from bytesocket_app.transports.asgi import Message, Receive, Scope, Send
from bytesocket_app.transports.entry import AsgiEntry
from tests.support.asgi import Call, socket_scope
from tests.support.talk import talk, until

pytestmark = pytest.mark.anyio


def page(path: str, **more: Any) -> Scope:
    return {"type": "http", "path": path, "headers": [(b"host", b"example.org")], **more}


async def fetch(app: Any, scope: Scope) -> tuple[int, dict[bytes, bytes], str]:
    call = Call(app, scope)
    await call.run()
    start, body = call.sent
    return start["status"], dict(start["headers"]), body["body"].decode()


async def connects(app: Any, scope: Scope) -> bool:
    """Whether a WebSocket is taken; if not it must be refused."""
    call = Call(app, scope)
    call.tell("websocket.connect")
    async with create_task_group() as tasks:
        tasks.start_soon(call.run)
        await until(lambda: call.sent)
        call.tell("websocket.disconnect", code=1000)
    return call.kinds()[0] == "accept"


class Inside:
    """An HTTP side that notes what it is asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope["type"])
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4000})
        else:
            raise NotImplementedError


async def test_a_get_on_the_sockets_path_is_426_with_one_helpful_line() -> None:
    status, headers, body = await fetch(talk(path="/live"), page("/live"))
    assert status == 426
    assert headers[b"upgrade"] == b"websocket"
    assert body.count("\n") == 1
    assert "ws://example.org/live" in body


async def test_a_get_without_a_host_is_answered_too() -> None:
    status, _, body = await fetch(talk(), page("/ws", headers=[]))
    assert (status, "localhost" in body) == (426, True)


async def test_probes_are_answered_where_no_http_side_has_their_paths() -> None:
    app = talk()
    assert (await fetch(app, page("/health")))[0] == 200
    assert (await fetch(app, page("/ready")))[::2] == (200, "ok\n")
    app.endpoint.draining = True
    assert (await fetch(app, page("/ready")))[::2] == (503, "draining\n")
    assert (await fetch(app, page("/health")))[0] == 200
    around = talk(http=Inside())
    assert (await fetch(around, page("/ready")))[2] == "inside"


async def test_any_other_page_is_404() -> None:
    status, headers, text = await fetch(talk(), page("/"))
    assert (status, b"upgrade" in headers) == (404, False)
    assert text == "Not found. This server has a WebSocket at /ws, the probes /health and /ready.\n"


@pytest.mark.parametrize(("mount", "path"), [("/chat", "/chat/ws"), ("/ws", "/ws/")])
async def test_a_mounted_socket_is_named_with_the_path_of_the_mount(mount: str, path: str) -> None:
    _, _, text = await fetch(talk(), page(f"{mount}/nowhere", root_path=mount))
    assert f"a WebSocket at {path}," in text


async def test_the_http_side_serves_the_rest() -> None:
    inside = Inside()
    app = talk(http=inside)
    assert (await fetch(app, page("/")))[2] == "inside"
    assert (await fetch(app, page("/ws")))[0] == 426
    assert await connects(app, socket_scope())
    assert not await connects(app, socket_scope("/elsewhere"))
    assert inside.seen == ["http", "websocket"]


async def test_a_socket_elsewhere_is_404_and_says_where() -> None:
    call = Call(talk(), socket_scope("/ws/"))
    call.tell("websocket.connect")
    await call.run()
    assert call.sent[0]["status"] == 404
    assert b"/ws" in call.sent[1]["body"]


@pytest.mark.parametrize(
    ("path", "root", "taken"),
    [
        ("/ws", "", True),
        ("/ws/", "", False),
        ("/other", "", False),
        ("/chat/ws", "/chat", True),
        ("/chat/ws/", "/chat", False),
        ("/ws", "/behind/a/proxy", True),
        ("/ws/", "/ws", True),
        ("/api/ws/", "/api/ws", True),
        ("/ws/more", "/ws", False),
        ("/news/", "/news", False),
    ],
)
async def test_mounts_are_taken_off(path: str, root: str, taken: bool) -> None:
    assert await connects(talk(), socket_scope(path, root_path=root)) is taken


async def test_the_lifespan_hosts_the_work() -> None:
    app = talk()
    call = Call(app, {"type": "lifespan"})
    async with create_task_group() as tasks:
        call.tell("lifespan.startup")
        tasks.start_soon(call.run)
        await call.said("startup.complete")
        assert await connects(app, socket_scope())
        call.tell("lifespan.shutdown")
    assert call.kinds() == ["startup.complete", "shutdown.complete"]


async def test_an_http_side_without_a_lifespan_is_fine() -> None:
    inside = Inside()
    call = Call(talk(http=inside), {"type": "lifespan"})
    call.tell("lifespan.startup")
    call.tell("lifespan.shutdown")
    await call.run()
    assert call.kinds() == ["startup.complete", "shutdown.complete"]
    assert inside.seen == ["lifespan"]


async def test_a_door_of_its_own_needs_no_application() -> None:
    app = talk()
    door = AsgiEntry(app.endpoint, app.housekeeping.writer, app.running, "/x", None, app.telemetry)
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    async def send(message: Message) -> None:
        sent.append(message)

    await door.serve(page("/x"), receive, send)
    assert sent[0]["status"] == 426


class Refusing(Exception):
    """What Starlette raises, by its shape."""

    def __init__(self, status_code: int, detail: str) -> None:
        self.status_code = status_code
        self.detail = detail


def raising(error: Exception, *, after: str = "") -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if after:
            await send({"type": after, "status": 200, "headers": []})
        raise error

    return talk(http=app)


async def test_a_status_that_the_http_side_raises_is_its_answer() -> None:
    app = raising(Refusing(405, "Not so"))
    assert (await fetch(app, page("/")))[::2] == (405, "Not so\n")
    call = Call(app, socket_scope("/elsewhere"))
    await call.run()
    assert call.sent[0]["status"] == 405


@pytest.mark.parametrize("error", [AssertionError(), NotImplementedError("websocket")])
async def test_an_http_side_that_knows_no_sockets_has_none(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    app = raising(error)
    call = Call(app, socket_scope("/elsewhere"))
    await call.run()
    assert call.sent[0]["status"] == 404
    assert "the HTTP side takes none" in caplog.text
    with pytest.raises(type(error)):
        await fetch(app, page("/"))


async def test_any_other_exception_is_the_servers_to_report() -> None:
    with pytest.raises(KeyError):
        await fetch(raising(KeyError("bug")), page("/"))
    late = raising(Refusing(404, ""), after="http.response.start")
    with pytest.raises(Refusing):
        await fetch(late, page("/"))
