"""The generated Python client against a server that does as it is told."""

from collections.abc import Awaitable, Callable, Generator
from datetime import date
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import to_thread

from bytesocket_app.client import (
    AuthError,
    ClientSettings,
    ClientState,
    Disconnected,
    ErrorContext,
    RequestError,
    RequestTimeout,
)
from bytesocket_app.wire import BINARY
from tests.support.generated_chat import (
    Blob,
    ChatClient,
    Credentials,
    Echo,
    Event7,
    Move,
    Moved,
    Mute,
    MutedError,
    Post,
    Posted,
    Reaction,
    Receipt,
    Save,
)
from tests.support.scripted_server import Refuse, Script, ScriptedServer

pytestmark = pytest.mark.anyio

FAST = ClientSettings(backoff_base=0.02, backoff_cap=0.05, close_timeout=1, request_timeout=30)
TOKEN = Credentials(token="good")


def refuse(context: Any) -> Callable[[Any], Any]:
    def answer(_: Any) -> Any:
        raise Refuse(context)

    return answer


@pytest.fixture
def server() -> Generator[ScriptedServer]:
    script = Script(
        auth=lambda credentials: credentials == {"token": "good"},
        replies={
            "chat:post": lambda post: {"message_id": len(post["text"])},
            "doc:save": lambda _: {"message_id": 9},
            "echo": lambda text: text,
        },
    )
    with ScriptedServer(script) as server:
        yield server


async def seen(server: ScriptedServer, condition: Callable[[ScriptedServer], Any]) -> Any:
    return await to_thread.run_sync(partial(server.wait, condition))


def _connections(count: int, server: ScriptedServer) -> bool:
    return len(server.log()) == count and bool(server.log()[-1])


def client(server: ScriptedServer, **options: Any) -> ChatClient:
    chosen: dict[str, Any] = {"auth": TOKEN, "codec": "json", "settings": FAST, **options}
    return ChatClient(server.url, **chosen)


async def test_it_authenticates_and_asks_for_its_codec_and_contract(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            await chat.ready
            assert chat.state == "open"
    assert server.paths == [f"/ws?contract={ChatClient.contract.fingerprint}"]
    assert server.headers[0]["Sec-WebSocket-Protocol"] == "bytesocket.json"
    assert server.log() == [[{"type": 4, "data": {"token": "good"}}]]
    peer = server.peers[0]
    await seen(server, lambda _: peer.close_code == 1000)


async def test_a_request_ends_with_the_typed_reply(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            assert await chat.request(Post(text="four")) == Receipt(message_id=4)
            assert await chat.request(Echo("hi")) == "hi"
    assert server.log()[0][1] == {"event": "chat:post", "id": 1, "data": {"text": "four"}}


async def test_a_refused_request_raises_its_code(server: ScriptedServer) -> None:
    error = {"code": "muted", "message": "not now", "data": {"until": 5}}
    server.script.replies["chat:post"] = refuse({"phase": "handler", "error": error})
    with anyio.fail_after(30):
        async with client(server) as chat:
            with pytest.raises(RequestError, match="not now") as caught:
                await chat.request(Post(text="x"))
    assert (caught.value.code, caught.value.data) == ("muted", {"until": 5})


async def test_a_refusal_with_fitting_data_is_of_its_codes_class(server: ScriptedServer) -> None:
    error = {"code": "muted", "message": "not now", "data": {"until": "2030-01-02"}}
    server.script.replies["chat:post"] = refuse({"phase": "handler", "error": error})
    server.script.refused_rooms["lobby"] = {"phase": "onJoinRoom", "error": error}
    with anyio.fail_after(30):
        async with client(server) as chat:
            with pytest.raises(MutedError, match="not now") as caught:
                await chat.request(Post(text="x"))
            with pytest.raises(MutedError) as unjoined:
                await chat.join("lobby").ready
    assert caught.value.data == unjoined.value.data == Mute(until=date(2030, 1, 2))


async def test_an_event_without_a_reply_is_answered_with_none(server: ScriptedServer) -> None:
    server.script.replies |= {"blob": lambda _: "seven", "chat:reaction": lambda _: None}
    with anyio.fail_after(30):
        async with client(server) as chat:
            outside: Awaitable[object] = chat.request(Blob(b"x"))
            inside: Awaitable[object] = chat.join("lobby").request(Reaction(emoji="x"))
            assert [await outside, await inside] == [None, None]


async def test_a_reply_that_does_not_fit_raises(server: ScriptedServer) -> None:
    server.script.replies["chat:post"] = lambda _: {"message_id": "many"}
    with anyio.fail_after(30):
        async with client(server) as chat:
            with pytest.raises(RequestError) as caught:
                await chat.request(Post(text="x"))
    assert caught.value.code == "invalid_reply"


async def test_a_server_that_knows_no_requests_makes_them_time_out(server: ScriptedServer) -> None:
    server.script.knows_replies = False
    with anyio.fail_after(30):
        async with client(server) as chat:
            with pytest.raises(RequestTimeout):
                await chat.request(Post(text="x"), timeout=0.05)


async def test_a_request_cut_off_by_a_lost_connection_raises(server: ScriptedServer) -> None:
    server.script.knows_replies = False
    caught: list[BaseException] = []
    with anyio.fail_after(30):
        async with client(server) as chat, anyio.create_task_group() as tasks:
            await chat.ready

            async def ask() -> None:
                try:
                    await chat.request(Post(text="x"))
                except Disconnected as error:
                    caught.append(error)

            tasks.start_soon(ask)
            await seen(server, lambda s: len(s.log()[0]) == 2)
            server.kill()
    assert len(caught) == 1


async def test_events_reach_every_listener_of_their_class(server: ScriptedServer) -> None:
    heard: list[tuple[str, object]] = []
    with anyio.fail_after(30):
        async with client(server) as chat:
            done = anyio.Event()

            @chat.on(Posted)
            async def show(message: Posted) -> None:
                heard.append(("async", message.text))

            def count(number: Event7) -> None:
                heard.append(("plain", number.root))
                done.set()

            assert chat.on(Event7, count) is count
            await chat.ready
            server.send({"event": "chat:posted", "data": {"author": "a", "text": "one"}})
            server.send({"event": "7", "data": 1})
            server.send({"event": 7, "data": 2})
            await done.wait()
    assert heard == [("async", "one"), ("plain", 2)]
    assert show.__name__ == "show"


async def test_events_may_be_heard_by_name_in_the_client_and_in_rooms(
    server: ScriptedServer,
) -> None:
    heard: list[tuple[str, str]] = []
    posted = {"event": "chat:posted", "data": {"author": "a", "text": "one"}}
    with anyio.fail_after(30):
        async with client(server) as chat:
            lobby, moves = chat.join("lobby"), chat.events("doc:moved")
            first = anyio.Event()

            @chat.on("chat:posted")
            async def show(message: Posted) -> None:
                heard.append(("client", message.text))
                first.set()

            @lobby.on("chat:posted")
            def tell(message: Posted) -> None:
                heard.append(("lobby", message.text))

            await lobby.ready
            server.send({"room": "lobby", **posted})
            await first.wait()
            chat.off("chat:posted", show)
            server.send({"room": "lobby", **posted})
            server.send({"event": "doc:moved", "data": {"user": "u", "x": 1, "y": 2}})
            assert await anext(moves) == Moved(user="u", x=1, y=2)
    assert heard == [("lobby", "one"), ("client", "one"), ("lobby", "one")]


async def test_a_room_event_reaches_the_handle_and_the_client(server: ScriptedServer) -> None:
    heard: list[str] = []
    with anyio.fail_after(30):
        async with client(server) as chat:
            done = anyio.Event()
            room, other = chat.join("lobby"), chat.join("doc:{doc_id}", doc_id=7)
            chat.on(Posted, lambda m: heard.append(f"client {m.text}"))
            room.on(Posted, lambda m: heard.append(f"lobby {m.text}"))
            other.on(Posted, lambda m: heard.append(f"doc {m.text}"))
            chat.on(Moved, lambda _: done.set())
            await room.ready
            await other.ready
            data = {"author": "a", "text": "hi"}
            server.send({"room": "lobby", "event": "chat:posted", "data": data})
            server.send({"rooms": ["doc:7", "lobby"], "event": "chat:posted", "data": data})
            server.send({"event": "doc:moved", "data": {"user": "u", "x": 1, "y": 2}})
            await done.wait()
    assert heard == ["lobby hi", "client hi", "doc hi", "lobby hi", "client hi"]


async def test_room_verbs_carry_the_room(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            async with chat.join("doc:{doc_id}", doc_id=7) as doc:
                assert await doc.emit(Move(x=1, y=2)) == "sent"
                assert await doc.request(Save()) == Receipt(message_id=9)
            await seen(server, lambda s: len(s.log()[0]) == 5)
    assert server.log()[0][1:] == [
        {"type": 9, "room": "doc:7"},
        {"room": "doc:7", "event": "doc:move", "data": {"x": 1.0, "y": 2.0}},
        {"room": "doc:7", "event": "doc:save", "id": 1, "data": {}},
        {"type": 12, "room": "doc:7"},
    ]


@pytest.mark.parametrize(
    ("context", "code", "message"),
    [
        ({"phase": "onJoinRoom", "error": {"code": "private", "message": "no"}}, "private", "no"),
        ({"phase": "onJoinRoom", "error": ["Error", "go away", None]}, "refused", "go away"),
        ({"phase": "onJoinRoom", "error": ["TimeoutError", "late", None]}, "timeout", "late"),
        ({"phase": "onJoinRoom", "error": {}}, "refused", "refused"),
        ("no", "refused", "no"),
        (None, "refused", "refused"),
    ],
)
async def test_a_refused_join_raises_whatever_its_shape(
    server: ScriptedServer, context: Any, code: str, message: str
) -> None:
    server.script.refused_rooms["lobby"] = context
    with anyio.fail_after(30):
        async with client(server) as chat:
            room = chat.join("lobby")
            with pytest.raises(RequestError) as caught:
                await room.ready
    assert (caught.value.code, caught.value.message) == (code, message)


async def test_a_lost_connection_is_made_again_as_it_was(server: ScriptedServer) -> None:
    tokens: list[int] = []

    async def token() -> Credentials:
        tokens.append(1)
        return TOKEN

    with anyio.fail_after(30):
        async with client(server, auth=token) as chat:
            waiting = anyio.Event()

            @chat.on_state
            def changed(state: ClientState) -> None:
                if state == "waiting":
                    waiting.set()

            room, gone = chat.join("lobby"), chat.join("doc:{doc_id}", doc_id=1)
            await room.ready
            await gone.ready
            again = chat.join("lobby")
            await gone.leave()
            await seen(server, lambda s: len(s.log()[0]) == 4)
            server.script.status = 503
            server.kill()
            await waiting.wait()
            assert not room.is_joined
            assert await room.emit(Reaction(emoji="+1")) == "queued"
            assert await chat.emit(Post(text="later")) == "queued"
            assert await chat.join("doc:{doc_id}", doc_id=2).emit(Move(x=1, y=1)) == "dropped"
            server.script.status = None
            await again.ready
            await chat.request(Echo("last"))
    assert len(tokens) >= 2
    assert server.log()[1] == [
        {"type": 4, "data": {"token": "good"}},
        {"type": 9, "room": "lobby"},
        {"type": 9, "room": "doc:2"},
        {"room": "lobby", "event": "chat:reaction", "data": {"emoji": "+1"}},
        {"event": "chat:post", "data": {"text": "later"}},
        {"event": "echo", "id": 1, "data": "last"},
    ]


async def test_a_room_left_while_offline_is_not_joined_again(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            room = chat.join("lobby")
            await room.ready
            server.script.status = 503
            server.kill()
            await seen(server, lambda s: len(s.paths) > 1)
            await room.leave()
            server.script.status = None
            await chat.request(Echo("x"))
            with pytest.raises(Disconnected):
                await room.ready
    assert [m.get("type") for m in server.log()[1]] == [4, None]


async def test_a_request_made_offline_is_sent_after_reconnecting(server: ScriptedServer) -> None:
    server.script.status = 503
    replies: list[str] = []
    with anyio.fail_after(30):
        async with client(server) as chat, anyio.create_task_group() as tasks:

            async def ask() -> None:
                replies.append(await chat.request(Echo("x")))

            tasks.start_soon(ask)
            with pytest.raises(RequestTimeout):
                await chat.request(Echo("taken back"), timeout=0.05)
            server.script.status = None
    assert replies == ["x"]
    assert [m.get("data") for m in server.log()[0]] == [{"token": "good"}, "x"]


async def test_refused_credentials_end_it(server: ScriptedServer) -> None:
    states: list[str] = []
    with anyio.fail_after(30):
        async with client(server, auth=Credentials(token="bad")) as chat:
            chat.on_state(states.append)
            assert await chat.emit(Post(text="x")) == "queued"
            with pytest.raises(AuthError, match="who are you"):
                await chat.ready
            assert chat.state == "closed"
            assert await chat.emit(Post(text="x")) == "dropped"
            with pytest.raises(AuthError, match="who are you") as caught:
                await chat.request(Post(text="x"))
            assert caught.value is chat.ended
    assert states == ["connecting", "closed"]
    assert len(server.peers) == 1


async def test_a_typescript_auth_error_is_understood(server: ScriptedServer) -> None:
    server.script.auth_error = {"phase": "auth", "error": ["Error", "bad", None], "code": 4003}
    with anyio.fail_after(30):
        async with client(server, auth=Credentials(token="bad"), codec="binary") as chat:
            with pytest.raises(AuthError, match="bad"):
                await chat.ready


async def test_http_401_ends_it_and_503_does_not(server: ScriptedServer) -> None:
    server.script.status = 503
    errors: list[ErrorContext] = []
    with anyio.fail_after(30):
        async with client(server) as chat:
            chat.on_error(errors.append)
            await seen(server, lambda s: len(s.paths) > 1)
            server.script.status = 401
            with pytest.raises(AuthError, match="401"):
                await chat.ready
    assert errors[0].phase.value == "network"


async def test_a_failing_token_function_is_tried_again(server: ScriptedServer) -> None:
    attempts: list[int] = []

    def token() -> Credentials:
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("no token today")
        return TOKEN

    with anyio.fail_after(30):
        async with client(server, auth=token) as chat:
            await chat.ready
    assert len(attempts) == 3


async def test_a_token_function_may_give_up(server: ScriptedServer) -> None:
    def token() -> Credentials:
        raise AuthError("logged out")

    with anyio.fail_after(30):
        async with client(server, auth=token) as chat:
            with pytest.raises(AuthError, match="logged out"):
                await chat.ready
    assert server.peers == []


async def test_no_answer_to_the_credentials_is_tried_again(server: ScriptedServer) -> None:
    check, server.script.auth = server.script.auth, None
    settings = ClientSettings(auth_timeout=1, backoff_base=0.02, close_timeout=1)
    with anyio.fail_after(30):
        async with client(server, settings=settings) as chat:
            await seen(server, lambda s: s.peers and s.peers[0].close_code)
            server.script.auth = check
            await chat.ready
    assert server.peers[0].close_code == 4002


async def test_a_silent_server_is_left(server: ScriptedServer) -> None:
    server.script.answers_pings = False
    settings = ClientSettings(
        ping_interval=0.05, pong_timeout=1, backoff_base=0.02, close_timeout=1
    )
    with anyio.fail_after(30):
        async with client(server, settings=settings) as chat:
            await chat.ready
            await seen(server, lambda s: len(s.peers) > 1 and s.peers[0].close_code)
            server.script.answers_pings = True
            await chat.ready
            await seen(server, lambda s: s.log()[-1].count("ping") > 3)
    assert server.peers[0].close_code == 4003


async def test_binary_carries_bytes_both_ways(server: ScriptedServer) -> None:
    raw = bytes(range(256))
    received: list[Blob] = []
    with anyio.fail_after(30):
        async with client(server, codec=None) as chat:
            blobs = chat.events(Blob)
            await chat.emit(Blob(raw))
            await chat.ready
            server.send({"event": "blob", "data": raw})
            received.append(await anext(blobs))
            await seen(server, lambda s: len(s.log()[0]) == 2)
    assert received == [Blob(raw)]
    assert server.log()[0][1] == {"event": "blob", "data": raw}
    assert server.headers[0]["Sec-WebSocket-Protocol"] == "bytesocket.binary"


async def test_frames_of_the_other_codec_are_understood(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            events = chat.events(Posted)
            await chat.ready
            message = {"event": "chat:posted", "data": {"author": "a", "text": "hi"}}
            server.send(message, BINARY)
            assert (await anext(events)).text == "hi"


async def test_what_cannot_be_read_goes_to_on_error(server: ScriptedServer) -> None:
    errors: list[ErrorContext] = []
    with anyio.fail_after(30):
        async with client(server) as chat:
            done = anyio.Event()
            chat.on_error(errors.append)
            chat.on(Moved, lambda _: done.set())

            @chat.on(Posted)
            def fail(message: Posted) -> None:
                raise ValueError(message.text)

            await chat.ready
            server.peers[0].connection.send("{")
            server.send(["not", "a", "message"])
            server.send({"event": "chat:posted", "data": {"author": "a"}})
            server.send({"type": 3, "data": {"phase": "handler", "error": {"code": "muted"}}})
            server.send({"event": "chat:posted", "data": {"author": "a", "text": "boom"}})
            server.send({"event": "doc:moved", "data": {"user": "u", "x": 1, "y": 2}})
            await done.wait()
    phases = [(error.phase.value, type(error.error).__name__) for error in errors]
    assert phases == [
        ("decode", "DecodeError"),
        ("validation", "ValidationError"),
        ("handler", "RequestError"),
        ("handler", "ValueError"),
    ]


async def test_a_listener_may_wait_for_a_reply(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:
            replies: list[str] = []
            done = anyio.Event()

            @chat.on(Posted)
            async def ask(message: Posted) -> None:
                replies.append(await chat.request(Echo(message.text)))
                done.set()

            await chat.ready
            server.send({"event": "chat:posted", "data": {"author": "a", "text": "hi"}})
            await done.wait()
    assert replies == ["hi"]


async def test_an_iterator_goes_on_over_reconnections_and_ends_with_the_client(
    server: ScriptedServer,
) -> None:
    heard: list[str] = []
    with anyio.fail_after(30):
        async with client(server) as chat:
            events = chat.events(Posted)
            await chat.ready
            for number in range(2):
                text = str(number)
                server.send({"event": "chat:posted", "data": {"author": "a", "text": text}})
                heard.append((await anext(events)).text)
                server.kill()
                count = number + 2
                await seen(server, partial(_connections, count))
                await chat.ready
        heard.extend([event.text async for event in events])
    assert heard == ["0", "1"]


async def test_the_bodys_exception_comes_out_as_it_is(server: ScriptedServer) -> None:
    async def body() -> None:
        async with client(server) as chat:
            await chat.ready
            raise KeyError("mine")

    with pytest.raises(KeyError), anyio.fail_after(30):
        await body()
    await seen(server, lambda s: s.peers[0].close_code == 1000)


async def test_cancelling_the_body_closes_the_connection(server: ScriptedServer) -> None:
    with anyio.CancelScope() as scope, anyio.fail_after(30):
        async with client(server) as chat:
            await chat.ready
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    await seen(server, lambda s: s.peers[0].close_code == 1000)


async def test_closing_ends_everybody_who_waits(server: ScriptedServer) -> None:
    server.script.knows_replies = False
    server.script.refused_rooms = {}
    ended: list[str] = []
    with anyio.fail_after(30):
        async with client(server) as chat, anyio.create_task_group() as tasks:
            await chat.ready

            async def ask() -> None:
                with pytest.raises(Disconnected):
                    await chat.request(Post(text="x"))
                ended.append("request")

            async def listen() -> None:
                async for _ in chat.events(Posted):
                    pass
                ended.append("iterator")

            tasks.start_soon(ask)
            tasks.start_soon(listen)
            await seen(server, lambda s: len(s.log()[0]) == 2)
            await chat.close()
            assert chat.state == "closed"
            with pytest.raises(Disconnected):
                await chat.ready
            with pytest.raises(Disconnected):
                await chat.join("lobby").ready
    assert sorted(ended) == ["iterator", "request"]


async def test_a_listener_may_close_the_client(server: ScriptedServer) -> None:
    with anyio.fail_after(30):
        async with client(server) as chat:

            @chat.on(Posted)
            async def stop(_: Posted) -> None:
                await chat.close()

            await chat.ready
            server.send({"event": "chat:posted", "data": {"author": "a", "text": "bye"}})
            async for _ in chat.events(Moved):
                pass
    assert chat.state == "closed"


async def test_closing_while_dialling_does_not_wait_for_the_server() -> None:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        with anyio.fail_after(30):
            async with ChatClient(f"ws://127.0.0.1:{port}", auth=TOKEN) as chat:
                assert chat.state == "closed"
                assert await chat.emit(Post(text="never")) == "queued"
