"""From an address to a WebSocket, and the ways not to get there."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from bytesocket_app.client.address import address
from bytesocket_app.client.connection import Ending
from bytesocket_app.client.dial import Dial
from bytesocket_app.errors import ConnectError
from tests.support.scripted_server import Script, ScriptedServer

pytestmark = pytest.mark.anyio


def dial(url: str, **options: Any) -> Dial:
    chosen: dict[str, Any] = {
        "headers": {},
        "subprotocols": (),
        "ssl_context": None,
        "message_bytes": 1000,
        "close_timeout": 1,
        **options,
    }
    return Dial(address=address(url), **chosen)


async def ignore(payload: bytes, is_binary: bool) -> None:
    pass


@asynccontextmanager
async def answering(answer: bytes) -> AsyncGenerator[str]:
    """Listen, answer every first message with these bytes, and hang up."""

    async def handle(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(answer)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, handle)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()


async def test_a_handshake_carries_headers_and_the_offer() -> None:
    with ScriptedServer(Script()) as server, anyio.fail_after(30):
        chosen = dial(
            server.url + "/x", headers={"X-Extra": "1"}, subprotocols=("bytesocket.binary",)
        )
        connection = await chosen.connect()
        assert connection.subprotocol == "bytesocket.binary"
        connection.close(1000)
        assert await connection.run(ignore) == Ending(1000, "")
        assert server.headers[0]["X-Extra"] == "1"
        assert server.paths == ["/x"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", None),
        (b"SSH-2.0-OpenSSH\r\n\r\n", None),
        (b"HTTP/1.1 1", None),
    ],
)
async def test_what_is_no_websocket_is_named(answer: bytes, status: int | None) -> None:
    with anyio.fail_after(30):
        async with answering(answer) as place:
            with pytest.raises(ConnectError, match="no WebSocket at /x of") as caught:
                await dial(f"ws://{place}/x").connect()
    assert caught.value.status == status


@pytest.mark.parametrize("status", [401, 403])
async def test_a_server_that_wants_a_login_is_not_called_no_websocket(status: int) -> None:
    answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    with anyio.fail_after(30):
        async with answering(answer) as place:
            with pytest.raises(ConnectError) as caught:
                await dial(f"ws://{place}/x").connect()
    assert str(caught.value).startswith("refused at /x of ")
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/plain", "Too many; try later.", "HTTP 429: Too many; try later."),
        ("text/plain; charset=utf-8", "one\ntwo", "HTTP 429"),
        ("text/plain", "", "HTTP 429"),
        ("text/html", "<p>Too many", "HTTP 429"),
    ],
)
async def test_a_server_that_is_full_is_not_called_no_websocket(
    kind: str, body: str, said: str
) -> None:
    head = f"HTTP/1.1 429 \r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    with anyio.fail_after(30):
        async with answering((head + body).encode()) as place:
            with pytest.raises(ConnectError) as caught:
                await dial(f"ws://{place}/x").connect()
    assert str(caught.value) == f"no connection for now at /x of {place}: {said}"
    assert caught.value.status == 429


async def test_nobody_listening_is_named() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)
    with anyio.fail_after(30), pytest.raises(ConnectError, match=f"127.0.0.1:{port}"):
        await dial(f"ws://127.0.0.1:{port}").connect()


async def test_a_server_without_tls_is_named() -> None:
    with anyio.fail_after(30):
        async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
            with pytest.raises(ConnectError, match="cannot connect"):
                await dial(f"wss://{place}/").connect()
