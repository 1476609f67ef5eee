"""What checkers refuse of a generated client: each line marked `# wrong`, and no other."""

from pathlib import Path

import pytest

from bytesocket_cli.codegen.python import python
from tests.support import checkers
from tests.support.contracts import (
    INTEGER,
    STRING,
    event,
    minimal,
    model,
    ref,
    room,
    room_event,
    sealed,
)

PROGRAM = """
from tests.support.generated_chat import *
from bytesocket_app.client import RoomGroup
import other

async def several(chat: other.OtherClient) -> None:
    both = chat.join_all(other.ARoom.of(), other.BRoom.of(b_id=1))
    await both.emit(other.Post(a=1))
    await both.request(other.Post(a=1))
    await both.emit(other.Only(a=1))  # wrong: not in all of these rooms
    room, second = chat.join("a"), chat.join("b:{b_id}", b_id=2)
    await RoomGroup(room, chat.join("a")).emit(other.Only(a=1))
    await RoomGroup(room, second).emit(other.Post(a=1))
    await RoomGroup(room, second).emit(other.Only(a=1))  # wrong: not in all of these rooms
    await RoomGroup(room, second).emit(Reaction(emoji="x"))  # wrong: of another contract
    RoomGroup(room, "lobby").emit(other.Post(a=1))  # wrong: no room
    chat.join_all(other.ARoom.of(), LobbyRoom.of())  # wrong: of another contract

async def main() -> None:
    ChatClient("ws://h")  # wrong: auth is required
    ChatClient("ws://h", auth="token")  # wrong
    ChatClient("ws://h", auth=lambda: "token")  # wrong
    chat = ChatClient("ws://h", auth=Credentials(token="t"))
    await chat.emit(Posted(author="a", text="b"))  # wrong: the server's event
    await chat.emit(Move(x=1, y=2))  # wrong: only in a room
    await chat.emit("chat:post", {})  # wrong
    await chat.request(Save())  # wrong: only in a room
    await chat.request(Move(x=1, y=2))  # wrong: only in a room
    await chat.request(Posted(author="a", text="b"))  # wrong: the server's event
    await chat.request(7)  # wrong
    Post(txt="x")  # wrong
    Post(text=5)  # wrong
    Echo(5)  # wrong

    @chat.on(Post)  # wrong: a client's event
    async def first(event: Post) -> None: ...

    @chat.on(Posted)  # wrong: the handler takes another
    async def second(event: Moved) -> None: ...

    async def third(event: Moved) -> None: ...

    chat.on(Posted, third)  # wrong
    chat.join("nowhere")  # wrong
    chat.join("user-feed")  # wrong: only the server lets in
    chat.join("doc:{doc_id}")  # wrong
    chat.join("doc:{doc_id}", doc_id="seven")  # wrong
    chat.join("lobby", doc_id=7)  # wrong
    lobby = chat.join("lobby")
    await lobby.emit(Post(text="x"))  # wrong: not in this room
    lobby.request(Save())  # wrong: not in this room
    nothing: int = await lobby.request(Reaction(emoji="x"))  # wrong: there is no reply
    receipt: str = await chat.request(Post(text="x"))  # wrong
    receipt: str = await chat.request(Post(text="x") if chat else Echo("x"))  # wrong

    docs = chat.join_all(DocRoom.of(doc_id=7), DocRoom.of(doc_id=8))
    await docs.emit(Reaction(emoji="x"))  # wrong: not in these rooms
    await docs.request(Reaction(emoji="x"))  # wrong: not in these rooms
    mixed = chat.join_all(LobbyRoom.of(), DocRoom.of(doc_id=7))
    await mixed.emit(Reaction(emoji="x"))  # wrong: not in all of these rooms
    await mixed.emit(Move(x=1, y=2))  # wrong: not in all of these rooms
    await mixed.emit(Posted(author="a", text="b"))  # wrong: the server's event
    DocRoom.of()  # wrong
    DocRoom.of(doc_id="seven")  # wrong
    LobbyRoom.of(doc_id=7)  # wrong
    chat.join_all("lobby")  # wrong: a name of no class
    chat.join_all(other.ARoom.of())  # wrong: of another contract
    mixed.on(Post)  # wrong: a client's event
    chat.once(Post)  # wrong: a client's event
    chat.once(Posted, third)  # wrong
    chat.set_auth("token")  # wrong
    await chat.send_raw(7)  # wrong

    try:
        await chat.emit(Post(text="x"))
    except MutedError as error:
        print(error.data.until.year, error.data.since)  # wrong: no such field

    other.Posted(b="x")
    chat.on(other.Posted)  # wrong: of another contract
    await chat.emit(other.Post(a=1))  # wrong: of another contract
    await chat.request(other.Post(a=1))  # wrong: of another contract
"""


@pytest.mark.parametrize("checker", [checkers.mypy, checkers.pyright])
def test_a_checker_refuses_what_is_wrong_and_nothing_else(
    checker: checkers.Checker, tmp_path: Path
) -> None:
    types = {name: model({"a": INTEGER}) for name in ("Only", "Post")}
    types["Posted"] = model({"b": STRING})
    events = [
        event("only", "client", ref("Only")),
        event("post", "client", ref("Post")),
        event("posted", "server", ref("Posted")),
    ]
    taken = [room_event("only"), room_event("post")]
    rooms = [
        room("a", client_events=taken),
        room("b:{b_id}", params={"b_id": INTEGER}, client_events=taken[1:]),
    ]
    contract = {**minimal(), "title": "Other", "events": events, "types": types, "rooms": rooms}
    other = sealed(contract)
    (tmp_path / "other.py").write_text(python(other), encoding="utf-8")
    lines, output = checkers.check(checker, PROGRAM, tmp_path)
    assert lines == checkers.marked(PROGRAM), output
