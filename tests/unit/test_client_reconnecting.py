"""The client comes back when told to, with what it is told to use, and tells of each end."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, cast, get_args

import anyio
import pytest

from bytesocket_app import AuthError, ByteSocket, ClientEvent, Event, ServerEvent, Socket
from bytesocket_app.client import (
    AuthError as ClientAuthError,
)
from bytesocket_app.client import (
    ClientSettings,
    Disconnected,
    DynamicClient,
    EndOfConnection,
    RequestError,
)
from bytesocket_app.errors import ConfigurationError
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode
from tests.support.beside import Beside, beside
from tests.support.conditions import until
from tests.support.scripted_server import Script, ScriptedServer

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, request_timeout=30)
codecs = pytest.mark.parametrize("codec", get_args(CodecName))


class WhoAmI(ClientEvent, name="who"):
    pass


class Wave(Event, name="wave"):
    text: str


class Told(ServerEvent, name="told"):
    number: int


@dataclass
class Club:
    """An application with members, and how its connections ended."""

    app: ByteSocket
    ends: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


@pytest.fixture
def club() -> Club:
    app = ByteSocket(title="Club")
    club = Club(app)
    app.room("lobby").relay(Wave)

    @app.auth
    async def check(credentials: str) -> str:
        if credentials == "nobody":
            raise AuthError("Who?")
        return credentials

    @app.on(WhoAmI)
    async def who(event: WhoAmI, socket: Socket[str]) -> str:
        return socket.user or ""

    @app.lifecycle.close
    async def ended(code: int, reason: str) -> None:
        club.ends.append((code, reason))

    return club


@pytest.fixture
def server(club: Club) -> Generator[Beside]:
    with beside(club.app) as server:
        yield server


def client_of(server: Beside, auth: Any = "ann", **more: Any) -> DynamicClient:
    options: dict[str, Any] = {"settings": FAST, **more}
    return DynamicClient(f"{server.url}/ws", auth=auth, **options)


class Noted:
    """What a client told of."""

    def __init__(self, client: DynamicClient) -> None:
        self.states: list[str] = []
        self.ends: list[EndOfConnection] = []
        client.on_state(self.states.append)
        client.on_close(self.ends.append)


@codecs
async def test_reconnect_closes_with_4100_and_dials_at_once(
    club: Club, server: Beside, codec: CodecName
) -> None:
    slow = ClientSettings(backoff_base=1000, backoff_cap=1000, request_timeout=30)
    with anyio.fail_after(30):
        async with client_of(server, codec=codec, settings=slow) as client:
            noted = Noted(client)
            lobby = client.join("lobby")
            await lobby.ready
            client.reconnect()
            assert client.state == "connecting"
            assert await client.emit(Wave(text="x")) == "queued"
            await client.ready
            await lobby.ready
            assert await client.request(WhoAmI(), str) == "ann"
            await until(lambda: noted.ends)
            assert noted.ends == [EndOfConnection(4100, "Client reconnect", is_final=False)]
            assert noted.states == ["connecting", "open", "connecting", "open"]
        await until(lambda: len(noted.ends) == 2)
    assert noted.ends[1] == EndOfConnection(1000, "normal", is_final=True)
    await until(lambda: len(club.ends) == 2)
    assert club.ends == [(4100, "Client reconnect"), (1000, "normal")]


async def test_reconnect_while_waiting_or_dialling_begins_a_new_attempt() -> None:
    slow = ClientSettings(backoff_base=1000, backoff_cap=1000, request_timeout=30)
    given: list[int] = []

    async def credentials() -> str:
        given.append(len(given))
        if len(given) == 1:
            raise OSError("no network")
        if len(given) == 2:
            await anyio.sleep_forever()
        return "ann"

    with ScriptedServer(Script(auth=lambda _: True)) as server, anyio.fail_after(30):
        client = DynamicClient(server.url, auth=credentials, settings=slow)
        async with client:
            await until(lambda: client.state == "waiting")
            client.reconnect()
            await until(lambda: len(given) == 2)
            client.reconnect()
            await client.ready
            assert given == [0, 1, 2]


async def test_a_request_under_way_ends_when_the_client_reconnects() -> None:
    with ScriptedServer() as server, anyio.fail_after(30):
        async with DynamicClient(server.url, settings=FAST) as client:
            await client.ready
            ended: list[Exception] = []

            async def ask() -> None:
                try:
                    await client.request(WhoAmI(), str)
                except Disconnected as error:
                    ended.append(error)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await until(lambda: set(map(str, server.peers[0].received)) - {"ping"})
                client.reconnect()
            assert "4100 Client reconnect" in str(ended[0])
            await client.ready


async def test_a_client_that_does_not_run_or_has_ended_cannot_reconnect(server: Beside) -> None:
    client = client_of(server, "nobody")
    with pytest.raises(RuntimeError, match="async with"):
        client.reconnect()
    with anyio.fail_after(30):
        async with client:
            with pytest.raises(ClientAuthError, match="Who"):
                await client.ready
            await until(lambda: client.state == "closed")
            with pytest.raises(ClientAuthError, match="Who"):
                client.reconnect()
    other = client_of(server)
    async with other:
        await other.close()
        with pytest.raises(Disconnected, match="the client was closed"):
            other.reconnect()


@codecs
async def test_new_credentials_count_from_the_next_connection_on(
    club: Club, server: Beside, codec: CodecName
) -> None:
    with anyio.fail_after(30):
        async with client_of(server, codec=codec) as client:
            assert await client.request(WhoAmI(), str) == "ann"
            client.set_auth(lambda: "bob")
            assert await client.request(WhoAmI(), str) == "ann"
            client.reconnect()
            assert await client.request(WhoAmI(), str) == "bob"
            client.set_auth("cid")
            client.reconnect()
            await client.ready
            assert await client.request(WhoAmI(), str) == "cid"


async def test_the_end_of_a_connection_is_told_with_code_and_reason(
    club: Club, server: Beside
) -> None:
    async def close(code: int, reason: str) -> None:
        for socket in club.app.sockets():
            await socket.close(code, reason)

    with anyio.fail_after(30):
        async with client_of(server) as client:
            noted = Noted(client)
            await client.ready
            await server.do(lambda: close(1012, "server restart"))
            await until(lambda: noted.ends)
            await client.ready
            await server.do(lambda: close(4007, "mine"))
            await until(lambda: len(noted.ends) == 2)
            await client.ready
            await server.do(lambda: close(4010, "unknown contract"))
            await until(lambda: len(noted.ends) == 3)
    assert noted.ends == [
        EndOfConnection(1012, "server restart", is_final=False),
        EndOfConnection(4007, "mine", is_final=False),
        EndOfConnection(4010, "unknown contract", is_final=True),
    ]


async def test_a_lost_connection_is_told_as_1006_and_a_refusal_as_final(server: Beside) -> None:
    with ScriptedServer() as scripted, anyio.fail_after(30):
        async with DynamicClient(scripted.url, settings=FAST) as client:
            noted = Noted(client)
            await client.ready
            await until(lambda: scripted.peers)
            scripted.kill()
            await until(lambda: noted.ends)
            assert noted.ends == [EndOfConnection(1006, "", is_final=False)]
    with anyio.fail_after(30):
        async with client_of(server, "nobody") as refused:
            noted = Noted(refused)
            await until(lambda: noted.ends)
            assert [(end.is_final, end.code) for end in noted.ends] in (
                [(True, 4003)],
                [(True, 4001)],
            )


async def test_no_more_than_max_attempts_are_made_in_a_row() -> None:
    quick = ClientSettings(max_attempts=3, backoff_base=0.01, backoff_cap=0.01)
    client = DynamicClient("ws://127.0.0.1:1/", settings=quick)
    noted = Noted(client)
    with anyio.fail_after(30):
        async with client:
            message = r"3 attempts to connect failed in a row.*the last: cannot connect to 127"
            with pytest.raises(Disconnected, match=message):
                await client.ready
            with pytest.raises(Disconnected, match=message):
                await client.request(WhoAmI(), str)
            await until(lambda: client.state == "closed")
            assert await client.emit(Wave(text="x")) == "dropped"
            assert isinstance(client.ended, Disconnected)
    assert noted.states == ["connecting", "waiting"] * 2 + ["connecting", "closed"]
    assert noted.ends == []


async def test_a_server_that_ends_each_connection_uses_up_the_attempts(
    club: Club, server: Beside
) -> None:
    @club.app.lifecycle.open
    async def close(socket: Socket) -> None:
        await socket.close(4007, "not now")

    quick = ClientSettings(max_attempts=2, backoff_base=0.01, backoff_cap=0.01)
    with anyio.fail_after(30):
        async with client_of(server, settings=quick) as client:
            noted = Noted(client)
            await until(lambda: client.ended)
            assert "2 attempts" in str(client.ended)
            assert "4007 not now" in str(client.ended)
            await until(lambda: len(noted.ends) == 2)
    assert [end.is_final for end in noted.ends] == [False, True]


async def test_the_loss_of_a_connection_that_lasted_is_no_failed_attempt(
    club: Club, server: Beside
) -> None:
    one = ClientSettings(max_attempts=1, stable_after=0, backoff_base=0.01, backoff_cap=0.01)

    async def close() -> None:
        for socket in club.app.sockets():
            await socket.close(1012)

    with anyio.fail_after(30):
        async with client_of(server, settings=one) as client:
            for _ in range(3):
                await client.ready
                await server.do(close)
                await until(lambda: client.state != "open")
            assert await client.request(WhoAmI(), str) == "ann"


async def test_further_subprotocols_are_offered_behind_the_codecs() -> None:
    settings = ClientSettings(subprotocols=("chat.v2", "chat.v1"))
    with ScriptedServer() as server, anyio.fail_after(30):
        client = DynamicClient(server.url, settings=settings)
        chosen = [client.subprotocol]
        async with client:
            await client.ready
            chosen.append(client.subprotocol)
        chosen.append(client.subprotocol)
    assert server.headers[0]["Sec-WebSocket-Protocol"] == "bytesocket.json, chat.v2, chat.v1"
    assert chosen == [None, "bytesocket.json", None]
    with (
        ScriptedServer(Script(subprotocols=("chat.v1",))) as other,
        anyio.fail_after(30),
    ):
        async with DynamicClient(other.url, settings=settings) as client:
            await client.ready
            assert client.subprotocol == "bytesocket.json"


@pytest.mark.parametrize("wrong", [("a b",), ("",), ("a", "a"), "ab", ("bytesocket.json",), (1,)])
def test_a_subprotocol_that_cannot_be_offered_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="subprotocols"):
        ClientSettings(subprotocols=wrong)


@pytest.mark.parametrize("wrong", [-1, 1.5, "3", None])
def test_a_number_of_attempts_that_cannot_be_meant_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        ClientSettings(max_attempts=wrong)


@codecs
async def test_a_message_hook_hears_every_frame_as_it_came(
    club: Club, server: Beside, codec: CodecName
) -> None:
    frames: list[bytes | str] = []
    order: list[str] = []
    quick = ClientSettings(ping_interval=0.01)

    async def tell() -> None:
        for socket in club.app.sockets():
            await socket.send_raw("{no json")

    with anyio.fail_after(30):
        async with client_of(server, codec=codec, settings=quick) as client:

            @client.on_message
            def note(frame: bytes | str) -> None:
                frames.append(frame)
                order.append("frame")

            @client.on_error
            def failed(error: object) -> None:
                order.append("error")

            assert await client.request(WhoAmI(), str) == "ann"
            await server.do(tell)
            await until(lambda: "{no json" in frames and "error" in order and b"" in frames)
            assert order.index("error") > frames.index("{no json")
    read = [
        decode(frame, isinstance(frame, bytes))
        for frame in frames
        if frame not in {b"", "{no json"}
    ]
    assert {"type": 5} in read
    assert {"type": 32, "id": 1, "data": "ann"} in read
    assert type(frames[0]) is (bytes if codec == "binary" else str)


@codecs
async def test_once_calls_a_listener_for_the_next_event_alone(
    club: Club, server: Beside, codec: CodecName
) -> None:
    heard: list[str] = []

    @club.app.lifecycle.open
    async def joined(socket: Socket) -> None:
        await socket.rooms.join("lobby")

    with anyio.fail_after(30):
        async with client_of(server, codec=codec) as one, client_of(server) as two:
            lobby, theirs = one.join("lobby"), two.join("lobby")
            await lobby.ready
            await theirs.ready

            @lobby.once(Wave)
            async def first(event: Wave) -> None:
                heard.append(f"once {event.text}")

            def never(event: Wave) -> None:
                heard.append("never")

            assert one.once(Wave, never) is never
            one.off(Wave, never)
            one.once(Wave, first)
            every = one.events(Wave)
            for text in "abc":
                await theirs.emit(Wave(text=text))
            assert [(await anext(every)).text for _ in "abc"] == ["a", "b", "c"]
            await until(lambda: len(heard) >= 2)
    assert heard == ["once a", "once a"]


async def test_a_listener_that_an_earlier_one_removes_is_not_called(
    club: Club, server: Beside
) -> None:
    heard: list[str] = []
    with anyio.fail_after(30):
        async with client_of(server) as one, client_of(server) as two:
            lobby, theirs = one.join("lobby"), two.join("lobby")
            await lobby.ready
            await theirs.ready

            def second(event: Wave) -> None:
                heard.append("second")

            def first(event: Wave) -> None:
                heard.append(event.text)
                lobby.off(Wave, second)
                one.off(Wave, second)

            lobby.on(Wave, first)
            lobby.on(Wave, second)
            lobby.once(Wave, second)
            one.once(Wave, second)
            await theirs.emit(Wave(text="a"))
            await theirs.emit(Wave(text="b"))
            await until(lambda: "b" in heard)
    assert heard == ["a", "b"]


@codecs
async def test_raw_frames_and_events_are_sent_as_they_are(
    club: Club, server: Beside, codec: CodecName
) -> None:
    got: list[bytes | str] = []

    @club.app.lifecycle.message
    async def note(payload: str | bytes) -> None:
        got.append(payload)

    client = client_of(server, codec=codec)
    with pytest.raises(RuntimeError, match="async with"):
        await client.send_raw("x")
    with anyio.fail_after(30):
        async with client:
            # Before authentication it waits: the server would close the connection.
            assert await client.send_raw('{"event": "who", "id": 7}') == "queued"
            assert await client.send_raw(b"") == "queued"
            await client.ready
            assert await client.request_raw("who", None) == "ann"
            assert await client.request_raw("who", {}, str) == "ann"
            with pytest.raises(RequestError, match="invalid_reply"):
                await client.request_raw("who", {}, int)
            with pytest.raises(RequestError, match="unknown_event"):
                await client.request_raw("nobody", {"a": b"x"})
            assert await client.emit_raw("who", {}) == "sent"
            assert await client.send_raw(b"\x81\xa5event\xa3who") == "sent"
            lobby = client.join("lobby")
            await lobby.ready
            assert await lobby.request_raw("wave", {"text": "x"}) is None
            assert await lobby.emit_raw("wave", {"text": "y"}) == "sent"
            for wrong in (None, 7, {"a": 1}):
                with pytest.raises(TypeError):
                    await client.send_raw(cast("Any", wrong))
            await until(lambda: len(got) >= 9)
        assert await client.send_raw("x") == "dropped"
    assert got[1:3] == ['{"event": "who", "id": 7}', b""]
    assert b"\x81\xa5event\xa3who" in got
