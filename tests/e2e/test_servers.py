"""The same application really served, by every server and in every place it can be put."""

import json
import time
from collections.abc import Generator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.support.served import SERVERS, served

DEADLINE = 20.0


@pytest.fixture(scope="module", params=SERVERS)
def port(request: pytest.FixtureRequest) -> Generator[int]:
    """The application by itself, under each server."""
    with served(request.param) as port:
        wait_for(port)
        yield port


def wait_for(port: int, path: str = "/ws") -> None:
    """Wait until the server answers."""
    ends = time.monotonic() + DEADLINE
    while True:
        try:
            get(port, path)
        except (URLError, ConnectionError):
            assert time.monotonic() < ends, "the server did not come up"
            time.sleep(0.02)  # between two attempts; there is nothing to wait on
        else:
            return


def get(port: int, path: str) -> tuple[int, str]:
    """Fetch a page."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=DEADLINE) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def dial(port: int, path: str = "/ws", **more: Any) -> ClientConnection:
    """Connect a client."""
    url = f"ws://127.0.0.1:{port}{path}"
    client: Any = connect(url, open_timeout=DEADLINE, close_timeout=2, proxy=None, **more)  # pyright: ignore[reportUnknownVariableType]
    assert isinstance(client, ClientConnection)
    return client


def send(client: ClientConnection, **message: Any) -> None:
    client.send(json.dumps(message))


def receive(client: ClientConnection) -> Any:
    return json.loads(client.recv(DEADLINE))


def closed(client: ClientConnection) -> tuple[int, str]:
    """Wait for the server's close frame."""
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(DEADLINE)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def refused(port: int, path: str = "/ws", **more: Any) -> int:
    """The status of a handshake that is not taken."""
    with pytest.raises(InvalidStatus) as caught, dial(port, path, **more):
        pass
    return caught.value.response.status_code


def test_two_clients_meet_in_a_room(port: int) -> None:
    with dial(port) as a, dial(port) as b:
        for client in (a, b):
            send(client, type=9, room="lobby")
            assert receive(client) == {"type": 10, "room": "lobby"}
        send(a, room="lobby", event="wave", data={"hand": "both"})
        expected = {"room": "lobby", "event": "wave", "data": {"hand": "both"}}
        assert receive(b) == expected


def test_a_request_gets_its_reply_or_its_refusal(port: int) -> None:
    with dial(port, subprotocols=["bytesocket.json"]) as client:
        assert client.subprotocol == "bytesocket.json"
        send(client, event="say", data={"text": "hi"}, id=1)
        assert receive(client) == {"type": 32, "id": 1, "data": {"text": "HI"}}
        send(client, event="say", data={"text": "no"}, id=2)
        assert receive(client)["data"]["error"]["code"] == "rude"
        send(client, event="say", data={}, id=3)
        assert receive(client)["data"]["error"]["code"] == "validation"


def test_a_ping_of_ours_is_answered(port: int) -> None:
    with dial(port) as client:
        client.send(b"")
        assert client.recv(DEADLINE) == b""


@pytest.mark.parametrize("payload", ["{", b"\xc1"])
def test_what_cannot_be_read_closes_1008(port: int, payload: str | bytes) -> None:
    with dial(port) as client:
        client.send(payload)
        assert closed(client) == (1008, "decode error")


def test_another_path_is_404(port: int) -> None:
    assert refused(port, "/elsewhere") == 404


def test_a_foreign_origin_is_403(port: int) -> None:
    assert refused(port, origin="http://evil.example") == 403


def test_a_get_is_426_with_help(port: int) -> None:
    status, text = get(port, "/ws")
    assert status == 426
    assert f"ws://127.0.0.1:{port}/ws" in text


@pytest.mark.parametrize("kind", SERVERS)
def test_a_drain_closes_all_with_1012_and_takes_no_more(kind: str) -> None:
    with served(kind) as port:
        wait_for(port)
        with dial(port) as a, dial(port) as b:
            for client in (a, b):
                send(client, type=9, room="lobby")
                receive(client)
            assert get(port, "/drain")[0] == 204
            assert closed(a) == closed(b) == (1012, "server restart")
            assert refused(port) == 503


@pytest.mark.parametrize("kind", ["hypercorn-asyncio", "uvicorn", "granian"])
@pytest.mark.parametrize(
    ("shape", "path"), [("mounted_beside", "/chat/ws"), ("mounted_there", "/ws/")]
)
def test_mounted_in_fastapi_it_needs_no_lifespan(kind: str, shape: str, path: str) -> None:
    with served(kind, shape) as port:
        wait_for(port, path)
        with dial(port, path) as a, dial(port, path) as b:
            for client in (a, b):
                send(client, type=9, room="lobby")
                assert receive(client)["type"] == 10
            a.close()
            with dial(port, path) as c:
                send(c, type=9, room="lobby")
                assert receive(c)["type"] == 10
                send(c, room="lobby", event="wave")
                assert receive(b)["event"] == "wave"
        assert get(port, path)[0] == 426
        assert refused(port, f"{path}x") in {403, 404}


@pytest.mark.parametrize("kind", SERVERS)
def test_the_http_side_may_be_static_files(kind: str) -> None:
    with served(kind, "with_files") as port:
        wait_for(port)
        assert "A small vocabulary" in get(port, "/talk.py")[1]
        assert get(port, "/nothing.py") == (404, "Not Found\n")
        # Starlette's own answer to a socket; older versions leave it to us.
        assert refused(port, "/elsewhere") in {403, 404}
        with dial(port) as client:
            send(client, event="say", data={"text": "hi"}, id=1)
            assert receive(client)["data"] == {"text": "HI"}


@pytest.mark.parametrize("kind", SERVERS)
def test_the_http_sides_lifespan_runs(kind: str) -> None:
    with served(kind, "with_fastapi") as port:
        wait_for(port)
        assert get(port, "/state") == (200, '["started"]')
        with dial(port) as client:
            send(client, event="say", data={"text": "hi"}, id=1)
            assert receive(client)["data"] == {"text": "HI"}
        assert refused(port, "/elsewhere") in {403, 404}
