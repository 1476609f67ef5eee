"""What an application declares becomes the contract's source, once and complete."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from bytesocket_app import ByteSocket, ClientEvent, Event, Handshake, Refusal, ServerEvent, Socket
from bytesocket_app.events import EventModel


class Post(ClientEvent, name="chat:post"):
    """Ask for a post."""

    text: str


class Posted(ServerEvent, name="chat:posted"):
    text: str


class Reaction(Event, volatile=True):
    emoji: str


class Typing(ClientEvent):
    pass


class Receipt(BaseModel):
    message_id: int


class Muted(Refusal, code="muted"):
    pass


class Banned(Refusal, code="banned"):
    pass


EVENTS: list[type[EventModel]] = [Post, Posted, Reaction, Typing]


def make() -> ByteSocket:
    return ByteSocket(title="Chat", version="2.0", path="/live", events=EVENTS)


def event(app: ByteSocket, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(e for e in app.contract().document["events"] if e["name"] == name)
    return found


def test_the_frame_is_the_applications() -> None:
    document = make().contract().document
    assert (document["title"], document["version"], document["path"]) == ("Chat", "2.0", "/live")
    assert (document["serialization"], document["auth"]) == ("binary", None)


def test_an_event_is_global_if_a_handler_outside_rooms_takes_it() -> None:
    app = make()
    assert not event(app, "chat:post")["global"]
    app.on(Post)(lambda: None)
    assert event(app, "chat:post")["global"]
    assert not event(app, "chat:posted")["global"]


def test_reply_and_refusals_are_those_of_all_handlers() -> None:
    app = make()

    @app.on(Post, raises=(Muted,))
    async def one() -> Receipt:
        raise NotImplementedError

    @app.on(Post, raises=(Banned, Muted))
    async def other() -> None:
        raise NotImplementedError

    post = event(app, "chat:post")
    assert post["reply"] == {"$ref": "#/types/Receipt"}
    assert sorted(post["refusals"]) == ["banned", "muted"]
    assert post["doc"] == "Ask for a post."


def test_a_handler_of_nothing_has_no_reply() -> None:
    app = make()
    app.on(Post)(lambda: None)
    assert event(app, "chat:post")["reply"] is None


def test_a_handles_reply_counts_before_it_has_a_handler() -> None:
    app = make()
    app.declare("ask", int, direction="client", reply=Receipt)
    assert event(app, "ask")["reply"] == {"$ref": "#/types/Receipt"}


def test_volatile_events_are_marked() -> None:
    assert event(make(), "reaction")["volatile"]
    assert not event(make(), "chat:post")["volatile"]


def test_a_room_lists_what_may_come_and_what_arrives() -> None:
    app = make()
    room = app.room("doc:{doc_id}:{page}", join="server")

    @room.guard
    async def guard(doc_id: UUID) -> None:
        raise NotImplementedError

    @room.on(Post, raises=(Muted,))
    async def post(event: Post) -> Posted | Receipt:
        raise NotImplementedError

    @room.on(Reaction)
    async def reaction() -> None:
        raise NotImplementedError

    room.relay(Reaction)
    (entry,) = app.contract().document["rooms"]
    assert (entry["pattern"], entry["join"]) == ("doc:{doc_id}:{page}", "server")
    assert entry["params"]["doc_id"]["format"] == "uuid"
    assert entry["params"]["page"] == {"type": "string"}
    events = {e["name"]: e for e in entry["client_events"]}
    assert sorted(events) == ["chat:post", "reaction"]
    assert events["chat:post"]["refusals"] == ["muted"]
    assert events["reaction"]["reply"] is None
    assert sorted(entry["server_events"]) == ["chat:posted", "reaction"]


def test_a_relay_alone_is_in_the_contract() -> None:
    app = make()
    app.room("lobby").relay(Reaction)
    (entry,) = app.contract().document["rooms"]
    assert [e["name"] for e in entry["client_events"]] == entry["server_events"] == ["reaction"]


def test_authentication_is_by_handshake_or_by_message() -> None:
    by_handshake, by_message = make(), make()

    @by_handshake.auth
    async def from_handshake(handshake: Handshake) -> None:
        raise NotImplementedError

    @by_message.auth
    async def from_message(socket: Socket, credentials: Receipt) -> None:
        raise NotImplementedError

    assert by_handshake.contract().document["auth"] == {"via": "handshake"}
    auth = by_message.contract().document["auth"]
    assert (auth["via"], auth["credentials"]) == ("message", {"$ref": "#/types/Receipt"})
