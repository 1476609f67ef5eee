"""`ByteSocket`: every declaration is checked where it stands, and plain functions serve as well."""

import threading
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import anyio
import pytest
from pydantic import BaseModel, Field

from bytesocket_app import (
    AuthError,
    ByteSocket,
    CallNext,
    ClientEvent,
    ConfigurationError,
    Event,
    Message,
    Refusal,
    ServerEvent,
    Socket,
    UndeclaredEvent,
)
from bytesocket_app.errors import where
from bytesocket_app.testing import RequestError, TestClient
from bytesocket_app.types import CodecName
from bytesocket_app.wire import decode

pytestmark = pytest.mark.anyio


class Post(ClientEvent, name="chat:post"):
    text: str


class Posted(ServerEvent, name="chat:posted"):
    text: str


class Reaction(Event):
    emoji: str


class Ping(ClientEvent):
    pass


class Base(ClientEvent, abstract=True):
    pass


class Muted(Refusal, code="muted"):
    pass


class Receipt(BaseModel):
    message_id: int


class NoValidator:
    pass


EVENTS = [Post, Posted, Reaction, Ping]


def make(**arguments: Any) -> ByteSocket:
    defaults: dict[str, Any] = {"title": "Chat", "events": EVENTS}
    return ByteSocket(**{**defaults, **arguments})


def refused(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


# -- the constructor


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"title": ""}, "title='' is empty: it names the generated clients"),
        ({"title": "  "}, "is empty"),
        ({"path": "ws"}, "path='ws' must begin with a slash"),
        ({"path": ""}, "must begin with a slash"),
        ({"path": "/ws?a=1"}, "must begin with a slash and have no query"),
        ({"serialization": "msgpack"}, "serialization='msgpack' is none of 'json', 'binary'"),
        ({"origins": "https://a.example"}, "is one text: pass a list, ['https://a.example']"),
        ({"origins": ["a.example"]}, "origins=['a.example'] would never match"),
        ({"origins": ["https://a.example/"]}, "would never match: browsers send scheme, host"),
        (
            {"engine": "redos://localhost"},
            "has the scheme 'redos'. Did you mean 'redis'?",
        ),
    ],
)
def test_an_argument_that_cannot_be_served_is_refused_where_it_stands(
    arguments: dict[str, Any], problem: str
) -> None:
    message = refused(make, **arguments)
    assert message.startswith(f"{__file__}:")
    assert problem in message


@pytest.mark.parametrize(
    "origins", [None, [], ["*"], ["null"], ["https://a.example", "http://localhost:5173"]]
)
def test_origins_as_browsers_send_them_are_taken(origins: Sequence[str] | None) -> None:
    assert make(origins=origins).path == "/ws"


def test_an_application_shows_what_it_is() -> None:
    app = make(path="/live", version="1.2.3")
    assert repr(app) == "<ByteSocket 'Chat' at /live, 0 sockets>"
    assert (app.title, app.version, app.strict) == ("Chat", "1.2.3", False)


def test_two_applications_share_nothing() -> None:
    one, other = make(), make(events=[])
    one.on(Post)(lambda: None)
    assert len(one.event_routes()) == 1
    assert other.event_routes() == []
    assert list(other.catalogue) == []


# -- on


def test_what_is_not_in_the_state_is_named() -> None:
    app = make()
    app.state.database = 7
    assert app.state.database == 7
    with pytest.raises(
        AttributeError, match=r"app\.state has no 'databse': set it in the lifespan"
    ):
        _ = app.state.databse
    with pytest.raises(AttributeError):
        del app.state.other


async def test_a_handlers_return_value_is_the_reply() -> None:
    app = make()

    @app.on(Post, raises=(Muted,))
    async def post(socket: Socket, event: Post, app: ByteSocket) -> Receipt:
        assert socket.app is app
        if event.text == "bad":
            raise Muted("Quiet!", data={"until": 5})
        return Receipt(message_id=len(event.text))

    async with TestClient(app) as client:
        assert await client.request(Post(text="hey"), Receipt) == Receipt(message_id=3)
        with pytest.raises(RequestError) as caught:
            await client.request(Post(text="bad"))
        assert (caught.value.code, caught.value.data) == ("muted", {"until": 5})


def test_decorators_give_back_the_function() -> None:
    app = make()

    async def handler() -> None:
        raise NotImplementedError

    async def step(socket: Socket, message: Message, call_next: CallNext) -> None:
        raise NotImplementedError

    assert app.on(Post)(handler) is handler
    assert app.on("bare")(handler) is handler
    assert app.middleware(step) is step
    assert app.auth(handler) is handler
    room = app.room("lobby")
    assert room.guard(handler) is room.on_join(handler) is room.on_leave(handler) is handler
    assert room.on(Reaction)(handler) is handler


def test_an_event_is_declared_by_its_handler() -> None:
    app = make(events=[])
    app.on(Post)(lambda: None)
    assert list(app.catalogue.by_name) == ["chat:post"]


def test_a_server_event_has_no_handler() -> None:
    def handler() -> None:
        raise NotImplementedError

    wrong: Any = Posted
    message = refused(make().on(wrong), handler)
    assert f"'chat:posted' cannot have a handler ({where(handler)})" in message
    assert f"the server sends it ({where(Posted)}). Derive it from ClientEvent" in message


def test_on_without_its_event_is_refused_at_once() -> None:
    async def handler() -> None:
        raise NotImplementedError

    wrong: Any = handler
    assert f"is no event ({__file__}:" in refused(make().on, wrong)


def test_a_base_has_no_handler() -> None:
    assert f"Base is a base for events, not an event ({where(Base)})" in refused(make().on, Base)


@pytest.mark.parametrize("name", ["", True, float("nan"), 2**60])
def test_a_bare_name_must_be_one(name: Any) -> None:
    app = make()
    app.on(1)(lambda: None)
    assert f"{name!r} cannot be an event's name ({__file__}:" in refused(app.on(name), print)


def test_a_bare_name_is_declared_by_the_annotation() -> None:
    app = make(events=[])

    @app.on("echo")
    async def echo(socket: Socket, data: list[int]) -> list[int]:
        raise NotImplementedError

    spec = app.catalogue.by_name["echo"]
    assert (spec.payload.annotation, spec.direction) == (list[int], "client")
    assert spec.source == where(echo)


async def test_a_bare_name_without_annotation_takes_anything() -> None:
    app = make(events=[])

    @app.on("count")
    async def count() -> int:
        return 7

    async with TestClient(app) as client:
        await client.send({"event": "count", "id": 1})
        assert (await client.receive_message())["data"] == 7


def test_handlers_that_cannot_be_served_are_refused_with_their_place() -> None:
    app = make()

    async def unknown(socket: Socket, event: Post, session: int) -> None:
        raise NotImplementedError

    async def two(one: Post, other: Post) -> None:
        raise NotImplementedError

    async def other_event(event: Ping) -> None:
        raise NotImplementedError

    for function, problem in (
        (unknown, "nothing serves the parameter `session: int`. It may ask for the socket"),
        (unknown, "the clock (Clock), what dependencies make (Annotated[T, Depends(fn)])."),
        (two, "`other: Post` is a second parameter for the event (event: Post)"),
        (other_event, "nothing serves the parameter `event: Ping`"),
    ):
        message = refused(app.on(Post), function)
        assert where(function) in message
        assert problem in message
    assert app.event_routes() == []


@pytest.mark.parametrize(
    ("raises", "problem"),
    [
        ((ValueError,), "is no refusal: derive it from Refusal"),
        ((Muted("x"),), "is no refusal"),
        (Muted, "is no tuple: write raises=(Muted,)"),
        (None, "is no tuple: write raises=(Muted,)"),
    ],
)
def test_raises_names_refusals(raises: Any, problem: str) -> None:
    def handler() -> None:
        raise NotImplementedError

    message = refused(make().on(Post, raises=raises), handler)
    assert problem in message
    assert where(handler) in message


def test_two_replies_for_one_event_are_refused_with_both_places() -> None:
    app = make()

    @app.on(Post)
    async def one() -> int:
        raise NotImplementedError

    async def other() -> str:
        raise NotImplementedError

    message = refused(app.on(Post), other)
    assert where(one) in message
    assert where(other) in message


def test_a_reply_without_serializer_is_refused() -> None:
    async def handler() -> NoValidator:
        raise NotImplementedError

    message = refused(make().on(Post), handler)
    assert f"{where(handler)}: the return type NoValidator cannot be a reply" in message


# -- plain functions


async def test_plain_functions_serve_everywhere_and_may_emit_from_their_thread() -> None:
    app, threads = make(), set[int]()
    lobby = app.room("lobby:{number}")

    @app.auth
    def authenticate(socket: Socket, credentials: str) -> str:
        threads.add(threading.get_ident())
        if credentials == "bad":
            raise AuthError("No.")
        return credentials

    @app.lifecycle.open
    def opened(socket: Socket[str]) -> None:
        anyio.from_thread.run(socket.emit, Posted(text=f"welcome {socket.user}"))

    @lobby.guard
    def guard(number: int) -> None:
        threads.add(threading.get_ident())
        if number == 0:
            raise Refusal("Not here.")

    @app.on(Post)
    def post(socket: Socket[str], event: Post) -> Receipt:
        anyio.from_thread.run(socket.emit, Posted(text=event.text))
        threads.add(threading.get_ident())
        return Receipt(message_id=1)

    async with TestClient(app, credentials="ann") as client:
        assert (await client.receive(Posted)).text == "welcome ann"
        await client.join("lobby:1")
        with pytest.raises(RequestError, match="Not here"):
            await client.join("lobby:0")
        assert await client.request(Post(text="hi"), Receipt) == Receipt(message_id=1)
        assert (await client.receive(Posted)).text == "hi"
    assert threading.get_ident() not in threads
    assert threads
    with pytest.raises(RequestError, match=r"No\."):
        async with TestClient(app, credentials="bad"):
            raise AssertionError("it must not come in")


# -- declare


async def test_a_handle_is_emitted_and_received() -> None:
    app = make(events=[])
    item = app.declare("stock:item", int | str)
    ask = app.declare("stock:ask", Annotated[int, Field(gt=0)], direction="client", reply=int)

    @app.on(ask)
    async def answer(socket: Socket) -> Any:
        await socket.emit(item("five"))
        return 5

    async with TestClient(app) as client:
        await client.emit(ask(1))
        assert await client.receive(item) == "five"


def test_a_declared_reply_is_a_handlers_that_says_nothing_else() -> None:
    app = make(events=[])
    ask = app.declare("ask", int, direction="client", reply=Receipt)

    def answer() -> Any:
        raise NotImplementedError

    del answer.__annotations__["return"]
    app.on(ask)(answer)
    (event,) = app.contract().document["events"]
    assert event["reply"] == {"$ref": "#/types/Receipt"}


def test_a_name_is_declared_once() -> None:
    app = make(events=[])
    app.declare("a", int)
    assert f"Two events are named 'a': {__file__}:" in refused(app.declare, "a", int)


def test_a_declaration_is_checked() -> None:
    assert "The payload of event 'a'" in refused(make().declare, "a", NoValidator)
    assert "use 'client', 'server' or 'both'" in refused(make().declare, "a", int, direction="up")


# -- auth


def test_there_is_one_authentication_function() -> None:
    app = make()

    @app.auth
    def one() -> None:
        raise NotImplementedError

    def other() -> None:
        raise NotImplementedError

    assert refused(app.auth, other) == (
        f"{where(other)}: authentication is declared already, at {where(one)}. "
        "One function decides."
    )


def test_auth_takes_a_key_or_nothing() -> None:
    app, bare = make(), make()

    @app.auth(key=str)
    def one(socket: Socket) -> str:
        raise NotImplementedError

    decorate: Any = bare.auth
    decorate()(one)
    assert app.contract().document["auth"] == bare.contract().document["auth"]


# -- room


@pytest.mark.parametrize(
    ("patterns", "problem"),
    [
        (["lobby", "lobby"], "Room 'lobby' is declared twice, at "),
        (["doc:{a}", "doc:{a}"], "Room 'doc:{a}' is declared twice, at "),
        (["doc:{a}", "doc:{b}"], "can mean the same name: give them different beginnings"),
        (["{a}:x", "doc:{b}"], "can mean the same name"),
        (["doc:{"], "a brace stands alone"),
        ([""], "it is empty"),
        (["__bytesocket_broadcast__"], "every socket is in that room"),
    ],
)
def test_rooms_that_clash_or_cannot_be_are_refused(patterns: list[str], problem: str) -> None:
    app = make()
    *first, last = patterns
    for pattern in first:
        app.room(pattern)
    message = refused(app.room, last)
    assert problem in message
    assert message.count(f"{__file__}:") == len(patterns)


def test_an_exact_room_beside_a_pattern_is_fine() -> None:
    app = make()
    app.room("doc:{a}")
    app.room("doc:new")
    assert len(app.contract().document["rooms"]) == 2


def test_join_is_for_clients_or_the_server() -> None:
    wrong: Any = "sever"
    message = refused(make().room, "lobby", join=wrong)
    assert f"join='sever' of room 'lobby' ({__file__}:" in message
    assert "is neither 'client' nor 'server'" in message


def test_what_only_clients_send_cannot_be_relayed() -> None:
    wrong: Any = Post
    message = refused(make().room("lobby").relay, wrong)
    assert (
        f"'chat:post' cannot be relayed in 'lobby': only clients send it ({where(Post)})" in message
    )


def test_a_server_event_cannot_come_into_a_room() -> None:
    wrong: Any = Posted
    assert "'chat:posted' cannot come into room 'lobby'" in refused(make().room("lobby").on, wrong)


def test_a_room_parameter_has_one_type() -> None:
    room = make().room("doc:{doc_id}")

    @room.guard
    def guard(doc_id: UUID) -> None:
        raise NotImplementedError

    def joined(doc_id: int) -> None:
        raise NotImplementedError

    assert "Use one type" in refused(room.on_join, joined)


# -- emitting


async def test_what_clients_send_or_nobody_declared_cannot_be_emitted() -> None:
    class Unknown(ServerEvent, name="chat:posed"):
        pass

    app, wrong = make(), Post(text="x")
    event: Any = wrong
    with pytest.raises(UndeclaredEvent, match="clients send it"):
        await app.broadcast(event)
    with pytest.raises(UndeclaredEvent, match=r"Did you mean 'chat:pos"):
        await app.rooms.emit("lobby", Unknown())


async def test_a_broadcast_reaches_every_socket() -> None:
    app = make()
    async with TestClient(app) as one, TestClient(app, codec="binary") as other:
        assert len(app.sockets()) == 2
        await app.broadcast(Posted(text="all"))
        for client in (one, other):
            assert await client.receive(Posted) == Posted(text="all")
    assert app.sockets() == []


async def test_an_empty_model_may_come_without_data() -> None:
    app = make()

    @app.on(Ping)
    async def ping(event: Ping) -> str:
        return repr(event)

    async with TestClient(app) as client:
        messages: list[dict[str, Any]] = [{}, {"data": None}, {"data": {}}]
        for message in messages:
            await client.send({"event": "ping", "id": 1, **message})
            assert (await client.receive_message())["data"] == "Ping()"


# -- frames


@pytest.mark.parametrize("codec", ["json", "binary"])
def test_a_ready_frame_is_an_event_or_any_message(codec: CodecName) -> None:
    app = make()
    frame = app.encode(Posted(text="hi"), codec=codec)
    assert isinstance(frame, bytes) == (codec == "binary")
    assert app.decode(frame) == {"event": "chat:posted", "data": {"text": "hi"}}
    assert app.decode(app.encode({"type": 3, "data": [1]}, codec=codec)) == {"type": 3, "data": [1]}
    assert app.decode(app.encode(app.declare("n", int)(5), codec=codec)) == {
        "event": "n",
        "data": 5,
    }
    with pytest.raises(UndeclaredEvent):
        app.encode(Post(text="x"), codec=codec)


def test_the_applications_own_codec_is_the_default() -> None:
    assert make(serialization="json").encode(1) == "1"
    assert make().encode(1) == b"\x01"
    assert decode(b"1", is_binary=False) == make().decode(b"1", is_binary=False) == 1


# -- what it says of itself


def test_routes_say_where_each_event_is_handled() -> None:
    app = make()
    room = app.room("doc:{doc_id}")

    @app.on(Post)
    async def post() -> None:
        raise NotImplementedError

    @room.on(Ping)
    async def ping() -> None:
        raise NotImplementedError

    room.relay(Reaction)
    assert [(r.event, r.room, r.source) for r in app.event_routes()] == [
        ("chat:post", None, where(post)),
        ("ping", "doc:{doc_id}", where(ping)),
        ("reaction", "doc:{doc_id}", "relay"),
    ]


async def test_ending_for_good_closes_every_socket() -> None:
    app = make()
    async with TestClient(app) as client:
        await app.aclose()
        assert await client.wait_closed() == (1001, "server destroy")


async def test_draining_asks_every_socket_to_come_back() -> None:
    app = make()
    async with TestClient(app) as client:
        await app.drain(1)
        assert (await client.wait_closed())[0] == 1012
    with pytest.raises(RequestError) as caught:
        async with TestClient(app):
            raise AssertionError("it must not come in")
    assert caught.value.code == "503"


async def test_the_application_is_an_asgi_application() -> None:
    app, sent = make(), list[Any]()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "path": "/ws", "method": "GET", "headers": []}
    await app(scope, receive, send)
    assert sent[0]["status"] == 426


async def test_whoever_runs_the_application_may_host_its_work() -> None:
    app = make()
    async with app.running(), TestClient(app) as client:
        await app.broadcast(Posted(text="hi"))
        assert (await client.receive(Posted)).text == "hi"
